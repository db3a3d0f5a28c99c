"""The table: rows of labels and cells, shown by a notebook and placed by prose."""

import html
from dataclasses import dataclass, field

from trialbook.results import TABLE, Result
from trialbook.style import NOT_ESTIMABLE

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
    result, a number of participants, stands under the text. `notes` are the footnotes.
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
        def cell(content):
            if isinstance(content, Result):
                return f"<td data-key='{html.escape(content.key)}'>{html.escape(content.display)}</td>"
            return f"<td>{html.escape(content)}</td>"

        def heading(column):
            text, n = (column, None) if isinstance(column, str) else column
            size = (
                f"<br><span class='n' data-key='{html.escape(n.key)}'>n = {html.escape(n.display)}</span>" if n else ""
            )
            return f"<th scope='col'>{html.escape(text)}{size}</th>"

        def line(row):
            if not row.cells:
                span = f"scope='rowgroup' colspan='{len(self.columns)}'"
                return f"<tr class='section'><th {span}>{html.escape(row.label)}</th></tr>"
            label = f"<th scope='row' class='indent-{row.indent}'>{html.escape(row.label)}</th>"
            return f"<tr>{label}{''.join(map(cell, row.cells))}</tr>"

        head, body = "".join(map(heading, self.columns)), "".join(map(line, self.rows))
        notes = "".join(f"<p class='note'>{html.escape(note)}</p>" for note in self.notes)
        table = f"<table class='results-table'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f"<div class='wide'>{table}</div>{notes}"


def arm_columns(trial, flow, stage):
    return [(arm.label, flow[f"cohort.{stage}.{arm.id}.n"]) for arm in trial.arms]


def sized_arms(trial, results):
    return [(arm.label, results[f"missing.{arm.id}.n"]) for arm in trial.arms]


def sentence(text):
    return text[:1].upper() + text[1:]


def said_p(display):
    """Write a P value as in a sentence."""
    return display if display == NOT_ESTIMABLE else f"P {'' if display[0] in '<>' else '= '}{display}"
