"""The tables of what was read: the account of every row, and the warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialbook.displays import words
from trialbook.displays.tables.table import Row, Table
from trialbook.results.row import Results

if TYPE_CHECKING:
    from trialbook.trial.model import Trial

LONGEST = 200  # warnings that are shown one by one
REMEDY = "`trialbook validate` says what to do about each; `accepted_warnings` in trial.yml silences one by its name."
WITHHELD = (
    "`trialbook validate` shows each with its row, both values and what to do. "
    "They are not shown here without an exception in trial.yml: {kind: listing, where: records.warnings}."
)


def records(results: Results) -> Table:
    """Lay out the account of the records of each table."""
    rows: list[Row] = []
    for row in results:
        if row.key.startswith("records.warnings."):
            continue
        if row.key.endswith(".read"):
            rows.append(Row(row.dataset.upper()))
        rows.append(Row(words.sentence(row.label), [row], 1))
    notes = [
        "Each row of a table is counted once, by the first reason that leaves it out.",
        "ADLB: analysed at the scheduled visits, or laboratory values at any visit after the baseline, for the worst.",
    ]
    return Table("records.account", ["Records", "Rows"], rows, notes)


def warnings(trial: Trial, results: Results) -> Table:
    """Lay out each warning with its row and values, where rows of participants may be shown; else how often it came."""
    key = "records.warnings"
    if not trial.warnings:
        return Table(key, ["Warning", "Times"], [], ["No warning was given."])
    if not trial.facts.disclosure.allows_listing(key):
        found = [row for row in results if row.key.startswith(f"{key}.") and row.label]
        return Table(
            key, ["Warning", "Times"], [Row(f"{row.dataset}: {row.label}", [row]) for row in found], [WITHHELD]
        )
    rows = [
        Row(f"{one.file}: {one.name}", [str(one.row or "–"), one.column or "–", one.rule])
        for one in trial.warnings[:LONGEST]
    ]
    more = [f"The first {LONGEST} of {len(trial.warnings)}."] if len(trial.warnings) > LONGEST else []
    return Table(key, ["Warning", "Row", "Column", "What is unusual"], rows, [*more, REMEDY])
