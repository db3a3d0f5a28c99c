"""The course over all visits: the arm × visit analysis of variance, what it assumes, and the effect at each visit."""

from functools import partial

import numpy as np
import pandas as pd

from trialbook.analysis import estimators
from trialbook.analysis.efficacy import each_parameter, facts_of, start_results
from trialbook.stats import gee as gee_model
from trialbook.stats.anova import AnovaError, check_assumptions, mixed_anova

_NO_VISIT = "not estimable: at no visit do both arms have values of participants with a baseline"


def anova(trial):
    """Run the arm × visit repeated-measures ANOVA of each efficacy parameter on complete cases.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``<paramcd>.anova.{arm, visit, interaction}.{f, df, p}`` with the Greenhouse–Geisser P as the P of
        the within-subject rows, ``….p_hf`` (Huynh–Feldt) and ``….p_uncorrected`` beside it, and
        ``….{partial, generalised}_eta_squared``; the same of the visit by type II as ``….visit_type2`` where arms
        differ in size; ``<paramcd>.anova.{epsilon, epsilon_hf, mauchly.w, mauchly.p}`` and
        ``<paramcd>.anova.<arm>.n``, the complete cases of each arm.

    References
    ----------
    `anova.mixed_anova` gives the sources; type III sums of squares unless said.
    """
    results = start_results(trial)
    for parameter, wide in each_parameter(trial):
        _add_anova(results, parameter, wide)
    return results


def anova_checks(trial):
    """Check what the ANOVA of `anova` assumes: normal residuals, and arms that vary alike.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    results : Results
        Keys ``<paramcd>.anova.check.{normality_subjects, normality_within}.{w, p}`` (Shapiro–Wilk),
        ``….check.{variance_subjects, variance_<visit>}.p`` (Brown–Forsythe), ``….check.variance_ratio`` and
        ``….check.<visit>.<arm>.sd``, complete cases; the method says what a small P speaks against.
    checks : dict of str to anova.Checks or None
        By parameter id, what `figures.anova_checks` draws; None where there is no analysis.
    """
    results, checks = start_results(trial), {}
    for parameter, wide in each_parameter(trial):
        checks[parameter.id] = _add_checks(results, trial, parameter, wide)
    return results, checks


def effect_by_visit(trial):
    """Estimate the effect at each follow-up visit by one GEE with arm × visit, and test whether all are equal.

    Gaussian outcome, identity link, exchangeable working correlation; the other covariates are baseline value and
    visit.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``<paramcd>.gee.<visit>.{effect, se, df, ci, p}`` (CR2 covariance, Satterthwaite t), n those with a
        value at the visit; ``<paramcd>.gee.equal_effects.{f, df, p}`` of the approximate Hotelling T² test that
        the effect is the same at all visits.

    References
    ----------
    Liang & Zeger 1986; Bell & McCaffrey 2002; Pustejovsky & Tipton 2018.
    """
    results = start_results(trial)
    for parameter, wide in each_parameter(trial):
        _add_effect_by_visit(results, trial, parameter, wide)
    return results


def _add_anova(results, parameter, wide):
    (answer, reason), fixed = _on_complete_cases(mixed_anova, parameter, wide)
    key = f"{parameter.id}.anova"
    for arm, values in wide.items():
        facts = {**fixed, "group": arm, "unit": "participants", "estimand": ""}
        results.add(f"{key}.{arm}.n", len(values.dropna()), "n", **facts)

    def add(name, value, statistic, digits=0, method="F test"):
        results.add(f"{key}.{name}", value, statistic, digits, method=reason or method, **fixed)

    add("epsilon", answer and answer.epsilon_gg, "epsilon", 2, "Greenhouse–Geisser")
    add("epsilon_hf", answer and answer.epsilon_hf, "epsilon", 2, "Huynh–Feldt")
    add("mauchly.w", answer and answer.mauchly_w, "W", 2, "Mauchly's test of sphericity")
    if answer and np.isnan(answer.mauchly_p):
        why = "two visits are always spherical" if answer.n_visits == 2 else "too few participants for so many visits"
        add("mauchly.p", None, "p", method=f"not estimable: {why}")
    else:
        add("mauchly.p", answer and answer.mauchly_p, "p", method="Mauchly's test of sphericity")
    rows = {part: answer and getattr(answer, part) for part in ("arm", "visit", "interaction")}
    if answer and len(set(answer.n_by_arm.values())) > 1:
        rows["visit_type2"] = _on_complete_cases(partial(mixed_anova, ss_type=2), parameter, wide)[0][0].visit
    for part, effect in rows.items():
        of = ", type II sums of squares" if part == "visit_type2" else ""
        add(f"{part}.f", effect and effect.f, "F", 2, f"F test{of}")
        add(f"{part}.df", effect and f"{effect.df}, {effect.df_error}", "text", method=f"F test{of}")
        if part == "arm":
            add("arm.p", effect and effect.p, "p")
        else:
            add(f"{part}.p", effect and effect.p_gg, "p", method=f"F test{of}, Greenhouse–Geisser")
            add(f"{part}.p_hf", effect and effect.p_hf, "p", method=f"F test{of}, Huynh–Feldt")
            add(f"{part}.p_uncorrected", effect and effect.p, "p", method=f"F test{of}, sphericity assumed")
        for kind in ("partial", "generalised"):
            share = effect and getattr(effect, f"{kind}_eta_squared")
            add(f"{part}.{kind}_eta_squared", share, "eta squared", 2, f"{kind} eta squared{of}")


def _add_checks(results, trial, parameter, wide):
    (checks, reason), fixed = _on_complete_cases(check_assumptions, parameter, wide)
    key = f"{parameter.id}.anova.check"

    def add(name, value, statistic, digits, method, unable="", **facts):
        if value is None or not np.isfinite(value):
            value, method = None, reason or f"not estimable: {unable}"
        results.add(f"{key}.{name}", value, statistic, digits, method=method, **{**fixed, **facts})

    for name, what in (("subjects", "means of participants"), ("within", "values around a participant's mean")):
        method = f"Shapiro–Wilk: a small P speaks against normal {what}, within arms and visits"
        part = checks and getattr(checks, name)
        add(f"normality_{name}.w", part and part.w, "W", 3, method, "the test is for 5,000 values at most")
        add(f"normality_{name}.p", part and part.p, "p", 0, method, "the test is for 5,000 values at most")
    method = "Brown–Forsythe: a small P speaks against arms that vary alike"
    unable = "an arm has two values only, or neither arm varies"
    add("variance_subjects.p", checks and checks.p_subjects, "p", 0, f"{method}, in means of participants", unable)
    for index, visit in enumerate(trial.visits(parameter.paramcd)):
        name, said = trial.visit_id(visit, parameter.paramcd), {"visit": visit.label}
        add(f"variance_{name}.p", checks and checks.p_visits[index], "p", 0, method, unable, **said)
        for row, arm in enumerate(wide):
            facts = {**said, "group": arm, "unit": parameter.unit}
            add(f"{name}.{arm}.sd", checks and checks.sd[row, index], "SD", parameter.digits, "complete cases", **facts)
    method = "largest variance of an arm at a visit over the smallest"
    add("variance_ratio", checks and checks.variance_ratio, "ratio", 1, method, "an arm does not vary at a visit")
    return checks


def _on_complete_cases(analyse, parameter, wide):
    """Analyse arm × visit: the answer with None, or None with why there is none; and what all its results share."""
    complete = {arm: values.dropna() for arm, values in wide.items()}
    fixed = facts_of(parameter, n=sum(map(len, complete.values())), estimand="course") | {"unit": ""}
    labels = np.repeat(list(complete), [len(values) for values in complete.values()])
    try:
        return (analyse(pd.concat(complete.values()).to_numpy(), labels), None), fixed
    except AnovaError as error:
        return (None, f"not estimable: {error}"), fixed


def _add_effect_by_visit(results, trial, parameter, wide):
    visits = [visit for visit in trial.visits(parameter.paramcd) if visit.avisitn != trial.facts.visits.baseline]
    y, X, groups, at, arms = estimators.design(wide, trial.facts.visits.baseline)
    known = {arm: values[values.index.isin(groups)].notna().sum() for arm, values in wide.items()}
    lacking = {visit: [arm for arm in trial.arms if not known[arm.id][visit.avisitn]] for visit in visits}
    seen = [visit for visit in visits if len(lacking[visit]) < len(arms)]  # those that `at` counts
    both = [visit for visit in seen if not lacking[visit]]
    columns = [X[:, 1] * (at == seen.index(visit)) for visit in both]
    design = np.column_stack([*columns, np.delete(X, 1, axis=1)])
    contrasts = np.eye(design.shape[1])[: len(both)]
    fixed = facts_of(parameter, group="difference", estimand="course")

    def attempt(analyse, *arguments):
        try:
            return analyse(*arguments), None
        except gee_model.GeeError as error:
            return None, f"not estimable: {error}"

    model, reason = attempt(gee_model.fit, y, design, groups) if both else (None, _NO_VISIT)
    for visit in visits:
        test, why = None, reason
        if not why and lacking[visit]:
            why = f"not estimable: nobody with a baseline in {lacking[visit][0].label} has a value at this visit"
        if not why:
            contrast = contrasts[both.index(visit)]
            test, why = attempt(model.test, contrast, "CR2", "satterthwaite", trial.facts.alpha)
        key = f"{parameter.id}.gee.{trial.visit_id(visit, parameter.paramcd)}"
        n = int(sum(counts[visit.avisitn] for counts in known.values()))
        facts = {**fixed, "visit": visit.label, "n": n, "method": why or "GEE, arm × visit, CR2, Satterthwaite t"}
        for name, value, statistic in (
            ("effect", test and test.estimate, "difference"),
            ("se", test and test.se, "SE"),
            ("ci", test and [test.lower, test.upper], "ci"),
        ):
            results.add(f"{key}.{name}", value, statistic, parameter.model_digits, **facts)
        facts["unit"] = ""
        results.add(f"{key}.df", test and test.df, "df", 1, **facts)
        results.add(f"{key}.p", test and test.p, "p", **facts)
    joint, why = None, reason
    if not why and len(both) == 1:
        why = "not estimable: there is an effect at one visit only"
    if not why:
        joint, why = attempt(model.joint_test, np.diff(contrasts, axis=0))
    method = why or "GEE, arm × visit, CR2, approximate Hotelling T²"
    facts = {**fixed, "visit": "all follow-up visits", "n": len(set(groups)), "unit": "", "method": method}
    key = f"{parameter.id}.gee.equal_effects"
    results.add(f"{key}.f", joint and joint.statistic, "F", 2, **facts)
    results.add(f"{key}.df", joint and f"{joint.df}, {joint.df_error:.1f}", "text", **facts)
    results.add(f"{key}.p", joint and joint.p, "p", **facts)
