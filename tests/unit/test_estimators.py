"""The effect by each method: equal to R's where R has it, and said in words where it cannot be had."""

import numpy as np
import pytest
from reference import answers
from scipy import integrate, stats

from trialbook.analysis import estimators
from trialbook.analysis.estimators import Model
from trialbook.errors import NotEstimable
from trialbook.stats import two_means
from trialbook.stats.effect_size import hedges_g

CASES = [
    ("actg175", "CD4"),
    ("actg175", "CD8"),
    ("actg175_n20", "CD4"),
    ("actg175_n20", "CD8"),
    ("amitriptyline_hivsn", "PAIN"),
]
REPEATED = [case for case in CASES if case[1] != "CD8"]  # more than one follow-up visit


@pytest.fixture(scope="module")
def wide(real):
    """Give a parameter of a real trial: its values by arm, its baseline and its last visit."""
    read = {}

    def get(name, code):
        if name not in read:
            read[name] = real(name)
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
        estimators.at_final_visit(*wide(name, code), "ANCOVA"),
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
    effect = estimators.over_follow_up(values, baseline, Model(covariance=kind, reference="t"))
    assert effect.se == pytest.approx(expected[f"se_{kind}"], rel=1e-6)
    left = expected["K"] - 3  # of participants, less intercept, arm and baseline
    assert half_width(effect) == pytest.approx(stats.t.ppf(0.975, left) * effect.se)
    coefficient = answers(name)[f"{code}.gee.adj.exchangeable"]["value"]["coef"]
    assert effect.p == pytest.approx(2 * stats.t.sf(abs(coefficient) / expected[f"se_{kind}"], left), rel=1e-6)


@pytest.mark.parametrize(("name", "code"), CASES)
@pytest.mark.parametrize(("correlation", "adjusted"), [("independence", True), ("exchangeable", False)])
def test_other_models_equal_clubsandwich(wide, name, code, correlation, adjusted):
    kind = correlation if (name, code) in REPEATED else "independence"  # the same with one follow-up visit
    expected = answers(name)[f"{code}.gee.{'adj' if adjusted else 'unadj'}.{kind}.CR2_satt"]["value"]
    values, baseline, _ = wide(name, code)
    model = Model(correlation=correlation, covariance="CR2", reference="satterthwaite", adjusted=adjusted)
    effect = estimators.over_follow_up(values, baseline, model)
    assert (effect.se, effect.df) == pytest.approx((expected["se"], expected["df"]), rel=1e-6)
    assert effect.p == pytest.approx(expected["p"], rel=1e-6)


@pytest.mark.parametrize(("name", "code"), REPEATED)
def test_ar1_effect_equals_geepack(wide, name, code):
    expected = answers(name)[f"{code}.gee.adj.ar1.tight"]["value"]
    values, baseline, _ = wide(name, code)
    assert estimators.over_follow_up(values, baseline, Model(correlation="ar1")).estimate == pytest.approx(
        expected["coef"], rel=1e-6
    )


def test_randomisation_agrees_with_the_t_test_in_a_large_trial(wide):
    """With hundreds a side the two must meet, within the error of the draws, which the effect states."""
    p = answers("actg175")["CD4.last_pooled"]["value"]["p"]
    effect = estimators.at_final_visit(*wide("actg175", "CD4"), "randomisation")
    assert effect.p == pytest.approx(p, abs=4 * np.sqrt(p / 100_000))
    assert effect.p_se == pytest.approx(np.sqrt(effect.p * (1 - effect.p) / 100_000), rel=1e-3)


def test_mean_effect_weighs_all_visits_alike():
    """An effect at one visit alone counts by one over the number of visits, whatever the visits' precision."""
    visits, test = np.tile(np.arange(3), 4), np.repeat([0.0, 1.0], 6)
    X = np.column_stack([np.ones(12), test, np.eye(3)[visits, 1:]])
    design = estimators._effect_at_each(X, visits)
    effect_at_last = np.linalg.lstsq(design, test * (visits == 2), rcond=None)[0]
    assert effect_at_last[1] == pytest.approx(1 / 3)


def test_an_analysis_of_covariance_without_residuals_is_refused():
    """The outcome is twice the baseline plus the effect of the arm: P would be made of rounding."""
    arm, base = np.repeat([True, False], 5), np.arange(10.0) ** 2 / 7
    with pytest.raises(NotEstimable, match="fits the outcome exactly"):
        two_means.ancova(2 * base + 3 * arm, arm, base)
    for baseline in (np.full(10, 0.1), 4.0 * arm):
        with pytest.raises(NotEstimable, match="does not vary, or tells the arms apart"):
            two_means.ancova(base, arm, baseline)


def test_missing_visits_are_said_where_an_analysis_needs_all(copy):
    copy.rows("adlb", lambda t: (t["PARAMCD"] != "CD4") | (t["AVISITN"] != "6") | (t["USUBJID"] != "NKINR-004"))
    values = copy.read().values("CD4")
    with pytest.raises(NotEstimable, match="miss an outcome"):
        estimators.over_follow_up(values, 0.0, Model(covariance="CR2", reference="randomisation"))
    assert estimators.over_follow_up(values, 0.0, Model(covariance="KC", reference="t")).p > 0


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
            estimators.at_final_visit(values, 0.0, 24.0, "nonsense")
        else:
            estimators.over_follow_up(values, 0.0, Model(**{wrong: "nonsense"}))


def test_one_follow_up_visit_has_no_visit_term(wide):
    for code, terms in (("CD4", 4), ("CD8", 3)):
        records = estimators.design(*wide("actg175_n20", code)[:2])
        assert records.X.shape == (len(records.y), terms)
        assert len(records.groups) == len(records.y)
        assert len(records.terms) == terms


# the standardised difference


def test_correction_for_bias_is_that_of_hedges():
    """Factors of Hedges (1981): exactly 1 / sqrt(pi) at two degrees of freedom, 3 / (4 df - 1) from one at many."""
    low, high = np.array([0.0, 2.0]), np.array([1.0, 3.0])
    g, *_ = hedges_g(high, low)
    assert g == pytest.approx(1 / np.sqrt(2) / np.sqrt(np.pi))
    rng = np.random.default_rng(1)
    test, reference = rng.normal(size=(2, 200))
    d = stats.ttest_ind(test, reference).statistic * np.sqrt(2 / 200)
    assert hedges_g(test, reference)[0] == pytest.approx(d * (1 - 3 / (4 * 398 - 1)), rel=1e-6)


@pytest.mark.parametrize(
    ("m", "n", "shift", "alpha"), [(10, 10, 1, 0.05), (3, 17, -2, 0.1), (2, 2, 0, 0.05), (9, 4, 9, 0.01)]
)
def test_limits_put_the_observed_t_at_the_tails(m, n, shift, alpha):
    """The noncentral t distribution by its definition: a normal over the root of a chi-square, integrated."""
    rng = np.random.default_rng(m)
    test, reference = rng.normal(shift, 1, m), rng.normal(0, 1, n)
    _, lower, upper = hedges_g(test, reference, alpha)
    t, df = stats.ttest_ind(test, reference).statistic, m + n - 2

    def below(effect):
        def given(s):
            return stats.norm.cdf(t * s - effect / np.sqrt(1 / m + 1 / n)) * stats.chi.pdf(s * np.sqrt(df), df)

        return integrate.quad(lambda s: given(s) * np.sqrt(df), 0, stats.chi.isf(1e-15, df) / np.sqrt(df), limit=500)[0]

    assert (below(lower), below(upper)) == pytest.approx((1 - alpha / 2, alpha / 2), abs=1e-7)
    assert hedges_g(reference, test, alpha)[1:] == pytest.approx((-upper, -lower), rel=1e-6)


def test_limits_exclude_zero_where_the_pooled_t_test_does(wide):
    """At the confidence level of its P, the interval of the difference ends at zero."""
    values, baseline, last = wide("actg175_n20", "CD4")
    arms = [arm[last].dropna().to_numpy() for arm in values.values()]
    _, *limits = hedges_g(*arms, estimators.at_final_visit(values, baseline, last).p)
    assert min(np.abs(limits)) == pytest.approx(0, abs=1e-8)


def test_g_has_no_bias_and_its_interval_covers():
    """1,000 trials of 6 + 5 with an effect of 1: within 3.5 Monte Carlo errors of 1 and of 90%."""
    rng, draws = np.random.default_rng(8), 1000
    found = np.array([hedges_g(rng.normal(1, 1, 6), rng.normal(0, 1, 5), 0.1) for _ in range(draws)])
    g, lower, upper = found.T
    assert abs(g.mean() - 1) < 3.5 * g.std() / np.sqrt(draws)
    assert abs(np.mean((lower < 1) & (upper > 1)) - 0.9) < 3.5 * np.sqrt(0.9 * 0.1 / draws)


def test_a_standardised_difference_without_spread_is_refused():
    for test, reference, reason in (
        ([1.0, 2.0], [1.0], "fewer than two values"),
        ([1.0, 1.0], [2.0, 2.0], "all the same"),
        ([1.0, 1.0 + 1e-9], [2.0, 2.0], "too many standard deviations"),
    ):
        with pytest.raises(NotEstimable, match=reason):
            hedges_g(np.array(test), np.array(reference))
