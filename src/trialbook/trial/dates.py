"""Dates as tables hold them: a full date is read in whatever unambiguous way it is written."""

from typing import Literal

import pandas as pd

USED = ("RANDDT", "TRTSDT", "TRTEDT", "EOSDT", "DTHDT", "LSTALVDT", "BRTHDT", "ASTDT", "AENDT", "ADT")
Counted = Literal["iso", "sas", "excel"]

_ISO = r"(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
_NAMED = r"\d{1,2}[ -]?(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[ -]?\d{4}(?::\d{2}:\d{2}(?::\d{2})?)?"
_ORIGIN = {"sas": "1960-01-01", "excel": "1899-12-30"}  # Excel's 1900 has a 29 February, which it never had
_CENTURY = 36_525  # days: a number beyond two centuries from the origin is no date


def iso(cells: pd.Series, counted: Counted = "iso") -> pd.Series:
    """Write dates as ISO 8601 does.

    Parameters
    ----------
    cells : Series of str
    counted : {"iso", "sas", "excel"}
        Whether a number is a date, and from when its days count.

    Returns
    -------
    Series of str
        ``2021-02-10``; missing for what is empty or no full, unambiguous date.
    """
    text = cells.astype("str").str.strip()
    plain = text.str.extract(f"^{_ISO}$", expand=False)
    named = text.str.upper().where(text.str.upper().str.fullmatch(_NAMED)).str.replace(r"[ -]|:.*", "", regex=True)
    found = pd.to_datetime(plain, format="%Y-%m-%d", errors="coerce")
    found = found.fillna(pd.to_datetime(named, format="%d%b%Y", errors="coerce"))
    if counted in _ORIGIN:
        days = pd.to_numeric(text, errors="coerce")
        days = days.where((days.abs() < 2 * _CENTURY) & (days % 1 == 0))
        found = found.fillna(pd.to_datetime(days, unit="D", origin=_ORIGIN[counted], errors="coerce"))
    return found.dt.strftime("%Y-%m-%d")
