"""The fitted model over the follow-up visits equals R's, coefficient by coefficient, and is laid out as a table."""

import json
from pathlib import Path

import pytest
import reference

from trialbook import read_trial
from trialbook.analysis import efficacy, estimators, fitted, operating_characteristics, scenarios
from trialbook.displays import tables
from trialbook.results.row import Results
from trialbook.stats.simulated_trials import Design

ANSWERS = Path(__file__).parents[1] / "reference" / "gee_coefficients.json"
R = json.loads(ANSWERS.read_text())["results"]
TRIALS = ["nk_inr", *sorted({name.split(".")[0] for name in R} - {"nk_inr"})]
PARTS = {"": "coefficient", ".se": "robust_se", ".cr2.se": "cr2_se", ".cr2.df": "cr2_df", ".cr2.p": "cr2_p"}


def found_and_expected(trial, rows, answers, parameter):
    """Each value of the fitted model beside R's, whose terms are in the same order."""
    names = [row.key for row in rows if row.statistic == "coefficient" and row.parameter == parameter.paramcd]
    assert len(names) == len(answers["terms"])
    for place, name in enumerate(names):
        for part, theirs in PARTS.items():
            yield rows[name + part].value, answers[theirs][place]


@pytest.mark.parametrize("name", TRIALS)
def test_coefficients_equal_r(nk, real_trial, name):
    trial = nk if name == "nk_inr" else read_trial(real_trial(name))
    rows, compared = fitted.gee(trial), 0
    for parameter in trial.parameters("efficacy"):
        answers = R.get(f"{name}.{parameter.paramcd}")
        if answers is None:  # R was not asked where there is one follow-up visit
            continue
        for ours, theirs in found_and_expected(trial, rows, answers, parameter):
            assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-9)
            compared += 1
        assert rows[f"{parameter.id}.gee.sd"].value ** 2 == pytest.approx(answers["scale"], rel=1e-6)
        assert efficacy.gee(trial)[f"{parameter.id}.gee.correlation"].value == pytest.approx(answers["alpha"], rel=1e-6)
    assert compared


def test_the_coefficient_of_the_arm_is_the_effect(nk):
    model, effects = fitted.gee(nk), efficacy.gee(nk)
    for parameter in nk.parameters("efficacy"):
        arm, effect = f"{parameter.id}.gee.coefficient.arm", f"{parameter.id}.gee.effect"
        for part, same in (("", ""), (".se", ".se"), (".cr2.se", ".cr2.se"), (".cr2.p", ".cr2.p")):
            assert model[arm + part].value == pytest.approx(effects[effect + same].value)


def test_a_model_that_cannot_be_fitted_has_no_coefficients_and_says_why(copy, nk):
    copy.values(lambda arm, visit, _, value: None if (arm, float(visit)) == ("art", 0) else value, nk.subjects())
    trial = copy.read()
    rows = fitted.gee(trial)
    assert rows["cd4.gee.sd"].value is None and "nobody" in rows["cd4.gee.sd"].reason
    assert not [row for row in rows if row.key.startswith("cd4.gee.coefficient")]
    parameter = trial.parameters("efficacy")[0]
    table = tables.gee_coefficients(trial, efficacy.gee(trial), rows, parameter)
    assert not table.rows and "nobody" in " ".join(table.notes)


def test_the_table_of_a_model_has_a_line_for_each_term(nk):
    parameter = nk.parameters("efficacy")[0]
    table = tables.gee_coefficients(nk, efficacy.gee(nk), fitted.gee(nk), parameter)
    visits = [visit.label for visit in nk.visits("CD4")][2:]
    assert [row.label for row in table.rows] == ["Intercept", "NK+ART minus ART", *visits, "Baseline value"]
    assert "NK+ART 10, ART 10; observations: 120" in " ".join(table.notes)


def test_an_adjusted_model_alone_has_a_coefficient_of_the_baseline(nk):
    rows = fitted.gee(nk, estimators.Model(adjusted=False))
    assert "cd4.gee.coefficient.baseline" not in rows and "cd4.gee.coefficient.arm" in rows


def test_the_tests_at_the_final_visit_show_what_t_is_made_of(nk):
    rows = efficacy.final_difference(nk)
    for key in ("cd4.final.difference", "cd4.final.difference.welch"):
        assert rows[f"{key}.t"].value == pytest.approx(rows["cd4.final.difference"].value / rows[f"{key}.se"].value)
    labels = [row.label for row in tables.final_tests(nk, rows, efficacy.standardised_difference(nk)).rows]
    assert labels[:3] == ["CD4 count, cells/μL, month 24 (n = 20)", "Pooled t test", "Welch's t test"]


@pytest.mark.parametrize("name", ["actg175_n20", "amitriptyline_hivsn"])
def test_standard_errors_of_scenarios_equal_r(real_trial, name):
    trial, answers = read_trial(real_trial(name)), reference.answers(name)
    ancova = scenarios.Scenario(id="ancova", final="ANCOVA", final_test="ANCOVA")
    small = scenarios.Scenario(id="cr2", follow_up="CR2", covariance="CR2", reference="satterthwaite")
    rows = scenarios.run(trial, ancova).update(scenarios.run(trial, small))
    for parameter in trial.parameters("efficacy"):
        theirs = answers[f"{parameter.paramcd}.last_ancova"]["value"]
        key = f"{parameter.id}.final.difference.under.ancova"
        assert rows[f"{key}.se"].value == pytest.approx(theirs["se"], rel=1e-6)
        assert rows[f"{key}.df"].value == theirs["df"]
        if f"{parameter.paramcd}.gee.adj.exchangeable.CR2_satt" in answers:
            theirs = answers[f"{parameter.paramcd}.gee.adj.exchangeable.CR2_satt"]["value"]
            key = f"{parameter.id}.gee.effect.under.cr2"
            assert rows[f"{key}.se"].value == pytest.approx(theirs["se"], rel=1e-3)
            assert rows[f"{key}.df"].value == pytest.approx(theirs["df"], rel=1e-3)


def test_the_models_of_scenarios_stand_in_a_table(nk):
    chosen = [scenarios.Scenario(id="published", final="t", follow_up="GEE"), scenarios.Scenario(id="x", final="u")]
    rows = Results()
    for scenario in chosen:
        rows.update(scenarios.run(nk, scenario))
    table = tables.scenario_models(nk, rows, nk.parameters("efficacy")[0])
    assert [row.label for row in table.rows] == ["Final visit", "t", "u", "All follow-up visits", "GEE"]
    assert table.rows[-1].cells[1].key == "cd4.gee.effect.under.published.se"


def test_a_scenario_has_a_working_correlation_where_it_is_one_number_of_the_values_it_analyses(nk):
    structures = {"exchangeable": True, "ar1": True, "unstructured": False}
    for name, expected in structures.items():
        rows = scenarios.run(nk, scenarios.Scenario(id=name, follow_up=name, correlation=name))
        assert (f"cd4.gee.effect.under.{name}.correlation" in rows) == expected
    complete = scenarios.Scenario(id="complete", follow_up="complete cases", missing="complete")
    assert "cd4.gee.effect.under.complete.correlation" not in scenarios.run(nk, complete)


def test_the_simulated_trials_have_the_standard_deviations_of_the_trial(nk):
    rows = operating_characteristics.characteristics(nk, 4_000)
    wide = nk.values("CD4", nk.facts.analysis_sets.efficacy)
    spread = [((values.var() * (len(values) - 1)), len(values) - 1) for values in wide.values()]
    expected = (sum(squares for squares, _ in spread) / sum(df for _, df in spread)) ** 0.5
    table = tables.simulated_design(nk, rows)
    shown = [row.cells[0].value for row in table.rows[1 : len(expected) + 1]]
    assert shown == pytest.approx(expected.tolist())
    correlations = Design.of(wide, 0).correlations[0]
    assert rows["cd4.operating.correlation.baseline"].value == [correlations.min(), correlations.max()]
