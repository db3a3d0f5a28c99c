"""What a user got wrong: said with file, row, column, rule and remedy, many at once, on one screen."""

from dataclasses import dataclass

SHOWN = 15


@dataclass(frozen=True)
class Fault:
    """One mistake in a trial's files, and what to do about it."""

    file: str
    rule: str
    remedy: str
    row: int | None = None
    column: str = ""

    def __str__(self):
        where = self.file + (f", row {self.row}" if self.row else "") + (f", {self.column}" if self.column else "")
        return f"  {where}: {self.rule}\n      → {self.remedy}"


class TrialError(Exception):
    """A trial's files cannot be used as they are; the message lists every fault found."""

    def __init__(self, folder, faults):
        self.faults = list(faults)
        more = len(self.faults) - SHOWN
        lines = [f"{folder}: {len(self.faults)} fault{'s' if len(self.faults) > 1 else ''} found, nothing was built."]
        lines += [str(fault) for fault in self.faults[:SHOWN]]
        lines += [f"  … and {more} more"] if more > 0 else []
        super().__init__("\n".join(lines))
