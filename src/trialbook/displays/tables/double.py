"""The table of the numbers that were computed twice."""

from itertools import groupby

from trialbook.displays import words
from trialbook.displays.tables.table import Row, Table
from trialbook.results.row import Result, Results


def double(reported: dict[str, Result], seconds: Results) -> Table:
    """Lay out each number as reported beside its second value, by the way in which that was computed."""
    again = [row for row in seconds if row.key.endswith(".second")]
    rows = []
    for way, own in groupby(again, key=lambda row: row.method):
        rows.append(Row(words.sentence(way)))
        for row in own:
            key = row.key.removesuffix(".second")
            rows.append(Row(key, [reported[key], row], 1))
    columns = ["Number", "As reported", "Computed a second way"]
    return Table("double", columns, rows, ["Each pair agrees to a millionth, or this notebook would have failed."])
