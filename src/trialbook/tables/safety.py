"""Tables of harms."""

from trialbook.tables.table import Row, Table, arm_columns

OVERALL_EVENTS = {
    "any": "Any adverse event",
    "serious": "Serious",
    "severe": "Grade 3 or worse",
    "related": "Related to treatment",
}


def adverse_events(trial, results, flow):
    """Lay out the overall lines and the preferred terms of the adverse events, the most frequent first."""
    columns = ["Event"]
    for column in arm_columns(trial, flow, "safety"):
        columns += [column, f"{trial.ci_level} CI, %", "Events"]
    columns.append("P")

    def line(part, label, indent):
        keys = [f"safety.{part}.{arm.id}.{name}" for arm in trial.arms for name in ("n_pct", "ci", "events")]
        return Row(label, [results[key] for key in [*keys, f"safety.{part}.fisher.p"]], indent)

    def participants(part):
        return sum(results[f"safety.{part}.{arm.id}.n"].value for arm in trial.arms)

    seen = {row.key.split(".")[1]: row.parameter for row in results if row.key.endswith(".fisher.p")}
    terms = sorted(seen.keys() - OVERALL_EVENTS.keys(), key=lambda part: (-participants(part), seen[part]))
    rows = [line(part, label, 0) for part, label in OVERALL_EVENTS.items() if part in seen]
    rows += [Row("By preferred term"), *(line(part, seen[part], 1) for part in terms)] if terms else []
    notes = [
        "Participants with at least one treatment-emergent event, n (%).",
        "CI: confidence interval (Clopper–Pearson). P: Fisher's exact test.",
    ]
    absent = [label.lower() for part, label in OVERALL_EVENTS.items() if part not in seen]
    notes += [f"Not collected in this trial: {', '.join(absent)}."] if absent else []
    return Table("safety.adverse_events", columns, rows, notes)


def laboratory(trial, results):
    """Lay out the laboratory values by visit, one line per parameter and arm."""
    visits = [v for v in trial.facts.visits.schedule if v.avisitn >= trial.facts.visits.baseline]
    rows = []
    for parameter in trial.parameters("laboratory"):
        measured = trial.visits(parameter.paramcd)
        rows.append(Row(f"{parameter.label}, {parameter.unit}" if parameter.unit else parameter.label))
        for arm in trial.arms:
            keys = [
                f"{parameter.id}.{trial.visit_id(v, parameter.paramcd)}.{arm.id}.mean_sd" if v in measured else ""
                for v in visits
            ]
            outside = f"{parameter.id}.outside.{arm.id}.n_of"
            cells = [results.get(key, "–") for key in [*keys, outside]]
            rows.append(Row(arm.label, cells, 1))
    columns = ["Parameter", *(visit.label for visit in visits), "Ever out of range"]
    return Table(
        "safety.laboratory",
        columns,
        rows,
        ["Mean (SD).", "Ever out of range: participants with a value outside the normal range after baseline."],
    )
