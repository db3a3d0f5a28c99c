"""The disclosure gate: nothing that is published may tell of one participant, and only what can be read is published.

The executed notebooks hold everything that the book shows, so they are what is read: rows of results, tables, plain
words, alternative texts, the sources of the cells, and the text of figures, which matplotlib leaves in an SVG as a
comment or a title. What a figure shows by place alone, or as pixels, cannot be read: that it shows each participant is
taken from its words, an axis headed ``Participant`` or an alternative text that says ``each participant``. Every other
form of output is refused, whatever it shows (`publishable`).

Four kinds of disclosure are sought.

identifier
    A USUBJID or SUBJID of the trial, as whole words in any spelling (``NKINR-003`` is also ``nkinr_003``). One of
    digits only is sought where it has at least five; a shorter one cannot be told from a count.
date
    A calendar date to the day, in any usual form, or the content of a date column of the tables. A date that
    ``trial.yml`` states is a fact of the trial (CONSORT asks for the dates of recruitment) and passes.
listing
    A table with a column of identifiers, or of rows of the trial's files, or with one line per participant: two lines
    or more that repeat the values of exactly one participant each under headings that name the trial's variables, or
    whole courses over the visits.
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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from trialbook.checks.participants import IDENTIFIERS, Participants, Plain, plain_value
from trialbook.checks.publishable import judged
from trialbook.checks.texts import told_by
from trialbook.errors import SHOWN, UserError
from trialbook.results import executed as notebooks
from trialbook.results.executed import SVG, Cell, Executed, Layout, Output
from trialbook.results.formats import slug
from trialbook.results.row import Result
from trialbook.trial.model import Trial
from trialbook.trial.stated import DisclosureException

ROW = "Row"  # of a file of the trial: it names a participant to whoever has the file
_PARTICIPANT = re.compile(r"(?:participant|subject|patient)(?: id(?:entifier)?| no\.?| number)?(?:,.*)?", re.IGNORECASE)
_EACH = re.compile(r"\beach (?:participant|subject|patient)\b", re.IGNORECASE)
_COUNT = re.compile(r"(\d+)(?: ?[(/].*| of \d+.*)?")
_EVENT = re.compile(r"[A-Z0-9]*D(Y|T|TM|TC)|AVAL|BASE|CHG")  # what is one participant's own, beside quasi-identifiers


_EXCEPT = "take it out of the cell, or name it under `disclosure.exceptions` in trial.yml, with the reason"


class DisclosureError(UserError):
    """What would be published tells of a participant or cannot be read, or an exception excepts nothing."""


class Hit(NamedTuple):
    """What is found in a cell; `item` is the key of a result, table or figure, or says which part of the cell."""

    kind: str
    item: str
    said: str
    remedy: str = _EXCEPT


@dataclass(frozen=True)
class Finding:
    """What is found in a cell, with its place."""

    file: str  # a notebook's name, or the file of a text
    place: str | int  # the cell, or the line of a text
    hit: Hit

    def excepted_by(self, exception: DisclosureException) -> bool:
        """Whether an exception names this kind at this place."""
        places = (self.file, f"{self.file}/{self.place}", self.hit.item)
        return exception.kind == self.hit.kind and any(fnmatchcase(place, exception.where) for place in places)

    def __str__(self) -> str:
        place = f"line {self.place}" if isinstance(self.place, int) else f"cell {self.place}, {self.hit.item}"
        return f"  {self.file}, {place}: {self.hit.kind} ({self.hit.said})\n      → {self.hit.remedy}"


@dataclass(frozen=True)
class Grid:
    """A table as it is judged: the heading of each column but the first, and lines of labels and cells."""

    columns: list[str]
    rows: list[tuple[list[str], list[str]]]
    names: set[str]  # all headings


def check(trial: Trial, executed: Path) -> str:
    """Refuse executed notebooks that tell of a participant and whose exception ``trial.yml`` does not name.

    Parameters
    ----------
    trial : Trial
        Its facts hold under ``disclosure`` the quasi-identifiers, the smallest cell and the exceptions.
    executed : Path
        The folder of executed notebooks.

    Returns
    -------
    str
        What was found to be well, and how many participants the tables themselves would tell.

    Raises
    ------
    DisclosureError
        With every disclosure, every output that cannot be read, and every exception that excepts nothing.
    """
    participants = Participants(trial)
    findings = find(participants, notebooks.read(executed))
    exceptions = [one for one in trial.facts.disclosure.exceptions if not _names_text(one)]
    _refuse(trial, findings, exceptions)
    excepted = f", {len(findings)} excepted with a reason" if findings else ""
    unique = participants.unique()
    told = f"{unique} of {len(trial.adsl)} participants are the only one with their {', '.join(participants.quasi)}"
    remedy = "; do not publish the tables with the book" if trial.facts.provenance == "real" and unique else ""
    said = f"nothing published tells of a participant{excepted}"
    return f"{said}; in the tables, {told}{remedy}" if participants.quasi else said


def check_texts(trial: Trial, texts: Mapping[str, str]) -> None:
    """Refuse prose that tells of a participant, as it is written.

    Parameters
    ----------
    trial : Trial
    texts : mapping of str to str
        By the name of the file.

    Raises
    ------
    DisclosureError
        With each line that does, and every exception of a text that excepts nothing.
    """
    participants, exceptions = Participants(trial), list(filter(_names_text, trial.facts.disclosure.exceptions))
    findings = [
        Finding(file, number, hit)
        for file, text in texts.items()
        for number, hits in _by_line(participants, text)
        for hit in hits
    ]
    _refuse(trial, findings, exceptions)


def _refuse(trial: Trial, findings: list[Finding], exceptions: list[DisclosureException]) -> None:
    """Refuse findings that are not excepted, and exceptions that except nothing."""
    open_findings = [f for f in findings if not any(f.excepted_by(e) for e in exceptions)]
    unused = [e for e in exceptions if not any(f.excepted_by(e) for f in findings)]
    if open_findings or unused:
        raise DisclosureError(_message(trial.folder, open_findings, unused))


def _names_text(exception: DisclosureException) -> bool:
    """Whether an exception is of a text that authors wrote, which it names whole, and not of a notebook or a key."""
    return exception.where.endswith((".md", ".yml"))


def _by_line(participants: Participants, text: str) -> Iterator[tuple[int, list[Hit]]]:
    """What is found in the lines of a text, and at its first line what only several lines together tell."""
    told = set()
    for number, line in enumerate(text.splitlines(), start=1):
        hits = list(dict.fromkeys(_in_text(participants, "text", line)))
        told |= {(hit.kind, hit.said) for hit in hits}
        yield number, hits
    whole = dict.fromkeys(_in_text(participants, "text", text))
    yield 1, [hit for hit in whole if (hit.kind, hit.said) not in told]


def find(participants: Participants, executed: Executed) -> list[Finding]:
    """Search executed notebooks.

    Parameters
    ----------
    participants : Participants
    executed : Executed

    Returns
    -------
    list of Finding
        At most one of each kind in an item, with what was found there.
    """
    found: dict[tuple[str, str, Hit], list[str]] = {}
    for notebook, cells in executed.notebooks.items():
        for cell in cells:
            for hit in _in_cell(participants, cell, executed.results):
                said = found.setdefault((notebook, cell.id, hit._replace(said="")), [])
                said += [hit.said] if hit.said not in said else []
    in_cells = [Finding(name, cell, hit._replace(said=_some(said))) for (name, cell, hit), said in found.items()]
    of_themselves = [
        Finding(name, "metadata", hit)
        for name, said in executed.metadata.items()
        for hit in _in_text(participants, "text", json.dumps(said, ensure_ascii=False))
    ]
    return in_cells + of_themselves


def _in_cell(participants: Participants, cell: Cell, known: dict[str, Result]) -> Iterator[Hit]:
    yield from _in_text(participants, "source", cell.source)
    yield from _in_text(
        participants, "metadata", json.dumps([cell.metadata, list(cell.attachments)], ensure_ascii=False)
    )
    for output, refusal in judged(cell.outputs, known):
        if refusal:
            yield Hit("unreadable", "output", *refusal)
        else:
            yield from _in_output(participants, output, known)


def _in_output(participants: Participants, output: Output, known: dict[str, Result]) -> Iterator[Hit]:
    for row in output.results:
        yield from _in_text(participants, row.key, _strings(vars(row)))
        yield from _in_row(participants, row)
    if table := output.table:
        yield from _in_text(participants, table["key"], _strings(table))
        yield from _in_grid(participants, table["key"], _grid(table, known))
    elif figure := output.figure:
        drawn = notebooks.texts(output.data[SVG])
        yield from _in_text(participants, figure.figure, "\n".join([figure.alt, *drawn]))
        for words in [*filter(_PARTICIPANT.fullmatch, drawn), *_EACH.findall(figure.alt)]:
            yield Hit("listing", figure.figure, f"a figure of “{words}”")
    elif not output.results:
        yield from _in_text(participants, "text", output.text + output.data.get("text/markdown", ""))


def _in_text(participants: Participants, item: str, text: str) -> Iterator[Hit]:
    yield from (Hit(kind, item, said) for kind, said in told_by(participants, text))


def _in_row(participants: Participants, row: Result) -> Iterator[Hit]:
    """Find a result of too few: within a quasi-identifier, or in a cross of several."""
    key = f"_{row.key.replace('.', '_')}_"
    method = set(re.findall(r"\w+", f"{row.method} {row.label} {row.group} {row.parameter}"))
    named = [name for name in participants.quasi if f"_{slug(name)}_" in key or name in method]
    smallest, value, size = participants.facts.disclosure.smallest_cell, row.value, row.n
    counted = None
    if row.statistic in ("n (%)", "n of N") and isinstance(value, list):
        counted, size = value
    elif row.statistic == "count":
        counted = value
    described = f"{' × '.join(named)}: {row.display}"
    if named and size is not None and 0 < size < smallest:
        yield Hit("small cell", row.key, f"{described}, of {size}")
    elif len(named) > 1 and counted is not None and 0 < counted < smallest:
        yield Hit("small cell", row.key, described)


def _grid(table: Layout, known: dict[str, Result]) -> Grid:
    """The grid of a table; a line without cells heads those that follow, as their indent says."""
    rows: list[tuple[list[str], list[str]]] = []
    above: list[tuple[int, str]] = []
    for row in table["rows"]:
        above = [(indent, label) for indent, label in above if indent < row["indent"] or not row["indent"]]
        if row["cells"]:
            cells = [known[cell["key"]].display if "key" in cell else cell["text"] for cell in row["cells"]]
            rows.append(([*(label for _, label in above), row["label"]], cells))
        else:
            above = [(indent, label) for indent, label in above if indent < row["indent"]]
        above.append((row["indent"], row["label"]))
    headings = [column["text"] for column in table["columns"]]
    return Grid(headings[1:], rows, set(headings))


def _in_grid(participants: Participants, item: str, grid: Grid) -> Iterator[Hit]:
    """Find in a table the listing of participants, and the small cells of a cross-classification."""
    for name in sorted(grid.names):
        if name in IDENTIFIERS or name == ROW or _PARTICIPANT.fullmatch(name):
            yield Hit("listing", item, f"the column {name}")
    for columns in _repeated(participants, grid):
        yield Hit("listing", item, f"lines of single participants ({', '.join(columns)})")
    if _shows_courses(participants, grid):
        yield Hit("listing", item, "lines that are the courses of single participants")
    for labels, cells in grid.rows:
        beside = [cell for cell in cells if not _COUNT.fullmatch(cell.strip())]
        for name, cell in zip(grid.columns, cells, strict=True):
            shows_values = name.casefold() in participants.variables  # as a listing does, and no counts
            headings = [*labels, name] if shows_values else [*labels, *beside, name]
            crossed = _levels(participants, headings, grid.names)
            count = _COUNT.fullmatch(cell.strip())
            if len(crossed) > 1 and count and 0 < int(count[1]) < participants.facts.disclosure.smallest_cell:
                yield Hit("small cell", item, f"{' × '.join(crossed.values())}: {cell}")


def _repeated(participants: Participants, grid: Grid) -> Iterator[list[str]]:
    """The variables of each table of the trial whose values two lines or more repeat, each of one participant."""
    variables = [participants.variables.get(name.casefold()) for name in grid.columns]
    for name, table in participants.tables.items():
        at = {i: variable for i, variable in enumerate(variables) if variable and variable in table}
        columns = [*at.values()]
        if len(at) > 1 and any(column in participants.quasi or _EVENT.fullmatch(column) for column in columns):
            told = participants.told(name, columns)
            lines = [tuple(participants.value(at[i], cells[i]) for i in at) for _, cells in grid.rows]
            if sum(line in told for line in lines) > 1:
                yield columns


def _shows_courses(participants: Participants, grid: Grid) -> bool:
    """Whether half of the lines or columns, two at least, are each the values of a participant over the visits."""
    down = [tuple(map(_number, cells)) for _, cells in grid.rows]
    across = [*zip(*down, strict=True)]
    found = [(sum(line in participants.courses for line in lines), len(lines)) for lines in (down, across)]
    return any(courses > 1 and 2 * courses >= lines for courses, lines in found)


def _levels(participants: Participants, headings: list[str], names: set[str]) -> dict[str, str]:
    """The different quasi-identifiers of which a heading of a cell is a level, with that heading.

    A number is a level only in a table that names its variable.
    """
    found: dict[str, str] = {}
    named = {participants.variables.get(name.casefold()) for name in names}
    for heading in headings:
        plain = plain_value(heading)
        for name, levels in participants.levels.items():
            if name not in found and plain in levels and (name in named or not isinstance(plain, float)):
                found[name] = heading
                break
    return found


def _number(cell: str) -> Plain | None:
    return value if isinstance(value := plain_value(cell), float) else None


def _strings(content: Any) -> str:
    """Every text of a JSON value."""
    if isinstance(content, str):
        return content
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, list) else []
    return "\n".join(map(_strings, parts))


def _some(said: list[str]) -> str:
    """The first few of what was found."""
    return ", ".join(said[:3]) + (f" and {len(said) - 3} more" if len(said) > 3 else "")


def _message(folder: Path, findings: list[Finding], unused: list[DisclosureException]) -> str:
    count = len(findings) + len(unused)
    lines = [*map(str, findings)] + [
        f"  trial.yml, disclosure.exceptions: nothing at {e.where!r} is of the kind {e.kind!r}\n      → take it out"
        for e in unused
    ]
    more = [f"  … and {count - SHOWN} more"] if count > SHOWN else []
    head = f"{folder}: {count} disclosure fault{'s' if count > 1 else ''} found, the book was not built."
    return "\n".join([head, *lines[:SHOWN], *more])
