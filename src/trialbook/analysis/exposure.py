"""What was given, against the plan: administrations in courses, or treatment day by day; classes of the product."""

import re

import pandas as pd

from trialbook.analysis.by_visit import FEW, NONE
from trialbook.results.formats import slug
from trialbook.results.row import Results
from trialbook.trial.model import Trial
from trialbook.trial.stated import Intervention, ProductClass

A_DAY = r"\s*(?:/|\bper )\s*d(?:ay)?$"  # how a unit says that the dose is that of a day
LONG = 2  # days: a record that lasts longer is no administration


def exposure(trial: Trial) -> Results:
    """Summarise the treatment given, from ADEX, and count the deviations from the plan of ``trial.yml``.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``exposure.*``; empty where the trial has no ADEX. An administration is a row of PARAMCD DOSE (any row
        where PARAMCD is absent) whose AVAL is not zero; a course is a COURSE, or an administration without one. Where
        treatment is daily (`is_daily`) such a row is a period, whose AVAL is the dose of a day.
    """
    results = Results(trial.facts.alpha, dataset="adex", analysis_set=trial.facts.analysis_sets.safety.label)
    if trial.adex is None:
        return results
    doses = _doses(trial.adex)
    plan = trial.facts.intervention or Intervention()
    units = list(doses["AVALU"].dropna().unique()) if "AVALU" in doses else []
    given, daily = administrations(trial.adex), is_daily(trial.adex, plan)
    arms = trial.treated()
    if outside := int((~given["subject"].isin(pd.concat(arms.values())["USUBJID"])).sum()):
        results.add("exposure.outside.administrations", outside, "count", method="outside the safety set: not shown")
    for arm_id, subjects in arms.items():
        own = given[given["subject"].isin(subjects["USUBJID"])]
        arm = _Arm(results, arm_id, len(subjects))
        treated = own["subject"].nunique()
        arm.add("treated.n_of", [treated, len(subjects)], "n of N", method="at least one administration")
        arm.add("periods" if daily else "administrations", len(own), "count", method="rows of ADEX with a dose")
        if treated and daily:
            _daily(arm, own, units, plan)
        elif treated:
            _amounts(arm, own, subjects, plan)
            _dose(arm, own, units, plan)
            _timing(arm, own)
        for named in plan.classes if treated else []:
            _classes(arm, doses.loc[own.index], named)
    return results


def _doses(adex: pd.DataFrame) -> pd.DataFrame:
    """The rows of ADEX that tell of a dose."""
    return adex[adex["PARAMCD"] == "DOSE"] if "PARAMCD" in adex else adex


def administrations(adex: pd.DataFrame) -> pd.DataFrame:
    """Find the administrations.

    Parameters
    ----------
    adex : DataFrame

    Returns
    -------
    DataFrame
        A row each, under its index in `adex`: subject, dose, first and last day and course.
    """
    doses = _doses(adex)
    empty = pd.Series(index=doses.index, dtype=float)
    number = doses.get("COURSE", empty).astype(object)
    first, last = _days(doses)
    given = pd.DataFrame(
        {
            "subject": doses["USUBJID"],
            "dose": doses.get("AVAL", empty),
            "first": first,
            "last": last,
            "course": number.where(number.notna(), [f"row {i}" for i in doses.index]),
        }
    )
    return given[given["dose"] != 0]


def is_daily(adex: pd.DataFrame, plan: Intervention) -> bool:
    """Tell whether the rows of ADEX are periods of daily treatment, and not administrations.

    Parameters
    ----------
    adex : DataFrame
    plan : Intervention

    Returns
    -------
    bool
        As ``trial.yml`` says; where it does not, whether the unit is of a dose a day, or most of the rows with a first
        and a last day last more than two days.
    """
    if plan.given:
        return plan.given == "daily"
    doses = _doses(adex)
    if "AVALU" in doses and doses["AVALU"].dropna().str.contains(A_DAY, case=False).any():
        return True
    first, last = _days(doses)
    days = (last - first + 1).dropna()
    return len(days) > 0 and bool((days > LONG).mean() > 0.5)


class _Arm:
    """Where the results of one arm go."""

    def __init__(self, results: Results, arm: str, size: int):
        self._results, self._key, self._facts = results, f"exposure.{arm}", {"group": arm, "n": size}

    def add(self, part: str, value: object, statistic: str, digits: int = 0, **facts: object) -> None:
        self._results.add(f"{self._key}.{part}", value, statistic, digits, **{**self._facts, **facts})

    def spread(self, part: str, values: pd.Series, digits: int = 0, **facts: object) -> None:
        """Add the median and the range of values."""
        known = values.dropna()
        facts |= {"n": len(known), "reason": "" if len(known) else NONE}
        self.add(f"{part}.median", known.median() if len(known) else None, "median", digits, **facts)
        self.add(f"{part}.range", [known.min(), known.max()] if len(known) else None, "range", digits, **facts)

    def mean(self, part: str, values: pd.Series, **facts: object) -> None:
        """Add the mean and the standard deviation of values."""
        known = values.dropna()
        facts |= {"n": len(known), "reason": "" if len(known) > 1 else FEW}
        self.add(part, [known.mean(), known.std()] if len(known) > 1 else None, "mean (SD)", 1, **facts)


def _amounts(arm: _Arm, own: pd.DataFrame, subjects: pd.DataFrame, plan: Intervention) -> None:
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


def _dose(arm: _Arm, own: pd.DataFrame, units: list[str], plan: Intervention) -> None:
    """Describe the dose of an administration, of a course and in total, where all are in one unit."""
    arm.add("dose.unrecorded", own["dose"].isna().sum(), "count", method="AVAL is empty", n=len(own))
    if len(units) > 1:
        for part in ("dose.each.mean_sd", "dose.mean_sd"):
            arm.add(part, None, "mean (SD)", reason="doses are in several units")
        return
    unit = units[0] if units else ""
    arm.mean("dose.each.mean_sd", own["dose"], unit=unit, method="dose of an administration")
    total = own.groupby("subject")["dose"].sum(skipna=False)
    arm.mean("dose.mean_sd", total, unit=unit, method="total dose, of those with every dose recorded")
    if plan.dose is not None:
        by_course = own.groupby(["subject", "course"])["dose"].sum(skipna=False).dropna()
        _other_doses(arm, by_course, unit, plan.dose, plan.dose_unit)


def _other_doses(arm: _Arm, by_course: pd.Series, unit: str, dose: float, dose_unit: str) -> None:
    """Count the courses with another dose than planned, where both are in the same unit."""
    other = unit and dose_unit and unit != dose_unit
    value = None if other else [int((abs(by_course - dose) > 1e-9 * dose).sum()), len(by_course)]
    reason = f"the plan is in {dose_unit}, the doses in {unit}" if other else ""
    method = f"courses whose dose is not the planned {dose:g} {dose_unit}".strip()
    arm.add("dose.other.n_of", value, "n of N", method=method, reason=reason, n=len(by_course))


def _daily(arm: _Arm, own: pd.DataFrame, units: list[str], plan: Intervention) -> None:
    """Describe how long treatment lasted, its dose and the share of the planned dose, of those with every day known.

    The dose per day is the cumulative dose over the duration, in which days without treatment count.
    """
    days = own["last"] - own["first"] + 1
    arm.add("periods.open", days.isna().sum(), "count", method="a period without a first or a last day", n=len(own))
    known = own.assign(days=days, taken=own["dose"] * days)[days.notna().groupby(own["subject"]).transform("all")]
    each = known.groupby("subject")
    duration = each["last"].max() - each["first"].min() + 1
    arm.spread("duration", duration, unit="days", method="from the first day of treatment to the last")
    arm.add("dose.unrecorded", own["dose"].isna().sum(), "count", method="AVAL is empty", n=len(own))
    if len(units) > 1:
        for part in ("dose.mean_sd", "dose.daily.mean_sd"):
            arm.add(part, None, "mean (SD)", reason="doses are in several units")
        return
    unit, planned_unit = (re.sub(A_DAY, "", said, flags=re.IGNORECASE) for said in ("".join(units), plan.dose_unit))
    total = each["taken"].sum(skipna=False)
    arm.mean("dose.mean_sd", total, unit=unit, method="cumulative dose: that of a day, times the days")
    arm.mean("dose.daily.mean_sd", total / duration, unit=f"{unit}/day", method="cumulative dose over the duration")
    if plan.dose is None:
        return
    method = f"cumulative dose, of {plan.dose:g} {planned_unit} a day over the duration"
    if unit and planned_unit and unit != planned_unit:
        reason = f"the plan is in {planned_unit}, the doses in {unit}"
        arm.add("compliance.median", None, "median", method=method, reason=reason)
    else:
        arm.spread("compliance", 100 * total / (plan.dose * duration), unit="%", method=method)


def _timing(arm: _Arm, own: pd.DataFrame) -> None:
    """Describe the days between the starts of one course and the next."""
    starts = own.groupby(["subject", "course"])["first"].min().dropna().reset_index().sort_values(["subject", "first"])
    between = starts.groupby("subject")["first"].diff()
    arm.spread("interval", between, unit="days", method="from the start of a course to that of the next")


def _days(doses: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """The first and the last day of each row on a scale without gaps: from ASTDY and AENDY, or else from the dates.

    ADaM has no day 0. Dates are taken where there are no days, or only dates tell the end.
    """
    empty = pd.Series(index=doses.index, dtype=object)
    told = {name: name in doses and doses[name].notna().any() for name in ("ASTDY", "AENDY", "ASTDT", "AENDT")}
    if told["ASTDY"] and (told["AENDY"] or not (told["ASTDT"] and told["AENDT"])):
        first, last = (doses.get(name, empty).astype(float) for name in ("ASTDY", "AENDY"))
        return first.where(first < 0, first - 1), last.where(last < 0, last - 1)
    start, end = (pd.to_datetime(doses.get(name, empty), format="%Y-%m-%d") for name in ("ASTDT", "AENDT"))
    return (start - start.min()).dt.days.astype(float), (end - start.min()).dt.days.astype(float)


def _classes(arm: _Arm, rows: pd.DataFrame, named: ProductClass) -> None:
    """Count the participants given a product of each class of one variable."""
    treated = rows["USUBJID"].nunique()

    def count(level: str, label: str, method: str, participants: int) -> None:
        key, parameter = f"{slug(named.variable)}.{level}.n_pct", named.variable
        counted = [participants, treated]
        arm.add(key, counted, "n (%)", n=treated, parameter=parameter, label=label, method=method)

    known = rows.dropna(subset=[named.variable]) if named.variable in rows else rows.iloc[:0]
    for level, same in known.groupby(known[named.variable].map(slug) if len(known) else []):
        label = same[named.variable].iloc[0]
        count(str(level), label, f"{named.variable} is {label}", same["USUBJID"].nunique())
    if missing := treated - known["USUBJID"].nunique():
        count("missing", "not recorded", f"{named.variable} is empty", missing)
