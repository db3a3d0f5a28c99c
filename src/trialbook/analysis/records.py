"""The account of records: every row that was read is analysed, or left out for a reason that is said."""

from collections import Counter

import pandas as pd

from trialbook.analysis.adverse_events import treatment_emergent
from trialbook.analysis.exposure import administrations
from trialbook.results.formats import slug
from trialbook.results.row import Fields, Results
from trialbook.trial.config import TABLES
from trialbook.trial.model import Trial
from trialbook.trial.records import Line


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
            facts: Fields = {"dataset": table, "label": line.what, "method": "each row is counted once"}
            results.add(f"records.{table}.{slug(line.what)}", line.rows, "count", **facts)
    found = Counter((warning.name, warning.file) for warning in trial.warnings)
    results.add("records.warnings.n", found.total(), "count", unit="warnings", method="trialbook validate")
    for (name, file), count in found.items():
        facts = {"unit": "warnings", "label": name, "dataset": file, "method": "trialbook validate"}
        results.add(f"records.warnings.{slug(file)}.{slug(name)}", count, "count", **facts)
    return results


def _lines(trial: Trial) -> list[Line]:
    """The account of the reading, with that of the safety analyses in place of their tables' last line."""
    own = {"adae": _of_events(trial), "adex": _of_doses(trial)}
    lines: list[Line] = []
    for table in TABLES:
        read = [line for line in trial.account if line.table == table]
        lines += [line for line in read if not line.analysed] if own.get(table) else read
        lines += own.get(table, [])
    return lines


def _of_events(trial: Trial) -> list[Line]:
    if trial.adae is None:
        return []
    emergent, rule = treatment_emergent(trial.adae)
    return _parted(
        "adae", trial, {f"not treatment-emergent ({rule})": ~trial.adae.index.to_series().isin(emergent.index)}
    )


def _of_doses(trial: Trial) -> list[Line]:
    if trial.adex is None:
        return []
    given = administrations(trial.adex)
    return _parted(
        "adex",
        trial,
        {"no administration (PARAMCD is not DOSE, or AVAL is 0)": ~trial.adex.index.to_series().isin(given.index)},
    )


def _parted(name: str, trial: Trial, why: dict[str, pd.Series]) -> list[Line]:
    """Part the rows of a table of the safety set by the first reason that leaves them out."""
    table: pd.DataFrame = getattr(trial, name)
    inside = set(pd.concat(trial.treated().values())["USUBJID"])
    label = trial.facts.analysis_sets.safety.label
    fate = pd.Series("", index=table.index).mask(
        ~table["USUBJID"].isin(inside), f"of a participant outside the {label} set"
    )
    for what, these in why.items():
        fate = fate.mask((fate == "") & these, what)
    counts = fate.value_counts()
    left = [Line(name, str(what), int(n)) for what, n in counts.items() if what]
    return [*left, Line(name, "analysed", int(counts.get("", 0)), analysed=True)]
