"""Tables of who took part."""

from trialbook.analysis.baseline import scheduled_visits
from trialbook.displays.tables.table import Row, Table, arm_columns


def estimands(trial, results):
    """Lay out the estimands that the trial declares, by the attributes of ICH E9(R1)."""
    attributes = {
        "population": "Population",
        "treatments": "Treatments compared",
        "variable": "Variable",
        "intercurrent_events": "Intercurrent events",
        "summary": "Summary measure",
    }
    rows = []
    for estimand in trial.facts.estimands:
        rows.append(Row(estimand.label))
        rows += [Row(label, [results[f"estimand.{estimand.id}.{name}"]], 1) for name, label in attributes.items()]
    return Table("trial.estimands", ["Attribute", "Stated"], rows, [] if rows else ["This trial declares no estimand."])


def baseline(trial, results, flow):
    """Lay out the baseline characteristics by arm and overall."""
    groups = [arm.id for arm in trial.arms] + ["all"]
    columns = ["Characteristic", *arm_columns(trial, flow, "randomised"), ("All", flow["cohort.randomised.n"])]
    rows = [row for line in trial.facts.baseline for row in _characteristic(line, results, groups)]
    rows = [Row(r.label, r.cells + [""] * (len(groups) + 1 - len(r.cells)), r.indent) for r in rows]
    return Table(
        "cohort.baseline",
        [*columns, "SMD"],
        rows,
        [
            "SD: standard deviation; IQR: lower to upper quartile.",
            "SMD: standardised mean difference, test minus reference; of a category, without direction.",
            "No significance tests: any difference at baseline arose by chance.",
        ],
    )


def _characteristic(line, results, groups):
    """The rows of one characteristic: a line for each statistic or level, then those not recorded."""
    own = [row for row in results if row.parameter == line.id and row.group == "all"]
    name = f"{line.label}, {line.unit}" if line.unit else line.label
    rows = [Row(f"{name}, n (%)")] if own and line.type == "category" else []
    missing = []
    for row in own:
        cells = [results[row.key.replace(".all.", f".{group}.")] for group in groups]
        if row.key.endswith(".missing"):
            missing += [Row("Not recorded", cells, 1)] if row.value else []
        elif line.type == "category":
            level = row.method.partition(": ")[2]
            rows.append(Row(line.levels.get(level, level), cells, 1))
        else:
            rows.append(Row(f"{name}, {row.statistic}", cells))
    if (smd := results.get(f"baseline.{line.id}.smd")) and rows:
        at = 0 if line.type == "category" else -1
        rows[at] = Row(rows[at].label, [*(rows[at].cells or [""] * len(groups)), smd], rows[at].indent)
    return rows + missing


def attendance(trial, results, flow):
    """Lay out who attended each scheduled visit, and the time in study."""
    visits = {visit_id: visit.label for visit_id, visit in scheduled_visits(trial).items()} | {
        "every_visit": "Every visit"
    }
    rows = [
        Row(label, [results[f"cohort.attendance.{visit_id}.{arm.id}.n_pct"] for arm in trial.arms])
        for visit_id, label in visits.items()
    ]
    for part, label in (("median", "Time in study, days: median"), ("range", "Time in study, days: range")):
        rows.append(Row(label, [results[f"cohort.time.{arm.id}.{part}"] for arm in trial.arms]))
    said = dict.fromkeys(results[f"cohort.time.{arm.id}.median"].method for arm in trial.arms)
    notes = ["Participants with any value at the visit, n (%).", f"Time in study: {'; '.join(said)}."]
    return Table("cohort.attendance", ["Visit", *arm_columns(trial, flow, "randomised")], rows, notes)


def exposure(trial, results, flow):
    """Lay out the treatment given against the plan."""
    columns = ["Treatment given", *arm_columns(trial, flow, "safety")]
    if not len(results):
        return Table("cohort.exposure", columns, [], ["Exposure was not collected in this trial."])
    lines = [
        ("treated.n_of", "Received at least one administration"),
        ("administrations", "Administrations"),
        ("per_subject.median", "Administrations per participant: median"),
        ("per_subject.range", "Administrations per participant: range"),
        ("courses.median", "Courses per participant: median"),
        ("courses.range", "Courses per participant: range"),
        ("courses.as_planned.n_pct", "Courses as planned, n (%)"),
        ("courses.fewer.n_pct", "Fewer courses than planned, n (%)"),
        ("courses.none.n_pct", "No course, n (%)"),
        ("courses.more.n_pct", "More courses than planned, n (%)"),
        ("dose.each.mean_sd", "Dose of an administration, mean (SD)"),
        ("dose.mean_sd", "Total dose, mean (SD)"),
        ("dose.other.n_of", "Courses with another dose than planned"),
        ("dose.unrecorded", "Administrations without a recorded dose"),
        ("interval.median", "Days between courses: median"),
        ("interval.range", "Days between courses: range"),
    ]

    def line(part, label, indent=0):
        return Row(label, [results.get(f"exposure.{arm.id}.{part}", "–") for arm in trial.arms], indent)

    shown = {row.key.partition(".")[2].partition(".")[2]: row for row in results}
    rows = [line(part, label) for part, label in lines if part in shown]
    for named in trial.facts.intervention.classes if trial.facts.intervention else []:
        own = {part: row for part, row in shown.items() if row.parameter == named.variable}
        rows += [Row(f"{named.label}, n (%)")] if own else []
        rows += [line(part, row.method.partition(": ")[2], 1) for part, row in own.items()]
    units = list(dict.fromkeys(row.unit for row in results if ".dose." in row.key and row.unit))
    notes = [f"Doses in {units[0]}."] if len(units) == 1 else []
    notes.append("SD: standard deviation. Classes are counted among those treated. –: nothing was given.")
    if outside := results.get("exposure.outside.administrations"):
        notes.append(f"Not shown: {outside.display} administrations to participants outside the safety set.")
    return Table("cohort.exposure", columns, rows, notes)
