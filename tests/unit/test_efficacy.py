"""Whether the treatment worked: against R on real trials."""

from functools import cache

import numpy as np
import pytest
from conftest import TRIALS
from reference import PARAMETERS, answers, facts
from scipy import stats

from trialbook.analysis import efficacy

pytestmark = pytest.mark.filterwarnings("error")
EXACT = {"rel": 1e-8, "abs": 1e-12}


@pytest.fixture(scope="module")
def analysed(real):
    """A function that gives a real trial and all results of its efficacy, once."""

    @cache
    def analyse(name):
        found = real(name)
        results = efficacy.by_visit(found)
        for analysis in (efficacy.final_difference, efficacy.gee):
            results.update(analysis(found))
        return found, results

    return analyse


def test_every_parameter_of_r_is_compared():
    names = {path.name for path in TRIALS.iterdir() if path.is_dir()}
    assert {(name, code) for name in names for code in np.atleast_1d(facts(name)["params"])} == set(PARAMETERS)


@pytest.mark.parametrize(("name", "code"), PARAMETERS)
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
@pytest.mark.parametrize(("name", "code"), PARAMETERS)
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


@pytest.mark.parametrize(("name", "code"), PARAMETERS)
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


@pytest.mark.parametrize("digits", [0, 1, 2])
def test_model_digits_are_those_of_the_trial(copy, digits):
    copy.facts(lambda facts: facts["parameters"][0].update(model_digits=digits))
    row = efficacy.gee(copy.read())["cd4.gee.effect"]
    assert row.display == f"{row.value:.{digits}f}"


def test_half_the_width_of_an_interval_is_its_reach(nk):
    rows = efficacy.final_difference(nk)
    low, high = rows["cd4.final.difference.ci"].value
    assert rows["cd4.final.difference.half_width"].value == pytest.approx(rows["cd4.final.difference"].value - low)
    assert high - low == pytest.approx(2 * rows["cd4.final.difference.half_width"].value)


def test_a_standardised_difference_has_no_unit(nk):
    row = efficacy.standardised_difference(nk)["cd4.final.g.ci"]
    assert (row.estimand, row.n, row.unit) == ("final", 20, "")
