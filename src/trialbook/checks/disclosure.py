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

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from trialbook.checks import grids as outputs
from trialbook.checks.participants import IDENTIFIERS, Participants, plain_value, spoken, words_of
from trialbook.errors import SHOWN, UserError
from trialbook.results.formats import slug
from trialbook.results.row import MIME, TABLE

_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_YEAR = r"(?:19|20)\d\d"
_DATE = re.compile(
    rf"(?<![\d.-])(?:{_YEAR}[-/.](?:0?[1-9]|1[0-2])[-/.](?:[12]\d|3[01]|0?[1-9])"
    rf"|\d{{1,2}}([-/.])\d{{1,2}}\1{_YEAR}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?[ -]?{_MONTH}[ ,-]*{_YEAR}"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? {_YEAR})(?!\d)",
    re.IGNORECASE,
)
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
    displays = {row["key"]: row["display"] for row in outputs.result_rows(notebooks)}
    for notebook, cells in notebooks.items():
        for cell in cells:
            for kind, item, said in _in_cell(participants, cell, displays):
                found[kind, notebook, cell.get("id", ""), item].setdefault(said)
    return [Finding(*place, _some(list(said))) for place, said in found.items()]


def _in_cell(participants, cell, displays):
    yield from _in_text(participants, "source", outputs.joined(cell["source"]))
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        figure = output.get("metadata", {}).get("trialbook", {})
        table = data.get(TABLE, {})
        item = figure.get("figure") or table.get("key") or "text"
        if figure:
            yield from _in_figure(item, figure.get("alt", ""), outputs.drawn(data))
        for row in data.get(MIME, []):
            yield from _in_text(participants, row["key"], outputs.strings(row))
            yield from _in_row(participants, row)
        if MIME not in data:
            yield from _in_text(participants, item, outputs.shown(output))
            for grid in [outputs.of_table(table, displays)] if table else outputs.grids(output):
                yield from _in_grid(participants, item, grid)


def _in_text(participants, item, text):
    """Find identifiers and dates."""
    dates = {words_of(match.group()): match.group() for match in _DATE.finditer(text)}
    words = words_of(text)
    hits = {words_: ("date", said) for words_, said in dates.items()}
    for size in {len(sought) for sought in participants.sought}:
        runs = set(zip(*(words[start:] for start in range(size)), strict=False))
        hits |= {run: participants.sought[run] for run in runs & participants.sought.keys()}
    for run, (kind, said) in hits.items():
        if kind != "date" or spoken(" ".join(run)) not in participants.stated:
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
    named = {participants.variables.get(name.casefold()) for name in names}
    for heading in headings:
        plain = plain_value(heading)
        for name, levels in participants.levels.items():
            if name not in found and plain in levels and (name in named or not isinstance(plain, float)):
                found[name] = heading
                break
    return found


def _numbers(cells):
    return [value if isinstance(value := plain_value(cell), float) else None for cell in cells]


def _some(said):
    """The first few of what was found."""
    return ", ".join(said[:3]) + (f" and {len(said) - 3} more" if len(said) > 3 else "")


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
