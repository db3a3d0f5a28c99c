"""How often each method rejects in simulated trials, all of them tested at once.

The simulated trials are complete, with the arms and visits of a design: multivariate normal with the covariance of
each arm, or participants drawn with replacement from those of each arm. For complete trials every analysis has a closed
form in the participants' values, follow-up means and baselines: the exchangeable GEE is the least-squares regression of
the follow-up mean, its working covariance has the eigenvector of ones, and so each small-sample covariance weighs a
squared residual by a power of one minus its leverage. A mixed model whose baseline has a slope at each visit (MMRM) is
at the final visit the analysis of covariance there, and over the visits that of their mean. A constant effect moves
the estimate and no residual, so that one set of draws serves all effects.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import linalg, special

from trialbook.errors import NotEstimable
from trialbook.stats.cr2 import Regressions

EFFECTS = (0.0, 0.5, 1.0, 1.5)  # of the test arm at each follow-up visit, in standard deviations at the final visit
BLOCK = 2**20  # values drawn at a time
NEGLIGIBLE = 1e-12  # standard deviation, relative to the largest value, that is not a variation
BETWEEN = 3  # parameters of a GEE that tell participants apart: intercept, arm and baseline
FEWEST = 5  # participants of an arm that can stand for others
# method: estimand, what it is called
METHODS = {
    "pooled_t": ("final", "Pooled t"),
    "welch": ("final", "Welch's t"),
    "ancova": ("final", "ANCOVA, or MMRM"),
    "gee_robust": ("follow_up", "GEE, robust z"),
    "gee_cr2": ("follow_up", "GEE, CR2, Satterthwaite t"),
    "gee_kc": ("follow_up", "GEE, Kauermann–Carroll, t"),
    "gee_md": ("follow_up", "GEE, Mancl–DeRouen, t"),
    "gee_unadjusted": ("follow_up", "GEE, without baseline, robust z"),
    "intercept": ("follow_up", "REML, Kenward–Roger t"),
    "anova_arm": ("course", "ANOVA, arm"),
    "anova_interaction": ("course", "ANOVA, arm × visit (Greenhouse–Geisser)"),
}


@dataclass(frozen=True, eq=False)
class Design:
    """What a simulated trial is like: participants by arm, and how their values vary around the mean of their arm.

    `covariances` holds that of the visits, baseline first, of the test arm and of the reference arm; `deviations`, if
    any, the participants (m, visits) of each arm that are drawn in place of normal values, of the same covariance.
    """

    sizes: tuple[int, int]
    covariances: tuple[np.ndarray, np.ndarray]
    deviations: tuple[np.ndarray, np.ndarray] | None = None

    @classmethod
    def of(cls, wide: dict[str, pd.DataFrame], baseline: float) -> "Design":
        """Take the design from the values of a trial.

        Parameters
        ----------
        wide : dict of str to DataFrame
            By arm, test before reference: subjects × visits, NaN where missing.
        baseline : float
            The baseline visit's column.

        Returns
        -------
        Design
            Of normal values: the participants with a baseline and a follow-up value, and the covariance of each arm
            over those who have both visits of a pair, or what is nearest to it and a covariance.

        Raises
        ------
        NotEstimable
            In words, where that cannot be estimated.

        References
        ----------
        Higham (1988), Linear Algebra Appl 103:103-118 (what is nearest).
        """
        kept = _participants(wide, baseline)
        if min(map(len, kept)) < 2 or sum(map(len, kept)) <= 4:
            raise NotEstimable("too few participants have a baseline and a follow-up value")
        if any(rows.notna().sum().min() < 2 for rows in kept):
            raise NotEstimable("at some visit an arm has fewer than two values")
        largest = np.max([rows.abs().max() for rows in kept], axis=0)
        spread = np.array([rows.std() for rows in kept])
        if (spread <= NEGLIGIBLE * largest).all(axis=0).any():
            raise NotEstimable("at some visit the values of each arm are all the same")
        covariances = [rows.cov(min_periods=2).to_numpy() for rows in kept]
        if not np.isfinite(covariances).all():
            raise NotEstimable("at some two visits no two participants of an arm have both values")
        test, reference = (_nearest(covariance) for covariance in covariances)
        return cls((len(kept[0]), len(kept[1])), (test, reference))

    def resampled(self, wide: dict[str, pd.DataFrame], baseline: float) -> "Design":
        """Take participants with every visit in place of normal values.

        Parameters
        ----------
        wide, baseline
            As of `of`.

        Returns
        -------
        Design
            Their deviations from the means of their arm, stretched so that what is drawn has their covariance.

        Raises
        ------
        NotEstimable
            Where an arm has too few of them, or they do not differ.
        """
        complete = [rows.dropna().to_numpy(float) for rows in _participants(wide, baseline)]
        if min(map(len, complete)) < FEWEST:
            raise NotEstimable(f"in an arm fewer than {FEWEST} participants have a value at every visit")
        around = [rows - rows.mean(axis=0) for rows in complete]
        if all_the_same(np.concatenate(around)[None], [len(rows) for rows in around]).any():
            raise NotEstimable("at some visit the values of participants with every visit are all the same")
        test, reference = (rows * np.sqrt(len(rows) / (len(rows) - 1)) for rows in around)
        covariances = tuple(rows.T @ rows / len(rows) for rows in (test, reference))
        return replace(self, covariances=covariances, deviations=(test, reference))

    @cached_property
    def pooled(self) -> np.ndarray:
        """The covariance of the visits within arms."""
        weights = np.array(self.sizes) - 1
        return np.tensordot(weights / weights.sum(), self.covariances, 1)

    @cached_property
    def sd(self) -> np.ndarray:
        """The SD at each visit within arms."""
        return np.sqrt(np.diag(self.pooled))

    @property
    def correlations(self) -> tuple[np.ndarray, np.ndarray]:
        """The correlations within arms of the baseline with each follow-up visit, and of any two follow-up visits."""
        of = self.pooled / np.outer(self.sd, self.sd)
        return of[0, 1:], of[1:, 1:][np.triu_indices(len(of) - 1, 1)]

    @property
    def values(self) -> int:
        """The values in one simulated trial."""
        return sum(self.sizes) * len(self.sd)

    @property
    def lacking(self) -> dict[str, str]:
        """Why a method has no answer in a trial of this size and these visits, by method."""
        subjects, parameters = sum(self.sizes), len(self.sd) + 1  # of a GEE: visits, arm and baseline
        few = f"{parameters} parameters need more clusters than the {subjects} there are"
        reasons = {m: few for m in METHODS if m.startswith("gee") and subjects <= parameters}
        if len(self.sd) == 2:
            reasons["intercept"] = "one follow-up visit does not tell participants from visits"
        return reasons

    @property
    def methods(self) -> list[str]:
        """The methods that have an answer."""
        return [method for method in METHODS if method not in self.lacking]


def _participants(wide: dict[str, pd.DataFrame], baseline: float) -> list[pd.DataFrame]:
    """The participants of each arm with a baseline and a follow-up value, the baseline first of their visits."""
    columns = [baseline, *(visit for visit in next(iter(wide.values())).columns if visit != baseline)]
    ordered = [values.reindex(columns=columns).astype(float) for values in wide.values()]
    return [rows[rows[baseline].notna() & rows[columns[1:]].notna().any(axis=1)] for rows in ordered]


def _nearest(matrix: np.ndarray) -> np.ndarray:
    """The covariance nearest to a symmetric matrix, with the same variances: no direction varies less than not."""
    values, vectors = np.linalg.eigh(matrix)
    near = (vectors * np.maximum(values, 0)) @ vectors.T
    stretch = np.sqrt(np.divide(np.diag(matrix), np.diag(near), out=np.zeros(len(near)), where=np.diag(near) > 0))
    return near * np.outer(stretch, stretch)


def simulate(
    design: Design,
    trials: int,
    rng: np.random.Generator,
    alpha: float = 0.05,
    effects: tuple[float, ...] = EFFECTS,
) -> dict[str, np.ndarray]:
    """Count how often each method rejects in simulated trials.

    Parameters
    ----------
    design : Design
    trials : int
    rng : numpy.random.Generator
    alpha : float
        Nominal level, two-sided.
    effects : tuple of float
        Of the test arm at each follow-up visit, in standard deviations at the final visit.

    Returns
    -------
    dict of str to ndarray of int, shape (effects,)
        Rejections by method under each effect.

    References
    ----------
    The methods are those of `trialbook.analysis.estimators` and `trialbook.stats.anova`; their docstrings give the
    sources.
    """
    counts = {method: np.zeros(len(effects), int) for method in design.methods}
    size = max(1, BLOCK // design.values)
    for first in range(0, trials, size):
        y = draw(design, min(size, trials - first), rng)
        for method, p in p_values(y, design, effects).items():
            counts[method] += np.count_nonzero(p < alpha, axis=1)
    return counts


def draw(design: Design, trials: int, rng: np.random.Generator) -> np.ndarray:
    """Draw trials without an effect: (trials, participants, visits), the test arm first, baseline the first visit.

    A trial of drawn participants who at some visit are all the same within arms is drawn anew: it has no analysis.
    """
    y = _draw(design, trials, rng)
    while design.deviations and (flat := all_the_same(y, design.sizes)).any():
        y[flat] = _draw(design, int(np.count_nonzero(flat)), rng)
    return y


def _draw(design: Design, trials: int, rng: np.random.Generator) -> np.ndarray:
    if design.deviations:
        drawn = [
            rng.integers(0, len(rows), (trials, n)) for rows, n in zip(design.deviations, design.sizes, strict=True)
        ]
        return np.concatenate([rows[who] for rows, who in zip(design.deviations, drawn, strict=True)], axis=1)
    y = rng.standard_normal((trials, sum(design.sizes), len(design.sd)))
    for arm, covariance in zip((slice(design.sizes[0]), slice(design.sizes[0], None)), design.covariances, strict=True):
        values, vectors = np.linalg.eigh(covariance)  # whose signs depend on the processor: the symmetric root does not
        y[:, arm] = y[:, arm] @ ((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)
    return y


def all_the_same(y: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Tell of trials (trials, participants, visits) whether at some visit nobody differs from others of the arm."""
    spread = np.maximum(np.ptp(y[:, : sizes[0]], axis=1), np.ptp(y[:, sizes[0] :], axis=1))
    return (spread <= NEGLIGIBLE * np.abs(y).max(axis=(1, 2))[:, None]).any(axis=1)


def p_values(y: np.ndarray, design: Design, effects: tuple[float, ...] = EFFECTS) -> dict[str, np.ndarray]:
    """Test the arm's effect in many complete trials at once.

    Parameters
    ----------
    y : ndarray, shape (trials, participants, visits)
        Outcomes without an effect, the test arm first, baseline the first visit.
    design : Design
        Of the trials; its last SD is the unit of the effects.
    effects : tuple of float

    Returns
    -------
    dict of str to ndarray, shape (effects, trials)
        Two-sided P by method under each effect; NaN where the method leaves no variation to estimate.
    """
    moved = np.array(effects)[:, None] * design.sd[-1]
    test = np.repeat([True, False], design.sizes)
    n, visits = len(test), y.shape[2]
    base, mean, final = y[:, :, 0], y[:, :, 1:].mean(axis=2), y[:, :, -1]
    wald: dict[str, tuple[np.ndarray, np.ndarray, float | np.ndarray]] = {}
    pooled, welch, df_welch = _two_means(final, test)
    wald["pooled_t"] = _difference(final, test), pooled, n - 2
    wald["welch"] = _difference(final, test), welch, df_welch
    wald["gee_unadjusted"] = _difference(mean, test), Regressions(test).fit(mean).variance(0), np.inf
    adjusted = Regressions(test, base)
    effect, at_final = adjusted.fit(mean), adjusted.fit(final)
    wald["ancova"] = at_final.estimate, at_final.model_based(n - 3), n - 3
    wald["intercept"] = effect.estimate, effect.model_based(n - 3), n - 3
    wald["gee_robust"] = effect.estimate, effect.variance(0), np.inf
    wald["gee_cr2"] = effect.estimate, effect.variance(1), adjusted.satterthwaite()
    for method, power in (("gee_kc", 1), ("gee_md", 2)):
        wald[method] = effect.estimate, effect.variance(power), n - BETWEEN
    nothing = (NEGLIGIBLE * design.sd[-1]) ** 2
    found = {
        method: _p(estimate + moved, np.where(variance > nothing, variance, np.nan), df)
        for method, (estimate, variance, df) in wald.items()
        if method in design.methods
    }
    level, share = y.mean(axis=2), (visits - 1) / visits
    found["anova_arm"] = _p(_difference(level, test) + share * moved, _two_means(level, test)[0], n - 2)
    found["anova_interaction"] = _interaction(y, test, moved)
    return found


def _difference(outcome: np.ndarray, test: np.ndarray) -> np.ndarray:
    return outcome[:, test].mean(axis=1) - outcome[:, ~test].mean(axis=1)


def _two_means(outcome: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Variance of a difference of means, pooled and Welch's, with Welch's degrees of freedom."""
    groups = outcome[:, test], outcome[:, ~test]
    sizes = [group.shape[1] for group in groups]
    variances = [group.var(axis=1, ddof=1) for group in groups]
    df = sum(sizes) - 2
    pooled = sum((n - 1) * v for n, v in zip(sizes, variances, strict=True)) / df * sum(1 / n for n in sizes)
    parts = [v / n for n, v in zip(sizes, variances, strict=True)]
    welch = sum(parts)
    return pooled, welch, welch**2 / sum(part**2 / (n - 1) for n, part in zip(sizes, parts, strict=True))


def _interaction(y: np.ndarray, test: np.ndarray, effects: np.ndarray) -> np.ndarray:
    """P of arm × visit by the mixed analysis of variance, corrected after Greenhouse and Geisser."""
    visits, n = y.shape[2], len(test)
    contrasts = linalg.helmert(visits).T
    z = y @ contrasts
    groups = z[:, test], z[:, ~test]
    within = [group - group.mean(axis=1, keepdims=True) for group in groups]
    sscp = sum(group.swapaxes(1, 2) @ group for group in within)
    moved = effects * np.concatenate([[0.0], np.ones(visits - 1)]) @ contrasts
    change = groups[0].mean(axis=1) - groups[1].mean(axis=1) + moved[:, None, :]
    between = np.sum(change**2, axis=2) * test.sum() * (~test).sum() / n
    trace = np.trace(sscp, axis1=1, axis2=2)
    epsilon = trace**2 / ((visits - 1) * np.sum(sscp**2, axis=(1, 2)))
    return special.fdtrc(epsilon * (visits - 1), epsilon * (visits - 1) * (n - 2), between / trace * (n - 2))


def _p(estimate: np.ndarray, variance: np.ndarray, df: float | np.ndarray) -> np.ndarray:
    statistic = estimate / np.sqrt(variance)
    if np.ndim(df) == 0 and np.isinf(df):
        return 2 * special.ndtr(-np.abs(statistic))
    return 2 * special.stdtr(df, -np.abs(statistic))
