"""Arm by visit repeated-measures analysis of variance on complete cases."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import linalg, stats

from trialbook.errors import NotEstimable

NEGLIGIBLE = 1e-12  # standard deviation, relative to the largest value, that is not a variation
SHAPIRO = 5000  # values up to which the P of Shapiro and Wilk's test is known
BAND = 0.95  # share of normal samples in which a point of the normal plot lies inside its band


@dataclass(frozen=True)
class Effect:
    """One row of the table; `p_gg` and `p_hf` are None where sphericity is not assumed (the arm)."""

    ss: float
    df: int
    ss_error: float
    df_error: int
    f: float
    p: float
    p_gg: float | None
    p_hf: float | None
    partial_eta_squared: float
    generalised_eta_squared: float


@dataclass(frozen=True)
class MixedAnova:
    """Arm, visit and interaction, the sphericity estimates, and how many subjects each arm has.

    `epsilon_hf` is capped at one; `mauchly_p` is NaN with two visits, or when the residual degrees of
    freedom are fewer than visits - 1.
    """

    arm: Effect
    visit: Effect
    interaction: Effect
    ss_type: int
    epsilon_gg: float
    epsilon_hf: float
    mauchly_w: float
    mauchly_p: float
    n_visits: int
    n_by_arm: dict


@dataclass(frozen=True, eq=False)
class Normality:
    """Residuals in standard deviations beside those of a normal sample: all ascending, of shape (m,).

    `lower` and `upper` hold each point of an independent normal sample in 95% of samples. `w` and `p` are those of
    Shapiro and Wilk; `p` is NaN with more than 5,000 values.
    """

    observed: np.ndarray
    expected: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    w: float
    p: float


@dataclass(frozen=True, eq=False)
class Checks:
    """What can be seen of the assumptions of a mixed analysis: normal residuals, and arms that vary alike.

    `sd` (arms, k), in the order of `arms`, is in outcome units; `variance_ratio` is the largest variance over the
    smallest, infinite where there is none. `p_subjects` and `p_visits` (k,) are those of Brown and Forsythe's test
    that the arms have one variance, of the subjects' means and at each visit; NaN where an arm has no more than
    two subjects or none varies.
    """

    subjects: Normality
    within: Normality
    arms: list
    sd: np.ndarray
    variance_ratio: float
    p_subjects: float
    p_visits: np.ndarray


def mixed_anova(wide: ArrayLike, arm: Iterable[Hashable], ss_type: int = 3) -> MixedAnova:
    """Analyse arm (between subjects) by visit (within subjects).

    Only the visit row depends on the type of the sums of squares, and only when arms differ in size.

    Parameters
    ----------
    wide : array_like, shape (n, k)
        Outcome of n subjects at k visits, all present.
    arm : sequence of hashable, length n
        Arm of each subject.
    ss_type : {2, 3}
        Visit averaged over subjects (type II) or over arms (type III, as SPSS and afex).

    Returns
    -------
    MixedAnova
        Sums of squares in squared outcome units.

    Raises
    ------
    NotEstimable
        Fewer than two visits, fewer than two arms of two subjects, or no variation within arms.
    ValueError
        Missing values, mismatched shapes, an unknown type.

    References
    ----------
    Mauchly (1940), Ann Math Stat 11:204-209; P by the expansion of Anderson (2003), section 10.7.
    Greenhouse and Geisser (1959), Psychometrika 24:95-112.
    Huynh and Feldt (1976), J Educ Stat 1:69-82, as corrected by Lecoutre (1991), J Educ Stat 16:371-372.
    Olejnik and Algina (2003), Psychol Methods 8:434-447 (generalised eta squared).
    """
    y, codes, arms = _checked(wide, arm, ss_type)
    k, sizes = y.shape[1], np.bincount(codes)
    means = np.stack([y[codes == code].mean(axis=0) for code in range(len(arms))])
    of_subjects, around_them = _residuals(y, means[codes])
    df_error = len(y) - len(arms)
    contrasts = linalg.helmert(k).T  # (k, k - 1), orthonormal
    sscp = (around_them @ contrasts).T @ (around_them @ contrasts)
    ss_subjects, ss_within = k * np.sum(of_subjects**2), np.trace(sscp)
    ss_arm, ss_visit, ss_interaction = _between(means, contrasts, sizes, ss_type)
    gg, hf = _epsilons(sscp, df_error)
    mauchly_w, mauchly_p = _mauchly(sscp, df_error)
    ss_errors = ss_subjects + ss_within
    repeated = (ss_within, (k - 1) * df_error, ss_errors, gg, hf)
    return MixedAnova(
        arm=_effect(ss_arm, len(arms) - 1, ss_subjects, df_error, ss_errors),
        visit=_effect(ss_visit, k - 1, *repeated),
        interaction=_effect(ss_interaction, (k - 1) * (len(arms) - 1), *repeated),
        ss_type=ss_type,
        epsilon_gg=gg,
        epsilon_hf=hf,
        mauchly_w=mauchly_w,
        mauchly_p=mauchly_p,
        n_visits=k,
        n_by_arm=dict(zip(arms, sizes.tolist(), strict=True)),
    )


def _between(means: np.ndarray, contrasts: np.ndarray, sizes: np.ndarray, ss_type: int) -> tuple[float, float, float]:
    """Sums of squares of arm, visit and interaction, from the means (arms, k) of arms of these sizes at each visit."""
    k, n, level, change = means.shape[1], sizes.sum(), means.mean(axis=1), means @ contrasts  # change: (arms, k - 1)
    overall = sizes @ change / n
    arm = k * sizes @ (level - sizes @ level / n) ** 2
    interaction = sizes @ np.sum((change - overall) ** 2, axis=1)
    if ss_type == 2:
        visit = n * np.sum(overall**2)
    else:
        visit = np.sum(change.mean(axis=0) ** 2) * len(sizes) ** 2 / np.sum(1 / sizes)
    return float(arm), float(visit), float(interaction)


def check_assumptions(wide: ArrayLike, arm: Iterable[Hashable]) -> Checks:
    """Look for residuals that are not normal and for arms that do not vary alike.

    The residuals of a subject are dependent, so that the band and the P of those within subjects are approximate.

    Parameters
    ----------
    wide : array_like, shape (n, k)
        Outcome of n subjects at k visits, all present.
    arm : sequence of hashable, length n
        Arm of each subject.

    Returns
    -------
    Checks

    Raises
    ------
    NotEstimable, ValueError
        As `mixed_anova`.

    References
    ----------
    Shapiro and Wilk (1965), Biometrika 52:591-611. Brown and Forsythe (1974), JASA 69:364-367.
    """
    y, codes, arms = _checked(wide, arm, 3)
    groups = [y[codes == code] for code in range(len(arms))]
    of_subjects, around_them = _residuals(y, np.stack([group.mean(axis=0) for group in groups])[codes])
    variances = np.stack([group.var(axis=0, ddof=1) for group in groups])
    floor = (NEGLIGIBLE * np.abs(y).max()) ** 2
    visits = zip(*(group.T for group in groups), strict=True)
    return Checks(
        subjects=_normality(of_subjects),
        within=_normality(around_them.ravel()),
        arms=arms,
        sd=np.sqrt(variances),
        variance_ratio=float(variances.max() / variances.min()) if variances.min() > floor else np.inf,
        p_subjects=_brown_forsythe([group.mean(axis=1) for group in groups]),
        p_visits=np.array([_brown_forsythe(values) for values in visits]),
    )


def _checked(wide: ArrayLike, arm: Iterable[Hashable], ss_type: int) -> tuple[np.ndarray, np.ndarray, list]:
    y, labels = np.asarray(wide, float), pd.Series(list(arm), dtype=object).to_numpy()
    if ss_type not in (2, 3):
        raise ValueError(f"sums of squares are of type 2 or 3, not {ss_type!r}")
    if y.ndim != 2 or len(y) != len(labels):
        raise ValueError(f"outcomes {y.shape} must be subjects by visits, with {len(y)} arms, not {len(labels)}")
    if y.shape[1] < 2:
        raise NotEstimable("an arm by visit analysis needs at least two visits")
    if incomplete := int(np.sum(~np.isfinite(y).all(axis=1))):
        raise ValueError(f"{incomplete} of {len(y)} subjects miss a visit: keep complete cases only")
    codes, arms = pd.factorize(labels)
    if (codes < 0).any():
        raise ValueError("every subject must have an arm: labels are missing")
    sizes = np.bincount(codes, minlength=len(arms))
    if len(arms) < 2 or sizes.min() < 2:
        found = ", ".join(f"{name}: {size}" for name, size in zip(arms, sizes, strict=True)) or "none"
        raise NotEstimable(f"at least two arms, each with at least two complete subjects, are needed ({found})")
    return y, codes, list(arms)


def _residuals(y: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Take from each subject the means (n, k) of its arm: what is left of its mean (n,), and around that (n, k)."""
    left = y - means
    of_subjects = left.mean(axis=1)
    around_them = left - of_subjects[:, None]
    floor = (NEGLIGIBLE * np.abs(y).max()) ** 2 * y.size
    if y.shape[1] * np.sum(of_subjects**2) <= floor:
        raise NotEstimable("the subjects of an arm all have the same mean: there is no error term for the arm")
    if np.sum(around_them**2) <= floor:
        raise NotEstimable("the subjects of an arm all change alike: there is no error term for the visits")
    return of_subjects, around_them


def _normality(residuals: np.ndarray) -> Normality:
    m = residuals.size
    rank = np.arange(1, m + 1)
    limits = np.array([[(1 - BAND) / 2], [0.5], [(1 + BAND) / 2]])
    lower, middle, upper = np.asarray(stats.norm.ppf(stats.beta.ppf(limits, rank, m + 1 - rank)))
    w, p = stats.shapiro(residuals) if m <= SHAPIRO else (np.nan, np.nan)
    return Normality(np.sort(residuals) / residuals.std(), middle, lower, upper, float(w), float(p))


def _brown_forsythe(groups: Sequence[np.ndarray]) -> float:
    """P of equal variances; NaN where the distances from an arm's median are the same for all of the arm."""
    distances = [np.abs(values - np.median(values)) for values in groups]
    spread = sum(np.sum((part - part.mean()) ** 2) for part in distances)
    if spread <= (NEGLIGIBLE * max(np.abs(values).max() for values in groups)) ** 2:
        return np.nan
    return float(stats.levene(*groups, center="median").pvalue)


def _effect(
    ss: float,
    df: int,
    ss_error: float,
    df_error: int,
    ss_errors: float,
    gg: float | None = None,
    hf: float | None = None,
) -> Effect:
    f = (ss / df) / (ss_error / df_error)

    def p(epsilon: float) -> float:
        return float(stats.f.sf(f, epsilon * df, epsilon * df_error))

    eta, general = ss / (ss + ss_error), ss / (ss + ss_errors)
    return Effect(
        float(ss),
        df,
        float(ss_error),
        df_error,
        float(f),
        p(1.0),
        gg and p(gg),
        hf and p(hf),
        float(eta),
        float(general),
    )


def _epsilons(sscp: np.ndarray, df: int) -> tuple[float, float]:
    d = len(sscp)
    gg = np.trace(sscp) ** 2 / (d * np.sum(sscp**2))
    room = max(d * (df - d * gg), NEGLIGIBLE)  # nothing is left when as few as df eigenvalues are equal
    return float(gg), float(min(1.0, ((df + 1) * d * gg - 2) / room))


def _mauchly(sscp: np.ndarray, df: int) -> tuple[float, float]:
    d = len(sscp)
    w = max(0.0, float(np.linalg.det(sscp * d / np.trace(sscp))))
    if d == 1 or df < d:  # nothing to test, or a matrix without full rank whatever the truth
        return w, np.nan
    rho = 1 - (2 * d**2 + d + 2) / (6 * d * df)
    second = (d + 2) * (d - 1) * (d - 2) * (2 * d**3 + 6 * d**2 + 3 * d + 2) / (288 * (df * d * rho) ** 2)
    statistic, f = -df * rho * np.log(w) if w > 0 else np.inf, d * (d + 1) / 2 - 1
    first, next_ = stats.chi2.sf(statistic, f), stats.chi2.sf(statistic, f + 4)
    return w, float(first + second * (next_ - first))
