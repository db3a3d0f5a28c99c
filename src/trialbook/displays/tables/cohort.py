"""Tables of who took part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialbook.displays import words
from trialbook.displays.tables.table import Cell, Row, Table, arm_columns
from trialbook.results.row import Results

if TYPE_CHECKING:
    from trialbook.trial.config import BaselineVariable
    from trialbook.trial.model import Trial

_ATTRIBUTES = {
    "population": "Population",
    "treatments": "Treatments compared",
    "variable": "Variable",
    "intercurrent_events": "Intercurrent events",
    "summary": "Summary measure",
}
_EXPOSURE = {
    "treated.n_of": "Received at least one dose",
    "duration.median": "Days from the first to the last: median",
    "duration.range": "Days from the first to the last: range",
    "dose.daily.mean_sd": "Dose per day, mean (SD)",
    "compliance.median": "Dose taken, % of that planned: median",
    "compliance.range": "Dose taken, % of that planned: range",
    "periods.open": "Periods without a first or a last day",
    "administrations": "Administrations",
    "per_subject.median": "Administrations per participant: median",
    "per_subject.range": "Administrations per participant: range",
    "courses.median": "Courses per participant: median",
    "courses.range": "Courses per participant: range",
    "courses.as_planned.n_pct": "Courses as planned, n (%)",
    "courses.fewer.n_pct": "Fewer courses than planned, n (%)",
    "courses.none.n_pct": "No course, n (%)",
    "courses.more.n_pct": "More courses than planned, n (%)",
    "dose.each.mean_sd": "Dose of an administration, mean (SD)",
    "dose.mean_sd": "Total dose, mean (SD)",
    "dose.other.n_of": "Courses with another dose than planned",
    "dose.unrecorded": "Without a recorded dose",
    "interval.median": "Days between courses: median",
    "interval.range": "Days between courses: range",
}


def estimands(trial: Trial, results: Results) -> Table:
    """Lay out the estimands that the trial declares, by the attributes of ICH E9(R1)."""
    rows = []
    for estimand in trial.facts.estimands:
        rows.append(Row(estimand.label))
        rows += [Row(label, [results[f"estimand.{estimand.id}.{name}"]], 1) for name, label in _ATTRIBUTES.items()]
    return Table("trial.estimands", ["Attribute", "Stated"], rows, [] if rows else ["This trial declares no estimand."])


def baseline(trial: Trial, results: Results, flow: Results) -> Table:
    """Lay out the baseline characteristics by arm and overall."""
    groups = [*(arm.id for arm in trial.arms), "all"]
    rows = [row for line in trial.facts.baseline for row in _characteristic(line, results, groups)]
    notes = [
        "SD: standard deviation; IQR: lower to upper quartile.",
        "SMD: standardised mean difference, test minus reference; of a category, without direction.",
        "No significance tests: any difference at baseline arose by chance.",
    ]
    arms = arm_columns(trial, flow, "randomised")
    columns = ["Characteristic", *arms, ("All", flow["cohort.randomised.n"]), "SMD"]
    return Table("cohort.baseline", columns, rows, notes)


def _characteristic(line: BaselineVariable, results: Results, groups: list[str]) -> list[Row]:
    """The rows of one characteristic: a line for each statistic or level, then those not recorded."""

    def cells(part: str, smd: Cell = "") -> list[Cell]:
        return [*(results[f"baseline.{line.id}.{group}.{part}"] for group in groups), smd]

    own = results.under(f"baseline.{line.id}.all")
    if not own:
        return []
    missing, name, smd = own.pop("missing"), words.named(line), results[f"baseline.{line.id}.smd"]
    if line.type == "category":
        rows = [Row(f"{name}, n (%)", [*[""] * len(groups), smd])]
        rows += [Row(row.label, cells(part), 1) for part, row in own.items()]
    elif line.type == "flag":
        rows = [Row(f"{name}, n (%)", cells(part, smd)) for part in own]
    else:
        rows = [Row(f"{name}, {row.statistic}", cells(part, smd)) for part, row in own.items()]
    return [*rows, Row("Not recorded", cells("missing"), 1)] if missing.value else rows


def attendance(trial: Trial, results: Results, flow: Results) -> Table:
    """Lay out who attended each scheduled visit, and the time in study; one line where everyone attended all."""
    every = [results[f"cohort.attendance.every_visit.{arm.id}.n_of"].value for arm in trial.arms]
    each = {} if all(n == of for n, of in every) else {name: visit.label for name, visit in trial.schedule.items()}
    visits = each | {"every_visit": "Every visit"}
    rows = [
        Row(label, [results[f"cohort.attendance.{name}.{arm.id}.n_pct"] for arm in trial.arms])
        for name, label in visits.items()
    ]
    for part in ("median", "range"):
        rows.append(Row(f"Time in study, days: {part}", [results[f"cohort.time.{a.id}.{part}"] for a in trial.arms]))
    said = dict.fromkeys(words.how(results[f"cohort.time.{arm.id}.median"]) for arm in trial.arms)
    notes = ["Participants with any value at the visit, n (%).", f"Time in study: {'; '.join(said)}."]
    return Table("cohort.attendance", ["Visit", *arm_columns(trial, flow, "randomised")], rows, notes)


def exposure(trial: Trial, results: Results, flow: Results) -> Table:
    """Lay out the treatment given against the plan."""
    columns = ["Treatment given", *arm_columns(trial, flow, "as_treated")]
    if not len(results):
        return Table("cohort.exposure", columns, [], ["Exposure was not collected in this trial."])

    def line(part: str, label: str, indent: int = 0) -> Row:
        return Row(label, [results.get(f"exposure.{arm.id}.{part}", "–") for arm in trial.arms], indent)

    shown = {part: row for arm in trial.arms for part, row in results.under(f"exposure.{arm.id}").items()}
    rows = [line(part, label) for part, label in _EXPOSURE.items() if part in shown]
    for named in trial.facts.intervention.classes if trial.facts.intervention else []:
        own = {part: row for part, row in shown.items() if row.parameter == named.variable}
        rows += [Row(f"{named.label}, n (%)")] if own else []
        rows += [line(part, row.label, 1) for part, row in own.items()]
    units = list(dict.fromkeys(row.unit for part, row in shown.items() if part.startswith("dose.") and row.unit))
    notes = [f"Doses in {units[0]}."] if len(units) == 1 else []
    notes.append("SD: standard deviation. Classes are counted among those treated. –: nothing was given.")
    if outside := results.get("exposure.outside.administrations"):
        notes.append(f"Not shown: {outside.display} administrations to participants outside the safety set.")
    return Table("cohort.exposure", columns, rows, notes)
