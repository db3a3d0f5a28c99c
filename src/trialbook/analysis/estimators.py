"""The effect of the treatment on one parameter, at the final visit or over the follow-up visits, by a named method."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy import optimize, special, stats
from statsmodels.regression.linear_model import OLS

from trialbook.stats import gee, permutation, reml

FinalTest = Literal["pooled t", "Welch", "ANCOVA", "randomisation", "ANCOVA randomisation"]
Estimator = Literal["GEE", "REML"]

NONE = "an arm has no value"
FEW = "an arm has fewer than two values"
ALIKE = "the values of each arm are all the same"
LARGEST_T = 1e4  # at which scipy's noncentral t distribution is still that of its definition
FLAT = "the baseline value does not vary, or tells the arms apart"


class EffectError(ValueError):
    """The effect cannot be estimated, or not by this method."""


@dataclass(frozen=True)
class Effect:
    """An estimate (test minus reference, outcome units) with its test; `df` is None where no t or z is referred to.

    `p_se` is the Monte Carlo standard error of a P value that was drawn, None where it was not.
    """

    estimate: float
    se: float
    statistic: float
    df: float | None
    p: float
    lower: float
    upper: float
    p_se: float | None = None


@dataclass(frozen=True)
class Model:
    """How the mean effect over the follow-up visits is estimated; the default is as published.

    `correlation` is the working correlation of a GEE, and what REML takes for the values of a participant:
    exchangeable (a random intercept) or unstructured (MMRM, with an effect at each visit, averaged).
    """

    estimator: Estimator = "GEE"
    correlation: str = "exchangeable"
    covariance: str = "robust"
    reference: str = "z"
    adjusted: bool = True

    def __str__(self):
        """The method as a table names it: what is the rule, an exchangeable correlation and a baseline, unsaid."""
        if self.estimator == "REML":
            structure = {"exchangeable": "random intercept", "unstructured": "unstructured"}
            parts = ["REML", structure.get(self.correlation, self.correlation)]
        else:
            structure = {"exchangeable": [], "ar1": ["AR(1)"]}.get(self.correlation, [self.correlation])
            parts = ["GEE", *structure, self.covariance]
        said = {"satterthwaite": "Satterthwaite t", "kenward-roger": "Kenward–Roger t"}
        test = said.get(self.reference, self.reference)
        joined = ", ".join(parts)
        joined += f" {test}" if (self.covariance, self.reference) == ("robust", "z") else f", {test}"
        return joined if self.adjusted else f"{joined}, without baseline"


def at_final_visit(wide, baseline, last, test="pooled t", alpha=0.05):
    """Compare the arms at the final visit.

    Parameters
    ----------
    wide : dict of str to DataFrame
        By arm, test before reference: subjects × visits, in outcome units.
    baseline, last : float
        Columns of the baseline and of the final visit; ANCOVA adjusts for the former.
    test : {"pooled t", "Welch", "ANCOVA", "randomisation", "ANCOVA randomisation"}
    alpha : float

    Returns
    -------
    Effect

    Raises
    ------
    ValueError
        In words, where the values do not allow it; `EffectError` for an unknown test.

    References
    ----------
    Student (1908), Biometrika 6:1-25. Welch (1947), Biometrika 34:28-35. Randomisation: `trialbook.stats.permutation`.
    """
    if test not in get_args(FinalTest):
        raise EffectError(f"{test!r} is not one of {', '.join(get_args(FinalTest))}")
    y, arm = _stack(wide, last), _arm(wide)
    if not test.startswith("ANCOVA"):
        seen = np.isfinite(y)
        if not all((seen & (arm == one)).any() for one in (True, False)):
            raise EffectError(NONE)
        if test == "randomisation":
            return _allocated(permutation.difference(y[seen], arm[seen], alpha=alpha))
        return _t_test(y[seen & arm], y[seen & ~arm], test == "pooled t", alpha)
    base = _stack(wide, baseline)
    both = np.isfinite(y) & np.isfinite(base)
    if test == "ANCOVA":
        return _ancova(y[both], arm[both], base[both], alpha)
    return _allocated(permutation.difference(y[both], arm[both], base[both], alpha=alpha))


def over_follow_up(wide, baseline, model=None, alpha=0.05):
    """Estimate the mean effect over the follow-up visits.

    Parameters
    ----------
    wide : dict of str to DataFrame
        By arm, test before reference: subjects × visits, in outcome units.
    baseline : float
        The baseline visit's column.
    model : Model, optional
        As published if not given.
    alpha : float

    Returns
    -------
    effect : Effect
    fit : gee.Fit or None
        The fitted GEE; None for REML.

    Raises
    ------
    ValueError
        In words, where the values do not allow it.

    References
    ----------
    `trialbook.stats.gee`, `trialbook.stats.reml` and `trialbook.stats.permutation` give the sources of the methods.
    """
    model = model or Model()
    if model.estimator not in get_args(Estimator):
        raise EffectError(f"{model.estimator!r} is not one of {', '.join(get_args(Estimator))}")
    y, X, groups, visits, arms = design(wide, baseline, model.adjusted)
    if empty := [role for role, n in zip(("test", "reference"), arms.values(), strict=True) if not n]:
        needed = "both a baseline and a follow-up value" if model.adjusted else "a follow-up value"
        raise EffectError(f"nobody in the {' or the '.join(empty)} arm has {needed}")
    if model.adjusted and not _varies_by_itself(X[:, [0, 1, -1]]):
        raise EffectError(FLAT)
    if model.estimator == "REML":
        structure = {"exchangeable": "compound symmetry"}.get(model.correlation, model.correlation)
        columns = _effect_at_each(X, visits) if structure == "unstructured" else X
        fit = reml.fit(y, columns, groups, visits, structure)
        return _wald(fit.test(np.eye(columns.shape[1])[1], reference=model.reference, alpha=alpha)), None
    fit = gee.fit(y, X, groups, model.correlation, visits)
    if model.reference == "randomisation":
        known = {arm: values[values.index.isin(groups)] for arm, values in wide.items()}
        means = np.concatenate([values.drop(columns=baseline).to_numpy() for values in known.values()])
        base = _stack(known, baseline) if model.adjusted else None
        return _allocated(permutation.gee(means, _arm(known), base, alpha=alpha)), fit
    contrast = np.eye(X.shape[1])[1]
    return _wald(fit.test(contrast, covariance=model.covariance, reference=model.reference, alpha=alpha)), fit


def design(wide, baseline, adjusted=True):
    """Lay out the follow-up records of one parameter as the arrays of a longitudinal model.

    Parameters
    ----------
    wide : dict of str to DataFrame
        By arm, test before reference: subjects × visits.
    baseline : float
        The baseline visit's column.
    adjusted : bool
        Whether the baseline value is a covariate, and a subject without it left out.

    Returns
    -------
    y : ndarray, shape (N,)
    X : ndarray, shape (N, p)
        Intercept, test arm (0/1), one indicator per follow-up visit but the first, baseline value if adjusted.
    groups : ndarray of str, shape (N,)
        Subject of each record.
    visits : ndarray of int, shape (N,)
        Index of the follow-up visit of each record.
    arms : dict of str to int
        Subjects in the model by arm.
    """
    visit = np.array([column for column in next(iter(wide.values())).columns if column != baseline], float)
    values = np.concatenate([arm.reindex(columns=visit).to_numpy(float) for arm in wide.values()])
    base = _stack(wide, baseline)
    names = np.concatenate([arm.index.to_numpy(object) for arm in wide.values()])
    subject, column = np.nonzero(np.isfinite(values) & (np.isfinite(base)[:, None] | (not adjusted)))
    _, visits = np.unique(visit[column], return_inverse=True)
    test = _arm(wide)
    indicators = np.eye(visits.max(initial=0) + 1)[visits, 1:]
    covariates = [base[subject]] if adjusted else []
    X = np.column_stack([np.ones(len(subject)), test[subject], indicators, *covariates])
    inside = np.isin(np.arange(len(test)), subject)
    arms = {arm: int(inside[test == first].sum()) for arm, first in zip(wide, (True, False), strict=True)}
    return values[subject, column], X.astype(float), names[subject], visits, arms


def hedges_g(test, reference, alpha=0.05):
    """Difference of two means in pooled standard deviations, without bias, with its exact interval.

    The interval is that of the population's difference in standard deviations, by inverting the noncentral t
    distribution of the observed t. The correction for bias is that of g alone: the limits need none.

    Parameters
    ----------
    test, reference : ndarray, shape (n,)
        Outcomes of the arms.
    alpha : float
        One minus the confidence level.

    Returns
    -------
    g, lower, upper : float

    Raises
    ------
    EffectError
        Fewer than two values in an arm, no variation, or a difference beyond the known noncentral t.

    References
    ----------
    Hedges (1981), J Educ Stat 6:107-128. Hedges and Olkin (1985), Statistical Methods for Meta-Analysis. Cumming
    and Finch (2001), Educ Psychol Meas 61:532-574.
    """
    sizes = np.array([len(test), len(reference)])
    if sizes.min() < 2:
        raise EffectError(FEW)
    if np.ptp(test) == np.ptp(reference) == 0:
        raise EffectError(ALIKE)
    df, scale = sizes.sum() - 2, np.sqrt(np.sum(1 / sizes))
    pooled = np.sqrt((sizes - 1) @ [np.var(test, ddof=1), np.var(reference, ddof=1)] / df)
    d = (np.mean(test) - np.mean(reference)) / pooled
    if abs(d / scale) > LARGEST_T:
        raise EffectError("the arms differ by too many standard deviations for the noncentral t distribution")
    correction = np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / np.sqrt(df / 2)
    upper, lower = (scale * _noncentrality(d / scale, df, below) for below in (alpha / 2, 1 - alpha / 2))
    return float(correction * d), float(lower), float(upper)


def _t_test(test, reference, pooled, alpha):
    """Compare two means by their variances, of which one may be zero."""
    sizes = np.array([len(test), len(reference)])
    if sizes.min() < 2:
        raise EffectError(FEW)
    variances = np.array([test.var(ddof=1), reference.var(ddof=1)])
    if np.ptp(test) == np.ptp(reference) == 0:
        raise EffectError(ALIKE)
    if pooled:
        df = sizes.sum() - 2
        square = (sizes - 1) @ variances / df * np.sum(1 / sizes)
    else:
        parts = variances / sizes
        square = parts.sum()
        df = square**2 / np.sum(parts**2 / (sizes - 1))
    difference, se = test.mean() - reference.mean(), np.sqrt(square)
    margin, t = stats.t.ppf(1 - alpha / 2, df) * se, difference / se
    return Effect(difference, se, t, df, 2 * stats.t.sf(abs(t), df), difference - margin, difference + margin)


def _noncentrality(t, df, below):
    """The noncentrality of which a t with `df` degrees of freedom is less than `t` with probability `below`."""
    if t < 0:
        return -_noncentrality(-t, df, 1 - below)

    def excess(noncentrality):
        return stats.nct.cdf(t, df, noncentrality) - below

    low, high = 0.0, t + 1.0
    while excess(low) < 0:
        low = 2 * low - 1
    while excess(high) > 0:
        high *= 2
    return optimize.brentq(excess, low, high, xtol=1e-12, rtol=1e-12)


def _ancova(y, arm, base, alpha):
    X = np.column_stack([np.ones(len(y)), arm, base])
    if len(y) <= 3 or np.linalg.matrix_rank(X) < 3:
        raise EffectError(FLAT if len(y) > 3 else "there are too few values")
    model = OLS(y, X).fit()
    return Effect(
        model.params[1], model.bse[1], model.tvalues[1], model.df_resid, model.pvalues[1], *model.conf_int(alpha)[1]
    )


def _wald(test):
    return Effect(test.estimate, test.se, test.statistic, test.df, test.p, test.lower, test.upper)


def _allocated(test):
    p_se = None if test.exact else test.p_se
    return Effect(test.effect, test.se, test.statistic, None, test.p, test.lower, test.upper, p_se)


def _effect_at_each(X, visits):
    """Turn the arm's column, the second, into deviations whose sum over visits is zero, so that it is the mean effect.

    With an unstructured covariance one common effect would weigh the visits by their precision, not equally.
    """
    last = visits.max(initial=0)
    deviations = [X[:, 1] * ((visits == visit) - 1.0 * (visits == last)) for visit in range(last)]
    return np.column_stack([X, *deviations])


def _varies_by_itself(columns):
    """Tell whether no column (intercept, arm and baseline) follows from the others."""
    largest = np.abs(columns).max(axis=0).clip(min=np.finfo(float).tiny)
    return np.linalg.matrix_rank(columns / largest) == columns.shape[1]


def _arm(wide):
    """Tell for each subject whether it is in the test arm, which comes first."""
    return np.repeat([True, False], [len(values) for values in wide.values()])


def _stack(wide, visit):
    """Put the values of both arms at one visit under each other, NaN where there are none."""
    return np.concatenate([values.reindex(columns=[visit])[visit].to_numpy(float) for values in wide.values()])
