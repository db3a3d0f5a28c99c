"""Tables of the effect under each scenario."""

from trialbook.analysis.scenarios import under
from trialbook.displays.tables.table import Row, Table
from trialbook.displays.words import SPANS


def scenarios(trial, results, chosen, parameter):
    """Lay out the effect on one efficacy parameter under each scenario, and why one cannot be had."""
    rows, reasons = [], {}
    for estimand, span in SPANS.items():
        rows.append(Row(span))
        for scenario, key in under(chosen, parameter, estimand):
            effect = results[key]
            if effect.value is None:
                reasons.setdefault(effect.reason, []).append(scenario.name(estimand))
            cells = [effect, *(results.get(f"{key}.{part}", "–") for part in ("ci", "p", "p_se", "qic"))]
            rows.append(Row(scenario.name(estimand), cells, 1))
    test, reference = trial.arms
    unit = f", {parameter.unit}" if parameter.unit else ""
    notes = [
        f"{parameter.label}{unit}: {test.label} minus {reference.label}.",
        "Follow-up: adjusted for visit and baseline; GEE: exchangeable working correlation; unless said otherwise.",
        "SE of P: Monte Carlo standard error, where allocations were drawn; a dash where all were enumerated, or none.",
        "QIC compares working correlations of one design, the smaller the better.",
        *(f"Not estimable ({', '.join(names)}): {reason}." for reason, names in reasons.items()),
    ]
    columns = ["Scenario", "Difference", f"{trial.ci_level} CI", "P", "SE of P", "QIC"]
    return Table(f"{parameter.id}.scenarios", columns, rows, notes)
