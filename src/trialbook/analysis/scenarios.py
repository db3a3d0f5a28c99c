"""The scenarios: the effect under each of several choices of who, what and how is analysed."""

from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, model_validator

from trialbook.analysis import efficacy
from trialbook.analysis.estimators import Estimator, FinalTest, Model
from trialbook.results.row import Fields, Results
from trialbook.results.verdicts import leaves_out_zero
from trialbook.stats import reml
from trialbook.stats.working_correlation import Structure
from trialbook.trial.config import Parameter
from trialbook.trial.model import Trial
from trialbook.yamlfile import Keys, read_yaml

HEADLINE = {"final": "final.difference", "follow_up": "gee.effect"}  # estimand: the headline key of a parameter
PUBLISHED = "published"
GEE_ONLY = ("independence", "ar1")  # correlations


class Scenario(Keys):
    """One scenario: what it is called for each estimand that it bears on, and the choices that it makes."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    final: str = ""
    follow_up: str = ""
    final_test: FinalTest = "pooled t"
    estimator: Estimator = "GEE"
    correlation: Structure = "exchangeable"
    covariance: Literal["robust", "KC", "MD", "CR2", "model"] = "robust"
    reference: Literal["z", "t", "satterthwaite", "kenward-roger", "randomisation"] = "z"
    adjusted: bool = True
    analysis_set: Literal["efficacy", "safety", "per_protocol"] = "efficacy"
    missing: Literal["available", "complete", "imputed"] = "available"

    def name(self, estimand: str) -> str:
        """What it is called where an estimand is shown; empty where it does not bear on it."""
        return getattr(self, estimand)

    @property
    def published(self) -> bool:
        """Whether it is the published analysis."""
        return self.id == PUBLISHED

    @property
    def model(self) -> Model:
        """How the effect over the follow-up visits is estimated."""
        return Model(self.estimator, self.correlation, self.covariance, self.reference, self.adjusted)

    @model_validator(mode="after")
    def _possible(self):
        likelihood = self.estimator == "REML"
        if likelihood != (self.covariance == "model"):
            raise ValueError(f"{self.id}: the covariance `model` goes with the estimator REML, and no other does")
        if likelihood and (self.correlation in GEE_ONLY or self.reference not in get_args(reml.Reference)):
            raise ValueError(f"{self.id}: REML has no {self.correlation} correlation with reference {self.reference}")
        if not likelihood and self.reference == "kenward-roger":
            raise ValueError(f"{self.id}: the reference kenward-roger goes with the estimator REML")
        if self.missing == "imputed" and "randomisation" in (self.reference, *self.final_test.split()):
            raise ValueError(f"{self.id}: a randomisation test cannot be pooled over imputed data sets")
        return self


class Scenarios(Keys):
    """The contents of ``scenarios.yml``."""

    scenarios: list[Scenario] = Field(min_length=1)

    @model_validator(mode="after")
    def _coherent(self):
        ids = [scenario.id for scenario in self.scenarios]
        if repeated := sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"scenarios: the id {repeated[0]} stands twice")
        if mute := [s.id for s in self.scenarios if not (s.final or s.follow_up)]:
            raise ValueError(f"scenarios: {mute[0]} needs a name under `final` or `follow_up`")
        return self


def read(path: str | Path, trial: Trial) -> list[Scenario]:
    """Read the scenarios that can be asked of a trial: those whose analysis set it declares.

    Parameters
    ----------
    path : str or Path
        ``scenarios.yml``.
    trial : Trial

    Returns
    -------
    list of Scenario

    Raises
    ------
    FaultsError
        With every fault found.
    """
    declared = trial.facts.analysis_sets.declared
    return [scenario for scenario in read_yaml(Path(path), Scenarios).scenarios if scenario.analysis_set in declared]


def run(trial: Trial, scenario: Scenario) -> Results:
    """Estimate the headline effects under one scenario.

    Parameters
    ----------
    trial : Trial
    scenario : Scenario

    Returns
    -------
    Results
        Keys ``<headline>.under.<scenario>`` for each headline effect on which the scenario bears,
        ``<paramcd>.final.difference`` and ``<paramcd>.gee.effect``, with ``.se``, ``.ci``, ``.p`` and, where there is
        one, ``.df``, ``.p_se`` and, of a GEE, ``.qic`` and, of available values and where it is one number,
        ``.correlation``. The label is what the scenario is called for the estimand.

    Raises
    ------
    UserError
        If the trial does not declare the analysis set of the scenario.
    """
    within, found = trial.within(scenario.analysis_set), Results(trial.facts.alpha)
    if scenario.final:
        computed = efficacy.final_difference(within, scenario.final_test, scenario.missing, beside=False)
        _take(found, within, scenario, "final", computed)
    if scenario.follow_up:
        computed = efficacy.gee(within, scenario.model, scenario.missing, beside=False)
        _take(found, within, scenario, "follow_up", computed)
    return found


def _take(found: Results, trial: Trial, scenario: Scenario, estimand: str, computed: Results) -> None:
    """Take over the headline results of a scenario under its name."""
    for parameter in trial.parameters("efficacy"):
        headline = f"{parameter.id}.{HEADLINE[estimand]}"
        taken = {f"{headline}{part}": part for part in ("", ".se", ".df", ".ci", ".p", ".p_se")}
        if estimand == "follow_up" and scenario.estimator == "GEE":
            taken[f"{parameter.id}.gee.qic"] = ".qic"
            if scenario.missing == "available" and scenario.correlation != "unstructured":
                taken[f"{parameter.id}.gee.correlation"] = ".correlation"
        rows = [(computed[key], part) for key, part in taken.items() if key in computed]
        under, label = f"{headline}.under.{scenario.id}", scenario.name(estimand)
        found.update(replace(row, key=under + part, label=label) for row, part in rows)


def summary(trial: Trial, scenarios: list[Scenario], effects: Results) -> Results:
    """Tell how far the effects range over the scenarios, and how many intervals leave out zero.

    Parameters
    ----------
    trial : Trial
    scenarios : list of Scenario
    effects : Results
        Of `run`, under all of them.

    Returns
    -------
    Results
        Keys ``<headline>.under.range`` and ``<headline>.under.clear.n_of``, over the distinct analyses that have an
        effect: scenarios whose effect, interval and P value are the same on these data are one. A scenario that
        repeats an earlier one has ``<headline>.under.<scenario>.repeats``, the name of that.
    """
    found = Results(trial.facts.alpha)
    for parameter in trial.parameters("efficacy"):
        for estimand in HEADLINE:
            _summarise(found, scenarios, effects, parameter, estimand)
    return found


def under(scenarios: list[Scenario], parameter: Parameter, estimand: str) -> list[tuple[Scenario, str]]:
    """Pair each scenario that bears on an estimand with the key of its effect on a parameter."""
    headline = f"{parameter.id}.{HEADLINE[estimand]}"
    return [(scenario, f"{headline}.under.{scenario.id}") for scenario in scenarios if scenario.name(estimand)]


def _came_to(effects: Results, key: str) -> tuple:
    """What an analysis came to, to nine digits; by its key where it has no estimate."""
    parts = [effects[f"{key}{part}"].value for part in ("", ".ci", ".p")]
    if any(part is None for part in parts):
        return (key,)
    estimate, (low, high), p = parts
    return tuple(f"{value:.9g}" for value in (estimate, low, high, p))


def _summarise(
    found: Results, scenarios: list[Scenario], effects: Results, parameter: Parameter, estimand: str
) -> None:
    facts: Fields = {"parameter": parameter.paramcd, "estimand": estimand}
    first: dict[tuple, Scenario] = {}
    keys = []
    for scenario, key in under(scenarios, parameter, estimand):
        earlier = first.setdefault(_came_to(effects, key), scenario)
        if earlier is scenario:
            keys.append(key)
        else:
            found.add(f"{key}.repeats", earlier.name(estimand), "text", label=scenario.name(estimand), **facts)
    intervals = {key: interval for key in keys if isinstance(interval := effects[f"{key}.ci"].value, list)}
    values = [value for key in intervals if isinstance(value := effects[key].value, float | int)]
    digits = parameter.digits if estimand == "final" else parameter.model_digits
    key = f"{parameter.id}.{HEADLINE[estimand]}.under"
    spread = {"method": f"of {len(keys)} analyses, {len(intervals)} can be estimated", "unit": parameter.unit}
    reason = "" if values else "no scenario has an effect"
    ends = [min(values), max(values)] if values else None
    found.add(f"{key}.range", ends, "range", digits, reason=reason, **spread, **facts)
    clear = sum(map(leaves_out_zero, intervals.values()))
    found.add(f"{key}.clear.n_of", [clear, len(intervals)], "n of N", method="interval leaves out zero", **facts)
