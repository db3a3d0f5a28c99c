"""Rejections in simulated trials: each simulated test is the analysis of the paper, and errs as is known of it."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from trialbook.analysis.estimators import Model, at_final_visit, over_follow_up
from trialbook.errors import NotEstimable
from trialbook.stats.anova import mixed_anova
from trialbook.stats.simulated_trials import EFFECTS, METHODS, Design, draw, p_values, simulate

SMALL = Design((5, 7), (20.0, 30.0, 40.0, 45.0), 0.6)
LIKE_OURS = Design((10, 10), (25.0, *[60.0] * 6), 0.8)  # 10 + 10 participants, six follow-up visits
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
        return over_follow_up(as_trial(y, test), 0.0, MODELS[method])[0].p
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
    [("gee_robust", 7, 10), ("gee_cr2", 4.6, 5.2), ("gee_kc", 4.3, 4.9), ("gee_md", 2.9, 3.6)],
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
    least = Design((2, 3), (1.0,) * visits, 0.5)
    found = p_values(draw(least, 200, np.random.default_rng(1)), least)
    for method in least.methods:
        assert ((found[method] >= 0) & (found[method] <= 1)).all(), method


def test_too_few_participants_for_a_method_leave_the_others():
    few = Design((2, 3), (1.0,) * 7, 0.5)
    assert "8 parameters need more clusters than the 5" in few.lacking["gee_cr2"]
    assert np.isfinite(p_values(draw(few, 9, np.random.default_rng(1)), few)["welch"]).all()


def test_draws_have_the_moments_of_the_design():
    y = draw(SMALL, 20_000, np.random.default_rng(3)).reshape(-1, len(SMALL.sd))
    assert y.std(axis=0) == pytest.approx(SMALL.sd, rel=0.02)
    correlations = np.corrcoef(y.T)[np.triu_indices(len(SMALL.sd), 1)]
    assert correlations == pytest.approx(np.full(6, SMALL.correlation), abs=0.02)


def test_the_design_of_a_drawn_trial_is_found_again():
    y = draw(Design((400, 500), SMALL.sd, SMALL.correlation), 1, np.random.default_rng(4))[0]
    test = np.repeat([True, False], (400, 500))
    y += 100 * test[:, None]  # arms differ in their means
    y[::3, 2] = np.nan
    y[1::3, 3] = np.nan
    found = Design.of(as_trial(y, test), 0.0)
    assert found.sizes == (400, 500)
    assert found.sd == pytest.approx(SMALL.sd, rel=0.1)
    assert found.correlation == pytest.approx(SMALL.correlation, abs=0.03)


@pytest.mark.parametrize("constant", [0.1, 7.0, 1e9 / 3])
def test_a_visit_at_which_nobody_differs_cannot_be_simulated(constant):
    """The mean of equal fractions is not always that fraction, so that what is left of them is not always zero."""
    y = draw(SMALL, 1, np.random.default_rng(5))[0]
    y[:, 2] = constant
    with pytest.raises(NotEstimable, match="at some visit the values of each arm are all the same"):
        Design.of(as_trial(y, np.repeat([True, False], SMALL.sizes)), 0.0)
