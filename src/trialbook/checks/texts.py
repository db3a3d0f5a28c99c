"""What a text tells of single participants: identifiers, dates, and lines that list them, however they are written."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date

from trialbook.checks.participants import Participants, plain_value, spoken, words_of, written

_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_YEAR = r"(?:19|20)\d\d"
_DATE = re.compile(
    rf"(?<![\d.-])(?:{_YEAR}[-/.](?:0?[1-9]|1[0-2])[-/.](?:[12]\d|3[01]|0?[1-9])"
    rf"|\d{{1,2}}([-/.])\d{{1,2}}\1{_YEAR}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?(?: of)?[ -]?{_MONTH}[ ,-]*{_YEAR}"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? {_YEAR})(?!\d)",
    re.IGNORECASE,
)
_SHORT_DATE = re.compile(
    r"(?<![\w.])(?:((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])|(\d{1,2})[-/.](\d{1,2})[-/.](\d{2}))(?![\w])"
)
TELLING = 3  # values of a participant in a line, from which it may be one of a listing


def told_by(participants: Participants, text: str) -> Iterator[tuple[str, str]]:
    """Find identifiers, dates, and lines that list participants.

    Parameters
    ----------
    participants : Participants
    text : str
        Plain, HTML or Markdown.

    Yields
    ------
    kind : str
    said : str
        As the tables, or for a date as the text, write it.
    """
    for form in written(text):
        words = words_of(form)
        hits = {words_of(said): ("date", said) for said in _dates(participants, form)}
        for size in {len(sought) for sought in participants.sought}:
            runs = set(zip(*(words[start:] for start in range(size)), strict=False))
            hits |= {run: participants.sought[run] for run in runs & participants.sought.keys()}
        for run, (kind, said) in hits.items():
            if kind != "date" or spoken(" ".join(run)) not in participants.stated:
                yield kind, said
        if listed := _listed(participants, form):
            yield "listing", f"{listed} lines of single participants"


def _dates(participants: Participants, text: str) -> Iterator[str]:
    """The dates of a text: in a form that no number has, or else the days of the tables in any form."""
    yield from (match.group() for match in _DATE.finditer(text))
    for match in _SHORT_DATE.finditer(text):
        if _days(match) & participants.days:
            yield match.group()


def _days(match: re.Match[str]) -> set[date]:
    """The days that a short date may mean."""
    first, second, last = map(int, filter(None, match.groups()))
    orders = [(2000 + last, second, first), (2000 + last, first, second), (2000 + first, second, last)]
    found = set()
    for year, month, day in [(first, second, last)] if first > 99 else orders:
        with suppress(ValueError):
            found.add(date(year, month, day))
    return found


def _listed(participants: Participants, text: str) -> int:
    """Count the lines that hold values which only one participant has together, if there are two or more."""
    count = 0
    for line in text.splitlines():
        cells = [cell for cell in map(plain_value, re.split(r"[,;\t|]| {2,}", line)) if cell in participants.rows]
        if len(cells) >= TELLING:
            count += len(set.intersection(*(participants.rows[cell] for cell in cells))) == 1
    return count if count > 1 else 0
