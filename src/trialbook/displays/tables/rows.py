"""The rows behind the numbers, participant by participant, where the trial lets them be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialbook.displays import words
from trialbook.displays.tables.table import Row, Table

if TYPE_CHECKING:
    import pandas as pd

    from trialbook.trial.config import Parameter
    from trialbook.trial.model import Trial

NAMING = "Participants are numbered within their arm, in the order of ADSL, and have no other name here."
WITHHELD = "The participants' rows are not published; an exception in trial.yml, under disclosure, would allow it."
_SHOWN = {
    "adae": ["AEDECOD", "AETOXGR", "AESEV", "AESER", "AEREL", "AEACN", "AEOUT", "ASTDY", "AENDY", "TRTEMFL"],
    "adex": ["PARAM", "AVAL", "AVALU", "COURSE", "ASTDY"],
}


def rows_of_parameter(trial: Trial, parameter: Parameter) -> Table:
    """Lay out the values of one parameter of ADLB: a line for each participant, a column for each visit."""
    key, who = f"rows.adlb.{parameter.id}", words.named(parameter)
    if not trial.facts.disclosure.allows_listing(key):
        return _withheld(key, who)
    own = trial.adlb[trial.adlb["PARAMCD"] == parameter.paramcd]
    wide = own.pivot(index="USUBJID", columns="AVISITN", values="AVAL")
    visits = [visit for visit in trial.facts.visits.schedule if visit.avisitn in wide]
    shown = _said(wide[[visit.avisitn for visit in visits]]).T.to_dict("list")
    lines = [Row(name, shown[subject]) for subject, name in _named(trial).items() if subject in shown]
    return Table(key, [who, *(visit.label for visit in visits)], lines, [NAMING, "–: not recorded."])


def rows_of_table(trial: Trial, name: str) -> Table:
    """Lay out ADSL, ADAE or ADEX: a line for each row, without identifiers and calendar dates."""
    key, table = f"rows.{name}", getattr(trial, name)
    if table is None:
        return Table(key, [name.upper()], [], ["Not collected in this trial."])
    if not trial.facts.disclosure.allows_listing(key):
        return _withheld(key, name.upper())
    named, columns = _named(trial), [c for c in _SHOWN.get(name, table.columns) if c in table and not _hidden(c)]
    cells = _said(table[columns]).itertuples(index=False, name=None)
    lines = [Row(named[subject], own) for subject, own in zip(table["USUBJID"], cells, strict=True)]
    return Table(key, [name.upper(), *columns], lines, [NAMING, "–: empty."])


def _withheld(key: str, heading: str) -> Table:
    return Table(key, [heading], [], [WITHHELD])


def _named(trial: Trial) -> dict[str, str]:
    """The number within the arm that stands for each participant."""
    return {
        subject: f"{arm.label} {number}"
        for arm in trial.arms
        for number, subject in enumerate(trial.subjects()[arm.id]["USUBJID"], start=1)
    }


def _hidden(column: str) -> bool:
    return column in ("STUDYID", "USUBJID", "SUBJID") or column.endswith(("DT", "DTC", "DTM"))


def _said(table: pd.DataFrame) -> pd.DataFrame:
    """Write each value as a text, those that are missing as a dash."""

    def write(value: object) -> str:
        return f"{value:.10g}" if isinstance(value, float) else str(value)

    return table.astype(object).map(write, na_action="ignore").fillna("–")
