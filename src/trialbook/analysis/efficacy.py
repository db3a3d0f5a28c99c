"""Whether the treatment worked: values by visit, the difference at the final one, and the effect over follow-up."""

from dataclasses import replace
from functools import partial

import numpy as np
from scipy import stats

from trialbook.analysis import estimators
from trialbook.results.row import Results
from trialbook.stats import imputation

_SAID = {"pooled t": "pooled t test", "Welch": "Welch's t test"}
_RULE = {"available": "", "complete": ", complete cases", "imputed": ", multiple imputation"}
_NONE, _FEW = f"not estimable: {estimators.NONE}", f"not estimable: {estimators.FEW}"


def by_visit(trial):
    """Summarise each efficacy parameter by visit and arm.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``<paramcd>.<visit>.<arm>.{n, mean, sd, mean_sd, ci}`` in the parameter's unit, with the change from
        baseline as ``….change.mean_sd`` over subjects who have both values; the interval is that of a mean (t).
    """
    results = start_results(trial)
    for parameter, wide in each_parameter(trial):
        results.add(
            f"{parameter.id}.final.visit",
            trial.visits(parameter.paramcd)[-1].label.lower(),
            "text",
            dataset="trial.yml",
        )
        for visit in trial.visits(parameter.paramcd):
            for arm, values in wide.items():
                key = f"{parameter.id}.{trial.visit_id(visit, parameter.paramcd)}.{arm}"
                known = values[visit.avisitn].dropna()
                mean, sd = (
                    (known.mean(), known.std()) if len(known) > 1 else (known.mean() if len(known) else None, None)
                )
                both = None if sd is None else [mean, sd]
                half = stats.t.ppf(1 - trial.facts.alpha / 2, len(known) - 1) * known.sem() if both else None
                bounds = both and [mean - half, mean + half]
                fixed = facts_of(parameter, visit=visit.label, group=arm, n=len(known))
                results.add(f"{key}.n", len(known), "n", **{**fixed, "unit": "participants"})
                results.add(f"{key}.mean", mean, "mean", parameter.digits, method="" if len(known) else _NONE, **fixed)
                fixed["method"] = "" if both else _FEW
                results.add(f"{key}.sd", sd, "SD", parameter.digits, **fixed)
                results.add(f"{key}.mean_sd", both, "mean (SD)", parameter.digits, **fixed)
                results.add(f"{key}.ci", bounds, "ci", parameter.digits, **fixed)
                if visit.avisitn != trial.facts.visits.baseline and trial.facts.visits.baseline in values:
                    change = (values[visit.avisitn] - values[trial.facts.visits.baseline]).dropna()
                    moved = [change.mean(), change.std()] if len(change) > 1 else None
                    fixed |= {"n": len(change), "method": "" if moved else _FEW}
                    results.add(f"{key}.change.mean_sd", moved, "mean (SD)", parameter.digits, **fixed)
    return results


def final_difference(trial, test="pooled t", missing="available"):
    """Compare the arms at the last visit of each efficacy parameter, as published and with Welch's test.

    Parameters
    ----------
    trial : Trial
    test : {"pooled t", "Welch", "ANCOVA", "randomisation", "ANCOVA randomisation"}
        The default is as published.
    missing : {"available", "complete", "imputed"}

    Returns
    -------
    Results
        Keys ``<paramcd>.final.difference`` (test minus reference) with ``.ci``, ``.p``, ``.t``, ``.df``, and the
        same of Welch's test under ``….welch``; a drawn P has its Monte Carlo error as ``.p_se``. Not estimable, with
        the reason as method, where an arm has fewer than two values or neither arm varies.

    References
    ----------
    `effects.at_final_visit` gives the sources.
    """
    results = start_results(trial)
    for parameter, wide in each_parameter(trial):
        last = trial.visits(parameter.paramcd)[-1]
        datasets, refused = _completed(wide, missing)
        known = [values[last.avisitn].dropna() for values in datasets[0].values()]
        fixed = facts_of(parameter, visit=last.label, group="difference", n=sum(map(len, known)), estimand="final")
        key = f"{parameter.id}.final.difference"
        baseline, alpha = trial.facts.visits.baseline, trial.facts.alpha
        analyses = ((key, test, _SAID.get(test, test)), (f"{key}.welch", "Welch", _SAID["Welch"]))
        for name, chosen, method in analyses:
            estimate = partial(
                estimators.at_final_visit, baseline=baseline, last=last.avisitn, test=chosen, alpha=alpha
            )
            effect, reason = (None, refused) if refused else _pooled(datasets, estimate, alpha)
            method += _RULE[missing]
            if name == key:
                value, said = effect and effect.estimate, reason or method
                if reason and test in ("pooled t", "Welch") and all(map(len, known)):
                    value, said = known[0].mean() - known[1].mean(), "difference in means"
                results.add(key, value, "difference", parameter.digits, **{**fixed, "method": said})
            _add_effect(results, name, effect, reason or method, parameter.digits, fixed)
            fixed["method"] = reason or method
            results.add(f"{name}.t", effect and effect.statistic, "t", 2, **{**fixed, "unit": ""})
            if not effect or effect.df is not None:
                digits = 0 if chosen == "pooled t" else 1
                results.add(f"{name}.df", effect and effect.df, "df", digits, **{**fixed, "unit": ""})
    return results


def gee(trial, model=None, missing="available"):
    """Estimate the overall effect over the follow-up visits, as published and with small-sample inference.

    Parameters
    ----------
    trial : Trial
    model : effects.Model, optional
        As published if not given: Gaussian GEE with identity link, exchangeable working correlation, robust z;
        covariates are arm, baseline value and visit.
    missing : {"available", "complete", "imputed"}

    Returns
    -------
    Results
        Keys ``<paramcd>.gee.effect`` with ``.se``, ``.ci``, ``.p`` (by `model`) and the same under ``….cr2`` (CR2
        covariance, Satterthwaite t, with ``.df``); ``<paramcd>.gee.correlation`` and ``<paramcd>.gee.qic`` of the
        working correlation, on available values. A drawn P has its Monte Carlo error as ``.p_se``.

    References
    ----------
    Liang & Zeger 1986; Bell & McCaffrey 2002; Pustejovsky & Tipton 2018; Pan 2001 (QIC).
    """
    results, model = start_results(trial), model or estimators.Model()
    small = replace(model, estimator="GEE", covariance="CR2", reference="satterthwaite")
    if model.estimator == "REML":
        small = replace(small, correlation="exchangeable")
    for parameter, wide in each_parameter(trial):
        baseline, alpha = trial.facts.visits.baseline, trial.facts.alpha
        datasets, refused = _completed(wide, missing)
        y, _, groups, _, arms = estimators.design(datasets[0], baseline, model.adjusted)
        fixed = facts_of(
            parameter, visit="all follow-up visits", group="difference", n=len(set(groups)), estimand="follow_up"
        )
        key, digits = f"{parameter.id}.gee", parameter.model_digits
        for arm, n in arms.items():
            results.add(f"{key}.{arm}.n", n, "n", **{**fixed, "group": arm, "unit": "participants", "estimand": ""})
        results.add(f"{key}.observations.n", len(y), "count", **{**fixed, "unit": "observations", "estimand": ""})
        for name, chosen in (("effect", model), ("effect.cr2", small)):
            estimate = partial(_effect_over_follow_up, baseline=baseline, model=chosen, alpha=alpha)
            effect, reason = (None, refused) if refused else _pooled(datasets, estimate, alpha)
            method = reason or f"{chosen}{_RULE[missing]}"
            if name == "effect":
                results.add(f"{key}.effect", effect and effect.estimate, "difference", digits, method=method, **fixed)
            results.add(f"{key}.{name}.se", effect and effect.se, "SE", digits, method=method, **fixed)
            _add_effect(results, f"{key}.{name}", effect, method, digits, fixed)
        results.add(f"{key}.effect.cr2.df", effect and effect.df, "df", 1, method=method, **{**fixed, "unit": ""})
        fit, reason = _fitted(trial, wide, small)
        fixed |= {"unit": "", "estimand": "", "method": reason or small.correlation}
        alpha = fit and (fit.alpha if np.ndim(fit.alpha) == 0 else None)
        if not reason and alpha is None:
            fixed["method"] = "not estimable: an unstructured correlation is not one number"
        results.add(f"{key}.correlation", alpha, "correlation", 2, **fixed)
        results.add(f"{key}.qic", fit and fit.qic, "QIC", 1, **{**fixed, "method": reason or small.correlation})
    return results


def standardised_difference(trial):
    """Standardise the difference at the last visit of each efficacy parameter: Hedges' g.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``<paramcd>.final.g`` (test minus reference, in standard deviations) and ``<paramcd>.final.g.ci``; not
        estimable, with the reason as method, where `final_difference` has no pooled t test.

    References
    ----------
    `effects.hedges_g` gives the sources.
    """
    results = start_results(trial)
    for parameter, wide in each_parameter(trial):
        last = trial.visits(parameter.paramcd)[-1]
        groups = [values[last.avisitn].dropna().to_numpy() for values in wide.values()]
        fixed = facts_of(parameter, visit=last.label, group="difference", n=sum(map(len, groups)), estimand="final")
        fixed["unit"] = ""
        try:
            (g, *bounds), reason = estimators.hedges_g(*groups, trial.facts.alpha), None
        except estimators.EffectError as error:
            g, bounds, reason = None, None, f"not estimable: {error}"
        key, method = f"{parameter.id}.final.g", "noncentral t, of the effect that g estimates without bias"
        results.add(key, g, "g", 2, method=reason or "Hedges' g, exact correction", **fixed)
        results.add(f"{key}.ci", bounds, "ci", 2, method=reason or method, **fixed)
    return results


def _effect_over_follow_up(wide, **options):
    return estimators.over_follow_up(wide, **options)[0]


def _fitted(trial, wide, model):
    """The fitted GEE of a model on the available values, or why there is none."""
    try:
        return estimators.over_follow_up(wide, trial.facts.visits.baseline, model)[1], None
    except ValueError as error:
        return None, f"not estimable: {error}"


def _completed(wide, rule):
    """The data sets that a rule for missing values gives, and why it gives none but the one with its gaps."""
    if rule == "complete":
        return [{arm: values.dropna() for arm, values in wide.items()}], None
    if rule == "imputed":
        try:
            return imputation.completed(wide), None
        except imputation.ImputationError as error:
            return [wide], f"not estimable: {error}"
    return [wide], None


def _pooled(datasets, estimate, alpha):
    """Estimate the effect on each data set and pool it by Rubin's rules; or tell why that cannot be done."""
    try:
        found = [estimate(dataset) for dataset in datasets]
        return found[0] if len(found) == 1 else _combined(found, alpha), None
    except ValueError as error:
        return None, f"not estimable: {error}"


def _combined(found, alpha):
    """Pool the effects of imputed data sets by Rubin's rules."""
    pooled = imputation.pool(
        [effect.estimate for effect in found],
        [effect.se**2 for effect in found],
        np.mean([effect.df for effect in found]),
        alpha,
    )
    return estimators.Effect(
        pooled.estimate, pooled.se, pooled.estimate / pooled.se, pooled.df, pooled.p, pooled.lower, pooled.upper
    )


def _add_effect(results, key, effect, method, digits, fixed):
    """Record the interval and the P of an effect, with the Monte Carlo error of one that was drawn."""
    fixed = {**fixed, "method": method}
    bounded = effect and np.isfinite([effect.lower, effect.upper]).all()
    said = method if bounded or not effect else "not estimable: no allocation is extreme enough to bound the effect"
    bounds = [effect.lower, effect.upper] if bounded else None
    results.add(f"{key}.ci", bounds, "ci", digits, **{**fixed, "method": said})
    results.add(f"{key}.p", effect and effect.p, "p", **{**fixed, "unit": ""})
    if effect and effect.p_se is not None:
        results.add(f"{key}.p_se", effect.p_se, "Monte Carlo SE", 5, **{**fixed, "unit": ""})


def start_results(trial):
    """Begin the results of an analysis of ADLB in the efficacy set."""
    return Results(trial.facts.alpha, dataset="adlb", analysis_set=trial.facts.analysis_sets.efficacy.label)


def each_parameter(trial):
    """Yield each efficacy parameter with its values in the efficacy set, by arm: subjects × visits."""
    for parameter in trial.parameters("efficacy"):
        yield parameter, trial.values(parameter.paramcd, trial.facts.analysis_sets.efficacy)


def facts_of(parameter, **facts):
    return {"parameter": parameter.paramcd, "unit": parameter.unit, **facts}
