"""Two means compared: Student's and Welch's t tests, and the analysis of covariance."""

import numpy as np
from statsmodels.regression.linear_model import OLS

from trialbook.errors import NotEstimable
from trialbook.stats.wald import WaldTest, wald_test

FEW = "an arm has fewer than two values"
ALIKE = "the values of each arm are all the same"
FLAT = "the baseline value does not vary, or tells the arms apart"
NEGLIGIBLE = 1e-12  # length of the residuals, relative to that of the outcomes, which is no variation


def t_test(test: np.ndarray, reference: np.ndarray, pooled: bool = True, alpha: float = 0.05) -> WaldTest:
    """Compare two means by the pooled variance (Student) or by two variances, of which one may be zero (Welch).

    Parameters
    ----------
    test, reference : ndarray, shape (n,)
        Outcomes of the arms.
    pooled : bool
    alpha : float
        One minus the confidence level.

    Returns
    -------
    WaldTest
        Of the difference, test minus reference, in outcome units.

    Raises
    ------
    NotEstimable
        Fewer than two values in an arm, or no variation.

    References
    ----------
    Student (1908), Biometrika 6:1-25. Welch (1947), Biometrika 34:28-35.
    """
    refuse_without_spread(test, reference)
    sizes = np.array([len(test), len(reference)])
    variances = np.array([test.var(ddof=1), reference.var(ddof=1)])
    if pooled:
        df = sizes.sum() - 2
        square = (sizes - 1) @ variances / df * np.sum(1 / sizes)
    else:
        parts = variances / sizes
        square = parts.sum()
        df = square**2 / np.sum(parts**2 / (sizes - 1))
    return wald_test(test.mean() - reference.mean(), np.sqrt(square), df, alpha)


def ancova(y: np.ndarray, arm: np.ndarray, baseline: np.ndarray, alpha: float = 0.05) -> WaldTest:
    """Compare two means adjusted for the baseline value, by least squares.

    Parameters
    ----------
    y, baseline : ndarray, shape (n,)
    arm : ndarray of bool, shape (n,)
        Whether the subject is in the test arm.
    alpha : float
        One minus the confidence level.

    Returns
    -------
    WaldTest
        Of the effect, test minus reference, in outcome units.

    Raises
    ------
    NotEstimable
        Too few values, a baseline that does not vary or tells the arms apart, or an exact fit.
    """
    X = np.column_stack([np.ones(len(y)), arm, baseline])
    if len(y) <= X.shape[1]:
        raise NotEstimable("there are too few values")
    if not vary_by_themselves(X):
        raise NotEstimable(FLAT)
    model = OLS(y, X).fit()
    if np.linalg.norm(model.resid) <= NEGLIGIBLE * np.linalg.norm(y):
        raise NotEstimable("the model fits the outcome exactly: there is no residual variation to estimate")
    return wald_test(model.params[1], model.bse[1], model.df_resid, alpha)


def refuse_without_spread(test: np.ndarray, reference: np.ndarray) -> None:
    """Raise NotEstimable where two arms have no variance within them."""
    if min(len(test), len(reference)) < 2:
        raise NotEstimable(FEW)
    if np.ptp(test) == np.ptp(reference) == 0:  # exact: of equal numbers, whose variance rounding may leave above zero
        raise NotEstimable(ALIKE)


def vary_by_themselves(columns: np.ndarray) -> bool:
    """Tell whether no column (intercept, arm and baseline) follows from the others."""
    largest = np.abs(columns).max(axis=0).clip(min=np.finfo(float).tiny)
    return bool(np.linalg.matrix_rank(columns / largest) == columns.shape[1])
