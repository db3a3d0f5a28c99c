"""A difference of two means in standard deviations: Hedges' g with its exact interval."""

from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats

from trialbook.errors import NotEstimable
from trialbook.stats.two_means import refuse_without_spread

LARGEST_T = 1e4  # at which scipy's noncentral t distribution is still that of its definition


class StandardisedDifference(NamedTuple):
    """Hedges' g, and the limits of the population's difference, in standard deviations."""

    g: float
    lower: float
    upper: float


def hedges_g(test: np.ndarray, reference: np.ndarray, alpha: float = 0.05) -> StandardisedDifference:
    """Difference of two means in pooled standard deviations, without bias, with its exact interval.

    The interval is that of the population's difference in standard deviations, by inverting the noncentral t
    distribution of the observed t. The correction for bias is that of g alone: the limits need none.

    Parameters
    ----------
    test, reference : ndarray, shape (n,)
        Outcomes of the arms.
    alpha : float
        One minus the confidence level.

    Returns
    -------
    StandardisedDifference

    Raises
    ------
    NotEstimable
        Fewer than two values in an arm, no variation, or a difference beyond the known noncentral t.

    References
    ----------
    Hedges (1981), J Educ Stat 6:107-128. Hedges and Olkin (1985), Statistical Methods for Meta-Analysis. Cumming
    and Finch (2001), Educ Psychol Meas 61:532-574.
    """
    refuse_without_spread(test, reference)
    sizes = np.array([len(test), len(reference)])
    df, scale = sizes.sum() - 2, np.sqrt(np.sum(1 / sizes))
    pooled = np.sqrt((sizes - 1) @ [np.var(test, ddof=1), np.var(reference, ddof=1)] / df)
    d = (np.mean(test) - np.mean(reference)) / pooled
    if abs(d / scale) > LARGEST_T:
        raise NotEstimable("the arms differ by too many standard deviations for the noncentral t distribution")
    correction = np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / np.sqrt(df / 2)
    upper, lower = (scale * _noncentrality(d / scale, df, below) for below in (alpha / 2, 1 - alpha / 2))
    return StandardisedDifference(float(correction * d), float(lower), float(upper))


def _noncentrality(t: float, df: float, below: float) -> float:
    """The noncentrality of which a t with `df` degrees of freedom is less than `t` with probability `below`."""
    if t < 0:
        return -_noncentrality(-t, df, 1 - below)

    def excess(noncentrality):
        return stats.nct.cdf(t, df, noncentrality) - below

    low, high = 0.0, t + 1.0
    while excess(low) < 0:
        low = 2 * low - 1
    while excess(high) > 0:
        high *= 2
    return optimize.brentq(excess, low, high, xtol=1e-12, rtol=1e-12)
