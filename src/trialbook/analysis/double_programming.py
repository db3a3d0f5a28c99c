"""Double programming: the headline numbers once more, from the tables, by ways that share no code with the engine.

What the engine computes from arrays of its own is computed here by a library's formula interface, by sums as a
textbook writes them, or by matrix algebra; only the final distribution functions are the same.
"""

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats

from trialbook.results.formats import slug
from trialbook.results.row import Results

TOLERANCE = 1e-6  # relative; iterated estimates agree to about 1e-9
DIGITS = 6
LARGEST = 1000  # records for which matrices of them all are at hand


class DisagreementError(AssertionError):
    """A number came out differently by the second way."""


@dataclass(frozen=True)
class Second:
    """A number computed a second time, and by which way."""

    value: float | int | list
    way: str


def check(reported, seconds):
    """Compare reported results with what the second way gives.

    Parameters
    ----------
    reported : Results
    seconds : dict of str to Second
        By the key of the result.

    Returns
    -------
    Results
        ``<key>.second``, the second value with its way as method, for each key that was reported and could be
        estimated; ``double.n``, how many.

    Raises
    ------
    DisagreementError
        Names every number whose two values differ by more than a millionth.
    """
    results, apart = Results(reported.alpha), []
    for key, second in seconds.items():
        first = reported.get(key)
        if first is None or first.value is None:
            continue
        if not np.allclose(first.value, second.value, rtol=TOLERANCE, atol=1e-12):
            apart.append(f"{key} is {first.value} as reported and {second.value} by {second.way}")
        facts = {name: getattr(first, name) for name in ("parameter", "visit", "group", "unit", "n", "analysis_set")}
        facts |= {"dataset": first.dataset, "estimand": first.estimand, "method": second.way}
        digits = 0 if first.statistic == "percent" else DIGITS
        results.add(f"{key}.second", second.value, first.statistic, digits, **facts)
    if apart:
        raise DisagreementError("computed twice, with different outcomes:\n" + "\n".join(apart))
    results.add("double.n", len(results), "count", method="numbers computed a second way, all in agreement")
    return results


def of_cohort(trial):
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


def of_safety(trial):
    """Count the participants with any adverse event, a serious one and each term, and test the first exactly.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    dict of str to Second
        Keys ``safety.{any, serious, <term>}.<arm>.{n_of, pct}`` and ``safety.any.fisher.p``; none without ADAE, or
        where it has no TRTEMFL.
    """
    if trial.adae is None or "TRTEMFL" not in trial.adae:
        return {}
    flag = trial.facts.analysis_sets.safety.flag
    arms = {arm.value: arm.id for arm in trial.arms}
    in_arm = {row.USUBJID: arms[row.TRT01P] for row in trial.adsl.itertuples() if getattr(row, flag) == "Y"}
    sizes = Counter(in_arm.values())
    events = [row for row in trial.adae.itertuples() if row.TRTEMFL == "Y" and row.USUBJID in in_arm]
    affected = {(slug(row.AEDECOD), row.USUBJID) for row in events} | {("any", row.USUBJID) for row in events}
    affected |= {("serious", row.USUBJID) for row in events if getattr(row, "AESER", "") == "Y"}
    counted = Counter((what, in_arm[who]) for what, who in affected)
    seconds = {}
    for what in sorted({"any", "serious", *(what for what, _ in affected)}):
        for arm in (arm for arm in trial.arms if sizes[arm.id]):
            n, size, way = counted[what, arm.id], sizes[arm.id], "a set of participants from the rows of ADAE"
            seconds[f"safety.{what}.{arm.id}.n_of"] = Second([n, size], way)
            seconds[f"safety.{what}.{arm.id}.pct"] = Second(100 * n / size, way)
    hits = [counted["any", arm.id] for arm in trial.arms]
    way = "the sum of hypergeometric probabilities"
    return seconds | {"safety.any.fisher.p": Second(_fisher(hits, [sizes[arm.id] for arm in trial.arms]), way)}


def of_efficacy(trial):
    """Compute the means, the effects and the analysis of variance of each efficacy parameter, as published.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    dict of str to Second
        Keys ``<paramcd>.{baseline, final}.<arm>.mean``, ``<paramcd>.final.difference`` with ``.ci`` and ``.p``,
        ``<paramcd>.gee.effect`` and ``<paramcd>.gee.effect.cr2`` with theirs, and
        ``<paramcd>.anova.{arm, visit, interaction}.p``.

    References
    ----------
    Liang & Zeger 1986; Bell & McCaffrey 2002; Pustejovsky & Tipton 2018 (CR2, Satterthwaite). Box 1954, Ann Math
    Stat 25:484 (epsilon); Winer 1971, Statistical Principles in Experimental Design (sums of squares).
    """
    seconds = {}
    for parameter in trial.parameters("efficacy"):
        rows = _rows(trial, parameter)
        for part in (_means, _final, _gee, _anova):
            seconds |= {f"{parameter.id}.{key}": second for key, second in part(trial, parameter, rows).items()}
    return seconds


def _rows(trial, parameter):
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


def _means(trial, parameter, rows):
    means = rows.groupby(["TRT01P", "AVISITN"])["AVAL"].mean()
    named = {trial.visit_id(visit, parameter.paramcd): visit.avisitn for visit in trial.visits(parameter.paramcd)}
    return {
        f"{name}.{arm.id}.mean": Second(means[arm.value, named[name]], "the mean of the rows of ADLB")
        for name in ("baseline", "final")
        for arm in trial.arms
        if name in named and (arm.value, named[name]) in means
    }


def _final(trial, parameter, rows):
    last = rows[rows["AVISITN"] == trial.visits(parameter.paramcd)[-1].avisitn]
    if last.groupby("test")["AVAL"].count().reindex([0.0, 1.0], fill_value=0).min() < 2:
        return {}
    fit = smf.ols("AVAL ~ test", last).fit()
    return _effect("final.difference", fit, trial.facts.alpha, "least squares on the arm (statsmodels)")


def _effect(key, fit, alpha, way):
    interval = fit.conf_int(alpha).loc["test"].tolist()
    found = {"": fit.params["test"], ".ci": interval, ".p": fit.pvalues["test"]}
    return {key + part: Second(value, way) for part, value in found.items()}


def _gee(trial, parameter, rows):
    follow_up = rows[rows["AVISITN"] != trial.facts.visits.baseline].dropna(subset="base")
    visits = " + C(AVISITN)" if follow_up["AVISITN"].nunique() > 1 else ""
    try:
        model = smf.gee(f"AVAL ~ test + base{visits}", "USUBJID", follow_up, cov_struct=sm.cov_struct.Exchangeable())
        fit = model.fit(ddof_scale=0)
        second = _effect("gee.effect", fit, trial.facts.alpha, "statsmodels' GEE from a formula")
        return second | _cr2(model, fit, trial.facts.alpha)
    except (ValueError, np.linalg.LinAlgError):  # not estimable, which the engine says in words
        return {}


def _cr2(model, fit, alpha):
    """CR2 and Satterthwaite's degrees of freedom as they are defined, with matrices of all records."""
    y, X, rho = model.endog, model.exog, float(fit.cov_struct.dep_params)
    if len(y) > LARGEST:
        return {}
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
        "gee.effect.cr2.ci": Second([effect - margin, effect + margin], way),
        "gee.effect.cr2.p": Second(2 * stats.t.sf(abs(effect) / se, df), way),
        "gee.effect.cr2.df": Second(df, way),
    }


def _inverse_root(B):
    values, vectors = np.linalg.eigh(B)
    kept = values > 1e-10 * values.max()
    return vectors[:, kept] / np.sqrt(values[kept]) @ vectors[:, kept].T


def _anova(trial, parameter, rows):
    """The arm × visit analysis of complete cases by sums of squares of cell means, type III."""
    wide = rows.pivot(index=["test", "USUBJID"], columns="AVISITN", values="AVAL").dropna()
    sizes = wide.groupby(level="test").size().reindex([0.0, 1.0], fill_value=0)
    k, n = wide.shape[1], sizes.sum()
    if k < 2 or sizes.min() < 2:
        return {}
    cells = wide.groupby(level="test").mean()
    harmonic = sizes[0.0] * sizes[1.0] / n
    people, arms = wide.mean(axis=1), cells.mean(axis=1)
    visits, gaps = cells.mean(axis=0), cells.loc[1.0] - cells.loc[0.0]
    within_arm = wide - cells.reindex(wide.index, level="test")
    between = k * np.sum((people - arms.reindex(people.index, level="test")) ** 2) / (n - 2)
    error = np.sum(within_arm.sub(within_arm.mean(axis=1), axis=0).to_numpy() ** 2) / ((n - 2) * (k - 1))
    epsilon = _box(within_arm.to_numpy().T @ within_arm.to_numpy())
    squares = {
        "arm": k * harmonic * (arms[1.0] - arms[0.0]) ** 2 / between,
        "visit": 4 * harmonic * np.sum((visits - visits.mean()) ** 2) / (k - 1) / error,
        "interaction": harmonic * np.sum((gaps - gaps.mean()) ** 2) / (k - 1) / error,
    }
    way = "sums of squares of the cell means"
    found = {"anova.arm.p": Second(stats.f.sf(squares["arm"], 1, n - 2), way)}
    for effect in ("visit", "interaction"):
        p = stats.f.sf(squares[effect], epsilon * (k - 1), epsilon * (k - 1) * (n - 2))
        found[f"anova.{effect}.p"] = Second(p, f"{way}, Box's epsilon")
    return found


def _box(S):
    """Box's epsilon from the elements of the pooled covariance of the visits."""
    k, rows = len(S), S.mean(axis=1)
    top = k**2 * (np.diag(S).mean() - S.mean()) ** 2
    return top / ((k - 1) * (np.sum(S**2) - 2 * k * np.sum(rows**2) + k**2 * S.mean() ** 2))


def _fisher(hits, sizes):
    """The two-sided exact P of a 2 × 2 table with these events of these participants."""
    total, both = sum(sizes), sum(hits)

    def ways(first):
        return math.comb(sizes[0], first) * math.comb(sizes[1], both - first)

    possible = range(max(0, both - sizes[1]), min(both, sizes[0]) + 1)
    as_extreme = sum(ways(first) for first in possible if ways(first) <= ways(hits[0]))
    return as_extreme / math.comb(total, both)
