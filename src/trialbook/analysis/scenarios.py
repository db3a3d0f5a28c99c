"""The prespecified scenarios: each a run of the efficacy notebook with other parameters."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from trialbook.analysis.estimators import Estimator, FinalTest
from trialbook.results.executed import of_notebooks
from trialbook.results.row import Results
from trialbook.yamlfile import Keys, read_yaml

HEADLINE = {"final": "final.difference", "follow_up": "gee.effect"}  # estimand: the headline key of a parameter
PUBLISHED = "published"
CHOICES = {
    "final": ("final_test", "analysis_set", "missing"),
    "follow_up": ("analysis_set", "missing", "estimator", "correlation", "covariance", "reference", "adjusted"),
}
_WORDS = {True: "yes", False: "no", "ar1": "AR(1)", "per_protocol": "per protocol"}
_WORDS |= {"satterthwaite": "Satterthwaite t", "kenward-roger": "Kenward–Roger t"}


class Scenario(Keys):
    """One scenario: what it is called for each estimand that it bears on, and the notebook's parameters."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    final: str = ""
    follow_up: str = ""
    final_test: FinalTest = "pooled t"
    estimator: Estimator = "GEE"
    correlation: Literal["independence", "exchangeable", "ar1", "unstructured"] = "exchangeable"
    covariance: Literal["robust", "KC", "MD", "CR2", "model"] = "robust"
    reference: Literal["z", "t", "satterthwaite", "kenward-roger", "randomisation"] = "z"
    adjusted: bool = True
    analysis_set: str = "efficacy"
    missing: Literal["available", "complete", "imputed"] = "available"

    def name(self, estimand):
        """What it is called where an estimand is shown; empty where it does not bear on it."""
        return getattr(self, estimand)

    def choices(self, estimand):
        """The choices that it makes for an estimand, as words."""
        given = {name.replace("_", " "): getattr(self, name) for name in CHOICES[estimand]}
        return [f"{name}: {_WORDS.get(value, value)}" for name, value in given.items()]

    @property
    def parameters(self):
        """The notebook's parameters."""
        return self.model_dump(exclude={"id", *HEADLINE})


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


def read(path, trial):
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


def runs(scenarios, trial_folder):
    """Give the notebook's parameters under each scenario, by its id, for the trial in a folder, without figures."""
    given = {"trial_folder": str(trial_folder), "draw": False}
    return {scenario.id: {**given, **scenario.parameters} for scenario in scenarios}


def collect(trial, scenarios, folder):
    """Lay the headline results of all scenarios under one another.

    Parameters
    ----------
    trial : Trial
    scenarios : list of Scenario
    folder : str or Path
        Holds the executed notebooks, in it or in folders of it.

    Returns
    -------
    Results
        Keys ``<headline>.under.<scenario>`` for each headline effect, ``<paramcd>.final.difference`` and
        ``<paramcd>.gee.effect``, with ``.ci``, ``.p`` and, where there is one, ``.p_se`` and ``.qic``; over all
        scenarios ``<headline>.under.range`` and ``<headline>.under.clear.n_of``, those whose interval leaves out zero.

    Raises
    ------
    FileNotFoundError
        If a scenario has not been run.
    """
    executed = {path.stem: path for path in Path(folder).rglob("*.ipynb")}
    found = Results(trial.facts.alpha)
    for scenario in scenarios:
        if scenario.id not in executed:
            raise FileNotFoundError(f"{folder}: no run of the scenario {scenario.id}")
        recorded = of_notebooks([executed[scenario.id]]).results
        for parameter in trial.parameters("efficacy"):
            for estimand, headline in HEADLINE.items():
                key, under = f"{parameter.id}.{headline}", f"{parameter.id}.{headline}.under.{scenario.id}"
                if scenario.name(estimand):
                    parts = [part for part in ("", ".ci", ".p", ".p_se") if key + part in recorded]
                    found.update(replace(recorded[key + part], key=under + part) for part in parts)
            if scenario.follow_up and scenario.estimator == "GEE":
                found.update([replace(recorded[f"{parameter.id}.gee.qic"], key=f"{under}.qic")])
    for parameter in trial.parameters("efficacy"):
        for estimand in HEADLINE:
            _summarise(found, scenarios, parameter, estimand)
    return found


def under(scenarios, parameter, estimand):
    """Pair each scenario that bears on an estimand with the key of its effect on a parameter."""
    headline = f"{parameter.id}.{HEADLINE[estimand]}"
    return [(scenario, f"{headline}.under.{scenario.id}") for scenario in scenarios if scenario.name(estimand)]


def leaves_out_zero(interval):
    """Tell whether zero lies outside an interval."""
    return interval[0] > 0 or interval[1] < 0


def _summarise(found, scenarios, parameter, estimand):
    """Add how far the effect ranges over the scenarios that have one, and how many intervals leave out zero."""
    keys = [key for _, key in under(scenarios, parameter, estimand)]
    estimable = [key for key in keys if found[f"{key}.ci"].value is not None]
    values = [found[key].value for key in estimable]
    digits = parameter.digits if estimand == "final" else parameter.model_digits
    key, facts = f"{parameter.id}.{HEADLINE[estimand]}.under", {"parameter": parameter.paramcd, "estimand": estimand}
    ends = [min(values), max(values)] if values else None
    reason = "" if values else "not estimable: no scenario has an effect"
    counted = f"of {len(keys)} scenarios, {len(estimable)} can be estimated"
    found.add(f"{key}.range", ends, "range", digits, unit=parameter.unit, method=reason or counted, **facts)
    clear = sum(leaves_out_zero(found[f"{name}.ci"].value) for name in estimable)
    found.add(f"{key}.clear.n_of", [clear, len(estimable)], "n of N", method="interval leaves out zero", **facts)
