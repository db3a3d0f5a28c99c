"""How far two groups differ on a variable, in units that all variables share."""

import numpy as np
from scipy.special import gammaln


def mean_difference(test, reference):
    """Give Cohen's d: the difference in means over the pooled standard deviation.

    Parameters
    ----------
    test, reference : array-like of float, shape (n,)
        Known values.

    Returns
    -------
    float or None
        Test minus reference; None where the pooled standard deviation is zero or cannot be had.

    References
    ----------
    Cohen 1988, Statistical Power Analysis for the Behavioral Sciences, 2nd edition.
    """
    test, reference = np.asarray(test, float), np.asarray(reference, float)
    free = len(test) + len(reference) - 2
    if min(len(test), len(reference)) == 0 or free < 1:
        return None
    squares = sum(((group - group.mean()) ** 2).sum() for group in (test, reference))
    spread = np.sqrt(squares / free)
    difference = test.mean() - reference.mean()
    return float(difference / spread) if spread > 1e-12 * max(1, abs(test).max(), abs(reference).max()) else None


def distribution_difference(test, reference):
    """Give the standardised difference of a variable with two levels or more.

    Parameters
    ----------
    test, reference : array-like of int, shape (levels,)
        Participants at each level.

    Returns
    -------
    float or None
        The Mahalanobis distance between the proportions, never negative: levels have no direction. None where a
        group is empty, or where the groups differ and each is of one level.

    References
    ----------
    Yang & Dalton 2012, SAS Global Forum, paper 335 (multi-level form, as in the R package tableone).
    """
    counts = np.array([test, reference], float)
    if (counts.sum(axis=1) == 0).any():
        return None
    shares = (counts / counts.sum(axis=1, keepdims=True))[:, 1:]
    difference = shares[0] - shares[1]
    if not difference.any():
        return 0.0
    covariance = sum(np.diag(share) - np.outer(share, share) for share in shares) / 2
    inverse = np.linalg.pinv(covariance, hermitian=True)
    seen = np.allclose(covariance @ (inverse @ difference), difference)
    return float(np.sqrt(difference @ inverse @ difference)) if seen else None


def expected_by_chance(test, reference):
    """Give the mean absolute Cohen's d that randomisation alone makes of a normal variable.

    Parameters
    ----------
    test, reference : int
        Sizes of the groups.

    Returns
    -------
    float or None
        None below four participants in all, where it is infinite.

    Notes
    -----
    d is Student's t times √(1/n + 1/m); the mean of |t| with f degrees of freedom is
    √(f/π) Γ((f − 1)/2) / Γ(f/2).
    """
    free = test + reference - 2
    if free < 2 or not (test and reference):
        return None
    mean = np.sqrt(free / np.pi) * np.exp(gammaln((free - 1) / 2) - gammaln(free / 2))
    return float(mean * np.sqrt(1 / test + 1 / reference))
