"""What a mean does not tell: who carries an effect, the course over time, and how many are well at the end."""

from itertools import pairwise

import numpy as np
import pytest

from trialbook.analysis import influence


@pytest.fixture(scope="module")
def carried(nk):
    return influence.influence(nk)


def test_the_effect_on_the_cd8_count_rests_on_three(carried):
    """As a statistical referee found by hand: without three participants 99 cells/μL, P = 0.26."""
    assert carried["cd8.gee.rest.left_out.n"].value == 3
    assert carried["cd8.gee.rest"].display == "99"
    assert carried["cd8.gee.rest.p"].display == "0.26"
    assert carried["cd8.gee.rest"].n == 17


def test_one_participant_fewer_left_out_leaves_more_than_half(nk, carried):
    """With complete data the effect is the analysis of covariance of the follow-up means."""
    wide = nk.values("CD4", nk.facts.analysis_sets.efficacy)

    def effect(left_out):
        test, reference = (values.to_numpy(float) for values in wide.values())
        change = test[:, 1:].mean(axis=1) - test[:, 0]
        test = test[np.argsort(-change)[left_out:]]
        y = np.concatenate([test, reference])
        arm = np.repeat([1.0, 0.0], [len(test), len(reference)])
        X = np.column_stack([np.ones(len(y)), arm, y[:, 0]])
        return np.linalg.lstsq(X, y[:, 1:].mean(axis=1), rcond=None)[0][1]

    n = carried["cd4.gee.rest.left_out.n"].value
    assert effect(n) < effect(0) / 2 <= effect(n - 1)
    assert carried["cd4.gee.rest"].value == pytest.approx(effect(n))


def test_the_mean_over_time_is_the_area_under_the_course(nk):
    rows = influence.over_time(nk)
    for arm, values in nk.values("CD4", nk.facts.analysis_sets.efficacy).items():
        times = list(values.columns)
        area = sum((values[a] + values[b]) / 2 * (b - a) for a, b in pairwise(times))
        assert rows[f"cd4.over_time.{arm}.mean"].value == pytest.approx((area / times[-1]).mean())
    means = [rows[f"cd4.over_time.{arm}.mean"].value for arm in ("nk_art", "art")]
    assert rows["cd4.over_time.difference"].value == pytest.approx(means[0] - means[1])


def test_who_is_at_the_threshold_is_counted(nk, copy):
    rows = influence.reached(nk)
    final = nk.adlb[(nk.adlb["PARAMCD"] == "CD4") & (nk.adlb["AVISITN"] == 24)]
    for arm in nk.arms:
        own = final[final["TRTP"] == arm.value]
        assert rows[f"cd4.reached.{arm.id}.n_of"].value == [int((own["AVAL"] >= 200).sum()), len(own)]
    assert "cd8.threshold" not in rows
    copy.facts(lambda facts: facts["parameters"][0].update(threshold=float(final["AVAL"].max())))
    counted = influence.reached(copy.read())
    assert sum(counted[f"cd4.reached.{arm.id}.n_of"].value[0] for arm in nk.arms) == 1  # who is at it counts


def test_a_trial_without_a_complete_course_or_an_effect_says_why(copy):
    copy.rows("adlb", lambda t: (t["PARAMCD"] != "CD4") | (t["AVISITN"] != "6") | (t["TRTP"] != "ART"))
    rows = influence.over_time(copy.read())
    assert rows["cd4.over_time.art.mean"].reason == "nobody has every visit"
    assert rows["cd4.over_time.difference"].value is None and rows["cd4.over_time.difference"].reason


@pytest.mark.parametrize("name", ["actg175", "actg175_n20", "amitriptyline_hivsn"])
def test_real_trials_have_answers_or_reasons(real, name):
    found = real(name)
    for results in (influence.influence(found), influence.over_time(found)):
        assert len(results) and all(row.value is not None or row.reason for row in results)
