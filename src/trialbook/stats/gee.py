"""Generalised estimating equations (Gaussian outcome, identity link) with small-sample covariances."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from trialbook.errors import NotEstimable
from trialbook.stats.cr2 import satterthwaite
from trialbook.stats.wald import WaldTest, wald_test
from trialbook.stats.working_correlation import SINGULAR, Layout, Structure, arrange, working_correlation

Covariance = Literal["robust", "KC", "MD", "CR2"]
Reference = Literal["z", "t", "satterthwaite"]
MAX_ITERATIONS = 200
STEP = 1e-12  # length of a Gauss-Newton step, relative to the length of the residual


@dataclass(frozen=True)
class JointTest:
    """Test that several contrasts are zero: F on `df` and `df_error` degrees of freedom."""

    statistic: float
    df: int
    df_error: float
    p: float


@dataclass(frozen=True, eq=False)
class _Block:
    """The m clusters of one pattern of n visits, whitened by the Cholesky root of their correlation."""

    labels: np.ndarray  # m
    root: np.ndarray  # (n, n) lower Cholesky root of the working correlation
    design: np.ndarray  # (m, n, p) rows of an orthonormal basis of the whitened design
    residual: np.ndarray  # (m, n)

    @cached_property
    def spread(self) -> np.ndarray:
        """Covariance (m, n, n) of the whitened residuals."""
        return np.eye(self.design.shape[1]) - self.design @ self.design.swapaxes(1, 2)

    @cached_property
    def spectrum(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues (m, n), ascending, and eigenvectors of the spread."""
        return np.linalg.eigh(self.spread)

    @cached_property
    def gram_spectrum(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues and eigenvectors of D spread D' with D the transposed root times the root (CR2)."""
        gram = self.root.T @ self.root
        return np.linalg.eigh(gram @ self.spread @ gram)


@dataclass(frozen=True, eq=False)
class Fit:
    """A converged GEE: coefficients (p,), working correlation, scale (squared outcome units), QIC and sizes.

    `alpha` is the correlation of any two visits (exchangeable) or of adjacent ones (ar1), or the matrix of
    all visits, ascending (unstructured). `qic`, small is good, compares structures for one outcome and design.
    """

    beta: np.ndarray
    alpha: float | np.ndarray
    scale: float
    qic: float
    structure: str
    n_clusters: int
    n_between: int
    n_obs: int
    _triangle: np.ndarray = field(repr=False)  # (p, p): whitened design = orthonormal basis @ triangle
    _blocks: tuple[_Block, ...] = field(repr=False)

    def test(
        self, contrast: ArrayLike, covariance: str = "robust", reference: str = "z", alpha: float = 0.05
    ) -> WaldTest:
        """Test that a linear combination of the coefficients is zero.

        Parameters
        ----------
        contrast : array_like, shape (p,)
            Weights of the coefficients.
        covariance : {"robust", "KC", "MD", "CR2"}
            Sandwich with raw residuals (Liang-Zeger) or with residuals corrected for leverage.
        reference : {"z", "t", "satterthwaite"}
            Normal; t with one degree of freedom a cluster less those spent between clusters (of the columns of the
            design, what is constant within every cluster); or t with those of Satterthwaite under the working
            covariance.
        alpha : float
            One minus the confidence level, in (0, 1).

        Returns
        -------
        WaldTest
            Estimate, standard error and limits in outcome units per unit of contrast; two-sided P.

        Raises
        ------
        NotEstimable
            Leverage one (KC, MD), or a contrast without residual variance.
        ValueError
            Unknown name, unusable contrast or level.

        References
        ----------
        Liang and Zeger (1986), Biometrika 73:13-22 (robust). Kauermann and Carroll (2001), JASA 96:1387-1396.
        Mancl and DeRouen (2001), Biometrics 57:126-134. Bell and McCaffrey (2002), Surv Methodol 28:169-181
        (CR2). Pustejovsky and Tipton (2018), J Bus Econ Stat 36:672-683 (CR2, Satterthwaite). Li and Redden (2015),
        Stat Med 34:281-296 (t, of parameters between clusters).
        """
        c = np.asarray(contrast, float)
        if c.shape != self.beta.shape or not np.isfinite(c).all() or not c.any():
            raise ValueError(f"the contrast must be {self.beta.size} finite weights, not all zero")
        for name, known in ((covariance, get_args(Covariance)), (reference, get_args(Reference))):
            if name not in known:
                raise ValueError(f"{name!r} is not one of {', '.join(known)}")
        direction = np.linalg.solve(self._triangle.T, c)
        loads = [_load(block, direction, covariance) for block in self._blocks]
        pairs = list(zip(self._blocks, loads, strict=True))
        variance = sum(np.sum(np.sum(load * block.residual, axis=1) ** 2) for block, load in pairs)
        if variance <= STEP**2 * self.scale * (direction @ direction):
            raise NotEstimable("the contrast has no residual variance: too few clusters carry information on it")
        df = {"z": np.inf, "t": self.n_clusters - self.n_between}.get(reference) or _satterthwaite(pairs)
        return wald_test(c @ self.beta, np.sqrt(variance), df, alpha)

    def joint_test(self, contrasts: ArrayLike) -> JointTest:
        """Test that several combinations of the coefficients are all zero, by CR2 and an approximate Hotelling T².

        Parameters
        ----------
        contrasts : array_like, shape (q, p)
            Weights of the coefficients, a row for each combination.

        Returns
        -------
        JointTest
            F with q and eta - q + 1 degrees of freedom, where a Wishart matrix of eta degrees of freedom has the
            total variance of the covariance of the combinations under the working covariance.

        Raises
        ------
        NotEstimable
            Combinations without residual variance, or too few clusters for so many.
        ValueError
            Unusable contrasts.

        References
        ----------
        Pustejovsky and Tipton (2018), J Bus Econ Stat 36:672-683 (AHT).
        """
        C = np.asarray(contrasts, float)
        if C.ndim != 2 or C.shape[1] != self.beta.size or np.linalg.matrix_rank(C) < len(C):
            raise ValueError(f"the contrasts must be independent rows of {self.beta.size} finite weights")
        directions = np.linalg.solve(self._triangle.T, C.T).T
        loads = [np.stack([_load(block, one, "CR2") for one in directions]) for block in self._blocks]  # (q, m, n)
        pairs = list(zip(self._blocks, loads, strict=True))
        scores = np.concatenate([np.einsum("qmn,mn->qm", load, block.residual) for block, load in pairs], axis=1)
        z = np.concatenate([np.einsum("mnp,qmn->qmp", block.design, load) for block, load in pairs], axis=1)
        squares = np.concatenate([np.einsum("qmn,rmn->qrm", load, load) for load in loads], axis=2)
        variance, expected = scores @ scores.T, squares.sum(axis=2) - np.tensordot(z, z, ((1, 2), (1, 2)))
        if max(np.linalg.cond(variance), np.linalg.cond(expected)) > 1 / SINGULAR:
            raise NotEstimable("the contrasts have no residual variance: too few clusters carry information on them")
        q, root = len(C), np.linalg.inv(np.linalg.cholesky(expected))
        total = _total_variance(np.tensordot(root, z, 1), np.einsum("sq,qrm,tr->stm", root, squares, root))
        eta = q * (q + 1) / total
        if (df_error := eta - q + 1) <= 0:
            raise NotEstimable(f"too few clusters carry information to test {q} contrasts at once")
        estimates = C @ self.beta
        f = df_error / (eta * q) * estimates @ np.linalg.solve(variance, estimates)
        return JointTest(float(f), q, float(df_error), float(stats.f.sf(f, q, df_error)))


def fit(
    y: ArrayLike,
    X: ArrayLike,
    groups: Iterable[Hashable],
    structure: str = "exchangeable",
    visits: ArrayLike | None = None,
) -> Fit:
    """Fit a marginal linear model, with geepack's scale (divisor N) and working correlation.

    Parameters
    ----------
    y : array_like, shape (N,)
        Outcome.
    X : array_like, shape (N, p)
        Design matrix, with its intercept.
    groups : sequence of hashable, length N
        Cluster of each row; rows in any order.
    structure : {"independence", "exchangeable", "ar1", "unstructured"}
        Working correlation; for ar1 it is alpha to the power of the distance between two visits.
    visits : array_like of int, shape (N,)
        Visit index of each row, consecutive for consecutive visits; used by ar1 and unstructured only.

    Returns
    -------
    Fit
        Coefficients in outcome units per unit of X, and what tests need.

    Raises
    ------
    NotEstimable
        A rank-deficient design, too few clusters, an exact fit, a singular working correlation, or no convergence.
    ValueError
        Unknown structure, missing values, mismatched shapes, unusable visits.

    References
    ----------
    Liang and Zeger (1986), Biometrika 73:13-22; geepack: Halekoh et al. (2006), J Stat Softw 15(2). QIC: Pan
    (2001), Biometrics 57:120-125, with the scale of independence.
    """
    if structure not in get_args(Structure):
        raise ValueError(f"{structure!r} is not one of {', '.join(get_args(Structure))}")
    outcome, design, codes, names = _checked(y, X, groups)
    layout = arrange(structure, codes, names, visits)
    return _solved(outcome[layout.order], design[layout.order], layout, structure)


def _solved(y: np.ndarray, design: np.ndarray, layout: Layout, structure: str) -> Fit:
    """Solve the estimating equations of rows in the order of a layout, by Gauss and Newton."""
    X, units = _orthonormal(design)
    coordinates = y @ X  # coefficients of the orthonormal basis
    residual = y - X @ coordinates
    if np.linalg.norm(residual) <= STEP * np.linalg.norm(y):
        raise NotEstimable("the model fits the outcome exactly: there is no residual variation to estimate")
    independent = residual @ residual / y.size
    for _ in range(MAX_ITERATIONS):
        alpha, roots = working_correlation(structure, layout, residual)
        whitened = layout.whiten(np.column_stack([X, residual]), roots)
        (basis, triangle), whitened = _orthogonalise(whitened[:, :-1]), whitened[:, -1]
        step = whitened @ basis
        if np.linalg.norm(step) <= STEP * np.linalg.norm(whitened):
            break
        change = np.linalg.solve(triangle, step)
        coordinates, residual = coordinates + change, residual - X @ change
    else:
        raise NotEstimable(f"the estimating equations did not converge in {MAX_ITERATIONS} iterations")
    parts = zip(layout.labels, roots, layout.split(basis), layout.split(whitened), strict=True)
    blocks = tuple(_Block(*part) for part in parts)
    scores = np.concatenate([np.einsum("mnp,mn->mp", block.design, block.residual) for block in blocks])
    information = np.sum(np.linalg.solve(triangle, scores.T) ** 2) / independent
    qic, scale = residual @ residual / independent + 2 * information, residual @ residual / y.size
    beta, clusters = np.linalg.solve(units, coordinates), sum(map(len, layout.labels))
    sizes = clusters, _between(X, layout), y.size
    return Fit(beta, alpha, float(scale), float(qic), structure, *sizes, triangle @ units, blocks)


def _between(X: np.ndarray, layout: Layout) -> int:
    """Count the dimensions of an orthonormal design (N, p) that are constant within every cluster."""
    around = [(block - block.mean(axis=1, keepdims=True)).reshape(-1, X.shape[1]) for block in layout.split(X)]
    return X.shape[1] - int(np.linalg.matrix_rank(np.concatenate(around), tol=SINGULAR))


def _checked(
    y: ArrayLike, X: ArrayLike, groups: Iterable[Hashable]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    y, X = np.asarray(y, float), np.asarray(X, float)
    labels = pd.Series(list(groups), dtype=object).to_numpy()
    if y.ndim != 1 or X.ndim != 2 or not len(y) == len(X) == len(labels):
        raise ValueError(f"y {y.shape}, X {X.shape} and groups ({len(labels)},) must have the same rows")
    if not (np.isfinite(y).all() and np.isfinite(X).all()):
        raise ValueError("outcome and design must be finite: drop rows with missing values first")
    codes, names = pd.factorize(labels)
    if (codes < 0).any():
        raise ValueError("every row must name its cluster: groups has missing labels")
    if len(names) <= X.shape[1]:
        raise NotEstimable(f"{X.shape[1]} parameters need more clusters than the {len(names)} there are")
    return y, X, codes, names


def _orthonormal(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    basis, triangle = np.linalg.qr(X)
    scaled = triangle / np.maximum(np.linalg.norm(triangle, axis=0), np.finfo(float).tiny)
    if (rank := np.linalg.matrix_rank(scaled, tol=len(X) * np.finfo(float).eps)) < X.shape[1]:
        raise NotEstimable(f"the design has {X.shape[1]} columns but rank {rank}: drop the redundant columns")
    return basis, triangle


def _orthogonalise(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """QR by Cholesky, twice for accuracy: whitening leaves a basis well enough conditioned."""
    triangle = np.eye(rows.shape[1])
    for _ in range(2):
        root = np.linalg.cholesky(rows.T @ rows).T
        rows, triangle = rows @ np.linalg.inv(root), root @ triangle
    return rows, triangle


def _load(block: _Block, direction: np.ndarray, covariance: str) -> np.ndarray:
    """Weights (m, n) of the whitened residuals in the corrected contrast."""
    weights = block.design @ direction
    if covariance == "robust":
        return weights
    values, vectors = block.spectrum
    fixed = values < SINGULAR  # ascending: directions of leverage one come first
    if covariance == "CR2":  # symmetric root of D spread D', generalised inverse where the leverage is one
        values, vectors = block.gram_spectrum
        values = np.where(fixed, np.inf, values)
    elif fixed.any():
        name = block.labels[np.argmax(fixed[:, 0])]
        raise NotEstimable(f"cluster {name} has leverage one: {covariance} does not exist for it, CR2 does")
    power = {"KC": -0.5, "MD": -1.0, "CR2": -0.5}[covariance]
    scaled = values**power * np.einsum("mij,mi->mj", vectors, weights)
    corrected = np.einsum("mij,mj->mi", vectors, scaled)
    return corrected @ block.root.T @ block.root if covariance == "CR2" else corrected


def _satterthwaite(pairs: list[tuple[_Block, np.ndarray]]) -> float:
    squares = np.concatenate([np.sum(load**2, axis=1) for _, load in pairs])
    z = np.concatenate([np.einsum("mnp,mn->mp", block.design, load) for block, load in pairs])
    return float(satterthwaite(squares, z))


def _total_variance(z: np.ndarray, squares: np.ndarray) -> float:
    """Sum over s, t of the variance of sum a_sk a_tk, over clusters k, of normal a with covariances
    P_st,kl = [k = l] squares_st,k - z_sk'z_tl: of the sum of P_ss,kl P_tt,kl + P_st,kl P_ts,kl over all k, l."""
    products = np.einsum("skp,tkp->stk", z, z)
    across = np.einsum("skp,tkr->stpr", z, z)
    own, length = (np.einsum("ssk->sk", part).sum(axis=0) for part in (squares, products))
    parallel = own @ (own - 2 * length) + np.sum(across**2)
    crossed = np.sum(squares * (squares - 2 * products)) + np.einsum("stpr,strp->", across, across)
    return float(parallel + crossed)
