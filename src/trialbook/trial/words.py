"""The words of coded columns: what each is known to mean, so that nothing is decided by exclusion.

The lists stand in ``words.yml`` beside this module.  A word that is in no list is a fault, until ``terms`` of
``trial.yml`` says what it means.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
import yaml

Terms = Mapping[str, Mapping[str, str]]

RELATED, UNLIKELY, NOT_RELATED = "related", "unlikely", "not related"
WITHDRAWN, KEPT = "withdrawn", "kept"
FATAL, NOT_FATAL = "fatal", "not fatal"
COMPLETED, ONGOING, DISCONTINUED = "completed", "ongoing", "discontinued"
YES, NO = "yes", "no"
UNKNOWN = "unknown"

_LISTS: dict = yaml.load(Path(__file__).with_suffix(".yml").read_text("utf8"), yaml.CSafeLoader)
_SHARED = {name: _LISTS.pop(name) for name in ("nothing", "reasons")}
_WORDS: dict[str, dict[str, list[str]]] = {
    column: {meaning: words.format(**_SHARED).split("; ") for meaning, words in meanings.items()}
    for column, meanings in _LISTS.items()
}
LIKE = {"AETOXGR": "AESEV", "DCREASCD": "DCSREAS", "DCDECOD": "DCSREAS"}  # columns with the words of another
COLUMNS = (*_WORDS, *LIKE)
_PARTS = re.compile(r"[,;]| and ", re.I)  # an action taken may be several


def plain(word: object) -> str:
    """Write a word without regard to case, punctuation (but for a question mark) and width of its characters."""
    letters = unicodedata.normalize("NFKC", str(word)).upper()
    return " ".join("".join(char if char.isalnum() or char == "?" else " " for char in letters).split())


KNOWN = {
    column: {plain(word): meaning for meaning, words in meanings.items() for word in words}
    for column, meanings in _WORDS.items()
}


def meanings(column: str) -> list[str]:
    """List what a word of a column can mean: the values that ``terms`` takes."""
    return list(_WORDS[LIKE.get(column, column)])


def examples(column: str, most: int = 3) -> str:
    """Name some known words of a column by what they mean."""
    said = _WORDS[LIKE.get(column, column)]
    return "; ".join(f"{meaning} ({', '.join(words[:most])} …)" for meaning, words in said.items())


def meaning(column: str, word: str, terms: Terms) -> str | None:
    """Say what a word of a coded column means.

    Parameters
    ----------
    column : str
        One of `COLUMNS`.
    word : str
    terms : mapping
        ``terms`` of ``trial.yml``: the meanings of further words, by column.

    Returns
    -------
    str or None
        One of `meanings`; None for a word that is not known.
    """
    told = {plain(one): meant for one, meant in terms.get(column, {}).items()}
    known, said = KNOWN[LIKE.get(column, column)], plain(word)
    if said in told:
        return told[said]
    if said in known:
        return known[said]
    if column != "AEACN":
        return None
    parts = {known.get(plain(part), told.get(plain(part))) for part in _PARTS.split(word)}
    return None if None in parts else next(one for one in (WITHDRAWN, KEPT, UNKNOWN) if one in parts)


def understood(values: pd.Series, column: str, terms: Terms) -> pd.Series:
    """Replace each word of a coded column by what it means; an empty cell stays empty."""
    found = {word: meaning(column, word, terms) for word in values.dropna().unique()}
    return values.map(found).astype(object)


def unknown(values: Iterable[str], column: str, terms: Terms) -> list[str]:
    """List the words of a coded column that are not known, each once."""
    return [word for word in dict.fromkeys(values) if meaning(column, word, terms) is None]
