"""Rejections in simulated trials: each simulated test is the analysis of the paper, and errs as is known of it."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from trialbook.analysis.efficacy import each_parameter
from trialbook.analysis.estimators import Model, at_final_visit, over_follow_up
from trialbook.errors import NotEstimable
from trialbook.stats import reml
from trialbook.stats.anova import mixed_anova
from trialbook.stats.simulated_trials import EFFECTS, METHODS, Design, draw, p_values, simulate


def of_one_correlation(sizes, sd, correlation):
    """A design whose arms have the same covariance, with one correlation of any two visits."""
    covariance = np.outer(sd, sd) * (correlation + (1 - correlation) * np.eye(len(sd)))
    return Design(sizes, (covariance, covariance))


SMALL = of_one_correlation((5, 7), (20.0, 30.0, 40.0, 45.0), 0.6)
LIKE_OURS = of_one_correlation((10, 10), (25.0, *[60.0] * 6), 0.8)  # 10 + 10 participants, six follow-up visits
TRIALS = 20_000
MODELS = {
    "gee_robust": Model(),
    "gee_cr2": Model(covariance="CR2", reference="satterthwaite"),
    "gee_kc": Model(covariance="KC", reference="t"),
    "gee_md": Model(covariance="MD", reference="t"),
    "gee_unadjusted": Model(adjusted=False),
    "intercept": Model("REML", reference="kenward-roger"),
}


def as_trial(y, test):
    """One simulated trial in the form in which the paper analyses one."""
    names = pd.Index([f"P{i}" for i in range(len(y))], name="USUBJID")
    rows = pd.DataFrame(y, names, [float(visit) for visit in range(y.shape[1])])
    return {"test": rows[test], "reference": rows[~test]}


def p_of(method, y, test):
    last = float(y.shape[1] - 1)
    if method in MODELS:
        return over_follow_up(as_trial(y, test), 0.0, MODELS[method]).p
    if method.startswith("anova"):
        found = mixed_anova(y, test)
        return found.arm.p if method == "anova_arm" else found.interaction.p_gg
    names = {"pooled_t": "pooled t", "welch": "Welch", "ancova": "ANCOVA"}
    return at_final_visit(as_trial(y, test), 0.0, last, names[method]).p


@pytest.mark.parametrize("method", METHODS)
def test_a_simulated_test_is_the_analysis_of_the_paper(method):
    y = draw(SMALL, 3, np.random.default_rng(2))
    test = np.repeat([True, False], SMALL.sizes)
    found = p_values(y, SMALL)[method]
    for k, effect in enumerate(EFFECTS):
        for one in range(len(y)):
            moved = y[one].copy()
            moved[test, 1:] += effect * SMALL.sd[-1]
            assert found[k, one] == pytest.approx(p_of(method, moved, test), rel=1e-8)


@pytest.fixture(scope="module")
def rejected():
    return simulate(LIKE_OURS, TRIALS, np.random.default_rng(7))


def error(p):
    """Four Monte Carlo standard errors of a share, in percent."""
    return 400 * np.sqrt(p * (100 - p) / 1e4 / TRIALS)


@pytest.mark.parametrize(
    ("method", "low", "high"),
    [("gee_robust", 7, 10), ("gee_cr2", 4.6, 5.2)],
)
def test_type_i_error_is_that_of_other_simulations(rejected, method, low, high):
    found = 100 * rejected[method][0] / TRIALS
    assert low - error(low) < found < high + error(high)


@pytest.mark.parametrize("method", ["pooled_t", "ancova", "intercept", "anova_arm"])
def test_an_exact_test_keeps_its_level(rejected, method):
    """With normal values of one variance these are exact, at whatever number of participants."""
    assert 100 * rejected[method][0] / TRIALS == pytest.approx(5, abs=error(5))


def test_power_of_the_pooled_t_test_is_that_of_the_noncentral_t(rejected):
    sizes = np.array(LIKE_OURS.sizes)
    df, scale = sizes.sum() - 2, np.sqrt(np.sum(1 / sizes))
    critical = stats.t.isf(0.025, df)
    for k, effect in enumerate(EFFECTS):
        power = stats.nct.sf(critical, df, effect / scale) + stats.nct.cdf(-critical, df, effect / scale)
        assert 100 * rejected["pooled_t"][k] / TRIALS == pytest.approx(100 * power, abs=error(100 * power))


@pytest.mark.parametrize("visits", [2, 3])
def test_five_participants_are_enough_for_a_p_value(visits):
    least = of_one_correlation((2, 3), (1.0,) * visits, 0.5)
    found = p_values(draw(least, 200, np.random.default_rng(1)), least)
    for method in least.methods:
        assert ((found[method] >= 0) & (found[method] <= 1)).all(), method


def test_too_few_participants_for_a_method_leave_the_others():
    few = of_one_correlation((2, 3), (1.0,) * 7, 0.5)
    assert "8 parameters need more clusters than the 5" in few.lacking["gee_cr2"]
    assert np.isfinite(p_values(draw(few, 9, np.random.default_rng(1)), few)["welch"]).all()


def test_draws_have_the_moments_of_the_design():
    y = draw(SMALL, 20_000, np.random.default_rng(3)).reshape(-1, len(SMALL.sd))
    assert y.std(axis=0) == pytest.approx(SMALL.sd, rel=0.02)
    correlations = np.corrcoef(y.T)[np.triu_indices(len(SMALL.sd), 1)]
    assert correlations == pytest.approx(np.full(6, 0.6), abs=0.02)


def test_the_design_of_a_drawn_trial_is_found_again():
    y = draw(Design((400, 500), SMALL.covariances), 1, np.random.default_rng(4))[0]
    test = np.repeat([True, False], (400, 500))
    y += 100 * test[:, None]  # arms differ in their means
    y[::3, 2] = np.nan
    y[1::3, 3] = np.nan
    found = Design.of(as_trial(y, test), 0.0)
    assert found.sizes == (400, 500)
    assert found.sd == pytest.approx(SMALL.sd, rel=0.1)
    assert np.concatenate(found.correlations) == pytest.approx(np.full(6, 0.6), abs=0.07)


@pytest.mark.parametrize("constant", [0.1, 7.0, 1e9 / 3])
def test_a_visit_at_which_nobody_differs_cannot_be_simulated(constant):
    """The mean of equal fractions is not always that fraction, so that what is left of them is not always zero."""
    y = draw(SMALL, 1, np.random.default_rng(5))[0]
    y[:, 2] = constant
    with pytest.raises(NotEstimable, match="at some visit the values of each arm are all the same"):
        Design.of(as_trial(y, np.repeat([True, False], SMALL.sizes)), 0.0)


# ------------------------------------------------------------------------------------ with the trial's own covariance


@pytest.fixture(scope="module")
def ours(nk):
    wide = dict(each_parameter(nk))
    return {parameter.paramcd: (Design.of(values, 0.0), values) for parameter, values in wide.items()}


@pytest.mark.parametrize(
    ("method", "error_and_powers"),
    [
        ("gee_cr2", (4.9, 26.6, 75.2)),
        ("gee_robust", (9.2, 37.2, 84.5)),
        ("ancova", (5.1, 20.4, 61.7)),
        ("pooled_t", (4.9, 18.4, 55.8)),
        ("anova_interaction", (5.1, 20.6, 69.0)),
    ],
)
def test_error_and_power_are_those_of_an_independent_simulation(ours, method, error_and_powers):
    """The other one: 20,000 trials of the CD4 counts, simulated and analysed by other code (pooled covariance)."""
    design, _ = ours["CD4"]
    found = 100 * simulate(design, TRIALS, np.random.default_rng(8))[method] / TRIALS
    for one, expected in zip(found, error_and_powers, strict=False):
        assert one == pytest.approx(expected, abs=error(expected) * 2**0.5)


def test_participants_that_are_skewed_and_arms_that_vary_unlike_raise_the_error(ours):
    """As in an independent simulation with resampled CD8 residuals: CR2 6.5 %, pooled t 7.0 %, of 20,000 trials."""
    design, wide = ours["CD8"]
    found = simulate(design.resampled(wide, 0.0), TRIALS, np.random.default_rng(9), effects=(0.0,))
    for method, expected in (("gee_cr2", 6.5), ("pooled_t", 7.0)):
        assert 100 * found[method][0] / TRIALS == pytest.approx(expected, abs=error(expected) * 2**0.5)


def test_power_is_that_of_the_standard_error_of_the_trial(ours):
    """A noncentral t at the observed standard error: the simulation has the spread of the trial."""
    design, wide = ours["CD4"]
    found = 100 * simulate(design, TRIALS, np.random.default_rng(10))["gee_cr2"] / TRIALS
    effect = over_follow_up(wide, 0.0, Model(covariance="CR2", reference="satterthwaite"))
    critical = stats.t.isf(0.025, effect.df)
    for share, size in zip(found[1:], EFFECTS[1:], strict=True):
        away = size * design.sd[-1] / effect.se
        expected = 100 * (stats.nct.sf(critical, effect.df, away) + stats.nct.cdf(-critical, effect.df, away))
        assert share == pytest.approx(expected, abs=6)  # one observed standard error is not the mean of all


def test_drawn_participants_have_the_covariance_of_their_arms(ours):
    design, wide = ours["CD8"]
    drawn = design.resampled(wide, 0.0)
    y = draw(drawn, 40_000, np.random.default_rng(11))
    for arm, values in zip((y[:, :10], y[:, 10:]), wide.values(), strict=True):
        expected = values.cov().to_numpy()
        scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
        assert np.cov(arm.reshape(-1, 7).T) / scale == pytest.approx(expected / scale, abs=0.02)


def test_drawn_participants_need_to_be_several_and_to_differ():
    y = draw(SMALL, 1, np.random.default_rng(6))[0]
    test = np.repeat([True, False], SMALL.sizes)
    design = Design.of(as_trial(y, test), 0.0)
    gap = y.copy()
    gap[0, 2] = np.nan
    with pytest.raises(NotEstimable, match="fewer than 5 participants have a value at every visit"):
        design.resampled(as_trial(gap, test), 0.0)
    flat = y.copy()
    flat[:, 2] = 7.0
    with pytest.raises(NotEstimable, match="participants with every visit are all the same"):
        design.resampled(as_trial(flat, test), 0.0)


def test_a_trial_in_which_nobody_differs_is_drawn_anew():
    """Of five participants four have one baseline: one trial in ten would have no variation of it.

    The few in which one participant alone has another one are fitted exactly, and no method finds an effect there.
    """
    y = draw(SMALL, 1, np.random.default_rng(6))[0][[*range(5), *range(5)]]
    y[:, 0] = [1.0, 1.0, 1.0, 1.0, 2.0] * 2
    wide = as_trial(y, np.repeat([True, False], 5))
    drawn = Design.of(wide, 0.0).resampled(wide, 0.0)
    for p in p_values(draw(drawn, 3_000, np.random.default_rng(12)), drawn).values():
        assert np.isfinite(p).mean() > 0.99


def test_missing_values_leave_a_covariance():
    """Pairs of visits are known of other participants: the matrix may be none of a covariance until it is mended."""
    y = draw(LIKE_OURS, 1, np.random.default_rng(13))[0]
    gaps = np.random.default_rng(14).random(y.shape) < 0.2
    gaps[:, 0] = False
    y[gaps] = np.nan
    wide = as_trial(y, np.repeat([True, False], LIKE_OURS.sizes))
    raw = [values.cov().to_numpy() for values in wide.values()]
    assert min(np.linalg.eigvalsh(covariance).min() for covariance in raw) < -1
    design = Design.of(wide, 0.0)
    for covariance, before in zip(design.covariances, raw, strict=True):
        assert np.linalg.eigvalsh(covariance).min() > -1e-9 * np.trace(covariance)
        assert np.diag(covariance) == pytest.approx(np.diag(before))


def test_a_mixed_model_with_a_slope_at_each_visit_is_an_analysis_of_covariance(ours):
    """At the final visit and over the visits, by restricted maximum likelihood with Kenward and Roger's test."""
    _, wide = ours["CD4"]
    y = np.concatenate([values.to_numpy() for values in wide.values()])
    n, visits = len(y), y.shape[1] - 1
    test = np.repeat([1.0, 0.0], [len(values) for values in wide.values()])
    at = np.tile(np.eye(visits), (n, 1))
    X = np.column_stack([at, at * np.repeat(test, visits)[:, None], at * np.repeat(y[:, 0], visits)[:, None]])
    fit = reml.fit(y[:, 1:].ravel(), X, np.repeat(np.arange(n), visits), np.tile(np.arange(visits), n), "unstructured")
    for weights, ours_is in (
        (np.eye(visits)[-1], at_final_visit(wide, 0.0, 24.0, "ANCOVA")),
        (np.full(visits, 1 / visits), over_follow_up(wide, 0.0, Model("REML", reference="kenward-roger"))),
    ):
        found = fit.test([*np.zeros(visits), *weights, *np.zeros(visits)], "kenward-roger")
        assert found.estimate == pytest.approx(ours_is.estimate, rel=1e-6)
        assert found.se == pytest.approx(ours_is.se, rel=1e-4)
        assert found.p == pytest.approx(ours_is.p, rel=1e-3)
