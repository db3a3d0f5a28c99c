"""Arm by visit repeated-measures analysis of variance on complete cases."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import linalg, stats

NEGLIGIBLE = 1e-12  # standard deviation, relative to the largest value, that is not a variation


class AnovaError(ValueError):
    """The data do not allow an arm by visit analysis of variance."""


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


def mixed_anova(wide, arm, ss_type: Literal[2, 3] = 3) -> MixedAnova:
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
    AnovaError
        Missing values, mismatched shapes, fewer than two visits, fewer than two arms of two subjects, or no
        variation within arms.

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
    within = y - means[codes]
    df_error = len(y) - len(arms)
    contrasts = linalg.helmert(k).T  # (k, k - 1), orthonormal
    sscp = (within @ contrasts).T @ (within @ contrasts)
    ss_subjects, ss_within = np.sum(within.sum(axis=1) ** 2) / k, np.trace(sscp)
    floor = (NEGLIGIBLE * np.abs(y).max()) ** 2 * y.size
    if ss_subjects <= floor:
        raise AnovaError("the subjects of an arm all have the same mean: there is no error term for the arm")
    if ss_within <= floor:
        raise AnovaError("the subjects of an arm all change alike: there is no error term for the visits")

    level = means.mean(axis=1)
    change = means @ contrasts  # (arms, k - 1)
    overall = sizes @ change / len(y)
    ss_arm = k * sizes @ (level - sizes @ level / len(y)) ** 2
    ss_interaction = sizes @ np.sum((change - overall) ** 2, axis=1)
    if ss_type == 2:
        ss_visit = len(y) * overall @ overall
    else:
        ss_visit = np.sum(change.mean(axis=0) ** 2) * len(arms) ** 2 / np.sum(1 / sizes)

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


def _checked(wide, arm, ss_type) -> tuple[np.ndarray, np.ndarray, list]:
    y, labels = np.asarray(wide, float), pd.Series(list(arm), dtype=object).to_numpy()
    if ss_type not in (2, 3):
        raise AnovaError(f"sums of squares are of type 2 or 3, not {ss_type!r}")
    if y.ndim != 2 or len(y) != len(labels):
        raise AnovaError(f"outcomes {y.shape} must be subjects by visits, with {len(y)} arms, not {len(labels)}")
    if y.shape[1] < 2:
        raise AnovaError("an arm by visit analysis needs at least two visits")
    if incomplete := int(np.sum(~np.isfinite(y).all(axis=1))):
        raise AnovaError(f"{incomplete} of {len(y)} subjects miss a visit: keep complete cases only")
    codes, arms = pd.factorize(labels)
    if (codes < 0).any():
        raise AnovaError("every subject must have an arm: labels are missing")
    sizes = np.bincount(codes, minlength=len(arms))
    if len(arms) < 2 or sizes.min() < 2:
        found = ", ".join(f"{name}: {size}" for name, size in zip(arms, sizes, strict=True)) or "none"
        raise AnovaError(f"at least two arms, each with at least two complete subjects, are needed ({found})")
    return y, codes, list(arms)


def _effect(ss, df, ss_error, df_error, ss_errors, gg=None, hf=None) -> Effect:
    f = (ss / df) / (ss_error / df_error)
    p, p_gg, p_hf = (
        None if epsilon is None else float(stats.f.sf(f, epsilon * df, epsilon * df_error)) for epsilon in (1.0, gg, hf)
    )
    eta, general = ss / (ss + ss_error), ss / (ss + ss_errors)
    return Effect(float(ss), df, float(ss_error), df_error, float(f), p, p_gg, p_hf, float(eta), float(general))


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
    first, next_ = stats.chi2.sf(statistic, [f, f + 4])
    return w, float(first + second * (next_ - first))
