"""GEE against other programs: geepack and clubSandwich on real trials, and statsmodels."""

import subprocess

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from reference import answers, facts, need_r, table
from scipy import stats

from trialbook.stats import gee

CORRELATED = ("independence", "exchangeable", "ar1")
R_PARAMETERS = [
    ("amitriptyline_hivsn", "PAIN", CORRELATED),
    ("actg175", "CD4", CORRELATED),
    ("actg175", "CD8", ("independence",)),
    ("actg175", "CD4CD8", ("independence",)),
    ("actg175_n20", "CD4", CORRELATED),
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
    are 6e-9 (coefficient) and 2e-10 (standard error) away from convergence; the others agree to 4e-14.

    R's own P spends a degree of freedom on each visit too; ours follows from R's numbers and those left between
    participants: intercept, arm and, if adjusted, baseline."""
    value = answers(name)[f"{param}.gee.{model}.{structure}.bc"]["value"]
    fit, arm = arm_effect(name, param, model, structure)
    for covariance, label in (("robust", "LZ"), ("KC", "KC"), ("MD", "MD")):
        test = fit.test(arm, covariance, "t")
        assert test.df == value["K"] - (3 if model == "adj" else 2)
        assert test.se == pytest.approx(value[f"se_{label}"], rel=1e-8)
        statistic = answers(name)[f"{param}.gee.{model}.{structure}"]["value"]["coef"] / value[f"se_{label}"]
        assert test.p == pytest.approx(2 * stats.t.sf(abs(statistic), test.df), rel=1e-7)


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
    assert far.params.tolist() == pytest.approx(near.params.tolist(), rel=1e-12)
    a = theirs[0].cov_struct.dep_params
    for model in theirs:
        assert model.cov_struct.covariance_matrix(np.zeros(2), 0)[0][0, 1] == pytest.approx(a, rel=1e-12)
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


@pytest.mark.r
def test_equals_geepack_where_visits_are_missing(tmp_path):
    need_r("geepack")
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
