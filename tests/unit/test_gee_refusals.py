"""GEE: what data, visits and tests are refused, in words."""

from functools import partial
from typing import get_args

import numpy as np
import pytest

from trialbook.errors import NotEstimable
from trialbook.stats import gee


def refused(message, y, X, groups, structure="exchangeable", visits=None, error=NotEstimable):
    with pytest.raises(error, match=message):
        gee.fit(y, X, groups, structure, visits)


misused = partial(refused, error=ValueError)


def test_what_no_caller_may_ask_is_not_taken_for_a_lack_of_data(unbalanced):
    y, X, groups = unbalanced
    gap = y.copy()
    gap[3] = np.nan
    misused("drop rows with missing values", gap, X, groups)
    misused("drop rows with missing values", y, np.where(X[5, 2] == X, np.inf, X), groups)
    misused(r"must have the same rows", y[1:], X, groups)
    misused(r"must have the same rows", y, X, groups[1:])
    misused(r"must have the same rows", y, X[:, 0], groups)
    for missing in (None, np.nan):
        misused("groups has missing labels", y, X, [missing, *groups.tolist()[1:]])
    misused("'AR1' is not one of independence, exchangeable, ar1, unstructured", y, X, groups, "AR1")


def test_designs_that_the_data_do_not_determine_are_refused_in_words(unbalanced):
    y, X, groups = unbalanced
    refused("4 parameters need more clusters than the 4 there are", y, X, groups % 4)
    refused("5 columns but rank 4", y, np.column_stack([X, X[:, 0] - X[:, 1]]), groups)
    refused("5 columns but rank 4", y, np.column_stack([X, 0 * y]), groups)


@pytest.mark.parametrize("structure", ["ar1", "unstructured"])
def test_unusable_visits_are_refused_in_words(unbalanced, structure):
    y, X, groups = unbalanced
    visits = X[:, 3]
    misused("need the visit index of each row", y, X, groups, structure)
    for wrong in (
        visits[1:],
        visits + 0.5,
        np.where(visits == 2, np.nan, visits),
        visits + np.inf,
        ["one"] * 78,
        3,
    ):
        misused("visits must be 78 whole numbers, one for each row", y, X, groups, structure, wrong)
    twice = np.where(groups == 4, 5, visits)
    misused("cluster 4 has more than one row at visit 5", y, X, groups, structure, twice)


def test_exact_fit_is_refused(unbalanced):
    _, X, groups = unbalanced
    refused("fits the outcome exactly", X @ [1, 2, 3, 4], X, groups)
    refused("fits the outcome exactly", 0 * X[:, 0], X, groups)


@pytest.mark.parametrize("structure", get_args(gee.Structure)[1:])
@pytest.mark.parametrize("wide", [[[1, 1], [2, 2], [4, 4]], [[1, -1], [2, -2], [4, -4]]])
def test_singular_working_correlation_is_refused(structure, wide):
    where = "" if structure == "exchangeable" else " at visits 2, 3"
    message = f"the {structure} working correlation is singular for clusters of 2 rows{where} .*choose a simpler"
    refused(message, np.ravel(wide), np.ones((6, 1)), [0, 0, 1, 1, 2, 2], structure, [2, 3] * 3)


def test_indefinite_working_correlation_is_refused():
    """Two visits vary far more than the scale that all visits share: their products exceed one."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(10, 1)) * [1, 9, 9] + rng.normal(size=(10, 3))
    message = "unstructured working correlation is not positive definite for clusters of 3 rows at visits 0, 1, 2"
    refused(message, y.ravel(), np.ones((30, 1)), np.repeat(range(10), 3), "unstructured", [0, 1, 2] * 10)


def test_lack_of_convergence_is_an_error(unbalanced, monkeypatch):
    monkeypatch.setattr(gee, "MAX_ITERATIONS", 2)
    refused("did not converge in 2 iterations", *unbalanced)


def test_unusable_tests_are_refused_in_words(unbalanced):
    fit = gee.fit(*unbalanced)
    for contrast in ([1, 0], [0, 0, 0, 0], [0, np.nan, 0, 0], 1):
        with pytest.raises(ValueError, match="4 finite weights, not all zero"):
            fit.test(contrast)
    for alpha in (0, 1, 5):
        with pytest.raises(ValueError, match="alpha is between 0 and 1"):
            fit.test([0, 1, 0, 0], alpha=alpha)
    with pytest.raises(ValueError, match="'HC3' is not one of robust, KC, MD, CR2"):
        fit.test([0, 1, 0, 0], "HC3")
    with pytest.raises(ValueError, match="'F' is not one of z, t, satterthwaite"):
        fit.test([0, 1, 0, 0], reference="F")


def test_contrast_without_residual_variance_is_refused():
    """One subject is an arm of its own: its mean has no variance between subjects."""
    arm = np.array([0.0, 0, 0, 1])
    fit = gee.fit([1.0, 4, 2, 9], np.column_stack([1 - arm, arm]), range(4), "independence")
    with pytest.raises(NotEstimable, match="no residual variance"):
        fit.test([0, 1])
    assert fit.test([1, 0]).se > 0


def test_joint_tests_of_no_contrasts_are_refused(unbalanced):
    y, X, groups = unbalanced
    fit = gee.fit(y, X, groups, "exchangeable")
    for contrasts in ([0, 1, 0, 0], [[1, 0]], [[0, 1, 0, 0], [0, 2, 0, 0]]):
        with pytest.raises(ValueError, match="independent rows of 4 finite weights"):
            fit.joint_test(contrasts)
