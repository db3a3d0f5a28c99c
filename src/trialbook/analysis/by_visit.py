"""Values by visit and arm: their number, centre and spread, and the change from the baseline."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from trialbook.results.row import Fields, Results
from trialbook.trial.config import AnalysisSet
from trialbook.trial.model import Trial

WHISKERS = (5, 95)  # percentiles, so that no box shows the value of one person
Role = Literal["efficacy", "laboratory"]
NONE, FEW = "no value", "fewer than two values"


class _Statistic(NamedTuple):
    """What a statistic is called, the fewest values that it needs, and how it follows from values and alpha."""

    kind: str
    needs: int
    of: Callable[[np.ndarray, float], Any]
    method: str = ""


def _interval_of_mean(known: np.ndarray, alpha: float) -> list[float]:
    mean, half = known.mean(), stats.t.ppf(1 - alpha / 2, len(known) - 1) * (known.std(ddof=1) / np.sqrt(len(known)))
    return [mean - half, mean + half]


_STATISTICS = {
    "mean": _Statistic("mean", 1, lambda known, alpha: known.mean()),
    "sd": _Statistic("SD", 2, lambda known, alpha: known.std(ddof=1)),
    "mean_sd": _Statistic("mean (SD)", 2, lambda known, alpha: [known.mean(), known.std(ddof=1)]),
    "ci": _Statistic("ci", 2, _interval_of_mean),
    "median_iqr": _Statistic("median (IQR)", 2, lambda known, alpha: np.percentile(known, [50, 25, 75])),
    "whiskers": _Statistic("range", 2, lambda known, alpha: np.percentile(known, WHISKERS), "5th and 95th percentiles"),
}


def summarise(
    trial: Trial,
    role: Role,
    analysis_set: AnalysisSet,
    subjects: dict[str, pd.DataFrame],
    statistics: tuple[str, ...],
) -> Results:
    """Summarise each parameter of a role by visit and arm.

    Parameters
    ----------
    trial : Trial
    role : {"efficacy", "laboratory"}
    analysis_set : AnalysisSet
    subjects : dict of str to DataFrame
        Whose values, by arm id: rows of ADSL.
    statistics : tuple of {"mean", "sd", "mean_sd", "ci", "median_iqr", "whiskers"}
        The interval is that of a mean (t); the whiskers are the 5th and 95th percentiles.

    Returns
    -------
    Results
        Keys ``<paramcd>.<visit>.<arm>.n`` and ``….<statistic>`` in the parameter's unit, and the change from baseline
        as ``….change.mean_sd`` over subjects who have both values.
    """
    results = Results(trial.facts.alpha, dataset="adlb", analysis_set=analysis_set.label)
    for parameter in trial.parameters(role):
        wide = trial.values(parameter.paramcd, subjects)
        start, schedule = trial.facts.visits.baseline, trial.visits(parameter.paramcd)
        facts: Fields = {"parameter": parameter.paramcd, "unit": parameter.unit}
        for visit in schedule:
            for arm, values in wide.items():
                key = f"{parameter.id}.{trial.visit_id(visit, parameter.paramcd)}.{arm}"
                facts |= {"visit": visit.label, "group": arm}
                known = _known(values[visit.avisitn])
                results.add(f"{key}.n", len(known), "count", **{**facts, "n": len(known), "unit": "participants"})
                for name in statistics:
                    _add(results, f"{key}.{name}", known, _STATISTICS[name], parameter.digits, facts)
                if visit.avisitn != start and start in values:
                    change = _known(values[visit.avisitn] - values[start])
                    _add(results, f"{key}.change.mean_sd", change, _STATISTICS["mean_sd"], parameter.digits, facts)
    return results


def _known(values: pd.Series) -> np.ndarray:
    found = values.to_numpy(float)
    return found[np.isfinite(found)]


def _add(results: Results, key: str, known: np.ndarray, statistic: _Statistic, digits: int, facts: Fields) -> None:
    enough = len(known) >= statistic.needs
    results.add(
        key,
        statistic.of(known, results.alpha) if enough else None,
        statistic.kind,
        digits,
        n=len(known),
        method=statistic.method,
        reason="" if enough else FEW if statistic.needs > 1 else NONE,
        **facts,
    )
