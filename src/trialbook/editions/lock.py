"""The numbers lock: what each number of the paper was when its authors last accepted it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialbook import files
from trialbook.errors import UserError
from trialbook.provenance import digest

PRECISION = 6  # significant digits of a raw value: more than any display has, and the same on every machine
ZERO = 1e-9  # what is smaller is nothing, or what rounding leaves of nothing, which differs between machines
NULL = {"difference": 0, "ratio": 1}  # of an interval, by its group or by the statistic that it is the interval of
MACHINE = "environment"  # the dataset of versions, which the receipt compares with those locked
ACCEPT = "`trialbook accept` writes it"
BUILD = "`trialbook build` builds the book that has it"

Value = float | int | str | list | None


class LockError(UserError):
    """A lock, or the numbers of a book, cannot be read."""


@dataclass(frozen=True)
class Number:
    """One number of the paper: as displayed, its raw value, its statistic, and the null value of an interval."""

    display: str
    value: Value
    statistic: str
    null: int | None = None


@dataclass(frozen=True)
class Lock:
    """All numbers of a paper by key, the level of its tests, and the SHA-256 of each file of its data."""

    alpha: float
    data: dict[str, str]
    numbers: dict[str, Number]


def of_site(results: Path, data: Iterable[Path] = ()) -> Lock:
    """Take the numbers that a built book uses.

    Parameters
    ----------
    results : Path
        ``results.json`` of the site; with ``numbers.json`` beside it, only the numbers that the paper uses.
        Versions of software are left out: they belong to a machine.
    data : iterable of Path
        The files of the trial, for their hashes.

    Returns
    -------
    Lock

    Raises
    ------
    LockError
        If there is no such file, or it is not that of a book.
    """
    read, used = _load(results, BUILD), results.with_name("numbers.json")
    try:
        rows = {row["key"]: row for row in read}
        keys = rows.keys() & set(_load(used, BUILD)) if used.exists() else rows.keys()
        numbers = {key: _number(rows, key) for key in sorted(keys) if rows[key]["dataset"] != MACHINE}
        alpha = rows["trial.alpha"]["value"] if "trial.alpha" in rows else 0.05
    except (KeyError, TypeError, AttributeError) as error:
        raise LockError(f"{results}: not the results of a book ({error!r:.80}); {BUILD}") from None
    return Lock(alpha, hashes(data), numbers)


def hashes(data: Iterable[Path]) -> dict[str, str]:
    """Take the SHA-256 of each file, by its name."""
    return {path.name: digest([path]) for path in data}


def read(path: Path) -> Lock:
    """Read a lock.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Lock

    Raises
    ------
    LockError
        If it is not there or not whole, with the line.
    """
    found = _load(path, ACCEPT)
    try:
        numbers = {key: Number(**number) for key, number in found["numbers"].items()}
        return Lock(found["alpha"], found["data"], numbers)
    except (KeyError, TypeError, AttributeError) as error:
        raise LockError(f"{path}: not a numbers lock ({error}); {ACCEPT}") from None


def write(lock: Lock, path: Path) -> None:
    """Write a lock, one number a line, sorted by key, so that a comparison of two shows which results moved."""
    numbers = ",\n".join(f"{json.dumps(key)}: {_line(lock.numbers[key])}" for key in sorted(lock.numbers))
    data = ",\n".join(f"{json.dumps(name)}: {json.dumps(lock.data[name])}" for name in sorted(lock.data))
    stated = f"raw values to {PRECISION} significant digits; 0 is below {ZERO:g}"
    head = f'"precision": "{stated}",\n"alpha": {lock.alpha},\n'
    files.replace(path, f'{{\n{head}"data": {{\n{data}\n}},\n"numbers": {{\n{numbers}\n}}\n}}\n')


def _number(rows: dict[str, dict], key: str) -> Number:
    row, null = rows[key], None
    if row["statistic"] == "ci":
        estimate = rows.get(key.removesuffix(".ci"), row)
        null = NULL.get(row["group"], NULL.get(estimate["statistic"]))
    return Number(row["display"], _rounded(row["value"]), row["statistic"], null)


def _rounded(value: Value) -> Value:
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    if isinstance(value, float):
        return 0.0 if abs(value) < ZERO else float(f"{value:.{PRECISION}g}")
    return value


def _line(number: Number) -> str:
    facts = {"display": number.display, "value": number.value, "statistic": number.statistic}
    return json.dumps(facts | ({} if number.null is None else {"null": number.null}), ensure_ascii=False)


def _load(path: Path, remedy: str) -> Any:
    try:
        return json.loads(path.read_text("utf8"))
    except FileNotFoundError:
        raise LockError(f"{path} is not there: {remedy}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise LockError(f"{path} cannot be read ({error}); make it anew") from None
    except ValueError as error:
        raise LockError(f"{path}: not whole, at {str(error).partition(': ')[2] or error}; make it anew") from None
