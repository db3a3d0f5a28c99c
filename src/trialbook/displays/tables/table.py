"""The table: rows of labels and cells, shown by a notebook and placed by prose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trialbook.displays.tables import markup
from trialbook.results.row import TABLE, Result, Results

if TYPE_CHECKING:
    from trialbook.trial.model import Trial

FEWEST = 3  # lines of a table whose numbers are all the same, which a sentence says as well
Cell = Result | str
Column = str | tuple[str, Result]


@dataclass(frozen=True)
class Row:
    """A line of a table: its label, its cells (a result, or a text), and how far the label is indented.

    A row without cells heads those that follow.
    """

    label: str
    cells: Sequence[Cell] = ()
    indent: int = 0


@dataclass(frozen=True)
class Table:
    """A table that a notebook shows and that prose can place by its key.

    Parameters
    ----------
    key : str
        Stable, lower case, dotted; the table's name in ``{result-table}``.
    columns : sequence of str or (str, Result)
        The headings, the first that of the row labels. A result, a number of participants, stands under its text.
        Columns headed ``arm: part`` one after another stand under one heading of the arm, which takes the number of
        participants.
    rows : sequence of Row
        With a cell for each column but the first, or none.
    notes : sequence of str
        The footnotes.

    A table whose numbers are all the same (none has an event, everybody has every value) is shown as a sentence.

    Raises
    ------
    ValueError
        If a row has another number of cells than there are columns for.
    TypeError
        If a cell is a bare number, which has no key to be cited, checked and compared by.

    Examples
    --------
    >>> from trialbook import Results, Table
    >>> from trialbook.displays.tables import Row
    >>> found = Results(dataset="adsl")
    >>> found.add("age.active.mean", 41.26, "mean", digits=1, unit="years")
    >>> found.add("age.control.mean", 39.5, "mean", digits=1, unit="years")
    >>> rows = [Row("Age, years", [found["age.active.mean"], found["age.control.mean"]])]
    >>> Table("age", ["Mean", "Active", "Control"], rows, ["All who were randomised."])
    table age: 1 row
    """

    key: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    notes: Sequence[str] = field(default=())

    def __post_init__(self) -> None:
        needed = len(self.columns) - 1
        for row in self.rows:
            if len(row.cells) not in (0, needed):
                said = f"has {len(row.cells)} cells and needs {needed}, one for each column but the first"
                raise ValueError(f"table {self.key!r}: the row {row.label!r} {said}")
            for cell in row.cells:
                if not isinstance(cell, Cell):
                    remedy = "add it to Results under a key, and put the result in its place"
                    raise TypeError(f"table {self.key!r}: in the row {row.label!r}, {cell!r} is no result; {remedy}")

    def __repr__(self) -> str:
        return f"table {self.key}: {len(self.rows)} row{'' if len(self.rows) == 1 else 's'}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        return {"text/plain": f"table {self.key}", "text/html": self._html(), TABLE: self._json()}

    def _json(self) -> dict:
        """The table with every result as its key, so that prose shows the row that stands in the notebook."""

        def cell(content: Cell) -> dict[str, str]:
            return {"key": content.key} if isinstance(content, Result) else {"text": content}

        columns, rows = self.columns, self.rows
        if sentence := self._only():
            columns, rows = columns[:1], [Row(sentence)]
        pairs = [(c, None) if isinstance(c, str) else c for c in columns]
        return {
            "key": self.key,
            "columns": [{"text": text, "key": n.key if n else None} for text, n in pairs],
            "rows": [{"label": r.label, "indent": r.indent, "cells": [cell(c) for c in r.cells]} for r in rows],
            "notes": list(self.notes),
        }

    def _only(self) -> str:
        """Say in a sentence what the table holds, where all its numbers are the same; nothing where they are not."""
        lines = [row for row in self.rows if row.cells]
        shown = {cell.display if isinstance(cell, Result) else None for row in lines for cell in row.cells}
        if len(lines) < FEWEST or len(shown) > 1 or None in shown:
            return ""
        heads = ", ".join(column if isinstance(column, str) else column[0] for column in self.columns[1:])
        labels = ", ".join(dict.fromkeys(row.label for row in lines))
        return f"{shown.pop()} in each of {len(lines)} lines ({heads}): {labels}."

    def _html(self) -> str:
        sizes = [column[1] for column in self.columns if not isinstance(column, str)]
        shown = [*sizes, *(cell for row in self.rows for cell in row.cells)]
        displays = {result.key: result.display for result in shown if isinstance(result, Result)}
        return markup.notebook_html(self._json(), displays)


def arm_columns(trial: Trial, flow: Results, stage: str) -> list[Column]:
    """Head a column for each arm with the participants who reached a stage of the flow."""
    return [(arm.label, flow[f"cohort.{stage}.{arm.id}.n"]) for arm in trial.arms]
