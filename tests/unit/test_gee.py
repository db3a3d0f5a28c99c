"""GEE: against formulas, and against itself."""

from typing import get_args

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import linalg, stats

from trialbook.errors import NotEstimable
from trialbook.stats import gee

STRUCTURES, COVARIANCES = get_args(gee.Structure), get_args(gee.Covariance)


# formulas


def working(fit, groups, visits):
    """The N by N working correlation."""
    correlation = {
        "independence": lambda: np.eye(len(groups)),
        "exchangeable": lambda: fit.alpha + (1 - fit.alpha) * np.eye(len(groups)),
        "ar1": lambda: fit.alpha ** np.abs(np.subtract.outer(visits, visits)),
        "unstructured": lambda: fit.alpha[np.ix_(visits, visits)],
    }
    return np.where(groups[:, None] == groups, correlation[fit.structure](), 0)


def by_definition(fit, X, y, groups, c, covariance):
    """Standard error and Satterthwaite df from the N by N hat matrix and one cluster at a time."""
    clusters = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    V = working(fit, groups, X[:, 3].astype(int))
    W = np.linalg.inv(V)
    B = np.linalg.inv(X.T @ W @ X)
    residual_maker = np.eye(len(y)) - X @ B @ X.T @ W
    M = residual_maker @ V @ residual_maker.T
    q = np.zeros((len(y), len(clusters)))
    for k, rows in enumerate(clusters):
        block = np.ix_(rows, rows)
        if covariance == "robust":
            A = np.eye(len(rows))
        elif covariance == "MD":
            A = np.linalg.inv(residual_maker[block])
        elif covariance == "KC":
            A = linalg.inv(linalg.sqrtm(residual_maker[block]))
        else:
            D = np.linalg.cholesky(V[block]).T
            A = D.T @ linalg.inv(linalg.sqrtm(D @ M[block] @ D.T)) @ D
        q[rows, k] = A.T @ W[block] @ X[rows] @ B @ c
    P = q.T @ M @ q
    se = np.sqrt(np.sum((q.T @ (y - X @ fit.beta)) ** 2))
    return se, np.trace(P) ** 2 / np.sum(P**2)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_equals_definition(unbalanced, structure, covariance):
    y, X, groups = unbalanced
    fit = gee.fit(y, X, groups, structure, X[:, 3])
    for c in (*np.eye(4), np.array([1.0, -2.0, 30.0, 0.5])):
        test = fit.test(c, covariance, "satterthwaite")
        assert (test.se, test.df) == pytest.approx(by_definition(fit, X, y, groups, c, covariance), rel=1e-9)
    assert np.all(fit.alpha == 0) == (structure == "independence")


@pytest.mark.parametrize("structure", STRUCTURES)
def test_solves_the_estimating_equations(unbalanced, structure):
    y, X, groups = unbalanced
    visits = X[:, 3].astype(int)
    fit = gee.fit(y, X, groups, structure, visits)
    residual = y - X @ fit.beta
    V = working(fit, groups, visits)
    assert X.T @ np.linalg.solve(V, residual) == pytest.approx(np.zeros(4), abs=1e-8)
    assert fit.scale == pytest.approx(np.mean(residual**2))
    i, j = np.nonzero((groups[:, None] == groups) & ~np.eye(len(y), dtype=bool))
    z, d = residual[i] * residual[j] / fit.scale, np.abs(visits[i] - visits[j])
    if structure == "exchangeable":
        assert fit.alpha == pytest.approx(z.mean())
    elif structure == "ar1":
        assert np.sum(d * fit.alpha ** (d - 1) * (z - fit.alpha**d)) == pytest.approx(0, abs=1e-10)
        squares = [np.sum((z - a**d) ** 2) for a in (fit.alpha, *np.linspace(-1, 1, 201))]
        assert min(squares) == squares[0]
    elif structure == "unstructured":
        for a, b in zip(*np.triu_indices(4, 1), strict=True):
            at = (visits[i] == a) & (visits[j] == b)
            assert fit.alpha[a, b] == fit.alpha[b, a] == pytest.approx(z[at].mean())


@pytest.mark.parametrize("structure", STRUCTURES)
def test_qic_equals_its_definition(unbalanced, structure):
    """Pan's: minus twice the quasi-likelihood under independence, plus twice the trace of its information times
    the robust covariance, both with the scale of independence."""
    y, X, groups = unbalanced
    visits = X[:, 3].astype(int)
    fit = gee.fit(y, X, groups, structure, visits)
    scale = sm.OLS(y, X).fit().ssr / len(y)
    W = np.linalg.inv(working(fit, groups, visits))
    residual = y - X @ fit.beta
    scores = np.array([X.T @ W @ np.where(groups == group, residual, 0) for group in np.unique(groups)])
    B = np.linalg.inv(X.T @ W @ X)
    penalty = np.trace(X.T @ X / scale @ B @ scores.T @ scores @ B)
    assert fit.qic == pytest.approx(residual @ residual / scale + 2 * penalty, rel=1e-10)


@pytest.mark.parametrize("structure", ["independence", "exchangeable"])
def test_qic_equals_statsmodels(unbalanced, structure):
    y, X, groups = unbalanced
    model = sm.GEE(y, X, groups, cov_struct=getattr(sm.cov_struct, structure.capitalize())())
    theirs = model.fit(maxiter=500, ctol=1e-12, ddof_scale=0)
    qic, _ = theirs.qic(scale=sm.OLS(y, X).fit().ssr / len(y))
    assert gee.fit(y, X, groups, structure).qic == pytest.approx(qic, rel=1e-6)  # its integral is numerical


@pytest.mark.parametrize("structure", STRUCTURES)
def test_effect_at_a_visit_is_the_welch_comparison_of_that_visit(structure):
    """Arm by visit on complete data: nothing is borrowed from the other visits."""
    rng = np.random.default_rng(4)
    wide = rng.normal(size=(12, 1)) + rng.normal(size=(12, 3))
    subject, visit = np.divmod(np.arange(36), 3)
    arm = (subject >= 5).astype(float)
    X = np.column_stack([visit == v for v in range(3)] + [(visit == v) * arm for v in range(3)])
    fit = gee.fit(wide.ravel(), X, subject, structure, visit)
    for v in range(3):
        test = fit.test(np.eye(6)[3 + v], "CR2")
        welch = stats.ttest_ind(wide[5:, v], wide[:5, v], equal_var=False)
        assert test.estimate == pytest.approx(wide[5:, v].mean() - wide[:5, v].mean())
        assert test.statistic == pytest.approx(welch.statistic)


def test_complete_balanced_data_reduce_to_ancova_on_subject_means():
    rng = np.random.default_rng(3)
    k, visits = 14, 5
    base, arm = rng.normal(300, 60, k), np.arange(k) % 2
    wide = (0.5 * base + 30 * arm + rng.normal(0, 20, k))[:, None] + rng.normal(0, 20, (k, visits))
    subject = np.repeat(np.arange(k), visits)
    later = np.tile(np.eye(visits)[:, 1:], (k, 1))
    X = np.column_stack([np.ones(k * visits), base[subject], arm[subject], later])
    ancova = sm.OLS(wide.mean(axis=1), np.column_stack([np.ones(k), base, arm])).fit()
    for structure in ("independence", "exchangeable"):
        fit = gee.fit(wide.ravel(), X, subject, structure)
        for column in (1, 2):
            c = np.eye(X.shape[1])[column]
            assert fit.test(c).estimate == pytest.approx(ancova.params[column], rel=1e-10)
            assert fit.test(c).se == pytest.approx(ancova.HC0_se[column], rel=1e-10)
            assert fit.test(c, "KC").se == pytest.approx(ancova.HC2_se[column], rel=1e-10)
            assert fit.test(c, "CR2").se == pytest.approx(ancova.HC2_se[column], rel=1e-10)
            assert fit.test(c, "MD").se == pytest.approx(ancova.HC3_se[column], rel=1e-10)


def test_two_arms_of_one_visit_are_the_welch_test():
    """CR2 with Satterthwaite's df is the unequal-variance t test, with df for equal variances."""
    a, b = np.array([3.0, 5.0, 4.0, 8.0, 1.0]), np.array([9.0, 2.0, 7.0])
    y, arm = np.concatenate([a, b]), np.repeat([0.0, 1.0], [5, 3])
    fit = gee.fit(y, np.column_stack([np.ones(8), arm]), list("abcdefgh"))
    test = fit.test([0, 1], "CR2", "satterthwaite")
    welch = stats.ttest_ind(b, a, equal_var=False)
    assert test.statistic == pytest.approx(welch.statistic)
    assert test.df == pytest.approx((1 / 5 + 1 / 3) ** 2 / (1 / (25 * 4) + 1 / (9 * 2)))
    assert test.p == pytest.approx(2 * stats.t.sf(abs(welch.statistic), test.df))


def test_interval_and_p_agree_with_each_reference(unbalanced):
    fit = gee.fit(*unbalanced)
    for reference, law in (("z", stats.norm()), ("t", stats.t(fit.n_clusters - 3))):
        test = fit.test([0, 1, 0, 0], reference=reference, alpha=0.1)
        assert test.p == pytest.approx(2 * law.sf(abs(test.statistic)), rel=1e-12)
        assert test.upper - test.estimate == pytest.approx(law.ppf(0.95) * test.se, rel=1e-12)
        assert test.estimate - test.lower == pytest.approx(law.ppf(0.95) * test.se, rel=1e-12)
    assert fit.test([0, 1, 0, 0]).df == np.inf


def test_leverage_one_has_cr2_but_no_kc_or_md(unbalanced):
    """A visit that one subject alone attended: for CR2 it is as if it were dropped."""
    y, X, groups = unbalanced
    alone = np.zeros((len(y), 1))
    alone[np.flatnonzero(groups == 0)[0]] = 1
    X = np.hstack([X, alone])
    fit = gee.fit(y, X, groups, "independence")
    kept = alone[:, 0] == 0
    without = gee.fit(y[kept], X[kept, :4], groups[kept], "independence")
    c = np.array([0.0, 1, 0, 0])
    ours = fit.test([*c, 0], "CR2", "satterthwaite")
    theirs = without.test(c, "CR2", "satterthwaite")
    for quantity in ("estimate", "se", "df"):
        assert getattr(ours, quantity) == pytest.approx(getattr(theirs, quantity), rel=1e-9)
    for covariance in ("KC", "MD"):
        with pytest.raises(NotEstimable, match=f"cluster 0 has leverage one: {covariance} does not exist"):
            fit.test([*c, 0], covariance)


# invariances


def assert_same(one, other, c_one, c_other=None):
    for covariance in COVARIANCES:
        a = one.test(c_one, covariance, "satterthwaite")
        b = other.test(c_one if c_other is None else c_other, covariance, "satterthwaite")
        assert (a.estimate, a.se, a.df) == pytest.approx((b.estimate, b.se, b.df), rel=1e-8)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_order_of_rows_and_origin_of_visits_do_not_matter(unbalanced, structure):
    y, X, groups = unbalanced
    order = np.random.default_rng(8).permutation(len(y))
    one = gee.fit(y, X, groups, structure, X[:, 3])
    other = gee.fit(y[order], X[order], groups[order], structure, X[order, 3] - 7)
    assert_same(one, other, [0, 1, 0, 0])


@pytest.mark.parametrize("structure", ["ar1", "unstructured"])
def test_two_visits_make_all_structures_exchangeable(structure):
    rng = np.random.default_rng(6)
    subject, visit = np.divmod(np.flatnonzero(rng.random(30) < 0.8), 2)
    y = rng.normal(size=15)[subject] + rng.normal(size=subject.size)
    X = np.column_stack([np.ones(y.size), visit])
    assert_same(gee.fit(y, X, subject), gee.fit(y, X, subject, structure, visit), [0, 1])


def test_a_sequence_that_alternates_has_a_negative_ar1_correlation():
    rng = np.random.default_rng(1)
    y = (-1.0) ** np.arange(5) * rng.normal(size=(30, 1)) + rng.normal(size=(30, 5))
    subject, visit = np.divmod(np.arange(150), 5)
    X = np.ones((150, 1))
    assert -1 < gee.fit(y.ravel(), X, subject, "ar1", visit).alpha < -0.4
    # the sign of a does not show in visits an even distance apart: the positive one is meant
    assert 0 < gee.fit(y[:, ::2].ravel(), X[:90], np.repeat(range(30), 3), "ar1", visit[visit % 2 == 0]).alpha < 1


@pytest.mark.parametrize("structure", STRUCTURES)
def test_one_row_of_each_cluster_is_independence(structure):
    fit = gee.fit([1.0, 4, 2, 9, 3], np.ones((5, 1)), range(5), structure, [0, 0, 1, 1, 1])
    assert_same(fit, gee.fit([1.0, 4, 2, 9, 3], np.ones((5, 1)), range(5), "independence"), [1])
    if structure == "unstructured":
        assert np.isnan(fit.alpha[0, 1])


@pytest.mark.parametrize(
    "name",
    [lambda g: f"S-{9 - g:03}", lambda g: ("site", g % 2, g), lambda g: g - 4.5, lambda g: frozenset({g})],
    ids=["text", "tuple", "number", "set"],
)
def test_names_of_clusters_do_not_matter(unbalanced, name):
    y, X, groups = unbalanced
    assert_same(gee.fit(y, X, groups), gee.fit(y, X, [name(g) for g in groups.tolist()]), [0, 1, 0, 0])


def test_units_and_coding_do_not_matter(unbalanced):
    y, X, groups = unbalanced
    mixing = np.random.default_rng(2).normal(size=(4, 4))
    c = np.array([0.0, 1, 0, 0])
    assert_same(gee.fit(y, X, groups), gee.fit(y, X @ mixing, groups), c, mixing.T @ c)
    tiny = np.diag([1, 1, 1e-18, 1])
    assert_same(gee.fit(y, X, groups), gee.fit(y, X @ tiny, groups), [0, 1, 1, 0], [0, 1, 1e-18, 0])
    far = gee.fit(1e6 + 1000 * y, X, groups).test(c, "CR2", "satterthwaite")
    near = gee.fit(y, X, groups).test(c, "CR2", "satterthwaite")
    assert (far.estimate, far.se, far.df) == pytest.approx((1000 * near.estimate, 1000 * near.se, near.df))


def test_negative_correlation_is_kept():
    wide = np.array([[1, 0, -1], [2, -2, 0.5], [-1, 2, -1], [0, -1, 2], [0.5, 1, -1]])
    fit = gee.fit(wide.ravel(), np.ones((15, 1)), np.repeat(range(5), 3))
    assert -0.5 < fit.alpha < 0


def test_twenty_thousand_subjects_need_no_square_matrix():
    """An N by N matrix of these 120,000 rows would take 115 GB."""
    rng = np.random.default_rng(0)
    k, visits = 20_000, 6
    arm, subject = np.arange(k) % 2, np.repeat(np.arange(k), visits)
    y = 2 * arm[subject] + rng.normal(size=k)[subject] + rng.normal(size=k * visits)
    fit = gee.fit(y, np.column_stack([np.ones(k * visits), arm[subject]]), subject)
    test = fit.test([0, 1], "CR2", "satterthwaite")
    assert fit.alpha == pytest.approx(0.5, abs=0.02)
    assert test.estimate == pytest.approx(2, abs=4 * test.se)
    assert test.df == pytest.approx(k - 2, rel=1e-6)


# several contrasts at once: clubSandwich's answers are compared in test_course


def test_joint_test_of_one_contrast_is_satterthwaite(unbalanced):
    y, X, groups = unbalanced
    fit = gee.fit(y, X, groups, "exchangeable")
    one, joint = fit.test([0, 1, 0, 0], "CR2", "satterthwaite"), fit.joint_test([[0, 1, 0, 0]])
    assert (joint.statistic, joint.df, joint.df_error) == pytest.approx((one.statistic**2, 1, one.df), rel=1e-9)
    assert joint.p == pytest.approx(one.p, rel=1e-9)


def test_joint_test_does_not_depend_on_how_the_hypothesis_is_written(unbalanced):
    y, X, groups = unbalanced
    fit = gee.fit(y, X, groups, "exchangeable")
    written = [[0, 1, -1, 0], [0, 0, 1, -1]], [[0, 1, 0, -1], [0, 5, -2, -3]]
    first, second = (fit.joint_test(contrasts) for contrasts in written)
    assert (first.statistic, first.df_error) == pytest.approx((second.statistic, second.df_error), rel=1e-8)


def test_degrees_of_freedom_are_those_between_clusters():
    """A column that varies within a cluster spends none, however the constant ones are written down."""
    y = np.random.default_rng(1).standard_normal(24)
    groups, visit = np.repeat(np.arange(8), 3), np.tile(np.arange(3), 8)
    arm, at = (groups % 2).astype(float), np.eye(3)[visit]
    base = np.random.default_rng(2).standard_normal(8)[groups]
    for X, between in (
        (np.column_stack([np.ones(24), arm, at[:, 1:]]), 2),
        (np.column_stack([at, arm, base]), 3),  # the visits add up to an intercept
        (np.column_stack([at, at * arm[:, None]]), 2),  # and their effects to that of the arm
    ):
        assert gee.fit(y, X, groups).test(np.eye(X.shape[1])[0], "MD", "t").df == 8 - between
    assert gee.fit(y[::3], np.column_stack([np.ones(8), arm[::3]]), groups[::3]).n_between == 2
