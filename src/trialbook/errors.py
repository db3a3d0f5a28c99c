"""What a user got wrong: said with file, row, column, rule and remedy, many at once, on one screen."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

SHOWN = 10
LONGEST = 600  # characters of a rule or a remedy
ALIKE = 3  # of those with the same file, column and remedy, so that one bad column does not hide the rest


@dataclass(frozen=True)
class Fault:
    """One mistake in a trial's files, or what looks like one, and what to do about it."""

    file: str
    rule: str
    remedy: str
    row: int | None = None
    column: str = ""
    name: str = ""
    """By which a warning is accepted in ``trial.yml``; a fault has none."""

    def __str__(self) -> str:
        where = self.file + (f", row {self.row}" if self.row else "") + (f", {self.column}" if self.column else "")
        named = f" [{self.name}]" if self.name else ""
        return f"  {where}: {self.rule[:LONGEST]}{named}\n      → {self.remedy[:LONGEST]}"

    @property
    def kind(self) -> tuple[str, str, str]:
        """What alike faults share."""
        return self.file, self.column, self.remedy


class UserError(Exception):
    """A mistake that its message explains well enough to be mended: it is shown without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it under a notebook's cell."""
        return [str(self)]


class NotEstimable(Exception):
    """A statistic that the data cannot give, by no fault of anybody; `reason` says why, in words that follow a colon.

    The only exception that analyses catch: anything else is a mistake in the program, and fails the notebook.

    Examples
    --------
    >>> from trialbook import NotEstimable
    >>> NotEstimable("an arm has no value").reason
    'an arm has no value'
    """

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class FaultsError(UserError):
    """Files cannot be used as they are; `faults` holds every fault, the message a screen of them."""

    def __init__(self, folder: Path | str, faults: Iterable[Fault]):
        self.faults = list(faults)
        count = len(self.faults)
        said = f"{folder}: {count} fault{'s' if count > 1 else ''} found, nothing was built."
        super().__init__(f"{said}\n{screen(self.faults)}")


def screen(faults: Sequence[Fault]) -> str:
    """Write faults or warnings on one screen: some of each kind, and how many more there are.

    Parameters
    ----------
    faults : sequence of Fault

    Returns
    -------
    str
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    shown = []
    for fault in faults:
        seen[fault.kind] += 1
        if seen[fault.kind] <= ALIKE:
            shown.append(fault)
    more = len(faults) - len(shown[:SHOWN])
    lines = [str(fault) for fault in shown[:SHOWN]]
    return "\n".join([*lines, f"  … and {more} more, most like these"] if more else lines)
