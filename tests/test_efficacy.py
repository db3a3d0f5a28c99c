"""Whether the treatment worked: against R on real trials, and what cannot be estimated."""

import numpy as np
import pandas as pd
import pytest
from conftest import TRIALS
from reference import answers, facts
from scipy import stats

from trialbook import efficacy, trial

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
    for analysis in (efficacy.final_difference, efficacy.anova, efficacy.gee):
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
    value, key = answers(name)[f"{code}.anova_type3"]["value"], f"{code.lower()}.anova"
    for label, part in {"ARM": "arm", "VIS": "visit", "ARM:VIS": "interaction"}.items():
        theirs = value["table"][label]
        assert rows[f"{key}.{part}.f"].value == pytest.approx(theirs["F"], **EXACT)
        assert rows[f"{key}.{part}.df"].value == f"{theirs['df1']}, {theirs['df2']}"
        assert rows[f"{key}.{part}.f"].n == value["n_subj"]
        if label == "ARM":
            assert rows[f"{key}.{part}.p"].value == pytest.approx(theirs["p"], **EXACT)
            continue
        assert rows[f"{key}.{part}.p_uncorrected"].value == pytest.approx(theirs["p"], **EXACT)
        # R gives no correction where there are two visits: then none is needed
        corrected, epsilon = theirs["p"], 1
        if theirs["df1"] > 1:
            corrected, epsilon = value["GG_HF"][label]["p_GG"], value["GG_HF"][label]["GGeps"]
        assert rows[f"{key}.{part}.p"].value == pytest.approx(corrected, **EXACT)
        assert rows[f"{key}.epsilon"].value == pytest.approx(epsilon, **EXACT)


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
        y, X, groups, _, _ = efficacy.gee_design(found.values(code), found.facts.visits.baseline)
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
        return {"gee.correlation", "gee.effect", "gee.effect.se", "gee.effect.ci", "gee.effect.p"} | cr2
    rows = {f"anova.{row}.{part}" for row in ("arm", "visit", "interaction") for part in ("f", "df", "p")}
    return rows | {"anova.epsilon", "anova.visit.p_uncorrected", "anova.interaction.p_uncorrected"}


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
    assert reasons["gee.effect"] == "not estimable: nobody in NK+ART has both a baseline and a follow-up value"
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
    assert set(not_estimable(rows)) == keys_of_tests("gee")
    assert "more clusters than the 4 there are" in rows["cd4.gee.effect"].method


def test_model_digits_may_be_none(copy):
    copy.text(
        "trial.yml",
        "{paramcd: CD4, label: CD4 count, unit: cells/μL, role: efficacy, digits: 0, model_digits: 2}",
        "{paramcd: CD4, label: CD4 count, unit: cells/μL, role: efficacy, digits: 0, model_digits: 0}",
    )
    row = efficacy.gee(copy.read())["cd4.gee.effect"]
    assert row.display == f"{row.value:.0f}"
