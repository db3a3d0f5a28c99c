"""What the laboratory found: values by visit, toxicity grades, shifts from the baseline, and Hy's law."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialbook.analysis.by_visit import summarise
from trialbook.results.row import Results
from trialbook.stats import toxicity
from trialbook.stats.units import UnitError
from trialbook.trial.config import Parameter
from trialbook.trial.model import Trial

RANGE = "range"
SCALES = {**toxicity.SCALES, RANGE: "normal range"}
MISSING = "missing"
TWICE = 2
HY_TRANSAMINASE, HY_BILIRUBIN = 3, 2  # multiples of the upper limit of normal
_ABSENT = "not collected"


def by_visit(trial: Trial) -> Results:
    """Summarise laboratory values by visit and arm.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``<paramcd>.<visit>.<arm>.{n, mean_sd, ci, median_iqr, whiskers}`` in the parameter's unit, the change from
        baseline as ``….change.mean_sd`` over subjects who have both values, and ``<paramcd>.outside.<arm>.n_of``
        (subjects with a value outside the normal range after baseline, where ADLB gives A1LO and A1HI). The interval
        is that of a mean (t); the whiskers are the 5th and 95th percentiles.
    """
    statistics = ("mean_sd", "ci", "median_iqr", "whiskers")
    results = summarise(trial, "laboratory", trial.facts.analysis_sets.safety, statistics)
    for parameter in trial.parameters("laboratory"):
        _add_outside_range(results, trial, parameter)
    return results


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
    results = _start_results(trial)
    for parameter in trial.parameters("laboratory"):
        found = _graded(trial, parameter)
        said = " and ".join(SCALES[scale] for scale in found.by_scale) or "none"
        facts = {"parameter": parameter.paramcd, "method": "; ".join(found.reasons)}
        results.add(f"{parameter.id}.graded_by", said, "text", **facts)
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
    results = _start_results(trial)
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
            method = f"{_ABSENT}: laboratory values after baseline that can be judged"
            results.add(key, _ABSENT, "text", method=method, visit="any after baseline", group=arm, n=0)
    return results


def _add_judged(results: Results, key: str, marked: pd.Series, statistic: str, **facts: str) -> None:
    facts |= {"visit": "any after baseline", "unit": "participants"}
    results.add(key, [int(marked.sum()), len(marked)], statistic, n=len(marked), **facts)


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
    results, by_arm = _start_results(trial), {}
    multiples = {code: _peaks(trial, code) for code in ("ALT", "AST", "BILI")}
    liver = pd.concat([multiples["ALT"], multiples["AST"]], axis=1).max(axis=1)
    table = pd.DataFrame({"transaminase": liver, "bilirubin": multiples["BILI"]}).dropna()
    absent = [] if len(multiples["ALT"]) + len(multiples["AST"]) else ["ALT or AST"]
    absent += [] if len(multiples["BILI"]) else ["bilirubin"]
    lacking = f"{' and '.join(absent) or 'both in one participant'} after baseline with the upper limit of normal"
    for arm, subjects in trial.subjects(trial.facts.analysis_sets.safety).items():
        mine = table[table.index.isin(subjects["USUBJID"])].sort_values(["transaminase", "bilirubin"])
        for name, (met, method) in _criteria(mine).items():
            key, facts = f"safety.hy.{arm}.{name}", {"visit": "highest after baseline", "group": arm, "n": len(mine)}
            if len(table):
                counted = [int(met.sum()), len(mine)]
                results.add(key, counted, "n of N", unit="participants", method=method, **facts)
            else:
                results.add(key, _ABSENT, "text", method=f"{_ABSENT}: {lacking}", **facts)
        if len(table):
            by_arm[arm] = mine.to_numpy()
    return results, Peaks(by_arm, HY_TRANSAMINASE, HY_BILIRUBIN, lacking)


def _criteria(table: pd.DataFrame) -> dict[str, tuple[pd.Series, str]]:
    """Who meets each part of Hy's law and all of it, and how that is judged, by part of a key."""
    liver, bile = table["transaminase"] >= HY_TRANSAMINASE, table["bilirubin"] > HY_BILIRUBIN
    said = f"ALT or AST at least {HY_TRANSAMINASE} × ULN", f"bilirubin more than {HY_BILIRUBIN} × ULN"
    return {
        "transaminase.n_of": (liver, said[0]),
        "bilirubin.n_of": (bile, said[1]),
        "n_of": (liver & bile, " and ".join(said)),
    }


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


def _start_results(trial: Trial) -> Results:
    chosen = trial.facts.analysis_sets.safety
    return Results(trial.facts.alpha, dataset="adlb", analysis_set=chosen.label)


def _add_outside_range(results: Results, trial: Trial, parameter: Parameter) -> None:
    """Count the subjects with a value outside the normal range after baseline, where there is one."""
    chosen = trial.facts.analysis_sets.safety
    rows = _measured(trial, parameter.paramcd)
    rows = rows[rows["AVISITN"] > trial.facts.visits.baseline]
    if rows[["A1LO", "A1HI"]].isna().all(axis=None):
        return
    for arm, subjects in trial.subjects(chosen).items():
        mine = rows[rows["USUBJID"].isin(subjects["USUBJID"])]
        outside = mine[(mine["AVAL"] < mine["A1LO"]) | (mine["AVAL"] > mine["A1HI"])]
        results.add(
            f"{parameter.id}.outside.{arm}.n_of",
            [outside["USUBJID"].nunique(), mine["USUBJID"].nunique()],
            "n of N",
            parameter=parameter.paramcd,
            visit="any after baseline",
            group=arm,
            unit="participants",
            n=len(subjects),
            method="AVAL below A1LO or above A1HI",
        )


def _measured(trial: Trial, paramcd: str) -> pd.DataFrame:
    """The values of one parameter with their normal range and the subject's baseline, unscheduled visits included."""
    rows = trial.adlb[(trial.adlb["PARAMCD"] == paramcd) & trial.adlb["AVAL"].notna()]
    rows = rows.reindex(columns=["USUBJID", "AVISITN", "AVAL", "A1LO", "A1HI"])
    first = rows[rows["AVISITN"] == trial.facts.visits.baseline].set_index("USUBJID")
    after = rows["AVISITN"] > trial.facts.visits.baseline
    raised = first["AVAL"] > first["A1HI"]
    return rows.assign(
        base=rows["USUBJID"].map(first["AVAL"]).where(after),
        raised=rows["USUBJID"].isin(raised.index[raised]) & after,
    )


def _graded(trial: Trial, parameter: Parameter) -> _Graded:
    """Grade one parameter by each scale that can, or else place it by its normal range."""
    rows, by_scale, reasons = _measured(trial, parameter.paramcd), {}, []
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
    return {
        arm: found.loc[subjects["USUBJID"]]
        for arm, subjects in trial.subjects(trial.facts.analysis_sets.safety).items()
    }


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


def _peaks(trial: Trial, paramcd: str) -> pd.Series:
    """Each subject's highest multiple of the upper limit of normal after baseline."""
    rows = _measured(trial, paramcd)
    rows = rows[rows["AVISITN"] > trial.facts.visits.baseline]
    return (rows["AVAL"] / rows["A1HI"].where(rows["A1HI"] > 0)).groupby(rows["USUBJID"]).max().dropna()
