"""Randomisation inference for a two-arm trial with simple allocation to arms of fixed sizes.

The three tests share one form. With a and r the arm and the outcome after regression on the covariates, the
statistic is a'r / sqrt(V), where V sums the squared residuals of the full regression, all times the same constant
(pooled variance) or each times a_i^2 / (1 - h_i), h the leverage (HC2). A constant effect d is tested by taking d
off the outcomes of the test arm and allocating again. With z = (effect - d) / se, an allocation is as extreme as the
observed one when (p + q z)^2 >= z^2 (v0 + 2 v1 z + v2 z^2). The five terms do not depend on d, so one pass over the
allocations gives P for every d, and the confidence limits follow by bisection among ever fewer of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from math import ceil, comb

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from trialbook.errors import NotEstimable

MOST_EXACT = 1_000_000  # allocations that are enumerated; of more, a sample is drawn
BLOCK = 2**17  # allocations times subjects held at once
DRAWN = 2**20  # the same while they are drawn, a byte each
PRECISION = 1e-10  # of a confidence limit, in standard errors
FARTHEST = 1e5  # standard errors beyond which a limit is infinite
TIE = 1e-11  # of a variance, less than which does not tell two statistics apart
NEGLIGIBLE = 1e-12  # relative length or variance that is zero


@dataclass(frozen=True)
class RandomizationTest:
    """Effect (test minus reference, outcome units) with its two-sided P and confidence limits.

    `n_allocations` are possible; P rests on `n_used`: all of them (`exact`), or those drawn and the observed one.
    `p_se`, `p_lower`, `p_upper` are the Monte Carlo standard error and limits of P; zero and P itself when exact.
    """

    effect: float
    se: float
    statistic: float
    p: float
    lower: float
    upper: float
    exact: bool
    n_allocations: int
    n_used: int
    p_se: float
    p_lower: float
    p_upper: float


def difference(
    y: ArrayLike,
    test: ArrayLike,
    baseline: ArrayLike | None = None,
    *,
    alpha: float = 0.05,
    draws: int = 99_999,
    seed: int = 1,
) -> RandomizationTest:
    """Test the difference in means, or with a baseline the ANCOVA effect, studentised with the pooled variance.

    The confidence interval holds the constant effects whose P is at least alpha.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome, one value per subject.
    test : array_like of bool, shape (n,)
        Whether the subject is in the test arm.
    baseline : array_like, shape (n,), optional
        Value to adjust for, measured before allocation and so the same under every one.
    alpha : float
        One minus the confidence level, of the effect and of a drawn P, in (0, 1).
    draws, seed : int
        Allocations drawn when more than 1,000,000 are possible, and the seed of the draws.

    Returns
    -------
    RandomizationTest
        P is the share of |statistic| at least as large as observed; if drawn, (b + 1) / (m + 1). Limits are
        infinite where even the smallest possible P is at least alpha.

    Raises
    ------
    NotEstimable
        An arm of fewer than two, no variation within arms, a baseline that does not vary or tells the arms apart.
    ValueError
        Missing values, mismatched shapes, bad alpha or draws.

    References
    ----------
    Pitman (1937), J R Stat Soc Suppl 4:119-130. Garthwaite (1996), Biometrics 52:1387-1393 (interval by inversion).
    Zhao and Ding (2021), J Econometrics 225:278-294. Phipson and Smyth (2010), Stat Appl Genet Mol Biol 9:39 (drawn).
    """
    y = _outcomes(y, 1)
    if missing := int(np.sum(~np.isfinite(y))):
        raise ValueError(f"{missing} of {len(y)} subjects miss an outcome: keep those who have one")
    return _randomize(y, test, baseline, False, alpha, draws, seed)


def gee(
    y: ArrayLike,
    test: ArrayLike,
    baseline: ArrayLike | None = None,
    *,
    alpha: float = 0.05,
    draws: int = 99_999,
    seed: int = 1,
) -> RandomizationTest:
    """Test the overall GEE effect (Gaussian, identity, exchangeable), studentised with the CR2 sandwich.

    When every subject has every visit, the arm effect of a GEE on arm, baseline and visit, and its CR2 variance, are
    those of least squares on subject means with HC2, whatever the working correlation: arm and baseline vary only
    between subjects, visit only within, and an exchangeable correlation keeps the two apart. Unlike with a pooled
    variance, P need not fall steadily away from the estimate; the interval is that around the estimate.

    Parameters
    ----------
    y : array_like, shape (n, k)
        Outcome of n subjects at k follow-up visits, all present.
    test, baseline, alpha, draws, seed
        As for `difference`.

    Returns
    -------
    RandomizationTest
        As from `difference`, over the follow-up visits.

    Raises
    ------
    NotEstimable
        As `difference`, and for a missing visit.
    ValueError
        As `difference`.

    References
    ----------
    Bell and McCaffrey (2002), Surv Methodol 28:169-181 (CR2). Wu and Ding (2021), JASA 116:1898-1913.
    """
    y = _outcomes(y, 2)
    if missing := int(np.sum(~np.isfinite(y).all(axis=1))):
        advice = "test complete or imputed cases, or use CR2"
        raise NotEstimable(f"{missing} of {len(y)} subjects miss an outcome: {advice}")
    return _randomize(y.mean(axis=1), test, baseline, True, alpha, draws, seed)


@dataclass(frozen=True, eq=False)
class _Model:
    """Covariates as an orthonormal basis (n, c); the arm and the residual outcome (n,), both free of them."""

    basis: np.ndarray
    arm: np.ndarray
    residual: np.ndarray
    effect: float
    robust: bool

    def terms(self, allocations: np.ndarray) -> np.ndarray:
        """Return p, q, v0, v1, v2 of allocations (n, m) as (5, m), for z in outcome units."""
        r, a = self.residual, self.arm
        p, q = np.stack([r, a]) @ allocations
        arm = allocations - self.basis @ (self.basis.T @ allocations)
        size = np.sum(squares := arm**2, axis=0)
        known = size > NEGLIGIBLE * (a @ a)  # else the covariates tell the arms apart: all terms zero
        size[~known] = 1
        if not self.robust:  # as large a share of the same total variation is as extreme: the variance may stay
            v0 = size * (r @ r) / (len(a) - self.basis.shape[1] - 1)
            return np.stack([p, q, v0, 0 * v0, 0 * v0]) * known
        room = np.outer(1 - np.sum(self.basis**2, axis=1), size) - squares  # one minus the leverage, times size
        if room.min() <= NEGLIGIBLE * len(a):  # leverage one: no weight, as with CR2 in `trialbook.stats.gee`
            room[room <= NEGLIGIBLE * size] = np.inf
        weights = np.divide(squares, room, out=room)
        rr, ra, aa = np.stack([r**2, r * a, a**2]) @ weights
        s = np.einsum("ij,ij->j", weights, squares)
        wr, wa = np.stack([r, a]) @ np.multiply(weights, arm, out=arm)
        b, c = p / size, q / size
        v = np.stack([rr - 2 * b * wr + b**2 * s, ra - b * wa - c * wr + b * c * s, aa - 2 * c * wa + c**2 * s])
        return np.stack([p, q, *(size * v)]) * known


def _outcomes(y: ArrayLike, dimensions: int) -> np.ndarray:
    y = np.asarray(y, float)
    if y.ndim != dimensions:
        raise ValueError(f"outcomes must be {('(n,)', '(n, visits)')[dimensions - 1]}, not {y.shape}")
    if not y.size:
        raise NotEstimable("nobody has an outcome")
    return y


def _model(y: np.ndarray, test: ArrayLike, baseline: ArrayLike | None, robust: bool) -> _Model:
    arm, n = np.asarray(test), len(y)
    if arm.shape != y.shape or not np.isin(arm, [0, 1]).all():
        raise ValueError(f"the arms must be {n} values, true (test) or false, one per subject")
    if min(sizes := np.bincount(arm.astype(int), minlength=2)) < 2:
        raise NotEstimable(f"each arm needs two subjects: test has {sizes[1]}, reference {sizes[0]}")
    columns = [np.full(n, n**-0.5)]
    if baseline is not None:
        baseline = np.asarray(baseline, float)
        if baseline.shape != y.shape or not np.isfinite(baseline).all():
            raise ValueError(f"{n} finite baseline values are needed: keep subjects who have one")
        centred = baseline - baseline.mean()
        centred -= centred.mean()  # what rounding left of the mean of values far from zero
        if np.linalg.norm(centred) <= NEGLIGIBLE * np.linalg.norm(baseline):
            raise NotEstimable("the baseline is the same in every subject: there is nothing to adjust for")
        columns.append(centred / np.linalg.norm(centred))
    basis = np.column_stack(columns)
    arm, outcome = (x - basis @ (basis.T @ x) for x in (arm.astype(float), y - y.mean()))
    if arm @ arm <= NEGLIGIBLE * n:
        raise NotEstimable("the baseline tells the arms apart: their effects cannot be separated")
    effect = float(arm @ outcome / (arm @ arm))
    residual = outcome - effect * arm
    if np.linalg.norm(residual) <= NEGLIGIBLE * np.linalg.norm(y):
        raise NotEstimable("outcomes do not vary within arms: the effect has no standard error")
    return _Model(basis, arm, residual, effect, robust)


def _randomize(
    y: np.ndarray, test: ArrayLike, baseline: ArrayLike | None, robust: bool, alpha: float, draws: int, seed: int
) -> RandomizationTest:
    if not 0 < alpha < 1 or draws < 1:
        raise ValueError(f"alpha lies between 0 and 1, draws are 1 or more, not {alpha} and {draws}")
    model, observed = _model(y, test, baseline, robust), np.asarray(test, float)
    n, k = len(y), int(min(observed.sum(), len(y) - observed.sum()))  # |statistic| does not depend on which arm is k
    se = float(np.sqrt(max(model.terms(observed[:, None])[2, 0], 0)) / (model.arm @ model.arm))
    if se <= NEGLIGIBLE * np.linalg.norm(model.residual) / n:
        raise NotEstimable("too few subjects carry information on the effect: it has no standard error")
    exact = (possible := comb(n, k)) <= MOST_EXACT
    blocks = _every(n, k) if exact else chain([observed[:, None]], _drawn(n, k, draws, np.random.default_rng(seed)))
    terms = np.concatenate([model.terms(block) for block in blocks], axis=1)
    terms *= np.array([1, se, 1 - TIE, se, (1 - TIE) * se**2])[:, None]  # z in standard errors; ties are extreme
    terms[3:, flat := terms[4] <= NEGLIGIBLE * terms[2]] = 0
    flat &= (terms[0] ** 2 <= NEGLIGIBLE * terms[2]) & (terms[1] ** 2 >= terms[2])
    terms[0, flat] = terms[2, flat] = 0  # extreme always: the observed, its mirror
    z, total = model.effect / se, terms.shape[1]
    p = (hits := int(_as_extreme(terms, z if abs(z) > TIE else 0).sum())) / total
    p_se = 0.0 if exact else float(np.sqrt(p * (1 - p) / draws))
    limits = (p, p) if exact else map(float, stats.binomtest(hits - 1, draws).proportion_ci(1 - alpha))
    needed = ceil(alpha * total * (1 - NEGLIGIBLE))
    lower, upper = (model.effect + side * se * _reach(terms, side, needed) for side in (-1, 1))
    counts = possible, possible if exact else total
    return RandomizationTest(model.effect, se, z, p, lower, upper, exact, *counts, p_se, *limits)


def _every(n: int, k: int) -> Iterator[np.ndarray]:
    """Yield all allocations (n, m) in blocks; of each mirror pair of equal arms, whose |statistic| is one, only one."""
    for members in _blocks(_members(n, k), n):
        allocations = np.zeros((n, m := members.shape[1]))
        allocations.ravel()[members * np.intp(m) + np.arange(m)] = 1
        yield allocations


@lru_cache(maxsize=2)
def _members(n: int, k: int) -> np.ndarray:
    """List the members of each allocation (k, m), which take at most 15 MB."""
    members = np.arange(int(n == 2 * k), n - k + 1, dtype=np.int16)[None]
    for j in range(k - 1):  # the next member is any later one that leaves enough
        last = members[-1]
        choices = n - k + 1 + j - last
        ends = np.cumsum(choices)
        added = np.repeat(last + 1 + choices - ends, choices) + np.arange(ends[-1])
        members = np.vstack([np.repeat(members, choices, axis=1), added.astype(np.int16)])
    return members


def _drawn(n: int, k: int, draws: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield drawn allocations (n, m): each subject by chance, then random ones moved until k are in the arm.

    Neither step prefers a subject, so that each set of k is as likely as any other.
    """
    for first in range(0, draws, columns := max(1, DRAWN // n)):
        allocations = rng.integers(256, size=(n, min(columns, draws - first)), dtype=np.uint8) < 256 * k // n
        surplus = allocations.sum(axis=0) - k
        while (wrong := np.flatnonzero(surplus)).size:
            subjects = rng.integers(n, size=wrong.size)
            moves = allocations[subjects, wrong] == (surplus[wrong] > 0)
            subjects, wrong = subjects[moves], wrong[moves]
            allocations[subjects, wrong] ^= True
            surplus[wrong] -= np.sign(surplus[wrong])
        yield from (block.astype(float) for block in _blocks(allocations, n))


def _blocks(columns: np.ndarray, n: int) -> Iterator[np.ndarray]:
    width = max(1, BLOCK // n)
    return (columns[:, first : first + width] for first in range(0, columns.shape[1], width))


def _as_extreme(terms: np.ndarray, z: float) -> np.ndarray:
    p, q, v0, v1, v2 = terms
    return (p + q * z) ** 2 >= z**2 * (v0 + z * (2 * v1 + z * v2))


def _reach(terms: np.ndarray, side: int, needed: int) -> float:
    """Find how many standard errors beyond the effect `needed` allocations are still as extreme as the observed."""
    inner, outer = 0.0, 4.0
    while _as_extreme(terms, -side * outer).sum() >= needed:
        if (outer := 2 * outer) > FARTHEST:
            return np.inf
    halving, middle = 0, (inner + outer) / 2
    while outer - inner > PRECISION:
        halving += 1
        extreme = _as_extreme(terms, -side * middle)
        inner, outer = (middle, outer) if extreme.sum() >= needed else (inner, middle)
        if halving % 4 == 0:  # leave out those that are extreme everywhere between, or nowhere
            undecided = _undecided(terms, -side * inner, -side * outer)
            needed -= int(np.count_nonzero(extreme & ~undecided))
            terms = np.compress(undecided, terms, axis=1)
        middle = (inner + outer) / 2
    return middle


def _undecided(terms: np.ndarray, inner: float, outer: float) -> np.ndarray:
    """Tell which allocations may be as extreme as the observed at one z of the bracket and not at another.

    Of a convex function, as |p + q z| and the variance are, the ends bound the most, and they and the middle the least.
    """
    p, q, v0, v1, v2 = terms
    z = np.array([inner, (inner + outer) / 2, outer])[:, None]
    bounds = []
    for first, middle, last in (np.abs(p + q * z), v0 + z * (2 * v1 + z * v2)):
        most = np.maximum(first, last)
        bounds += [np.maximum(2 * middle - most, 0), most]
    least, most, least_variance, most_variance = bounds
    may = most**2 >= inner**2 * least_variance
    return may & (least**2 < outer**2 * most_variance)
