"""The course over all visits: the arm × visit analysis of variance, what it assumes, and the effect at each visit."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from trialbook.analysis import estimators
from trialbook.analysis.efficacy import each_parameter, facts_of, start_results
from trialbook.analysis.estimators import Answer, Wide, attempt
from trialbook.results.row import Fields, Results
from trialbook.stats import gee as gee_model
from trialbook.stats.anova import Checks, Effect, check_assumptions, mixed_anova
from trialbook.trial.config import Parameter, Visit
from trialbook.trial.model import Trial

_NO_VISIT = "at no visit do both arms have values of participants with a baseline"


def anova(trial: Trial) -> Results:
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


def anova_checks(trial: Trial) -> tuple[Results, dict[str, Checks | None]]:
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
    results, checks = start_results(trial), dict[str, Checks | None]()
    for parameter, wide in each_parameter(trial):
        checks[parameter.id] = _add_checks(results, trial, parameter, wide)
    return results, checks


def effect_by_visit(trial: Trial) -> Results:
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


def _add_anova(results: Results, parameter: Parameter, wide: Wide) -> None:
    answer, reason, fixed = _on_complete_cases(mixed_anova, parameter, wide)
    key = f"{parameter.id}.anova"
    for arm, values in wide.items():
        facts = {**fixed, "group": arm, "unit": "participants", "estimand": ""}
        results.add(f"{key}.{arm}.n", len(values.dropna()), "n", **facts)

    def add(name, value, statistic, digits=0, method="F test", reason=reason):
        results.add(f"{key}.{name}", value, statistic, digits, method=method, reason=reason, **fixed)

    add("epsilon", answer and answer.epsilon_gg, "epsilon", 2, "Greenhouse–Geisser")
    add("epsilon_hf", answer and answer.epsilon_hf, "epsilon", 2, "Huynh–Feldt")
    method = "Mauchly's test of sphericity"
    add("mauchly.w", answer and answer.mauchly_w, "W", 2, method)
    if answer and np.isnan(answer.mauchly_p):
        why = "two visits are always spherical" if answer.n_visits == 2 else "too few participants for so many visits"
        add("mauchly.p", None, "p", method=method, reason=why)
    else:
        add("mauchly.p", answer and answer.mauchly_p, "p", method=method)
    rows: dict[str, Effect | None] = dict.fromkeys(("arm", "visit", "interaction"))
    if answer:
        rows = {"arm": answer.arm, "visit": answer.visit, "interaction": answer.interaction}
    if answer and len(set(answer.n_by_arm.values())) > 1:
        type_two, *_ = _on_complete_cases(partial(mixed_anova, ss_type=2), parameter, wide)
        rows["visit_type2"] = type_two.visit if type_two else None
    for part, effect in rows.items():
        _add_anova_row(add, part, effect)


def _add_anova_row(add: Callable[..., None], part: str, effect: Effect | None) -> None:
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


def _add_checks(results: Results, trial: Trial, parameter: Parameter, wide: Wide) -> Checks | None:
    checks, reason, fixed = _on_complete_cases(check_assumptions, parameter, wide)
    key = f"{parameter.id}.anova.check"

    def add(name, value, statistic, digits, method, unable="", **facts):
        known = value is not None and np.isfinite(value)
        facts = {**fixed, "method": method, "reason": "" if known else reason or unable, **facts}
        results.add(f"{key}.{name}", value, statistic, digits, **facts)

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


def _on_complete_cases(
    analyse: Callable[..., Answer], parameter: Parameter, wide: Wide
) -> tuple[Answer | None, str, Fields]:
    """Analyse arm × visit: the answer, or None and the reason why; and what all its results share."""
    complete = {arm: values.dropna() for arm, values in wide.items()}
    fixed = facts_of(parameter, n=sum(map(len, complete.values())), estimand="course") | {"unit": ""}
    labels = np.repeat(list(complete), [len(values) for values in complete.values()])
    return *attempt(analyse, pd.concat(complete.values()).to_numpy(), labels), fixed


@dataclass(frozen=True)
class _Visits:
    """The follow-up visits of a parameter: those at which both arms have values, and why others have no effect."""

    scheduled: list[Visit]
    both: list[Visit]
    lacking: dict[float, str]
    sizes: dict[float, int]


def _visits(trial: Trial, parameter: Parameter, wide: Wide, modelled: np.ndarray) -> _Visits:
    scheduled = [v for v in trial.visits(parameter.paramcd) if v.avisitn != trial.facts.visits.baseline]
    known = {arm: values[values.index.isin(modelled)].notna().sum() for arm, values in wide.items()}
    lacking = {}
    for visit in scheduled:
        if empty := [arm.label for arm in trial.arms if not known[arm.id][visit.avisitn]]:
            lacking[visit.avisitn] = f"nobody with a baseline in {empty[0]} has a value at this visit"
    sizes = {visit.avisitn: int(sum(counts[visit.avisitn] for counts in known.values())) for visit in scheduled}
    return _Visits(scheduled, [visit for visit in scheduled if visit.avisitn not in lacking], lacking, sizes)


def _add_effect_by_visit(results: Results, trial: Trial, parameter: Parameter, wide: Wide) -> None:
    records = estimators.design(wide, trial.facts.visits.baseline)
    visits = _visits(trial, parameter, wide, records.groups)
    seen = [visit for visit in visits.scheduled if visits.sizes[visit.avisitn]]  # those that `records.visits` counts
    columns = [records.X[:, 1] * (records.visits == seen.index(visit)) for visit in visits.both]
    design = np.column_stack([*columns, np.delete(records.X, 1, axis=1)])
    contrasts = np.eye(design.shape[1])[: len(visits.both)]
    model, refused = None, _NO_VISIT
    if visits.both:
        model, refused = attempt(gee_model.fit, records.y, design, records.groups)
    fixed = facts_of(parameter, group="difference", estimand="course")
    for visit in visits.scheduled:
        test, reason = None, refused or visits.lacking.get(visit.avisitn, "")
        if model and not reason:
            contrast = contrasts[visits.both.index(visit)]
            test, reason = attempt(model.test, contrast, "CR2", "satterthwaite", trial.facts.alpha)
        key = f"{parameter.id}.gee.{trial.visit_id(visit, parameter.paramcd)}"
        method = "GEE, arm × visit, CR2, Satterthwaite t"
        facts = fixed | {"visit": visit.label, "n": visits.sizes[visit.avisitn], "method": method, "reason": reason}
        digits = parameter.model_digits
        results.add(f"{key}.effect", test and test.estimate, "difference", digits, **facts)
        results.add(f"{key}.se", test and test.se, "SE", digits, **facts)
        results.add(f"{key}.ci", test and [test.lower, test.upper], "ci", digits, **facts)
        results.add(f"{key}.df", test and test.df, "df", 1, **facts | {"unit": ""})
        results.add(f"{key}.p", test and test.p, "p", **facts | {"unit": ""})
    joint, reason = None, refused or ("" if len(visits.both) > 1 else "there is an effect at one visit only")
    if model and not reason:
        joint, reason = attempt(model.joint_test, np.diff(contrasts, axis=0))
    facts = fixed | {"visit": "all follow-up visits", "n": len(set(records.groups)), "unit": ""}
    facts |= {"method": "GEE, arm × visit, CR2, approximate Hotelling T²", "reason": reason}
    key = f"{parameter.id}.gee.equal_effects"
    results.add(f"{key}.f", joint and joint.statistic, "F", 2, **facts)
    results.add(f"{key}.df", joint and f"{joint.df}, {joint.df_error:.1f}", "text", **facts)
    results.add(f"{key}.p", joint and joint.p, "p", **facts)
