"""Behaviour of the imputation: true to what was observed, right under missing at random, pooled by Rubin's rules."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from trialbook.analysis import estimators
from trialbook.errors import NotEstimable
from trialbook.stats import imputation

ARMS = np.repeat([True, False], 10)


def normal(n, visits, seed=0, correlation=0.6):
    """Draw n subjects whose visits are all correlated alike, with variance one."""
    covariance = np.full((visits, visits), correlation) + (1 - correlation) * np.eye(visits)
    return np.random.default_rng(seed).multivariate_normal(np.zeros(visits), covariance, n)


@pytest.fixture
def gappy():
    """Ten and ten subjects of seven visits, of whom some stop early, some miss a visit and one has no value."""
    values = 100 + 30 * normal(20, 7)
    for subject, visits in {0: [5, 6], 3: [6], 4: [0], 11: [2], 12: [3, 4, 5, 6], 15: [6], 19: range(7)}.items():
        values[subject, list(visits)] = np.nan
    return values


def test_observed_values_stay_and_the_others_are_filled(gappy):
    drawn = imputation.impute(gappy, ARMS, draws=5)
    seen = np.isfinite(gappy)
    assert drawn.shape == (5, 20, 7)
    assert np.isfinite(drawn).all()
    assert (drawn[:, seen] == gappy[seen]).all()
    assert (drawn[:, ~seen].std(axis=0) > 0).all()


def test_the_same_seed_gives_the_same_draws(gappy):
    first, again, other = (imputation.impute(gappy, ARMS, draws=2, seed=seed) for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first != other).any()


def test_the_global_random_state_is_left_alone(gappy):
    np.random.seed(5)
    imputation.impute(gappy, ARMS, draws=1)
    after = np.random.random()
    np.random.seed(5)
    assert after == np.random.random()


def test_another_unit_gives_the_same_draws_in_that_unit(gappy):
    drawn = imputation.impute(gappy, ARMS, draws=3)
    scaled = imputation.impute(1e-3 * gappy + 7, ARMS, draws=3)
    np.testing.assert_allclose(scaled, 1e-3 * drawn + 7, rtol=1e-8)


def test_rows_that_lack_different_visits_are_kept_apart():
    """The sampler's own sum of logarithms is the same for columns 1 and 5 as for 2 and 3, as 2 × 6 is 3 × 4."""
    columns = normal(40, 8, seed=1)
    columns[4, [1, 5]] = columns[7, [2, 3]] = columns[9, [1, 5]] = np.nan
    observed = columns.copy()
    sampler = imputation._sampler(columns, np.random.default_rng(0))
    assert sorted(map(list, sampler.patterns)) == [[4, 9], [7]]
    sampler.update()
    seen = np.isfinite(observed)
    assert (sampler.data[seen] == observed[seen]).all()


def test_dropout_that_depends_on_what_was_seen_does_not_bias_the_means():
    """Missing at random: the mean of those seen is off by many standard errors, the imputed one is not."""
    n, truth = 4000, np.array([1.0, 2.0, 4.0])
    values, arms = truth + normal(2 * n, 3, seed=2, correlation=0.7), np.repeat([True, False], n)
    rng = np.random.default_rng(3)
    for visit in (1, 2):
        leaves = rng.random(2 * n) < stats.norm.cdf(values[:, visit - 1] - truth[visit - 1] - 0.5)
        values[leaves | np.isnan(values[:, visit - 1]), visit] = np.nan
    drawn = imputation.impute(values, arms, draws=20)
    for arm in (arms, ~arms):
        means = drawn[:, arm, 2].mean(axis=1)
        error = np.sqrt(1 / n + (1 + 1 / 20) * means.var(ddof=1))
        assert means.mean() == pytest.approx(truth[2], abs=3.5 * error)
        assert np.nanmean(values[arm, 2]) < truth[2] - 10 * error


def test_monotone_pairs_agree_with_maximum_likelihood():
    """Anderson (1957, JASA 52:200-203): the mean of the second visit from its regression on the first and the arm."""
    values, arms = np.array([5, 9]) + normal(300, 2, seed=4), np.repeat([True, False], 150)
    values[arms, 1] += 1
    values[values[:, 0] > 5.5, 1] = np.nan
    both = np.isfinite(values[:, 1])
    design = np.column_stack([np.ones(300), values[:, 0], arms])
    slopes = np.linalg.lstsq(design[both], values[both, 1], rcond=None)[0]
    expected = [design[arm].mean(axis=0) @ slopes for arm in (arms, ~arms)]
    drawn = imputation.impute(values, arms, draws=200)[:, :, 1]
    for arm, mean in zip((arms, ~arms), expected, strict=True):
        means = drawn[:, arm].mean(axis=1)
        assert means.mean() == pytest.approx(mean, abs=4 * means.std() / np.sqrt(len(means)))


def test_variance_between_draws_is_that_of_the_predictions():
    """Of one missing value: the variance of a prediction from the regression, whose error has n - 1 df by the prior."""
    values, arms = normal(200, 2, seed=5), np.repeat([True, False], 100)
    values[17, 1] = np.nan
    keep = np.arange(200) != 17
    design = np.column_stack([np.ones(200), values[:, 0], arms])
    slopes, squares, *_ = np.linalg.lstsq(design[keep], values[keep, 1], rcond=None)
    leverage = design[17] @ np.linalg.solve(design[keep].T @ design[keep], design[17])
    expected = squares[0] / 196 * (1 + leverage)
    drawn = imputation.impute(values, arms, draws=600)[:, 17, 1]
    assert drawn.var() == pytest.approx(expected, rel=4 * np.sqrt(2 / 600))
    assert drawn.mean() == pytest.approx(design[17] @ slopes, abs=4 * np.sqrt(expected / 600))


def test_a_visit_without_variation_is_imputed_as_it_was_seen(gappy):
    gappy[:, 3] = np.where(np.isnan(gappy[:, 3]), np.nan, 0.1)
    assert imputation.impute(gappy, ARMS, draws=2)[:, :, 3] == pytest.approx(0.1, rel=1e-12)


def test_visits_that_determine_each_other_are_imputed():
    values = normal(20, 3)
    values[:, 2] = 2 * values[:, 1] + 1
    values[:3, 1] = np.nan
    drawn = imputation.impute(values, ARMS, draws=20)
    assert drawn[:, :3, 1].mean(axis=0) == pytest.approx((values[:3, 2] - 1) / 2, abs=0.1)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda values: (np.where(np.arange(3) == 1, np.nan, values), ARMS),
            "nobody in the test arm has .* visit 2 of 3",
        ),
        (lambda values: (np.where(~ARMS[:, None] & (np.arange(3) == 2), np.nan, values), ARMS), "reference .* visit 3"),
        (lambda values: (values, np.ones(20, bool)), "nobody is in the reference arm"),
        (lambda values: (values[8:12], ARMS[8:12]), "only 4 participants"),
    ],
)
def test_what_cannot_be_imputed_is_said(spoil, words):
    with pytest.raises(NotEstimable, match=words):
        imputation.impute(*spoil(normal(20, 3)))


def test_completed_data_sets_have_the_form_of_the_trial(gappy):
    frame = pd.DataFrame(gappy, [f"S{k}" for k in range(20)], [0.0, 1, 3, 6, 9, 12, 24])
    wide = {"new": frame[:10], "old": frame[10:]}
    datasets = imputation.completed(wide, draws=3)
    assert len(datasets) == 3
    for arm, values in wide.items():
        pd.testing.assert_frame_equal(datasets[0][arm].where(values.notna()), values)
    full = {arm: values.fillna(1.0) for arm, values in wide.items()}
    assert imputation.completed(full) == [full]


def test_pooling_equals_the_rules_worked_by_hand():
    """Three estimates 1, 2, 3 with variance 1, and ten degrees of freedom: within 1, between 1."""
    total, share = Fraction(7, 3), Fraction(4, 7)
    rubin, observed = 2 / share**2, Fraction(11, 13) * 10 * (1 - share)
    df = 1 / (1 / rubin + 1 / observed)
    increase = Fraction(4, 3)
    pooled = imputation.pool([1, 2, 3], [1, 1, 1], 10)
    assert pooled.estimate == 2
    assert pooled.se**2 == pytest.approx(float(total))
    assert pooled.df == pytest.approx(float(df))
    assert pooled.fmi == pytest.approx(float((increase + 2 / (df + 3)) / (increase + 1)))
    reference = stats.t(float(df), loc=2, scale=float(total) ** 0.5)
    assert [pooled.lower, pooled.upper] == pytest.approx(reference.interval(0.95))
    assert pooled.p == pytest.approx(2 * reference.cdf(0))


def test_pooling_without_small_sample_limit_has_rubins_degrees_of_freedom():
    increase = 4 / 3
    assert imputation.pool([1, 2, 3], [1, 1, 1], np.inf).df == pytest.approx(2 * (1 + 1 / increase) ** 2)


@pytest.mark.parametrize("estimates", [[2.0], [2.0, 2.0, 2.0]])
def test_pooling_estimates_that_do_not_differ_is_the_answer_of_complete_data(estimates):
    pooled = imputation.pool(estimates, [4.0] * len(estimates), 18)
    lower, upper = stats.t.interval(0.95, 18, 2, 2)
    assert (pooled.se, pooled.df, pooled.fmi) == pytest.approx((2, 18, 0))
    assert (pooled.lower, pooled.upper) == pytest.approx((lower, upper))


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=8), st.floats(0.01, 100), st.floats(1, 500))
def test_pooling_never_gains_degrees_of_freedom(estimates, variance, df):
    pooled = imputation.pool(estimates, [variance] * len(estimates), df)
    assert 0 < pooled.df <= df
    assert 0 <= pooled.fmi <= 1
    assert pooled.se**2 >= variance * (1 - 1e-9)


def test_pooling_needs_a_variance():
    with pytest.raises(NotEstimable, match="no variance"):
        imputation.pool([1, 2], [0, 0], 10)


@pytest.mark.parametrize(("sizes", "visits"), [((10, 10), 7), ((4, 9), 3), ((2, 3), 2)])
def test_effect_on_the_means_equals_the_gee_with_cr2(sizes, visits):
    values = normal(sum(sizes), visits, seed=7) + 3
    frame = pd.DataFrame(values, pd.Index([f"S{k}" for k in range(len(values))], name="USUBJID"), range(visits))
    wide = {"new": frame[: sizes[0]], "old": frame[sizes[0] :]}
    expected = estimators.over_follow_up(wide, 0, estimators.Model(covariance="CR2", reference="satterthwaite"))
    test, stacked = imputation.stacked(wide)
    estimate, variance, df = imputation.mean_effect(stacked[None, :, 1:].mean(axis=2), test, stacked[None, :, 0])
    assert estimate[0] == pytest.approx(expected.estimate, rel=1e-9)
    assert variance[0] == pytest.approx(expected.se**2, rel=1e-9)
    assert df[0] == pytest.approx(expected.df, rel=1e-9)


def test_effect_on_the_means_takes_all_draws_at_once():
    draws = np.stack([normal(20, 2, seed=seed) for seed in range(4)])
    together = imputation.mean_effect(draws[:, :, 1], ARMS, draws[:, :, 0])
    alone = [imputation.mean_effect(one[None, :, 1], ARMS, one[None, :, 0]) for one in draws]
    np.testing.assert_allclose(np.array(together).T, np.array(alone)[:, :, 0])


@pytest.mark.parametrize(("baseline", "n"), [(np.ones(20), 20), (1.0 * ARMS, 20), (np.arange(20.0), 3)])
def test_a_baseline_that_allows_no_adjustment_is_said(baseline, n):
    with pytest.raises(NotEstimable):
        imputation.mean_effect(normal(n, 1).T, ARMS[:n], baseline[None, :n])
