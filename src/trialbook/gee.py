"""Generalised estimating equations (Gaussian outcome, identity link) with small-sample covariances."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import linalg, stats

Structure = Literal["independence", "exchangeable"]
Covariance = Literal["robust", "KC", "MD", "CR2"]
Reference = Literal["z", "t", "satterthwaite"]
MAX_ITERATIONS = 200
STEP = 1e-12  # length of a Gauss-Newton step, relative to the length of the residual
SINGULAR = 1e-10  # smallest eigenvalue of a working correlation, or of one minus a leverage, that is not zero


class GeeError(ValueError):
    """The data, or what is asked of them, do not allow a GEE."""


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


@dataclass(frozen=True, eq=False)
class _Block:
    """The m clusters of one size n, multiplied by the inverse Cholesky root of their correlation."""

    labels: Sequence[Hashable]  # m
    root: np.ndarray  # (n, n) lower Cholesky root of the working correlation
    design: np.ndarray  # (m, n, p) rows of an orthonormal basis of the whitened design
    residual: np.ndarray  # (m, n)


@dataclass(frozen=True, eq=False)
class Fit:
    """A converged GEE: coefficients (p,), working correlation, scale (squared outcome units) and sizes."""

    beta: np.ndarray
    alpha: float
    scale: float
    structure: Structure
    n_clusters: int
    n_obs: int
    _triangle: np.ndarray = field(repr=False)  # (p, p): whitened design = orthonormal basis @ triangle
    _blocks: tuple[_Block, ...] = field(repr=False)

    def test(
        self, contrast, covariance: Covariance = "robust", reference: Reference = "z", alpha: float = 0.05
    ) -> WaldTest:
        """Test that a linear combination of the coefficients is zero.

        Parameters
        ----------
        contrast : array_like, shape (p,)
            Weights of the coefficients.
        covariance : {"robust", "KC", "MD", "CR2"}
            Sandwich with raw residuals (Liang-Zeger) or with residuals corrected for leverage.
        reference : {"z", "t", "satterthwaite"}
            Normal, t with clusters - p degrees of freedom, or t with those of Satterthwaite under the working
            covariance.
        alpha : float
            One minus the confidence level, in (0, 1).

        Returns
        -------
        WaldTest
            Estimate, standard error and limits in outcome units per unit of contrast; two-sided P.

        Raises
        ------
        GeeError
            Unknown name, unusable contrast, leverage one (KC, MD), or a contrast without residual variance.

        References
        ----------
        Liang and Zeger (1986), Biometrika 73:13-22 (robust). Kauermann and Carroll (2001), JASA 96:1387-1396.
        Mancl and DeRouen (2001), Biometrics 57:126-134. Bell and McCaffrey (2002), Surv Methodol 28:169-181
        (CR2). Pustejovsky and Tipton (2018), J Bus Econ Stat 36:672-683 (CR2, Satterthwaite).
        """
        c = np.asarray(contrast, float)
        if c.shape != self.beta.shape or not np.isfinite(c).all() or not c.any():
            raise GeeError(f"the contrast must be {self.beta.size} finite weights, not all zero")
        for name, known in ((covariance, get_args(Covariance)), (reference, get_args(Reference))):
            if name not in known:
                raise GeeError(f"{name!r} is not one of {', '.join(known)}")
        if not 0 < alpha < 1:
            raise GeeError(f"alpha is between 0 and 1, not {alpha}")
        direction = linalg.solve_triangular(self._triangle, c, trans="T")
        loads = [_load(block, direction, covariance) for block in self._blocks]
        pairs = list(zip(self._blocks, loads, strict=True))
        variance = sum(np.sum(np.sum(load * block.residual, axis=1) ** 2) for block, load in pairs)
        if variance <= STEP**2 * self.scale * (direction @ direction):
            raise GeeError("the contrast has no residual variance: too few clusters carry information on it")
        df = {"z": np.inf, "t": self.n_clusters - c.size, "satterthwaite": _satterthwaite(pairs)}[reference]
        estimate, se = c @ self.beta, np.sqrt(variance)
        p, margin = 2 * stats.t.sf(abs(estimate / se), df), se * stats.t.isf(alpha / 2, df)
        numbers = estimate, se, estimate / se, df, p, estimate - margin, estimate + margin
        return WaldTest(*map(float, numbers))


def fit(y, X, groups: Sequence[Hashable], structure: Structure = "exchangeable") -> Fit:
    """Fit a marginal linear model, with geepack's scale (divisor N) and alpha (mean over all pairs).

    Parameters
    ----------
    y : array_like, shape (N,)
        Outcome.
    X : array_like, shape (N, p)
        Design matrix, with its intercept.
    groups : sequence of hashable, length N
        Cluster of each row; rows in any order.
    structure : {"independence", "exchangeable"}
        Working correlation.

    Returns
    -------
    Fit
        Coefficients in outcome units per unit of X, and what tests need.

    Raises
    ------
    GeeError
        Missing values, mismatched shapes, a rank-deficient design, too few clusters, an exact fit, a singular
        working correlation, or no convergence.

    References
    ----------
    Liang and Zeger (1986), Biometrika 73:13-22; geepack: Halekoh et al. (2006), J Stat Softw 15(2).
    """
    if structure not in STRUCTURES:
        raise GeeError(f"{structure!r} is not one of {', '.join(STRUCTURES)}")
    y, X, codes, names = _checked(y, X, groups)
    order, shapes, labels = _stack(codes, names)
    y, X = y[order], X[order]
    beta = np.linalg.lstsq(X, y)[0]
    residual = y - X @ beta
    if np.linalg.norm(residual) <= STEP * np.linalg.norm(y):
        raise GeeError("the model fits the outcome exactly: there is no residual variation to estimate")
    for _ in range(MAX_ITERATIONS):
        scale = float(residual @ residual) / y.size
        alpha, correlations = STRUCTURES[structure](_split(residual, shapes), scale)
        roots = [_cholesky(correlation, alpha) for correlation in correlations]
        basis, triangle = np.linalg.qr(_whiten(X, shapes, roots))
        whitened = _whiten(residual[:, None], shapes, roots)[:, 0]
        step = basis.T @ whitened
        if np.linalg.norm(step) <= STEP * np.linalg.norm(whitened):
            blocks = tuple(map(_Block, labels, roots, _split(basis, shapes), _split(whitened, shapes)))
            return Fit(beta, alpha, scale, structure, len(names), y.size, triangle, blocks)
        change = linalg.solve_triangular(triangle, step)
        beta, residual = beta + change, residual - X @ change
    raise GeeError(f"the estimating equations did not converge in {MAX_ITERATIONS} iterations")


def _independence(residuals: list[np.ndarray], scale: float) -> tuple[float, list[np.ndarray]]:
    return 0.0, [np.eye(r.shape[1]) for r in residuals]


def _exchangeable(residuals: list[np.ndarray], scale: float) -> tuple[float, list[np.ndarray]]:
    products = sum(np.sum(r.sum(axis=1) ** 2) - np.sum(r**2) for r in residuals)  # over ordered pairs
    count = sum(r.size * (r.shape[1] - 1) for r in residuals)
    alpha = float(products / (scale * count)) if count else 0.0
    return alpha, [np.full((n, n), alpha) + (1 - alpha) * np.eye(n) for n in (r.shape[1] for r in residuals)]


# residuals of each block (m, n) and the scale -> the parameter and the (n, n) correlation of each block
STRUCTURES = {"independence": _independence, "exchangeable": _exchangeable}


def _checked(y, X, groups) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    y, X = np.asarray(y, float), np.asarray(X, float)
    labels = pd.Series(list(groups), dtype=object).to_numpy()
    if y.ndim != 1 or X.ndim != 2 or not len(y) == len(X) == len(labels):
        raise GeeError(f"y {y.shape}, X {X.shape} and groups ({len(labels)},) must have the same rows")
    if not (np.isfinite(y).all() and np.isfinite(X).all()):
        raise GeeError("outcome and design must be finite: drop rows with missing values first")
    codes, names = pd.factorize(labels)
    if (codes < 0).any():
        raise GeeError("every row must name its cluster: groups has missing labels")
    if len(names) <= X.shape[1]:
        raise GeeError(f"{X.shape[1]} parameters need more clusters than the {len(names)} there are")
    norms = np.linalg.norm(X, axis=0)
    if (rank := np.linalg.matrix_rank(X / np.where(norms > 0, norms, 1))) < X.shape[1]:
        raise GeeError(f"the design has {X.shape[1]} columns but rank {rank}: drop the redundant columns")
    return y, X, codes, names


def _stack(codes, names) -> tuple[np.ndarray, list[tuple[int, int]], list[np.ndarray]]:
    """Order the rows so that the m clusters of each size n are contiguous, and give each block's (m, n)."""
    sizes = np.bincount(codes)
    order = np.lexsort((codes, sizes[codes]))
    blocks = [np.flatnonzero(sizes == n) for n in np.unique(sizes)]
    return order, [(len(block), int(sizes[block[0]])) for block in blocks], [names[block] for block in blocks]


def _split(rows: np.ndarray, shapes: list[tuple[int, int]]) -> list[np.ndarray]:
    parts = np.split(rows, np.cumsum([m * n for m, n in shapes])[:-1])
    return [part.reshape(*shape, *rows.shape[1:]) for part, shape in zip(parts, shapes, strict=True)]


def _cholesky(correlation: np.ndarray, alpha: float) -> np.ndarray:
    if np.linalg.eigvalsh(correlation)[0] < SINGULAR:
        raise GeeError(f"the working correlation {alpha:.6g} is singular in clusters of {len(correlation)}")
    return np.linalg.cholesky(correlation)


def _whiten(rows: np.ndarray, shapes: list[tuple[int, int]], roots: list[np.ndarray]) -> np.ndarray:
    blocks = zip(_split(rows, shapes), roots, strict=True)
    return np.concatenate([(np.linalg.inv(root) @ part).reshape(-1, rows.shape[1]) for part, root in blocks])


def _load(block: _Block, direction: np.ndarray, covariance: Covariance) -> np.ndarray:
    """Weights (m, n) of the whitened residuals in the corrected contrast."""
    weights, n = block.design @ direction, block.design.shape[1]
    if covariance == "robust":
        return weights
    gram, power = np.eye(n), {"KC": -0.5, "MD": -1.0, "CR2": -0.5}[covariance]
    spread = np.eye(n) - block.design @ block.design.swapaxes(1, 2)  # covariance of the whitened residuals
    values, vectors = np.linalg.eigh(spread)
    fixed = values < SINGULAR  # ascending: directions of leverage one come first
    if covariance == "CR2":  # symmetric root of D spread D', generalised inverse where the leverage is one
        gram = block.root.T @ block.root
        values, vectors = np.linalg.eigh(gram @ spread @ gram)
        values = np.where(fixed, np.inf, values)
    elif fixed.any():
        name = block.labels[np.argmax(fixed[:, 0])]
        raise GeeError(f"cluster {name} has leverage one: {covariance} does not exist for it, CR2 does")
    scaled = values**power * np.einsum("mij,mi->mj", vectors, weights)
    return np.einsum("mij,mj->mi", vectors, scaled) @ gram


def _satterthwaite(pairs: list[tuple[_Block, np.ndarray]]) -> float:
    """Degrees of freedom tr(P)^2 / sum(P^2) with P_kl = [k = l] q_k'q_k - z_k'z_l and z_k = U_k'q_k."""
    diagonal = np.concatenate([np.sum(load**2, axis=1) for _, load in pairs])
    z = np.concatenate([np.einsum("mnp,mn->mp", block.design, load) for block, load in pairs])
    lengths = np.sum(z**2, axis=1)
    squares = np.sum(diagonal**2) - 2 * diagonal @ lengths + np.sum((z.T @ z) ** 2)
    return float(np.sum(diagonal - lengths) ** 2 / squares)
