"""The table: rows of labels and cells, shown by a notebook and placed by prose."""

from dataclasses import dataclass, field

from trialbook.displays.tables import markup
from trialbook.results.formats import NOT_ESTIMABLE
from trialbook.results.row import TABLE, Result

SPANS = {"final": "Final visit", "follow_up": "All follow-up visits"}


@dataclass(frozen=True)
class Row:
    """A line of a table: its label, its cells (a result, or a text), and how far the label is indented."""

    label: str
    cells: list = field(default_factory=list)
    indent: int = 0


@dataclass(frozen=True)
class Table:
    """A table that a notebook shows and that prose can place by its key.

    `columns` are the headings, the first that of the row labels, each a text or a (text, result) pair whose
    result, a number of participants, stands under the text. Columns headed ``arm: part`` one after another stand
    under one heading of the arm, which takes the number of participants. `notes` are the footnotes.
    """

    key: str
    columns: list
    rows: list[Row]
    notes: list[str] = field(default_factory=list)

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": f"table {self.key}", "text/html": self._html(), TABLE: self._json()}

    def _json(self):
        """The table with every result as its key, so that prose shows the row that stands in the notebook."""

        def cell(content):
            return {"key": content.key} if isinstance(content, Result) else {"text": content}

        columns = [(c, None) if isinstance(c, str) else c for c in self.columns]
        return {
            "key": self.key,
            "columns": [{"text": text, "key": n.key if n else None} for text, n in columns],
            "rows": [{"label": r.label, "indent": r.indent, "cells": [cell(c) for c in r.cells]} for r in self.rows],
            "notes": self.notes,
        }

    def _html(self):
        sizes = [column[1] for column in self.columns if not isinstance(column, str)]
        shown = [*sizes, *(cell for row in self.rows for cell in row.cells)]
        displays = {result.key: result.display for result in shown if isinstance(result, Result)}
        return markup.notebook_html(self._json(), displays)


def arm_columns(trial, flow, stage):
    return [(arm.label, flow[f"cohort.{stage}.{arm.id}.n"]) for arm in trial.arms]


def sized_arms(trial, results):
    return [(arm.label, results[f"missing.{arm.id}.n"]) for arm in trial.arms]


def sentence(text):
    return text[:1].upper() + text[1:]


def said_p(display):
    """Write a P value as in a sentence."""
    return display if display == NOT_ESTIMABLE else f"P {'' if display[0] in '<>' else '= '}{display}"
