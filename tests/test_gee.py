"""GEE: against geepack and clubSandwich on real trials, against formulas, against itself."""

import numpy as np
import pytest
import statsmodels.api as sm
from reference import answers, facts, table
from scipy import linalg, stats

from trialbook import gee

COVARIANCES = ("robust", "KC", "MD", "CR2")
R_PARAMETERS = [
    ("amitriptyline_hivsn", "PAIN", ("independence", "exchangeable")),
    ("actg175", "CD4", ("independence", "exchangeable")),
    ("actg175", "CD8", ("independence",)),
    ("actg175", "CD4CD8", ("independence",)),
    ("actg175_n20", "CD4", ("independence", "exchangeable")),
    ("actg175_n20", "CD8", ("independence",)),
    ("actg175_n20", "CD4CD8", ("independence",)),
]
R_MODELS = [
    pytest.param(name, param, model, structure, id=f"{name}-{param}-{model}-{structure}")
    for name, param, structures in R_PARAMETERS
    for model in ("unadj", "adj")
    for structure in structures
]


def follow_up(name, param, model):
    """The outcome, design, subjects and arm's column of R's `AVAL ~ [BASE +] ARM [+ VIS]`."""
    visits = facts(name)["fu"]
    visits = np.atleast_1d(visits[param] if isinstance(visits, dict) else visits)
    adlb = table(name, "adlb").merge(table(name, "adsl")[["USUBJID", "TRT01P"]], on="USUBJID")
    rows = adlb[(adlb["PARAMCD"] == param) & adlb["AVAL"].notna() & adlb["AVISITN"].isin(visits)]
    columns = {"1": np.ones(len(rows))}
    if model == "adj":
        rows = rows[rows["BASE"].notna()]
        columns = {"1": np.ones(len(rows)), "BASE": rows["BASE"]}
    columns["ARM"] = rows["TRT01P"] == facts(name)["test"]
    columns |= {f"VIS{visit}": rows["AVISITN"] == visit for visit in visits[1:]}
    X = np.column_stack([np.asarray(column, float) for column in columns.values()])
    return rows["AVAL"].to_numpy(), X, rows["USUBJID"].tolist(), list(columns).index("ARM")


def arm_effect(name, param, model, structure):
    y, X, subjects, column = follow_up(name, param, model)
    return gee.fit(y, X, subjects, structure), np.eye(X.shape[1])[column]


@pytest.fixture
def unbalanced():
    """Nine subjects with one to four of four visits, in shuffled rows, and a covariate: y, X, groups."""
    rng = np.random.default_rng(20)
    sizes = [4, 4, 3, 1, 2, 4, 1, 3, 4]
    subject = np.repeat(np.arange(9), sizes)
    visit = np.concatenate([np.sort(rng.choice(4, n, replace=False)) for n in sizes])
    age, arm = rng.normal(40, 9, 9)[subject], (np.arange(9) % 2)[subject]
    y = 3 * arm + visit + 0.1 * age + rng.normal(size=9)[subject] + rng.normal(size=len(subject))
    X = np.column_stack([np.ones(len(y)), arm, age, visit])
    order = rng.permutation(len(y))
    return y[order], X[order], subject[order]


# R's answers


def test_every_answer_of_r_is_compared():
    for name in {name for name, *_ in R_PARAMETERS}:
        asked = {key.rsplit(".", 3)[0] for key in answers(name) if key.endswith(".independence.CR0")}
        known = {f"{param}.gee" for trial, param, _ in R_PARAMETERS if trial == name}
        assert asked == known
        correlated = {key.split(".")[0] for key in answers(name) if key.endswith("unadj.exchangeable")}
        assert correlated == {p for trial, p, s in R_PARAMETERS if trial == name and "exchangeable" in s}


@pytest.mark.parametrize(("name", "param", "model", "structure"), R_MODELS)
def test_robust_z_equals_geepack(name, param, model, structure):
    key = f"{param}.gee.{model}.{structure}"
    # R has no second, tight fit where nothing is iterated (independence)
    answer = answers(name)[f"{key}.tight" if structure == "exchangeable" else key]
    fit, arm = arm_effect(name, param, model, structure)
    test, value = fit.test(arm), answer["value"]
    assert (fit.n_clusters, fit.n_obs, fit.beta.size) == (value["K"], value["N"], value["p_params"])
    assert test.estimate == pytest.approx(value["coef"], rel=1e-9)
    assert test.se == pytest.approx(value["se"], rel=1e-9)
    assert test.statistic**2 == pytest.approx(value["wald"], rel=1e-9)
    assert fit.scale == pytest.approx(value["scale"], rel=1e-9)
    assert fit.alpha == pytest.approx(value["alpha"] or 0.0, rel=1e-9)
    # geepack takes 1 - pchisq, which leaves 1e-16 of a P of 1e-12
    assert test.p == pytest.approx(value["p"], rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(("name", "param", "model", "structure"), R_MODELS)
def test_leverage_corrections_equal_r(name, param, model, structure):
    """R computed these from geepack's fit at its default tolerance, 1e-4, so that adjusted exchangeable fits
    are 6e-9 (coefficient) and 2e-10 (standard error) away from convergence; the others agree to 4e-14."""
    value = answers(name)[f"{param}.gee.{model}.{structure}.bc"]["value"]
    fit, arm = arm_effect(name, param, model, structure)
    for covariance, label in (("robust", "LZ"), ("KC", "KC"), ("MD", "MD")):
        test = fit.test(arm, covariance, "t")
        assert test.df == value["K"] - value["p_params"]
        assert test.se == pytest.approx(value[f"se_{label}"], rel=1e-8)
        assert test.p == pytest.approx(value[f"p_{label}_tKmp"], rel=1e-7)


@pytest.mark.parametrize(("name", "param", "model", "structure"), R_MODELS)
@pytest.mark.parametrize(("covariance", "label"), [("CR2", "CR2"), ("MD", "CR3")])
def test_satterthwaite_equals_clubsandwich(name, param, model, structure, covariance, label):
    """clubSandwich's CR3 is Mancl and DeRouen's; tolerances as for the leverage corrections."""
    value = answers(name)[f"{param}.gee.{model}.{structure}.{label}_satt"]["value"]
    fit, arm = arm_effect(name, param, model, structure)
    test = fit.test(arm, covariance, "satterthwaite")
    assert test.se == pytest.approx(value["se"], rel=1e-8)
    assert test.df == pytest.approx(value["df"], rel=1e-8)
    assert test.p == pytest.approx(value["p"], rel=1e-7)


@pytest.mark.parametrize("name", ["actg175", "actg175_n20"])
def test_one_visit_per_subject_makes_exchangeable_independence(name):
    fit, arm = arm_effect(name, "CD8", "adj", "exchangeable")
    assert fit.alpha == 0
    value = answers(name)["CD8.gee.adj.independence"]["value"]
    test = fit.test(arm)
    assert (test.estimate, test.se) == pytest.approx((value["coef"], value["se"]), rel=1e-9)


# another program


@pytest.mark.parametrize(("kind", "covariance"), [("robust", "robust"), ("bias_reduced", "MD")])
@pytest.mark.parametrize("structure", ["independence", "exchangeable"])
def test_equals_statsmodels(unbalanced, kind, covariance, structure):
    y, X, groups = unbalanced
    model = sm.GEE(y, X, groups, cov_struct=getattr(sm.cov_struct, structure.capitalize())())
    theirs = model.fit(maxiter=500, ctol=1e-12, ddof_scale=0, cov_type=kind)
    ours = [gee.fit(y, X, groups, structure).test(c, covariance) for c in np.eye(X.shape[1])]
    assert [test.estimate for test in ours] == pytest.approx(theirs.params, rel=1e-8)
    assert [test.se for test in ours] == pytest.approx(theirs.bse, rel=1e-8)
    assert [test.p for test in ours] == pytest.approx(theirs.pvalues, rel=1e-6)
    assert [(test.lower, test.upper) for test in ours] == pytest.approx(theirs.conf_int(), rel=1e-6)


# formulas


def by_definition(fit, X, y, groups, c, covariance):
    """Standard error and Satterthwaite df from the N by N hat matrix and one cluster at a time."""
    clusters = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    same = groups[:, None] == groups
    V = np.where(same, fit.alpha, 0) + (1 - fit.alpha) * np.eye(len(y))
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


@pytest.mark.parametrize("structure", ["independence", "exchangeable"])
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_equals_definition(unbalanced, structure, covariance):
    y, X, groups = unbalanced
    fit = gee.fit(y, X, groups, structure)
    for c in (*np.eye(4), np.array([1.0, -2.0, 30.0, 0.5])):
        test = fit.test(c, covariance, "satterthwaite")
        assert (test.se, test.df) == pytest.approx(by_definition(fit, X, y, groups, c, covariance), rel=1e-9)
    assert (fit.alpha == 0) == (structure == "independence")


def test_solves_the_estimating_equations(unbalanced):
    y, X, groups = unbalanced
    fit = gee.fit(y, X, groups)
    same = groups[:, None] == groups
    residual = y - X @ fit.beta
    V = np.where(same, fit.alpha, 0) + (1 - fit.alpha) * np.eye(len(y))
    assert X.T @ np.linalg.solve(V, residual) == pytest.approx(np.zeros(4), abs=1e-10)
    products = np.outer(residual, residual)[same & ~np.eye(len(y), dtype=bool)]
    assert fit.scale == pytest.approx(np.mean(residual**2))
    assert fit.alpha == pytest.approx(products.mean() / fit.scale)


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
    for reference, law in (("z", stats.norm()), ("t", stats.t(fit.n_clusters - 4))):
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
        with pytest.raises(gee.GeeError, match=f"cluster 0 has leverage one: {covariance} does not exist"):
            fit.test([*c, 0], covariance)


# invariances


def assert_same(one, other, c_one, c_other=None):
    for covariance in COVARIANCES:
        a = one.test(c_one, covariance, "satterthwaite")
        b = other.test(c_one if c_other is None else c_other, covariance, "satterthwaite")
        assert (a.estimate, a.se, a.df) == pytest.approx((b.estimate, b.se, b.df), rel=1e-8)


def test_order_of_rows_does_not_matter(unbalanced):
    y, X, groups = unbalanced
    order = np.random.default_rng(8).permutation(len(y))
    assert_same(gee.fit(y, X, groups), gee.fit(y[order], X[order], groups[order]), [0, 1, 0, 0])


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


# what is refused


def refused(message, y, X, groups, structure="exchangeable"):
    with pytest.raises(gee.GeeError, match=message):
        gee.fit(y, X, groups, structure)


def test_unusable_data_are_refused_in_words(unbalanced):
    y, X, groups = unbalanced
    gap = y.copy()
    gap[3] = np.nan
    refused("drop rows with missing values", gap, X, groups)
    refused("drop rows with missing values", y, np.where(X[5, 2] == X, np.inf, X), groups)
    refused(r"must have the same rows", y[1:], X, groups)
    refused(r"must have the same rows", y, X, groups[1:])
    refused(r"must have the same rows", y, X[:, 0], groups)
    for missing in (None, np.nan):
        refused("groups has missing labels", y, X, [missing, *groups.tolist()[1:]])
    refused("4 parameters need more clusters than the 4 there are", y, X, groups % 4)
    refused("5 columns but rank 4", y, np.column_stack([X, X[:, 0] - X[:, 1]]), groups)
    refused("5 columns but rank 4", y, np.column_stack([X, 0 * y]), groups)
    refused("'ar1' is not one of independence, exchangeable", y, X, groups, "ar1")


def test_exact_fit_is_refused(unbalanced):
    _, X, groups = unbalanced
    refused("fits the outcome exactly", X @ [1, 2, 3, 4], X, groups)
    refused("fits the outcome exactly", 0 * X[:, 0], X, groups)


@pytest.mark.parametrize("wide", [[[1, 1], [2, 2], [4, 4]], [[1, -1], [2, -2], [4, -4]]])
def test_singular_working_correlation_is_refused(wide):
    X = np.ones((6, 1))
    refused("working correlation -?1 is singular in clusters of 2", np.ravel(wide), X, [0, 0, 1, 1, 2, 2])


def test_lack_of_convergence_is_an_error(unbalanced, monkeypatch):
    monkeypatch.setattr(gee, "MAX_ITERATIONS", 2)
    refused("did not converge in 2 iterations", *unbalanced)


def test_unusable_tests_are_refused_in_words(unbalanced):
    fit = gee.fit(*unbalanced)
    for contrast in ([1, 0], [0, 0, 0, 0], [0, np.nan, 0, 0], 1):
        with pytest.raises(gee.GeeError, match="4 finite weights, not all zero"):
            fit.test(contrast)
    for alpha in (0, 1, 5):
        with pytest.raises(gee.GeeError, match="alpha is between 0 and 1"):
            fit.test([0, 1, 0, 0], alpha=alpha)
    with pytest.raises(gee.GeeError, match="'HC3' is not one of robust, KC, MD, CR2"):
        fit.test([0, 1, 0, 0], "HC3")
    with pytest.raises(gee.GeeError, match="'F' is not one of z, t, satterthwaite"):
        fit.test([0, 1, 0, 0], reference="F")


def test_contrast_without_residual_variance_is_refused():
    """One subject is an arm of its own: its mean has no variance between subjects."""
    arm = np.array([0.0, 0, 0, 1])
    fit = gee.fit([1.0, 4, 2, 9], np.column_stack([1 - arm, arm]), range(4), "independence")
    with pytest.raises(gee.GeeError, match="no residual variance"):
        fit.test([0, 1])
    assert fit.test([1, 0]).se > 0


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
