"""The disclosure gate: nothing that is published may tell of one participant.

The executed notebooks hold everything that the book shows, so they are what is read: rows of results, tables, texts,
alternative texts, the sources of the cells, and the text of figures, which matplotlib leaves in an SVG as a comment
or a title. What a figure shows by place alone, or as pixels, cannot be read: that it shows each participant is taken
from its words, an axis headed ``Participant`` or an alternative text that says ``each participant``.

Four kinds of disclosure are sought.

identifier
    A USUBJID or SUBJID of the trial, as whole words in any spelling (``NKINR-003`` is also ``nkinr_003``). One of
    digits only is sought where it has at least five; a shorter one cannot be told from a count.
date
    A calendar date to the day, in any usual form, or the content of a date column of the tables. A date that
    ``trial.yml`` states is a fact of the trial (CONSORT asks for the dates of recruitment) and passes.
listing
    A table with a column of identifiers or with one line per participant: two lines or more that repeat the values
    of exactly one participant each under headings that name the trial's variables, or whole courses over the visits.
    A figure of each participant is one too.
small cell
    A number that describes fewer than ``smallest_cell`` participants who share a quasi-identifier, or a count below
    it, zero apart, where two quasi-identifiers or more are crossed. A marginal count of one variable by arm passes
    however small it is: every trial publishes these in its baseline table, and by itself it puts no second
    characteristic beside the first; two crossed variables do, and so does an outcome within a small subgroup.

The threshold is the k of Sweeney (2002): a combination of what others may know of a person, the quasi-identifiers,
is shown only where at least k participants share it. The arm is none: it is known to the trial alone.

References
----------
Sweeney 2002, International Journal of Uncertainty, Fuzziness and Knowledge-Based Systems 10:557 (k-anonymity).
"""

import csv
import html
import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path

from trialbook.faults import SHOWN, UserError
from trialbook.results import MIME, TABLE
from trialbook.style import slug

IDENTIFIERS = ("USUBJID", "SUBJID")
QUASI_IDENTIFIERS = ("AGE", "SEX", "RACE", "ETHNIC", "COUNTRY", "REGION", "SITEID")  # where ADSL has them
TABLES = ("adsl", "adlb", "adae", "adex")

_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_YEAR = r"(?:19|20)\d\d"
_DATE = re.compile(
    rf"(?<![\d.-])(?:{_YEAR}[-/.](?:0?[1-9]|1[0-2])[-/.](?:[12]\d|3[01]|0?[1-9])"
    rf"|\d{{1,2}}([-/.])\d{{1,2}}\1{_YEAR}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?[ -]?{_MONTH}[ ,-]*{_YEAR}"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? {_YEAR})(?!\d)",
    re.IGNORECASE,
)
_SVG_TEXT = re.compile(r"<!--(.*?)-->|<(?:text|tspan|title|desc)\b[^>]*>([^<]*)", re.DOTALL)
_PARTICIPANT = re.compile(r"(?:participant|subject|patient)(?: id(?:entifier)?| no\.?| number)?(?:,.*)?", re.IGNORECASE)
_EACH = re.compile(r"\beach (?:participant|subject|patient)\b", re.IGNORECASE)
_COUNT = re.compile(r"(\d+)(?: ?[(/].*| of \d+.*)?")
_EVENT = re.compile(r"[A-Z0-9]*D(Y|T|TM|TC)|AVAL|BASE|CHG")  # what is one participant's own, beside quasi-identifiers


class DisclosureError(UserError):
    """What would be published tells of a participant, or an exception in ``trial.yml`` excepts nothing."""


@dataclass(frozen=True)
class Finding:
    """One disclosure: `item` is the key of the result, table or figure, or else ``text`` or ``source``."""

    kind: str
    notebook: str
    cell: str
    item: str
    said: str

    def excepted_by(self, exception):
        """Whether an exception names this kind at this place."""
        places = (f"{self.notebook}/{self.cell}", self.item)
        return exception.kind == self.kind and any(fnmatchcase(place, exception.where) for place in places)


@dataclass(frozen=True)
class Grid:
    """A table as it is read: headings of each column, and lines of labels and cells; `names` are all its headings."""

    columns: list
    rows: list
    names: set = field(default_factory=set)


class Participants:
    """What the tables of a trial hold of its participants, as text."""

    def __init__(self, folder, facts):
        self.facts = facts
        self.tables = {name: _rows(Path(folder, f"{name}.csv")) for name in TABLES}
        declared = facts.disclosure.quasi_identifiers
        known = set(self.tables["adsl"][0])
        if unknown := [name for name in declared if name not in known]:
            raise DisclosureError(
                f"{folder}/trial.yml, disclosure.quasi_identifiers: adsl.csv has no column {unknown[0]}\n"
                "      → correct its spelling, or take it out"
            )
        categories = [line.variable for line in facts.baseline if line.variable and line.type == "category"]
        by_default = [name for name in dict.fromkeys([*QUASI_IDENTIFIERS, *categories]) if name in known]
        self.quasi = declared or by_default

    @cached_property
    def sought(self):
        """The words of each identifier and each date of the tables: (kind, as it is written) by the words."""
        found = {}
        for table in self.tables.values():
            for column in table[0] if table else []:
                kind = "identifier" if column in IDENTIFIERS else "date" if re.search("DT[CM]?$", column) else None
                for value in {row[column] for row in table} if kind else ():
                    words = _words(value)
                    letters = "".join(words)
                    if len(letters) >= 8 if kind == "date" else len(letters) >= 5 or re.search("[a-z]", letters):
                        found[words] = (kind, value)
        return found

    @cached_property
    def stated(self):
        """All that ``trial.yml`` says, its exceptions apart."""
        return _spoken(json.dumps(self.facts.model_dump(exclude={"disclosure"}), default=str, ensure_ascii=False))

    @cached_property
    def variables(self):
        """The variable that a heading names: its name itself, or its label in the baseline table."""
        named = {column.casefold(): column for table in self.tables.values() if table for column in table[0]}
        labels = {line.label.casefold(): line.variable for line in self.facts.baseline if line.variable}
        return labels | named

    @cached_property
    def levels(self):
        """The values of each quasi-identifier, and the labels they are shown with, as they are compared."""
        lines = {line.variable: line.levels for line in self.facts.baseline if line.variable}
        found = {}
        for name in self.quasi:
            values = {_plain(row[name]): _plain(row[name]) for row in self.tables["adsl"] if row[name]}
            found[name] = values | {_plain(label): _plain(value) for value, label in lines.get(name, {}).items()}
        return found

    @cached_property
    def courses(self):
        """The values of each participant and parameter in the order of the visits, where they differ."""
        courses = defaultdict(dict)
        for row in self.tables["adlb"]:
            if row.get("AVAL"):
                courses[row["USUBJID"], row["PARAMCD"]][float(row["AVISITN"])] = float(row["AVAL"])
        ordered = (tuple(by_visit[visit] for visit in sorted(by_visit)) for by_visit in courses.values())
        return {course for course in ordered if len(course) > 2 and len(set(course)) > 1}

    def told(self, table, columns):
        """The combinations of values of some columns of a table that belong to exactly one participant each."""
        holders = defaultdict(set)
        for row in self.tables[table]:
            holders[tuple(self.value(column, row[column]) for column in columns)].add(row["USUBJID"])
        return {values for values, who in holders.items() if len(who) == 1}

    def value(self, column, text):
        """A value as it is compared: a label is the value it stands for."""
        plain = _plain(text)
        return self.levels.get(column, {}).get(plain, plain)

    def unique(self):
        """Count the participants whom their quasi-identifiers tell from all others."""
        combinations = Counter(tuple(row[name] for name in self.quasi) for row in self.tables["adsl"])
        return sum(count == 1 for count in combinations.values()) if self.quasi else 0


def check(folder, facts, executed):
    """Refuse executed notebooks that tell of a participant and whose exception ``trial.yml`` does not name.

    Parameters
    ----------
    folder : Path
        The trial's, whose tables are valid.
    facts : Facts
        With ``disclosure``: quasi-identifiers, smallest cell, exceptions.
    executed : Path
        The folder of executed notebooks.

    Returns
    -------
    str
        What was found to be well, and how many participants the tables themselves would tell.

    Raises
    ------
    DisclosureError
        With every disclosure, and every exception that excepts nothing.
    """
    participants = Participants(folder, facts)
    findings = find(participants, executed)
    exceptions = facts.disclosure.exceptions
    open_findings = [f for f in findings if not any(f.excepted_by(e) for e in exceptions)]
    unused = [e for e in exceptions if not any(f.excepted_by(e) for f in findings)]
    if open_findings or unused:
        raise DisclosureError(_message(folder, open_findings, unused))
    excepted = f", {len(findings)} excepted with a reason" if findings else ""
    told = f"{participants.unique()} of {len(participants.tables['adsl'])} participants are the only one with their "
    told += ", ".join(participants.quasi)
    remedy = "; do not publish the tables with the book" if facts.provenance == "real" and participants.unique() else ""
    said = f"nothing published tells of a participant{excepted}"
    return f"{said}; in the tables, {told}{remedy}" if participants.quasi else said


def find(participants, executed):
    """Search the executed notebooks of a folder.

    Parameters
    ----------
    participants : Participants
    executed : Path

    Returns
    -------
    list of Finding
        At most one of each kind in an item, with what was found there.
    """
    found = defaultdict(dict)
    paths = sorted(Path(executed).glob("*.ipynb"))
    notebooks = {path.stem: json.loads(path.read_text("utf8"))["cells"] for path in paths}
    displays = {row["key"]: row["display"] for row in _all_rows(notebooks)}
    for notebook, cells in notebooks.items():
        for cell in cells:
            for kind, item, said in _in_cell(participants, cell, displays):
                found[kind, notebook, cell.get("id", ""), item].setdefault(said)
    return [Finding(*place, _some(list(said))) for place, said in found.items()]


def _in_cell(participants, cell, displays):
    yield from _in_text(participants, "source", _joined(cell["source"]))
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        figure = output.get("metadata", {}).get("trialbook", {})
        table = data.get(TABLE, {})
        item = figure.get("figure") or table.get("key") or "text"
        if figure:
            yield from _in_figure(item, figure.get("alt", ""), _drawn(data))
        for row in data.get(MIME, []):
            yield from _in_text(participants, row["key"], _strings(row))
            yield from _in_row(participants, row)
        if MIME not in data:
            yield from _in_text(participants, item, _shown(output))
            for grid in [_of_table(table, displays)] if table else _grids(output):
                yield from _in_grid(participants, item, grid)


def _in_text(participants, item, text):
    """Find identifiers and dates."""
    dates = {_words(match.group()): match.group() for match in _DATE.finditer(text)}
    words = _words(text)
    hits = {words_: ("date", said) for words_, said in dates.items()}
    for size in {len(sought) for sought in participants.sought}:
        runs = set(zip(*(words[start:] for start in range(size)), strict=False))
        hits |= {run: participants.sought[run] for run in runs & participants.sought.keys()}
    for run, (kind, said) in hits.items():
        if kind != "date" or _spoken(" ".join(run)) not in participants.stated:
            yield kind, item, said


def _in_figure(item, alt, drawn):
    """Find that a figure shows each participant, from its words."""
    for words in [*filter(_PARTICIPANT.fullmatch, drawn), *_EACH.findall(alt)]:
        yield "listing", item, f"a figure of “{words}”"


def _in_row(participants, row):
    """Find a result of too few: within a quasi-identifier, or in a cross of several."""
    key = f"_{row['key'].replace('.', '_')}_"
    method = set(re.findall(r"\w+", f"{row['method']} {row['group']} {row['parameter']}"))
    named = [name for name in participants.quasi if f"_{slug(name)}_" in key or name in method]
    smallest, value, size = participants.facts.disclosure.smallest_cell, row["value"], row["n"]
    counted = None
    if row["statistic"] in ("n (%)", "n of N") and isinstance(value, list):
        counted, size = value
    elif row["statistic"] == "count":
        counted = value
    described = f"{' × '.join(named)}: {row['display']}"
    if named and size is not None and 0 < size < smallest:
        yield "small cell", row["key"], f"{described}, of {size}"
    elif len(named) > 1 and counted is not None and 0 < counted < smallest:
        yield "small cell", row["key"], described


def _in_grid(participants, item, grid):
    """Find in a table the listing of participants, and the small cells of a cross-classification."""
    for name in sorted(grid.names):
        if name in IDENTIFIERS or _PARTICIPANT.fullmatch(name):
            yield "listing", item, f"the column {name}"
    variables = [
        next((found for name in names if (found := participants.variables.get(name.casefold()))), None)
        for names in grid.columns
    ]
    for table in participants.tables:
        rows = participants.tables[table]
        at = [i for i, variable in enumerate(variables) if rows and variable in rows[0]]
        columns = [variables[i] for i in at]
        if len(at) > 1 and any(c in participants.quasi or _EVENT.fullmatch(c) for c in columns):
            told = participants.told(table, columns)
            lines = [
                [participants.value(variables[i], cells[i]) for i in at]
                for _, cells in grid.rows
                if len(cells) > at[-1]
            ]
            if sum(tuple(line) in told for line in lines) > 1:
                yield "listing", item, f"lines of single participants ({', '.join(columns)})"
    whole = [_numbers(cells) for _, cells in grid.rows]
    for lines in (whole, list(zip(*whole, strict=False))):
        course = sum(tuple(line) in participants.courses for line in lines)
        if course > 1 and 2 * course >= len(lines):
            yield "listing", item, "lines that are the courses of single participants"
    for labels, cells in grid.rows:
        for names, cell in zip(grid.columns, cells, strict=False):
            crossed = _levels(participants, [*labels, *names], grid.names)
            count = _COUNT.fullmatch(cell.strip())
            if len(crossed) > 1 and count and 0 < int(count[1]) < participants.facts.disclosure.smallest_cell:
                yield "small cell", item, f"{' × '.join(crossed.values())}: {cell}"


def _levels(participants, headings, names):
    """The different quasi-identifiers of which a heading of a cell is a level, with that heading.

    A number is a level only in a table that names its variable.
    """
    found = {}
    spoken = {participants.variables.get(name.casefold()) for name in names}
    for heading in headings:
        plain = _plain(heading)
        for name, levels in participants.levels.items():
            if name not in found and plain in levels and (name in spoken or not isinstance(plain, float)):
                found[name] = heading
                break
    return found


# -------------------------------------------------------------------------------------------- how an output is read


def _of_table(table, displays):
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


def _grids(output):
    """The tables of an output that is not one of the book's: of its HTML or, where there is none, of its text."""
    shown = _joined(output.get("data", {}).get("text/html", ""))
    if "<table" in shown:
        reader = _TableReader()
        reader.feed(shown)
        return [_of_cells(rows) for rows in reader.tables if rows]
    text = _joined(output.get("text", "") or output.get("data", {}).get("text/plain", ""))
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


def _shown(output):
    """All the text of an output that can be read; not that of a PDF or a bitmap."""
    data, parts = output.get("data", {}), [_joined(output.get("text", "")), *output.get("traceback", [])]
    parts.append(_strings(output.get("metadata", {})))
    for kind, content in data.items():
        if kind == "image/svg+xml":
            parts += _drawn(data)
        elif kind.endswith("json"):
            parts.append(_strings(content))
        elif kind.startswith("text/"):
            parts.append(_joined(content))
    return html.unescape("\n".join(parts))


def _drawn(data):
    """The texts of a figure, from its SVG."""
    found = _SVG_TEXT.findall(_joined(data.get("image/svg+xml", "")))
    return [html.unescape(comment or text).strip() for comment, text in found]


def _all_rows(notebooks):
    for cells in notebooks.values():
        for cell in cells:
            for output in cell.get("outputs", []):
                yield from output.get("data", {}).get(MIME, [])


def _strings(content):
    """Every text of a JSON value."""
    if isinstance(content, str):
        return content
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, list) else []
    return "\n".join(map(_strings, parts))


def _joined(text):
    return text if isinstance(text, str) else "".join(text)


def _words(text):
    """Take a text apart into lower-case words; a point or comma within a number does not part it."""
    return tuple(re.findall(r"[^\W_]+", re.sub(r"(?<=\d)[.,](?=\d)", "", text).lower()))


def _spoken(text):
    return f" {' '.join(_words(text))} "


def _plain(text):
    """A value as it is compared: a number as one, a text without regard to case."""
    try:
        return float(text)
    except ValueError:
        return text.strip().casefold()


def _numbers(cells):
    return [value if isinstance(value := _plain(cell), float) else None for cell in cells]


def _some(said):
    """The first few of what was found."""
    return ", ".join(said[:3]) + (f" and {len(said) - 3} more" if len(said) > 3 else "")


def _rows(path):
    """The rows of a table as texts by column; none where the trial does not have it."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, skipinitialspace=True)
        return [{name: (cell or "").strip() for name, cell in row.items() if name} for row in rows if any(row.values())]


def _message(folder, findings, unused):
    count = len(findings) + len(unused)
    lines = [f"{folder}: {count} disclosure fault{'s' if count > 1 else ''} found, the book was not built."]
    remedy = "take it out of the cell, or name it under `disclosure.exceptions` in trial.yml, with the reason"
    shown = [
        f"  {f.notebook}, cell {f.cell}, {f.item}: {f.kind} ({f.said})\n      → {remedy}" for f in findings[:SHOWN]
    ]
    shown += [
        f"  trial.yml, disclosure.exceptions: nothing published is a {e.kind} at {e.where!r}\n      → take it out"
        for e in unused
    ][: SHOWN - len(shown)]
    lines += shown
    lines += [f"  … and {count - len(shown)} more"] if count > len(shown) else []
    return "\n".join(lines)
