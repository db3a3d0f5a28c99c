"""A mistake in the program is never published as a statistic: whatever an analysis calls may fail, and that escapes."""

import numpy as np
import pytest

from trialbook.analysis import (
    efficacy,
    estimators,
    longitudinal,
    missing_data,
    multiplicity,
    operating_characteristics,
    scenarios,
)
from trialbook.errors import NotEstimable
from trialbook.results.row import Results
from trialbook.stats import anova, gee, imputation, permutation, reml, simulated_trials, two_means

MISTAKES = {
    "a wrong shape": (lambda: np.ones((2, 3)) + np.ones(4), ValueError, "could not be broadcast"),
    "a key that is not there": (lambda: {}["AVAL"], KeyError, "AVAL"),
    "a division by zero": (lambda: 1 / 0, ZeroDivisionError, "division by zero"),
    "a singular matrix": (lambda: np.linalg.inv(np.zeros((2, 2))), np.linalg.LinAlgError, "Singular"),
}
REML = estimators.Model("REML", covariance="model", reference="kenward-roger")
DRAWN = scenarios.Scenario(id="drawn", final="Drawn", final_test="ANCOVA randomisation")
# an analysis, and what it calls
ANALYSES = {
    "the final visit": (efficacy.final_difference, two_means, "wald_test"),
    "the standardised difference": (efficacy.standardised_difference, two_means.np, "ptp"),
    "GEE": (efficacy.gee, gee, "working_correlation"),
    "GEE by visit": (longitudinal.effect_by_visit, gee, "_orthogonalise"),
    "REML": (lambda trial: efficacy.gee(trial, REML), reml, "_evaluate"),
    "ANOVA": (longitudinal.anova, anova, "_epsilons"),
    "the checks of ANOVA": (lambda trial: longitudinal.anova_checks(trial)[0], anova, "_normality"),
    "multiple imputation": (missing_data.imputed, imputation, "wald_test"),
    "the tipping point": (missing_data.tipping, imputation, "stacked"),
    "scenarios": (lambda trial: scenarios.run(trial, DRAWN), permutation, "_reach"),
    "operating characteristics": (
        lambda trial: operating_characteristics.characteristics(trial, 10),
        simulated_trials,
        "draw",
    ),
    "the design of simulated trials": (
        lambda trial: operating_characteristics.characteristics(trial, 10),
        simulated_trials,
        "_nearest",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("analysis", ANALYSES)
def test_a_mistake_in_the_program_escapes_from_every_analysis(nk, monkeypatch, analysis, mistake):
    run, module, name = ANALYSES[analysis]
    make, error, words = MISTAKES[mistake]
    monkeypatch.setattr(module, name, lambda *_, **__: make())
    with pytest.raises(error, match=words):
        run(nk)


@pytest.mark.parametrize("analysis", [name for name in ANALYSES if name != "operating characteristics"])
def test_what_the_data_cannot_give_becomes_rows_with_the_reason(nk, monkeypatch, analysis):
    """At the same places; but to simulate a trial needs no data."""
    run, module, name = ANALYSES[analysis]

    def refuse(*_, **__):
        raise NotEstimable("it is Sunday")

    monkeypatch.setattr(module, name, refuse)
    told = [row for row in run(nk) if row.reason == "it is Sunday"]
    assert told and all(row.value is None for row in told)


def test_a_value_needs_no_reason_and_a_reason_no_value():
    results = Results()
    with pytest.raises(ValueError, match="a value or the reason why there is none"):
        results.add("a", 1.0, "mean", reason="it is Sunday")
    with pytest.raises(ValueError, match="a value or the reason why there is none"):
        results.add("a", None, "mean")
    with pytest.raises(ValueError, match="a value or the reason why there is none"):
        results.add("a", float("nan"), "mean")


def test_the_reason_is_shown_and_is_not_the_method(nk, monkeypatch):
    monkeypatch.setattr(two_means, "refuse_without_spread", _refuse)
    found = efficacy.final_difference(nk)
    row = found["cd4.final.difference.p"]
    assert (row.value, row.display, row.method) == (None, "not estimable", "pooled t test")
    assert "not estimable: no spread &amp; none to come" in found._repr_mimebundle_()["text/html"]
    members = multiplicity.adjust(nk, found.update(efficacy.gee(nk)))
    assert members["multiplicity.published.cd4.final.difference.holm"].reason == "no spread & none to come"


def _refuse(*_):
    raise NotEstimable("no spread & none to come")
