"""Restricted likelihood: against lmerTest, pbkrtest and nlme on real trials, and against formulas."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from conftest import sampled
from reference import REFERENCE_ARM, folder, follow_up, need_r
from scipy import stats

from trialbook.errors import NotEstimable
from trialbook.stats import reml

SCRIPT = Path(__file__).parents[1] / "reference" / "likelihood.R"
R = json.loads(SCRIPT.with_suffix(".json").read_text())
STRUCTURES = ("compound symmetry", "unstructured")
MODELS = [(key, mean) for key, means in R["results"].items() for mean in means]
FITS = [(*model, structure) for model in MODELS for structure in STRUCTURES]
# programs that know the degrees of freedom: what they call the model, our structure
MIXED = [
    (*model, program, structure)
    for model in MODELS
    for program, structure in (("lmer", "compound symmetry"), ("lmer_unstructured", "unstructured"))
    if program in R["results"][model[0]][model[1]]
]


def arrays(rows, mean):
    """y, X, subjects, visits and the contrast that averages the effect of the arm over the visits."""
    later = [(rows["AVISITN"] == visit).to_numpy(float) for visit in sorted(set(rows["AVISITN"]))[1:]]
    test, base = rows["test"].to_numpy(), rows["BASE"].to_numpy(float)
    columns, contrast = [np.ones(len(rows)), test, base, *later], [0, 1, 0] + [0] * len(later)
    if mean in ("interaction", "saturated"):
        columns += [test * visit for visit in later]
        contrast += [1 / (len(later) + 1)] * len(later)
    if mean == "saturated":
        columns += [base * visit for visit in later]
        contrast += [0] * len(later)
    return rows["AVAL"].to_numpy(), np.column_stack(columns), rows["USUBJID"], rows["AVISITN"], contrast


def fitted(rows, mean, structure):
    *data, contrast = arrays(rows, mean)
    return reml.fit(*data, structure), contrast


def simulated(arms, n_visits, correlation=0.5, seed=1):
    """A complete trial: subjects in both arms with equal correlations between their visits."""
    rng = np.random.default_rng(seed)
    n = sum(arms)
    V = np.full((n_visits, n_visits), correlation) + (1 - correlation) * np.eye(n_visits)
    y = rng.multivariate_normal(np.zeros(n_visits), V, n) + np.arange(n_visits)
    rows = pd.DataFrame(
        {
            "USUBJID": np.repeat(np.arange(n), n_visits),
            "AVISITN": np.tile(np.arange(n_visits), n),
            "AVAL": y.ravel(),
        }
    )
    rows["test"] = np.repeat(np.repeat([1.0, 0.0], arms), n_visits)
    return rows.assign(BASE=np.repeat(rng.normal(size=n), n_visits))


def ancova_of_means(rows):
    """Estimate, standard error, df of the arm in an analysis of covariance of the subjects' means."""
    subjects = rows.groupby("USUBJID")[["AVAL", "test", "BASE"]].mean()
    model = smf.ols("AVAL ~ test + BASE", subjects).fit()
    return model.params["test"], model.bse["test"], model.df_resid, model.pvalues["test"]


def numbers(test):
    return test.estimate, test.se, test.df, test.p


# R's answers


@pytest.mark.parametrize(("key", "mean", "structure"), FITS)
def test_equals_the_maximum_in_r(key, mean, structure):
    """nlme's fit brought to the maximum by numDeriv; 2e-8 (P: 5e-8) was the largest difference."""
    entry = R["results"][key][mean]
    answer = entry[f"gls_{structure.replace(' ', '_')}"]
    fit, contrast = fitted(follow_up(key), mean, structure)
    assert (fit.n_subjects, fit.n_obs, len(fit.visits)) == (
        entry["n_subjects"],
        entry["n_obs"],
        entry["visits"],
    )
    expected = [answer["satterthwaite"][name] for name in ("estimate", "se", "df", "p")]
    assert numbers(fit.test(contrast)) == pytest.approx(expected, rel=1e-6, abs=0)
    assert fit.log_likelihood == pytest.approx(answer["log_likelihood"], abs=1e-8)


@pytest.mark.parametrize(("key", "mean", "structure"), FITS)
def test_gls_stops_at_or_below_this_likelihood(key, mean, structure):
    """nlme's derivatives are differences: it stops up to 2e-7 below the maximum, 9e-5 (estimate) and 7e-6
    (standard error) away. Its degrees of freedom, N - p, count records, though subjects were allocated."""
    answer = R["results"][key][mean][f"gls_{structure.replace(' ', '_')}"]
    fit, contrast = fitted(follow_up(key), mean, structure)
    test = fit.test(contrast)
    assert test.estimate == pytest.approx(answer["gls"]["estimate"], rel=2e-4)
    assert test.se == pytest.approx(answer["gls"]["se"], rel=2e-5)
    assert fit.log_likelihood == pytest.approx(answer["gls_log_likelihood"], abs=1e-6)
    assert fit.log_likelihood > answer["gls_log_likelihood"] - 1e-9
    assert answer["gls"]["df"] == fit.n_obs - fit.beta.size


@pytest.mark.parametrize(("key", "mean", "program", "structure"), MIXED)
def test_equals_lmertest_and_pbkrtest(key, mean, program, structure):
    """lme4 stops 4e-7 (estimate), 9e-8 (standard error) from the maximum; lmerTest takes differences:
    4e-6 in the degrees of freedom, 2e-6 in P."""
    answer = R["results"][key][mean][program]
    fit, contrast = fitted(follow_up(key), mean, structure)
    for reference, name in (("satterthwaite", "satterthwaite"), ("kenward-roger", "kenward_roger")):
        test, expected = fit.test(contrast, reference), answer[name]
        assert test.estimate == pytest.approx(expected["estimate"], rel=1e-6)
        assert test.se == pytest.approx(expected["se"], rel=1e-6)
        assert test.df == pytest.approx(expected["df"], rel=1e-5 if name == "satterthwaite" else 1e-6)
        assert test.p == pytest.approx(expected["p"], rel=1e-5, abs=0)
    assert fit.log_likelihood == pytest.approx(answer["log_likelihood"], abs=1e-8)


def test_r_answers_for_two_visits_unstructured():
    """Where lmer can be made to fit the MMRM, pbkrtest checks the correction of Kenward and Roger."""
    assert {key for key, _, program, _ in MIXED if program == "lmer_unstructured"} == {
        key for key, means in R["results"].items() if means["main"]["visits"] == 2
    }


def test_answers_of_r_name_versions_and_no_place():
    assert set(R["packages"]) == {"lme4", "lmerTest", "pbkrtest", "nlme", "numDeriv", "jsonlite"}
    assert R["R"].startswith("R version")
    assert not set("/\\~") & set(SCRIPT.with_suffix(".json").read_text())


def leaves(tree, path=()):
    if isinstance(tree, dict):
        return {key: value for name, branch in tree.items() for key, value in leaves(branch, (*path, name)).items()}
    return {path: tree}


@pytest.mark.r
@pytest.mark.parametrize("name", sampled("actg175_n20", REFERENCE_ARM))
def test_rerunning_r_gives_these_answers(name, tmp_path):
    need_r(*R["packages"])
    out = tmp_path / "answers.json"
    subprocess.run(["Rscript", SCRIPT, out, folder(name)], check=True, capture_output=True)
    committed = {key: means for key, means in R["results"].items() if key.split(".")[0] == name}
    again = leaves(json.loads(out.read_text())["results"])
    assert list(again) == list(leaves(committed))
    # where gls and lmer stop differs between versions and machines, by as much as from the maximum
    for path, value in leaves(committed).items():
        tolerance = 2e-4 if "gls" in path else 1e-5
        assert again[path] == pytest.approx(value, rel=tolerance, abs=1e-12), path


# closed forms


@pytest.mark.parametrize("reference", ["satterthwaite", "kenward-roger"])
@pytest.mark.parametrize("mean", ["main", "interaction", "saturated"])
@pytest.mark.parametrize("parameter", ["CD4", "CD8", "CD4CD8"])
def test_balanced_compound_symmetry_is_ancova_of_subject_means(parameter, mean, reference):
    rows = follow_up(f"nk_inr.{parameter}")
    fit, contrast = fitted(rows, mean, "compound symmetry")
    assert numbers(fit.test(contrast, reference)) == pytest.approx(ancova_of_means(rows), rel=1e-9)
    assert fit.test(contrast, reference).df == pytest.approx(17)


@pytest.mark.parametrize("reference", ["satterthwaite", "kenward-roger"])
@pytest.mark.parametrize("parameter", ["CD4", "CD8", "CD4CD8"])
def test_balanced_unstructured_with_all_interactions_is_ancova_of_subject_means(parameter, reference):
    rows = follow_up(f"nk_inr.{parameter}")
    fit, contrast = fitted(rows, "saturated", "unstructured")
    assert numbers(fit.test(contrast, reference)) == pytest.approx(ancova_of_means(rows), rel=1e-7)


def test_saturated_mmrm_estimates_the_residual_covariance():
    rows = follow_up("nk_inr.CD4")
    fit, _ = fitted(rows, "saturated", "unstructured")
    wide = rows.pivot(index="USUBJID", columns="AVISITN", values="AVAL")
    X = np.column_stack([np.ones(20), rows.groupby("USUBJID")[["test", "BASE"]].first()])
    residual = wide - X @ np.linalg.lstsq(X, wide)[0]
    assert fit.visits == list(wide)
    assert fit.covariance == pytest.approx((residual.T @ residual / 17).to_numpy(), rel=1e-8)


@pytest.mark.parametrize("arms", [(2, 2), (3, 2), (12, 5)])
@pytest.mark.parametrize("correlation", [-0.3, 0.0, 0.9])
def test_any_correlation_and_any_size_keep_the_exact_test(arms, correlation):
    """Two subjects per arm leave one degree of freedom: an answer, with the width it deserves."""
    rows = simulated(arms, 4, correlation)
    fit, contrast = fitted(rows, "main", "compound symmetry")
    for reference in ("satterthwaite", "kenward-roger"):
        test = fit.test(contrast, reference)
        assert numbers(test) == pytest.approx(ancova_of_means(rows), rel=1e-7)
        half = stats.t.ppf(0.975, sum(arms) - 3) * test.se
        assert (test.lower, test.upper) == pytest.approx((test.estimate - half, test.estimate + half), rel=1e-6)


def kenward_roger(fit, y, X, subject, visit, contrast):
    """Standard error and df from the N by N matrices of Kenward and Roger (1997), with their lambda and m."""
    k, place = len(fit.visits), np.array([fit.visits.index(v) for v in visit])
    same = np.equal.outer(subject.to_numpy(), subject.to_numpy())
    V = same * fit.covariance[np.ix_(place, place)]
    derivatives = []
    for i, j in zip(*np.triu_indices(k), strict=True):
        unit = np.zeros((k, k))
        unit[i, j] = unit[j, i] = 1
        derivatives.append(same * unit[np.ix_(place, place)])
    inverse, c = np.linalg.inv(V), np.array(contrast)
    phi = np.linalg.inv(X.T @ inverse @ X)
    projection = inverse - inverse @ X @ phi @ X.T @ inverse
    information = np.array(
        [[np.sum((projection @ a) * (projection @ b).T) / 2 for a in derivatives] for b in derivatives]
    )
    W = np.linalg.inv(information)
    P = [-X.T @ inverse @ a @ inverse @ X for a in derivatives]
    spread = 0
    for i, a in enumerate(derivatives):
        for j, b in enumerate(derivatives):
            spread += W[i, j] * (X.T @ inverse @ a @ inverse @ b @ inverse @ X - P[i] @ phi @ P[j])
    adjusted = phi + 2 * phi @ spread @ phi
    theta = np.outer(c, c) / (c @ phi @ c)
    A1 = A2 = 0
    for i, p in enumerate(P):
        for j, q in enumerate(P):
            A1 += W[i, j] * np.trace(theta @ phi @ p @ phi) * np.trace(theta @ phi @ q @ phi)
            A2 += W[i, j] * np.trace(theta @ phi @ p @ phi @ theta @ phi @ q @ phi)
    B, g = (A1 + 6 * A2) / 2, (2 * A1 - 5 * A2) / (3 * A2)
    c1, c2, c3 = np.array([g, 1 - g, 3 - g]) / (3 + 2 * (1 - g))
    mean, variance = 1 / (1 - A2), 2 * (1 + c1 * B) / ((1 - c2 * B) ** 2 * (1 - c3 * B))
    rho = variance / (2 * mean**2)
    m = 4 + 3 / (rho - 1)
    return np.sqrt(c @ adjusted @ c), m, m / (mean * (m - 2))


@pytest.mark.parametrize("mean", ["main", "interaction"])
def test_kenward_roger_by_definition(mean):
    rows = follow_up("nk_inr.CD4.holes")
    fit, contrast = fitted(rows, mean, "unstructured")
    se, df, scale = kenward_roger(fit, *arrays(rows, mean)[:4], contrast)
    test = fit.test(contrast, "kenward-roger")
    assert (test.se, test.df) == pytest.approx((se, df), rel=1e-5)
    assert scale == pytest.approx(1)


# invariance


@pytest.mark.parametrize("structure", STRUCTURES)
def test_order_units_and_coding_do_not_matter(structure):
    rows = follow_up("nk_inr.CD4.holes")
    y, X, subject, visit, contrast = arrays(rows, "interaction")
    expected = numbers(reml.fit(y, X, subject, visit, structure).test(contrast, "kenward-roger"))
    order = np.random.default_rng(3).permutation(len(y))
    turn = np.random.default_rng(4).normal(size=(X.shape[1], X.shape[1]))
    names = visit.map("month {}".format)
    again = reml.fit(1e6 * y[order], (X @ turn)[order], subject.iloc[order], names.iloc[order], structure)
    test = again.test(turn.T @ contrast, "kenward-roger")
    assert (test.estimate / 1e6, test.se / 1e6, test.df, test.p) == pytest.approx(expected, rel=1e-6)


# another program


def test_statsmodels_has_the_estimates_of_a_random_intercept_but_a_normal_p():
    """MixedLM agrees on estimate and standard error to what its optimiser leaves, but a normal P:
    at 10 + 10 subjects its P is about half of the exact one."""
    rows = follow_up("nk_inr.CD4")
    model = smf.mixedlm("AVAL ~ test + BASE + C(AVISITN)", rows, groups="USUBJID").fit(reml=True)
    fit, contrast = fitted(rows, "main", "compound symmetry")
    test = fit.test(contrast)
    assert model.params["test"] == pytest.approx(test.estimate, rel=1e-6)
    assert model.bse["test"] == pytest.approx(test.se, rel=1e-3)
    assert model.pvalues["test"] == pytest.approx(2 * stats.norm.sf(test.statistic), rel=1e-2)
    assert model.pvalues["test"] < 0.6 * test.p


@pytest.mark.filterwarnings("ignore")  # statsmodels' own, about the boundary
def test_statsmodels_overstates_the_error_of_subjects_who_differ_less_than_chance():
    rows = simulated((10, 10), 4, correlation=-0.3)
    model = smf.mixedlm("AVAL ~ test + BASE + C(AVISITN)", rows, groups="USUBJID").fit(reml=True)
    exact = ancova_of_means(rows)[1]
    fit, contrast = fitted(rows, "main", "compound symmetry")
    assert fit.test(contrast).se == pytest.approx(exact, rel=1e-7)
    assert not model.bse["test"] < 1.5 * exact


# errors in words


def refused(rows, structure, match, mean="main", error=NotEstimable):
    with pytest.raises(error, match=match):
        fitted(rows, mean, structure)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_one_follow_up_visit(structure):
    rows = follow_up("nk_inr.CD4")
    refused(rows[rows["AVISITN"] == 24], structure, "no subject has two visits.*analysis of covariance")


def test_two_subjects_per_arm_cannot_bear_an_unstructured_covariance():
    for mean in ("main", "interaction"):
        refused(simulated((2, 2), 6), "unstructured", "cannot bear a covariance of 6 visits", mean)


def test_more_visits_than_the_data_bear():
    refused(simulated((4, 4), 8), "unstructured", "cannot bear a covariance of 8 visits")


def test_holes_that_leave_no_maximum():
    rows = follow_up("nk_inr.CD8")
    i, j = (rows[column].rank(method="dense") for column in ("USUBJID", "AVISITN"))
    refused(rows[(i**2 + 3 * j) % 7 != 0], "unstructured", "cannot bear a covariance of 6 visits")


def test_visits_that_nobody_shares():
    rows = simulated((6, 6), 3)
    rows = rows[(rows["AVISITN"] != 2) | (rows["USUBJID"] % 2 == 0)]
    refused(
        rows[(rows["AVISITN"] != 1) | (rows["USUBJID"] % 2 == 1)],
        "unstructured",
        "no subject has both visit 1 and visit 2",
    )


def test_more_parameters_than_records():
    refused(simulated((2, 2), 2).iloc[:-1], "unstructured", "cannot bear a covariance of 2 visits", "saturated")


@pytest.mark.parametrize("structure", STRUCTURES)
def test_subjects_who_change_alike(structure):
    rows = simulated((10, 10), 3)
    level = rows.groupby("USUBJID")["AVAL"].transform("first")
    refused(
        rows.assign(AVAL=level + rows["AVISITN"]),
        structure,
        "cannot bear a covariance of 3 visits",
    )


@pytest.mark.parametrize("structure", STRUCTURES)
def test_no_variation(structure):
    rows = simulated((5, 5), 3)
    refused(rows.assign(AVAL=rows["AVISITN"] + 2 * rows["BASE"]), structure, "fits the outcome exactly")


def test_no_convergence(monkeypatch):
    monkeypatch.setattr(reml, "MAX_ITERATIONS", 2)
    refused(follow_up("nk_inr.CD4"), "unstructured", "did not converge in 2 iterations")


@pytest.mark.parametrize("structure", STRUCTURES)
def test_unusable_arrays(structure):
    rows = simulated((5, 5), 3)
    refused(pd.concat([rows, rows.iloc[:1]]), structure, "subject 0 has visit 0 more than once", error=ValueError)
    refused(rows.assign(AVAL=rows["AVAL"].where(rows.index > 0)), structure, "missing values", error=ValueError)
    refused(rows.assign(test=1.0), structure, "5 columns but rank 4")
    refused(
        rows.assign(AVISITN=rows["AVISITN"].where(rows.index > 3)), structure, "labels are missing", error=ValueError
    )
    *data, _ = arrays(rows, "main")
    with pytest.raises(ValueError, match="must have the same rows"):
        reml.fit(data[0][1:], *data[1:], structure)
    with pytest.raises(ValueError, match="must have the same rows"):
        reml.fit([], np.empty((0, 2)), [], [], structure)


def test_unusable_requests():
    rows = simulated((5, 5), 3)
    refused(rows, "toeplitz", "'toeplitz' is not one of compound symmetry, unstructured", error=ValueError)
    fit, contrast = fitted(rows, "main", "compound symmetry")
    for bad in (contrast[1:], [0] * 5, [np.nan, *contrast[1:]]):
        with pytest.raises(ValueError, match="5 finite weights"):
            fit.test(bad)
    with pytest.raises(ValueError, match="'z' is not one of satterthwaite, kenward-roger"):
        fit.test(contrast, "z")
    with pytest.raises(ValueError, match="alpha"):
        fit.test(contrast, alpha=5)
