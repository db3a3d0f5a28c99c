"""Tables of the published figures beside the computed ones."""

from trialbook.displays import words
from trialbook.displays.tables.table import Row, Table
from trialbook.results.row import Results


def reconciliation(results: Results) -> Table:
    """Lay out the published figures beside the computed ones."""
    rows, halves = [], []
    for row in results:
        if row.key.endswith(".printed"):
            key = row.key.removesuffix(".printed")
            rows.append(Row(words.sentence(row.parameter), [row, results[f"{key}.computed"], results[f"{key}.match"]]))
            if half := results.get(f"{key}.half"):
                halves.append(f"{words.sentence(row.parameter)}: the same by {half.display}.")
    columns = ["Figure", "Published", "Computed", "Same"]
    return Table(
        "reconciliation.figures", columns, rows, ["Same: the computed value rounds to the printed digits.", *halves]
    )


def reconciliation_scenarios(results: Results) -> Table:
    """Lay out which scenarios give each published figure."""
    rows = [Row(words.sentence(row.parameter), [row.label, row]) for row in results if row.key.endswith(".scenarios")]
    notes = ["To the printed digit." if rows else "Nothing published is stated for this trial."]
    return Table("reconciliation.scenarios", ["Figure", "Published", "Scenarios that give it"], rows, notes)
