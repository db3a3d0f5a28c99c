"""Tables of harms."""

from trialbook.analysis.adverse_events import OVERALL
from trialbook.analysis.harms import NOT_COLLECTED
from trialbook.analysis.laboratory import GRADES, MISSING, POSITIONS, RANGE
from trialbook.displays.tables.table import Row, Table, arm_columns
from trialbook.stats.toxicity import SCALES, SEVERE

_NO_EVENTS = "Adverse events were not collected in this trial."
_NO_LABORATORY = "No laboratory values were collected in this trial."


def adverse_events(trial, results, flow):
    """Lay out the adverse events overall and by system organ class and preferred term, the most frequent first."""
    columns = ["Event"]
    for column in arm_columns(trial, flow, "safety"):
        columns += [column, "Events"]
    columns += ["Difference, percentage points", f"{trial.ci_level} CI", "P"]
    if not len(results):
        return _no_events("safety.adverse_events")

    def cells(part):
        arms = [results[f"safety.{part}.{arm.id}.{name}"] for arm in trial.arms for name in ("n_pct", "events")]
        return [*arms, results[f"safety.{part}.difference"], results[f"safety.{part}.difference.ci"]]

    rows = _event_rows(trial, results, lambda part: [*cells(part), results.get(f"safety.{part}.fisher.p", "–")])
    test, reference = trial.arms
    notes = [
        "Participants with at least one treatment-emergent event, n (%), and the number of events; "
        f"{results['safety.events.emergent'].method}.",
        f"Difference: {test.label} minus {reference.label}; CI: confidence interval (Newcombe). "
        "P: Fisher's exact test, not adjusted for the number of terms.",
    ]
    return Table("safety.adverse_events", columns, rows, notes)


def event_rates(trial, results):
    """Lay out the exact interval of each proportion and the incidence rate by the time at risk."""
    if not len(results):
        return _no_events("safety.rates")
    parts = ("ci", "rate", "rate.ci")
    names = ("Participants, % CI", "Rate", "Rate CI")
    columns = ["Event", *(f"{arm.label}: {name[:1].lower()}{name[1:]}" for arm in trial.arms for name in names)]
    rows = _event_rows(
        trial, results, lambda part: [results[f"safety.{part}.{arm.id}.{x}"] for arm in trial.arms for x in parts]
    )
    some = [results[f"safety.any.{arm.id}.rate"] for arm in trial.arms]
    times = [(arm, results[f"safety.exposure.{arm.id}.time"]) for arm in trial.arms]
    said = "; ".join(
        f"{arm.label} {time.display} {'' if time.value is None else time.unit}".rstrip() for arm, time in times
    )
    notes = [
        f"{trial.ci_level} CI of the percentage: Clopper–Pearson. Rate: participants with an event {some[0].unit}, "
        "each followed to the first; its CI: exact Poisson.",
        f"Time from day 1 to the last contact: {said}.",
        *dict.fromkeys(
            f"{arm.label}: {row.method}." for arm, row in zip(trial.arms, some, strict=True) if row.value is None
        ),
    ]
    undated = results["safety.events.undated"]
    if undated.value and any(row.value is not None for row in some):
        notes.append(
            f"Events without a start day ({undated.display}) end nobody's time at risk: the rates are slightly low."
        )
    return Table("safety.rates", columns, rows, notes)


def event_grades(trial, results, flow):
    """Lay out the participants by the worst grade of their events, and the events by relation to treatment."""
    if not len(results):
        return _no_events("safety.grades")
    columns = ["Event"]
    for column in arm_columns(trial, flow, "safety"):
        columns += [column, "Events"]
    rows = []
    for kind, title in (("grade", "Worst grade of a participant"), ("relation", "Relation to treatment")):
        lines = [
            Row(
                results[f"safety.{part}.{trial.arms[0].id}.n_pct"].parameter,
                [results[f"safety.{part}.{arm.id}.{name}"] for arm in trial.arms for name in ("n_pct", "events")],
                1,
            )
            for part in _parts(trial, results)
            if part.startswith(f"{kind}.")
        ]
        rows += [Row(title), *lines] if lines else [Row(title, [NOT_COLLECTED, "–", NOT_COLLECTED, "–"])]
    notes = [
        "Participants, n (%), and events, treatment-emergent.",
        "By grade, each participant stands once, and only events of the worst grade are counted; "
        "by relation, a participant may stand more than once.",
    ]
    return Table("safety.grades", columns, rows, notes)


def event_account(trial, results):
    """Lay out what became of every recorded event: tabulated, or not and why."""
    if not len(results):
        return _no_events("safety.events")
    labels = {
        "recorded": "Recorded",
        "outside_set": "Not tabulated: participant outside the safety set",
        "not_emergent": "Not tabulated: not treatment-emergent",
        "unflagged": "Not tabulated: not said whether treatment-emergent",
        "emergent": "Tabulated",
        "undated": "without a start day",
        "before": "with a start day before day 1",
    }
    rows = [
        Row(
            label,
            [*(results[f"safety.events.{kind}.{arm.id}.n"] for arm in trial.arms), results[f"safety.events.{kind}"]],
            int(kind in ("undated", "before")),
        )
        for kind, label in labels.items()
    ]
    notes = [f"Events. Treatment-emergent: {results['safety.events.emergent'].method}."]
    if results["safety.events.undated"].value:
        notes.append("Events without a start day are tabulated, as they may have begun under treatment.")
    if results["safety.events.before"].value:
        notes.append("Those with a start day before day 1 are tabulated because they are flagged as emergent.")
    return Table("safety.events", ["Events", *(arm.label for arm in trial.arms), "All"], rows, notes)


def harms(trial, results):
    """Lay out the answer to each item on harms of CONSORT."""
    labels = {
        "collected": "How they were collected",
        "assessed_by": "Who assessed them",
        "window": "Time window",
        "coding": "Coded by",
        "classes": "System organ class",
        "timing": "Start day",
        "seriousness": "Seriousness; participants with a serious event",
        "severity": "Severity; participants with grade 3 or worse",
        "relatedness": "Relation to treatment; participants with a related event",
        "withdrawals": "Action taken; participants who left treatment for an event",
        "deaths": "Outcome; participants with a fatal event",
    }
    rows = [
        Row(
            label,
            [
                results[f"safety.harms.{item}"],
                *(results.get(f"safety.harms.{item}.{arm.id}.n_of", "–") for arm in trial.arms),
            ],
        )
        for item, label in labels.items()
    ]
    notes = [
        "Items of CONSORT Harms 2022. Not collected: the tables hold no such column, or nothing in it; "
        "not stated: nor does the description of the trial say it.",
        *([] if trial.adae is not None else [_NO_EVENTS]),
    ]
    return Table("safety.harms", ["Item", "Answer", *(arm.label for arm in trial.arms)], rows, notes)


def _parts(trial, results):
    """The lines of the adverse events in their order, as parts of keys."""
    end = f".{trial.arms[0].id}.n_pct"
    return [row.key.removeprefix("safety.").removesuffix(end) for row in results if row.key.endswith(end)]


def _event_rows(trial, results, cells):
    """The overall lines, then the classes with their terms within, or the terms alone."""
    parts = _parts(trial, results)
    own = [part for part in parts if part.split(".")[0] not in (*OVERALL, "grade", "relation")]
    several = {part.split(".")[2] for part in own if part.count(".") == 2}  # totals of terms that stand in many classes
    rows = [
        Row(label, cells(name)) if name in parts else Row(label, [NOT_COLLECTED, *["–"] * (len(cells("any")) - 1)])
        for name, label in OVERALL.items()
    ]
    classed = any(part.startswith("soc.") for part in own)
    if own and not classed:
        rows.append(Row("By preferred term"))
    for part in own:
        if part not in several:
            label = results[f"safety.{part}.{trial.arms[0].id}.n_pct"].parameter
            rows.append(Row(label, cells(part), int(not (part.startswith("soc.") and part.count(".") == 1))))
    return rows


def _no_events(key):
    return Table(key, ["Event", "Participants"], [Row(OVERALL["any"], [NOT_COLLECTED])], [_NO_EVENTS])


def laboratory(trial, results):
    """Lay out the laboratory values at baseline and at the last visit, one line per parameter and arm."""
    rows = []
    for parameter in trial.parameters("laboratory"):
        rows.append(Row(f"{parameter.label}, {parameter.unit}" if parameter.unit else parameter.label))
        for arm in trial.arms:
            keys = [f"{parameter.id}.{part}" for part in (f"baseline.{arm.id}.mean_sd", f"final.{arm.id}.mean_sd")]
            keys += [f"{parameter.id}.final.{arm.id}.change.mean_sd", f"{parameter.id}.outside.{arm.id}.n_of"]
            rows.append(Row(arm.label, [results.get(key, "–") for key in keys], 1))
    columns = ["Parameter", "Baseline", "Last visit", "Change", "Ever out of range"]
    notes = [
        "Mean (SD); change: from baseline, in participants with both values. The notebook gives all visits.",
        "Ever out of range: participants with a value outside the normal range after baseline, of those with one.",
    ]
    return Table("safety.laboratory", columns, rows, notes if rows else [_NO_LABORATORY])


def grade_shifts(trial, results, scale):
    """Lay out the worst state after baseline by that at baseline, for the parameters of one scale."""
    by_range = scale == RANGE
    states = {**(POSITIONS if by_range else GRADES), MISSING: "Not measured"}
    rows = []
    for parameter in trial.parameters("laboratory"):
        key = f"{parameter.id}.shift.{scale}"
        lines = [
            Row(f"{arm.label}: {state.lower()}", [results[f"{key}.{arm.id}.{before}.{to}.n"] for to in states], 1)
            for arm in trial.arms
            for before, state in states.items()
            if f"{key}.{arm.id}.{before}.{MISSING}.n" in results
        ]
        rows += [Row(parameter.label), *lines] if lines else []
    name = "normal range" if by_range else SCALES[scale]
    if by_range:
        notes = ["Participants by position to the normal range; parameters that neither scale grades by the value."]
    else:
        notes = [
            f"Participants by {name} grade, worst after baseline, in either direction; graded by the value alone.",
            "Not measured: also where the normal range or the sex that a grade needs is not recorded.",
        ]
    if scale == "ctcae":
        notes.append("Liver tests that were raised at baseline are graded after it by multiples of the baseline value.")
    heads = [state.removeprefix("Grade ") for state in states.values()]
    columns = ["At baseline", *(f"Worst after baseline: {head[:1].lower() + head[1:]}" for head in heads)]
    return Table(f"safety.shift.{scale}", columns, rows, notes if rows else [f"No parameter is judged by {name}."])


def marked_abnormalities(trial, results):
    """Lay out the participants with a marked abnormality after baseline, by what judges it."""
    rows, judged = [], set()
    titles = {scale: f"Grade {SEVERE} or more, {name}" for scale, name in SCALES.items()}
    for scale, title in {**titles, RANGE: "Outside twice the normal range"}.items():
        lines = []
        for parameter in trial.parameters("laboratory"):
            keys = [f"{parameter.id}.marked.{scale}.{arm.id}.n_pct" for arm in trial.arms]
            if keys[0] in results:
                judged.add(parameter.paramcd)
                lines.append(Row(parameter.label, [results[key] for key in keys], 1))
        rows += [Row(title), *lines] if lines else []
    left = [parameter.label for parameter in trial.parameters("laboratory") if parameter.paramcd not in judged]
    notes = [
        "Participants with such a value after baseline, n (%) of those whose values could be judged; unscheduled "
        "visits count.",
        "Outside twice the range: above twice the upper limit or below half the lower one, where neither scale grades.",
    ]
    notes += [f"Without grades and without a normal range: {', '.join(left)}."] if left else []
    columns = ["Parameter", *(arm.label for arm in trial.arms)]
    collected = trial.parameters("laboratory")
    return Table("safety.marked", columns, rows, notes if collected else [_NO_LABORATORY])
