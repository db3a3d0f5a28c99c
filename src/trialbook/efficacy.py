"""Whether the treatment worked: visit summaries, the final difference, the mixed ANOVA and the GEE."""

import numpy as np
import pandas as pd
from scipy import stats

from trialbook import gee as gee_model
from trialbook.anova import mixed_anova
from trialbook.results import Results


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
    results = _results(trial)
    for parameter, wide in _each(trial):
        results.add(f"{parameter.id}.final.visit", trial.visits(parameter.paramcd)[-1].label.lower(), "text", dataset="trial.yml")
        for visit in trial.visits(parameter.paramcd):
            for arm, values in wide.items():
                known = values[visit.avisitn].dropna()
                mean, sd = (known.mean(), known.std()) if len(known) else (None, None)
                half = stats.t.ppf(1 - trial.facts.alpha / 2, len(known) - 1) * known.sem() if len(known) > 1 else np.nan
                key = f"{parameter.id}.{trial.visit_id(visit, parameter.paramcd)}.{arm}"
                fixed = _facts(parameter, visit=visit.label, group=arm, n=len(known))
                results.add(f"{key}.n", len(known), "n", **{**fixed, "unit": "participants"})
                results.add(f"{key}.mean", mean, "mean", parameter.digits, **fixed)
                results.add(f"{key}.sd", sd, "SD", parameter.digits, **fixed)
                results.add(f"{key}.mean_sd", [mean, sd], "mean (SD)", parameter.digits, **fixed)
                results.add(f"{key}.ci", mean and [mean - half, mean + half], "ci", parameter.digits, **fixed)
                if visit.avisitn != trial.facts.visits.baseline and trial.facts.visits.baseline in values:
                    change = (values[visit.avisitn] - values[trial.facts.visits.baseline]).dropna()
                    moved = [change.mean(), change.std()] if len(change) > 1 else None
                    fixed["n"] = len(change)
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
        same under ``….welch``; not estimable where an arm has fewer than two values.

    References
    ----------
    Student 1908; Welch 1947.
    """
    results = _results(trial)
    for parameter, wide in _each(trial):
        last = trial.visits(parameter.paramcd)[-1]
        test, reference = (values[last.avisitn].dropna() for values in wide.values())
        estimable = min(len(test), len(reference)) > 1 and max(test.std(), reference.std()) > 0
        fixed = _facts(parameter, visit=last.label, group="difference", n=len(test) + len(reference))
        key = f"{parameter.id}.final.difference"
        difference = test.mean() - reference.mean() if len(test) and len(reference) else None
        results.add(key, difference, "difference", parameter.digits, method="difference in means", **fixed)
        for name, equal, method in ((key, True, "pooled t test"), (f"{key}.welch", False, "Welch's t test")):
            answer = stats.ttest_ind(test, reference, equal_var=equal) if estimable else None
            bounds = answer and list(answer.confidence_interval(1 - trial.facts.alpha))
            results.add(f"{name}.ci", bounds, "ci", parameter.digits, method=method, **fixed)
            results.add(f"{name}.p", answer and answer.pvalue, "p", method=method, **{**fixed, "unit": ""})
            results.add(f"{name}.t", answer and answer.statistic, "t", 2, method=method, **{**fixed, "unit": ""})
            results.add(f"{name}.df", answer and answer.df, "df", 0 if equal else 1, method=method, **{**fixed, "unit": ""})
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
    results = _results(trial)
    for parameter, wide in _each(trial):
        complete = {arm: values.dropna() for arm, values in wide.items()}
        fixed = _facts(parameter, n=sum(map(len, complete.values()))) | {"unit": ""}
        key = f"{parameter.id}.anova"
        for arm, values in complete.items():
            results.add(f"{key}.{arm}.n", len(values), "n", **{**fixed, "group": arm, "unit": "participants"})
        labels = np.repeat(list(complete), [len(values) for values in complete.values()])
        try:
            answer = mixed_anova(pd.concat(complete.values()).to_numpy(), labels)
        except ValueError as error:
            for row in ("arm", "visit", "interaction"):
                results.add(f"{key}.{row}.p", None, "p", method=f"not estimable: {error}", **fixed)
            continue
        results.add(f"{key}.epsilon", answer.epsilon_gg, "epsilon", 2, method="Greenhouse–Geisser", **fixed)
        for row, effect in (("arm", answer.arm), ("visit", answer.visit), ("interaction", answer.interaction)):
            corrected = effect.p if effect.p_gg is None else effect.p_gg
            results.add(f"{key}.{row}.f", effect.f, "F", 2, **fixed)
            results.add(f"{key}.{row}.df", f"{effect.df}, {effect.df_error}", "text", **fixed)
            method = "F test" if row == "arm" else "F test, Greenhouse–Geisser"
            results.add(f"{key}.{row}.p", corrected, "p", method=method, **fixed)
            if row != "arm":
                results.add(f"{key}.{row}.p_uncorrected", effect.p, "p", method="F test, sphericity assumed", **fixed)
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
    results = _results(trial)
    for parameter, wide in _each(trial):
        y, X, groups, arms = gee_design(wide, trial.facts.visits.baseline)
        fixed = _facts(parameter, visit="all follow-up visits", group="difference", n=len(set(groups)))
        key = f"{parameter.id}.gee"
        for arm, n in arms.items():
            results.add(f"{key}.{arm}.n", n, "n", **{**fixed, "group": arm, "unit": "participants"})
        results.add(f"{key}.observations.n", len(y), "count", **{**fixed, "unit": "observations"})
        contrast = np.eye(X.shape[1])[1]
        try:
            model = gee_model.fit(y, X, groups, structure="exchangeable")
            published = model.test(contrast, covariance="robust", reference="z", alpha=trial.facts.alpha)
            small = model.test(contrast, covariance="CR2", reference="satterthwaite", alpha=trial.facts.alpha)
        except ValueError as error:
            for name in ("effect", "effect.ci", "effect.p", "effect.cr2.ci", "effect.cr2.p"):
                results.add(f"{key}.{name}", None, name.split(".")[-1], method=f"not estimable: {error}", **fixed)
            continue
        results.add(f"{key}.correlation", model.alpha, "correlation", 2, method="exchangeable", **{**fixed, "unit": ""})
        results.add(f"{key}.effect", published.estimate, "difference", parameter.model_digits or 2, method="GEE", **fixed)
        tests = ((f"{key}.effect", published, "GEE, robust z"), (f"{key}.effect.cr2", small, "GEE, CR2, Satterthwaite t"))
        for name, test, method in tests:
            digits = parameter.model_digits or 2
            results.add(f"{name}.se", test.se, "SE", digits, method=method, **fixed)
            results.add(f"{name}.ci", [test.lower, test.upper], "ci", digits, method=method, **fixed)
            results.add(f"{name}.p", test.p, "p", method=method, **{**fixed, "unit": ""})
        results.add(f"{key}.effect.cr2.df", small.df, "df", 1, method="Satterthwaite", **{**fixed, "unit": ""})
    return results


def gee_design(wide, baseline):
    """Lay out the follow-up records of one parameter as the arrays of a GEE.

    Parameters
    ----------
    wide : dict of str to DataFrame
        By arm, test before reference: subjects × visits.
    baseline : float
        The baseline visit's column.

    Returns
    -------
    y : ndarray, shape (N,)
    X : ndarray, shape (N, 3 + visits − 1)
        Intercept, test arm (0/1), baseline value, one indicator per follow-up visit but the first.
    groups : ndarray of str, shape (N,)
    arms : dict of str to int
        Subjects in the model by arm: those with a baseline and at least one follow-up value.
    """
    long = []
    for index, (arm, values) in enumerate(wide.items()):
        follow_up = values.drop(columns=baseline, errors="ignore").melt(ignore_index=False, var_name="visit", value_name="y")
        base = values[baseline] if baseline in values else pd.Series(np.nan, index=values.index)
        long.append(follow_up.assign(arm=arm, test=1.0 - index, base=base.reindex(follow_up.index)).dropna().reset_index())
    rows = pd.concat(long)
    visits = [np.equal(rows["visit"].to_numpy(float), visit) for visit in sorted(set(rows["visit"]))[1:]]
    X = np.column_stack([np.ones(len(rows)), rows["test"], rows["base"], *visits]).astype(float)
    counts = rows.groupby("arm")["USUBJID"].nunique()
    return rows["y"].to_numpy(float), X, rows["USUBJID"].to_numpy(), {arm: int(counts.get(arm, 0)) for arm in wide}


def _results(trial):
    return Results(trial.facts.alpha, dataset="adlb", analysis_set=trial.facts.analysis_sets.efficacy.label)


def _each(trial):
    """Yield each efficacy parameter with its values by arm, subjects × visits."""
    for parameter in trial.parameters("efficacy"):
        yield parameter, trial.values(parameter.paramcd, trial.facts.analysis_sets.efficacy)


def _facts(parameter, **facts):
    return {"parameter": parameter.paramcd, "unit": parameter.unit, **facts}
