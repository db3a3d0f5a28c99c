"""The tables of what was read: the account of every row, and the warnings."""

from trialbook.displays import words
from trialbook.displays.tables.table import Row, Table
from trialbook.results.row import Results


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


def warnings(results: Results) -> Table:
    """Lay out how often each warning was given."""
    found = [row for row in results if row.key.startswith("records.warnings.") and row.label]
    rows = [Row(f"{row.dataset}: {row.label}", [row]) for row in found]
    notes = [
        "`trialbook validate` shows each with its row, both values and what to do." if rows else "No warning was given."
    ]
    return Table("records.warnings", ["Warning", "Times"], rows, notes)
