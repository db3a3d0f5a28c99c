"""Tables of models as they were fitted: what a reviewer asks of a model beyond its effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialbook.displays.tables.scenarios import effects
from trialbook.displays.tables.table import Row, Table
from trialbook.displays.words import SPANS, contrast, how, measured, named, sentence

if TYPE_CHECKING:
    from trialbook.results.row import Results
    from trialbook.trial.config import Parameter
    from trialbook.trial.model import Trial


def final_tests(trial: Trial, final: Results, standardised: Results) -> Table:
    """Lay out the tests at the final visit.

    Parameters
    ----------
    trial : Trial
    final, standardised : Results
        Of the differences at the final visit, and of these in standard deviations.

    Returns
    -------
    Table
        For each efficacy parameter the test of the run and Welch's: difference, SE, t, degrees of freedom, CI, P.
    """
    rows, sizes = [], []
    for parameter in trial.parameters("efficacy"):
        key = f"{parameter.id}.final.difference"
        effect = final[key]
        g, g_ci = (standardised[f"{parameter.id}.final.g{part}"] for part in ("", ".ci"))
        rows.append(Row(f"{named(parameter)}, {effect.visit.lower()} (n = {effect.n})"))
        for name in (key, f"{key}.welch"):
            cells = [final.get(f"{name}.{part}", "–") for part in ("se", "t", "df", "ci", "p")]
            rows.append(Row(sentence(final[f"{name}.p"].method), [effect, *cells], 1))
        sizes.append(f"{parameter.label} {g.display} ({g_ci.display})")
    notes = [
        f"{contrast(trial)}.",
        f"Hedges' g ({trial.ci_level} CI), in pooled standard deviations: {'; '.join(sizes)}.",
    ]
    columns = ["Test", "Difference", "SE", "t", "Degrees of freedom", f"{trial.ci_level} CI", "P"]
    return Table("efficacy.final_tests", columns, rows, notes)


def gee_coefficients(trial: Trial, estimated: Results, coefficients: Results, parameter: Parameter) -> Table:
    """Lay out the model of one efficacy parameter over the follow-up visits.

    Parameters
    ----------
    trial : Trial
    estimated, coefficients : Results
        Of the GEE, and of its coefficients.
    parameter : Parameter

    Returns
    -------
    Table
        One row a coefficient, with its robust SE, and its CR2 SE, degrees of freedom and P.
    """
    key = f"{parameter.id}.gee"
    rows = [
        Row(row.label, [row, *(coefficients[f"{row.key}.{part}"] for part in ("se", "cr2.se", "cr2.df", "cr2.p"))])
        for row in coefficients
        if row.statistic == "coefficient" and row.parameter == parameter.paramcd
    ]
    clusters = ", ".join(f"{arm.label} {estimated[f'{key}.{arm.id}.n'].display}" for arm in trial.arms)
    correlation, qic, sd = estimated[f"{key}.correlation"], estimated[f"{key}.qic"], coefficients[f"{key}.sd"]
    notes = [
        f"{named(parameter)}; the visits against the first follow-up visit, the baseline value for each unit of it.",
        f"Participants (clusters): {clusters}; observations: {estimated[f'{key}.observations.n'].display}.",
        f"Working correlation ({correlation.method}): {correlation.display}; residual SD: {measured(sd)}; "
        f"QIC: {qic.display}."
        if rows
        else f"{sentence(how(qic))}.",
    ]
    columns = ["Term", "Coefficient", "Robust SE", "CR2: SE", "CR2: degrees of freedom", "CR2: P"]
    return Table(f"{key}.coefficients", columns, rows, notes)


def scenario_models(trial: Trial, results: Results, parameter: Parameter) -> Table:
    """Lay out how the effect on one efficacy parameter was estimated under each scenario.

    Parameters
    ----------
    trial : Trial
    results : Results
        Of all scenarios.
    parameter : Parameter

    Returns
    -------
    Table
        By estimand, one row a scenario: participants, SE, degrees of freedom, working correlation.
    """
    rows = []
    for estimand, span in SPANS.items():
        rows.append(Row(span))
        for row in effects(results, parameter, estimand):
            cells = [results.get(f"{row.key}.{part}", "–") for part in ("se", "df", "correlation")]
            rows.append(Row(row.label, [str(row.n), *cells], 1))
    notes = [
        f"{named(parameter)}: {contrast(trial)}.",
        "n: participants in the model. Correlation: of a GEE on available values, where it is one number.",
        "Degrees of freedom: none where the effect is referred to the normal distribution or to allocations.",
    ]
    columns = ["Scenario", "n", "SE", "Degrees of freedom", "Correlation"]
    return Table(f"{parameter.id}.scenario_models", columns, rows, notes)


def simulated_design(trial: Trial, results: Results) -> Table:
    """Lay out what the trials are like that are simulated from this one.

    Parameters
    ----------
    trial : Trial
    results : Results
        Of the operating characteristics.

    Returns
    -------
    Table
        For each efficacy parameter the SD at each visit, with correlations and numbers in the notes.
    """
    rows, notes = [], []
    for parameter in trial.parameters("efficacy"):
        key = f"{parameter.id}.operating"
        trials = results[f"{key}.trials.n"]
        rows.append(Row(named(parameter)))
        if trials.value is None:
            notes.append(f"{parameter.label}: {how(trials)}.")
            continue
        spread = [row for row in results if row.key.startswith(f"{key}.") and row.statistic == "SD"]
        rows += [Row(row.label, [row], 1) for row in spread if row.label]
        rows.append(Row(trial.final(parameter.paramcd).label, [results[f"{key}.sd"]], 1))
        notes.append(
            f"{parameter.label}: {trials.display} trials of {trials.n} participants; correlation of the baseline with "
            f"the follow-up visits {measured(results[f'{key}.correlation.baseline'])}, of these with each other "
            f"{measured(results[f'{key}.correlation.follow_up'])}."
        )
    return Table("operating.design", ["Visit", "SD within arms"], rows, notes)
