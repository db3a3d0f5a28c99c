"""Which records of a trial's tables are analysed, and the account of those that are not."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from trialbook.results.formats import slug
from trialbook.trial.config import Facts
from trialbook.trial.unique import by_unique, to_floats
from trialbook.trial.words import plain

FLAG = "ANL01FL"
# what ARM or TRT01P says of those who were screened and not randomised
SCREEN_FAILURE = {
    *("SCREEN FAILURE", "SCRNFAIL", "SCREEN FAIL", "SCREENING FAILURE"),
    *("NOT ASSIGNED", "NOTASSGN", "NOT RANDOMIZED", "NOT RANDOMISED"),
}


class Reason(StrEnum):
    """Why a record is analysed, or not; the part of a key that says so."""

    NOT_RANDOMISED = "not_randomised"
    OTHER_ARM = "other_arm"
    FLAGGED_OUT = "flagged_out"
    DERIVED = "derived"
    NO_VISIT = "no_visit"
    UNDECLARED = "undeclared"
    EARLY = "before_baseline"
    UNSCHEDULED = "unscheduled"
    NO_VALUE = "no_value"
    OUTSIDE = "outside_set"
    NOT_EMERGENT = "not_emergent"
    NOT_GIVEN = "no_administration"
    ANALYSED = "analysed"


_SAID = {
    Reason.NOT_RANDOMISED: "of a participant who was not randomised",
    Reason.OTHER_ARM: "of the arm {!r}, which trial.yml does not choose",
    Reason.FLAGGED_OUT: "{} is not Y",
    Reason.DERIVED: "derived (DTYPE is {})",
    Reason.NO_VISIT: "at no visit (AVISITN is empty)",
    Reason.UNDECLARED: "of a parameter that trial.yml does not declare",
    Reason.EARLY: "before the baseline visit",
    Reason.UNSCHEDULED: "at a visit that is not scheduled",
    Reason.NO_VALUE: "without a value (AVAL is empty)",
    Reason.OUTSIDE: "of a participant outside the {} set",
    Reason.NOT_EMERGENT: "not treatment-emergent ({})",
    Reason.NOT_GIVEN: "no administration (PARAMCD is not DOSE, or AVAL is 0)",
    Reason.ANALYSED: "analysed",
}


@dataclass(frozen=True)
class Fate:
    """What becomes of a record; `detail` is the arm, flag, DTYPE, set or rule that a reason has."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        return _SAID[self.reason].format(self.detail)

    @property
    def key(self) -> str:
        """The part of a key that names it, of one arm, flag and the like among several."""
        several = self.reason in (Reason.OTHER_ARM, Reason.FLAGGED_OUT, Reason.DERIVED, Reason.OUTSIDE)
        return f"{self.reason}_{slug(self.detail)}" if several else str(self.reason)


ANALYSED = Fate(Reason.ANALYSED)


@dataclass(frozen=True)
class Line:
    """A line of the account of a table: what becomes of some of its rows, and how many these are."""

    table: str
    fate: Fate
    rows: int


@dataclass(frozen=True)
class Selection:
    """The records to be analysed, and an account of all that were read."""

    tables: dict[str, pd.DataFrame]
    account: list[Line]


def first(fate: pd.Series, these: pd.Series | np.ndarray, what: Fate) -> pd.Series:
    """Say what becomes of records, unless something before has said it.

    Parameters
    ----------
    fate : Series of Fate or None
    these : Series or ndarray of bool
    what : Fate

    Returns
    -------
    Series of Fate or None
    """
    return fate.mask(fate.isna() & these, what)


def counted(table: str, fate: pd.Series) -> list[Line]:
    """Count the rows of a table by what becomes of them: the most frequent first, those analysed last.

    Parameters
    ----------
    table : str
    fate : Series of Fate or None
        None of those analysed.

    Returns
    -------
    list of Line
    """
    counts = Counter(fate.dropna())
    left = [Line(table, what, rows) for what, rows in counts.most_common()]
    return [*left, Line(table, ANALYSED, len(fate) - counts.total())]


def are_screen_failures(adsl: pd.DataFrame) -> pd.Series:
    """Say of which participants a variable of the arm says that they were not randomised.

    Parameters
    ----------
    adsl : DataFrame

    Returns
    -------
    Series of bool
    """
    arms = adsl.columns.intersection(["TRT01P", "ARM", "ARMCD", "ACTARM", "ACTARMCD"])
    return adsl[arms].fillna("").map(plain).isin(SCREEN_FAILURE).any(axis=1)


def allocation(adsl: pd.DataFrame, facts: Facts) -> pd.Series:
    """Say of each participant why nothing of them is analysed.

    Parameters
    ----------
    adsl : DataFrame
        Text.
    facts : Facts

    Returns
    -------
    Series of Fate or None
        By the rows of `adsl`; None for those of the two arms of ``trial.yml``.
    """
    arm, chosen = adsl["TRT01P"], [one.value for one in facts.arms]
    without = arm.isna() | (are_screen_failures(adsl) & ~arm.isin(chosen))
    fate = first(pd.Series(None, index=adsl.index, dtype=object), without, Fate(Reason.NOT_RANDOMISED))
    for other in arm[fate.isna()].unique():
        if other not in chosen:
            fate = first(fate, arm == other, Fate(Reason.OTHER_ARM, other))
    return fate


def select(tables: dict[str, pd.DataFrame], facts: Facts) -> Selection:
    """Take the records of the two arms, without those that are flagged out, derived, or at no visit.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Text tables by name.
    facts : Facts

    Returns
    -------
    Selection
    """
    adsl = tables["adsl"]
    why = allocation(adsl, facts)
    gone = dict(zip(adsl["USUBJID"], why, strict=True))
    sets = facts.analysis_sets
    outside = {
        role: (chosen.label, set(adsl.loc[adsl[chosen.flag] != "Y", "USUBJID"]))
        for role, chosen in {"efficacy": sets.efficacy, "laboratory": sets.safety}.items()
    }
    kept, account = {}, []
    for name, table in tables.items():
        fate = why if name == "adsl" else _unanalysed(table, table["USUBJID"].map(gone).astype(object), facts)
        kept[name] = table[fate.isna()]
        account += counted(name, _unused(table, fate, facts, outside) if name == "adlb" else fate)
    return Selection(kept, account)


def _unanalysed(table: pd.DataFrame, fate: pd.Series, facts: Facts) -> pd.Series:
    """Say of each record why it is not analysed: the participant, a flag, DTYPE, or no visit."""
    for name, out in _flagged_out(table, facts):
        fate = first(fate, out, Fate(Reason.FLAGGED_OUT, name))
    kind = _filled(table, "DTYPE")
    for one in kind.dropna().unique():
        if one not in facts.derived:
            fate = first(fate, kind == one, Fate(Reason.DERIVED, one))
    return first(fate, table["AVISITN"].isna(), Fate(Reason.NO_VISIT)) if "AVISITN" in table else fate


def _flagged_out(table: pd.DataFrame, facts: Facts) -> Iterator[tuple[str, pd.Series]]:
    """Yield each flag with the records that it leaves out: those without a Y, of a parameter that has any."""
    parameter = _filled(table, "PARAMCD").fillna("")
    flags = {one.paramcd: one.analysis_flag for one in facts.parameters}
    named = parameter.map(lambda code: flags.get(code, FLAG))
    for name in sorted({FLAG, *flags.values()}):
        flag = _filled(table, name)
        yield name, (named == name) & (flag != "Y") & flag.notna().groupby(parameter).transform("any")


def _unused(table: pd.DataFrame, fate: pd.Series, facts: Facts, outside: dict[str, tuple[str, set[str]]]) -> pd.Series:
    """Say of each record of ADLB that may be analysed why none of the analyses by visit uses it."""
    roles = {line.paramcd: "baseline" for line in facts.baseline if line.paramcd}
    roles |= {parameter.paramcd: parameter.role for parameter in facts.parameters}
    role, visit = table["PARAMCD"].map(roles), by_unique(table["AVISITN"], to_floats)
    scheduled = visit.isin([one.avisitn for one in facts.visits.schedule])
    worst = (role == "laboratory") & (visit > facts.visits.baseline)
    fate = first(fate, role.isna(), Fate(Reason.UNDECLARED))
    fate = first(fate, visit < facts.visits.baseline, Fate(Reason.EARLY))
    fate = first(fate, ~scheduled & ~worst, Fate(Reason.UNSCHEDULED))
    fate = first(fate, table["AVAL"].isna(), Fate(Reason.NO_VALUE))
    for kind, (label, members) in outside.items():
        fate = first(fate, (role == kind) & table["USUBJID"].isin(members), Fate(Reason.OUTSIDE, label))
    return fate


def _filled(table: pd.DataFrame, column: str) -> pd.Series:
    return table[column] if column in table else pd.Series(np.nan, index=table.index, dtype=object)
