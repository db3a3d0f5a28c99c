"""The effect by each method: equal to R's where R has it, and said in words where it cannot be had."""

import numpy as np
import pytest
from reference import answers
from scipy import stats

from trialbook import effects, trial
from trialbook.effects import Model

CASES = [
    ("actg175", "CD4"),
    ("actg175", "CD8"),
    ("actg175_n20", "CD4"),
    ("actg175_n20", "CD8"),
    ("amitriptyline_hivsn", "PAIN"),
]
REPEATED = [case for case in CASES if case[1] != "CD8"]  # more than one follow-up visit


@pytest.fixture(scope="module")
def wide(real_trial):
    """Give a parameter of a real trial: its values by arm, its baseline and its last visit."""
    read = {}

    def get(name, code):
        if name not in read:
            read[name] = trial.read(real_trial(name))
        found = read[name]
        values = found.values(code, found.facts.analysis_sets.efficacy)
        return values, found.facts.visits.baseline, found.visits(code)[-1].avisitn

    return get


def half_width(effect):
    return (effect.upper - effect.lower) / 2


@pytest.mark.parametrize(("name", "code"), CASES)
def test_ancova_equals_r(wide, name, code):
    expected, effect = (
        answers(name)[f"{code}.last_ancova"]["value"],
        effects.at_final_visit(*wide(name, code), "ANCOVA"),
    )
    assert effect.estimate == pytest.approx(expected["diff"], rel=1e-6)
    assert [effect.lower, effect.upper] == pytest.approx([expected["lo"], expected["hi"]], rel=1e-6)
    assert effect.p == pytest.approx(expected["p"], rel=1e-6)
    assert effect.df == expected["df"]


@pytest.mark.parametrize(("name", "code"), REPEATED)
@pytest.mark.parametrize("kind", ["KC", "MD"])
def test_small_sample_covariances_equal_r(wide, name, code, kind):
    """Bias-corrected covariances rest on geepack's fit at its default tolerance, which shows on small coefficients."""
    expected = answers(name)[f"{code}.gee.adj.exchangeable.bc"]["value"]
    values, baseline, _ = wide(name, code)
    effect, _ = effects.over_follow_up(values, baseline, Model(covariance=kind, reference="t"))
    assert effect.se == pytest.approx(expected[f"se_{kind}"], rel=1e-6)
    assert half_width(effect) == pytest.approx(stats.t.ppf(0.975, expected["K"] - expected["p_params"]) * effect.se)
    assert effect.p == pytest.approx(expected[f"p_{kind}_tKmp"], rel=1e-6)


@pytest.mark.parametrize(("name", "code"), CASES)
@pytest.mark.parametrize(("correlation", "adjusted"), [("independence", True), ("exchangeable", False)])
def test_other_models_equal_clubsandwich(wide, name, code, correlation, adjusted):
    kind = correlation if (name, code) in REPEATED else "independence"  # the same with one follow-up visit
    expected = answers(name)[f"{code}.gee.{'adj' if adjusted else 'unadj'}.{kind}.CR2_satt"]["value"]
    values, baseline, _ = wide(name, code)
    model = Model(correlation=correlation, covariance="CR2", reference="satterthwaite", adjusted=adjusted)
    effect, _ = effects.over_follow_up(values, baseline, model)
    assert (effect.se, effect.df) == pytest.approx((expected["se"], expected["df"]), rel=1e-6)
    assert effect.p == pytest.approx(expected["p"], rel=1e-6)


@pytest.mark.parametrize(("name", "code"), REPEATED)
def test_ar1_effect_equals_geepack(wide, name, code):
    expected = answers(name)[f"{code}.gee.adj.ar1.tight"]["value"]
    values, baseline, _ = wide(name, code)
    assert effects.over_follow_up(values, baseline, Model(correlation="ar1"))[0].estimate == pytest.approx(
        expected["coef"], rel=1e-6
    )


def test_randomisation_agrees_with_the_t_test_in_a_large_trial(wide):
    """With hundreds a side the two must meet, within the error of the draws, which the effect states."""
    p = answers("actg175")["CD4.last_pooled"]["value"]["p"]
    effect = effects.at_final_visit(*wide("actg175", "CD4"), "randomisation")
    assert effect.p == pytest.approx(p, abs=4 * np.sqrt(p / 100_000))
    assert effect.p_se == pytest.approx(np.sqrt(effect.p * (1 - effect.p) / 100_000), rel=1e-3)


def test_mean_effect_weighs_all_visits_alike():
    """An effect at one visit alone counts by one over the number of visits, whatever the visits' precision."""
    visits, test = np.tile(np.arange(3), 4), np.repeat([0.0, 1.0], 6)
    X = np.column_stack([np.ones(12), test, np.eye(3)[visits, 1:]])
    design = effects._effect_at_each(X, visits)
    effect_at_last = np.linalg.lstsq(design, test * (visits == 2), rcond=None)[0]
    assert effect_at_last[1] == pytest.approx(1 / 3)


def test_missing_visits_are_said_where_an_analysis_needs_all(copy):
    copy.rows("adlb", lambda t: (t["PARAMCD"] != "CD4") | (t["AVISITN"] != "6") | (t["USUBJID"] != "NKINR-004"))
    values = copy.read().values("CD4")
    with pytest.raises(ValueError, match="miss an outcome"):
        effects.over_follow_up(values, 0.0, Model(covariance="CR2", reference="randomisation"))
    assert effects.over_follow_up(values, 0.0, Model(covariance="KC", reference="t"))[0].p > 0


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (Model(), "GEE, robust z"),
        (Model(covariance="CR2", reference="satterthwaite"), "GEE, CR2, Satterthwaite t"),
        (Model(correlation="ar1", covariance="MD", reference="t"), "GEE, AR(1), MD, t"),
        (Model(adjusted=False), "GEE, robust z, without baseline"),
        (Model("REML", reference="kenward-roger"), "REML, random intercept, Kenward–Roger t"),
    ],
)
def test_a_model_says_its_name(model, name):
    assert str(model) == name


@pytest.mark.parametrize("wrong", ["final", "estimator", "correlation", "covariance", "reference"])
def test_an_unknown_method_is_answered_with_those_known(nk, wrong):
    values = nk.values("CD4")
    with pytest.raises(ValueError, match="'nonsense' is not one of"):
        if wrong == "final":
            effects.at_final_visit(values, 0.0, 24.0, "nonsense")
        else:
            effects.over_follow_up(values, 0.0, Model(**{wrong: "nonsense"}))
