"""Working correlations of a GEE: clusters in blocks of one visit pattern, and geepack's moment estimators."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike

from trialbook.errors import NotEstimable

Structure = Literal["independence", "exchangeable", "ar1", "unstructured"]
BY_VISIT = ("ar1", "unstructured")  # structures that must know at which visit each row was taken
SINGULAR = 1e-10  # smallest eigenvalue of a working correlation, or of one minus a leverage, that is not zero


@dataclass(frozen=True, eq=False)
class Layout:
    """The rows of a data set in blocks: the m clusters of one pattern of n visits, their visits ascending."""

    order: np.ndarray  # (N,) the rows, cluster after cluster, block after block
    labels: list[np.ndarray]  # of each block, its m clusters
    patterns: list[np.ndarray]  # of each block, the positions of its n visits in `visits`
    visits: np.ndarray  # (V,) ascending; 0 to V - 1 where only the sizes of clusters matter

    def split(self, rows: np.ndarray) -> list[np.ndarray]:
        """Cut rows (N, ...), already in order, into blocks (m, n, ...)."""
        blocks, start = [], 0
        for labels, pattern in zip(self.labels, self.patterns, strict=True):
            end = start + len(labels) * len(pattern)
            blocks.append(rows[start:end].reshape(len(labels), len(pattern), *rows.shape[1:]))
            start = end
        return blocks

    def whiten(self, rows: np.ndarray, roots: list[np.ndarray]) -> np.ndarray:
        """Multiply the rows (N, k) of each cluster by the inverse of its root (n, n)."""
        blocks = [np.linalg.inv(root) @ part for root, part in zip(roots, self.split(rows), strict=True)]
        return np.concatenate([block.reshape(-1, rows.shape[1]) for block in blocks])


def arrange(structure: str, codes: np.ndarray, names: np.ndarray, visits: ArrayLike | None) -> Layout:
    """Put clusters in blocks: of equal visits if the structure needs them, otherwise of equal size.

    Parameters
    ----------
    structure : {"independence", "exchangeable", "ar1", "unstructured"}
        Working correlation.
    codes : ndarray of int, shape (N,)
        Cluster of each row, as a position in `names`.
    names : ndarray, shape (K,)
        Clusters.
    visits : array_like of int, shape (N,), or None
        Visit index of each row; not looked at for independence and exchangeable.

    Returns
    -------
    Layout

    Raises
    ------
    ValueError
        Needed visits that are missing or other than one whole number per row, or that a cluster has twice.
    """
    if structure in BY_VISIT:
        distinct, at = _positions(visits, codes, names)
        attended = np.zeros((len(names), distinct.size), bool)
        attended[codes, at] = True
        bits, block = np.unique(np.packbits(attended, axis=1), axis=0, return_inverse=True)
        patterns = [np.flatnonzero(row) for row in np.unpackbits(bits, axis=1)]
    else:
        at = np.zeros_like(codes)
        sizes, block = np.unique(np.bincount(codes), return_inverse=True)
        patterns, distinct = [np.arange(n) for n in sizes], np.arange(sizes[-1])
    labels = [names[block == k] for k in range(len(patterns))]
    return Layout(np.lexsort((at, codes, block[codes])), labels, patterns, distinct)


def _positions(visits: ArrayLike | None, codes: np.ndarray, names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct visits, ascending, and the position of each row's visit among them."""
    if visits is None:
        raise ValueError(f"{' and '.join(BY_VISIT)} need the visit index of each row: visits")
    try:
        index = np.asarray(visits, float)
    except (TypeError, ValueError):
        index = np.array(np.nan)
    if index.shape != codes.shape or not np.isfinite(index).all() or (index != np.round(index)).any():
        raise ValueError(f"visits must be {codes.size} whole numbers, one for each row")
    distinct, at = np.unique(index.astype(int), return_inverse=True)
    cells, counts = np.unique(codes * distinct.size + at, return_counts=True)
    if (counts > 1).any():
        name, visit = divmod(int(cells[np.argmax(counts > 1)]), distinct.size)
        raise ValueError(f"cluster {names[name]} has more than one row at visit {distinct[visit]}")
    return distinct, at


def working_correlation(
    structure: str, layout: Layout, residual: np.ndarray
) -> tuple[float | np.ndarray, list[np.ndarray]]:
    """Estimate a working correlation from the products of residuals at each pair of visits.

    Parameters
    ----------
    structure : {"independence", "exchangeable", "ar1", "unstructured"}
        Working correlation.
    layout : Layout
        Clusters and visits.
    residual : ndarray, shape (N,)
        In the order of the layout.

    Returns
    -------
    alpha : float or ndarray, shape (V, V)
        Of products z of two residuals over the scale, which all visits share: the mean over all pairs of rows
        of a cluster (exchangeable); the least-squares a of z = a^d over all pairs, d visits apart, that is a
        root of sum d a^(d-1) (z - a^d) (ar1); the means over the clusters seen at both visits, NaN where there
        are none (unstructured).
    roots : list of ndarray, each shape (n, n)
        Of each block, the lower Cholesky root of its correlation.

    Raises
    ------
    NotEstimable
        A singular or indefinite correlation.

    References
    ----------
    Liang and Zeger (1986), Biometrika 73:13-22; geepack: Halekoh et al. (2006), J Stat Softw 15(2).
    """
    products, counts = np.zeros((2, layout.visits.size, layout.visits.size))
    for part, pattern in zip(layout.split(residual), layout.patterns, strict=True):
        products[np.ix_(pattern, pattern)] += part.T @ part
        counts[np.ix_(pattern, pattern)] += len(part)
    products *= residual.size / np.trace(products)
    alpha, correlation = STRUCTURES[structure](products, counts, layout.visits)
    return alpha, [_root(structure, correlation, pattern, layout.visits) for pattern in layout.patterns]


def _independence(products, counts, visits):
    return 0.0, np.eye(visits.size)


def _exchangeable(products, counts, visits):
    pairs = counts.sum() - np.trace(counts)
    alpha = float((products.sum() - np.trace(products)) / pairs) if pairs else 0.0
    return alpha, np.full(counts.shape, alpha) + (1 - alpha) * np.eye(visits.size)


def _ar1(products, counts, visits):
    distance = np.abs(np.subtract.outer(visits, visits))
    pairs, sums = (np.bincount(distance.ravel(), part.ravel()) for part in (counts, products))
    coefficients = np.zeros(2 * pairs.size - 1)
    coefficients[::2] = pairs
    coefficients[: pairs.size] -= 2 * sums
    squares = Polynomial(coefficients)  # of a: the sum of (z - a^d)^2 over all pairs, but for a constant
    stationary = squares.deriv().roots()
    stationary = stationary.real[stationary.imag == 0]  # exact: roots come real or in pairs, and a minimum is no pair
    lowest = -1.0 if pairs[1::2].any() else 0.0  # even distances alone do not tell the sign
    inside = stationary[(stationary > lowest) & (stationary < 1)]
    alpha = float(min((0.0, *inside, 1.0, lowest), key=squares))
    return alpha, alpha**distance


def _unstructured(products, counts, visits):
    correlation = np.divide(products, counts, out=np.full(counts.shape, np.nan), where=counts > 0)
    np.fill_diagonal(correlation, 1)
    return correlation, correlation


# sums of products of residuals over the scale, numbers of clusters (V, V), visits -> alpha, correlation
STRUCTURES = {
    "independence": _independence,
    "exchangeable": _exchangeable,
    "ar1": _ar1,
    "unstructured": _unstructured,
}


def _root(structure: str, correlation: np.ndarray, pattern: np.ndarray, visits: np.ndarray) -> np.ndarray:
    part = correlation[np.ix_(pattern, pattern)]
    if (smallest := np.linalg.eigvalsh(part)[0]) < SINGULAR:
        state = "singular" if smallest > -SINGULAR else "not positive definite"
        seen = f" at visits {', '.join(map(str, visits[pattern]))}" if structure in BY_VISIT else ""
        raise NotEstimable(
            f"the {structure} working correlation is {state} for clusters of {pattern.size} rows{seen} "
            f"(smallest eigenvalue {smallest:.2g}): choose a simpler structure"
        )
    return np.linalg.cholesky(part)
