"""How much of each result of a synthetic trial the published figures determine, as many draws of such a trial tell.

One synthetic data set is one of many that give the published figures. What all of them share, those figures determine;
what varies from one to the next was made up with the data.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from trialbook.errors import UserError
from trialbook.results.row import Result

Number = float | int | list[float | int]
STATED = ("trial.yml", "environment")  # datasets of rows that are facts of the trial or of the run
_OF_PRINT = ("reconciliation.granularity.", "reconciliation.t_interval.")  # what follows from printed figures alone


class Evidence(StrEnum):
    """How much of a result the published figures determine."""

    STATED = "stated"
    PUBLISHED = "published"
    DETERMINED = "determined"
    STABLE = "stable"
    FREE = "free"


class EvidenceError(UserError):
    """The draws cannot be read, or are not those of the results that stand; the message says which and what to do."""


class Drawn(BaseModel):
    """What the draws give for one result.

    `display` is that of the first draw, which is the trial itself, and `same` whether all have it; `low` and `high` are
    the 5th and 95th percentile (of each end, for an interval); `decides` is the value whose side decides the use of the
    result, if one does; `values` are those of all draws, where they are kept.
    """

    model_config = ConfigDict(extra="forbid")
    display: str
    same: bool
    low: Number | None = None
    high: Number | None = None
    decides: float | None = None
    values: list[Number | None] | None = None

    @property
    def evidence(self) -> Evidence:
        """The class that the draws give the result."""
        if self.same:
            return Evidence.DETERMINED
        if self.decides is None or self.low is None or self.high is None:
            return Evidence.FREE
        sides = zip(_ends(self.low), _ends(self.high), strict=True)
        one = all((low < self.decides) == (high < self.decides) for low, high in sides)
        return Evidence.STABLE if one else Evidence.FREE


class Draws(BaseModel):
    """The contents of ``evidence.json``: what was drawn and analysed, by digests, and what each result came to.

    `data` is the digest of the tables of the first draw.

    `published` lists the keys of the figures that are printed as numbers.
    """

    model_config = ConfigDict(extra="forbid")
    generator: str
    analyses: str
    data: str
    draws: int
    published: list[str]
    rows: dict[str, Drawn]

    def evidence_of(self, row: Result, known: Mapping[str, Result]) -> Evidence:
        """Say how much of a result the published figures determine.

        Parameters
        ----------
        row : Result
        known : mapping of str to Result
            All results, which say whether a published figure came out as printed.

        Returns
        -------
        Evidence
            Free by rule where the draws do not hold the result: nothing published bears on it.
        """
        match = known.get(f"reconciliation.{row.key}.match")
        if row.key in self.published and (match is None or match.value == "yes"):
            return Evidence.PUBLISHED
        if row.key.startswith(_OF_PRINT) or (row.key.startswith("reconciliation.") and row.key.endswith(".printed")):
            return Evidence.PUBLISHED
        if row.key in self.rows:
            return self.rows[row.key].evidence
        return Evidence.STATED if row.dataset in STATED else Evidence.FREE

    def of_draw(self, number: int, keys: list[str], known: Mapping[str, Result]) -> dict[str, Result] | None:
        """Give results as they are in one of the draws.

        Parameters
        ----------
        number : int
        keys : list of str
        known : mapping of str to Result
            Those of the trial, whose values stand for what is published, stated or determined.

        Returns
        -------
        dict of str to Result or None
            None where the draws do not hold all of them.
        """
        found = {}
        for key in keys:
            own = self.rows.get(key)
            if self.evidence_of(known[key], known) in (Evidence.STATED, Evidence.PUBLISHED, Evidence.DETERMINED):
                found[key] = known[key]
            elif own is None or own.values is None:
                return None
            else:
                found[key] = replace(known[key], value=own.values[number])
        return found


def _ends(value: Number) -> list[float | int]:
    return value if isinstance(value, list) else [value]


def read(path: Path) -> Draws:
    """Read ``evidence.json``.

    Raises
    ------
    EvidenceError
        If it is not what `trialbook draws` writes.
    """
    try:
        return Draws.model_validate_json(path.read_bytes())
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise EvidenceError(f"{path}: {where}: {fault['msg']}\n      → make it again: trialbook draws") from None


def mark(known: Mapping[str, Result], draws: Draws) -> dict[str, Result]:
    """Write into each result how much of it the published figures determine, and its range over the draws.

    Parameters
    ----------
    known : mapping of str to Result
        All results of a book.
    draws : Draws

    Returns
    -------
    dict of str to Result

    Raises
    ------
    EvidenceError
        If the first draw is not the trial of these results.
    """
    for key, drawn in draws.rows.items():
        if key in known and known[key].display != drawn.display:
            rule = f"{key} is {known[key].display} in the results, and {drawn.display} in the first draw"
            remedy = "run the notebooks as the draws are analysed, or take evidence.json out of the folder of the trial"
            raise EvidenceError(
                f"evidence.json is of other analyses than those of the notebooks: {rule}\n      → {remedy}"
            )
    found = {}
    for key, row in known.items():
        own = draws.rows.get(key)
        spread = [own.low, own.high] if own and own.low is not None and own.high is not None else None
        found[key] = replace(row, evidence=str(draws.evidence_of(row, known)), draws=spread)
    return found
