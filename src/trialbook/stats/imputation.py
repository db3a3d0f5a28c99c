"""Multiple imputation of the visits of a two-arm trial under missing at random, and Rubin's rules."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from statsmodels.imputation.bayes_mi import BayesGaussMI

from trialbook.errors import NotEstimable
from trialbook.stats.cr2 import Regressions
from trialbook.stats.wald import WaldTest, wald_test

DRAWS = 100  # imputed data sets; at least the percentage of missing information (White, Royston & Wood 2011)
SEED = 1
BURN_IN = 200  # cycles of the Gibbs sampler before the first draw
THIN = 10  # cycles from one draw to the next
FLAT = 1e4  # prior variance of a mean, in variances of its column
RIDGE = 1e-3  # prior sum of squares of a column, in variances of it: a thousandth of what one subject adds
ROUNDING = 1e-10  # relative size that is nothing


@dataclass(frozen=True)
class Pooled(WaldTest):
    """The test of an estimate over imputed data sets, with the fraction of information that is missing."""

    fmi: float


def impute(values: ArrayLike, test: ArrayLike, draws: int = DRAWS, seed: int = SEED) -> np.ndarray:
    """Draw the missing values from a joint normal model of all visits and the arm, given the values observed.

    The arm is a column of the model, so that each arm has its own mean at each visit while both share one
    unstructured covariance, as in an MMRM: ten subjects an arm are too few for a covariance of their own. Columns
    are standardised, the means have a flat prior and the covariance Jeffreys', with a ridge of next to nothing for
    columns that determine each other. A subject without any value is imputed from its arm alone.

    Parameters
    ----------
    values : array_like, shape (n, visits)
        Outcomes by subject and visit, baseline among them, NaN where missing.
    test : array_like of bool, shape (n,)
        Whether the subject is in the test arm.
    draws : int
        Data sets to impute.
    seed : int

    Returns
    -------
    ndarray, shape (draws, n, visits)
        Completed outcomes, in the units of `values`; what was observed is unchanged.

    Raises
    ------
    NotEstimable
        An arm without any value at a visit, fewer values at a visit than the model has columns, or a breakdown.

    References
    ----------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys. Schafer (1997), Analysis of Incomplete Multivariate
    Data. White, Royston and Wood (2011), Stat Med 30:377-399, for the number of draws.
    """
    values, test = np.asarray(values, float), np.asarray(test, bool)
    columns = np.column_stack([test, values])
    _check(values, test, columns.shape[1])
    centre, spread = np.nanmean(columns, axis=0), np.nanstd(columns, axis=0)
    spread[spread <= ROUNDING * np.abs(centre)] = 0.0
    scaled = np.where(spread > 0, (columns - centre) / np.where(spread > 0, spread, 1.0), columns - centre)
    sampler = _sampler(scaled, np.random.default_rng(seed))
    drawn = np.empty((draws, *values.shape))
    _cycle(sampler, BURN_IN - THIN)
    for draw in range(draws):
        _cycle(sampler, THIN)
        drawn[draw] = (centre + spread * sampler.data)[:, 1:]
    return np.where(np.isnan(values), drawn, values)


def completed(wide: dict[str, pd.DataFrame], draws: int = DRAWS, seed: int = SEED) -> list[dict[str, pd.DataFrame]]:
    """Impute one parameter of a trial, in the form in which it is analysed.

    Parameters
    ----------
    wide : dict of str to DataFrame
        By arm, test before reference: subjects × visits, NaN where missing.
    draws, seed : int
        As of `impute`.

    Returns
    -------
    list of dict of str to DataFrame
        The completed data sets; `wide` alone where nothing is missing.

    Raises
    ------
    NotEstimable
        As `impute`.
    """
    test, values = stacked(wide)
    if not np.isnan(values).any():
        return [wide]
    arms = list(zip(wide, (test, ~test), strict=True))
    return [
        {arm: pd.DataFrame(data[own], wide[arm].index, wide[arm].columns) for arm, own in arms}
        for data in impute(values, test, draws, seed)
    ]


def stacked(wide: dict[str, pd.DataFrame]) -> tuple[np.ndarray, np.ndarray]:
    """Put both arms under each other.

    Parameters
    ----------
    wide : dict of str to DataFrame
        By arm, test before reference: subjects × visits.

    Returns
    -------
    test : ndarray of bool, shape (n,)
        Whether the subject is in the test arm.
    values : ndarray, shape (n, visits)
    """
    test = np.repeat([True, False], [len(values) for values in wide.values()])
    return test, np.concatenate([values.to_numpy(float) for values in wide.values()])


def pool(estimates: ArrayLike, variances: ArrayLike, df_complete: float, alpha: float = 0.05) -> Pooled:
    """Pool the estimates of imputed data sets by Rubin's rules.

    Estimates that do not differ, or one alone, keep the degrees of freedom of complete data.

    Parameters
    ----------
    estimates, variances : array_like, shape (draws,)
        Of one contrast in each data set; outcome units, and their square.
    df_complete : float
        Degrees of freedom if nothing were missing; may be infinite.
    alpha : float
        One minus the confidence level.

    Returns
    -------
    Pooled

    Raises
    ------
    NotEstimable
        If the estimate has no variance.

    References
    ----------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys. Barnard and Rubin (1999), Biometrika 86:948-955.
    """
    estimates, within = np.asarray(estimates, float), float(np.mean(np.asarray(variances, float)))
    m, estimate = len(estimates), float(np.mean(estimates))
    between = (1 + 1 / m) * np.var(estimates, ddof=1) if m > 1 else 0.0
    total = within + between
    if not within > 0:
        raise NotEstimable("the estimate has no variance")
    df, fmi = df_complete, 0.0
    if (share := between / total) > ROUNDING**2:
        observed = (1 - share) * (
            df_complete * (df_complete + 1) / (df_complete + 3) if df_complete < np.inf else np.inf
        )
        df = 1 / (share**2 / (m - 1) + (1 / observed if observed > 0 else np.inf))
        fmi = share + (1 - share) * 2 / (df + 3)
    return Pooled(**asdict(wald_test(estimate, np.sqrt(total), df, alpha)), fmi=float(fmi))


def mean_effect(means: np.ndarray, test: np.ndarray, baseline: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate the baseline-adjusted effect on the follow-up mean in many completed data sets at once.

    With every visit there, the exchangeable GEE on arm, visit and baseline is the regression of subjects' means, and
    its CR2 covariance and Satterthwaite degrees of freedom are those of that regression.

    Parameters
    ----------
    means : ndarray, shape (draws, n)
        Mean of each subject's follow-up visits.
    test : ndarray of bool, shape (n,)
        Whether the subject is in the test arm.
    baseline : ndarray, shape (draws, n)

    Returns
    -------
    estimates, variances, df : ndarray, shape (draws,)
        Test minus reference in outcome units, the square of its CR2 standard error, and Satterthwaite's.

    Raises
    ------
    NotEstimable
        Too few subjects, or a baseline that does not vary or tells the arms apart.

    References
    ----------
    `trialbook.stats.cr2` gives the sources.
    """
    n = len(test)
    if n <= 3:
        raise NotEstimable(f"3 parameters need more participants than the {n} there are")
    regressions = Regressions(test, baseline)
    fitted = regressions.fit(means)
    return fitted.estimate, fitted.variance(1), regressions.satterthwaite()


def _sampler(scaled: np.ndarray, rng: np.random.Generator) -> BayesGaussMI:
    """The Gibbs sampler of standardised columns.

    It is told which rows lack the same columns: its own way to tell them by a sum of logarithms takes some patterns
    for the same, as 1 + log 6 is log 2 + log 3 + 1, and then overwrites values that were observed.
    """
    p = scaled.shape[1]
    priors = {"mean_prior": FLAT * np.eye(p), "cov_prior": RIDGE * np.eye(p), "cov_prior_df": 0}
    sampler = BayesGaussMI(scaled, **priors, rng=rng)
    patterns, pattern = np.unique(sampler.mask, axis=0, return_inverse=True)
    sampler.patterns = [np.flatnonzero(pattern == k) for k, lacking in enumerate(patterns) if lacking.any()]
    return sampler


def _cycle(sampler: BayesGaussMI, cycles: int) -> None:
    """Let the sampler draw means, covariance and missing values in turn."""
    try:
        for _ in range(cycles):
            sampler.update()
    except np.linalg.LinAlgError:
        raise NotEstimable("the values do not determine the covariance of the visits") from None


def _check(values: np.ndarray, test: np.ndarray, columns: int) -> None:
    """Refuse what the model cannot be fitted to."""
    known = np.isfinite(values)
    for arm, own in (("test", known[test]), ("reference", known[~test])):
        if len(own) == 0:
            raise NotEstimable(f"nobody is in the {arm} arm")
        if len(empty := np.flatnonzero(~own.any(axis=0))):
            raise NotEstimable(f"nobody in the {arm} arm has a value at visit {empty[0] + 1} of {len(own.T)}")
    if (fewest := known.sum(axis=0).min()) <= columns:
        raise NotEstimable(
            f"only {fewest} participants have a value at some visit, and a model of {columns - 1} visits and the arm "
            f"needs more than {columns}"
        )
