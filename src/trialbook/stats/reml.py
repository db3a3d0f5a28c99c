"""Linear models of repeated Gaussian outcomes by restricted maximum likelihood, with small-sample t tests."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import linalg

from trialbook.errors import NotEstimable
from trialbook.stats.wald import WaldTest, wald_test

Structure = Literal["compound symmetry", "unstructured"]
Reference = Literal["satterthwaite", "kenward-roger"]
MAX_ITERATIONS = 200
MAX_STRETCH = 1.0  # change in one step of the log variance of any combination of visits
STEP = 1e-6  # length, in standard errors of the covariance parameters, of the last of Newton's steps
ROUNDING = 1e-12  # relative size that is nothing
SINGULAR = 1e-6  # smallest eigenvalue of the correlation of the visits that is not zero


class _Point(NamedTuple):
    """Minus the restricted log-likelihood at q covariance parameters, of which the covariance is linear."""

    theta: np.ndarray  # (q,)
    criterion: float
    coefficients: np.ndarray  # (p,)
    phi: np.ndarray  # (p, p) their covariance
    first: np.ndarray  # (q, p, p) minus the derivatives of the inverse of phi
    second: np.ndarray  # (q, q, p, p) half its second derivatives, once symmetric in q
    score: np.ndarray  # (q,)
    expected: np.ndarray  # (q, q) information
    observed: np.ndarray  # (q, q)


@dataclass(frozen=True, eq=False)
class Fit:
    """A converged model: coefficients (p,), covariance of the k visits (k, k), log-likelihood, sizes."""

    beta: np.ndarray
    covariance: np.ndarray
    visits: list
    log_likelihood: float
    n_subjects: int
    n_obs: int
    _triangle: np.ndarray = field(repr=False)  # (p, p): design = orthonormal design @ triangle
    _scale: float = field(repr=False)  # unit of the outcome at `_point`
    _point: _Point = field(repr=False)

    def test(self, contrast: ArrayLike, reference: str = "satterthwaite", alpha: float = 0.05) -> WaldTest:
        """Test that a linear combination of the coefficients is zero.

        Parameters
        ----------
        contrast : array_like, shape (p,)
            Weights of the coefficients.
        reference : {"satterthwaite", "kenward-roger"}
            Degrees of freedom from the observed information; or from the expected information, with the
            standard error corrected for the estimation of the covariance.
        alpha : float
            One minus the confidence level, in (0, 1).

        Returns
        -------
        WaldTest
            Estimate, standard error and limits in outcome units per unit of contrast; two-sided P.

        Raises
        ------
        ValueError
            Unknown name, unusable contrast or level.

        References
        ----------
        Giesbrecht and Burns (1985), Biometrics 41:477-486; Fai and Cornelius (1996), J Stat Comput Simul
        54:363-378; Kenward and Roger (1997), Biometrics 53:983-997 (one contrast: scale 1, df 2 / A2).
        """
        c = np.asarray(contrast, float)
        if reference not in get_args(Reference):
            raise ValueError(f"{reference!r} is not one of {', '.join(get_args(Reference))}")
        if c.shape != self.beta.shape or not np.isfinite(c).all() or not c.any():
            raise ValueError(f"the contrast must be {self.beta.size} finite weights, not all zero")
        at = self._point
        information = at.observed if reference == "satterthwaite" else at.expected
        direction = linalg.solve_triangular(self._triangle, c, trans="T")
        loads = at.phi @ direction
        pulls = at.first @ loads  # (q, p)
        variance, gradient = direction @ loads, pulls @ loads
        df = 2 * variance**2 / (gradient @ np.linalg.solve(information, gradient))
        if reference == "kenward-roger":
            spread = loads @ at.second @ loads - pulls @ at.phi @ pulls.T
            variance += 2 * np.trace(np.linalg.solve(information, spread))
        return wald_test(c @ self.beta, self._scale * np.sqrt(variance), df, alpha)


def fit(y: ArrayLike, X: ArrayLike, groups: Iterable[Hashable], visits: Iterable[Hashable], structure: str) -> Fit:
    """Fit a linear model whose errors are correlated within subjects, by restricted maximum likelihood.

    Parameters
    ----------
    y : array_like, shape (N,)
        Outcome; rows in any order, without those that are missing (at random).
    X : array_like, shape (N, p)
        Design matrix, with its intercept.
    groups, visits : sequence of hashable, length N
        Subject and visit of each row.
    structure : {"compound symmetry", "unstructured"}
        One variance and one correlation (a random intercept, but the correlation may be negative), or a
        variance for each visit and a correlation for each pair (MMRM: give each visit its effect, average).

    Returns
    -------
    Fit
        Coefficients in outcome units per unit of X, covariance in squared outcome units, R's log-likelihood.

    Raises
    ------
    NotEstimable
        A rank-deficient design, an exact fit, visits nobody shares, a covariance the data cannot bear, divergence.
    ValueError
        Unknown structure, unusable arrays.

    References
    ----------
    Patterson and Thompson (1971), Biometrika 58:545-554; Mallinckrodt et al. (2008), Drug Inf J 42:303-319.
    """
    if structure not in get_args(Structure):
        raise ValueError(f"{structure!r} is not one of {', '.join(get_args(Structure))}")
    y, X, seen, names = _checked(y, X, groups, visits, structure)
    design, triangle = np.linalg.qr(X)
    ordinary = linalg.solve_triangular(triangle, design.T @ y)
    residual = y - X @ ordinary
    if np.linalg.norm(residual) <= ROUNDING * np.linalg.norm(y):
        raise NotEstimable("the model fits the outcome exactly: there is no variation to estimate")
    scale = float(np.sqrt(np.mean(residual**2)))
    basis = _basis(len(names), structure)
    patterns = _patterns(np.column_stack([design, residual / scale]), seen, basis)
    point = _minimise(patterns, basis, len(y))
    beta = ordinary + linalg.solve_triangular(triangle, scale * point.coefficients)
    unit = (len(y) - beta.size) * np.log(2 * np.pi * scale**2) / 2 + np.log(np.abs(np.diag(triangle))).sum()
    V, sizes = scale**2 * np.tensordot(point.theta, basis, 1), (len(seen), len(y))
    return Fit(beta, V, list(names), -float(point.criterion + unit), *sizes, triangle, scale, point)


def _checked(
    y: ArrayLike, X: ArrayLike, groups: Iterable[Hashable], visits: Iterable[Hashable], structure: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, pd.Index]:
    y, X = np.asarray(y, float), np.asarray(X, float)
    labels = (pd.Series(list(of), dtype=object) for of in (groups, visits))
    (subject, people), (visit, names) = (pd.factorize(of, sort=True) for of in labels)
    if y.ndim != 1 or X.ndim != 2 or not len(y) == len(X) == len(subject) == len(visit) > 0:
        raise ValueError(f"y {y.shape}, X {X.shape}, groups and visits must have the same rows")
    if not (np.isfinite(y).all() and np.isfinite(X).all()):
        raise ValueError("outcome and design must be finite: drop rows with missing values first")
    if min(subject.min(), visit.min()) < 0:
        raise ValueError("every row must name its subject and its visit: labels are missing")
    seen = np.zeros((len(people), len(names)), int)
    np.add.at(seen, (subject, visit), 1)
    for row, column in np.argwhere(seen > 1):
        raise ValueError(f"subject {people[row]} has visit {names[column]} more than once")
    if seen.sum(axis=1).max() < 2:
        raise NotEstimable("no subject has two visits: analyse a single visit by analysis of covariance")
    for row, column in np.argwhere(seen.T @ seen == 0) if structure == "unstructured" else ():
        raise NotEstimable(f"no subject has both visit {names[row]} and visit {names[column]}")
    norms = np.linalg.norm(X, axis=0)
    if (rank := np.linalg.matrix_rank(X / np.where(norms > 0, norms, 1))) < X.shape[1]:
        raise NotEstimable(f"the design has {X.shape[1]} columns but rank {rank}: drop some columns")
    order = np.lexsort((visit, subject))
    return y[order], X[order], seen, names


def _basis(k: int, structure: str) -> np.ndarray:
    """Matrices (q, k, k) that, times the parameters, add up to the covariance of k visits."""
    if structure == "compound symmetry":
        return np.stack([np.eye(k), np.ones((k, k))])
    units = np.eye(k * k).reshape(k, k, k, k)[np.triu_indices(k)]
    return np.maximum(units, units.swapaxes(1, 2))


def _patterns(rows: np.ndarray, seen: np.ndarray, basis: np.ndarray) -> list[tuple]:
    """For the m subjects seen at the same n visits: m, the basis (q, n, n) of their covariance, and the sums
    (n, n, p + 1, p + 1) over them of products of rows of [design, outcome]."""
    kinds, kind = np.unique(seen, axis=0, return_inverse=True)
    kind = np.repeat(kind.ravel(), seen.sum(axis=1))  # of each row
    patterns = []
    for own, at in enumerate(kinds.astype(bool)):
        block = rows[kind == own].reshape(-1, at.sum(), rows.shape[1])
        moments = np.tensordot(block, block, (0, 0)).swapaxes(1, 2)
        patterns.append((len(block), basis[:, at][:, :, at], moments))
    return patterns


def _minimise(patterns: list[tuple], basis: np.ndarray, n_obs: int) -> _Point:
    """Newton's method, from equal variances, along geodesics, which never leave the covariance matrices."""
    project = np.linalg.pinv(basis.reshape(len(basis), -1))  # (k * k, q)
    point = _evaluate(np.eye(basis.shape[1]).ravel() @ project, patterns)
    for _ in range(MAX_ITERATIONS):
        V = np.tensordot(point.theta, basis, 1)
        bend = basis[:, None] @ np.linalg.solve(V, basis)  # of the geodesics: (q, q, k, k)
        newton = point.observed + bend.reshape(*point.observed.shape, -1) @ project @ point.score
        for information in (newton, point.expected):
            values, vectors = np.linalg.eigh(information)
            if sound := values[0] > np.finfo(float).eps * values[-1]:
                break
        if not sound or np.linalg.eigvalsh(V / np.sqrt(np.outer(np.diag(V), np.diag(V))))[0] < SINGULAR:
            raise NotEstimable(f"the data cannot bear a covariance of {len(V)} visits: too few subjects")
        step = -vectors @ (vectors.T @ point.score / values)
        last = information is newton and -step @ point.score <= STEP**2
        values, vectors = linalg.eigh(np.tensordot(step, basis, 1), V)
        length = min(1.0, MAX_STRETCH / np.abs(values).max())
        for halving in range(MAX_ITERATIONS):
            turned = V @ vectors * np.exp(length * values / 2**halving / 2)
            there = _evaluate((turned @ turned.T).ravel() @ project, patterns)
            if there.criterion <= point.criterion + ROUNDING * n_obs:
                break
        point = there
        if last:
            return point
    raise NotEstimable(f"the likelihood did not converge in {MAX_ITERATIONS} iterations")


def _evaluate(theta: np.ndarray, patterns: list[tuple]) -> _Point:
    log_det = 0.0
    traces, products, total, first, second = (np.zeros(()) for _ in range(5))
    for m, basis, moments in patterns:
        root = np.linalg.cholesky(np.tensordot(theta, basis, 1))
        inverse = linalg.cho_solve((root, True), np.eye(len(root)))
        ratio = inverse @ basis  # (q, n, n)
        bread = ratio @ inverse
        log_det += 2 * m * np.log(np.diag(root)).sum()
        traces = traces + m * np.trace(ratio, axis1=1, axis2=2)
        products = products + m * np.einsum("kab,lba->kl", ratio, ratio)
        total = total + np.tensordot(inverse, moments, 2)
        first = first + np.tensordot(bread, moments, 2)
        second = second + np.tensordot(ratio[:, None] @ bread, moments, 2)
    phi = linalg.inv(total[:-1, :-1])
    residual = np.append(-phi @ total[:-1, -1], 1)  # of [design, outcome]
    pull = (first @ residual)[:, :-1]  # (q, p)
    quadratic, slope, curve = (residual @ form @ residual for form in (total, first, second))
    first, second = first[:, :-1, :-1], second[:, :, :-1, :-1]
    pulled = phi @ first  # (q, p, p)
    expected = (products + np.einsum("kij,lji->kl", pulled, pulled)) / 2 - np.einsum("ij,klji", phi, second)
    observed = curve - pull @ phi @ pull.T - expected
    score = (traces - np.trace(pulled, axis1=1, axis2=2) - slope) / 2
    criterion = float(log_det - np.linalg.slogdet(phi)[1] + quadratic) / 2
    return _Point(theta, criterion, -residual[:-1], phi, first, second, score, expected, observed)
