"""GEE: against geepack and clubSandwich on real trials, against formulas, against itself."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from reference import answers, facts, table
from scipy import linalg, stats

from trialbook import gee

STRUCTURES = ("independence", "exchangeable", "ar1", "unstructured")
COVARIANCES = ("robust", "KC", "MD", "CR2")
R_PARAMETERS = [
    ("amitriptyline_hivsn", "PAIN", STRUCTURES[:3]),
    ("actg175", "CD4", STRUCTURES[:3]),
    ("actg175", "CD8", ("independence",)),
    ("actg175", "CD4CD8", ("independence",)),
    ("actg175_n20", "CD4", STRUCTURES[:3]),
    ("actg175_n20", "CD8", ("independence",)),
    ("actg175_n20", "CD4CD8", ("independence",)),
]
R_MODELS = [
    pytest.param(name, param, model, structure, id=f"{name}-{param}-{model}-{structure}")
    for name, param, structures in R_PARAMETERS
    for model in ("unadj", "adj")
    for structure in structures
]
# clubSandwich was not asked about ar1: with the two visits of these trials that is exchangeable
CLUBSANDWICH_MODELS = [model for model in R_MODELS if "ar1" not in model.values]


def follow_up(name, param, model):
    """The outcome, design, subjects, visit indices and arm's column of R's `AVAL ~ [BASE +] ARM [+ VIS]`."""
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
    index = np.searchsorted(visits, rows["AVISITN"])
    return rows["AVAL"].to_numpy(), X, rows["USUBJID"].tolist(), index, list(columns).index("ARM")


def arm_effect(name, param, model, structure):
    y, X, subjects, visits, column = follow_up(name, param, model)
    return gee.fit(y, X, subjects, structure, visits), np.eye(X.shape[1])[column]


@pytest.fixture
def unbalanced():
    """Twenty-seven subjects with one to four of four visits, in shuffled rows, and a covariate: y, X, groups.

    The columns of X are the intercept, the arm, the covariate and the visit index."""
    rng = np.random.default_rng(20)
    sizes = [4, 4, 3, 1, 2, 4, 1, 3, 4] * 3
    subject = np.repeat(np.arange(27), sizes)
    visit = np.concatenate([np.sort(rng.choice(4, n, replace=False)) for n in sizes])
    age, arm = rng.normal(40, 9, 27)[subject], (np.arange(27) % 2)[subject]
    y = 3 * arm + visit + 0.1 * age + 0.7 * rng.normal(size=27)[subject] + rng.normal(size=len(subject))
    X = np.column_stack([np.ones(len(y)), arm, age, visit])
    order = rng.permutation(len(y))
    return y[order], X[order], subject[order]


# R's answers


def test_every_answer_of_r_is_compared():
    for name in {name for name, *_ in R_PARAMETERS}:
        asked = {key.rsplit(".", 3)[0] for key in answers(name) if key.endswith(".independence.CR0")}
        known = {f"{param}.gee" for trial, param, _ in R_PARAMETERS if trial == name}
        assert asked == known
        for structure in ("exchangeable", "ar1"):
            correlated = {key.split(".")[0] for key in answers(name) if key.endswith(f"unadj.{structure}")}
            assert correlated == {p for trial, p, s in R_PARAMETERS if trial == name and structure in s}


@pytest.mark.parametrize(("name", "param", "model", "structure"), R_MODELS)
def test_robust_z_equals_geepack(name, param, model, structure):
    key = f"{param}.gee.{model}.{structure}"
    # R has no second, tight fit where nothing is iterated (independence)
    answer = answers(name)[key if structure == "independence" else f"{key}.tight"]
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


@pytest.mark.parametrize(("name", "param", "model", "structure"), CLUBSANDWICH_MODELS)
@pytest.mark.parametrize(("covariance", "label"), [("CR2", "CR2"), ("MD", "CR3")])
def test_satterthwaite_equals_clubsandwich(name, param, model, structure, covariance, label):
    """clubSandwich's CR3 is Mancl and DeRouen's; tolerances as for the leverage corrections."""
    value = answers(name)[f"{param}.gee.{model}.{structure}.{label}_satt"]["value"]
    fit, arm = arm_effect(name, param, model, structure)
    test = fit.test(arm, covariance, "satterthwaite")
    robust = answers(name)[f"{param}.gee.{model}.{structure}.CR0"]["value"]
    assert fit.test(arm).se == pytest.approx(robust["se"], rel=1e-8)
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


def statsmodels_on(name, param, structure):
    y, X, subjects, visits, _ = follow_up(name, param, "unadj")
    return sm.GEE(y, X, np.array(subjects), time=visits, cov_struct=structure)


@pytest.mark.parametrize(("name", "param"), [("actg175_n20", "CD4"), ("amitriptyline_hivsn", "PAIN")])
def test_statsmodels_needs_the_scale_without_degrees_of_freedom_to_equal_geepack(name, param):
    alpha = answers(name)[f"{param}.gee.unadj.exchangeable.tight"]["value"]["alpha"]
    default, given = sm.cov_struct.Exchangeable(), sm.cov_struct.Exchangeable()
    statsmodels_on(name, param, default).fit(ctol=1e-9)
    statsmodels_on(name, param, given).fit(ctol=1e-9, ddof_scale=0)
    assert given.dep_params == pytest.approx(alpha, rel=1e-6)
    assert default.dep_params > 1.01 * alpha


@pytest.mark.parametrize("name", ["actg175", "actg175_n20"])
def test_statsmodels_ar1_fails_where_geepack_and_we_have_an_answer(name):
    """Its search for the correlation, other than on a grid, starts from a bracket that it does not find."""
    with pytest.raises(ValueError, match="unable to find right bracket"):
        statsmodels_on(name, "CD4", sm.cov_struct.Autoregressive(grid=False)).fit()


def test_statsmodels_ar1_ignores_time(unbalanced):
    """statsmodels gives two visits of a subject the correlation of neighbours, however far apart they are."""
    y, X, groups = unbalanced
    visits = X[:, 3].astype(int)
    once = np.flatnonzero((visits == 0) | (visits == 3))  # two visits, three apart
    theirs = [
        sm.GEE(y[once], X[once], groups[once], time=time, cov_struct=sm.cov_struct.Autoregressive(grid=True))
        for time in (visits[once], visits[once] // 3)
    ]
    far, near = (model.fit(maxiter=500, ctol=1e-12) for model in theirs)
    assert far.params.tolist() == near.params.tolist()
    a = theirs[0].cov_struct.dep_params
    for model in theirs:
        assert model.cov_struct.covariance_matrix(np.zeros(2), 0)[0][0, 1] == a
    ours = [gee.fit(y[once], X[once], groups[once], "ar1", at).alpha for at in (visits[once], visits[once] // 3)]
    assert ours[0] ** 3 == pytest.approx(ours[1])


R_SCRIPT = """
suppressMessages(library(geepack))
d <- read.csv("rows.csv"); pairs <- combn(0:3, 2)
z <- do.call(rbind, lapply(split(d$visit, d$id), function(v) if (length(v) > 1) t(apply(combn(v, 2), 2,
  function(pair) as.numeric(pairs[1, ] == pair[1] & pairs[2, ] == pair[2])))))
tight <- geese.control(epsilon = 1e-13, maxit = 1000)
# geepack 1.3.9 crashes on corstr = "unstructured" where visits are missing: the same by one column for each pair
fits <- list(
  ar1 = geeglm(y ~ arm + age + visit, id = id, waves = visit + 1, data = d, corstr = "ar1", control = tight),
  unstructured = geeglm(y ~ arm + age + visit, id = id, data = d, corstr = "userdefined", zcor = z, control = tight))
for (f in fits) cat(format(c(coef(f), sqrt(diag(f$geese$vbeta)), f$geese$gamma, QIC(f)[["CIC"]], f$geese$alpha),
  digits = 17), "\n")
"""


def test_equals_geepack_where_visits_are_missing(tmp_path):
    if (
        not shutil.which("Rscript")
        or subprocess.run(["Rscript", "-e", "library(geepack)"], capture_output=True).returncode
    ):
        pytest.skip("R with geepack is not installed")
    rng = np.random.default_rng(5)
    subject, visit = np.divmod(np.flatnonzero(rng.random(240) < 0.8), 4)
    age, arm = rng.normal(40, 9, 60)[subject], subject % 2
    y = arm + visit + 0.1 * age + rng.normal(size=60)[subject] + rng.normal(size=subject.size)
    rows = {"id": subject, "visit": visit, "arm": arm, "age": age, "y": y}
    pd.DataFrame(rows).to_csv(tmp_path / "rows.csv", index=False)
    answer = subprocess.run(["Rscript", "-e", R_SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=True)
    X = np.column_stack([np.ones(y.size), arm, age, visit])
    independent = gee.fit(y, X, subject, "independence").scale
    for structure, line in zip(("ar1", "unstructured"), answer.stdout.splitlines(), strict=True):
        fit = gee.fit(y, X, subject, structure, visit)
        alpha = np.ravel(fit.alpha) if structure == "ar1" else fit.alpha[np.triu_indices(4, 1)]
        cic = (fit.qic - fit.scale * y.size / independent) / 2
        ours = [*fit.beta, *(fit.test(c).se for c in np.eye(4)), fit.scale, cic, *alpha]
        assert ours == pytest.approx([float(number) for number in line.split()], rel=1e-8)


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
    assert fit.test([1]) == gee.fit([1.0, 4, 2, 9, 3], np.ones((5, 1)), range(5), "independence").test([1])
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


# what is refused


def refused(message, y, X, groups, structure="exchangeable", visits=None):
    with pytest.raises(gee.GeeError, match=message):
        gee.fit(y, X, groups, structure, visits)


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
    refused("'AR1' is not one of independence, exchangeable, ar1, unstructured", y, X, groups, "AR1")


@pytest.mark.parametrize("structure", ["ar1", "unstructured"])
def test_unusable_visits_are_refused_in_words(unbalanced, structure):
    y, X, groups = unbalanced
    visits = X[:, 3]
    refused("need the visit index of each row", y, X, groups, structure)
    for wrong in (
        visits[1:],
        visits + 0.5,
        np.where(visits == 2, np.nan, visits),
        visits + np.inf,
        ["one"] * 78,
        3,
    ):
        refused("visits must be 78 whole numbers, one for each row", y, X, groups, structure, wrong)
    twice = np.where(groups == 4, 5, visits)
    refused("cluster 4 has more than one row at visit 5", y, X, groups, structure, twice)


def test_exact_fit_is_refused(unbalanced):
    _, X, groups = unbalanced
    refused("fits the outcome exactly", X @ [1, 2, 3, 4], X, groups)
    refused("fits the outcome exactly", 0 * X[:, 0], X, groups)


@pytest.mark.parametrize("structure", STRUCTURES[1:])
@pytest.mark.parametrize("wide", [[[1, 1], [2, 2], [4, 4]], [[1, -1], [2, -2], [4, -4]]])
def test_singular_working_correlation_is_refused(structure, wide):
    where = "" if structure == "exchangeable" else " at visits 2, 3"
    message = f"the {structure} working correlation is singular for clusters of 2 rows{where} .*choose a simpler"
    refused(message, np.ravel(wide), np.ones((6, 1)), [0, 0, 1, 1, 2, 2], structure, [2, 3] * 3)


def test_indefinite_working_correlation_is_refused():
    """Two visits vary far more than the scale that all visits share: their products exceed one."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(10, 1)) * [1, 9, 9] + rng.normal(size=(10, 3))
    message = "unstructured working correlation is not positive definite for clusters of 3 rows at visits 0, 1, 2"
    refused(message, y.ravel(), np.ones((30, 1)), np.repeat(range(10), 3), "unstructured", [0, 1, 2] * 10)


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


# several contrasts at once: clubSandwich's answers are compared in test_efficacy


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


def test_joint_tests_that_cannot_be_made_are_refused(unbalanced):
    y, X, groups = unbalanced
    fit = gee.fit(y, X, groups, "exchangeable")
    for contrasts in ([0, 1, 0, 0], [[1, 0]], [[0, 1, 0, 0], [0, 2, 0, 0]]):
        with pytest.raises(gee.GeeError, match="independent rows of 4 finite weights"):
            fit.joint_test(contrasts)
