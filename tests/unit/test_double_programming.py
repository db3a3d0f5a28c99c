"""The headline numbers computed twice: both ways agree on every trial, with R too, and a wrong number is found out."""

import re
from dataclasses import replace

import pytest
from builds import ROOT
from reference import answers

from trialbook.analysis import adverse_events, double_programming, efficacy, flow, longitudinal
from trialbook.results.row import Results

ANALYSES = (
    flow.flow,
    adverse_events.adverse_events,
    efficacy.by_visit,
    efficacy.final_difference,
    efficacy.gee,
    longitudinal.anova,
)
REAL = ["amitriptyline_hivsn", "actg175_n20", "actg175"]


def both_ways(study):
    reported = Results(study.facts.alpha)
    for analysis in ANALYSES:
        reported.update(analysis(study))
    return reported, double_programming.of_cohort(study) | double_programming.of_safety(
        study
    ) | double_programming.of_efficacy(study)


@pytest.fixture(scope="module")
def nk_both_ways(nk):
    return both_ways(nk)


def test_both_ways_agree_where_seriousness_is_said_in_another_word(copy):
    copy.table("adae", lambda table: table.assign(AESER=["Yes", *["No"] * (len(table) - 1)]))
    study = copy.read()
    reported, seconds = both_ways(study)
    double_programming.check(study, reported, seconds)
    assert sum(reported[f"safety.serious.{arm.id}.n_of"].value[0] for arm in study.arms) == 1


def test_both_ways_agree_on_our_trial(nk, nk_both_ways):
    reported, seconds = nk_both_ways
    checked = double_programming.check(nk, reported, seconds)
    assert len(checked) == checked["double.n"].value + 1 == len(seconds) + 1


@pytest.mark.parametrize("name", REAL)
def test_both_ways_agree_on_a_real_trial(real, name):
    study = real(name)
    assert double_programming.check(study, *both_ways(study))["double.n"].value > 30


@pytest.mark.parametrize(("name", "parameter"), [("amitriptyline_hivsn", "PAIN"), ("actg175_n20", "CD4")])
def test_the_second_way_gives_what_r_gives(real, name, parameter):
    seconds, r = double_programming.of_efficacy(real(name)), answers(name)
    key, pooled = parameter.lower(), r[f"{parameter}.last_pooled"]["value"]
    assert seconds[f"{key}.final.difference"].value == pytest.approx(pooled["diff"], rel=1e-8)
    assert seconds[f"{key}.final.difference.ci"].value == pytest.approx([pooled["lo"], pooled["hi"]], rel=1e-8)
    structure = "exchangeable" if f"{parameter}.gee.adj.exchangeable" in r else "independence"
    robust, small = (r[f"{parameter}.gee.adj.{structure}{part}"]["value"] for part in ("", ".CR2_satt"))
    assert seconds[f"{key}.gee.effect"].value == pytest.approx(robust["coef"], rel=1e-6)
    assert seconds[f"{key}.gee.effect.cr2.df"].value == pytest.approx(small["df"], rel=1e-6)
    assert seconds[f"{key}.gee.effect.cr2.p"].value == pytest.approx(small["p"], rel=1e-6)
    table = r[f"{parameter}.anova_type3"]["value"]["table"]
    assert seconds[f"{key}.anova.arm.p"].value == pytest.approx(table["ARM"]["p"], rel=1e-8)


def test_every_estimate_of_the_abstract_is_computed_twice(nk_both_ways):
    reported, seconds = nk_both_ways
    abstract = (ROOT / "book/index.md").read_text("utf8")
    named = re.findall(r"\{(num|ci|p)\}`([\w.]+)`", abstract)
    keys = {f"{key}.ci" if role == "ci" else key for role, key in named}
    computed = {key for key in keys if key in reported and reported[key].statistic != "text"}
    assert len(computed) > 15
    assert computed <= seconds.keys()


def tampered(reported, key, **changes):
    """The results with one of them changed, or taken away where no change is named."""
    return {
        row.key: replace(row, **changes) if row.key == key else row for row in reported if row.key != key or changes
    }


def test_every_promised_number_is_there_on_both_sides(nk, nk_both_ways):
    reported, seconds = nk_both_ways
    keys = double_programming.promised(nk)
    assert len(keys) == len(set(keys)) > 50
    assert set(keys) <= seconds.keys()
    assert all(key in reported for key in keys)


KEYS = [
    "cohort.randomised.n",
    "safety.any.nk_art.pct",
    "cd4.final.difference.ci",
    "cd8.gee.effect.cr2.p",
    "cd4.anova.arm.p",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_wrong_number_is_found_out(nk, nk_both_ways, key):
    reported, seconds = nk_both_ways
    value = reported[key].value
    wrong = [value[0], value[1] * (1 + 1e-5)] if isinstance(value, list) else value * (1 + 1e-5)
    with pytest.raises(double_programming.DisagreementError, match=re.escape(key)) as raised:
        double_programming.check(nk, tampered(reported, key, value=wrong), seconds)
    assert len(str(raised.value).splitlines()) == 2


@pytest.mark.parametrize("key", KEYS)
def test_a_number_that_only_one_side_has_is_found_out(nk, nk_both_ways, key):
    reported, seconds = nk_both_ways
    with pytest.raises(double_programming.DisagreementError, match=f"{re.escape(key)} is not reported"):
        double_programming.check(nk, tampered(reported, key), seconds)
    less = {other: second for other, second in seconds.items() if other != key}
    with pytest.raises(double_programming.DisagreementError, match=f"{re.escape(key)} is not computed a second way"):
        double_programming.check(nk, {row.key: row for row in reported}, less)


@pytest.mark.parametrize("key", KEYS)
def test_a_number_that_only_one_side_can_estimate_is_found_out(nk, nk_both_ways, key):
    reported, seconds = nk_both_ways
    none = {"value": None, "reason": "operands could not be broadcast"}
    unable = seconds | {key: replace(seconds[key], value=None, reason="it is Sunday")}
    missing = tampered(reported, key, display="not estimable", **none)
    with pytest.raises(double_programming.DisagreementError, match="is not estimable as reported and"):
        double_programming.check(nk, missing, seconds)
    with pytest.raises(double_programming.DisagreementError, match=r"not estimable by .* \(it is Sunday\)"):
        double_programming.check(nk, {row.key: row for row in reported}, unable)
    checked = double_programming.check(nk, missing, unable)
    assert checked["double.n"].value == len(seconds)
    assert checked[f"{key}.second"].reason == "it is Sunday"


@pytest.mark.parametrize("broken", ["_means", "_why_not", "_cr2", "_box"])
def test_a_mistake_in_the_second_program_escapes(nk, monkeypatch, broken):
    def fail(*_):
        raise ValueError("operands could not be broadcast together")

    monkeypatch.setattr(double_programming, broken, fail)
    with pytest.raises(ValueError, match="could not be broadcast"):
        double_programming.of_efficacy(nk)
