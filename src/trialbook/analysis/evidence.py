"""What the published figures determine: the analyses of each draw of a synthetic trial, and what they come to."""

from dataclasses import replace
from pathlib import Path

from trialbook.analysis import efficacy, fitted, influence, longitudinal, multiplicity, scenarios
from trialbook.analysis.estimators import Model
from trialbook.analysis.scenarios import Scenario
from trialbook.results import evidence
from trialbook.results.evidence import Draws
from trialbook.results.row import Fields, Result, Results
from trialbook.trial.model import Trial

# the analyses whose effects and P values are shown over the draws, by what follows the parameter in their keys
SHOWN = {
    "final.difference": "Final visit, pooled t",
    "gee.effect": f"Follow-up, {Model()}",
    "gee.effect.cr2": f"Follow-up, {Model().small_sample}",
    "gee.effect.under.unadjusted": f"Follow-up, {replace(Model().small_sample, adjusted=False)}",
}
ZERO = ("difference", "ci", "g")  # statistics of a difference between the arms, which zero decides


def analyse(trial: Trial, chosen: list[Scenario], published: list[str]) -> Results:
    """Run the analyses of efficacy, and keep the results on which a published figure bears.

    Parameters
    ----------
    trial : Trial
    chosen : list of Scenario
    published : list of str
        The keys of the published figures.

    Returns
    -------
    Results
        Those of the parameters that a published figure is of, as the notebooks compute them, and the families of P
        values. Of anything else, such as laboratory values, nothing is published: it is made up, whatever is drawn.
    """
    run = Results(trial.facts.alpha)
    final, gee = efficacy.final_difference(trial), efficacy.gee(trial)
    run.update(efficacy.by_visit(trial)).update(final).update(efficacy.standardised_difference(trial))
    run.update(influence.influence(trial)).update(influence.over_time(trial)).update(influence.reached(trial))
    run.update(longitudinal.anova(trial)).update(longitudinal.anova_checks(trial)[0])
    run.update(gee).update(fitted.gee(trial, Model())).update(longitudinal.effect_by_visit(trial))
    run.update(multiplicity.adjust(trial, Results(trial.facts.alpha).update(final).update(gee)))
    effects = Results(trial.facts.alpha)
    for scenario in chosen:
        effects.update(scenarios.run(trial, scenario))
    run.update(effects).update(scenarios.summary(trial, chosen, effects))
    bears = {key.partition(".")[0] for key in published} | {"multiplicity"}
    return Results(trial.facts.alpha).update(row for row in run if row.key.partition(".")[0] in bears)


def decides(row: Result, alpha: float) -> float | None:
    """Tell the value whose side decides the use of a result: the level for a P value, zero for a difference."""
    if row.statistic == "p":
        return alpha
    return 0.0 if row.group == "difference" and row.statistic in ZERO else None


def read(path: str | Path, trial: Trial) -> Draws | None:
    """Read ``evidence.json``; None where there is none, or the data are real.

    Parameters
    ----------
    path : str or Path
    trial : Trial

    Returns
    -------
    Draws or None

    Raises
    ------
    EvidenceError
        If it is not what `trialbook draws` writes.
    """
    drawn = Path(path).exists() and trial.facts.provenance == "synthetic"
    return evidence.read(Path(path)) if drawn else None


def summary(trial: Trial, draws: Draws | None) -> Results:
    """Say how the headline effects and their P values vary over the draws.

    Parameters
    ----------
    trial : Trial
    draws : Draws or None

    Returns
    -------
    Results
        Keys ``draws.n`` and, for each analysis in `SHOWN`, ``draws.<key>.range`` and ``draws.<key>.p.range``, the 5th
        to the 95th percentile, and ``draws.<key>.p.clear.n_of``, the draws with a P value below the level; empty
        without draws.
    """
    results = Results(trial.facts.alpha, dataset="simulated")
    if draws is None:
        return results
    results.add("draws.n", draws.draws, "count", unit="data sets")
    for parameter in trial.parameters("efficacy"):
        for part, label in SHOWN.items():
            key = f"{parameter.id}.{part}"
            facts: Fields = {"parameter": parameter.paramcd, "label": label, "method": f"{label}, over the draws"}
            digits = parameter.digits if part.startswith("final") else parameter.model_digits
            for name, decimals, unit in ((key, digits, parameter.unit), (f"{key}.p", 3, "")):
                if (own := draws.rows.get(name)) is not None and own.low is not None:
                    results.add(f"draws.{name}.range", [own.low, own.high], "range", decimals, unit=unit, **facts)
                if own is not None and own.values is not None and name.endswith(".p"):
                    clear = sum(isinstance(p, float) and p < trial.facts.alpha for p in own.values)
                    results.add(f"draws.{name}.clear.n_of", [clear, draws.draws], "n of N", **facts)
    return results
