"""The model over the follow-up visits as it was fitted, coefficient by coefficient."""

import numpy as np

from trialbook.analysis import estimators
from trialbook.analysis.efficacy import each_parameter, facts_of, start_results
from trialbook.analysis.estimators import Model, attempt
from trialbook.results.row import Results
from trialbook.stats.gee import Fit
from trialbook.trial.config import Parameter
from trialbook.trial.model import Trial

PUBLISHED, SMALL_SAMPLE = "GEE, robust", "GEE, CR2, Satterthwaite t"


def gee(trial: Trial, model: Model | None = None) -> Results:
    """Give the coefficients of the GEE of each efficacy parameter, on available values.

    Parameters
    ----------
    trial : Trial
    model : estimators.Model, optional
        Of `efficacy.gee`, of which the working correlation and the covariates are taken.

    Returns
    -------
    Results
        Keys ``<paramcd>.gee.coefficient.<term>`` with ``.se`` (robust) and ``.cr2.{se, df, p}``, for the terms
        ``intercept``, ``arm``, each follow-up visit but the first, and ``baseline``; none where the model cannot be
        fitted. ``<paramcd>.gee.sd`` is that of the residuals.

    References
    ----------
    Liang & Zeger 1986; Bell & McCaffrey 2002; Pustejovsky & Tipton 2018.
    """
    results, model = start_results(trial), (model or Model()).small_sample
    for parameter, wide in each_parameter(trial):
        fit, reason = attempt(estimators.fit, wide, trial.facts.visits.baseline, model)
        facts = facts_of(parameter, visit="all follow-up visits", group="difference", n=fit and fit.n_clusters)
        sd = fit and np.sqrt(fit.scale)
        said = {"method": f"residuals of the {PUBLISHED}", "reason": reason}
        results.add(f"{parameter.id}.gee.sd", sd, "SD", parameter.model_digits, **facts | said)
        if fit:
            terms = estimators.design(wide, trial.facts.visits.baseline, model.adjusted).terms
            _add_coefficients(results, trial, parameter, fit, terms, facts)
    return results


def _add_coefficients(
    results: Results, trial: Trial, parameter: Parameter, fit: Fit, terms: list[str | float], facts: dict
) -> None:
    names = _names(trial, parameter)
    for contrast, term, value in zip(np.eye(fit.beta.size), terms, fit.beta, strict=True):
        name, label = names[term]
        key, digits = f"{parameter.id}.gee.coefficient.{name}", parameter.model_digits
        own = facts | {"label": label, "unit": "" if term == "baseline" else parameter.unit, "method": PUBLISHED}
        results.add(key, value, "coefficient", digits, **own)
        robust, reason = attempt(fit.test, contrast)
        results.add(f"{key}.se", robust and robust.se, "SE", digits, **own | {"reason": reason})
        small, reason = attempt(fit.test, contrast, "CR2", "satterthwaite")
        own |= {"method": SMALL_SAMPLE, "reason": reason}
        results.add(f"{key}.cr2.se", small and small.se, "SE", digits, **own)
        results.add(f"{key}.cr2.df", small and small.df, "df", 1, **own | {"unit": ""})
        results.add(f"{key}.cr2.p", small and small.p, "p", **own | {"unit": ""})


def _names(trial: Trial, parameter: Parameter) -> dict[str | float, tuple[str, str]]:
    """What each term of the design is called, in a key and in a table."""
    test, reference = trial.arms
    visits = trial.visits(parameter.paramcd)
    return {
        "intercept": ("intercept", "Intercept"),
        "arm": ("arm", f"{test.label} minus {reference.label}"),
        **{visit.avisitn: (trial.visit_id(visit, parameter.paramcd), visit.label) for visit in visits},
        "baseline": ("baseline", "Baseline value"),
    }
