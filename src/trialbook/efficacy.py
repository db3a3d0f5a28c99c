"""Whether the treatment worked: visit summaries, the final difference, the mixed ANOVA and the GEE."""

import numpy as np
import pandas as pd
from scipy import stats

from trialbook import gee as gee_model
from trialbook.anova import AnovaError, mixed_anova
from trialbook.results import Results

_NONE = "not estimable: an arm has no value"
_FEW = "not estimable: an arm has fewer than two values"
_ALIKE = "not estimable: the values of each arm are all the same"


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
                fixed = _facts(parameter, visit=visit.label, group=arm, n=len(known))
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


def final_difference(trial):
    """Compare the arms at the last visit of each efficacy parameter with the pooled t test and Welch's.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``<paramcd>.final.difference`` (test minus reference) with ``.ci``, ``.p``, ``.t``, ``.df``, and the
        same under ``….welch``; not estimable, with the reason as method, where an arm has fewer than two values
        or neither arm varies.

    References
    ----------
    Student 1908; Welch 1947.
    """
    results = start_results(trial)
    for parameter, wide in each_parameter(trial):
        last = trial.visits(parameter.paramcd)[-1]
        test, reference = (values[last.avisitn].dropna() for values in wide.values())
        fixed = _facts(parameter, visit=last.label, group="difference", n=len(test) + len(reference))
        key = f"{parameter.id}.final.difference"
        fewest = min(len(test), len(reference))
        difference, method = (test.mean() - reference.mean(), "difference in means") if fewest else (None, _NONE)
        results.add(key, difference, "difference", parameter.digits, method=method, **fixed)
        reason = _FEW if fewest < 2 else _ALIKE if max(test.nunique(), reference.nunique()) == 1 else None
        for name, equal, method in ((key, True, "pooled t test"), (f"{key}.welch", False, "Welch's t test")):
            ci, p, t, df = (None,) * 4 if reason else _t_test(test, reference, equal, trial.facts.alpha)
            fixed["method"] = reason or method
            results.add(f"{name}.ci", ci, "ci", parameter.digits, **fixed)
            results.add(f"{name}.p", p, "p", **{**fixed, "unit": ""})
            results.add(f"{name}.t", t, "t", 2, **{**fixed, "unit": ""})
            results.add(f"{name}.df", df, "df", 0 if equal else 1, **{**fixed, "unit": ""})
    return results


def anova(trial):
    """Run the arm × visit repeated-measures ANOVA of each efficacy parameter on complete cases.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``<paramcd>.anova.{arm, visit, interaction}.{f, df, p}`` with the Greenhouse–Geisser P as the P of
        the within-subject rows, ``….p_uncorrected`` beside it, ``<paramcd>.anova.epsilon`` and
        ``<paramcd>.anova.<arm>.n``, the complete cases of each arm.

    References
    ----------
    Greenhouse & Geisser 1959; type III sums of squares.
    """
    results = start_results(trial)
    for parameter, wide in each_parameter(trial):
        _add_anova(results, parameter, wide)
    return results


def gee(trial):
    """Estimate the overall effect over the follow-up visits by GEE, as published and with small-sample inference.

    Gaussian outcome, identity link, exchangeable working correlation; covariates are arm, baseline value and visit.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``<paramcd>.gee.effect`` with ``.se``, ``.ci``, ``.p`` (robust covariance, z) and the same under
        ``….cr2`` (CR2 covariance, Satterthwaite t, with ``.df``); ``<paramcd>.gee.correlation``.

    References
    ----------
    Liang & Zeger 1986; Bell & McCaffrey 2002; Pustejovsky & Tipton 2018.
    """
    results = start_results(trial)
    for parameter, wide in each_parameter(trial):
        _add_gee(results, parameter, wide, trial)
    return results


def gee_design(wide, baseline, adjusted=True):
    """Lay out the follow-up records of one parameter as the arrays of a longitudinal model.

    Parameters
    ----------
    wide : dict of str to DataFrame
        By arm, test before reference: subjects × visits.
    baseline : float
        The baseline visit's column.
    adjusted : bool
        Whether the baseline value is a covariate, and a subject without it left out.

    Returns
    -------
    y : ndarray, shape (N,)
    X : ndarray, shape (N, p)
        Intercept, test arm (0/1), one indicator per follow-up visit but the first, baseline value if adjusted.
    groups : ndarray of str, shape (N,)
        Subject of each record.
    visits : ndarray of int, shape (N,)
        Index of the follow-up visit of each record.
    arms : dict of str to int
        Subjects in the model by arm.
    """
    long = []
    for index, (arm, values) in enumerate(wide.items()):
        follow_up = values.drop(columns=baseline, errors="ignore").melt(
            ignore_index=False, var_name="visit", value_name="y"
        )
        base = values[baseline] if baseline in values else pd.Series(np.nan, index=values.index)
        base = base.reindex(follow_up.index) if adjusted else 0.0
        long.append(follow_up.assign(arm=arm, test=1.0 - index, base=base).dropna().reset_index())
    rows = pd.concat(long)
    _, visits = np.unique(rows["visit"].to_numpy(float), return_inverse=True)
    indicators = np.eye(visits.max(initial=0) + 1)[visits, 1:]
    X = np.column_stack([np.ones(len(rows)), rows["test"], indicators, *([rows["base"]] if adjusted else [])])
    counts = rows.groupby("arm")["USUBJID"].nunique()
    arms = {arm: int(counts.get(arm, 0)) for arm in wide}
    return rows["y"].to_numpy(float), X.astype(float), rows["USUBJID"].to_numpy(), visits, arms


def _t_test(test, reference, pooled, alpha):
    """Compare two means by their variances, of which one may be zero: interval, two-sided P, t and its df."""
    sizes, variances = np.array([len(test), len(reference)]), np.array([test.var(), reference.var()])
    if pooled:
        df = sizes.sum() - 2
        square = (sizes - 1) @ variances / df * np.sum(1 / sizes)
    else:
        parts = variances / sizes
        square = parts.sum()
        df = square**2 / np.sum(parts**2 / (sizes - 1))
    difference, error = test.mean() - reference.mean(), np.sqrt(square)
    margin = stats.t.ppf(1 - alpha / 2, df) * error
    return (
        [difference - margin, difference + margin],
        2 * stats.t.sf(abs(difference / error), df),
        difference / error,
        df,
    )


def _add_anova(results, parameter, wide):
    complete = {arm: values.dropna() for arm, values in wide.items()}
    fixed = _facts(parameter, n=sum(map(len, complete.values()))) | {"unit": ""}
    key = f"{parameter.id}.anova"
    for arm, values in complete.items():
        results.add(f"{key}.{arm}.n", len(values), "n", **{**fixed, "group": arm, "unit": "participants"})
    labels = np.repeat(list(complete), [len(values) for values in complete.values()])
    try:
        answer, reason = mixed_anova(pd.concat(complete.values()).to_numpy(), labels), None
    except AnovaError as error:
        answer, reason = None, f"not estimable: {error}"

    def add(name, value, statistic, digits=0, method="F test"):
        results.add(f"{key}.{name}", value, statistic, digits, method=reason or method, **fixed)

    add("epsilon", answer and answer.epsilon_gg, "epsilon", 2, "Greenhouse–Geisser")
    for row in ("arm", "visit", "interaction"):
        effect = answer and getattr(answer, row)
        add(f"{row}.f", effect and effect.f, "F", 2)
        add(f"{row}.df", effect and f"{effect.df}, {effect.df_error}", "text")
        if row == "arm":
            add(f"{row}.p", effect and effect.p, "p")
        else:
            add(f"{row}.p", effect and effect.p_gg, "p", method="F test, Greenhouse–Geisser")
            add(f"{row}.p_uncorrected", effect and effect.p, "p", method="F test, sphericity assumed")


def _add_gee(results, parameter, wide, trial):
    y, X, groups, _, arms = gee_design(wide, trial.facts.visits.baseline)
    fixed = _facts(parameter, visit="all follow-up visits", group="difference", n=len(set(groups)))
    key = f"{parameter.id}.gee"
    for arm, n in arms.items():
        results.add(f"{key}.{arm}.n", n, "n", **{**fixed, "group": arm, "unit": "participants"})
    results.add(f"{key}.observations.n", len(y), "count", **{**fixed, "unit": "observations"})
    try:
        if empty := [arm.label for arm in trial.arms if not arms[arm.id]]:
            raise gee_model.GeeError(f"nobody in {' or '.join(empty)} has both a baseline and a follow-up value")
        contrast, alpha = np.eye(X.shape[1])[1], trial.facts.alpha
        model, reason = gee_model.fit(y, X, groups, structure="exchangeable"), None
        published = model.test(contrast, covariance="robust", reference="z", alpha=alpha)
        small = model.test(contrast, covariance="CR2", reference="satterthwaite", alpha=alpha)
    except gee_model.GeeError as error:
        model, published, small, reason = None, None, None, f"not estimable: {error}"

    def add(name, value, statistic, digits, method):
        unit = "" if statistic in ("p", "df", "correlation") else fixed["unit"]
        results.add(f"{key}.{name}", value, statistic, digits, method=reason or method, **{**fixed, "unit": unit})

    digits = parameter.model_digits
    add("correlation", model and model.alpha, "correlation", 2, "exchangeable")
    add("effect", published and published.estimate, "difference", digits, "GEE")
    tests = (("effect", published, "GEE, robust z"), ("effect.cr2", small, "GEE, CR2, Satterthwaite t"))
    for name, test, method in tests:
        add(f"{name}.se", test and test.se, "SE", digits, method)
        add(f"{name}.ci", test and [test.lower, test.upper], "ci", digits, method)
        add(f"{name}.p", test and test.p, "p", 0, method)
    add("effect.cr2.df", small and small.df, "df", 1, "Satterthwaite")


def start_results(trial):
    """Begin the results of an analysis of ADLB in the efficacy set."""
    return Results(trial.facts.alpha, dataset="adlb", analysis_set=trial.facts.analysis_sets.efficacy.label)


def each_parameter(trial):
    """Yield each efficacy parameter with its values in the efficacy set, by arm: subjects × visits."""
    for parameter in trial.parameters("efficacy"):
        yield parameter, trial.values(parameter.paramcd, trial.facts.analysis_sets.efficacy)


def _facts(parameter, **facts):
    return {"parameter": parameter.paramcd, "unit": parameter.unit, **facts}
