"""Tables of harms."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from trialbook.displays import words
from trialbook.displays.tables.table import Cell, Column, Row, Table, arm_columns
from trialbook.results.row import Result, Results

if TYPE_CHECKING:
    from trialbook.trial.config import Arm
    from trialbook.trial.model import Trial

_NO_EVENTS = "Adverse events were not collected in this trial."
_NO_LABORATORY = "No laboratory values were collected in this trial."
_OVERALL = {
    "any": "Any adverse event",
    "serious": "Serious",
    "severe": "Grade 3 or worse",
    "related": "Related to treatment",
    "withdrawal": "Leading to withdrawal of treatment",
    "fatal": "Fatal",
}
_ACCOUNT = {
    "recorded": "Recorded",
    "outside_set": "Not tabulated: participant outside the safety set",
    "not_emergent": "Not tabulated: not treatment-emergent",
    "unflagged": "Not tabulated: not said whether treatment-emergent",
    "emergent": "Tabulated",
    "undated": "without a start day",
    "before": "with a start day before day 1",
}
_HARMS = {
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


def adverse_events(trial: Trial, results: Results, flow: Results) -> Table:
    """Lay out the adverse events overall and by system organ class and preferred term, the most frequent first."""
    if not len(results):
        return _no_events("safety.adverse_events")
    columns = [*_counted_columns(trial, flow), "Difference, percentage points", f"{trial.ci_level} CI", "P"]

    def cells(part: str) -> list[Cell]:
        difference = [results[f"safety.{part}.{name}"] for name in ("difference", "difference.ci")]
        return [*_counted(trial, results, part), *difference, results.get(f"safety.{part}.fisher.p", "–")]

    notes = [
        "Participants with at least one treatment-emergent event, n (%), and the number of events; "
        f"{results['safety.events.emergent'].method}.",
        f"Difference: {words.contrast(trial)}; CI: confidence interval (Newcombe). "
        "P: Fisher's exact test, not adjusted for the number of terms.",
        *_by_treatment(trial, flow),
        *_how_related(trial, results),
    ]
    if share := _smallest_share(trial):
        rule = f"Terms that fewer than {share:g}% of the participants of each arm had are not listed"
        notes.append(f"{rule}; the notebook of this table lists every term, with its rate.")
    return Table("safety.adverse_events", columns, _event_rows(trial, results, cells), notes)


def event_rates(trial: Trial, results: Results) -> Table:
    """Lay out for every term the participants, the exact interval of their share, and the rate by the time at risk."""
    if not len(results):
        return _no_events("safety.rates")
    parts = {"n_pct": "n (%)", "ci": "% CI", "rate": "rate", "rate.ci": "rate CI"}

    def cells(part: str) -> list[Cell]:
        return [results[f"safety.{part}.{arm.id}.{name}"] for arm in trial.arms for name in parts]

    columns = ["Event", *(f"{arm.label}: {name}" for arm in trial.arms for name in parts.values())]
    rates = {arm.label: results[f"safety.any.{arm.id}.rate"] for arm in trial.arms}
    times = [f"{arm.label} {words.measured(results[f'safety.exposure.{arm.id}.time'])}" for arm in trial.arms]
    notes = [
        f"n: participants. {trial.ci_level} CI of the percentage: Clopper–Pearson. Rate: participants with an event "
        f"{next(iter(rates.values())).unit}, each followed to the first; its CI: exact Poisson.",
        f"Time from day 1 to the last contact: {'; '.join(times)}.",
        *(f"{label}: {words.how(rate)}." for label, rate in rates.items() if rate.value is None),
    ]
    undated = results["safety.events.undated"]
    if undated.value and any(rate.value is not None for rate in rates.values()):
        notes.append(
            f"Events without a start day ({undated.display}) end nobody's time at risk: the rates are slightly low."
        )
    return Table("safety.rates", columns, _event_rows(trial, results, cells, every=True), notes)


def event_grades(trial: Trial, results: Results, flow: Results) -> Table:
    """Lay out the participants by the worst grade of their events, and the events by relation to treatment."""
    if not len(results):
        return _no_events("safety.grades")
    rows = []
    for kind, title in (("grade", "Worst grade of a participant"), ("relation", "Relation to treatment")):
        own = [part for part in _parts(trial, results) if part.startswith(f"{kind}.")]
        rows.append(Row(title) if own else Row(title, [words.NOT_COLLECTED, "–"] * len(trial.arms)))
        rows += [Row(_label(trial, results, part), _counted(trial, results, part), 1) for part in own]
    notes = [
        "Participants, n (%), and events, treatment-emergent.",
        "By grade, each participant stands once, and only events of the worst grade are counted; "
        "by relation, a participant may stand more than once.",
        *_by_treatment(trial, flow),
    ]
    return Table("safety.grades", _counted_columns(trial, flow), rows, notes)


def event_account(trial: Trial, results: Results) -> Table:
    """Lay out what became of every recorded event: tabulated, or not and why."""
    if not len(results):
        return _no_events("safety.events")
    rows = []
    for kind, label in _ACCOUNT.items():
        by_arm = [results[f"safety.events.{kind}.{arm.id}.n"] for arm in trial.arms]
        rows.append(Row(label, [*by_arm, results[f"safety.events.{kind}"]], int(kind in ("undated", "before"))))
    notes = [f"Events. Treatment-emergent: {results['safety.events.emergent'].method}."]
    if results["safety.events.undated"].value:
        notes.append("Events without a start day are tabulated, as they may have begun under treatment.")
    if results["safety.events.before"].value:
        notes.append("Those with a start day before day 1 are tabulated because they are flagged as emergent.")
    return Table("safety.events", ["Events", *(arm.label for arm in trial.arms), "All"], rows, notes)


def harms(trial: Trial, results: Results) -> Table:
    """Lay out the answer to each item on harms of CONSORT."""
    rows = []
    for item, label in _HARMS.items():
        by_arm = [results.get(f"safety.harms.{item}.{arm.id}.n_of", "–") for arm in trial.arms]
        rows.append(Row(label, [results[f"safety.harms.{item}"], *by_arm]))
    notes = [
        "Items of CONSORT Harms 2022. Not collected: the tables hold no such column, or nothing in it; "
        "not stated: nor does the description of the trial say it.",
        *([] if trial.adae is not None else [_NO_EVENTS]),
    ]
    return Table("safety.harms", ["Item", "Answer", *(arm.label for arm in trial.arms)], rows, notes)


def _no_events(key: str) -> Table:
    return Table(key, ["Event", "Participants"], [Row(_OVERALL["any"], [words.NOT_COLLECTED])], [_NO_EVENTS])


def _counted_columns(trial: Trial, flow: Results) -> list[Column]:
    columns: list[Column] = ["Event"]
    for column in arm_columns(trial, flow, "as_treated"):
        columns += [column, "Events"]
    return columns


def _counted(trial: Trial, results: Results, part: str) -> list[Cell]:
    """The participants and the events of each arm in one line."""
    return [results[f"safety.{part}.{arm.id}.{name}"] for arm in trial.arms for name in ("n_pct", "events")]


def _parts(trial: Trial, results: Results) -> list[str]:
    """The lines of the adverse events in their order, as parts of keys."""
    end = f".{trial.arms[0].id}.n_pct"
    return [part.removesuffix(end) for part in results.under("safety") if part.endswith(end)]


def _by_treatment(trial: Trial, flow: Results) -> list[str]:
    """Say that safety goes by the treatment received, where that is not always the one allocated."""
    others = [row for arm in trial.arms if (row := flow.get(f"cohort.received_other.{arm.id}.n"))]
    said = ", ".join(f"{row.display} allocated to {arm.label}" for arm, row in _allocated(trial, others))
    return [f"By the treatment received; another than the allocated one was received by {said}."] if others else []


def _allocated(trial: Trial, rows: list[Result]) -> list[tuple[Arm, Result]]:
    return [(arm, row) for arm in trial.arms for row in rows if row.group == arm.id]


def _how_related(trial: Trial, results: Results) -> list[str]:
    row = results.get(f"safety.related.{trial.arms[0].id}.n_pct")
    return [f"{_OVERALL['related']}: {row.method}."] if row else []


def _smallest_share(trial: Trial) -> float:
    return trial.facts.harms.smallest_share if trial.facts.harms else 0


def _is_listed(trial: Trial, results: Results, part: str) -> bool:
    """Whether enough participants of some arm had a term."""
    shares = [results[f"safety.{part}.{arm.id}.pct"].value for arm in trial.arms]
    return max(shares) >= _smallest_share(trial)


def _label(trial: Trial, results: Results, part: str) -> str:
    return results[f"safety.{part}.{trial.arms[0].id}.n_pct"].label


def _event_rows(trial: Trial, results: Results, cells: Callable[[str], list[Cell]], every: bool = False) -> list[Row]:
    """The overall lines, then the classes with their terms within, or the terms alone; rare ones where `every`."""
    parts = _parts(trial, results)
    own = [part for part in parts if part.split(".")[0] not in (*_OVERALL, "grade", "relation")]
    several = {part.split(".")[2] for part in own if part.count(".") == 2}  # totals of terms that stand in many classes
    lacking = [words.NOT_COLLECTED, *["–"] * (len(cells("any")) - 1)]
    rows = [Row(label, cells(name) if name in parts else lacking) for name, label in _OVERALL.items()]
    if own and not any(part.startswith("soc.") for part in own):
        rows.append(Row("By preferred term"))
    for part in own:
        if part not in several:
            is_class = part.startswith("soc.") and part.count(".") == 1
            if is_class or every or _is_listed(trial, results, part):
                rows.append(Row(_label(trial, results, part), cells(part), int(not is_class)))
    return rows


def laboratory(trial: Trial, results: Results) -> Table:
    """Lay out the laboratory values at baseline and at the last visit, one line per parameter and arm."""
    rows = []
    for parameter in trial.parameters("laboratory"):
        rows.append(Row(words.named(parameter)))
        for arm in trial.arms:
            last = f"final.{arm.id}"
            parts = (
                f"baseline.{arm.id}.mean_sd",
                f"{last}.mean_sd",
                f"{last}.change.mean_sd",
                f"outside.{arm.id}.n_of",
            )
            rows.append(Row(arm.label, [results.get(f"{parameter.id}.{part}", "–") for part in parts], 1))
    columns = ["Parameter", "Baseline", "Last visit", "Change", "Ever out of range"]
    notes = [
        "Mean (SD); change: from baseline, in participants with both values. The notebook gives all visits.",
        "Ever out of range: participants with a value outside the normal range after baseline, of those with one.",
    ]
    return Table("safety.laboratory", columns, rows, notes if rows else [_NO_LABORATORY])


def grade_shifts(trial: Trial, results: Results, scale: str, name: str) -> Table:
    """Lay out the worst state after baseline by that at baseline, for the parameters that one scale judges.

    Parameters
    ----------
    trial : Trial
    results : Results
        Of `grading.grade_shifts`.
    scale, name : str
        Of `grading.SCALES`.

    Returns
    -------
    Table
        A column for each state after baseline.
    """
    rows: list[Row] = []
    states: dict[str, str] = {}
    for parameter in trial.parameters("laboratory"):
        key, lines = f"{parameter.id}.shift.{scale}", []
        for arm in trial.arms:
            found = results.under(f"{key}.{arm.id}")
            states |= {part.split(".")[1]: row.label for part, row in found.items()}
            for before in dict.fromkeys(part.split(".")[0] for part in found):
                cells = [found[f"{before}.{after}.n"] for after in states]
                lines.append(Row(f"{arm.label}: {states[before].lower()}", cells, 1))
        rows += [Row(parameter.label), *lines] if lines else []
    if scale == "range":
        notes = ["Participants by position to the normal range; parameters that neither scale grades by the value."]
    else:
        notes = [
            f"Participants by {name} grade, worst after baseline, in either direction; graded by the value alone.",
            "Not measured: also where the normal range or the sex that a grade needs is not recorded.",
        ]
    if scale == "ctcae":
        notes.append("Liver tests that were raised at baseline are graded after it by multiples of the baseline value.")
    heads = [words.lower_first(state.removeprefix("Grade ")) for state in states.values()]
    columns = ["At baseline", *(f"Worst after baseline: {head}" for head in heads)]
    return Table(f"safety.shift.{scale}", columns, rows, notes if rows else [f"No parameter is judged by {name}."])


def marked_abnormalities(trial: Trial, results: Results) -> Table:
    """Lay out the participants with a marked abnormality after baseline, by what judges it."""
    lines: dict[str, list[Row]] = {row.label: [] for row in results if row.label}
    unjudged = []
    for parameter in trial.parameters("laboratory"):
        judged = results.under(f"{parameter.id}.marked")
        for scale in dict.fromkeys(part.split(".")[0] for part in judged):
            cells = [judged[f"{scale}.{arm.id}.n_pct"] for arm in trial.arms]
            lines[cells[0].label].append(Row(parameter.label, cells, 1))
        unjudged += [] if judged else [parameter.label]
    rows = [row for title, own in lines.items() for row in (Row(title), *own)]
    notes = [
        "Participants with such a value after baseline, n (%) of those whose values could be judged; unscheduled "
        "visits count.",
        "Outside twice the range: above twice the upper limit or below half the lower one, where neither scale grades.",
    ]
    notes += [f"Without grades and without a normal range: {', '.join(unjudged)}."] if unjudged else []
    columns = ["Parameter", *(arm.label for arm in trial.arms)]
    collected = trial.parameters("laboratory")
    return Table("safety.marked", columns, rows, notes if collected else [_NO_LABORATORY])
