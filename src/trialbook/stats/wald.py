"""The Wald test of one estimate, by the normal distribution or a t distribution."""

from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class WaldTest:
    """Estimate and test of one contrast of the coefficients; `df` is infinite for the z test."""

    estimate: float
    se: float
    statistic: float
    df: float
    p: float
    lower: float
    upper: float


def wald_test(estimate: float, se: float, df: float = np.inf, alpha: float = 0.05) -> WaldTest:
    """Refer an estimate over its standard error to t with `df` degrees of freedom, the normal for infinite `df`.

    Parameters
    ----------
    estimate, se : float
        In outcome units; the standard error is above zero.
    df : float
    alpha : float
        One minus the confidence level, in (0, 1).

    Returns
    -------
    WaldTest
        Two-sided P, and the limits of the interval in outcome units.

    Raises
    ------
    ValueError
        For an alpha outside of (0, 1).
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is between 0 and 1, not {alpha}")
    statistic, margin = estimate / se, se * stats.t.isf(alpha / 2, df)
    p = 2 * stats.t.sf(abs(statistic), df)
    return WaldTest(*map(float, (estimate, se, statistic, df, p, estimate - margin, estimate + margin)))
