"""Randomisation inference says in words what it cannot answer."""

import numpy as np
import pytest
from test_permutation import STATISTICS, brute_p, every_statistic, run, trial

from trialbook.errors import NotEstimable
from trialbook.stats import permutation

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")  # what has no answer is said in words
ARMS = [True] * 3 + [False] * 3
OUTCOME = [1.0, 2, 3, 5, 8, 13]


@pytest.mark.parametrize(
    ("y", "test", "baseline", "words"),
    [
        (OUTCOME, [True] + [False] * 5, None, "test has 1, reference 5"),
        (OUTCOME, [True] * 6, None, "test has 6, reference 0"),
        (OUTCOME, ARMS, [7] * 6, "the baseline is the same in every subject"),
        (OUTCOME, ARMS, [4, 4, 4, 9, 9, 9], "the baseline tells the arms apart"),
        ([0.1] * 6, ARMS, None, "do not vary within arms"),
        ([0.1] * 3 + [0.7] * 3, ARMS, None, "do not vary within arms"),
        ([2, 4, 6, 18, 20, 22], ARMS, [1, 2, 3, 4, 5, 6], "do not vary within arms"),
        ([], [], None, "nobody has an outcome"),
    ],
)
def test_the_difference_says_why_it_cannot_be_tested(y, test, baseline, words):
    with pytest.raises(NotEstimable, match=words):
        permutation.difference(y, test, baseline)


@pytest.mark.parametrize(
    ("y", "test", "baseline", "words"),
    [
        ([np.nan, *OUTCOME[1:]], ARMS, None, "1 of 6 subjects miss an outcome: keep those who have one"),
        (OUTCOME, [*ARMS, True], None, "6 values, true"),
        (OUTCOME, ["A", "A", "A", "B", "B", "B"], None, "6 values, true"),
        (OUTCOME, ARMS, [np.nan, 1, 2, 3, 4, 5], "6 finite baseline values"),
        (np.ones((6, 2)), ARMS, None, r"outcomes must be \(n,\), not"),
    ],
)
def test_what_no_caller_may_ask_is_not_taken_for_a_lack_of_data(y, test, baseline, words):
    with pytest.raises(ValueError, match=words):
        permutation.difference(y, test, baseline)


@pytest.mark.parametrize("sizes", [(2, 2), (2, 4)])
@every_statistic
def test_the_smallest_trials_say_so_too(name, sizes):
    y, test, baseline = trial(*sizes)
    assert run(name, y, test, baseline).p == pytest.approx(brute_p(name, y, test, baseline), rel=1e-12)
    for constant in (0 * y, 0 * y + 1e9, y * 0 + test[:, None]):
        with pytest.raises(NotEstimable, match="do not vary within arms"):
            run(name, constant, test, baseline)
    if STATISTICS[name][1]:
        for useless, words in ((test + 3.0, "tells the arms apart"), (0 * baseline, "is the same in every subject")):
            with pytest.raises(NotEstimable, match=words):
                run(name, y, test, useless)


@pytest.mark.parametrize("options", [{"alpha": 0}, {"alpha": 1.0}, {"alpha": np.nan}, {"draws": 0}])
def test_alpha_and_draws_must_make_sense(options):
    with pytest.raises(ValueError, match="alpha lies between 0 and 1"):
        permutation.difference(OUTCOME, ARMS, **options)


def test_a_missing_visit_says_what_to_use_instead():
    y, test, baseline = trial(4, 4)
    y[2, 1] = np.nan
    with pytest.raises(NotEstimable, match=r"1 of 8 subjects miss .* use CR2"):
        permutation.gee(y, test, baseline)


def test_an_effect_that_rests_on_subjects_who_fit_exactly_has_no_standard_error():
    test, women = np.array([1, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, 1, 1])  # men alone compare the arms
    with pytest.raises(NotEstimable, match="too few subjects carry information on the effect"):
        permutation.gee([[5], [2], [2], [1], [4], [9]], test, women)
    assert permutation.gee([[5], [2], [3], [1], [4], [9]], test, women).se > 0
