"""The bias-reduced covariance CR2: its degrees of freedom, and the regressions of many data sets at once.

Of one value per participant CR2 is HC2: each squared residual over one minus its leverage.
"""

from dataclasses import dataclass

import numpy as np

from trialbook.errors import NotEstimable
from trialbook.stats.two_means import FLAT

NOTHING = 1e-10  # a relative length, or one minus a leverage, that is nothing


def satterthwaite(squares: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Give Satterthwaite's degrees of freedom of CR2 under the working covariance.

    They are tr(P)^2 / sum(P^2) with P_kl = [k = l] q_k'q_k - z_k'z_l and z_k = U_k'q_k, where q_k are the weights of
    the whitened residuals of cluster k in the contrast and U_k its rows of an orthonormal basis of the design.

    Parameters
    ----------
    squares : ndarray, shape (..., K)
        The q_k'q_k of K clusters.
    z : ndarray, shape (..., K, p)

    Returns
    -------
    ndarray, shape (...)

    References
    ----------
    Bell and McCaffrey (2002), Surv Methodol 28:169-181. Pustejovsky and Tipton (2018), J Bus Econ Stat 36:672-683.
    """
    lengths = np.sum(z**2, axis=-1)
    crossed = np.sum((z.swapaxes(-1, -2) @ z) ** 2, axis=(-1, -2))
    return np.sum(squares - lengths, axis=-1) ** 2 / (np.sum(squares**2 - 2 * squares * lengths, axis=-1) + crossed)


class Regressions:
    """Least squares of one outcome on arm and, if given, baseline, in many data sets: leverages, then fits.

    Parameters
    ----------
    test : ndarray of bool, shape (n,)
        Whether the participant is in the test arm.
    base : ndarray, shape (sets, n), optional
        Baseline values.

    Raises
    ------
    NotEstimable
        A baseline that does not vary or tells the arms apart.
    """

    def __init__(self, test: np.ndarray, base: np.ndarray | None = None) -> None:
        n = len(test)
        arm = test - test.mean()
        self.basis = [np.full((1, n), n**-0.5)]
        if base is not None:
            centred = base - base.mean(axis=1, keepdims=True)
            length = np.linalg.norm(centred, axis=1, keepdims=True)
            if (length <= NOTHING * np.linalg.norm(base, axis=1, keepdims=True)).any():
                raise NotEstimable(FLAT)
            self.basis.append(centred / length)
            arm = arm - (self.basis[1] @ arm)[:, None] * self.basis[1]
        self.arm = np.atleast_2d(arm)
        self.size = np.sum(self.arm**2, axis=1)
        if (self.size <= NOTHING**2).any():
            raise NotEstimable(FLAT)
        self.basis.append(self.arm / np.sqrt(self.size)[:, None])
        self.room = 1 - np.sum([column**2 for column in np.broadcast_arrays(*self.basis)], axis=0)  # for each leverage

    def fit(self, outcome: np.ndarray) -> "Fitted":
        """Regress an outcome, shape (sets, n)."""
        explained = sum(np.sum(column * outcome, axis=1, keepdims=True) * column for column in self.basis)
        return Fitted(self, np.sum(self.arm * outcome, axis=1) / self.size, outcome - explained)

    def satterthwaite(self) -> np.ndarray:
        """Degrees of freedom (sets,) of CR2 under independent participants of one variance."""
        squares = _over(self.arm**2, self.room)
        z = np.stack(np.broadcast_arrays(*self.basis), axis=-1) * np.sqrt(squares)[..., None]
        return satterthwaite(squares, z)


@dataclass(frozen=True, eq=False)
class Fitted:
    """The arm's coefficient (sets,) and the residuals (sets, n) of one outcome."""

    regressions: Regressions
    estimate: np.ndarray
    residual: np.ndarray

    def variance(self, power: int) -> np.ndarray:
        """Sandwich variance, squared residuals over one minus leverage to a power: 0 robust, 1 CR2 and KC, 2 MD."""
        weights = _over((self.regressions.arm * self.residual) ** 2, self.regressions.room**power)
        return np.sum(weights, axis=1) / self.regressions.size**2

    def model_based(self, df: float) -> np.ndarray:
        """Variance under participants of one variance, which has `df` degrees of freedom."""
        return np.sum(self.residual**2, axis=1) / df / self.regressions.size


def _over(squares: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Divide, but to zero where there is no room: a value of leverage one has no weight."""
    squares, room = np.broadcast_arrays(squares, room)
    return np.divide(squares, room, out=np.zeros(squares.shape), where=room > NOTHING)
