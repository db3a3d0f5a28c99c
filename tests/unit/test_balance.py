"""How far two groups differ: closed forms, and a simulation."""

import numpy as np
import pytest

from trialbook.errors import NotEstimable
from trialbook.stats import balance

pytestmark = pytest.mark.filterwarnings("error")


def test_the_difference_of_two_levels_is_the_closed_form():
    p, q = 12 / 20, 5 / 25
    expected = abs(p - q) / np.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    assert balance.distribution_difference([12, 8], [5, 20]) == pytest.approx(expected, rel=1e-12)


def test_a_distance_of_three_levels_is_that_of_yang_and_dalton():
    one, other = np.array([10, 6, 4]), np.array([5, 5, 10])
    p, q = one[1:] / one.sum(), other[1:] / other.sum()
    spread = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    assert balance.distribution_difference(one, other) == pytest.approx(
        np.sqrt((p - q) @ np.linalg.solve(spread, p - q))
    )
    assert balance.distribution_difference(one[::-1], other[::-1]) == pytest.approx(
        balance.distribution_difference(one, other)
    )


def test_the_difference_expected_by_chance_is_that_of_simulated_trials():
    rng = np.random.default_rng(1)
    made = [abs(balance.mean_difference(rng.normal(size=6), rng.normal(size=9))) for _ in range(4000)]
    assert np.mean(made) == pytest.approx(balance.expected_by_chance(6, 9), abs=4 * np.std(made) / np.sqrt(4000))


@pytest.mark.parametrize(
    ("difference", "groups", "reason"),
    [
        (balance.mean_difference, ([], [1.0, 2.0]), "an arm has no value"),
        (balance.mean_difference, ([1.0], [2.0]), "no spread within the arms"),
        (balance.mean_difference, ([3.0, 3.0], [3.0, 3.0]), "no spread within the arms"),
        (balance.distribution_difference, ([0, 0], [3, 1]), "an arm has no value"),
        (balance.distribution_difference, ([4, 0], [0, 4]), "no spread within the arms"),
        (balance.expected_by_chance, (2, 1), "fewer than four participants"),
        (balance.expected_by_chance, (0, 9), "fewer than four participants"),
    ],
)
def test_what_groups_cannot_give_is_said(difference, groups, reason):
    with pytest.raises(NotEstimable) as refusal:
        difference(*groups)
    assert refusal.value.reason == reason


def test_the_largest_difference_by_chance_is_that_of_simulated_trials():
    rng = np.random.default_rng(2)
    made = [
        max(abs(balance.mean_difference(rng.normal(size=10), rng.normal(size=10))) for _ in range(9))
        for _ in range(2000)
    ]
    expected = balance.largest_by_chance(10, 10, 9)
    assert np.mean(made) == pytest.approx(expected, abs=4 * np.std(made) / np.sqrt(2000))
    beyond = balance.p_of_largest(0.93, 10, 10, 9)
    assert np.mean(np.array(made) >= 0.93) == pytest.approx(beyond, abs=4 * np.sqrt(beyond * (1 - beyond) / 2000))
    assert (round(expected, 2), round(beyond, 2)) == (0.89, 0.38)  # as a statistical referee gave them


def test_the_largest_of_one_is_that_one():
    assert balance.largest_by_chance(6, 9, 1) == pytest.approx(balance.expected_by_chance(6, 9))
