"""How a number, an interval, a P value or a count is written (SAMPL; AMA Manual of Style)."""

import math
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal

MINUS = "\u2212"
NOT_ESTIMABLE = "not estimable"
BEYOND = 6  # decimals after the last one shown that may still decide how it is rounded
_HALF_UP = Context(prec=400, rounding=ROUND_HALF_UP)  # digits enough for any float
_SIGNS = {"<": " under ", ">": " over ", "≤": " up_to ", "≥": " from ", "+": " plus ", "*": " star "}
_MINUS = re.compile(r"[-−](?=\d)(?<![\w)][-−])|(?<=\w)[-−](?!\w)")  # before a number, or at the end of a word


def number(value: float | None, digits: int = 0) -> str:
    """Write a number with a fixed count of decimals and a proper minus sign.

    Parameters
    ----------
    value : float
    digits : int

    Returns
    -------
    str
        ``not estimable`` for a missing value; never a negative zero.
    """
    if value is None or not math.isfinite(value):
        return NOT_ESTIMABLE
    text = _rounded(value, digits)
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def _rounded(value: float, digits: int) -> str:
    """Write a fixed count of decimals, half a unit away from zero, as journals do.

    A half is one in decimals (0.15), which binary numbers only come near, by last bits that differ between processors.
    """
    written = Decimal(repr(round(float(value), digits + BEYOND)))
    return f"{written.quantize(Decimal(1).scaleb(-digits), context=_HALF_UP):f}"


def interval(bounds: Sequence[float | None], digits: int = 0) -> str:
    """Write an interval as ``lower to upper``, at the precision of its estimate."""
    texts = [number(bound, digits) for bound in bounds]
    return NOT_ESTIMABLE if NOT_ESTIMABLE in texts else " to ".join(texts)


def p_value(p: float | None, alpha: float = 0.05) -> str:
    """Write a P value exactly: three decimals below 0.1 and two above, never 0 and never 1.

    Three decimals reach up to 0.1, further than AMA's 0.01, so that the distance to `alpha` can be read;
    a value that would round up to `alpha` keeps the decimals that show it below.
    """
    if p is None or math.isnan(p):
        return NOT_ESTIMABLE
    if p < 0.001:
        return "<0.001"
    if p > 0.99:
        return ">0.99"
    digits = 3 if p < 0.1 else 2
    while p < alpha and float(_rounded(p, digits)) >= alpha:
        digits += 1
    return _rounded(p, digits)


def percent(value: float | None, digits: int = 0) -> str:
    """Write a percentage given in percent."""
    text = number(value, digits)
    return text if text == NOT_ESTIMABLE else f"{text}%"


def percent_digits(total: int) -> int:
    """Decimals of a percentage: none when its denominator is below 100."""
    return 0 if total < 100 else 1


def count(value: int) -> str:
    """Write a count, in groups of three digits from ten thousand on."""
    return f"{value:,}" if value >= 10_000 else str(value)


def count_of(count: int, total: int) -> str:
    """Write a count with its denominator, as in a sentence: ``2 of 10``."""
    return f"{count} of {total}"


def count_percent(count: int, total: int) -> str:
    """Write a count with its percentage, as in a table: ``2 (20%)``."""
    return f"{count} ({percent(100 * count / total, percent_digits(total))})" if total else str(count)


def centre_spread(centre: float | None, spread: float | Sequence[float | None] | None, digits: int = 0) -> str:
    """Write a centre with its spread in brackets: mean (SD), or median (lower to upper quartile)."""
    inside = interval(spread, digits) if isinstance(spread, Sequence) else number(spread, digits)
    texts = [number(centre, digits), inside]
    return NOT_ESTIMABLE if NOT_ESTIMABLE in texts else f"{texts[0]} ({inside})"


def in_order(text: object) -> tuple:
    """Sort levels by the first number in each, ``<18`` before ``18`` before ``>18``, and those without one after them.

    Parameters
    ----------
    text : object

    Returns
    -------
    tuple
        A key to sort by.
    """
    said = str(text)
    found = re.search(r"(?<![\w.])-?\d+(?:\.\d+)?", said)
    side = -1 if said.lstrip()[:1] in ("<", "≤") else 1 if said.lstrip()[:1] in (">", "≥") else 0
    return (found is None, float(found.group()) if found else 0.0, side, said)


def slug(text: object) -> str:
    """Turn a label into the part of a key: lower case, words joined by underscores, ``<50`` as ``under_50``."""
    lower = _MINUS.sub(" minus ", str(text).lower())
    said = "".join(_SIGNS.get(char, char if char.isalnum() else " ") for char in lower)
    return "_".join(said.split())
