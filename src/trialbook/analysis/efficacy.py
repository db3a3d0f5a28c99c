"""Whether the treatment worked: values by visit, the difference at the final one, and the effect over follow-up."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from trialbook.analysis import by_visit as visits
from trialbook.analysis import estimators
from trialbook.analysis.estimators import Effect, Model, Wide, attempt
from trialbook.results.row import Fields, Results
from trialbook.stats import imputation
from trialbook.stats.effect_size import hedges_g
from trialbook.trial.config import Parameter
from trialbook.trial.model import Trial

_SAID = {"pooled t": "pooled t test", "Welch": "Welch's t test"}
_RULE = {"available": "", "complete": ", complete cases", "imputed": ", multiple imputation"}


def by_visit(trial: Trial) -> Results:
    """Summarise each efficacy parameter by visit and arm.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``<paramcd>.<visit>.<arm>.{n, mean, sd, mean_sd, ci, change.mean_sd}``, as of `by_visit.summarise`, and the
        final visit's name as ``<paramcd>.final.visit``.
    """
    chosen = trial.facts.analysis_sets.efficacy
    results = visits.summarise(trial, "efficacy", chosen, trial.subjects(chosen), ("mean", "sd", "mean_sd", "ci"))
    for parameter in trial.parameters("efficacy"):
        name = trial.final(parameter.paramcd).label.lower()
        results.add(f"{parameter.id}.final.visit", name, "text", dataset="trial.yml")
    return results


def final_difference(trial: Trial, test: str = "pooled t", missing: str = "available", beside: bool = True) -> Results:
    """Compare the arms at the last visit of each efficacy parameter, as published and with Welch's test.

    Parameters
    ----------
    trial : Trial
    test : {"pooled t", "Welch", "ANCOVA", "randomisation", "ANCOVA randomisation"}
        The default is as published.
    missing : {"available", "complete", "imputed"}
    beside : bool
        Whether Welch's test stands beside.

    Returns
    -------
    Results
        Keys ``<paramcd>.final.difference`` (test minus reference) with ``.se``, ``.ci``, half its width as
        ``.half_width``, ``.p``, ``.t`` and ``.df``, and the same of Welch's test under ``….welch``; a drawn P has its
        Monte Carlo error as ``.p_se``. Not estimable where an arm has fewer than two values or neither arm varies, but
        for the difference of two means.

    References
    ----------
    `estimators.at_final_visit` gives the sources.
    """
    results = start_results(trial)
    for parameter, wide in each_parameter(trial):
        tests = {f"{parameter.id}.final.difference": test}
        if beside:
            tests[f"{parameter.id}.final.difference.welch"] = "Welch"
        _add_final(results, trial, parameter, wide, tests, missing)
    return results


def _add_final(
    results: Results, trial: Trial, parameter: Parameter, wide: Wide, tests: dict[str, str], missing: str
) -> None:
    """Add the difference by each test, by its key; the first is that of the estimate."""
    last, key = trial.final(parameter.paramcd), f"{parameter.id}.final.difference"
    datasets, refused = attempt(_completed, wide, missing)
    known = [values[last.avisitn].dropna() for values in (datasets[0] if datasets else wide).values()]
    facts = facts_of(parameter, visit=last.label, group="difference", n=sum(map(len, known)), estimand="final")
    for name, chosen in tests.items():
        effect, reason = None, refused
        if datasets:
            alpha, start = trial.facts.alpha, trial.facts.visits.baseline
            estimate = partial(estimators.at_final_visit, baseline=start, last=last.avisitn, test=chosen, alpha=alpha)
            effect, reason = attempt(_pooled, datasets, estimate, alpha)
        facts |= {"method": _SAID.get(chosen, chosen) + _RULE[missing], "reason": reason}
        if name == key and not effect and chosen in _SAID and all(map(len, known)):
            said = {"method": "difference in means", "reason": ""}
            results.add(key, known[0].mean() - known[1].mean(), "difference", parameter.digits, **facts | said)
        elif name == key:
            results.add(key, effect and effect.estimate, "difference", parameter.digits, **facts)
        results.add(f"{name}.se", effect and effect.se, "SE", parameter.digits + 1, **facts)
        _add_interval_and_p(results, name, effect, parameter.digits, facts)
        results.add(f"{name}.t", effect and effect.statistic, "t", 2, **facts | {"unit": ""})
        if not effect or effect.df is not None:
            digits = 0 if chosen == "pooled t" else 1
            results.add(f"{name}.df", effect and effect.df, "df", digits, **facts | {"unit": ""})


def gee(trial: Trial, model: Model | None = None, missing: str = "available", beside: bool = True) -> Results:
    """Estimate the overall effect over the follow-up visits, as published and with small-sample inference.

    Parameters
    ----------
    trial : Trial
    model : estimators.Model, optional
        As published if not given: Gaussian GEE with identity link, exchangeable working correlation, robust z;
        covariates are arm, baseline value and visit.
    missing : {"available", "complete", "imputed"}
    beside : bool
        Whether small-sample inference stands beside that of the model.

    Returns
    -------
    Results
        Keys ``<paramcd>.gee.effect`` with ``.se``, ``.ci``, ``.p`` and, unless it is referred to z or to allocations,
        ``.df`` (by `model`), and the same under ``….cr2`` (CR2 covariance, Satterthwaite t). A drawn P has its Monte
        Carlo error as ``.p_se``. ``<paramcd>.gee.correlation`` and ``<paramcd>.gee.qic`` are of the working
        correlation, on available values.

    References
    ----------
    Liang & Zeger 1986; Bell & McCaffrey 2002; Pustejovsky & Tipton 2018; Pan 2001 (QIC).
    """
    results, model = start_results(trial), model or Model()
    for parameter, wide in each_parameter(trial):
        datasets, refused = attempt(_completed, wide, missing)
        records = estimators.design(datasets[0] if datasets else wide, trial.facts.visits.baseline, model.adjusted)
        facts = facts_of(parameter, visit="all follow-up visits", n=len(set(records.groups)))
        key = f"{parameter.id}.gee"
        for arm, n in records.arms.items():
            results.add(f"{key}.{arm}.n", n, "n", **facts | {"group": arm, "unit": "participants"})
        facts["group"] = "difference"
        results.add(f"{key}.observations.n", len(records.y), "count", **facts | {"unit": "observations"})
        for name, chosen in (("effect", model), ("effect.cr2", model.small_sample))[: 1 + beside]:
            effect, reason = None, refused
            if datasets:
                alpha = trial.facts.alpha
                baseline = trial.facts.visits.baseline
                estimate = partial(estimators.over_follow_up, baseline=baseline, model=chosen, alpha=alpha)
                effect, reason = attempt(_pooled, datasets, estimate, alpha)
            facts |= {"estimand": "follow_up", "method": f"{chosen}{_RULE[missing]}", "reason": reason}
            if name == "effect":
                results.add(f"{key}.effect", effect and effect.estimate, "difference", parameter.model_digits, **facts)
            results.add(f"{key}.{name}.se", effect and effect.se, "SE", parameter.model_digits, **facts)
            _add_interval_and_p(results, f"{key}.{name}", effect, parameter.model_digits, facts)
            if chosen.has_df:
                results.add(f"{key}.{name}.df", effect and effect.df, "df", 1, **facts | {"unit": ""})
        if beside or model.estimator == "GEE":
            _add_fit(results, trial, key, wide, model.small_sample, facts | {"unit": "", "estimand": ""})
    return results


def _add_fit(results: Results, trial: Trial, key: str, wide: Wide, model: Model, facts: Fields) -> None:
    """Record the working correlation and the QIC of a GEE on the available values."""
    fit, reason = attempt(estimators.fit, wide, trial.facts.visits.baseline, model)
    facts |= {"method": model.correlation, "reason": reason}
    results.add(f"{key}.qic", fit and fit.qic, "QIC", 1, **facts)
    one = fit and np.ndim(fit.alpha) == 0
    facts["reason"] = reason or ("" if one else "an unstructured correlation is not one number")
    results.add(f"{key}.correlation", fit.alpha if fit and one else None, "correlation", 2, **facts)


def standardised_difference(trial: Trial) -> Results:
    """Standardise the difference at the last visit of each efficacy parameter: Hedges' g.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``<paramcd>.final.g`` (test minus reference, in standard deviations) and ``<paramcd>.final.g.ci``; not
        estimable where `final_difference` has no pooled t test.

    References
    ----------
    `trialbook.stats.effect_size` gives the sources.
    """
    results = start_results(trial)
    for parameter, wide in each_parameter(trial):
        last = trial.final(parameter.paramcd)
        groups = [values[last.avisitn].dropna().to_numpy() for values in wide.values()]
        facts = facts_of(parameter, visit=last.label, group="difference", n=sum(map(len, groups)), estimand="final")
        found, reason = attempt(hedges_g, *groups, trial.facts.alpha)
        facts |= {"unit": "", "reason": reason}
        key, method = f"{parameter.id}.final.g", "noncentral t, of the effect that g estimates without bias"
        results.add(key, found and found.g, "g", 2, method="Hedges' g, exact correction", **facts)
        results.add(f"{key}.ci", found and [found.lower, found.upper], "ci", 2, method=method, **facts)
    return results


def _completed(wide: Wide, rule: str) -> list[Wide]:
    """The data sets that a rule for missing values gives."""
    if rule == "complete":
        return [{arm: values.dropna() for arm, values in wide.items()}]
    return imputation.completed(wide) if rule == "imputed" else [wide]


def _pooled(datasets: list[Wide], estimate: Callable[[Wide], Effect], alpha: float) -> Effect:
    """Estimate the effect on each data set, and pool imputed ones by Rubin's rules."""
    found = [estimate(dataset) for dataset in datasets]
    if len(found) == 1:
        return found[0]
    df = [effect.df for effect in found if effect.df is not None]
    if len(df) < len(found):
        raise ValueError("a randomisation test cannot be pooled over imputed data sets")
    pooled = imputation.pool([one.estimate for one in found], [one.se**2 for one in found], float(np.mean(df)), alpha)
    return Effect.of(pooled)


def _add_interval_and_p(results: Results, key: str, effect: Effect | None, digits: int, facts: Fields) -> None:
    """Record the interval and the P of an effect, with the Monte Carlo error of one that was drawn."""
    bounded = effect and np.isfinite([effect.lower, effect.upper]).all()
    reason = facts["reason"] or ("" if bounded else "no allocation is extreme enough to bound the effect")
    bounds = [effect.lower, effect.upper] if effect and bounded else None
    results.add(f"{key}.ci", bounds, "ci", digits, **facts | {"reason": reason})
    half = (bounds[1] - bounds[0]) / 2 if bounds else None
    results.add(f"{key}.half_width", half, "half-width", digits, **facts | {"reason": reason})
    results.add(f"{key}.p", effect and effect.p, "p", **facts | {"unit": ""})
    if effect and effect.p_se is not None:
        results.add(f"{key}.p_se", effect.p_se, "Monte Carlo SE", 5, **facts | {"unit": ""})


def start_results(trial: Trial) -> Results:
    """Begin the results of an analysis of ADLB in the efficacy set."""
    return Results(trial.facts.alpha, dataset="adlb", analysis_set=trial.facts.analysis_sets.efficacy.label)


def each_parameter(trial: Trial) -> Iterator[tuple[Parameter, Wide]]:
    """Yield each efficacy parameter with its values in the efficacy set, by arm: subjects × visits."""
    for parameter in trial.parameters("efficacy"):
        yield parameter, trial.values(parameter.paramcd, trial.facts.analysis_sets.efficacy)


def facts_of(parameter: Parameter, **facts: Any) -> Fields:
    """What all results of a parameter share."""
    return {"parameter": parameter.paramcd, "unit": parameter.unit, **facts}
