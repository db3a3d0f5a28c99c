"""How far two groups differ on a variable, in units that all variables share."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import integrate, stats
from scipy.special import gammaln

from trialbook.errors import NotEstimable

EMPTY, ALIKE, FEW = "an arm has no value", "no spread within the arms", "fewer than four participants"


def mean_difference(test: ArrayLike, reference: ArrayLike) -> float:
    """Give Cohen's d: the difference in means over the pooled standard deviation.

    Parameters
    ----------
    test, reference : array-like of float, shape (n,)
        Known values.

    Returns
    -------
    float
        Test minus reference.

    Raises
    ------
    NotEstimable
        Where the pooled standard deviation is zero or cannot be had.

    References
    ----------
    Cohen 1988, Statistical Power Analysis for the Behavioral Sciences, 2nd edition.
    """
    test, reference = np.asarray(test, float), np.asarray(reference, float)
    if not (len(test) and len(reference)):
        raise NotEstimable(EMPTY)
    squares = sum(((group - group.mean()) ** 2).sum() for group in (test, reference))
    spread = np.sqrt(squares / max(len(test) + len(reference) - 2, 1))
    if spread <= 1e-12 * max(1, abs(test).max(), abs(reference).max()):
        raise NotEstimable(ALIKE)
    return float((test.mean() - reference.mean()) / spread)


def distribution_difference(test: ArrayLike, reference: ArrayLike) -> float:
    """Give the standardised difference of a variable with two levels or more.

    Parameters
    ----------
    test, reference : array-like of int, shape (levels,)
        Participants at each level.

    Returns
    -------
    float
        The Mahalanobis distance between the proportions, never negative: levels have no direction.

    Raises
    ------
    NotEstimable
        Where a group is empty, or where the groups differ and each is of one level.

    References
    ----------
    Yang & Dalton 2012, SAS Global Forum, paper 335 (multi-level form, as in the R package tableone).
    """
    counts = np.array([test, reference], float)
    if (counts.sum(axis=1) == 0).any():
        raise NotEstimable(EMPTY)
    shares = (counts / counts.sum(axis=1, keepdims=True))[:, 1:]
    difference = shares[0] - shares[1]
    if not difference.any():
        return 0.0
    covariance = sum(np.diag(share) - np.outer(share, share) for share in shares) / 2
    inverse = np.linalg.pinv(covariance, hermitian=True)
    if not np.allclose(covariance @ (inverse @ difference), difference):
        raise NotEstimable(ALIKE)
    return float(np.sqrt(difference @ inverse @ difference))


def expected_by_chance(test: int, reference: int) -> float:
    """Give the mean absolute Cohen's d that randomisation alone makes of a normal variable.

    Parameters
    ----------
    test, reference : int
        Sizes of the groups.

    Returns
    -------
    float

    Raises
    ------
    NotEstimable
        Below four participants in all, where it is infinite.

    Notes
    -----
    d is Student's t times √(1/n + 1/m); the mean of |t| with f degrees of freedom is
    √(f/π) Γ((f − 1)/2) / Γ(f/2).
    """
    free = test + reference - 2
    if free < 2 or not (test and reference):
        raise NotEstimable(FEW)
    mean = np.sqrt(free / np.pi) * np.exp(gammaln((free - 1) / 2) - gammaln(free / 2))
    return float(mean * np.sqrt(1 / test + 1 / reference))


def largest_by_chance(test: int, reference: int, variables: int) -> float:
    """Give the mean of the largest absolute Cohen's d of several independent normal variables under randomisation.

    Parameters
    ----------
    test, reference : int
        Sizes of the groups.
    variables : int

    Returns
    -------
    float

    Raises
    ------
    NotEstimable
        As `expected_by_chance`.

    Notes
    -----
    The mean of the largest is the integral of the chance that it is larger, `p_of_largest`.
    """
    return float(integrate.quad(p_of_largest, 0, np.inf, args=(test, reference, variables))[0])


def p_of_largest(largest: float, test: int, reference: int, variables: int) -> float:
    """Give the chance that randomisation makes the largest absolute Cohen's d of several as large as this or larger.

    Parameters
    ----------
    largest : float
    test, reference, variables
        As of `largest_by_chance`.

    Returns
    -------
    float

    Raises
    ------
    NotEstimable
        As `expected_by_chance`.
    """
    if test + reference < 4 or not (test and reference):
        raise NotEstimable(FEW)
    below = 1 - 2 * stats.t.sf(largest / np.sqrt(1 / test + 1 / reference), test + reference - 2)
    return float(1 - below**variables)
