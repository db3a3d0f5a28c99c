"""How an output of an executed notebook is read: its texts, and its tables as grids of headings and cells."""

import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from trialbook.results.row import MIME

_SVG_TEXT = re.compile(r"<!--(.*?)-->|<(?:text|tspan|title|desc)\b[^>]*>([^<]*)", re.DOTALL)


@dataclass(frozen=True)
class Grid:
    """A table as it is read: headings of each column, and lines of labels and cells; `names` are all its headings."""

    columns: list
    rows: list
    names: set = field(default_factory=set)


def of_table(table, displays):
    """The grid of one of the book's tables; a line without cells heads those that follow, as their indent says."""
    columns = [[column["text"]] for column in table["columns"][1:]]
    rows, above = [], []
    for row in table["rows"]:
        above = [(indent, label) for indent, label in above if indent < row["indent"] or not row["indent"]]
        if row["cells"]:
            cells = [displays.get(c["key"], "") if "key" in c else c["text"] for c in row["cells"]]
            rows.append(([*(label for _, label in above), row["label"]], cells))
        else:
            above = [(indent, label) for indent, label in above if indent < row["indent"]]
        above.append((row["indent"], row["label"]))
    return Grid(columns, rows, {column["text"] for column in table["columns"]})


def grids(output):
    """The tables of an output that is not one of the book's: of its HTML or, where there is none, of its text."""
    shown = joined(output.get("data", {}).get("text/html", ""))
    if "<table" in shown:
        reader = _TableReader()
        reader.feed(shown)
        return [_of_cells(rows) for rows in reader.tables if rows]
    text = joined(output.get("text", "") or output.get("data", {}).get("text/plain", ""))
    lines = [line for line in text.splitlines() if line.strip()]
    return [_of_lines(lines)] if len(lines) > 1 else []


class _TableReader(HTMLParser):
    """Reads the tables of a page into rows of (text, whether it is a heading), spans filled in."""

    def __init__(self):
        super().__init__()
        self.tables, self._open, self._below = [], None, {}

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append([])
            self._below = {}
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
            self._fill()
        elif tag in ("td", "th") and self.tables and self.tables[-1]:
            spans = {name: int(value) for name, value in attrs if name.endswith("span") and (value or "").isdecimal()}
            self._open = (["", tag == "th"], spans.get("colspan", 1), spans.get("rowspan", 1))

    def handle_data(self, data):
        if self._open:
            self._open[0][0] += data

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self._open:
            (text, heads), across, down = self._open
            for _ in range(across):
                row = self.tables[-1][-1]
                if down > 1:
                    self._below[len(row)] = [down - 1, (text.strip(), heads)]
                row.append((text.strip(), heads))
            self._open = None
            self._fill()

    def _fill(self):
        """Repeat at its place a cell that a row above spans down."""
        row = self.tables[-1][-1]
        while (left := self._below.get(len(row))) and left[0]:
            left[0] -= 1
            row.append(left[1])


def _of_cells(rows):
    """The grid of an HTML table: rows of headings only come first, then each row's own headings."""
    heads = [row for row in rows if row and all(heading for _, heading in row)]
    body = [row for row in rows if row not in heads]
    width = max((len([1 for _, heading in row if not heading]) for row in body), default=0)
    columns = [[row[i - width][0] for row in heads if len(row) >= width] for i in range(width)]
    lines = [([t for t, heading in row if heading], [t for t, heading in row if not heading]) for row in body]
    return Grid(columns, lines, {text for row in heads for text, _ in row if text})


def _of_lines(lines):
    """The grid of a printed table: cells end where their headings end, as pandas prints them, or at commas."""
    if all("," in line for line in lines):
        columns, *rows = ([cell.strip() for cell in line.split(",")] for line in lines)
    else:
        ends = [match.end() for match in re.finditer(r"\S+", lines[0])]
        columns = lines[0].split()
        rows = [[line[start:end].strip() for start, end in zip([0, *ends], ends, strict=False)] for line in lines[1:]]
        for row in rows:
            row[0] = re.split(r"\s{2,}", row[0])[-1]  # what stands before it is the number of the row
    return Grid([[column] for column in columns], [([], row) for row in rows], set(columns))


def shown(output):
    """All the text of an output that can be read; not that of a PDF or a bitmap."""
    data, parts = output.get("data", {}), [joined(output.get("text", "")), *output.get("traceback", [])]
    parts.append(strings(output.get("metadata", {})))
    for kind, content in data.items():
        if kind == "image/svg+xml":
            parts += drawn(data)
        elif kind.endswith("json"):
            parts.append(strings(content))
        elif kind.startswith("text/"):
            parts.append(joined(content))
    return html.unescape("\n".join(parts))


def drawn(data):
    """The texts of a figure, from its SVG."""
    found = _SVG_TEXT.findall(joined(data.get("image/svg+xml", "")))
    return [html.unescape(comment or text).strip() for comment, text in found]


def result_rows(notebooks):
    """The rows of results of all notebooks, whose cells are given by name."""
    for cells in notebooks.values():
        for cell in cells:
            for output in cell.get("outputs", []):
                yield from output.get("data", {}).get(MIME, [])


def strings(content):
    """Every text of a JSON value."""
    if isinstance(content, str):
        return content
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, list) else []
    return "\n".join(map(strings, parts))


def joined(text):
    """A text that a notebook may hold as a list of lines."""
    return text if isinstance(text, str) else "".join(text)
