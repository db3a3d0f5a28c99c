"""Behaviour of the sensitivity analyses: equal to R's where R has them, and said in words where they fail."""

import numpy as np
import pytest
from reference import answers
from scipy import stats

from trialbook import efficacy, sensitivity, tables, trial

CASES = [
    ("actg175", "CD4"),
    ("actg175", "CD8"),
    ("actg175_n20", "CD4"),
    ("actg175_n20", "CD8"),
    ("amitriptyline_hivsn", "PAIN"),
]
REPEATED = [case for case in CASES if case[1] != "CD8"]  # more than one follow-up visit


@pytest.fixture(scope="module")
def analysed(real_trial):
    """Give the sensitivity results of a real trial, computed once."""
    done = {}

    def get(name):
        if name not in done:
            found = trial.read(real_trial(name))
            done[name] = sensitivity.final_visit(found).update(sensitivity.over_follow_up(found))
        return done[name]

    return get


@pytest.mark.parametrize(("name", "code"), CASES)
def test_ancova_equals_r(analysed, name, code):
    expected, rows = answers(name)[f"{code}.last_ancova"]["value"], analysed(name)
    key = f"{code.lower()}.sensitivity.ancova"
    assert rows[f"{key}.effect"].value == pytest.approx(expected["diff"], rel=1e-6)
    assert rows[f"{key}.ci"].value == pytest.approx([expected["lo"], expected["hi"]], rel=1e-6)
    assert rows[f"{key}.p"].value == pytest.approx(expected["p"], rel=1e-6)
    assert rows[f"{key}.p"].n == expected["df"] + 3


@pytest.mark.parametrize(("name", "code"), REPEATED)
def test_small_sample_covariances_equal_r(analysed, name, code):
    """Bias-corrected covariances rest on geepack's fit at its default tolerance, which shows on small coefficients."""
    expected, rows = answers(name)[f"{code}.gee.adj.exchangeable.bc"]["value"], analysed(name)
    for analysis, kind in (("gee_kc", "KC"), ("gee_md", "MD")):
        key, se = f"{code.lower()}.sensitivity.{analysis}", expected[f"se_{kind}"]
        half = stats.t.ppf(0.975, expected["K"] - expected["p_params"]) * se
        lower, upper = rows[f"{key}.ci"].value
        assert (upper - lower) / 2 == pytest.approx(half, rel=1e-6)
        assert rows[f"{key}.p"].value == pytest.approx(expected[f"p_{kind}_tKmp"], rel=1e-6)


@pytest.mark.parametrize(("name", "code"), CASES)
def test_other_models_equal_clubsandwich(analysed, name, code):
    unadjusted = "unadj.exchangeable" if (name, code) in REPEATED else "unadj.independence"
    pairs = [("gee_independence", "adj.independence"), ("gee_unadjusted", unadjusted)]
    for analysis, model in pairs:
        expected = answers(name)[f"{code}.gee.{model}.CR2_satt"]["value"]
        key, rows = f"{code.lower()}.sensitivity.{analysis}", analysed(name)
        lower, upper = rows[f"{key}.ci"].value
        half = stats.t.ppf(0.975, expected["df"]) * expected["se"]
        assert (upper - lower) / 2 == pytest.approx(half, rel=1e-6)
        assert rows[f"{key}.p"].value == pytest.approx(expected["p"], rel=1e-6)


@pytest.mark.parametrize(("name", "code"), REPEATED)
def test_ar1_effect_equals_geepack(analysed, name, code):
    expected = answers(name)[f"{code}.gee.adj.ar1.tight"]["value"]
    row = analysed(name)[f"{code.lower()}.sensitivity.gee_ar1.effect"]
    assert row.value == pytest.approx(expected["coef"], rel=1e-6)


def test_randomisation_agrees_with_the_t_test_in_a_large_trial(analysed):
    """With hundreds a side the two must meet, within the error of the draws."""
    p = answers("actg175")["CD4.last_pooled"]["value"]["p"]
    drawn = analysed("actg175")["cd4.sensitivity.randomisation.p"].value
    assert drawn == pytest.approx(p, abs=4 * np.sqrt(p / 100_000))


def test_mean_effect_weighs_all_visits_alike():
    """An effect at one visit alone counts by one over the number of visits, whatever the visits' precision."""
    visits, test = np.tile(np.arange(3), 4), np.repeat([0.0, 1.0], 6)
    X = np.column_stack([np.ones(12), test, np.eye(3)[visits, 1:]])
    design = sensitivity._effect_at_each(X, visits)
    effect_at_last = np.linalg.lstsq(design, test * (visits == 2), rcond=None)[0]
    assert effect_at_last[1] == pytest.approx(1 / 3)


def test_missing_visits_are_said_where_an_analysis_needs_all(copy):
    copy.rows("adlb", lambda t: (t["PARAMCD"] != "CD4") | (t["AVISITN"] != "6") | (t["USUBJID"] != "NKINR-004"))
    rows = sensitivity.over_follow_up(copy.read())
    row = rows["cd4.sensitivity.gee_randomisation.p"]
    assert row.value is None
    assert row.display == "not estimable"
    assert "miss an outcome" in row.method
    assert rows["cd4.sensitivity.gee_kc.p"].value is not None


def test_table_has_every_analysis_for_every_parameter(nk):
    rows = sensitivity.final_visit(nk).update(sensitivity.over_follow_up(nk))
    rows.update(efficacy.final_difference(nk)).update(efficacy.gee(nk))
    listed = {analysis for span in tables.ANALYSES.values() for analysis, _ in span}
    recorded = {row.key.split(".", 1)[1].removesuffix(".p") for row in rows if row.key.endswith(".p")}
    assert listed == recorded
