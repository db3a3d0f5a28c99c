"""How numbers are written: the rules of SAMPL and of the AMA Manual of Style."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialbook.results import formats

finite = st.floats(-1e9, 1e9)
digits = st.integers(0, 6)
proportion = st.floats(0, 1)


def read_back(text):
    return float(text.replace("\u2212", "-"))


# numbers


@given(finite, digits)
def test_number_keeps_its_decimals_and_its_value(value, decimals):
    text = formats.number(value, decimals)
    assert len(text.partition(".")[2]) == decimals
    assert abs(read_back(text) - value) <= 0.5 * 10**-decimals + 1e-6


@given(finite, digits)
def test_number_has_a_minus_sign_and_no_negative_zero(value, decimals):
    text = formats.number(value, decimals)
    assert "-" not in text
    assert text.startswith("\u2212") == (read_back(text) < 0)


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
def test_a_missing_value_is_said(missing):
    for text in (
        formats.number(missing),
        formats.percent(missing),
        formats.interval([1, missing]),
        formats.centre_spread(missing, 1),
        formats.centre_spread(1, missing),
        formats.centre_spread(1, [0, missing]),
    ):
        assert text == "not estimable"
    assert formats.p_value(None) == formats.p_value(math.nan) == "not estimable"


@pytest.mark.parametrize(("value", "digits"), [(66.5, 0), (0.125, 2), (-2.5, 0), (1234.0625, 3), (38.45, 1)])
def test_a_tie_is_rounded_alike_whatever_the_last_bits_are(value, digits):
    """Sums in another order miss a tie by some units of the last place."""
    near = value * (1 + 4 * np.finfo(float).eps * np.arange(-2, 3))
    assert len({formats.number(one, digits) for one in near}) == 1


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(66.5, 0, "67"), (67.5, 0, "68"), (0.15, 1, "0.2"), (0.25, 1, "0.3"), (-0.35, 1, "\u22120.4"), (2.665, 2, "2.67")],
)
def test_a_half_is_rounded_away_from_zero(value, digits, text):
    assert formats.number(value, digits) == text


@pytest.mark.parametrize(
    ("count", "text"), [(1, "1 (13%)"), (3, "3 (38%)"), (5, "5 (63%)"), (7, "7 (88%)"), (2, "2 (25%)")]
)
def test_eighths_are_written_as_journals_do(count, text):
    assert formats.count_percent(count, 8) == text


def test_a_value_that_is_no_tie_is_rounded_to_the_nearest():
    assert [formats.number(value) for value in (66.499999, 66.500001, 1e15 + 1)] == ["66", "67", "1000000000000001"]


# P values


@given(proportion, st.sampled_from([0.01, 0.025, 0.05, 0.1]))
def test_p_is_exact_between_its_limits_and_never_zero_or_one(p, alpha):
    text = formats.p_value(p, alpha)
    if p < 0.001:
        assert text == "<0.001"
    elif p > 0.99:
        assert text == ">0.99"
    else:
        decimals = len(text.partition(".")[2])
        assert 0 < float(text) < 1
        assert abs(float(text) - p) <= 0.5 * 10**-decimals + 1e-12
        assert decimals >= (3 if p < 0.1 else 2)


@given(proportion, st.sampled_from([0.01, 0.025, 0.05, 0.1]))
def test_p_below_alpha_is_read_below_alpha(p, alpha):
    text = formats.p_value(p, alpha)
    if 0.001 <= p < alpha:
        assert float(text) < alpha
    if alpha <= p <= 0.99:
        assert float(text) >= alpha


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "<0.001"),
        (0.00099, "<0.001"),
        (0.001, "0.001"),
        (0.0241, "0.024"),
        (0.0496, "0.0496"),
        (0.04999, "0.04999"),
        (0.05, "0.050"),
        (0.0504, "0.050"),
        (0.123, "0.12"),
        (0.986, "0.99"),
        (0.996, ">0.99"),
        (1.0, ">0.99"),
    ],
)
def test_p_by_the_manual(p, text):
    assert formats.p_value(p) == text


# intervals, counts, centres


@given(finite, finite, digits)
def test_interval_has_the_precision_of_its_estimate(low, high, decimals):
    lower, upper = formats.interval([low, high], decimals).split(" to ")
    assert lower == formats.number(low, decimals)
    assert upper == formats.number(high, decimals)


def test_interval_of_negative_numbers_has_no_dash_between():
    assert formats.interval([-12.34, -5], 1) == "\u221212.3 to \u22125.0"


@given(st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_percentage_stands_with_its_count_and_has_no_decimals_below_a_hundred(pair):
    count, total = pair
    text = formats.count_percent(count, total)
    number, _, share = text.partition(" ")
    assert int(number) == count
    assert ("." in share) == (total >= 100)
    half = 0.5 if total < 100 else 0.05
    assert float(share.strip("()%")) == pytest.approx(100 * count / total, abs=half + 1e-9)  # a half is in decimals


def test_counts_in_a_sentence_and_of_nobody():
    assert formats.count_of(2, 10) == "2 of 10"
    assert formats.count_percent(0, 0) == "0"


def test_spread_stands_in_brackets_and_never_after_a_plus_minus():
    assert formats.centre_spread(139.4, 33.6) == "139 (34)"
    assert formats.centre_spread(0.42, 0.2, 2) == "0.42 (0.20)"
    assert formats.centre_spread(5.25, [3, 8.5], 1) == "5.3 (3.0 to 8.5)"


# parts of keys


@given(st.text())
def test_slug_is_stable_and_has_no_dots_or_blanks(text):
    part = formats.slug(text)
    assert formats.slug(part) == part
    assert not set(part) & set(". \t\n-+<>")


def test_slug_tells_signs_apart():
    labels = ["<50", ">50", "≤50", "≥50", "50", "50+"]
    assert len({formats.slug(label) for label in labels}) == len(labels)
    assert formats.slug("Month 24") == "month_24"
