"""Who took part: the characteristics at baseline, and how far the arms differ in them."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from trialbook.analysis.by_visit import FEW, NONE
from trialbook.analysis.estimators import attempt
from trialbook.results.formats import in_order, slug
from trialbook.results.row import Results
from trialbook.stats import balance
from trialbook.trial.config import BaselineVariable
from trialbook.trial.model import Trial

_SMD = "standardised mean difference"


def baseline(trial: Trial) -> Results:
    """Describe the baseline characteristics by arm and overall, without tests (CONSORT 2025, item 25).

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``baseline.<variable>.<group>…`` with ``all`` for both arms together; each line counts its missing values.
        ``baseline.<variable>.smd`` is the standardised mean difference, test minus reference (of a category, without
        direction); ``baseline.smd.expected`` the mean absolute one that randomisation alone makes. Beside the largest,
        ``baseline.smd.largest``, stand the one ``….expected`` of so many variables (``baseline.smd.n``), and how often
        chance makes one as large, ``….chance``, both as if they were independent and normal.

    References
    ----------
    Cohen 1988, Statistical Power Analysis for the Behavioral Sciences; Yang & Dalton 2012, SAS Global Forum 335.
    """
    results = Results(trial.facts.alpha, analysis_set="randomised")
    for line in trial.facts.baseline:
        if by_arm := _values(trial, line):
            visit = "" if line.variable else trial.schedule["baseline"].label
            facts = {"parameter": line.id, "dataset": "adsl" if line.variable else "adlb", "visit": visit}
            together = pd.concat(by_arm.values())
            levels = _levels(line, together)
            for group, values in {**by_arm, "all": together}.items():
                _describe(results, line, values, levels, {"group": group, **facts})
            _add_difference(results, line, by_arm, levels, facts)
    sizes = [len(subjects) for subjects in trial.subjects().values()]
    _add_largest_difference(results, trial, sizes)
    method = "mean |SMD| of a normal variable under randomisation"
    _add_smd(results, "baseline.smd.expected", balance.expected_by_chance, sizes, n=sum(sizes), method=method)
    return results


def _values(trial: Trial, line: BaselineVariable) -> dict[str, pd.Series]:
    """The values of one baseline line by arm; nothing where the variable is empty."""
    if line.paramcd:
        return {arm: wide[trial.facts.visits.baseline] for arm, wide in trial.values(line.paramcd).items()}
    if trial.adsl[line.variable].isna().all():
        return {}
    values = {arm: subjects.set_index("USUBJID")[line.variable] for arm, subjects in trial.subjects().items()}
    return {arm: given.fillna("N") for arm, given in values.items()} if line.type == "flag" else values


def _levels(line: BaselineVariable, values: pd.Series) -> list:
    """The levels of a category in the order of ``trial.yml``, or else by their numbers and then by the alphabet."""
    if line.type == "flag":
        return ["Y"]
    return list(line.levels) or sorted(values.dropna().unique(), key=in_order) if line.type == "category" else []


def _describe(results: Results, line: BaselineVariable, values: pd.Series, levels: list, facts: dict) -> None:
    """Record the values of one line in one group, and how many are missing."""
    known, key = values.dropna(), f"baseline.{line.id}.{facts['group']}"
    results.add(f"{key}.missing", len(values) - len(known), "count", n=len(values), **facts)
    facts = {**facts, "n": len(known)}
    for level in levels:
        said = {"label": line.levels.get(level, level), "method": f"{line.variable or line.paramcd} is {level}"}
        counted = [int((known == level).sum()), len(known)]
        results.add(f"{key}.{slug(level)}.n_pct", counted, "n (%)", **said, **facts)
    facts["unit"] = line.unit
    if line.type == "mean":
        reason = "" if len(known) > 1 else FEW
        mean = None if reason else [known.mean(), known.std()]
        results.add(f"{key}.mean_sd", mean, "mean (SD)", line.digits, reason=reason, **facts)
    if line.type == "median":
        reason = "" if len(known) else NONE
        quartiles = None if reason else known.quantile([0.5, 0.25, 0.75])
        results.add(f"{key}.median_iqr", quartiles, "median (IQR)", line.digits, reason=reason, **facts)


def _add_difference(
    results: Results, line: BaselineVariable, by_arm: dict[str, pd.Series], levels: list, facts: dict
) -> None:
    """Add the standardised mean difference of one baseline line."""
    known = [values.dropna() for values in by_arm.values()]
    facts = {**facts, "n": sum(map(len, known))}
    if line.type in ("category", "flag"):
        counted = ["Y", "N"] if line.type == "flag" else levels
        counts = [[int((values == level).sum()) for level in counted] for values in known]
        method = "Mahalanobis distance of the proportions, without direction (Yang & Dalton 2012)"
        _add_smd(results, f"baseline.{line.id}.smd", balance.distribution_difference, counts, method=method, **facts)
    else:
        method = "difference in means over the pooled SD (Cohen's d), test minus reference"
        _add_smd(results, f"baseline.{line.id}.smd", balance.mean_difference, known, method=method, **facts)


def _add_largest_difference(results: Results, trial: Trial, sizes: list[int]) -> None:
    found = {line.label: results.get(f"baseline.{line.id}.smd") for line in trial.facts.baseline}
    known = {label: abs(row.value) for label, row in found.items() if row and row.value is not None}
    if known:
        label = max(known, key=known.__getitem__)
        results.add("baseline.smd.largest", known[label], _SMD, 2, method="largest |SMD|")
        results.add("baseline.smd.largest.label", label, "text", dataset="trial.yml")
        results.add("baseline.smd.n", len(known), "count", unit="characteristics")
        method = f"of {len(known)} independent normal variables under randomisation"
        expected, chance, of = balance.largest_by_chance, balance.p_of_largest, [*sizes, len(known)]
        _add_smd(results, "baseline.smd.largest.expected", expected, of, method=f"mean of the largest |SMD| {method}")
        found_by_chance, reason = attempt(chance, known[label], *of)
        said = f"how often the largest |SMD| {method} is as large"
        results.add("baseline.smd.largest.chance", found_by_chance, "probability", 2, method=said, reason=reason)


def _add_smd(results: Results, key: str, difference: Callable[..., float], groups: list, **facts: Any) -> None:
    value, reason = attempt(difference, *groups)
    results.add(key, value, _SMD, 2, reason=reason, **facts)
