"""Changes in words: as a page, as Markdown for a pull request, and on the terminal."""

import re

from jinja2 import Environment, PackageLoader, select_autoescape

from trialbook.editions.changes import Change, Changes
from trialbook.results.sentences import Sentence

SHOWN = 30  # changes on the terminal; the page has them all
_PAGES = Environment(
    loader=PackageLoader("trialbook.editions"),
    autoescape=select_autoescape(["html"]),
    trim_blocks=True,
    keep_trailing_newline=True,
)
_PAGES.filters["plain"] = lambda text: re.sub(r"([\\`*_<>|~[\]])", r"\\\1", text)


def page(template: str, **content: object) -> str:
    """Fill one of the templates.

    Parameters
    ----------
    template : str
        ``diff.html``, ``diff.md`` or ``receipt.html``.
    **content
        What the template shows.

    Returns
    -------
    str
    """
    return _PAGES.get_template(template).render(**content)


def lines(changes: Changes) -> list[str]:
    """Tell the changes as lines of text, each number with its verdict and the sentences and tables that use it.

    Parameters
    ----------
    changes : Changes

    Returns
    -------
    list of str
    """
    told = [f"{changes.summary}."]
    for change in changes.changes[:SHOWN]:
        told += ["", f"{change.key}: {_shown(change)} ({change.said})"]
        for page, sentences in changes.pages if change.told else []:
            told += [f"    {page}: {_said(changes, one)}" for one in sentences if change.key in one.keys]
        tables = [one for one in changes.places(change) if change.told and one.where == "table"]
        told += [f"    {one.page}, table: {_said(changes, one)}" for one in tables]
    more = len(changes.changes) - SHOWN
    return told + (["", f"… and {more} more, which the page lists"] if more > 0 else [])


def _said(changes: Changes, sentence: Sentence) -> str:
    return "".join(part if isinstance(part, str) else f"[{_shown(part)}]" for part in changes.filled(sentence))


def _shown(change: Change) -> str:
    return " → ".join(number.display for number in (change.before, change.now) if number)
