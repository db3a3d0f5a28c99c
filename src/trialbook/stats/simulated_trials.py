"""How often each method rejects in simulated trials, all of them tested at once.

The simulated trials are complete and multivariate normal, with the arms and visits of a design. For such trials every
analysis has a closed form in the participants' values, follow-up means and baselines: the exchangeable GEE is the
least-squares regression of the follow-up mean, its working covariance has the eigenvector of ones, and so each
small-sample covariance weighs a squared residual by a power of one minus its leverage. A constant effect moves the
estimate and no residual, so that one set of draws serves all effects.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import linalg, special

from trialbook.errors import NotEstimable
from trialbook.stats.cr2 import Regressions

EFFECTS = (0.0, 0.5, 1.0, 1.5)  # of the test arm at each follow-up visit, in standard deviations at the final visit
BLOCK = 2**20  # values drawn at a time
NEGLIGIBLE = 1e-12  # standard deviation, relative to the largest value, that is not a variation
# method: estimand, what it is called
METHODS = {
    "pooled_t": ("final", "Pooled t"),
    "welch": ("final", "Welch's t"),
    "ancova": ("final", "ANCOVA on baseline"),
    "gee_robust": ("follow_up", "GEE, robust z"),
    "gee_cr2": ("follow_up", "GEE, CR2, Satterthwaite t"),
    "gee_kc": ("follow_up", "GEE, Kauermann–Carroll, t"),
    "gee_md": ("follow_up", "GEE, Mancl–DeRouen, t"),
    "gee_unadjusted": ("follow_up", "GEE, without baseline, robust z"),
    "intercept": ("follow_up", "REML, random intercept, Kenward–Roger t"),
    "anova_arm": ("course", "ANOVA, arm"),
    "anova_interaction": ("course", "ANOVA, arm × visit (Greenhouse–Geisser)"),
}


@dataclass(frozen=True)
class Design:
    """What a simulated trial is like: participants by arm, SD at each visit (baseline first), their correlation."""

    sizes: tuple[int, int]
    sd: tuple[float, ...]
    correlation: float

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
            The participants with a baseline and a follow-up value; SDs pooled within arms; the mean of the
            correlations of any two visits within arms, not below zero.

        Raises
        ------
        NotEstimable
            In words, where that cannot be estimated.
        """
        columns = [baseline, *(visit for visit in next(iter(wide.values())).columns if visit != baseline)]
        kept = [values.reindex(columns=columns).to_numpy(float) for values in wide.values()]
        kept = [rows[np.isfinite(rows[:, 0]) & np.isfinite(rows[:, 1:]).any(axis=1)] for rows in kept]
        if min(map(len, kept)) < 2 or sum(map(len, kept)) <= 4:
            raise NotEstimable("too few participants have a baseline and a follow-up value")
        known = [np.isfinite(rows) for rows in kept]
        if not all(seen.any(axis=0).all() for seen in known):
            raise NotEstimable("at some visit an arm has no value")
        within = np.concatenate([rows - np.nanmean(rows, axis=0) for rows in kept])
        df = sum(np.maximum(seen.sum(axis=0) - 1, 0) for seen in known)
        squares = np.nansum(within**2, axis=0)
        largest = np.nanmax(np.abs(np.concatenate(kept)), axis=0)
        if not df.all() or (squares <= (NEGLIGIBLE * largest) ** 2 * len(within)).any():
            raise NotEstimable("at some visit the values of each arm are all the same")
        known, filled = np.isfinite(within), np.nan_to_num(within)
        pairs = filled.T @ filled
        norms = (filled**2).T @ known  # of a visit's values, over those that the other visit has too
        first, second = np.triu_indices(len(columns), 1)
        with np.errstate(invalid="ignore"):
            correlations = (pairs / np.sqrt(norms * norms.T))[first, second]
        correlation = float(np.clip(np.nanmean(correlations), 0, 0.99))
        return cls((len(kept[0]), len(kept[1])), tuple(map(float, np.sqrt(squares / df))), correlation)

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


def simulate(design: Design, trials: int, rng: np.random.Generator, alpha: float = 0.05) -> dict[str, np.ndarray]:
    """Count how often each method rejects in simulated trials.

    Parameters
    ----------
    design : Design
    trials : int
    rng : numpy.random.Generator
    alpha : float
        Nominal level, two-sided.

    Returns
    -------
    dict of str to ndarray of int, shape (effects,)
        Rejections by method under each of `EFFECTS`.

    References
    ----------
    The methods are those of `trialbook.analysis.estimators` and `trialbook.stats.anova`; their docstrings give the
    sources.
    """
    counts = {method: np.zeros(len(EFFECTS), int) for method in design.methods}
    size = max(1, BLOCK // design.values)
    for first in range(0, trials, size):
        y = draw(design, min(size, trials - first), rng)
        for method, p in p_values(y, design).items():
            counts[method] += np.count_nonzero(p < alpha, axis=1)
    return counts


def draw(design: Design, trials: int, rng: np.random.Generator) -> np.ndarray:
    """Draw trials without an effect: (trials, participants, visits), the test arm first, baseline the first visit."""
    shape = trials, sum(design.sizes), len(design.sd)
    person, visit = rng.standard_normal((*shape[:2], 1)), rng.standard_normal(shape)
    return np.array(design.sd) * (np.sqrt(design.correlation) * person + np.sqrt(1 - design.correlation) * visit)


def p_values(y: np.ndarray, design: Design) -> dict[str, np.ndarray]:
    """Test the arm's effect in many complete trials at once.

    Parameters
    ----------
    y : ndarray, shape (trials, participants, visits)
        Outcomes without an effect, the test arm first, baseline the first visit.
    design : Design
        Of the trials; its last SD is the unit of the effects.

    Returns
    -------
    dict of str to ndarray, shape (effects, trials)
        Two-sided P by method under each of `EFFECTS`.
    """
    effects = np.array(EFFECTS)[:, None] * design.sd[-1]
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
        wald[method] = effect.estimate, effect.variance(power), n - visits - 1
    level = y.mean(axis=2)
    found = {
        method: _p((estimate + effects) / np.sqrt(variance), df)
        for method, (estimate, variance, df) in wald.items()
        if method in design.methods
    }
    share = (visits - 1) / visits
    found["anova_arm"] = _p((_difference(level, test) + share * effects) / np.sqrt(_two_means(level, test)[0]), n - 2)
    found["anova_interaction"] = _interaction(y, test, effects)
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


def _p(statistic: np.ndarray, df: float | np.ndarray) -> np.ndarray:
    if np.ndim(df) == 0 and np.isinf(df):
        return 2 * special.ndtr(-np.abs(statistic))
    return 2 * special.stdtr(df, -np.abs(statistic))
