"""Operating characteristics: what is counted does not depend on who simulates, and the verdict follows from it."""

import numpy as np
import pytest

from trialbook.analysis import operating_characteristics
from trialbook.displays import figures, tables
from trialbook.results.verdicts import Level
from trialbook.stats import simulated_trials
from trialbook.stats.simulated_trials import EFFECTS, METHODS


def test_a_method_that_a_trial_does_not_allow_says_why(real):
    rows = operating_characteristics.characteristics(real("actg175_n20"), 50)
    row = rows["cd8.operating.intercept.type1"]
    assert row.reason == "one follow-up visit does not tell participants from visits"
    assert row.label == "REML, Kenward–Roger t"


@pytest.fixture(scope="module")
def design(nk):
    wide = nk.values("CD4", nk.facts.analysis_sets.efficacy)
    return simulated_trials.Design.of(wide, nk.facts.visits.baseline)


def test_all_processors_together_count_what_one_counts(design, monkeypatch):
    alone = operating_characteristics.count(design, 12_001, 0, 0.05)
    monkeypatch.setattr(operating_characteristics, "SHARED", 12_000)
    together = operating_characteristics.count(design, 12_001, 0, 0.05)
    assert alone.keys() == together.keys()
    assert all((alone[method] == together[method]).all() for method in alone)


def test_more_trials_begin_with_the_same_ones_and_each_parameter_has_its_own(design):
    """A chunk's random numbers depend on its place alone."""
    first, both = (operating_characteristics.count(design, trials, 0, 0.05) for trials in (5_000, 10_000))
    second = operating_characteristics._chunk(design, 10_000, 0, 0.05, EFFECTS, 5_000)
    assert all((first[method] + second[method] == both[method]).all() for method in both)
    other = operating_characteristics.count(design, 5_000, 1, 0.05)
    assert any((first[method] != other[method]).any() for method in other)


@pytest.mark.parametrize(
    ("rejected", "verdict"),
    [(400, Level.TOO_SELDOM), (440, Level.UNKNOWN), (500, Level.KEPT), (600, Level.TOO_OFTEN)],
)
def test_the_verdict_follows_from_the_interval(nk, monkeypatch, rejected, verdict):
    monkeypatch.setattr(
        operating_characteristics, "count", lambda *_: dict.fromkeys(METHODS, np.array([rejected, 0, 0, 0]))
    )
    row = operating_characteristics.characteristics(nk, 10_000)["cd4.operating.welch.verdict"]
    assert row.value is verdict
    assert row.display == str(verdict)


def test_table_and_figure_say_every_method(nk):
    rows = operating_characteristics.characteristics(nk, 200)
    parameter = nk.parameters("efficacy")[0]
    table, figure = tables.operating(nk, rows, parameter), figures.operating(nk, rows, parameter)
    for method, (_, name) in METHODS.items():
        assert name in {row.label for row in table.rows}
        assert f"{name}, {rows[f'cd4.operating.{method}.type1'].display}" in figure.alt


def test_a_trial_that_cannot_be_simulated_says_why(copy):
    copy.table("adlb", lambda t: t.assign(AVAL=t["AVAL"].where((t["PARAMCD"] != "CD4") | (t["AVISITN"] != "6"), "7")))
    found = copy.read()
    rows = operating_characteristics.characteristics(found, 100)
    assert rows["cd4.operating.trials.n"].reason == "at some visit the values of each arm are all the same"
    parameter = found.parameters("efficacy")[0]
    assert "all the same" in tables.operating(found, rows, parameter).notes[0]
    assert "all the same" in figures.operating(found, rows, parameter).alt
    assert rows["cd8.operating.trials.n"].value == 100


@pytest.mark.parametrize("name", ["actg175", "actg175_n20", "amitriptyline_hivsn"])
def test_real_trials_are_simulated(real, name):
    found = real(name)
    rows = operating_characteristics.characteristics(found, 50)
    for parameter in found.parameters("efficacy"):
        assert rows[f"{parameter.id}.operating.trials.n"].value == 50
