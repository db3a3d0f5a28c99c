"""Trials that hardly are any: each analysis gives a finite value or says in words why there is none."""

import math
from functools import partial
from typing import get_args

import pytest
from conftest import copy_of_paper

from trialbook.analysis import double_programming, efficacy, estimators, flow, longitudinal, missing_data
from trialbook.analysis.estimators import Model
from trialbook.displays import figures, tables

pytestmark = pytest.mark.filterwarnings("error")

MODELS = [
    Model(),
    Model(adjusted=False),
    *(Model(correlation=name, covariance="CR2", reference="satterthwaite") for name in ("independence", "ar1")),
    Model(correlation="unstructured", covariance="CR2", reference="satterthwaite"),
    *(Model(covariance=name, reference="t") for name in ("KC", "MD")),
    Model(covariance="CR2", reference="randomisation"),
    Model("REML", covariance="model", reference="kenward-roger"),
    Model("REML", "unstructured", covariance="model", reference="satterthwaite"),
]
ANALYSES = {
    "by_visit": efficacy.by_visit,
    **{
        f"final_difference, {test}": partial(efficacy.final_difference, test=test)
        for test in get_args(estimators.FinalTest)
    },
    "final_difference, complete cases": partial(efficacy.final_difference, missing="complete"),
    "standardised_difference": efficacy.standardised_difference,
    "anova": longitudinal.anova,
    "anova_checks": lambda found: longitudinal.anova_checks(found)[0],
    **{f"gee, {model}": partial(efficacy.gee, model=model) for model in MODELS},
    "final_difference, imputed": partial(efficacy.final_difference, missing="imputed"),
    "gee, imputed": partial(efficacy.gee, missing="imputed"),
    "gee, complete cases": partial(efficacy.gee, missing="complete"),
    "effect_by_visit": longitudinal.effect_by_visit,
    "missing.patterns": missing_data.patterns,
    "missing.imputed": partial(missing_data.imputed, draws=4),
}
# what becomes of a value: by arm, visit, number in the arm (from zero) and value
VALUES = {
    "an arm empty at a visit": lambda arm, visit, i, x: None if (arm, visit) == ("art", "6") else x,
    "an arm empty at the final visit": lambda arm, visit, i, x: None if (arm, visit) == ("art", "24") else x,
    "all missing at the final visit": lambda arm, visit, i, x: None if visit == "24" else x,
    "an arm without a baseline": lambda arm, visit, i, x: None if (arm, visit) == ("nk_art", "0") else x,
    "nobody with a baseline": lambda arm, visit, i, x: None if visit == "0" else x,
    "an arm without follow-up": lambda arm, visit, i, x: None if arm == "art" and visit != "0" else x,
    "nobody complete": lambda arm, visit, i, x: None if visit == ("1", "3", "6", "9", "12", "24")[i % 6] else x,
    "one visit each": lambda arm, visit, i, x: x if visit in ("0", ("1", "3", "6", "9", "12", "24")[i % 6]) else None,
    "all values alike": lambda arm, visit, i, x: 0.1,
    "all alike within arms": lambda arm, visit, i, x: {"nk_art": 0.3, "art": 0.1}[arm],
    "all alike within an arm": lambda arm, visit, i, x: 0.1 if arm == "art" else x,
    "all alike within arms at the final visit": lambda arm, visit, i, x: len(arm) / 10 if visit == "24" else x,
    "all alike at the baseline": lambda arm, visit, i, x: 0.1 if visit == "0" else x,
    "a baseline that tells the arms apart": lambda arm, visit, i, x: len(arm) / 10 if visit == "0" else x,
    "everybody the same at each visit": lambda arm, visit, i, x: i + 0.1,
    "everybody with the same course": lambda arm, visit, i, x: i + 0.1 * float(visit),
    "follow-up that the baseline determines": lambda arm, visit, i, x: 3 * i + (visit != "0") * (2 * i + 0.7),
    "two visits perfectly correlated": lambda arm, visit, i, x: (
        x if visit == "0" else i * (7 if visit in ("1", "3") else int(visit)) % 13
    ),
    "arms far apart": lambda arm, visit, i, x: (1e9 if arm == "art" else 0) + 1e-3 * (i * int(visit) % 7),
    "huge values": lambda arm, visit, i, x: float(x) * 1e12,
    "tiny values": lambda arm, visit, i, x: float(x) * 1e-12,
}
SITUATIONS = [*VALUES, "one follow-up visit", "2 + 2 subjects", "1 + 1 subjects", "3 + 17 subjects", "3 + 5 subjects"]
SAMPLE = {"an arm empty at a visit", "all alike within arms", "tiny values", "one follow-up visit", "2 + 2 subjects"}


def some_long(situations):
    """Leave all but a sample to the long tests."""
    return [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.long) for name in situations]


# what some of them must say, and what they must answer all the same
SAID = {
    "an arm empty at a visit": {
        "cd4.anova.arm.p": "each with at least two complete subjects",
        "cd4.gee.month_6.effect": "nobody with a baseline in ART has a value at this visit",
    },
    "an arm empty at the final visit": {"cd4.final.difference": "no value", "cd4.final.g": "fewer than two values"},
    "all missing at the final visit": {"cd4.final.difference": "no value", "cd4.gee.final.effect": "at this visit"},
    "all values alike": {"cd4.final.difference.p": "all the same", "cd4.gee.effect.p": "does not vary"},
    "all alike within arms": {"cd4.final.g": "all the same", "cd4.anova.arm.p": "no error term"},
    "a baseline that tells the arms apart": {"cd4.gee.effect": "tells the arms apart", "cd4.gee.month_1.p": "rank"},
    "one follow-up visit": {
        "cd4.anova.mauchly.p": "two visits are always spherical",
        "cd4.gee.equal_effects.p": "at one visit only",
    },
    "2 + 2 subjects": {"cd4.gee.effect": "more clusters than the 4 there are"},
    "1 + 1 subjects": {"cd4.final.difference.p": "fewer than two values"},
}
ANSWERED = {
    "an arm empty at a visit": ["cd4.gee.month_9.p", "cd4.gee.equal_effects.p", "cd4.gee.effect.p", "cd4.final.g"],
    "all missing at the final visit": ["cd4.gee.month_12.p", "cd4.gee.effect.p"],
    "all alike within an arm": ["cd4.final.difference.p", "cd4.final.g.ci"],
    "a baseline that tells the arms apart": ["cd4.final.difference.p", "cd4.anova.arm.p"],
    "one follow-up visit": ["cd4.final.difference.p", "cd4.anova.interaction.p", "cd4.gee.effect.cr2.p"],
    "2 + 2 subjects": ["cd4.final.difference.p", "cd4.final.g.ci", "cd4.anova.arm.p"],
    "3 + 17 subjects": ["cd4.final.g.ci", "cd4.anova.visit_type2.p", "cd4.gee.effect.cr2.p", "cd4.gee.final.p"],
}


def one_parameter(facts):
    facts["parameters"] = [parameter for parameter in facts["parameters"] if parameter["paramcd"] == "CD4"]
    for key in ("baseline", "families"):
        facts.pop(key)


def keep(copy, kept):
    """Keep some subjects only."""
    for name in ("adsl", "adlb"):
        copy.rows(name, lambda table: table["USUBJID"].isin(kept))
    copy.facts(lambda facts: facts.update(randomised=len(kept)))


def move(copy, moved):
    """Give some subjects to the reference arm."""
    for name, columns in (("adsl", ["ARM", "TRT01P", "TRT01A"]), ("adlb", ["TRTP", "TRTA"])):

        def change(table, columns=columns):
            table.loc[table["USUBJID"].isin(moved), columns] = "ART"
            return table

        copy.table(name, change)


@pytest.fixture(scope="module", params=some_long(SITUATIONS))
def situation(request, tmp_path_factory, nk):
    """A name, and the trial in which it is so: one efficacy parameter, no other tables."""
    copy = copy_of_paper(tmp_path_factory.mktemp("situation"))
    for name in ("adae", "adex"):
        (copy.folder / f"{name}.csv").unlink()
    copy.facts(one_parameter)
    copy.rows("adlb", lambda table: table["PARAMCD"] == "CD4")
    subjects = {arm: people["USUBJID"].tolist() for arm, people in nk.subjects().items()}
    if request.param in VALUES:
        copy.values(VALUES[request.param], nk.subjects())
    elif request.param == "one follow-up visit":
        copy.rows("adlb", lambda table: table["AVISITN"].isin(["0", "24"]))
    elif request.param == "3 + 17 subjects":
        move(copy, subjects["nk_art"][3:])
    else:
        sizes = [int(n) for n in request.param.removesuffix(" subjects").split(" + ")]
        keep(copy, [who for n, people in zip(sizes, subjects.values(), strict=True) for who in people[:n]])
    return request.param, copy.read()


def fault(row):
    """What is wrong with a row, None if nothing is."""
    if row.value is None:
        return None if len(row.reason) > 7 else "no value, and no reason"
    numbers = row.value if isinstance(row.value, list) else [row.value]
    finite = all(isinstance(number, str) or math.isfinite(number) for number in numbers)
    return "a reason and a value" if row.reason else None if finite else "not finite"


def test_every_row_has_a_finite_value_or_a_reason(situation):
    name, found = situation
    faults, rows = [], {}
    for analysis, run in ANALYSES.items():
        try:
            results = run(found)
        except Exception as error:
            faults.append(f"{analysis}: {type(error).__name__}: {error}")
            continue
        faults += [f"{analysis}: {row.key}: {wrong}" for row in results if (wrong := fault(row))]
        rows |= {row.key: row for row in results if row.key not in rows}
    assert not faults, "\n".join(faults)
    for key, reason in SAID.get(name, {}).items():
        assert (rows[key].value, reason in rows[key].reason) == (None, True), rows[key]
    for key in ANSWERED.get(name, []):
        assert rows[key].value is not None, rows[key]


@pytest.mark.parametrize("situation", some_long(name for name in SITUATIONS if name != "arms far apart"), indirect=True)
def test_both_programs_agree_on_what_can_be_estimated(situation):
    """The second one knows by itself where there is no answer; how many numbers are compared does not change.

    Of values near 1e9 that differ by thousandths, squares keep too few digits to agree to a millionth.
    """
    _, found = situation
    rows = everything(found).update(flow.flow(found))
    seconds = double_programming.of_cohort(found) | double_programming.of_efficacy(found)
    checked = double_programming.check(found, rows, seconds)
    assert checked["double.n"].value == len(double_programming.promised(found))


@pytest.mark.parametrize(
    ("situation", "silent"), [("an arm without follow-up", []), ("2 + 2 subjects", [3])], indirect=["situation"]
)
def test_displays_are_made_of_what_there_is(situation, silent):
    """Of four people the residuals can be drawn, but neither is there a GEE nor a test that arms vary alike."""
    _, found = situation
    parameter, (checks, arrays) = found.parameters("efficacy")[0], longitudinal.anova_checks(found)
    by_visit = longitudinal.effect_by_visit(found)
    shown = [
        tables.anova(found, longitudinal.anova(found)),
        tables.anova_checks(found, checks, parameter),
        tables.effect_by_visit(found, by_visit, parameter),
        figures.anova_checks(found, checks, parameter, arrays),
        figures.effect_by_visit(found, by_visit, parameter),
    ]
    told = ["not estimable" in str(display._repr_mimebundle_()) for display in shown]
    assert told == [place not in silent for place in range(len(shown))]


@pytest.mark.parametrize("situation", ["two visits perfectly correlated"], indirect=True)
def test_a_singular_working_correlation_is_named(situation):
    """The unstructured GEE and the MMRM cannot be fitted, the exchangeable one can."""
    _, found = situation
    small = {"covariance": "CR2", "reference": "satterthwaite"}
    row = efficacy.gee(found, Model(correlation="unstructured", **small))["cd4.gee.effect"]
    assert "the unstructured working correlation is" in row.reason
    assert "choose a simpler structure" in row.reason
    row = efficacy.gee(found, Model("REML", "unstructured", "model", "satterthwaite"))["cd4.gee.effect"]
    assert row.reason == "the data cannot bear a covariance of 6 visits: too few subjects"
    assert efficacy.gee(found, Model(**small))["cd4.gee.effect"].value is not None


# which results of a trial of several parameters are not estimable, and who is in which analysis


def everything(found):
    results = efficacy.by_visit(found)
    for analysis in (efficacy.final_difference, longitudinal.anova, efficacy.gee):
        results.update(analysis(found))
    return results


@pytest.fixture
def spoiled(copy, nk):
    """A function that alters CD4 by (arm, visit, number in the arm, value) and gives all results."""

    def analyse(become):
        copy.values(become, nk.subjects())
        return everything(copy.read())

    return analyse


def not_estimable(rows, parameter="cd4"):
    """The reasons by key; each row says one, and only such a row does."""
    own = [row for row in rows if row.key.startswith(f"{parameter}.")]
    for row in own:
        assert (row.value is None) == (row.display == "not estimable") == bool(row.reason)
        assert "not estimable" not in row.method
    return {row.key.removeprefix(f"{parameter}."): row.reason for row in own if row.value is None}


def keys_of_tests(prefix):
    if prefix == "final.difference":
        return {
            f"{prefix}{kind}.{part}" for kind in ("", ".welch") for part in ("se", "ci", "half_width", "p", "t", "df")
        }
    if prefix == "gee":
        cr2 = {f"gee.effect.cr2.{part}" for part in ("se", "ci", "half_width", "p", "df")}
        robust = {f"gee.effect.{part}" for part in ("se", "ci", "half_width", "p")}
        return {"gee.correlation", "gee.qic", "gee.effect"} | robust | cr2
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
    assert reasons["final.difference"] == "an arm has no value"
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
    assert reasons["gee.effect"] == "nobody in the test arm has both a baseline and a follow-up value"
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
    assert "more clusters than the 4 there are" in rows["cd4.gee.effect"].reason


def test_missing_values_are_counted_out(spoiled):
    """Without a baseline, without follow-up, without one visit: who is in which analysis."""
    lost = {0: ["0"], 1: ["1", "3", "6", "9", "12", "24"], 2: ["24"]}
    rows = spoiled(lambda arm, visit, i, x: None if arm == "art" and visit in lost.get(i, []) else x)
    assert rows["cd4.baseline.art.n"].value == 9
    assert rows["cd4.final.art.n"].value == 8
    assert rows["cd4.final.difference"].n == 18
    assert rows["cd4.final.art.change.mean_sd"].n == 7
    assert rows["cd4.anova.art.n"].value == 7
    assert rows["cd4.gee.art.n"].value == 8
    assert rows["cd4.gee.observations.n"].value == 18 * 6 - 1
    assert "not estimable" not in {row.display for row in rows}
