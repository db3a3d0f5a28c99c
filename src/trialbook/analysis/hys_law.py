"""Hy's law: who had a high transaminase and a high bilirubin, a sign of drug-induced liver injury."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialbook.analysis.laboratory import measured, start_results
from trialbook.results.row import Results
from trialbook.trial.model import Trial

TRANSAMINASE, BILIRUBIN = 3, 2  # multiples of the upper limit of normal at which the law begins
_ABSENT = "not collected"


@dataclass(frozen=True)
class Peaks:
    """What the plot of Hy's law draws.

    `by_arm` has by arm id an array, subjects × 2: the highest ALT or AST (the larger of the two) and the highest total
    bilirubin after baseline, as multiples of the upper limit of normal, in no order of subjects. It is empty where they
    were not collected, and `lacking` says what was not. `transaminase` and `bilirubin` are the multiples at which the
    law begins.
    """

    by_arm: dict[str, np.ndarray]
    transaminase: float
    bilirubin: float
    lacking: str


def hys_law(trial: Trial) -> tuple[Results, Peaks]:
    """Find each subject's highest transaminase and bilirubin after baseline, and count those who meet Hy's law.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    results : Results
        Keys ``safety.hy.<arm>.{transaminase, bilirubin}.n_of`` and ``safety.hy.<arm>.n_of`` (both, not
        necessarily on one day), of the subjects with both; texts that say so where they were not collected.
    peaks : Peaks

    References
    ----------
    Guidance for Industry: Drug-Induced Liver Injury: Premarketing Clinical Evaluation, US Food and Drug
    Administration, July 2009.
    """
    results, by_arm = start_results(trial), {}
    multiples = {code: _peaks(trial, code) for code in ("ALT", "AST", "BILI")}
    liver = pd.concat([multiples["ALT"], multiples["AST"]], axis=1).max(axis=1)
    table = pd.DataFrame({"transaminase": liver, "bilirubin": multiples["BILI"]}).dropna()
    absent = [] if len(multiples["ALT"]) + len(multiples["AST"]) else ["ALT or AST"]
    absent += [] if len(multiples["BILI"]) else ["bilirubin"]
    lacking = f"{' and '.join(absent) or 'both in one participant'} after baseline with the upper limit of normal"
    for arm, subjects in trial.treated().items():
        mine = table[table.index.isin(subjects["USUBJID"])].sort_values(["transaminase", "bilirubin"])
        for name, (met, method) in _criteria(mine).items():
            key = f"safety.hy.{arm}.{name}"
            facts: dict = {"visit": "highest after baseline", "group": arm, "n": len(mine)}
            if len(table):
                counted = [int(met.sum()), len(mine)]
                results.add(key, counted, "n of N", unit="participants", method=method, **facts)
            else:
                results.add(key, _ABSENT, "text", method=f"{_ABSENT}: {lacking}", **facts)
        if len(table):
            by_arm[arm] = mine.to_numpy()
    return results, Peaks(by_arm, TRANSAMINASE, BILIRUBIN, lacking)


def _criteria(table: pd.DataFrame) -> dict[str, tuple[pd.Series, str]]:
    """Who meets each part of Hy's law and all of it, and how that is judged, by part of a key."""
    liver, bile = table["transaminase"] >= TRANSAMINASE, table["bilirubin"] > BILIRUBIN
    said = f"ALT or AST at least {TRANSAMINASE} × ULN", f"bilirubin more than {BILIRUBIN} × ULN"
    return {
        "transaminase.n_of": (liver, said[0]),
        "bilirubin.n_of": (bile, said[1]),
        "n_of": (liver & bile, " and ".join(said)),
    }


def _peaks(trial: Trial, paramcd: str) -> pd.Series:
    """Each subject's highest multiple of the upper limit of normal after baseline."""
    rows = measured(trial, paramcd)
    rows = rows[rows["AVISITN"] > trial.facts.visits.baseline]
    return (rows["AVAL"] / rows["A1HI"].where(rows["A1HI"] > 0)).groupby(rows["USUBJID"]).max().dropna()
