"""Randomisation inference: against brute force, scipy and the GEE engine, and as a test of its stated level."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from scipy import stats

from trialbook.stats import gee, permutation

STATISTICS = {
    "difference": (permutation.difference, False),
    "ancova": (permutation.difference, True),
    "gee": (permutation.gee, True),
    "gee unadjusted": (permutation.gee, False),
}
every_statistic = pytest.mark.parametrize("name", STATISTICS)
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")  # what has no answer is said in words


def trial(n_test, n_reference, visits=3, effect=1.0, seed=4):
    """Outcomes (n, visits) that depend on a skewed baseline, arms in mixed order, and the baseline."""
    rng = np.random.default_rng(seed)
    test = rng.permutation(np.arange(n_test + n_reference) < n_test)
    baseline = rng.gamma(2, 20, len(test))
    y = 0.5 * baseline[:, None] + rng.normal(0, 8, (len(test), 1)) + rng.normal(0, 5, (len(test), visits))
    return y + effect * 8 * test[:, None], test, baseline


def run(name, y, test, baseline, **options):
    function, adjusted = STATISTICS[name]
    outcome = y if function is permutation.gee else y[:, -1]
    return function(outcome, test, baseline if adjusted else None, **options)


def brute_t(name, y, test, baseline):
    """Least squares, spelt out: the studentised effect, infinite where the design is singular."""
    function, adjusted = STATISTICS[name]
    X = np.column_stack([np.ones(len(y)), test, baseline] if adjusted else [np.ones(len(y)), test]).astype(float)
    if np.linalg.matrix_rank(X) < X.shape[1]:
        return np.inf
    u = y.mean(axis=1) if function is permutation.gee else y[:, -1]
    inverse = np.linalg.inv(X.T @ X)
    beta = inverse @ X.T @ u
    residual = u - X @ beta
    if function is permutation.gee:
        room = 1 - np.einsum("ij,jk,ik->i", X, inverse, X)
        square = np.where(room > 1e-9, residual**2 / np.where(room > 1e-9, room, 1), 0)
        variance = inverse @ (X.T * square) @ X @ inverse
    else:
        variance = inverse * (residual @ residual) / (len(u) - X.shape[1])
    return beta[1] / np.sqrt(variance[1, 1])


def allocations(test):
    for members in combinations(range(len(test)), int(np.sum(test))):
        yield np.isin(np.arange(len(test)), members)


def brute_p(name, y, test, baseline, effect=0.0):
    y = y - effect * test[:, None]
    observed = abs(brute_t(name, y, test, baseline))
    extreme = [abs(brute_t(name, y, other, baseline)) >= observed * (1 - 1e-9) for other in allocations(test)]
    return np.mean(extreme)


# Brute force


@every_statistic
@pytest.mark.parametrize(("sizes", "alpha"), [((4, 4), 0.05), ((3, 5), 0.1), ((5, 3), 0.2)])
def test_p_and_interval_equal_those_of_all_allocations_one_by_one(name, sizes, alpha):
    y, test, baseline = trial(*sizes)
    answer = run(name, y, test, baseline, alpha=alpha)
    assert answer.exact and answer.n_used == answer.n_allocations == comb(8, sizes[0])
    assert answer.statistic == pytest.approx(brute_t(name, y, test, baseline), rel=1e-10)
    assert answer.p == answer.p_lower == answer.p_upper == pytest.approx(brute_p(name, y, test, baseline), rel=1e-12)
    assert answer.p_se == 0
    width = answer.upper - answer.lower
    scan = np.concatenate([np.linspace(-1, 2, 16), [-1e-6, 1e-6, 1 - 1e-6, 1 + 1e-6]])
    for share in scan:
        effect = answer.lower + share * width
        assert (brute_p(name, y, test, baseline, effect) >= alpha) == (0 <= share <= 1), effect


@every_statistic
def test_the_interval_holds_the_effects_that_are_not_rejected_with_10_and_10(name, nk):
    y, test, baseline = paper(nk, "CD4")
    answer = run(name, y, test, baseline)
    width = answer.upper - answer.lower
    for share in (-0.5, -0.01, -1e-5, 1e-5, 0.01, 0.5, 0.99, 1 - 1e-5, 1 + 1e-5, 1.01, 1.5):
        shifted = y - (answer.lower + share * width) * test[:, None]
        assert (run(name, shifted, test, baseline).p >= 0.05) == (0 <= share <= 1)


@every_statistic
def test_tied_outcomes_are_counted_as_ties(name):
    y, test, baseline = trial(4, 4)
    y, baseline = np.round(y / 10), np.round(baseline / 20)
    assert len(np.unique(y[:, -1])) < len(y)
    answer = run(name, 0.1 * y, test, baseline)  # tenths are not exact in binary
    assert answer.p == pytest.approx(brute_p(name, y, test, baseline), rel=1e-12)


@pytest.mark.parametrize("name", ["ancova", "gee"])
def test_allocations_that_the_baseline_gives_away_count_as_extreme(name):
    y, test, _ = trial(4, 4)
    sex = np.isin(np.arange(8), [*np.flatnonzero(test)[:2], *np.flatnonzero(~test)[:2]]).astype(float)
    answer = run(name, y, test, sex)
    assert answer.p == pytest.approx(brute_p(name, y, test, sex), rel=1e-12)


@pytest.mark.parametrize(
    ("y", "test", "sex"),
    [
        ([-1, 49, 61, 16, 13, 44, -4], [0, 1, 1, 0, 0, 1, 0], [1, 0, 1, 0, 1, 1, 1]),
        ([1, 0, 0, 1, 0, 0, 1], [1, 0, 1, 1, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0]),
        ([61, -214, -116, 28, 11], [1, 0, 1, 0, 1], [0, 1, 1, 0, 0]),
    ],
)
def test_allocations_whose_variance_rests_on_few_subjects_are_compared_all_the_same(y, test, sex):
    """Some allocations leave a subject alone with its arm and sex: leverage one, and no variance of its own."""
    y, test, sex = np.array(y, float)[:, None], np.array(test, bool), np.array(sex, float)
    answer = permutation.gee(y, test, sex)
    assert answer.p == pytest.approx(brute_p("gee", y, test, sex), rel=1e-12)


@pytest.mark.parametrize("name", ["ancova", "gee"])
def test_the_origin_of_the_baseline_does_not_matter(name):
    """The baseline has ties, so that many allocations have the same statistic."""
    y, test, baseline = trial(4, 5)
    y, baseline = np.round(y / 20), np.round(baseline / 20)
    near, far = (run(name, y, test, baseline + origin) for origin in (0, 1e6))
    assert far.p == near.p == pytest.approx(brute_p(name, y, test, baseline), rel=1e-12)
    assert (far.lower, far.upper) == pytest.approx((near.lower, near.upper), rel=1e-6)


def test_no_effect_at_all_has_p_one():
    assert permutation.difference([1, 2, 3, 1, 2, 3], [1, 1, 1, 0, 0, 0]).p == 1


def test_the_interval_is_infinite_when_no_allocation_can_be_significant():
    y, test, baseline = trial(2, 2)
    for name in STATISTICS:
        answer = run(name, y, test, baseline)
        assert (answer.lower, answer.upper) == (-np.inf, np.inf) and answer.p >= 2 / 6


@pytest.mark.parametrize("block", [1, 77, 10**7])
def test_the_size_of_the_blocks_does_not_matter(monkeypatch, block):
    y, test, baseline = trial(5, 4)
    whole = permutation.gee(y, test, baseline)
    monkeypatch.setattr(permutation, "BLOCK", block)
    assert vars(permutation.gee(y, test, baseline)) == pytest.approx(vars(whole), rel=1e-9)


# Other engines


def welch_t(a, b, axis=-1):
    return stats.ttest_ind(a, b, axis=axis, equal_var=False).statistic


def pooled_t(a, b, axis=-1):
    return stats.ttest_ind(a, b, axis=axis).statistic


def paper(nk, paramcd):
    """The paper's trial: follow-up (20, 6), test arm and baseline."""
    arms = nk.values(paramcd, nk.facts.analysis_sets.efficacy)
    values = np.concatenate([wide.to_numpy(float) for wide in arms.values()])
    return values[:, 1:], np.repeat([True, False], [len(wide) for wide in arms.values()]), values[:, 0]


@pytest.mark.parametrize("paramcd", ["CD4", pytest.param("CD8", marks=pytest.mark.long)])
def test_the_final_difference_equals_scipy_over_all_184756_allocations(nk, paramcd):
    y, test, _ = paper(nk, paramcd)
    final = y[:, -1]
    answer = permutation.difference(final, test)
    scipy = stats.permutation_test((final[test], final[~test]), pooled_t, n_resamples=np.inf, vectorized=True)
    assert answer.n_allocations == len(scipy.null_distribution) == 184_756
    assert answer.statistic == pytest.approx(scipy.statistic, rel=1e-12)
    assert answer.p == pytest.approx(scipy.pvalue, rel=1e-12)


@pytest.mark.parametrize(("name", "statistic"), [("difference", pooled_t), ("gee unadjusted", welch_t)])
def test_unequal_arms_equal_scipy(name, statistic):
    y, test, baseline = trial(4, 7, visits=1)

    def absolute(a, b, axis):
        return abs(statistic(a, b, axis))

    scipy = stats.permutation_test((y[test, 0], y[~test, 0]), absolute, alternative="greater", vectorized=True)
    answer = run(name, y, test, baseline)
    assert answer.p == pytest.approx(scipy.pvalue, rel=1e-12)
    assert abs(answer.statistic) == pytest.approx(scipy.statistic, rel=1e-12)


@pytest.mark.parametrize("structure", ["independence", "exchangeable"])
@pytest.mark.parametrize("adjusted", [True, False])
@pytest.mark.parametrize("sizes", [(10, 10), (4, 7)])
def test_the_closed_form_is_the_gee_with_cr2(structure, adjusted, sizes):
    y, test, baseline = trial(*sizes, visits=5)
    assert_closed_form(y, test, baseline if adjusted else None, structure)


def test_the_closed_form_holds_where_a_subject_has_leverage_one():
    y, test, _ = trial(4, 5)
    assert_closed_form(y, test, np.arange(9) == 3, "exchangeable")


@pytest.mark.parametrize("paramcd", ["CD4", "CD8", "CD4CD8"])
def test_the_closed_form_is_the_gee_of_the_paper(nk, paramcd):
    assert_closed_form(*paper(nk, paramcd), "exchangeable")


def assert_closed_form(y, test, baseline, structure):
    """Compare with `trialbook.gee` on arm, baseline and visit, also for one allocation that was not observed."""
    n, k = y.shape
    for arm in (test, np.roll(test, 1)):
        columns = [np.ones(n), arm] if baseline is None else [np.ones(n), arm, baseline]
        between = np.repeat(np.column_stack(columns).astype(float), k, axis=0)
        X = np.column_stack([between, np.tile(np.eye(k)[:, 1:], (n, 1))])
        model = gee.fit(y.ravel(), X, np.repeat(np.arange(n), k), structure)
        wald = model.test(np.eye(X.shape[1])[1], covariance="CR2")
        answer = permutation.gee(y, arm, baseline)
        assert (answer.effect, answer.se) == pytest.approx((wald.estimate, wald.se), rel=1e-8)


# Invariances


@every_statistic
@pytest.mark.parametrize("sizes", [(5, 5), (4, 6)])
def test_units_origins_order_and_labels_do_not_matter(name, sizes):
    y, test, baseline = trial(*sizes)
    plain = run(name, y, test, baseline)
    expected = np.array([plain.effect, plain.lower, plain.upper])
    order = np.random.default_rng(1).permutation(len(y))
    for answer, known in (
        (run(name, 1e6 + y, test, baseline - 300), expected),
        (run(name, 1e-9 * y, test, 1e9 * baseline), 1e-9 * expected),
        (run(name, y[order], test[order], baseline[order]), expected),
        (run(name, -y, test, baseline), -expected[[0, 2, 1]]),
        (run(name, y, ~test, baseline), -expected[[0, 2, 1]]),
    ):
        found = np.array([answer.effect, answer.lower, answer.upper])
        assert found == pytest.approx(known, rel=1e-7, abs=1e-7 * np.ptp(known))
        assert answer.p == pytest.approx(plain.p, rel=1e-12)


@every_statistic
def test_a_constant_effect_moves_effect_and_interval_alike(name):
    y, test, baseline = trial(5, 6)
    plain, moved = run(name, y, test, baseline), run(name, y + 40 * test[:, None], test, baseline)
    for value in ("effect", "lower", "upper"):
        assert getattr(moved, value) == pytest.approx(getattr(plain, value) + 40, rel=1e-9)


# Level


@every_statistic
def test_without_an_effect_p_is_uniform_over_the_allocations(name):
    y, test, baseline = trial(4, 4, effect=0)
    p = np.array([run(name, y, other, baseline).p for other in allocations(test)])
    assert [np.mean(p <= value * (1 + 1e-12)) for value in p] == pytest.approx(p.tolist(), rel=1e-12)


@every_statistic
def test_the_interval_covers_a_constant_effect_as_often_as_it_says(name):
    y, test, baseline = trial(4, 4, effect=0)
    effects = [run(name, y + 5 * other[:, None], other, baseline, alpha=0.2) for other in allocations(test)]
    nothing = [run(name, y, other, baseline) for other in allocations(test)]
    covered = np.mean([answer.lower <= 5 <= answer.upper for answer in effects])
    assert covered == np.mean([answer.p >= 0.2 for answer in nothing]) >= 0.8


# Monte Carlo


@every_statistic
def test_drawn_allocations_agree_with_all_of_them_within_their_error(name, monkeypatch, nk):
    y, test, baseline = paper(nk, "CD4")
    exact = run(name, y, test, baseline)
    monkeypatch.setattr(permutation, "MOST_EXACT", 0)
    drawn = [run(name, y, test, baseline, draws=9_999, seed=seed) for seed in range(40)]
    assert not any(answer.exact for answer in drawn) and drawn[0].n_used == 10_000
    z = [(answer.p - exact.p) / answer.p_se for answer in drawn]
    assert abs(np.mean(z)) < 4 / np.sqrt(40) and 0.5 < np.std(z) < 1.5
    assert np.mean([answer.p_lower <= exact.p <= answer.p_upper for answer in drawn]) >= 0.8
    for limit in ("lower", "upper"):
        found = [getattr(answer, limit) for answer in drawn]
        assert abs(np.mean(found) - getattr(exact, limit)) < 4 * np.std(found) / np.sqrt(40) + 1e-3 * exact.se


def test_drawn_allocations_are_those_of_the_seed():
    y, test, baseline = trial(13, 12)
    first, again, other = (permutation.gee(y, test, baseline, draws=999, seed=seed) for seed in (1, 1, 2))
    assert first == again and first.p != other.p
    assert not first.exact and first.n_allocations == comb(25, 12) and first.n_used == 1000


@pytest.mark.parametrize(("n", "k"), [(5, 2), (6, 3), (9, 1)])
def test_every_allocation_is_as_likely_to_be_drawn(n, k, monkeypatch):
    monkeypatch.setattr(permutation, "DRAWN", 5_000)  # several blocks
    drawn = np.hstack(list(permutation._drawn(n, k, 20_000, np.random.default_rng(6))))
    assert drawn.shape == (n, 20_000) and (drawn.sum(axis=0) == k).all()
    counts = np.unique(2 ** np.arange(n) @ drawn, return_counts=True)[1]
    assert len(counts) == comb(n, k) and stats.chisquare(counts).pvalue > 0.01


def test_a_drawn_p_counts_the_observed_allocation():
    y, test, _ = trial(15, 15, effect=100)
    answer = permutation.difference(y[:, 0], test, draws=99)
    assert answer.p == 1 / 100
    assert answer.p_lower == 0 and answer.p_upper == pytest.approx(1 - 0.025 ** (1 / 99))


@every_statistic
def test_large_trials_agree_with_student(name):
    y, test, baseline = trial(200, 180, effect=0.15)
    answer = run(name, y, test, baseline, draws=19_999)
    p = 2 * stats.t.sf(abs(answer.statistic), 377)
    assert 0.01 < p < 0.5
    assert abs(answer.p - p) < 4 * answer.p_se + 0.002
    margin = answer.se * stats.t.isf(0.025, 377)
    assert answer.lower == pytest.approx(answer.effect - margin, abs=0.05 * margin)
    assert answer.upper == pytest.approx(answer.effect + margin, abs=0.05 * margin)
