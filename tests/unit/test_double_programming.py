"""The headline numbers computed twice: both ways agree on every trial, with R too, and a wrong number is found out."""

import re
from dataclasses import replace

import pytest
from builds import ROOT
from reference import answers

from trialbook.analysis import adverse_events, double_programming, efficacy, flow, longitudinal
from trialbook.results.row import Results
from trialbook.trial.model import read_trial

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


def test_both_ways_agree_on_our_trial(nk_both_ways):
    reported, seconds = nk_both_ways
    checked = double_programming.check(reported, seconds)
    assert len(checked) == checked["double.n"].value + 1 == len(seconds) + 1


@pytest.mark.parametrize("name", REAL)
def test_both_ways_agree_on_a_real_trial(real_trial, name):
    reported, seconds = both_ways(read_trial(real_trial(name)))
    assert double_programming.check(reported, seconds)["double.n"].value > 30


@pytest.mark.parametrize(("name", "parameter"), [("amitriptyline_hivsn", "PAIN"), ("actg175_n20", "CD4")])
def test_the_second_way_gives_what_r_gives(real_trial, name, parameter):
    seconds, r = double_programming.of_efficacy(read_trial(real_trial(name))), answers(name)
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


@pytest.mark.parametrize("key", ["cohort.randomised.n", "cd4.final.difference.ci", "cd8.gee.effect.cr2.p"])
def test_a_wrong_number_is_found_out(nk_both_ways, key):
    reported, seconds = nk_both_ways
    value = reported[key].value
    wrong = [value[0], value[1] * (1 + 1e-5)] if isinstance(value, list) else value * (1 + 1e-5)
    tampered = Results(reported.alpha)
    tampered.update(replace(row, value=wrong) if row.key == key else row for row in reported)
    with pytest.raises(double_programming.DisagreementError, match=re.escape(key)) as raised:
        double_programming.check(tampered, seconds)
    assert len(str(raised.value).splitlines()) == 2
