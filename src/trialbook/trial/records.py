"""Which records of a trial's tables are analysed, and the account of those that are not."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialbook.trial.config import Facts
from trialbook.trial.unique import by_unique
from trialbook.trial.words import plain

FLAG = "ANL01FL"
NOT_RANDOMISED = "of a participant who was not randomised"
# what ARM or TRT01P says of those who were screened and not randomised
SCREEN_FAILURE = {"SCREEN FAILURE", "SCRNFAIL", "SCREEN FAIL", "SCREENING FAILURE", "NOT ASSIGNED", "NOTASSGN"} | {
    "NOT RANDOMIZED",
    "NOT RANDOMISED",
}


@dataclass(frozen=True)
class Line:
    """A line of the account of a table: what becomes of some of its rows, in words, and how many these are."""

    table: str
    what: str
    rows: int
    analysed: bool = False


@dataclass(frozen=True)
class Selection:
    """The records to be analysed, and an account of all that were read."""

    tables: dict[str, pd.DataFrame]
    account: list[Line]


def allocation(adsl: pd.DataFrame, facts: Facts) -> pd.Series:
    """Say of each participant why nothing of them is analysed.

    Parameters
    ----------
    adsl : DataFrame
        Text.
    facts : Facts

    Returns
    -------
    Series of str
        By the rows of `adsl`; empty for those of the two arms of ``trial.yml``.
    """
    arm = adsl["TRT01P"]
    failed = pd.Series(False, index=adsl.index)
    for column in ("TRT01P", "ARM", "ARMCD", "ACTARM", "ACTARMCD"):
        if column in adsl:
            failed |= adsl[column].fillna("").map(plain).isin(SCREEN_FAILURE)
    chosen = arm.isin([one.value for one in facts.arms])
    elsewhere = arm.map(lambda other: f"of the arm {other!r}, which trial.yml does not choose", na_action="ignore")
    return elsewhere.mask(failed | arm.isna(), NOT_RANDOMISED).mask(chosen, "")


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
        reason = why if name == "adsl" else _unanalysed(table, table["USUBJID"].map(gone).fillna(""), facts)
        fate = _unused(table, reason, facts, outside) if name == "adlb" else reason
        account += _lines(name, fate)
        kept[name] = table[reason == ""]
    return Selection(kept, account)


def _lines(table: str, fate: pd.Series) -> list[Line]:
    """Count the rows by what becomes of them."""
    counts = fate.value_counts()
    left = [Line(table, str(what), int(n)) for what, n in sorted(counts.items(), key=lambda item: -item[1]) if what]
    return [*left, Line(table, "analysed", int(counts.get("", 0)), analysed=True)]


def _unanalysed(table: pd.DataFrame, gone: pd.Series, facts: Facts) -> pd.Series:
    """Say of each record why it is not analysed: the participant, ANL01FL, DTYPE, or no visit."""
    kind = _filled(table, "DTYPE")
    derived = kind.map(lambda one: f"derived (DTYPE is {one})", na_action="ignore").astype(object)
    derived = derived.mask(kind.isin(facts.derived)).fillna("")
    why = gone.mask(gone == "", _flagged_out(table, facts))
    why = why.mask(why == "", derived)
    if "AVISITN" in table:
        why = why.mask((why == "") & table["AVISITN"].isna(), "at no visit (AVISITN is empty)")
    return why


def _flagged_out(table: pd.DataFrame, facts: Facts) -> pd.Series:
    """Say which records a flag leaves out: those without a Y, of a parameter that has any."""
    parameter = _filled(table, "PARAMCD").fillna("")
    flags = {one.paramcd: one.analysis_flag for one in facts.parameters}
    out = pd.Series("", index=table.index, dtype=object)
    for name in {FLAG, *flags.values()}:
        flag = _filled(table, name)
        own = parameter.map(lambda code, name=name: flags.get(code, FLAG) == name)
        out = out.mask(own & (flag != "Y") & flag.notna().groupby(parameter).transform("any"), f"{name} is not Y")
    return out


def _unused(
    table: pd.DataFrame, reason: pd.Series, facts: Facts, outside: dict[str, tuple[str, set[str]]]
) -> pd.Series:
    """Say of each record of ADLB that may be analysed why none of the analyses by visit uses it."""
    roles = {line.paramcd: "baseline" for line in facts.baseline if line.paramcd}
    roles |= {parameter.paramcd: parameter.role for parameter in facts.parameters}
    role, visit = (
        table["PARAMCD"].map(roles),
        by_unique(table["AVISITN"], lambda text: pd.to_numeric(text, errors="coerce").astype(float)),
    )
    scheduled = visit.isin([one.avisitn for one in facts.visits.schedule])
    found = {
        "of a parameter that trial.yml does not declare": role.isna(),
        "before the baseline visit": visit < facts.visits.baseline,
        "at a visit that is not scheduled": ~scheduled & ~((role == "laboratory") & (visit > facts.visits.baseline)),
        "without a value (AVAL is empty)": table["AVAL"].isna(),
        **{
            f"of a participant outside the {label} set": (role == kind) & table["USUBJID"].isin(members)
            for kind, (label, members) in outside.items()
        },
    }
    fate = reason.copy()
    for what, these in found.items():
        fate = fate.mask((fate == "") & these, what)
    return fate


def _filled(table: pd.DataFrame, column: str) -> pd.Series:
    return table[column] if column in table else pd.Series(np.nan, index=table.index, dtype=object)
