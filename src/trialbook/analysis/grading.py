"""Toxicity grades of laboratory values: shifts from the baseline, and marked abnormalities after it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialbook.analysis.laboratory import measured, start_results
from trialbook.results.row import Results
from trialbook.stats import toxicity
from trialbook.stats.units import UnitError
from trialbook.trial.config import Parameter
from trialbook.trial.model import Trial

RANGE = "range"
SCALES = {**toxicity.SCALES, RANGE: "normal range"}
MISSING = "missing"
TWICE = 2


def grade_shifts(trial: Trial) -> Results:
    """Count the subjects by grade at baseline and worst grade after it, or by position to the normal range.

    A parameter is graded by each scale that grades it by its value, and counted by its normal range where none does.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        ``<paramcd>.graded_by`` (a text), and ``<paramcd>.shift.<scale>.<arm>.<from>.<to>.n`` with the scale ``ctcae``,
        ``daids`` or ``range``, and from and to ``grade_0`` to ``grade_4`` (or ``low``, ``normal``, ``high``,
        ``low_high``) or ``missing``, of which the label is that of the state after baseline; a state at baseline in
        which nobody was has no rows.

    References
    ----------
    `toxicity.grade` gives the sources of the thresholds.
    """
    results = start_results(trial)
    for parameter in trial.parameters("laboratory"):
        found = _graded(trial, parameter)
        said = " and ".join(SCALES[scale] for scale in found.by_scale) or "none"
        method = "; ".join(found.reasons)
        results.add(f"{parameter.id}.graded_by", said, "text", parameter=parameter.paramcd, method=method)
        for scale, by_arm in found.by_scale.items():
            _add_shifts(results, parameter, scale, by_arm)
    return results


def _add_shifts(results: Results, parameter: Parameter, scale: str, by_arm: dict[str, pd.DataFrame]) -> None:
    states = {**_STATES[scale], MISSING: "Not measured"}
    begun = set(pd.concat(by_arm.values())["before"])
    for arm, mine in by_arm.items():
        counts = mine.groupby(["before", "after"]).size()
        for before in [state for state in states if state in begun]:
            for after, label in states.items():
                results.add(
                    f"{parameter.id}.shift.{scale}.{arm}.{before}.{after}.n",
                    int(counts.get((before, after), 0)),
                    "count",
                    parameter=parameter.paramcd,
                    visit="worst after baseline",
                    group=arm,
                    unit="participants",
                    n=len(mine),
                    label=label,
                    method=_METHOD[scale],
                )


def marked_abnormalities(trial: Trial) -> Results:
    """Count the subjects with a marked abnormality after baseline.

    Marked is grade 3 or more by a scale that grades the parameter, or, where none does, a value above twice the upper
    limit of normal or below half the lower one.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``<paramcd>.marked.<scale>.<arm>.n_pct``, of the subjects whose values could be judged, and
        ``safety.marked.<arm>.n_of``, any parameter by any scale; ``safety.scale.<scale>`` names the scales.
    """
    results = start_results(trial)
    for scale, name in toxicity.SCALES.items():
        results.add(f"safety.scale.{scale}", name, "text", dataset="", analysis_set="")
    graded = [(parameter, _graded(trial, parameter)) for parameter in trial.parameters("laboratory")]
    anyone: dict[str, list[pd.Series]] = {arm: [] for arm in trial.subjects()}
    for scale, (label, method) in _MARKED.items():
        for parameter, found in graded:
            for arm, states in found.by_scale.get(scale, {}).items():
                judged = states.loc[states["after"] != MISSING, "marked"]
                anyone[arm].append(judged)
                facts = {"parameter": parameter.paramcd, "group": arm, "label": label, "method": method}
                key = f"{parameter.id}.marked.{scale}.{arm}.n_pct"
                _add_judged(results, key, judged, "n (%)", **facts)
    for arm, by_parameter in anyone.items():
        marked = pd.concat([pd.Series(dtype=bool), *by_parameter]).groupby(level=0).any()
        key = f"safety.marked.{arm}.n_of"
        if len(marked):
            _add_judged(results, key, marked, "n of N", group=arm, method="any marked abnormality")
        else:
            method = "not collected: laboratory values after baseline that can be judged"
            results.add(key, "not collected", "text", method=method, visit="any after baseline", group=arm, n=0)
    return results


def _add_judged(results: Results, key: str, marked: pd.Series, statistic: str, **facts: Any) -> None:
    facts |= {"visit": "any after baseline", "unit": "participants", "n": len(marked)}
    results.add(key, [int(marked.sum()), len(marked)], statistic, **facts)


@dataclass(frozen=True)
class _Graded:
    """One parameter by scale and arm: a row per subject, with the state `before` and `after` (worst), and `marked`."""

    by_scale: dict[str, dict[str, pd.DataFrame]]
    reasons: list[str]


_GRADES = {f"grade_{grade}": f"Grade {grade}" for grade in range(toxicity.HIGHEST + 1)}
_POSITIONS = {"low": "Low", "normal": "Normal", "high": "High", "low_high": "Low and high"}
_STATES = {**dict.fromkeys(toxicity.SCALES, _GRADES), RANGE: _POSITIONS}
_METHOD = {**{scale: f"{name}, by the value alone" for scale, name in toxicity.SCALES.items()}, RANGE: "A1LO and A1HI"}
_MARKED = {  # what a table calls it, and how it is judged
    **{
        scale: (f"Grade {toxicity.SEVERE} or more, {name}", f"grade {toxicity.SEVERE} or more: {_METHOD[scale]}")
        for scale, name in toxicity.SCALES.items()
    },
    RANGE: ("Outside twice the normal range", "outside twice the normal range"),
}


def _graded(trial: Trial, parameter: Parameter) -> _Graded:
    """Grade one parameter by each scale that can, or else place it by its normal range."""
    rows, by_scale, reasons = measured(trial, parameter.paramcd), {}, []
    for scale, name in toxicity.SCALES.items():
        if not toxicity.covers(scale, parameter.paramcd):
            continue
        try:
            found = _grade_rows(trial, parameter, scale, rows)
        except UnitError as error:
            reasons.append(f"not graded by {name}: {error}")
            continue
        if np.isnan(found).all():
            reasons.append(f"not graded by {name}: no value with the limits or the sex that it needs")
            continue
        by_scale[scale] = _states_by_subject(trial, rows.assign(state=found), _name_grade, _is_severe)
    if not by_scale and not rows[["A1LO", "A1HI"]].isna().all(axis=None):
        by_scale[RANGE] = _states_by_subject(trial, rows.assign(state=_position(rows)), _name_position, _is_far)
    return _Graded(by_scale, reasons)


def _grade_rows(trial: Trial, parameter: Parameter, scale: str, rows: pd.DataFrame) -> np.ndarray:
    sex = trial.adsl.set_index("USUBJID")["SEX"] if "SEX" in trial.adsl else pd.Series(dtype=str)
    return toxicity.grade(
        scale,
        parameter.paramcd,
        rows["AVAL"],
        parameter.unit,
        lln=rows["A1LO"],
        uln=rows["A1HI"],
        base=rows["base"],
        raised=rows["raised"],
        sex=rows["USUBJID"].map(sex).fillna(""),
    )


def _position(rows: pd.DataFrame) -> pd.Series:
    """Where each value lies: -2 or 2 outside twice the range, -1 or 1 outside it, 0 inside, NaN where not known."""
    low, high = rows["AVAL"] < rows["A1LO"], rows["AVAL"] > rows["A1HI"]
    far = (rows["AVAL"] < rows["A1LO"] / TWICE) | (rows["AVAL"] > rows["A1HI"] * TWICE)
    place: pd.Series = (high.astype(float) - low.astype(float)) * np.where(far, TWICE, 1)
    return place.where(rows[["A1LO", "A1HI"]].notna().all(axis=1) | low | high)


def _states_by_subject(
    trial: Trial,
    rows: pd.DataFrame,
    name: Callable[[float, float], str],
    is_marked: Callable[[float, float], bool],
) -> dict[str, pd.DataFrame]:
    """The state of each subject at baseline, the worst one after it, and whether that is marked."""
    known, baseline = rows.dropna(subset=["state"]), trial.facts.visits.baseline
    spans = [
        known[chosen].groupby("USUBJID")["state"].agg(["min", "max"])
        for chosen in (known["AVISITN"] == baseline, known["AVISITN"] > baseline)
    ]
    before, after = (pd.Series([name(*span) for span in table.to_numpy()], table.index, object) for table in spans)
    marked = pd.Series([is_marked(*span) for span in spans[1].to_numpy()], spans[1].index, bool)
    found = pd.DataFrame({"before": before, "after": after}, index=trial.adsl["USUBJID"], dtype=object).fillna(MISSING)
    found = found.assign(marked=marked.reindex(found.index, fill_value=False).astype(bool))
    return {arm: found.loc[subjects["USUBJID"]] for arm, subjects in trial.treated().items()}


def _name_grade(lowest: float, highest: float) -> str:
    return f"grade_{highest:.0f}"


def _is_severe(lowest: float, highest: float) -> bool:
    return highest >= toxicity.SEVERE


def _name_position(lowest: float, highest: float) -> str:
    return {(True, True): "low_high", (True, False): "low", (False, True): "high"}.get(
        (lowest < 0, highest > 0), "normal"
    )


def _is_far(lowest: float, highest: float) -> bool:
    return max(-lowest, highest) >= TWICE
