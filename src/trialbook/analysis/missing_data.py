"""What is missing and why, and what the effect is if it is missing at random, or worse than that."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize

from trialbook.analysis.efficacy import each_parameter, start_results
from trialbook.analysis.estimators import Wide, attempt
from trialbook.results.formats import number, p_value, slug
from trialbook.results.row import Fields, Results
from trialbook.stats import imputation
from trialbook.stats.two_means import t_test
from trialbook.trial.config import Parameter
from trialbook.trial.model import Trial

PATTERNS = {
    "complete": "No value missing",
    "no_baseline": "No baseline value",
    "no_follow_up": "No value after baseline",
    "stopped_early": "No value after some visit",
    "gap": "A visit missed, a later one attended",
}
SHIFTS = 0.5 * np.arange(7)  # of the tipping analysis, in standard deviations
FINE = np.linspace(0, SHIFTS[-1], 61)  # where the first crossing of alpha is looked for


def patterns(trial: Trial) -> Results:
    """Count the values missing by visit and arm, the participants by pattern, and the reasons their disposition gives.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``missing.<arm>.n``, the participants of the efficacy set; for each parameter
        ``<paramcd>.missing.n_of`` and ``.<arm>.n_of`` (of participants × scheduled visits),
        ``.<visit>.<arm>.n``, ``.<arm>.<pattern>.n`` for each of `PATTERNS`, which exclude each other, and
        ``.<arm>.reason.<reason>.n``, the participants with a value missing by their EOSSTT and DCSREAS.
    """
    results = start_results(trial)
    subjects = trial.subjects(trial.facts.analysis_sets.efficacy)
    for arm, rows in subjects.items():
        results.add(f"missing.{arm}.n", len(rows), "n", group=arm, unit="participants", dataset="adsl")
    for parameter in trial.parameters("efficacy"):
        wide = trial.observed(parameter.paramcd, trial.facts.analysis_sets.efficacy)
        key = f"{parameter.id}.missing"
        fixed: Fields = {"parameter": parameter.paramcd, "unit": "values"}
        cells = {arm: [int(values.isna().sum().sum()), values.size] for arm, values in wide.items()}
        results.add(f"{key}.n_of", np.sum(list(cells.values()), axis=0), "n of N", **fixed)
        for visit in trial.visits(parameter.paramcd):
            name = trial.visit_id(visit, parameter.paramcd)
            for arm, values in wide.items():
                facts = {**fixed, "visit": visit.label, "group": arm, "n": len(values)}
                results.add(f"{key}.{name}.{arm}.n", int(values[visit.avisitn].isna().sum()), "n", **facts)
        fixed["unit"] = "participants"
        reasons = {arm: _reasons(subjects[arm], values) for arm, values in wide.items()}
        named = {slug(reason): reason for found in reasons.values() for reason in sorted(set(found))}
        for arm, values in wide.items():
            facts = {**fixed, "group": arm, "n": len(values)}
            results.add(f"{key}.{arm}.n_of", cells[arm], "n of N", **{**facts, "unit": "values"})
            pattern = _patterns(values, trial.facts.visits.baseline)
            for name, label in PATTERNS.items():
                results.add(f"{key}.{arm}.{name}.n", int((pattern == name).sum()), "n", label=label, **facts)
            for name, reason in named.items():
                n = sum(slug(other) == name for other in reasons[arm])
                results.add(f"{key}.{arm}.reason.{name}.n", n, "n", label=reason, **{**facts, "dataset": "adsl"})
    return results


def imputed(trial: Trial, draws: int = imputation.DRAWS, seed: int = imputation.SEED) -> Results:
    """Estimate the effects with what is missing imputed many times, as missing at random.

    Parameters
    ----------
    trial : Trial
    draws, seed : int
        As of `imputation.impute`.

    Returns
    -------
    Results
        Keys ``<paramcd>.missing.imputed.follow_up.{effect, se, df, ci, p, fmi}`` (GEE with baseline, exchangeable,
        CR2, Satterthwaite t) and the same under ``….final`` (difference, pooled t), of all participants of the
        efficacy set; ``fmi`` is the percentage of information that is missing. Where nothing is, the answers of
        the data as they are.

    References
    ----------
    `trialbook.stats.imputation` gives the sources.
    """
    results = start_results(trial)
    for parameter, wide in each_parameter(trial):
        visits = {"follow_up": "all follow-up visits", "final": trial.final(parameter.paramcd).label}
        digits = {"follow_up": parameter.model_digits, "final": parameter.digits}
        methods = {"follow_up": "GEE, CR2, Satterthwaite t", "final": "pooled t test"}
        datasets, refused = attempt(imputation.completed, wide, draws, seed)
        for estimand, analysis in (("follow_up", _over_follow_up), ("final", _at_final_visit)):
            effect, reason = None, refused
            if datasets:
                effect, reason = attempt(analysis, trial, wide, datasets)
            key, method = f"{parameter.id}.missing.imputed.{estimand}", f"{methods[estimand]}; {_how(wide, draws)}"
            facts = _facts(parameter, wide, visit=visits[estimand], estimand=estimand, method=method, reason=reason)
            _add(results, key, effect, digits[estimand], facts)
            results.add(f"{key}.se", effect and effect.se, "SE", digits[estimand] + (estimand == "final"), **facts)
            results.add(f"{key}.df", effect and effect.df, "df", 1, **{**facts, "unit": ""})
            results.add(f"{key}.fmi", effect and 100 * effect.fmi, "percent", **{**facts, "unit": "", "estimand": ""})
    return results


def tipping(trial: Trial, draws: int = imputation.DRAWS, seed: int = imputation.SEED) -> Results:
    """Shift the imputed values of the test arm against the effect until it is no longer significant.

    Each imputed follow-up value of the test arm is shifted by the same amount. The shifts are multiples of the
    standard deviation of the observed follow-up values, within arms and visits.

    Parameters
    ----------
    trial : Trial
    draws, seed : int
        As of `imputation.impute`.

    Returns
    -------
    Results
        Keys ``<paramcd>.tipping.<k>.{sds, delta, effect, ci, p}`` for the k-th of `SHIFTS`, the mean effect over the
        follow-up visits as of `imputed`, which the first repeats; ``<paramcd>.tipping.point``, the smallest shift
        at which P reaches alpha, or in words why there is none.

    References
    ----------
    Carpenter and Kenward (2013), Multiple Imputation and its Application. Cro, Morris, Kenward and Carpenter (2020),
    Stat Med 39:2815-2842.
    """
    results = start_results(trial)
    for parameter, wide in each_parameter(trial):
        _add_tipping(results, trial, parameter, wide, draws, seed)
    return results


@dataclass(frozen=True)
class _FollowUp:
    """Completed data by draw and subject: follow-up means, the share of each that was imputed, arm and baseline."""

    means: np.ndarray
    imputed: np.ndarray
    test: np.ndarray
    baseline: np.ndarray
    alpha: float

    def effect(self, shift: float = 0.0) -> imputation.Pooled:
        """Pool the effect with the imputed values of the test arm shifted."""
        shifted = self.means + shift * self.imputed * self.test
        estimates, variances, df = imputation.mean_effect(shifted, self.test, self.baseline)
        return imputation.pool(estimates, variances, df.mean(), self.alpha)

    @property
    def shiftable(self) -> bool:
        """Whether a follow-up value of the test arm was imputed."""
        return bool((self.imputed * self.test).any())


def _follow_up(trial: Trial, wide: Wide, datasets: list[Wide]) -> _FollowUp:
    test, observed = imputation.stacked(wide)
    complete = np.stack([imputation.stacked(dataset)[1] for dataset in datasets])
    imputed = np.isnan(observed[:, 1:]).mean(axis=1)  # trial.values puts the baseline first
    return _FollowUp(complete[:, :, 1:].mean(axis=2), imputed, test, complete[:, :, 0], trial.facts.alpha)


def _over_follow_up(trial: Trial, wide: Wide, datasets: list[Wide]) -> imputation.Pooled:
    return _follow_up(trial, wide, datasets).effect()


def _at_final_visit(trial: Trial, wide: Wide, datasets: list[Wide]) -> imputation.Pooled:
    """Pool the difference at the final visit."""
    visits, alpha = list(next(iter(wide.values()))), trial.facts.alpha
    last = trial.facts.visits.final if trial.facts.visits.final in visits else visits[-1]
    pairs = [[arm[last].to_numpy(float) for arm in data.values()] for data in datasets]
    found = [t_test(test, reference, alpha=alpha) for test, reference in pairs]
    return imputation.pool([one.estimate for one in found], [one.se**2 for one in found], found[0].df, alpha)


def _add_tipping(results: Results, trial: Trial, parameter: Parameter, wide: Wide, draws: int, seed: int) -> None:
    key, alpha = f"{parameter.id}.tipping", trial.facts.alpha
    follow_up, reason = attempt(lambda: _follow_up(trial, wide, imputation.completed(wide, draws, seed)))
    effect = None
    if follow_up:
        effect, reason = attempt(follow_up.effect)
    shiftable = follow_up if effect and follow_up and follow_up.shiftable else None
    unit = -np.copysign(_spread(trial, wide), effect.estimate) if effect and shiftable else 0.0
    method = f"GEE, CR2, Satterthwaite t; {_how(wide, draws)}"
    facts = _facts(parameter, wide, visit="all follow-up visits", method=method, reason=reason)
    for k, shift in enumerate(SHIFTS if shiftable else SHIFTS[:1]):
        row, shifts = f"{key}.{k}", facts | {"reason": ""}
        results.add(f"{row}.sds", shift * np.sign(unit), "shift in SD", 1, **shifts | {"unit": ""})
        results.add(f"{row}.delta", shift * unit, "shift", parameter.model_digits, **shifts)
        shifted = shiftable.effect(shift * unit) if shiftable else effect
        _add(results, row, shifted, parameter.model_digits, facts | {"estimand": "follow_up"})
    shift = _first_crossing(shiftable, unit, alpha) if shiftable else None
    facts["estimand"] = "follow_up"
    if not effect or shift:
        said = f"the tipping point is the smallest shift in {trial.arms[0].label} at which P reaches alpha"
        point = shift * unit if shift else None
        results.add(f"{key}.point", point, "shift", parameter.model_digits, **facts | {"method": f"{said}; {method}"})
    else:
        said = _why_no_point(trial, parameter, wide, effect.p, unit)
        results.add(f"{key}.point", f"none ({said})", "text", **facts | {"unit": ""})


def _why_no_point(trial: Trial, parameter: Parameter, wide: Wide, p: float, unit: float) -> str:
    """Say in words why no shift, in multiples of `unit`, makes an effect insignificant whose P is `p` without one."""
    if not _lacking(wide):
        return "nothing is missing"
    if not unit:
        return f"no follow-up value of {trial.arms[0].label} is missing"
    if p >= trial.facts.alpha:
        return f"P is {p_value(p, trial.facts.alpha)} without any shift"
    furthest = number(SHIFTS[-1] * unit, parameter.model_digits)
    return f"P stays below {trial.facts.alpha:g} up to a shift of {furthest} {parameter.unit}".rstrip()


def _first_crossing(follow_up: _FollowUp, unit: float, alpha: float) -> float | None:
    """The smallest shift, in standard deviations, at which P reaches alpha; None where it is below at all of `FINE`."""

    def excess(shift):
        return follow_up.effect(shift * unit).p - alpha

    beyond = next((k for k, shift in enumerate(FINE) if excess(shift) >= 0), None)
    return beyond and optimize.brentq(excess, FINE[beyond - 1], FINE[beyond])


def _spread(trial: Trial, wide: Wide) -> float:
    """The standard deviation of the follow-up values observed, pooled over arms and visits."""
    follow_up = [values.drop(columns=trial.facts.visits.baseline) for values in wide.values()]
    squares = sum(((values - values.mean()) ** 2).sum().sum() for values in follow_up)
    return np.sqrt(squares / sum((values.count() - 1).clip(lower=0).sum() for values in follow_up))


def _patterns(values: pd.DataFrame, baseline: float) -> np.ndarray:
    """Name the pattern of each subject (rows) over the scheduled visits (columns), one of `PATTERNS`."""
    known = values.notna()
    after = known.drop(columns=baseline)
    resumed = (after.astype(int).diff(axis=1) == 1).any(axis=1) | ~after.iloc[:, 0]
    choices = {"complete": known.all(axis=1), "no_follow_up": ~after.any(axis=1), "no_baseline": ~known[baseline]}
    return np.select(list(choices.values()), list(choices), np.where(resumed, "gap", "stopped_early"))


def _reasons(subjects: pd.DataFrame, values: pd.DataFrame) -> list[str]:
    """Tell for each subject with a value missing why, by the disposition in ADSL."""
    lacking = subjects[values.isna().any(axis=1).to_numpy()]

    def column(name):
        return lacking[name] if name in lacking else [None] * len(lacking)

    return [_reason(*pair) for pair in zip(column("EOSSTT"), column("DCSREAS"), strict=True)]


def _reason(status: object, reason: object) -> str:
    if isinstance(reason, str):
        return reason.lower()
    said = {"COMPLETED": "completed the trial", "ONGOING": "still in the study", "DISCONTINUED": "reason not given"}
    return said.get(status.upper(), status.lower()) if isinstance(status, str) else "reason not recorded"


def _lacking(wide: Wide) -> int:
    return sum(int(values.isna().sum().sum()) for values in wide.values())


def _how(wide: Wide, draws: int) -> str:
    return f"{draws} imputations, missing at random" if _lacking(wide) else "nothing is missing, nothing imputed"


def _facts(parameter: Parameter, wide: Wide, **facts: Any) -> Fields:
    n = sum(map(len, wide.values()))
    return {"parameter": parameter.paramcd, "unit": parameter.unit, "group": "difference", "n": n, **facts}


def _add(results: Results, key: str, effect: imputation.Pooled | None, digits: int, facts: Fields) -> None:
    results.add(f"{key}.effect", effect and effect.estimate, "difference", digits, **facts)
    results.add(f"{key}.ci", effect and [effect.lower, effect.upper], "ci", digits, **facts)
    results.add(f"{key}.p", effect and effect.p, "p", **{**facts, "unit": ""})
