"""Whether the treatment worked: against R on real trials, and what cannot be estimated."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import NK_INR, TRIALS
from reference import answers, facts
from scipy import integrate, stats

from trialbook import course, effects, efficacy, figures, tables, trial

pytestmark = pytest.mark.filterwarnings("error")
EXACT = {"rel": 1e-8, "abs": 1e-12}
CASES = [
    ("amitriptyline_hivsn", "PAIN"),
    *((name, code) for name in ("actg175", "actg175_n20") for code in ("CD4", "CD8", "CD4CD8")),
]


@pytest.fixture(scope="module")
def analysed(real_trial):
    """A function that gives a real trial and all results of its efficacy, once."""
    done = {}

    def analyse(name):
        if name not in done:
            found = trial.read(real_trial(name))
            done[name] = found, everything(found)
        return done[name]

    return analyse


def everything(found):
    results = efficacy.by_visit(found)
    for analysis in (efficacy.final_difference, course.anova, efficacy.gee):
        results.update(analysis(found))
    return results


# R's answers


def test_every_parameter_of_r_is_compared():
    names = {path.name for path in TRIALS.iterdir() if path.is_dir()}
    assert {(name, code) for name in names for code in np.atleast_1d(facts(name)["params"])} == set(CASES)


@pytest.mark.parametrize(("name", "code"), CASES)
def test_visits_equal_r(analysed, name, code):
    found, rows = analysed(name)
    compared = 0
    for theirs in answers(name)[f"{code}.visit_summary"]["value"]:
        visit = next(v for v in found.facts.visits.schedule if v.avisitn == float(theirs["VIS"]))
        arm = next(arm for arm in found.arms if arm.value == theirs["ARM"])
        key = f"{code.lower()}.{found.visit_id(visit, code)}.{arm.id}"
        assert rows[f"{key}.n"].value == theirs["n"]
        assert rows[f"{key}.mean"].value == pytest.approx(theirs["mean"], **EXACT)
        assert rows[f"{key}.sd"].value == pytest.approx(theirs["sd"], **EXACT)
        half = stats.t.ppf(0.975, theirs["n"] - 1) * theirs["se"]
        assert rows[f"{key}.ci"].value == pytest.approx([theirs["mean"] - half, theirs["mean"] + half], **EXACT)
        compared += 1
    assert compared == 2 * len(found.visits(code))


@pytest.mark.parametrize("kind", ["pooled", "welch"])
@pytest.mark.parametrize(("name", "code"), CASES)
def test_final_difference_equals_r(analysed, name, code, kind):
    found, rows = analysed(name)
    theirs, key = answers(name)[f"{code}.last_{kind}"]["value"], f"{code.lower()}.final.difference"
    last = facts(name)["last"]
    assert found.visits(code)[-1].avisitn == (last[code] if isinstance(last, dict) else last)
    assert rows[key].value == pytest.approx(theirs["diff"], **EXACT)
    key += {"pooled": "", "welch": ".welch"}[kind]
    assert rows[f"{key}.ci"].value == pytest.approx([theirs["lo"], theirs["hi"]], **EXACT)
    for quantity in ("p", "t", "df"):
        assert rows[f"{key}.{quantity}"].value == pytest.approx(theirs[quantity], **EXACT)


@pytest.mark.parametrize(("name", "code"), CASES)
def test_anova_equals_afex(analysed, name, code):
    _, rows = analysed(name)
    key = f"{code.lower()}.anova"
    parts = {"arm": ("ARM", 3), "visit": ("VIS", 3), "interaction": ("ARM:VIS", 3), "visit_type2": ("VIS", 2)}
    for part, (label, ss_type) in parts.items():
        value = answers(name)[f"{code}.anova_type{ss_type}"]["value"]
        theirs = value["table"][label]
        assert rows[f"{key}.{part}.f"].value == pytest.approx(theirs["F"], **EXACT)
        assert rows[f"{key}.{part}.df"].value == f"{theirs['df1']}, {theirs['df2']}"
        assert rows[f"{key}.{part}.f"].n == value["n_subj"]
        share = theirs["SS"] / (theirs["SS"] + theirs["SSE"])
        assert rows[f"{key}.{part}.partial_eta_squared"].value == pytest.approx(share, **EXACT)
        if label == "ARM":
            assert rows[f"{key}.{part}.p"].value == pytest.approx(theirs["p"], **EXACT)
            continue
        assert rows[f"{key}.{part}.p_uncorrected"].value == pytest.approx(theirs["p"], **EXACT)
        # R gives no correction where there are two visits: then none is needed
        corrected = {"p_GG": theirs["p"], "p_HF": theirs["p"], "GGeps": 1, "HFeps": 1}
        if theirs["df1"] > 1:
            corrected = value["GG_HF"][label]
            mauchly = value["mauchly"][label]
            assert rows[f"{key}.mauchly.w"].value == pytest.approx(mauchly["W"], **EXACT)
            assert rows[f"{key}.mauchly.p"].value == pytest.approx(mauchly["p"], **EXACT)
        else:
            assert rows[f"{key}.mauchly.p"].method == "not estimable: two visits are always spherical"
        assert rows[f"{key}.{part}.p"].value == pytest.approx(corrected["p_GG"], **EXACT)
        assert rows[f"{key}.{part}.p_hf"].value == pytest.approx(corrected["p_HF"], **EXACT)
        assert rows[f"{key}.epsilon"].value == pytest.approx(corrected["GGeps"], **EXACT)
        assert rows[f"{key}.epsilon_hf"].value == pytest.approx(corrected["HFeps"], **EXACT)
    for theirs in answers(name)[f"{code}.anova_ez_type3"]["value"]["ANOVA"]:
        part = next(part for part, (label, _) in parts.items() if label == theirs["Effect"])
        assert rows[f"{key}.{part}.generalised_eta_squared"].value == pytest.approx(theirs["ges"], **EXACT)


@pytest.mark.parametrize(("name", "code"), CASES)
def test_gee_equals_geepack_and_clubsandwich(analysed, name, code):
    """With one follow-up visit nothing is left to correlate, and R's independence model is the same one."""
    found, rows = analysed(name)
    one_visit = len(found.visits(code)) == 2
    model = f"{code}.gee.adj.{'independence' if one_visit else 'exchangeable'}"
    published = answers(name)[model if one_visit else f"{model}.tight"]["value"]
    small, key = answers(name)[f"{model}.CR2_satt"]["value"], f"{code.lower()}.gee"
    assert rows[f"{key}.effect"].value == pytest.approx(published["coef"], rel=1e-6)
    assert rows[f"{key}.effect.se"].value == pytest.approx(published["se"], rel=1e-6)
    assert rows[f"{key}.effect.p"].value == pytest.approx(published["p"], rel=1e-6)
    assert rows[f"{key}.effect.cr2.se"].value == pytest.approx(small["se"], rel=1e-6)
    assert rows[f"{key}.effect.cr2.df"].value == pytest.approx(small["df"], rel=1e-6)
    assert rows[f"{key}.effect.cr2.p"].value == pytest.approx(small["p"], rel=1e-6)
    half = stats.t.ppf(0.975, small["df"]) * small["se"]
    limits = [published["coef"] - half, published["coef"] + half]
    assert rows[f"{key}.effect.cr2.ci"].value == pytest.approx(limits, rel=1e-6)
    assert rows[f"{key}.observations.n"].value == published["N"]
    assert sum(rows[f"{key}.{arm.id}.n"].value for arm in found.arms) == published["K"]
    assert rows[f"{key}.correlation"].value == pytest.approx(0 if one_visit else published["alpha"], rel=1e-6)


# designs


def test_one_follow_up_visit_has_no_visit_term(analysed):
    found, _ = analysed("actg175_n20")
    for code, terms in (("CD4", 4), ("CD8", 3)):
        y, X, groups, _, _ = effects.design(found.values(code), found.facts.visits.baseline)
        assert X.shape == (len(y), terms)
        assert len(groups) == len(y)


def test_missing_values_are_counted_out(copy):
    """Without a baseline, without follow-up, without one visit: who is in which analysis."""
    people = copy.read().subjects()["art"]["USUBJID"].tolist()
    lost = {people[0]: ["0"], people[1]: ["1", "3", "6", "9", "12", "24"], people[2]: ["24"]}

    def drop(table):
        gone = [visit in lost.get(who, []) for who, visit in zip(table["USUBJID"], table["AVISITN"], strict=True)]
        return table.assign(
            AVAL=table["AVAL"].mask(pd.Series(gone, index=table.index) & (table["PARAMCD"] == "CD4"), "")
        )

    copy.table("adlb", drop)
    rows = everything(copy.read())
    assert rows["cd4.baseline.art.n"].value == 9
    assert rows["cd4.final.art.n"].value == 8
    assert rows["cd4.final.difference"].n == 18
    assert rows["cd4.final.art.change.mean_sd"].n == 7
    assert rows["cd4.anova.art.n"].value == 7
    assert rows["cd4.gee.art.n"].value == 8
    assert rows["cd4.gee.observations.n"].value == 18 * 6 - 1
    assert "not estimable" not in {row.display for row in rows}


# what cannot be estimated is said: what is done to the values, and which keys have which reason


@pytest.fixture
def spoiled(copy):
    """A function that alters CD4 by (arm, visit, number in the arm, value) and gives all results."""
    arms = {who: arm for arm, people in copy.read().subjects().items() for who in people["USUBJID"]}
    place = {who: i for arm in ("nk_art", "art") for i, who in enumerate(w for w in arms if arms[w] == arm)}

    def analyse(value):
        def change(table):
            rows = zip(table["USUBJID"], table["PARAMCD"], table["AVISITN"], table["AVAL"], strict=True)
            new = [str(value(arms[w], v, place[w], x)) if code == "CD4" else x for w, code, v, x in rows]
            return table.assign(AVAL=new)

        copy.table("adlb", change)
        return everything(copy.read())

    return analyse


def not_estimable(rows, parameter="cd4"):
    """The reasons by key; each row says one, and only such a row does."""
    own = [row for row in rows if row.key.startswith(f"{parameter}.")]
    for row in own:
        assert (row.value is None) == (row.display == "not estimable") == row.method.startswith("not estimable: ")
    return {row.key.removeprefix(f"{parameter}."): row.method for row in own if row.value is None}


def keys_of_tests(prefix):
    if prefix == "final.difference":
        return {f"{prefix}{kind}.{part}" for kind in ("", ".welch") for part in ("ci", "p", "t", "df")}
    if prefix == "gee":
        cr2 = {f"gee.effect.cr2.{part}" for part in ("se", "ci", "p", "df")}
        return {"gee.correlation", "gee.qic", "gee.effect", "gee.effect.se", "gee.effect.ci", "gee.effect.p"} | cr2
    parts = ("f", "df", "p", "partial_eta_squared", "generalised_eta_squared")
    rows = {f"anova.{row}.{part}" for row in ("arm", "visit", "interaction") for part in parts}
    rows |= {f"anova.{row}.{part}" for row in ("visit", "interaction") for part in ("p_hf", "p_uncorrected")}
    return rows | {"anova.epsilon", "anova.epsilon_hf", "anova.mauchly.w", "anova.mauchly.p"}


def test_everything_is_estimable_in_our_trial(nk):
    rows = everything(nk)
    for parameter in nk.parameters("efficacy"):
        assert not_estimable(rows, parameter.id) == {}


def test_an_arm_empty_at_the_last_visit(spoiled):
    reasons = not_estimable(spoiled(lambda arm, visit, i, x: "" if (arm, visit) == ("art", "24") else x))
    parts = {f"final.art.{part}" for part in ("mean", "sd", "mean_sd", "ci", "change.mean_sd")}
    tests = keys_of_tests("final.difference") | keys_of_tests("anova")
    assert set(reasons) == parts | tests | {"final.difference"}
    assert reasons["final.difference"] == "not estimable: an arm has no value"
    assert "each with at least two complete subjects" in reasons["anova.arm.p"]


def test_one_person_of_an_arm_left_at_the_last_visit(spoiled):
    reasons = not_estimable(spoiled(lambda arm, visit, i, x: "" if (arm, visit) == ("art", "24") and i else x))
    parts = {f"final.art.{part}" for part in ("sd", "mean_sd", "ci", "change.mean_sd")}
    assert set(reasons) == parts | keys_of_tests("final.difference") | keys_of_tests("anova")
    assert "fewer than two values" in reasons["final.difference.p"]


def test_all_missing_at_the_last_visit_does_not_move_the_last_visit(spoiled):
    rows = spoiled(lambda arm, visit, i, x: "" if visit == "24" else x)
    assert rows["cd4.final.visit"].value == "month 24"
    reasons = not_estimable(rows)
    assert "final.difference" in reasons and keys_of_tests("final.difference") < set(reasons)
    assert not keys_of_tests("gee") & set(reasons)
    assert rows["cd4.gee.observations.n"].value == 20 * 5


def test_zero_variance(spoiled):
    """Everybody of an arm alike at every visit, in fractions that do not add up exactly."""
    rows = spoiled(lambda arm, visit, i, x: {"nk_art": 0.3, "art": 0.1}[arm])
    reasons = not_estimable(rows)
    assert set(reasons) == keys_of_tests("final.difference") | keys_of_tests("anova") | keys_of_tests("gee")
    assert "all the same" in reasons["final.difference.p"]
    assert rows["cd4.final.difference"].value == pytest.approx(0.2)


def test_zero_variance_in_one_arm_is_estimable(spoiled):
    rows = spoiled(lambda arm, visit, i, x: 0.1 if arm == "art" else x)
    reasons = not_estimable(rows)
    assert not keys_of_tests("final.difference") & set(reasons)
    assert rows["cd4.final.difference.welch.df"].value == pytest.approx(9)


def test_a_mean_of_zero_has_its_interval(spoiled):
    rows = spoiled(lambda arm, visit, i, x: (-1) ** i if visit == "24" else x)
    assert rows["cd4.final.art.mean"].value == 0
    low, high = rows["cd4.final.art.ci"].value
    assert low == pytest.approx(-high) and high > 0


def test_nobody_with_a_baseline_in_an_arm(spoiled):
    reasons = not_estimable(spoiled(lambda arm, visit, i, x: "" if (arm, visit) == ("nk_art", "0") else x))
    assert keys_of_tests("gee") <= set(reasons)
    assert reasons["gee.effect"] == "not estimable: nobody in the test arm has both a baseline and a follow-up value"
    assert not keys_of_tests("final.difference") & set(reasons)


def test_two_against_two(copy):
    """Four people: t tests have two degrees of freedom, a GEE has more parameters than people."""
    kept = [who for people in copy.read().subjects().values() for who in people["USUBJID"][:2]]
    for name in ("adsl", "adlb", "adae", "adex"):
        copy.rows(name, lambda t: t["USUBJID"].isin(kept))
    for name in ("adae", "adex"):
        if copy.folder.joinpath(f"{name}.csv").read_text("utf8").count("\n") == 1:
            copy.folder.joinpath(f"{name}.csv").unlink()
    copy.facts(lambda given: given.update(randomised=4))
    rows = everything(copy.read())
    assert rows["cd4.final.difference.df"].value == 2
    assert set(not_estimable(rows)) == keys_of_tests("gee") | {"anova.mauchly.p"}
    assert "more clusters than the 4 there are" in rows["cd4.gee.effect"].method


def test_model_digits_may_be_none(copy):
    copy.text(
        "trial.yml",
        "{paramcd: CD4, label: CD4 count, unit: cells/μL, role: efficacy, digits: 0, model_digits: 2}",
        "{paramcd: CD4, label: CD4 count, unit: cells/μL, role: efficacy, digits: 0, model_digits: 0}",
    )
    row = efficacy.gee(copy.read())["cd4.gee.effect"]
    assert row.display == f"{row.value:.0f}"


# what the ANOVA assumes


def test_checks_equal_scipy(real_trial):
    found = trial.read(real_trial("actg175_n20"))
    rows, checks = course.anova_checks(found)
    complete = {arm: values.dropna() for arm, values in found.values("CD4").items()}
    means = [values.mean(axis=1) - values.mean(axis=1).mean() for values in complete.values()]
    key = "cd4.anova.check"
    assert rows[f"{key}.normality_subjects.p"].value == pytest.approx(stats.shapiro(np.concatenate(means)).pvalue)
    assert rows[f"{key}.variance_subjects.p"].value == pytest.approx(stats.levene(*means, center="median").pvalue)
    at_end = [values[96] for values in complete.values()]
    assert rows[f"{key}.variance_final.p"].value == pytest.approx(stats.levene(*at_end, center="median").pvalue)
    assert rows[f"{key}.final.ddi.sd"].value == pytest.approx(at_end[0].std())
    variances = [values[visit].var() for values in complete.values() for visit in values]
    assert rows[f"{key}.variance_ratio"].value == pytest.approx(max(variances) / min(variances))
    assert len(checks["cd4"].subjects.observed) == rows[f"{key}.variance_ratio"].n == 16
    assert "normal" in rows[f"{key}.normality_within.p"].method


@pytest.mark.parametrize("name", ["nk_inr", "actg175_n20", "amitriptyline_hivsn"])
def test_displays_of_the_course_are_laid_out(real_trial, nk, name):
    found = nk if name == "nk_inr" else trial.read(real_trial(name))
    checks, arrays = course.anova_checks(found)
    by_visit = course.effect_by_visit(found)
    rows = tables.anova(found, course.anova(found)).rows
    unequal = "visit_type2" in {row.key.split(".")[2] for row in course.anova(found)}
    assert len(rows) == (5 if unequal else 4) * len(found.parameters("efficacy"))
    for parameter in found.parameters("efficacy")[:2]:
        visits = [visit.label for visit in found.visits(parameter.paramcd)]
        assert [row.label for row in tables.anova_checks(found, checks, parameter).rows][-len(visits) :] == visits
        assert [row.label for row in tables.effect_by_visit(found, by_visit, parameter).rows] == visits[1:]
        alt = figures.anova_checks(found, checks, parameter, arrays).alt
        assert checks[f"{parameter.id}.anova.check.normality_within.p"].display in alt
        alt = figures.effect_by_visit(found, by_visit, parameter).alt
        assert all(label.lower() in alt for label in visits[1:])
        assert by_visit[f"{parameter.id}.gee.final.ci"].display in alt


# the standardised difference


def test_correction_for_bias_is_that_of_hedges():
    """Factors of Hedges (1981): exactly 1 / sqrt(pi) at two degrees of freedom, 3 / (4 df - 1) from one at many."""
    low, high = np.array([0.0, 2.0]), np.array([1.0, 3.0])
    g, *_ = effects.hedges_g(high, low)
    assert g == pytest.approx(1 / np.sqrt(2) / np.sqrt(np.pi))
    rng = np.random.default_rng(1)
    test, reference = rng.normal(size=(2, 200))
    d = stats.ttest_ind(test, reference).statistic * np.sqrt(2 / 200)
    assert effects.hedges_g(test, reference)[0] == pytest.approx(d * (1 - 3 / (4 * 398 - 1)), rel=1e-6)


@pytest.mark.parametrize(
    ("m", "n", "shift", "alpha"), [(10, 10, 1, 0.05), (3, 17, -2, 0.1), (2, 2, 0, 0.05), (9, 4, 9, 0.01)]
)
def test_limits_put_the_observed_t_at_the_tails(m, n, shift, alpha):
    """The noncentral t distribution by its definition: a normal over the root of a chi-square, integrated."""
    rng = np.random.default_rng(m)
    test, reference = rng.normal(shift, 1, m), rng.normal(0, 1, n)
    _, lower, upper = effects.hedges_g(test, reference, alpha)
    t, df = stats.ttest_ind(test, reference).statistic, m + n - 2

    def below(effect):
        def given(s):
            return stats.norm.cdf(t * s - effect / np.sqrt(1 / m + 1 / n)) * stats.chi.pdf(s * np.sqrt(df), df)

        return integrate.quad(lambda s: given(s) * np.sqrt(df), 0, stats.chi.isf(1e-15, df) / np.sqrt(df), limit=500)[0]

    assert (below(lower), below(upper)) == pytest.approx((1 - alpha / 2, alpha / 2), abs=1e-7)
    assert effects.hedges_g(reference, test, alpha)[1:] == pytest.approx((-upper, -lower), rel=1e-6)


def test_limits_exclude_zero_where_the_pooled_t_test_does(analysed):
    """At the confidence level of its P, the interval of the difference ends at zero."""
    found, rows = analysed("actg175_n20")
    arms = [values[96].dropna().to_numpy() for values in found.values("CD4").values()]
    _, *limits = effects.hedges_g(*arms, rows["cd4.final.difference.p"].value)
    assert min(np.abs(limits)) == pytest.approx(0, abs=1e-8)


def test_g_has_no_bias_and_its_interval_covers():
    """1,000 trials of 6 + 5 with an effect of 1: within 3.5 Monte Carlo errors of 1 and of 90%."""
    rng, draws = np.random.default_rng(8), 1000
    found = np.array([effects.hedges_g(rng.normal(1, 1, 6), rng.normal(0, 1, 5), 0.1) for _ in range(draws)])
    g, lower, upper = found.T
    assert abs(g.mean() - 1) < 3.5 * g.std() / np.sqrt(draws)
    assert abs(np.mean((lower < 1) & (upper > 1)) - 0.9) < 3.5 * np.sqrt(0.9 * 0.1 / draws)


def test_a_standardised_difference_without_spread_is_refused(nk):
    for test, reference, reason in (
        ([1.0, 2.0], [1.0], "fewer than two values"),
        ([1.0, 1.0], [2.0, 2.0], "all the same"),
        ([1.0, 1.0 + 1e-9], [2.0, 2.0], "too many standard deviations"),
    ):
        with pytest.raises(effects.EffectError, match=reason):
            effects.hedges_g(np.array(test), np.array(reference))
    row = efficacy.standardised_difference(nk)["cd4.final.g.ci"]
    assert (row.estimand, row.n, row.unit) == ("final", 20, "")


# the effect at each visit


SCRIPT = Path(__file__).parent / "reference" / "effect_by_visit.R"
R = json.loads(SCRIPT.with_suffix(".json").read_text())


@pytest.mark.parametrize("key", R["results"])
def test_effects_by_visit_equal_clubsandwich(real_trial, nk, key):
    name, code, *holes = key.split(".")
    found, theirs = nk if name == "nk_inr" else trial.read(real_trial(name)), R["results"][key]
    if holes:
        adlb = found.adlb[(found.adlb["PARAMCD"] == code) & found.adlb["BASE"].notna()]
        later = adlb[(adlb["AVISITN"] > 0) & adlb["AVAL"].notna()]
        i, j = (later[column].rank(method="dense").astype(int) for column in ("USUBJID", "AVISITN"))
        gone = later.index[(2 * i**2 + 5 * i + 3 * j) % 13 == 0]
        found = replace(found, adlb=found.adlb.assign(AVAL=found.adlb["AVAL"].mask(found.adlb.index.isin(gone))))
    rows, code = course.effect_by_visit(found), code.lower()
    visits = found.visits(code.upper())[1:]
    assert [visit.avisitn for visit in visits] == theirs["visits"]
    for index, visit in enumerate(visits):
        at = f"{code}.gee.{found.visit_id(visit, code.upper())}"
        for quantity in ("effect", "se", "df", "p"):
            assert rows[f"{at}.{quantity}"].value == pytest.approx(theirs[quantity][index], rel=1e-6)
        half = stats.t.isf(0.025, theirs["df"][index]) * theirs["se"][index]
        limits = [theirs["effect"][index] - half, theirs["effect"][index] + half]
        assert rows[f"{at}.ci"].value == pytest.approx(limits, rel=1e-6)
    joint, theirs = f"{code}.gee.equal_effects", theirs["equal_effects"]
    assert rows[f"{joint}.f"].value == pytest.approx(theirs["f"], rel=1e-6)
    assert rows[f"{joint}.p"].value == pytest.approx(theirs["p"], rel=1e-6)
    assert rows[f"{joint}.df"].value == f"{theirs['df']}, {theirs['df_error']:.1f}"


def test_rerunning_r_gives_these_effects_by_visit(tmp_path):
    wanted = ", ".join(f'"{package}"' for package in R["packages"])
    check = ["Rscript", "-e", f"stopifnot(all(sapply(c({wanted}), requireNamespace)))"]
    if not shutil.which("Rscript") or subprocess.run(check, capture_output=True).returncode:
        pytest.skip(f"R with {wanted} is not installed")
    out = tmp_path / "answers.json"
    subprocess.run(["Rscript", SCRIPT, out, NK_INR], check=True, capture_output=True)
    again = json.loads(out.read_text())["results"]
    assert again.keys() == {key for key in R["results"] if key.startswith("nk_inr.")}
    for key, model in again.items():
        committed = R["results"][key]
        for quantity in ("alpha", "effect", "se", "df", "p"):
            assert model[quantity] == pytest.approx(committed[quantity], rel=1e-5)
        assert model["equal_effects"] == pytest.approx(committed["equal_effects"], rel=1e-5)


def test_a_visit_that_an_arm_missed_has_no_effect_and_the_others_have(spoiled, copy):
    spoiled(lambda arm, visit, i, x: "" if (arm, visit) == ("art", "6") else x)
    rows = course.effect_by_visit(copy.read())
    reason = "not estimable: nobody with a baseline in ART has a value at this visit"
    assert {row.method for row in rows if row.key.startswith("cd4.gee.month_6.")} == {reason}
    assert rows["cd4.gee.month_6.effect"].n == 10
    assert rows["cd4.gee.month_9.p"].value is not None
    assert rows["cd4.gee.equal_effects.df"].value.startswith("4, ")


def test_one_follow_up_visit_has_nothing_to_be_equal_to(real_trial):
    found = trial.read(real_trial("actg175_n20"))
    rows, overall = course.effect_by_visit(found), efficacy.gee(found)
    assert rows["cd8.gee.final.p"].value == pytest.approx(overall["cd8.gee.effect.cr2.p"].value, rel=1e-9)
    assert rows["cd8.gee.equal_effects.p"].method == "not estimable: there is an effect at one visit only"
