"""A table as one tree of nodes, from which a notebook and a page get the same HTML, and Sphinx makes LaTeX and Word.

Docutils rather than a table library: each cell can then be the same link as a number in prose, in every format.
"""

import re
from collections.abc import Callable
from itertools import groupby
from typing import Any, NoReturn

from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.utils import new_document
from docutils.writers import html5_polyglot
from docutils.writers.html5_polyglot import HTMLTranslator

SENTENCE = 90  # characters of a line that holds one
PROSE = 30  # characters; a longer cell holds sentences, which wrap
PHONE, GUTTER = 45, 2  # characters that a phone shows without scrolling, and those between columns
AS_GIVEN = {"support_smartquotes": False}  # what comes from data keeps its quotation marks
_NUMBER = re.compile(r"(?P<sign>[<>≤≥−-]?)(?P<whole>\d[\d,]*)")


Layout = dict[str, Any]  # the JSON of a `Table`
Place = Callable[[str], nodes.Node]  # makes the node of a result from its key


class result_table(nodes.table):
    """A table of results; `label` names it, `measure` has the width of each column in characters."""


class pad(nodes.inline):
    """Room before a number that aligns its decimal point with those of its column: neither seen, read nor copied."""


class step(nodes.inline):
    """How far a label is indented, where no style sheet says so."""


class number(nodes.inline):
    """A result in a notebook's own table, where it is no link because its cell is here."""


def body(layout: Layout, place: Place) -> result_table:
    """Build the table of a layout, without caption and footnotes.

    Parameters
    ----------
    layout : dict
        The JSON of a `Table`.
    place : callable
        Makes the node of a result from its key.

    Returns
    -------
    result_table
    """
    columns = layout["columns"]
    rows = [[_content(cell, place) for cell in row["cells"]] for row in layout["rows"]]
    measure = _measure(layout, rows)
    _align(rows)
    labels, *others = (nodes.colspec(colwidth=width) for width in measure)
    labels["stub"] = 1
    group = nodes.tgroup("", labels, *others, cols=len(columns))
    group += nodes.thead("", *_head(columns, place))
    group += nodes.tbody(
        "", *(_line(row, cells, len(columns)) for row, cells in zip(layout["rows"], rows, strict=True))
    )
    return result_table("", group, classes=["results-table"], label=layout["key"], measure=measure)


def footnotes(layout: Layout) -> nodes.container:
    """Build the footnotes of a table, as one box that the table can name as its description."""
    notes = [_said(note, classes=["note"]) for note in layout["notes"]]
    return nodes.container("", *notes, ids=[nodes.make_id(f"notes-{layout['key']}")], classes=["notes"])


def describe(table: result_table, notes: nodes.container) -> list[nodes.Element]:
    """Tie the footnotes to their table."""
    if notes.children:
        table["notes"] = notes["ids"][0]
    return [table, notes] if notes.children else [table]


def _said(text: str, **attributes: object) -> nodes.paragraph:
    return nodes.paragraph(text, text, **AS_GIVEN, **attributes)


def _content(cell: dict[str, str], place: Place) -> nodes.Node:
    return nodes.Text(cell["text"]) if "text" in cell else place(cell["key"])


def _measure(layout: Layout, rows: list[list[nodes.Node]]) -> list[int]:
    """Estimate the width of each column in characters: its longest cell, or the longest word of its heading."""
    labels = [min(len(row["label"]), PROSE) + 2 * row["indent"] for row in layout["rows"] if row["cells"]]
    cells = [[min(len(row[i].astext()), PROSE) for row in rows if row] for i in range(len(layout["columns"]) - 1)]
    words = [max(map(len, column["text"].split()), default=1) for column in layout["columns"]]
    if len(layout["columns"]) == 1:  # a sentence
        longest = max((len(row["label"]) for row in layout["rows"]), default=0)
        return [max(words[0], min(SENTENCE, longest))]
    return [max([word, *own]) for word, own in zip(words, [labels, *cells], strict=True)]


def _align(rows):
    """Put before the first number of each cell the room that aligns it with those of its column."""
    for i in range(max(map(len, rows), default=0)):
        own = [row for row in rows if row]
        for row, room in zip(own, padding([row[i].astext() for row in own]), strict=True):
            row[i] = [pad(room=room), row[i]] if room else [row[i]]


def padding(texts: list[str]) -> list[str]:
    """Say what must stand before each text of a column to align the decimal points of their first numbers.

    Parameters
    ----------
    texts : list of str
        Such as ``12.3 (4.5)``, ``<0.001``, ``−1.30 to 99.57``; a lone dash stands in the place of the units.

    Returns
    -------
    list of str
        Digits and signs that take as much room as what the longest number has more.
    """
    found = [_NUMBER.match(text) for text in texts]
    sign = max((match["sign"] for match in found if match), default="")
    longest = re.sub(r"\d", "0", max((match["whole"] for match in found if match), key=len, default=""))

    def room(text: str, match: re.Match[str] | None) -> str:
        if match:
            return ("" if match["sign"] else sign) + longest[: len(longest) - len(match["whole"])]
        return sign + longest[:-1] if text == "–" else ""

    return [room(text, match) for text, match in zip(texts, found, strict=True)]


def _head(columns: list[dict[str, Any]], place: Place) -> list[nodes.row]:
    """Head the columns; those headed ``arm: part`` one after another stand under one heading of the arm."""
    split = [column["text"].rpartition(": ") for column in columns]
    runs = [list(run) for _, run in groupby(range(len(columns)), key=lambda i: split[i][0] or i)]
    if all(len(run) == 1 for run in runs):
        return [nodes.row("", *(_heading(column["text"], column["key"], place) for column in columns))]
    above, below = [], []
    for run in runs:
        if len(run) == 1:
            above.append(nodes.entry())
            below.append(_heading(columns[run[0]]["text"], columns[run[0]]["key"], place))
            continue
        size = next((columns[i]["key"] for i in run if columns[i]["key"]), None)
        above.append(_heading(split[run[0]][0], size, place, "colgroup", len(run)))
        below += [_heading(split[i][2], None, place) for i in run]
    return [nodes.row("", *above), nodes.row("", *below)]


def _heading(text: str, size: str | None, place: Place, scope: str = "col", span: int = 1) -> nodes.entry:
    parts = [_said(text)]
    parts += [nodes.paragraph("", "", nodes.Text("n = "), place(size))] if size else []
    return nodes.entry("", *parts, scope=scope, **({"morecols": span - 1} if span > 1 else {}))


def _line(row, cells, width):
    heads = not cells and width > 1
    text = nodes.strong("", row["label"], **AS_GIVEN) if heads else nodes.Text(row["label"])
    before = [step(depth=row["indent"])] if row["indent"] else []
    label = nodes.entry("", nodes.paragraph("", "", *before, text, **AS_GIVEN), scope="row")
    label["classes"] = [f"indent-{row['indent']}"]
    if not cells:
        label["scope"] = "rowgroup"
        if width > 1:
            label["morecols"] = width - 1
        return nodes.row("", label, classes=["section"], indent=row["indent"])
    return nodes.row("", label, *map(_cell, cells), indent=row["indent"])


def _cell(content):
    classes = ["prose"] if len(content[-1].astext()) > PROSE else []
    return nodes.entry("", nodes.paragraph("", "", *content, **AS_GIVEN), classes=classes)


def write_html(self: HTMLTranslator, node: result_table) -> NoReturn:
    """Write a table as HTML, in a box in which it scrolls where the screen is narrow.

    A section of rows is a row group of its own, so that its heading is said with its rows only.
    """
    wide = sum(width + GUTTER for width in node["measure"]) > PHONE
    region = {"role": "region", "tabindex": "0", "aria-label": node["label"]} if wide else {}
    described = {"aria-describedby": node["notes"]} if "notes" in node else {}
    named = {} if isinstance(node[0], nodes.title) else {"aria-label": node["label"]}
    self.body.append(self.starttag(nodes.Element(), "div", CLASS="wide pst-scrollable-table-container", **region))
    self.body.append(self.starttag(node, "table", CLASS="table", **described, **named))
    for caption in node.findall(nodes.title):
        caption.walkabout(self)
    head, lines = (list(next(node.findall(part)).findall(nodes.row)) for part in (nodes.thead, nodes.tbody))
    if len(head) > 1:
        spans = (entry.get("morecols", 0) + 1 for entry in head[0].findall(nodes.entry))
        self.body.append("".join(f'<colgroup span="{span}"></colgroup>' for span in spans))
    self.body.append("<thead>")
    for row in head:
        _write_row(self, row)
    self.body.append("</thead>\n<tbody>")
    sectioned = False
    for i, row in enumerate(lines):
        section = "section" in row["classes"]
        if row["indent"] == 0 and i and (section or sectioned):
            self.body.append("</tbody>\n<tbody>")
        sectioned = section or (sectioned and row["indent"] > 0)
        _write_row(self, row)
    self.body.append("</tbody></table></div>\n")
    raise nodes.SkipNode


def _write_row(self: HTMLTranslator, row: nodes.row) -> None:
    self.body.append(self.starttag(row, "tr", ""))
    for entry in row.findall(nodes.entry):
        tag = "th" if "scope" in entry else "td"
        told = {"scope": entry["scope"]} if "scope" in entry else {}
        told |= {"colspan": entry["morecols"] + 1} if "morecols" in entry else {}
        self.body.append(self.starttag(entry, tag, "", **told))
        for i, paragraph in enumerate(entry.findall(nodes.paragraph)):
            self.body.append("<br>" if i else "")
            for part in paragraph.children:
                part.walkabout(self)
        self.body.append(f"</{tag}>")
    self.body.append("</tr>\n")


def write_pad(self: HTMLTranslator, node: pad) -> NoReturn:
    """Leave the room to the style sheet, which neither a screen reader nor the clipboard takes for text."""
    self.body.append(self.starttag(node, "span", "", CLASS="pad", **{"data-pad": node["room"]}) + "</span>")
    raise nodes.SkipNode


def skip(self: nodes.NodeVisitor, node: nodes.Node) -> NoReturn:
    """Write nothing."""
    raise nodes.SkipNode


class _NotebookWriter(HTMLTranslator):
    """HTML as a notebook shows it."""

    visit_result_table = write_html
    visit_pad, visit_step = write_pad, skip

    def visit_number(self, node: number) -> None:
        self.body.append(self.starttag(node, "span", "", CLASS="num", **{"data-key": node["key"]}))

    def depart_number(self, node: number) -> None:
        self.body.append("</span>")


def notebook_html(layout: Layout, displays: dict[str, str]) -> str:
    """Write the table that a notebook shows.

    Parameters
    ----------
    layout : dict
        The JSON of a `Table`.
    displays : dict of str to str
        The display of each result, by key.

    Returns
    -------
    str
    """
    document = new_document("", get_default_settings(html5_polyglot.Writer))
    table, notes = body(layout, lambda key: number("", displays[key], key=key)), footnotes(layout)
    notes["ids"] = [f"cell-{name}" for name in notes["ids"]]
    document += describe(table, notes)
    writer = _NotebookWriter(document)
    for node in document:
        node.walkabout(writer)
    return "".join(writer.body)
