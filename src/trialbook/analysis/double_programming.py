"""Double programming: the headline numbers once more, from the tables, by ways that share no code with the engine.

What the engine computes from arrays of its own is computed here by a library's formula interface, by sums as a
textbook writes them, or by matrix algebra; only the final distribution functions are the same.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats

from trialbook.results.formats import slug
from trialbook.results.row import Result, Results
from trialbook.trial.config import Parameter
from trialbook.trial.model import Trial

TOLERANCE = 1e-6  # relative; iterated estimates agree to about 1e-9
DIGITS = 6
LARGEST = 1000  # records for which matrices of them all are at hand
NOTHING, ROUNDING = 1e-10, 1e-13  # relative size that is nothing: of an estimate, of the spread of numbers as given


class DisagreementError(AssertionError):
    """A number came out differently by the second way, or by one of the two not at all."""


@dataclass(frozen=True)
class Second:
    """A number computed a second time, and by which way; or why it cannot be."""

    value: float | int | list | None
    way: str
    reason: str = ""


def check(trial: Trial, reported: Mapping[str, Result], seconds: Mapping[str, Second]) -> Results:
    """Compare reported results with what the second way gives.

    Parameters
    ----------
    trial : Trial
    reported : mapping of str to Result
        By key; others than those that are computed twice may be among them.
    seconds : mapping of str to Second
        By the key of the result.

    Returns
    -------
    Results
        ``<key>.second``, the second value with its way as method, for each key; ``double.n``, how many. That both ways
        find a number not estimable is agreement too.

    Raises
    ------
    DisagreementError
        Names every number whose two values differ by more than a millionth, that is promised and not there on one of
        the two sides, or that only one of them can estimate.
    """
    results, apart = Results(trial.facts.alpha), []
    for key in dict.fromkeys([*seconds, *promised(trial)]):
        if key not in reported or key not in seconds:
            apart.append(f"{key} is not {'computed a second way' if key in reported else 'reported'}")
            continue
        first, second = reported[key], seconds[key]
        if not _agree(first.value, second.value):
            again = "not estimable" if second.value is None else second.value
            apart.append(
                f"{key} is {first.display if first.value is None else first.value} as reported and {again} by "
                f"{second.way}{f' ({second.reason})' if second.reason else ''}"
            )
            continue
        facts = {name: getattr(first, name) for name in ("parameter", "visit", "group", "unit", "n", "analysis_set")}
        facts |= {"dataset": first.dataset, "estimand": first.estimand, "label": first.label}
        digits = 0 if first.statistic == "percent" else DIGITS
        said = {"method": second.way, "reason": second.reason}
        results.add(f"{key}.second", second.value, first.statistic, digits, **facts, **said)
    if apart:
        raise DisagreementError("computed twice, with different outcomes:\n" + "\n".join(apart))
    results.add("double.n", len(results), "count", method="numbers computed a second way, all in agreement")
    return results


def _agree(first: Any, second: Any) -> bool:
    if first is None or second is None:
        return first is second
    return np.shape(first) == np.shape(second) and np.allclose(first, second, rtol=TOLERANCE, atol=1e-12)


def promised(trial: Trial) -> list[str]:
    """List the keys of the headline numbers, which must be there on both sides.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    list of str
        Those of `of_cohort`, `of_safety` (but for the terms, which the data name) and `of_efficacy`.
    """
    keys = ["cohort.randomised.n", *(f"cohort.randomised.{arm.id}.n" for arm in trial.arms)]
    if _flagged(trial.adae, "TRTEMFL"):
        lines = ["any", "serious"] if _flagged(trial.adae, "AESER") else ["any"]
        keys += [f"safety.{line}.{arm.id}.{part}" for line in lines for arm in trial.arms for part in ("n_of", "pct")]
        keys.append("safety.any.fisher.p")
    for parameter in trial.parameters("efficacy"):
        visits = {trial.visit_id(visit, parameter.paramcd) for visit in trial.visits(parameter.paramcd)}
        parts = [f"{visit}.{arm.id}.mean" for visit in visits & {"baseline", "final"} for arm in trial.arms]
        effects = ["final.difference", "gee.effect"]
        parts += [f"{effect}{part}" for effect in effects for part in ("", ".ci", ".p")]
        if len(_modelled(trial, _rows(trial, parameter))) <= LARGEST:
            parts += [f"gee.effect.cr2.{part}" for part in ("ci", "p", "df")]
        parts += [f"anova.{effect}.p" for effect in ("arm", "visit", "interaction")]
        keys += [f"{parameter.id}.{part}" for part in parts]
    return keys


def of_cohort(trial: Trial) -> dict[str, Second]:
    """Count the participants randomised, from the rows of ADSL.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    dict of str to Second
        Keys ``cohort.randomised.n`` and ``cohort.randomised.<arm>.n``.
    """
    counted, way = Counter(trial.adsl["TRT01P"]), "a count of the rows of ADSL"
    arms = {f"cohort.randomised.{arm.id}.n": Second(counted[arm.value], way) for arm in trial.arms}
    return {"cohort.randomised.n": Second(counted.total(), way), **arms}


def of_safety(trial: Trial) -> dict[str, Second]:
    """Count the participants with any adverse event, a serious one and each term, and test the first exactly.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    dict of str to Second
        Keys ``safety.{any, serious, <term>}.<arm>.{n_of, pct}`` and ``safety.any.fisher.p``; none without ADAE, or
        where it has no TRTEMFL, and none of serious events where it has no AESER.
    """
    if trial.adae is None or not _flagged(trial.adae, "TRTEMFL"):
        return {}
    flag = trial.facts.analysis_sets.safety.flag
    arms = {arm.value: arm.id for arm in trial.arms}
    inside = trial.adsl[trial.adsl[flag] == "Y"]
    received = inside.get("TRT01A", inside["TRT01P"])
    received = inside["TRT01P"] if received.isna().all() else received
    in_arm = {who: arms[arm] for who, arm in zip(inside["USUBJID"], received, strict=True) if arm in arms}
    sizes = Counter(in_arm.values())
    events = [row for row in trial.adae.itertuples() if row.TRTEMFL == "Y" and row.USUBJID in in_arm]
    affected = {(slug(row.AEDECOD), row.USUBJID) for row in events} | {("any", row.USUBJID) for row in events}
    lines = {"any", *(what for what, _ in affected)}
    if _flagged(trial.adae, "AESER"):
        affected |= {("serious", row.USUBJID) for row in events if row.AESER == "Y"}
        lines.add("serious")
    counted = Counter((what, in_arm[who]) for what, who in affected)
    seconds = {}
    for what in sorted(lines):
        for arm in trial.arms:
            n, size, way = counted[what, arm.id], sizes[arm.id], "a set of participants from the rows of ADAE"
            seconds[f"safety.{what}.{arm.id}.n_of"] = Second([n, size], way)
            seconds[f"safety.{what}.{arm.id}.pct"] = Second(100 * n / size, way)
    hits = [counted["any", arm.id] for arm in trial.arms]
    way = "the sum of hypergeometric probabilities"
    return seconds | {"safety.any.fisher.p": Second(_fisher(hits, [sizes[arm.id] for arm in trial.arms]), way)}


def _flagged(table: pd.DataFrame | None, column: str) -> bool:
    return table is not None and column in table and bool(table[column].notna().any())


def of_efficacy(trial: Trial) -> dict[str, Second]:
    """Compute the means, the effects and the analysis of variance of each efficacy parameter, as published.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    dict of str to Second
        Keys ``<paramcd>.{baseline, final}.<arm>.mean``, ``<paramcd>.final.difference`` with ``.ci`` and ``.p``,
        ``<paramcd>.gee.effect`` and, of no more than `LARGEST` records, ``<paramcd>.gee.effect.cr2`` with theirs, and
        ``<paramcd>.anova.{arm, visit, interaction}.p``.

    References
    ----------
    Liang & Zeger 1986; Bell & McCaffrey 2002; Pustejovsky & Tipton 2018 (CR2, Satterthwaite). Box 1954, Ann Math
    Stat 25:484 (epsilon); Winer 1971, Statistical Principles in Experimental Design (sums of squares).
    """
    seconds: dict[str, Second] = {}
    for parameter in trial.parameters("efficacy"):
        rows = _rows(trial, parameter)
        for part in (_means, _final, _gee, _anova):
            seconds |= {f"{parameter.id}.{key}": second for key, second in part(trial, parameter, rows).items()}
    return seconds


def _rows(trial: Trial, parameter: Parameter) -> pd.DataFrame:
    """The scheduled measurements of one parameter in the efficacy set, one a row, with the baseline value of each."""
    flag, start = trial.facts.analysis_sets.efficacy.flag, trial.facts.visits.baseline
    scheduled = [visit.avisitn for visit in trial.visits(parameter.paramcd)]
    own = trial.adlb[(trial.adlb["PARAMCD"] == parameter.paramcd) & trial.adlb["AVISITN"].isin(scheduled)]
    rows = own.merge(trial.adsl[trial.adsl[flag] == "Y"][["USUBJID", "TRT01P"]], on="USUBJID").dropna(subset="AVAL")
    baseline = rows[rows["AVISITN"] == start].set_index("USUBJID")["AVAL"]
    test = trial.arms[0].value
    return rows.assign(base=rows["USUBJID"].map(baseline), test=(rows["TRT01P"] == test) * 1.0).sort_values(
        ["USUBJID", "AVISITN"], ignore_index=True
    )


def _modelled(trial: Trial, rows: pd.DataFrame) -> pd.DataFrame:
    """The records of the longitudinal model: after the baseline, of participants who have one."""
    return rows[rows["AVISITN"] != trial.facts.visits.baseline].dropna(subset="base")


def _none(keys: list[str], way: str, reason: str) -> dict[str, Second]:
    return {key: Second(None, way, reason) for key in keys}


def _means(trial: Trial, parameter: Parameter, rows: pd.DataFrame) -> dict[str, Second]:
    means, way = rows.groupby(["TRT01P", "AVISITN"])["AVAL"].mean(), "the mean of the rows of ADLB"
    named = {trial.visit_id(visit, parameter.paramcd): visit.avisitn for visit in trial.visits(parameter.paramcd)}
    places = {
        f"{name}.{arm.id}.mean": (arm.value, named[name])
        for name in ("baseline", "final")
        for arm in trial.arms
        if name in named
    }
    return {
        key: Second(means[place], way) if place in means else Second(None, way, "no value")
        for key, place in places.items()
    }


def _final(trial: Trial, parameter: Parameter, rows: pd.DataFrame) -> dict[str, Second]:
    last = rows[rows["AVISITN"] == trial.final(parameter.paramcd).avisitn]
    key, way = "final.difference", "least squares on the arm (statsmodels)"
    groups = [last.loc[last["test"] == arm, "AVAL"] for arm in (1.0, 0.0)]
    if min(map(len, groups)) == 0:
        return _none([key, f"{key}.ci", f"{key}.p"], way, "an arm has no value")
    if min(map(len, groups)) < 2 or all(group.nunique() == 1 for group in groups):
        difference = groups[0].mean() - groups[1].mean()
        untested = _none([f"{key}.ci", f"{key}.p"], way, "nothing tells how the values of an arm vary")
        return {key: Second(difference, "two means of the rows of ADLB"), **untested}
    fit = smf.ols("AVAL ~ test", last).fit()
    interval = fit.conf_int(trial.facts.alpha).loc["test"].tolist()
    found = {"": fit.params["test"], ".ci": interval, ".p": fit.pvalues["test"]}
    return {key + part: Second(value, way) for part, value in found.items()}


def _gee(trial: Trial, parameter: Parameter, rows: pd.DataFrame) -> dict[str, Second]:
    records, way = _modelled(trial, rows), "statsmodels' GEE from a formula"
    keys = ["gee.effect", "gee.effect.ci", "gee.effect.p"]
    small = [f"gee.effect.cr2.{part}" for part in ("ci", "p", "df")] if len(records) <= LARGEST else []
    if records["test"].nunique() < 2:
        return _none(keys + small, way, "an arm has nobody with a baseline and a follow-up value")
    visits = " + C(AVISITN)" if records["AVISITN"].nunique() > 1 else ""
    unit = float(np.abs(records[["AVAL", "base"]].to_numpy()).max()) or 1.0  # of large values the program would warn
    records = records.assign(AVAL=records["AVAL"] / unit, base=records["base"] / unit)
    model = smf.gee(f"AVAL ~ test + base{visits}", "USUBJID", records, cov_struct=sm.cov_struct.Exchangeable())
    if reason := _why_not(model):
        return _none(keys + small, way, reason)
    fit = model.fit(ddof_scale=0, ctol=1e-10)
    sizes, rho = records.groupby("USUBJID").size(), float(fit.cov_struct.dep_params)
    if sizes.max() > 1 and min(1 - rho, 1 + (sizes.max() - 1) * rho) < NOTHING:
        return _none(keys + small, way, "the working correlation is singular")
    effect, se = fit.params["test"], math.sqrt(max(0.0, fit.cov_params().loc["test", "test"]))
    if se <= NOTHING * math.sqrt(fit.scale):
        return _none(keys + small, way, "the effect has no residual variance")
    margin = stats.norm.ppf(1 - trial.facts.alpha / 2) * se
    values = [effect * unit, [(effect - margin) * unit, (effect + margin) * unit], 2 * stats.norm.sf(abs(effect) / se)]
    found = {key: Second(value, way) for key, value in zip(keys, values, strict=True)}
    return found | _cr2(model, fit, unit, trial.facts.alpha) if small else found


def _why_not(model: sm.GEE) -> str:
    """Why a marginal model cannot be fitted; nothing if it can."""
    y, X = model.endog, model.exog
    if len(np.unique(model.groups)) <= X.shape[1]:
        return "there are too few participants for so many parameters"
    scaled = X / np.abs(X).max(axis=0).clip(min=1e-300)
    if np.linalg.matrix_rank(scaled) < X.shape[1]:
        return "arm, baseline and visits cannot be told apart"
    residual = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    return "the model fits exactly" if np.linalg.norm(residual) <= NOTHING * np.linalg.norm(y) else ""


def _cr2(model: sm.GEE, fit: Any, unit: float, alpha: float) -> dict[str, Second]:
    """CR2 and Satterthwaite's degrees of freedom as they are defined, with matrices of all records; y is in `unit`."""
    y, X, rho = model.endog, model.exog, float(fit.cov_struct.dep_params)
    same = np.asarray(model.groups)[:, None] == np.asarray(model.groups)
    Phi = np.where(same, rho, 0.0) + (1 - rho) * np.eye(len(y))
    W = np.linalg.inv(Phi)
    M = np.linalg.inv(X.T @ W @ X)
    residual_maker = np.eye(len(y)) - X @ M @ X.T @ W
    covariance = residual_maker @ Phi @ residual_maker.T
    load = W @ X @ M[:, model.exog_names.index("test")]
    weights = np.zeros((len(np.unique(model.groups)), len(y)))  # of the records in each subject's share of the error
    for row, name in zip(weights, np.unique(model.groups), strict=True):
        own = np.flatnonzero(model.groups == name)
        D = np.linalg.cholesky(Phi[np.ix_(own, own)]).T
        adjustment = D.T @ _inverse_root(D @ covariance[np.ix_(own, own)] @ D.T) @ D
        row[own] = adjustment @ load[own]
    variance = np.sum((weights @ (y - X @ fit.params.to_numpy())) ** 2)
    products = weights @ covariance @ weights.T
    df = np.trace(products) ** 2 / np.sum(products**2)
    effect, se = fit.params["test"], math.sqrt(variance)
    margin = stats.t.ppf(1 - alpha / 2, df) * se
    way = "CR2 by matrices of all records"
    return {
        "gee.effect.cr2.ci": Second([(effect - margin) * unit, (effect + margin) * unit], way),
        "gee.effect.cr2.p": Second(2 * stats.t.sf(abs(effect) / se, df), way),
        "gee.effect.cr2.df": Second(df, way),
    }


def _inverse_root(B: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(B)
    kept = values > 1e-10 * values.max()
    return vectors[:, kept] / np.sqrt(values[kept]) @ vectors[:, kept].T


def _anova(trial: Trial, parameter: Parameter, rows: pd.DataFrame) -> dict[str, Second]:
    """The arm × visit analysis of complete cases by sums of squares of cell means, type III."""
    way, keys = "sums of squares of the cell means", [f"anova.{effect}.p" for effect in ("arm", "visit", "interaction")]
    scheduled = [visit.avisitn for visit in trial.visits(parameter.paramcd)]
    wide = rows.pivot(index=["test", "USUBJID"], columns="AVISITN", values="AVAL").reindex(columns=scheduled).dropna()
    sizes = wide.groupby(level="test").size().reindex([0.0, 1.0], fill_value=0)
    k, n = wide.shape[1], sizes.sum()
    if k < 2 or sizes.min() < 2:
        return _none(keys, way, "an arm has fewer than two complete cases, or there is one visit")
    cells = wide.groupby(level="test").mean()
    harmonic = sizes[0.0] * sizes[1.0] / n
    people, arms = wide.mean(axis=1), cells.mean(axis=1)
    visits, gaps = cells.mean(axis=0), cells.loc[1.0] - cells.loc[0.0]
    within_arm = wide - cells.reindex(wide.index, level="test")
    between = k * np.sum((people - arms.reindex(people.index, level="test")) ** 2) / (n - 2)
    error = np.sum(within_arm.sub(within_arm.mean(axis=1), axis=0).to_numpy() ** 2) / ((n - 2) * (k - 1))
    if min(between, error) <= (ROUNDING * np.abs(wide.to_numpy()).max()) ** 2:
        return _none(keys, way, "the participants of an arm do not differ")
    epsilon = _box(within_arm.to_numpy().T @ within_arm.to_numpy())
    squares = {
        "visit": 4 * harmonic * np.sum((visits - visits.mean()) ** 2) / (k - 1) / error,
        "interaction": harmonic * np.sum((gaps - gaps.mean()) ** 2) / (k - 1) / error,
    }
    f = k * harmonic * (arms[1.0] - arms[0.0]) ** 2 / between
    found = {"anova.arm.p": Second(stats.f.sf(f, 1, n - 2), way)}
    for effect, square in squares.items():
        p = stats.f.sf(square, epsilon * (k - 1), epsilon * (k - 1) * (n - 2))
        found[f"anova.{effect}.p"] = Second(p, f"{way}, Box's epsilon")
    return found


def _box(S: np.ndarray) -> float:
    """Box's epsilon from the elements of the pooled covariance of the visits."""
    k, rows = len(S), S.mean(axis=1)
    top = k**2 * (np.diag(S).mean() - S.mean()) ** 2
    return top / ((k - 1) * (np.sum(S**2) - 2 * k * np.sum(rows**2) + k**2 * S.mean() ** 2))


def _fisher(hits: list[int], sizes: list[int]) -> float:
    """The two-sided exact P of a 2 × 2 table with these events of these participants."""
    total, both = sum(sizes), sum(hits)

    def ways(first):
        return math.comb(sizes[0], first) * math.comb(sizes[1], both - first)

    possible = range(max(0, both - sizes[1]), min(both, sizes[0]) + 1)
    as_extreme = sum(ways(first) for first in possible if ways(first) <= ways(hits[0]))
    return as_extreme / math.comb(total, both)
