"""Tables of the published figures beside the computed ones."""

from trialbook.displays.tables.table import Row, Table
from trialbook.displays.words import sentence


def reconciliation(results):
    """Lay out the published figures beside the computed ones."""
    keys = [row.key.removesuffix(".printed") for row in results if row.key.endswith(".printed")]
    rows = [
        Row(
            sentence(results[f"{k}.printed"].parameter),
            [results[f"{k}.{part}"] for part in ("printed", "computed", "match")],
        )
        for k in keys
    ]
    return Table(
        "reconciliation.figures",
        ["Figure", "Published", "Computed", "Same"],
        rows,
        ["Same: the computed value rounds to the printed digits."],
    )


def reconciliation_scenarios(results):
    """Lay out which scenarios give each published figure."""
    rows = [Row(sentence(row.parameter), [row.label, row]) for row in results if row.key.endswith(".scenarios")]
    notes = ["To the printed digit." if rows else "Nothing published is stated for this trial."]
    return Table("reconciliation.scenarios", ["Figure", "Published", "Scenarios that give it"], rows, notes)
