"""The course over all visits: against afex, ez, car and clubSandwich on real trials, and what cannot be estimated."""

import json
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import NK_INR
from reference import PARAMETERS, answers, need_r, with_holes
from scipy import stats

from trialbook.analysis import efficacy, longitudinal
from trialbook.displays import figures, tables

pytestmark = pytest.mark.filterwarnings("error")
EXACT = {"rel": 1e-8, "abs": 1e-12}
SCRIPT = Path(__file__).parents[1] / "reference" / "effect_by_visit.R"
R = json.loads(SCRIPT.with_suffix(".json").read_text())


@pytest.fixture(scope="module")
def analysed(real):
    """A function that gives the analysis of variance of a real trial, once."""
    return cache(lambda name: longitudinal.anova(real(name)))


# the ANOVA


@pytest.mark.parametrize(("name", "code"), PARAMETERS)
def test_anova_equals_afex(analysed, name, code):
    rows = analysed(name)
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
            assert rows[f"{key}.mauchly.p"].reason == "two visits are always spherical"
        assert rows[f"{key}.{part}.p"].value == pytest.approx(corrected["p_GG"], **EXACT)
        assert rows[f"{key}.{part}.p_hf"].value == pytest.approx(corrected["p_HF"], **EXACT)
        assert rows[f"{key}.epsilon"].value == pytest.approx(corrected["GGeps"], **EXACT)
        assert rows[f"{key}.epsilon_hf"].value == pytest.approx(corrected["HFeps"], **EXACT)
    for theirs in answers(name)[f"{code}.anova_ez_type3"]["value"]["ANOVA"]:
        part = next(part for part, (label, _) in parts.items() if label == theirs["Effect"])
        assert rows[f"{key}.{part}.generalised_eta_squared"].value == pytest.approx(theirs["ges"], **EXACT)


def test_checks_equal_scipy(real):
    found = real("actg175_n20")
    rows, checks = longitudinal.anova_checks(found)
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
def test_displays_of_the_course_are_laid_out(real, nk, name):
    found = nk if name == "nk_inr" else real(name)
    checks, arrays = longitudinal.anova_checks(found)
    by_visit = longitudinal.effect_by_visit(found)
    rows = tables.anova(found, longitudinal.anova(found)).rows
    unequal = "visit_type2" in {row.key.split(".")[2] for row in longitudinal.anova(found)}
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


# the effect at each visit


@pytest.mark.parametrize("key", R["results"])
def test_effects_by_visit_equal_clubsandwich(real, nk, key):
    name, code, *holes = key.split(".")
    found, theirs = nk if name == "nk_inr" else real(name), R["results"][key]
    if holes:
        adlb = found.adlb[(found.adlb["PARAMCD"] == code) & found.adlb["BASE"].notna()]
        later = adlb[(adlb["AVISITN"] > 0) & adlb["AVAL"].notna()]
        gone = later.index.difference(with_holes(later).index)
        found = replace(found, adlb=found.adlb.assign(AVAL=found.adlb["AVAL"].mask(found.adlb.index.isin(gone))))
    rows, code = longitudinal.effect_by_visit(found), code.lower()
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


@pytest.mark.r
def test_rerunning_r_gives_these_effects_by_visit(tmp_path):
    need_r(*R["packages"])
    out = tmp_path / "answers.json"
    subprocess.run(["Rscript", SCRIPT, out, NK_INR], check=True, capture_output=True)
    again = json.loads(out.read_text())["results"]
    assert again.keys() == {key for key in R["results"] if key.startswith("nk_inr.")}
    for key, model in again.items():
        committed = R["results"][key]
        for quantity in ("alpha", "effect", "se", "df", "p"):
            assert model[quantity] == pytest.approx(committed[quantity], rel=1e-5)
        assert model["equal_effects"] == pytest.approx(committed["equal_effects"], rel=1e-5)


def test_a_visit_that_an_arm_missed_has_no_effect_and_the_others_have(nk, copy):
    copy.values(lambda arm, visit, i, x: "" if (arm, visit) == ("art", "6") else x, nk.subjects())
    rows = longitudinal.effect_by_visit(copy.read())
    reason = "nobody with a baseline in ART has a value at this visit"
    assert {row.reason for row in rows if row.key.startswith("cd4.gee.month_6.")} == {reason}
    assert rows["cd4.gee.month_6.effect"].n == 10
    assert rows["cd4.gee.month_9.p"].value is not None
    assert rows["cd4.gee.equal_effects.df"].value.startswith("4, ")


def test_one_follow_up_visit_has_nothing_to_be_equal_to(real):
    found = real("actg175_n20")
    rows, overall = longitudinal.effect_by_visit(found), efficacy.gee(found)
    assert rows["cd8.gee.final.p"].value == pytest.approx(overall["cd8.gee.effect.cr2.p"].value, rel=1e-9)
    assert rows["cd8.gee.equal_effects.p"].reason == "there is an effect at one visit only"
