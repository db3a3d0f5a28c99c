"""What the laboratory found: values by visit, and values outside of the normal range."""

import pandas as pd

from trialbook.analysis.by_visit import summarise
from trialbook.results.row import Results
from trialbook.trial.config import Parameter
from trialbook.trial.model import Trial


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
    results = summarise(trial, "laboratory", trial.facts.analysis_sets.safety, trial.treated(), statistics)
    for parameter in trial.parameters("laboratory"):
        _add_outside_range(results, trial, parameter)
    return results


def _add_outside_range(results: Results, trial: Trial, parameter: Parameter) -> None:
    """Count the subjects with a value outside the normal range after baseline, where there is one."""
    rows = measured(trial, parameter.paramcd)
    rows = rows[rows["AVISITN"] > trial.facts.visits.baseline]
    if rows[["A1LO", "A1HI"]].isna().all(axis=None):
        return
    for arm, subjects in trial.treated().items():
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


def measured(trial: Trial, paramcd: str) -> pd.DataFrame:
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


def start_results(trial: Trial) -> Results:
    """Begin the results of an analysis of ADLB in the safety set."""
    return Results(trial.facts.alpha, dataset="adlb", analysis_set=trial.facts.analysis_sets.safety.label)
