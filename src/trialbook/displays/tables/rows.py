"""The rows behind the numbers, participant by participant, where the trial lets them be shown."""

import pandas as pd

from trialbook.displays.tables.table import Row, Table

NAMING = "Participants are numbered within their arm, in the order of ADSL, and have no other name here."
WITHHELD = "The participants' rows are not published; an exception in trial.yml, under disclosure, would allow it."
_SHOWN = {
    "adae": ["AEDECOD", "AETOXGR", "AESEV", "AESER", "AEREL", "AEACN", "AEOUT", "ASTDY", "AENDY", "TRTEMFL"],
    "adex": ["PARAM", "AVAL", "AVALU", "COURSE", "ASTDY"],
}


def rows_of_parameter(trial, parameter):
    """Lay out the values of one parameter of ADLB: a line for each participant, a column for each visit."""
    key, who = f"rows.adlb.{parameter.id}", f"{parameter.label}{f', {parameter.unit}' if parameter.unit else ''}"
    if not trial.facts.disclosure.allows_listing(key):
        return _withheld(key, who)
    own = trial.adlb[trial.adlb["PARAMCD"] == parameter.paramcd]
    wide = own.pivot(index="USUBJID", columns="AVISITN", values="AVAL")
    visits = [visit for visit in trial.facts.visits.schedule if visit.avisitn in wide]
    lines = [
        Row(name, [_said(wide.at[subject, visit.avisitn]) for visit in visits])
        for subject, name in _named(trial).items()
        if subject in wide.index
    ]
    return Table(key, [who, *(visit.label for visit in visits)], lines, [NAMING, "–: not recorded."])


def rows_of_table(trial, name):
    """Lay out ADSL, ADAE or ADEX: a line for each row, without identifiers and calendar dates."""
    key, table = f"rows.{name}", getattr(trial, name)
    if table is None:
        return Table(key, [name.upper()], [], ["Not collected in this trial."])
    if not trial.facts.disclosure.allows_listing(key):
        return _withheld(key, name.upper())
    named = _named(trial)
    columns = [column for column in _SHOWN.get(name, table.columns) if column in table and not _hidden(column)]
    lines = [
        Row(named[subject], [_said(value) for value in values])
        for subject, *values in table[["USUBJID", *columns]].itertuples(index=False)
    ]
    return Table(key, [name.upper(), *columns], lines, [NAMING, "–: empty."])


def _withheld(key, heading):
    return Table(key, [heading], [], [WITHHELD])


def _named(trial):
    """The number within the arm that stands for each participant."""
    return {
        subject: f"{arm.label} {number}"
        for arm in trial.arms
        for number, subject in enumerate(trial.subjects()[arm.id]["USUBJID"], start=1)
    }


def _hidden(column):
    return column in ("STUDYID", "USUBJID", "SUBJID") or column.endswith(("DT", "DTC", "DTM"))


def _said(value):
    if pd.isna(value):
        return "–"
    return f"{value:.10g}" if isinstance(value, float) else str(value)
