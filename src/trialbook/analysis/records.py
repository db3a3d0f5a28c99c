"""The account of records: every row that was read is analysed, or left out for a reason that is said."""

from collections import Counter

import pandas as pd

from trialbook.analysis.adverse_events import treatment_emergent
from trialbook.analysis.exposure import administrations
from trialbook.results.formats import slug
from trialbook.results.row import Fields, Results
from trialbook.trial.config import TABLES
from trialbook.trial.model import Trial
from trialbook.trial.records import ANALYSED, Fate, Line, Reason, counted, first


def account(trial: Trial) -> Results:
    """Count the rows of each table by what became of them, and the warnings that their reading gave.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``records.<table>.{read, analysed, <reason>}``, whose last two kinds add up to the first, and
        ``records.warnings.n`` with ``records.warnings.<name>``.
    """
    results = Results(trial.facts.alpha, unit="records")
    lines = _lines(trial)
    for table in dict.fromkeys(line.table for line in lines):
        own = [line for line in lines if line.table == table]
        read = sum(line.rows for line in own)
        results.add(f"records.{table}.read", read, "count", dataset=table, label="read", method="rows of the file")
        for line in own:
            facts: Fields = {"dataset": table, "label": str(line.fate), "method": "each row is counted once"}
            results.add(f"records.{table}.{line.fate.key}", line.rows, "count", **facts)
    found = Counter((warning.name, warning.file) for warning in trial.warnings)
    results.add("records.warnings.n", found.total(), "count", unit="warnings", method="trialbook validate")
    for (name, file), count in found.items():
        facts = {"unit": "warnings", "label": name, "dataset": file, "method": "trialbook validate"}
        results.add(f"records.warnings.{slug(file)}.{slug(name)}", count, "count", **facts)
    return results


def _lines(trial: Trial) -> list[Line]:
    """The account of the reading, with that of the safety analyses in place of their tables' last line."""
    own = _of_events(trial) + _of_doses(trial)
    again = {line.table for line in own}
    read = [line for line in trial.account if line.fate != ANALYSED or line.table not in again]
    return sorted([*read, *own], key=lambda line: TABLES.index(line.table))


def _of_events(trial: Trial) -> list[Line]:
    if trial.adae is None:
        return []
    emergent, rule = treatment_emergent(trial.adae)
    fate = _outside(trial, trial.adae)
    return counted("adae", first(fate, ~fate.index.isin(emergent.index), Fate(Reason.NOT_EMERGENT, rule)))


def _of_doses(trial: Trial) -> list[Line]:
    if trial.adex is None:
        return []
    given, fate = administrations(trial.adex), _outside(trial, trial.adex)
    return counted("adex", first(fate, ~fate.index.isin(given.index), Fate(Reason.NOT_GIVEN)))


def _outside(trial: Trial, table: pd.DataFrame) -> pd.Series:
    """Say which records are of nobody in the safety set."""
    inside = pd.concat(trial.treated().values())["USUBJID"]
    outside = Fate(Reason.OUTSIDE, trial.facts.analysis_sets.safety.label)
    return first(pd.Series(None, index=table.index, dtype=object), ~table["USUBJID"].isin(inside), outside)
