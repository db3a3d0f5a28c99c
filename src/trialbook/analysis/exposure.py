"""What was given: administrations, courses, doses, timing and classes of the product, against the plan."""

import pandas as pd

from trialbook.analysis.by_visit import FEW, NONE
from trialbook.results.formats import slug
from trialbook.results.row import Results
from trialbook.trial.model import Trial
from trialbook.trial.stated import Intervention, ProductClass


def exposure(trial: Trial) -> Results:
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
    doses = _doses(trial.adex)
    plan = trial.facts.intervention or Intervention(product="")
    units = list(doses["AVALU"].dropna().unique()) if "AVALU" in doses else []
    given = administrations(trial.adex)
    arms = trial.treated()
    if outside := int((~given["subject"].isin(pd.concat(arms.values())["USUBJID"])).sum()):
        results.add("exposure.outside.administrations", outside, "count", method="outside the safety set: not shown")
    for arm_id, subjects in arms.items():
        own = given[given["subject"].isin(subjects["USUBJID"])]
        arm = _Arm(results, arm_id, len(subjects))
        treated = own["subject"].nunique()
        arm.add("treated.n_of", [treated, len(subjects)], "n of N", method="at least one administration")
        arm.add("administrations", len(own), "count", method="rows of ADEX with a dose")
        if treated:
            _amounts(arm, own, subjects, plan)
            _dose(arm, own, units, plan)
            _timing(arm, own)
            for named in plan.classes:
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
        A row each, under its index in `adex`: subject, dose, day and course.
    """
    doses = _doses(adex)
    empty = pd.Series(index=doses.index, dtype=float)
    number = doses.get("COURSE", empty).astype(object)
    given = pd.DataFrame(
        {
            "subject": doses["USUBJID"],
            "dose": doses.get("AVAL", empty),
            "day": _days(doses),
            "course": number.where(number.notna(), [f"row {i}" for i in doses.index]),
        }
    )
    return given[given["dose"] != 0]


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


def _timing(arm: _Arm, own: pd.DataFrame) -> None:
    """Describe the days between the starts of one course and the next."""
    starts = own.groupby(["subject", "course"])["day"].min().dropna().reset_index().sort_values(["subject", "day"])
    between = starts.groupby("subject")["day"].diff()
    arm.spread("interval", between, unit="days", method="from the start of a course to that of the next")


def _days(doses: pd.DataFrame) -> pd.Series:
    """The day of each row on a scale without gaps: from ASTDY, which has no day 0, or else from ASTDT."""
    if "ASTDY" in doses and doses["ASTDY"].notna().any():
        return doses["ASTDY"].where(doses["ASTDY"] < 0, doses["ASTDY"] - 1)
    dates = pd.to_datetime(doses.get("ASTDT", pd.Series(index=doses.index, dtype=str)), format="%Y-%m-%d")
    return (dates - dates.min()).dt.days.astype(float)


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
