"""What was given: administrations, courses, doses, timing and classes of the product, against the plan."""

import pandas as pd

from trialbook.results.formats import slug
from trialbook.results.row import Results
from trialbook.trial.config import Intervention


def exposure(trial):
    """Summarise the treatment given, from ADEX, and count the deviations from the plan of ``trial.yml``.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``exposure.*``; empty where the trial has no ADEX. An administration is a row of PARAMCD DOSE (any row
        where PARAMCD is absent) whose AVAL is not zero; a course is a COURSE, or an administration without one.
    """
    results = Results(trial.facts.alpha, dataset="adex", analysis_set=trial.facts.analysis_sets.safety.label)
    if trial.adex is None:
        return results
    doses = trial.adex[trial.adex["PARAMCD"] == "DOSE"] if "PARAMCD" in trial.adex else trial.adex
    plan = trial.facts.intervention or Intervention(product="")
    empty = pd.Series(index=doses.index, dtype=float)
    dose = doses.get("AVAL", empty)
    units = doses["AVALU"].dropna().unique() if "AVALU" in doses else []
    given = pd.DataFrame({"subject": doses["USUBJID"], "dose": dose, "day": _days(doses)})
    number = doses.get("COURSE", empty).astype(object)
    given["course"] = number.where(number.notna(), [f"row {i}" for i in doses.index])
    given = given[dose != 0]
    arms = trial.subjects(trial.facts.analysis_sets.safety)
    if outside := int((~given["subject"].isin(pd.concat(arms.values())["USUBJID"])).sum()):
        results.add("exposure.outside.administrations", outside, "count", method="outside the safety set: not shown")
    for arm_id, subjects in arms.items():
        own = given[given["subject"].isin(subjects["USUBJID"])]
        arm = _Arm(results, f"exposure.{arm_id}", {"group": arm_id, "n": len(subjects)})
        treated = own["subject"].nunique()
        arm.add("treated.n_of", [treated, len(subjects)], "n of N", method="at least one administration")
        arm.add("administrations", len(own), "count", method="rows of ADEX with a dose")
        if not treated:
            continue
        _amounts(arm, own, subjects, plan)
        _dose(arm, own, units, plan)
        _timing(arm, own)
        for named in plan.classes:
            _classes(arm, doses.loc[own.index], named)
    return results


class _Arm:
    """Where the results of one arm go."""

    def __init__(self, results, key, facts):
        self.results, self.key, self.facts = results, key, facts

    def add(self, part, value, statistic, digits=0, **facts):
        self.results.add(f"{self.key}.{part}", value, statistic, digits, **{**self.facts, **facts})

    def spread(self, part, values, digits=0, **facts):
        """Add the median and the range of values."""
        known = values.dropna()
        reason = {} if len(known) else {"method": "not estimable: no value"}
        found = {**facts, "n": len(known), **reason}
        self.add(f"{part}.median", known.median() if len(known) else None, "median", digits, **found)
        self.add(f"{part}.range", [known.min(), known.max()] if len(known) else None, "range", digits, **found)

    def mean(self, part, values, **facts):
        """Add the mean and the standard deviation of values."""
        known = values.dropna()
        reason = {} if len(known) > 1 else {"method": "not estimable: fewer than two values"}
        value = [known.mean(), known.std()] if len(known) > 1 else None
        self.add(part, value, "mean (SD)", 1, **{**facts, "n": len(known), **reason})


def _amounts(arm, own, subjects, plan):
    """Count administrations and courses of each participant, those with none among them."""
    everybody = pd.Index(subjects["USUBJID"])
    each = own.groupby("subject").size().reindex(everybody, fill_value=0)
    courses = own.groupby("subject")["course"].nunique().reindex(everybody, fill_value=0)
    arm.add("per_subject.min", each.min(), "minimum")
    arm.add("per_subject.max", each.max(), "maximum")
    arm.spread("per_subject", each)
    arm.spread("courses", courses)
    arm.add("courses", courses.sum(), "count", method="courses begun")
    if plan.courses:
        total = len(subjects)
        arm.add("complete.n_of", [(courses >= plan.courses).sum(), total], "n of N", method="all planned courses given")
        for part, who in {
            "as_planned": courses == plan.courses,
            "fewer": (courses < plan.courses) & (courses > 0),
            "none": courses == 0,
            "more": courses > plan.courses,
        }.items():
            said = f"courses against {plan.courses} planned"
            arm.add(f"courses.{part}.n_pct", [who.sum(), total], "n (%)", method=said)


def _dose(arm, own, units, plan):
    """Describe the dose of an administration, of a course and in total, where all are in one unit."""
    unit = units[0] if len(units) == 1 else ""
    arm.add("dose.unrecorded", own["dose"].isna().sum(), "count", method="AVAL is empty", n=len(own))
    if len(units) > 1:
        reason = "not estimable: doses are in several units"
        for part in ("dose.each.mean_sd", "dose.mean_sd"):
            arm.add(part, None, "mean (SD)", method=reason)
        return
    arm.mean("dose.each.mean_sd", own["dose"], unit=unit, method="dose of an administration")
    total = own.groupby("subject")["dose"].sum(skipna=False)
    arm.mean("dose.mean_sd", total, unit=unit, method="total dose, of those with every dose recorded")
    if plan.dose is None:
        return
    by_course = own.groupby(["subject", "course"])["dose"].sum(skipna=False).dropna()
    value = [int((abs(by_course - plan.dose) > 1e-9 * plan.dose).sum()), len(by_course)]
    method = f"courses whose dose is not the planned {plan.dose:g} {plan.dose_unit}".strip()
    if unit and plan.dose_unit and unit != plan.dose_unit:
        value, method = None, f"not estimable: the plan is in {plan.dose_unit}, the doses in {unit}"
    arm.add("dose.other.n_of", value, "n of N", method=method, n=len(by_course))


def _timing(arm, own):
    """Describe the days between the starts of one course and the next."""
    starts = own.groupby(["subject", "course"])["day"].min().dropna().reset_index().sort_values(["subject", "day"])
    between = starts.groupby("subject")["day"].diff()
    arm.spread("interval", between, unit="days", method="from the start of a course to that of the next")


def _days(doses):
    """The day of each row on a scale without gaps: from ASTDY, which has no day 0, or else from ASTDT."""
    if "ASTDY" in doses and doses["ASTDY"].notna().any():
        return doses["ASTDY"].where(doses["ASTDY"] < 0, doses["ASTDY"] - 1)
    dates = pd.to_datetime(doses.get("ASTDT", pd.Series(index=doses.index, dtype=str)), "coerce", format="%Y-%m-%d")
    return (dates - dates.min()).dt.days.astype(float)


def _classes(arm, rows, named):
    """Count the participants given a product of each class of one variable."""
    treated = rows["USUBJID"].nunique()
    facts = {"parameter": named.variable, "n": treated}
    part = slug(named.variable)
    known = rows.dropna(subset=[named.variable]) if named.variable in rows else rows.iloc[:0]
    for level, same in known.groupby(known[named.variable].map(slug) if len(known) else []):
        first = f"{named.variable}: {same[named.variable].iloc[0]}"
        arm.add(f"{part}.{level}.n_pct", [same["USUBJID"].nunique(), treated], "n (%)", method=first, **facts)
    if missing := treated - known["USUBJID"].nunique():
        arm.add(f"{part}.missing.n_pct", [missing, treated], "n (%)", method=f"{named.variable}: not recorded", **facts)
