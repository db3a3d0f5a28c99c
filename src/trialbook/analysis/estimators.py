"""The effect of the treatment on one parameter, at the final visit or over the follow-up visits, by a named method."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeVar, get_args

import numpy as np
import pandas as pd

from trialbook.errors import NotEstimable
from trialbook.stats import gee, permutation, reml, two_means
from trialbook.stats.wald import WaldTest

FinalTest = Literal["pooled t", "Welch", "ANCOVA", "randomisation", "ANCOVA randomisation"]
Estimator = Literal["GEE", "REML"]
Wide = dict[str, pd.DataFrame]  # by arm, test before reference: subjects × visits, in outcome units
Answer = TypeVar("Answer")

NONE = "an arm has no value"


def attempt(analyse: Callable[..., Answer], *arguments: object) -> tuple[Answer | None, str]:
    """Give the answer and no reason; or no answer, and the reason why the data cannot give it."""
    try:
        return analyse(*arguments), ""
    except NotEstimable as error:
        return None, error.reason


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

    @classmethod
    def of(cls, test: WaldTest) -> "Effect":
        """Take over a Wald test."""
        return cls(test.estimate, test.se, test.statistic, test.df, test.p, test.lower, test.upper)


@dataclass(frozen=True)
class Model:
    """How the mean effect over the follow-up visits is estimated; the default is as published.

    `correlation` is the working correlation of a GEE, and what REML takes for the values of a participant:
    exchangeable (a random intercept) or unstructured (MMRM, with an effect at each visit, averaged).
    """

    estimator: str = "GEE"
    correlation: str = "exchangeable"
    covariance: str = "robust"
    reference: str = "z"
    adjusted: bool = True

    @property
    def small_sample(self) -> "Model":
        """The GEE whose small-sample inference stands beside that of this model."""
        correlation = "exchangeable" if self.estimator == "REML" else self.correlation
        return replace(self, estimator="GEE", correlation=correlation, covariance="CR2", reference="satterthwaite")

    @property
    def has_df(self) -> bool:
        """Whether the effect is referred to a distribution with degrees of freedom."""
        return self.reference not in ("z", "randomisation")

    def __str__(self) -> str:
        """The method as a table names it: what is the rule, an exchangeable correlation and a baseline, unsaid."""
        if self.estimator == "REML":
            parts = ["REML", {"exchangeable": "random intercept"}.get(self.correlation, self.correlation)]
        else:
            structure = {"exchangeable": "", "ar1": "AR(1)"}.get(self.correlation, self.correlation)
            parts = [part for part in ("GEE", structure, self.covariance) if part]
        said = {"satterthwaite": "Satterthwaite t", "kenward-roger": "Kenward–Roger t"}
        test = said.get(self.reference, self.reference)
        joined = ", ".join(parts)
        joined += f" {test}" if (self.covariance, self.reference) == ("robust", "z") else f", {test}"
        return joined if self.adjusted else f"{joined}, without baseline"


def at_final_visit(wide: Wide, baseline: float, last: float, test: str = "pooled t", alpha: float = 0.05) -> Effect:
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
    NotEstimable
        Where the values do not allow it.
    ValueError
        For an unknown test.

    References
    ----------
    `trialbook.stats.two_means` and `trialbook.stats.permutation` give the sources of the methods.
    """
    if test not in get_args(FinalTest):
        raise ValueError(f"{test!r} is not one of {', '.join(get_args(FinalTest))}")
    y, arm = _stack(wide, last), _arm(wide)
    if not test.startswith("ANCOVA"):
        seen = np.isfinite(y)
        if not all((seen & (arm == one)).any() for one in (True, False)):
            raise NotEstimable(NONE)
        if test == "randomisation":
            return _allocated(permutation.difference(y[seen], arm[seen], alpha=alpha))
        return Effect.of(two_means.t_test(y[seen & arm], y[seen & ~arm], test == "pooled t", alpha))
    base = _stack(wide, baseline)
    both = np.isfinite(y) & np.isfinite(base)
    if test == "ANCOVA":
        return Effect.of(two_means.ancova(y[both], arm[both], base[both], alpha))
    return _allocated(permutation.difference(y[both], arm[both], base[both], alpha=alpha))


def over_follow_up(wide: Wide, baseline: float, model: Model | None = None, alpha: float = 0.05) -> Effect:
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
    Effect

    Raises
    ------
    NotEstimable
        Where the values do not allow it.
    ValueError
        For a model of unknown parts.

    References
    ----------
    `trialbook.stats.gee`, `trialbook.stats.reml` and `trialbook.stats.permutation` give the sources of the methods.
    """
    model = model or Model()
    if model.estimator not in get_args(Estimator):
        raise ValueError(f"{model.estimator!r} is not one of {', '.join(get_args(Estimator))}")
    records = _modelled(wide, baseline, model)
    if model.estimator == "REML":
        return Effect.of(_by_likelihood(records, model, alpha))
    if model.reference == "randomisation":
        known = {arm: values[values.index.isin(records.groups)] for arm, values in wide.items()}
        outcomes = np.concatenate([values.drop(columns=baseline).to_numpy() for values in known.values()])
        base = _stack(known, baseline) if model.adjusted else None
        return _allocated(permutation.gee(outcomes, _arm(known), base, alpha=alpha))
    contrast = np.eye(records.X.shape[1])[1]
    fitted = _fitted(records, model.correlation)
    return Effect.of(fitted.test(contrast, model.covariance, model.reference, alpha))


def fit(wide: Wide, baseline: float, model: Model) -> gee.Fit:
    """Fit the GEE of a model, whose working correlation and QIC do not depend on its inference.

    Parameters
    ----------
    wide, baseline, model
        As for `over_follow_up`; the estimator is GEE.

    Returns
    -------
    gee.Fit

    Raises
    ------
    NotEstimable
        Where the values do not allow it.
    """
    return _fitted(_modelled(wide, baseline, model), model.correlation)


def _fitted(records: "Records", correlation: str) -> gee.Fit:
    return gee.fit(records.y, records.X, records.groups, correlation, records.visits)


def _modelled(wide: Wide, baseline: float, model: Model) -> "Records":
    """The records of a model that can be fitted."""
    records = design(wide, baseline, model.adjusted)
    if empty := [role for role, n in zip(("test", "reference"), records.arms.values(), strict=True) if not n]:
        needed = "both a baseline and a follow-up value" if model.adjusted else "a follow-up value"
        raise NotEstimable(f"nobody in the {' or the '.join(empty)} arm has {needed}")
    if model.adjusted and not two_means.vary_by_themselves(records.X[:, [0, 1, -1]]):
        raise NotEstimable(two_means.FLAT)
    return records


def _by_likelihood(records: "Records", model: Model, alpha: float) -> WaldTest:
    structure = {"exchangeable": "compound symmetry"}.get(model.correlation, model.correlation)
    X = _effect_at_each(records.X, records.visits) if structure == "unstructured" else records.X
    fit = reml.fit(records.y, X, records.groups, records.visits, structure)
    return fit.test(np.eye(X.shape[1])[1], model.reference, alpha)


class Records(NamedTuple):
    """The N records of a longitudinal model: outcome (N,), design (N, p), subject and index of the visit (N,).

    `terms` (p,) says what a column of the design stands for: ``intercept``, ``arm``, the number of a visit, or
    ``baseline``; `arms` counts the subjects in the model by arm.
    """

    y: np.ndarray
    X: np.ndarray
    groups: np.ndarray
    visits: np.ndarray
    terms: list[str | float]
    arms: dict[str, int]


def design(wide: Wide, baseline: float, adjusted: bool = True) -> Records:
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
    Records
        The design has an intercept, the test arm (0/1), one indicator per follow-up visit but the first, and the
        baseline value if adjusted.
    """
    columns = next(iter(wide.values())).columns
    visit = np.array([column for column in columns if column != baseline], float)
    known = (arm if arm.columns.equals(columns) else arm.reindex(columns=columns) for arm in wide.values())
    values = np.concatenate([arm.to_numpy(float) for arm in known])[:, columns != baseline]
    base = _stack(wide, baseline)
    names = np.concatenate([arm.index.to_numpy(object) for arm in wide.values()])
    subject, column = np.nonzero(np.isfinite(values) & (np.isfinite(base)[:, None] | (not adjusted)))
    present, visits = np.unique(visit[column], return_inverse=True)
    test = _arm(wide)
    indicators = np.eye(visits.max(initial=0) + 1)[visits, 1:]
    covariates = [base[subject]] if adjusted else []
    terms = ["intercept", "arm", *present[1:].tolist(), *["baseline"] * adjusted]
    X = np.column_stack([np.ones(len(subject)), test[subject], indicators, *covariates])
    inside = np.isin(np.arange(len(test)), subject)
    arms = {arm: int(inside[test == first].sum()) for arm, first in zip(wide, (True, False), strict=True)}
    return Records(values[subject, column], X.astype(float), names[subject], visits, terms, arms)


def _allocated(test: permutation.RandomizationTest) -> Effect:
    p_se = None if test.exact else test.p_se
    return Effect(test.effect, test.se, test.statistic, None, test.p, test.lower, test.upper, p_se)


def _effect_at_each(X: np.ndarray, visits: np.ndarray) -> np.ndarray:
    """Turn the arm's column, the second, into deviations whose sum over visits is zero, so that it is the mean effect.

    With an unstructured covariance one common effect would weigh the visits by their precision, not equally.
    """
    last = visits.max(initial=0)
    deviations = [X[:, 1] * ((visits == visit) - 1.0 * (visits == last)) for visit in range(last)]
    return np.column_stack([X, *deviations])


def _arm(wide: Wide) -> np.ndarray:
    """Tell for each subject whether it is in the test arm, which comes first."""
    return np.repeat([True, False], [len(values) for values in wide.values()])


def _stack(wide: Wide, visit: float) -> np.ndarray:
    """Put the values of both arms at one visit under each other, NaN where there are none."""
    columns = (values[visit] if visit in values else np.full(len(values), np.nan) for values in wide.values())
    return np.concatenate([np.asarray(column, float) for column in columns])
