"""Tables of the effect under each scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialbook.displays import words
from trialbook.displays.tables.table import Row, Table
from trialbook.results.row import Result, Results

if TYPE_CHECKING:
    from trialbook.trial.config import Parameter
    from trialbook.trial.model import Trial


def effects(results: Results, parameter: Parameter, estimand: str) -> list[Result]:
    """List the effects on a parameter for an estimand, one for each scenario that bears on it."""
    return [
        row
        for row in results
        if (row.parameter, row.estimand, row.statistic) == (parameter.paramcd, estimand, "difference")
    ]


def scenarios(trial: Trial, results: Results, parameter: Parameter) -> Table:
    """Lay out the effect on one efficacy parameter under each scenario, and why one cannot be had."""
    rows: list[Row] = []
    reasons: dict[str, list[str]] = {}
    for estimand, span in words.SPANS.items():
        rows.append(Row(span))
        for effect in effects(results, parameter, estimand):
            if effect.reason:
                reasons.setdefault(effect.reason, []).append(effect.label)
            parts = (results.get(f"{effect.key}.{part}", "–") for part in ("ci", "p", "p_se", "qic"))
            rows.append(Row(effect.label, [effect, *parts], 1))
    notes = [
        f"{words.named(parameter)}: {words.contrast(trial)}.",
        "Follow-up: adjusted for visit and baseline; GEE: exchangeable working correlation; unless said otherwise.",
        "SE of P: Monte Carlo standard error, where allocations were drawn; a dash where all were enumerated, or none.",
        "QIC compares working correlations of one design, the smaller the better.",
        *(f"Not estimable ({', '.join(names)}): {reason}." for reason, names in reasons.items()),
    ]
    columns = ["Scenario", "Difference", f"{trial.ci_level} CI", "P", "SE of P", "QIC"]
    return Table(f"{parameter.id}.scenarios", columns, rows, notes)
