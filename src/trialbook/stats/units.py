"""Units of measured values, and the way from one to another (pint)."""

import re
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

MASSES = ("mg", "ug", "ng", "kg", "mmol", "umol", "nmol", "pmol", "mol", "meq")
VOLUMES = ("L", "dL", "mL", "uL")
MOLAR_MASS = {"BILI": 584.66, "CREAT": 113.12, "GLUC": 180.16, "UREA": 60.06}  # g/mol, by PARAMCD
# what pint would take for gauss, tesla, kelvin and molar
_COUNTS = {"G/L": "10**9/L", "T/L": "10**12/L", "K/uL": "10**3/uL", "M/uL": "10**6/uL"}
_CAPITAL = {  # CDISC's codelist of units in capitals, as SAS programs write it, where pint would read something else
    **{"GI/L": "10**9/L", "TI/L": "10**12/L", "MI/L": "10**6/L", "THOU/UL": "10**3/uL", "MILL/UL": "10**6/uL"},
    **{f"{mass.upper()}/{volume.upper()}": f"{mass}/{volume}" for mass in MASSES for volume in VOLUMES},
    **{f"GM/{volume.upper()}": f"g/{volume}" for volume in ("L", "dL", "mL")},
    **{"FRACTION OF 1": "1", "FRACTION": "1", "RATIO": "1", "FL": "fL", "PG": "pg", "IU/L": "IU/L", "U/L": "U/L"},
}
_ENDLESS = re.compile(r"\*\*(?!-?\d{1,2}(?![\d*]))|\)\s*\*\*|.{60}")  # powers that would be computed for ever
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


class UnitError(ValueError):
    """A unit that is not known, or that cannot be converted to the one wanted."""


def convert(values: ArrayLike, unit: str, wanted: str, paramcd: str = "") -> np.ndarray:
    """Convert values from one unit to another.

    Parameters
    ----------
    values : array_like
    unit, wanted : str
        As laboratories write them: ``10⁹/L``, ``G/L``, ``cells/μL``, ``mg/dL``.
    paramcd : str
        The parameter, whose molar mass leads from a mass to an amount of substance.

    Returns
    -------
    ndarray
        In `wanted`, to twelve significant digits where anything was converted.

    Raises
    ------
    UnitError
    """
    values = np.asarray(values, float)
    if spelling(unit) == spelling(wanted):
        return values
    source, target = _parsed(unit), _parsed(wanted)
    mass = MOLAR_MASS.get(paramcd)
    context = ["chemistry"] if mass else []
    by = {"mw": _registry().Quantity(mass, "g/mol")} if mass else {}
    quantity = _registry().Quantity(values * source.magnitude, source.units)
    try:
        found = quantity.to(target.units, *context, **by).magnitude / target.magnitude
    except _pint().DimensionalityError:
        raise UnitError(f"{_said(unit)} cannot be converted to {_said(wanted)}") from None
    return significant(found)


def significant(values: ArrayLike, digits: int = 12) -> np.ndarray:
    """Round to significant digits, so that a value converted, or a multiple of a limit, meets the bound it equals."""
    values = np.asarray(values, float)
    size = np.where(np.isfinite(values) & (values != 0), np.abs(values), 1.0)
    scale = 10.0 ** (digits - 1 - np.floor(np.log10(size)))
    return np.round(values * scale) / scale


def spelling(unit: str) -> str:
    """Write a unit in one way of the many: ``10⁹/L``, ``10^9/l`` and ``G/L`` are the same text."""
    text = _CAPITAL.get(unit.strip().upper(), unit) if unit.isupper() else unit
    text = text.strip().replace("µ", "u").replace("μ", "u").replace("×", "x")
    text = re.sub(r"([⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda found: f"**{found[1].translate(_DIGITS)}", text)
    text = re.sub(r"^[xX]?\s*10\s*(?:\^|\*\*|\*|[eE])\s*(\d+)", r"10**\1", text)
    text = re.sub(r"([a-z])\^?([23])\b", r"\1**\2", text).replace("^", "**")
    text = re.sub(r"/\s*([mdu]?)l\b", r"/\1L", text)
    text = re.sub(r"\bcells?\b|\bcopies\b", "1", text)
    text = re.sub(r"^/", "1/", text)
    text = re.sub(r"^(10\*\*\d+)\s*\*?\s*1/", r"\1/", text)
    return _COUNTS.get(text, text)


def _said(unit):
    return repr(unit) if unit else "no unit"


@cache
def _parsed(unit):
    text = spelling(unit) or "dimensionless"
    try:
        known = None if _ENDLESS.search(text) else _registry().Quantity(text)
    except Exception:  # pint raises whatever its parser and Python's tokenizer raise
        known = None
    if known is None or not 0 < known.magnitude < np.inf:
        raise UnitError(f"{unit!r} is not a known unit")
    return known


@cache
def _registry():
    registry = _pint().UnitRegistry()
    registry.define("IU = enzyme_unit")
    return registry


def _pint():
    import pint  # a quarter of a second, which trials in one unit throughout need not wait

    return pint
