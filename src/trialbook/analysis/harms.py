"""How harms were looked for: an answer to each item of CONSORT Harms."""

import pandas as pd

from trialbook.analysis.adverse_events import adverse_events, recorded
from trialbook.results.row import Results
from trialbook.trial.model import Trial

NOT_COLLECTED, NOT_STATED = "not collected", "not stated"


def answers(trial: Trial, counted: Results | None = None) -> Results:
    """Answer each item on harms of CONSORT from the data or from ``trial.yml``, or say that there is no answer.

    Parameters
    ----------
    trial : Trial
    counted : Results, optional
        Those of `adverse_events`, where they were computed before.

    Returns
    -------
    Results
        Keys ``safety.harms.<item>`` with the answer in words, and ``safety.harms.<item>.<arm>.n_of`` where the answer
        is a number of participants.

    References
    ----------
    Junqueira et al. 2023, BMJ 381:e073725 (CONSORT Harms 2022).
    """
    chosen = trial.facts.analysis_sets.safety
    results = Results(trial.facts.alpha, dataset="adae", analysis_set=chosen.label)
    stated = trial.facts.harms
    for item in ("collected", "assessed_by", "window", "coding"):
        said = (stated and getattr(stated, item)) or NOT_STATED
        results.add(f"safety.harms.{item}", said, "text", method="trial.yml, harms", dataset="trial.yml")
    counted = adverse_events(trial) if counted is None else counted
    for item, columns in (
        ("seriousness", ["AESER"]),
        ("severity", ["AETOXGR", "AESEV"]),
        ("relatedness", ["AEREL"]),
        ("withdrawals", ["AEACN"]),
        ("deaths", ["AEOUT", "AETOXGR"]),
        ("timing", ["ASTDY"]),
        ("classes", ["AEBODSYS"]),
    ):
        results.add(f"safety.harms.{item}", _completeness(trial.adae, columns), "text", method="columns of ADAE")
    lines = {"seriousness": "serious", "severity": "severe", "relatedness": "related", "withdrawals": "withdrawal"}
    for item, name in {**lines, "deaths": "fatal"}.items():
        for arm in trial.arms:
            if row := counted.get(f"safety.{name}.{arm.id}.n_of"):
                key, facts = f"safety.harms.{item}.{arm.id}.n_of", {"group": arm.id, "n": row.n, "unit": row.unit}
                results.add(key, row.value, "n of N", method=row.method, **facts)
    return results


def _completeness(adae: pd.DataFrame | None, columns: list[str]) -> str:
    """Say how far the first recorded of some columns is filled."""
    if adae is None:
        return NOT_COLLECTED
    for column in columns:
        if recorded(adae, column):
            return f"given for {int(adae[column].notna().sum())} of {len(adae)} recorded events"
    return NOT_COLLECTED
