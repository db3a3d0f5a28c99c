"""How much the effect depends on the method: other models, other covariances, randomisation inference."""

from functools import partial

import numpy as np
import statsmodels.api as sm

from trialbook import gee, likelihood, randomization
from trialbook.efficacy import each_parameter, gee_design, start_results

# id: working correlation, adjusted for baseline, covariance, reference distribution, how it is called
GEES = {
    "gee_kc": ("exchangeable", True, "KC", "t", "GEE, Kauermann–Carroll, t"),
    "gee_md": ("exchangeable", True, "MD", "t", "GEE, Mancl–DeRouen, t"),
    "gee_independence": ("independence", True, "CR2", "satterthwaite", "GEE, independence, CR2"),
    "gee_ar1": ("ar1", True, "CR2", "satterthwaite", "GEE, AR(1), CR2"),
    "gee_unstructured": ("unstructured", True, "CR2", "satterthwaite", "GEE, unstructured, CR2"),
    "gee_unadjusted": ("exchangeable", False, "CR2", "satterthwaite", "GEE, without baseline, CR2"),
}
# id: covariance of a subject's values, one effect for each visit, reference distribution, how it is called
LIKELIHOODS = {
    "intercept": ("compound symmetry", False, "kenward-roger", "REML, random intercept, Kenward–Roger"),
    "mmrm": ("unstructured", True, "satterthwaite", "REML, unstructured (MMRM), Satterthwaite"),
}


def final_visit(trial):
    """Estimate the effect at the final visit with adjustment for baseline, and by randomisation inference.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``<paramcd>.sensitivity.<analysis>.{effect, ci, p}`` for the analyses ``ancova`` (least squares on arm
        and baseline), ``randomisation`` (of the difference) and ``ancova_randomisation``.

    References
    ----------
    `trialbook.randomization` gives the sources of randomisation inference.
    """
    results = start_results(trial)
    for parameter, wide in each_parameter(trial):
        last, alpha = trial.visits(parameter.paramcd)[-1], trial.facts.alpha
        y, test, base = _stack(wide, last.avisitn), _arm(wide), _stack(wide, trial.facts.visits.baseline)
        seen, both = np.isfinite(y), np.isfinite(y) & np.isfinite(base)
        difference = partial(_allocate, randomization.difference, y[seen], test[seen], alpha=alpha)
        adjusted = partial(_allocate, randomization.difference, y[both], test[both], base[both], alpha=alpha)
        for name, label, n, analysis in (
            ("ancova", "ANCOVA", both.sum(), partial(_ancova, y[both], test[both], base[both], alpha)),
            ("randomisation", "randomisation of the difference", seen.sum(), difference),
            ("ancova_randomisation", "randomisation of the ANCOVA", both.sum(), adjusted),
        ):
            _add(results, parameter, last.label, name, label, int(n), analysis)
    return results


def over_follow_up(trial):
    """Estimate the overall effect over the follow-up visits by other GEE, by likelihood and by randomisation.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``<paramcd>.sensitivity.<analysis>.{effect, ci, p}`` for the analyses of `GEES` and `LIKELIHOODS` and
        for ``gee_randomisation`` (the GEE effect studentised with CR2, allocated anew in every way).

    References
    ----------
    `trialbook.gee`, `trialbook.likelihood` and `trialbook.randomization` give the sources of the methods.
    """
    results = start_results(trial)
    baseline, alpha = trial.facts.visits.baseline, trial.facts.alpha
    for parameter, wide in each_parameter(trial):
        analyses = []
        designs = {adjusted: gee_design(wide, baseline, adjusted) for adjusted in (True, False)}
        for name, (structure, adjusted, covariance, reference, label) in GEES.items():
            y, X, groups, visits, _ = designs[adjusted]
            test = {"covariance": covariance, "reference": reference, "alpha": alpha}
            fit = partial(gee.fit, y, X, groups, structure, visits)
            analyses.append((name, label, groups, partial(_wald, fit, **test)))
        y, X, groups, visits, _ = designs[True]
        for name, (structure, each_visit, reference, label) in LIKELIHOODS.items():
            design = _effect_at_each(X, visits) if each_visit else X
            fit = partial(likelihood.fit, y, design, groups, visits, structure)
            analyses.append((name, label, groups, partial(_wald, fit, reference=reference, alpha=alpha)))
        known = {arm: values[values.index.isin(groups)] for arm, values in wide.items()}
        follow_up = np.concatenate([values.drop(columns=baseline).to_numpy() for values in known.values()])
        allocated = partial(_allocate, randomization.gee, follow_up, _arm(known), _stack(known, baseline), alpha=alpha)
        analyses.append(("gee_randomisation", "randomisation of the GEE, CR2", groups, allocated))
        for name, label, subjects, analysis in analyses:
            _add(results, parameter, "all follow-up visits", name, label, len(set(subjects)), analysis)
    return results


def _add(results, parameter, visit, name, label, n, analysis):
    """Record one analysis: its effect, interval and P, or why it can't be made."""
    try:
        effect, bounds, p = analysis()
        method = label
    except ValueError as error:
        effect = bounds = p = None
        method = f"not estimable: {error}"
    key = f"{parameter.id}.sensitivity.{name}"
    facts = {"parameter": parameter.paramcd, "visit": visit, "group": "difference", "n": n, "method": method}
    results.add(f"{key}.effect", effect, "difference", parameter.model_digits, unit=parameter.unit, **facts)
    results.add(f"{key}.ci", bounds, "ci", parameter.model_digits, unit=parameter.unit, **facts)
    results.add(f"{key}.p", p, "p", **facts)


def _effect_at_each(X, visits):
    """Turn the arm's column, the second, into deviations whose sum over visits is zero, so that it is the mean effect.

    With an unstructured covariance one common effect would weigh the visits by their precision, not equally.
    """
    last = visits.max(initial=0)
    deviations = [X[:, 1] * ((visits == visit) - 1.0 * (visits == last)) for visit in range(last)]
    return np.column_stack([X, *deviations])


def _wald(fit, **options):
    model = fit()
    test = model.test(np.eye(len(model.beta))[1], **options)
    return test.estimate, [test.lower, test.upper], test.p


def _allocate(analysis, *arrays, alpha):
    test = analysis(*arrays, alpha=alpha)
    return test.effect, [test.lower, test.upper], test.p


def _ancova(y, test, base, alpha):
    X = np.column_stack([np.ones(len(y)), test, base])
    if len(y) <= 3 or np.linalg.matrix_rank(X) < 3:
        raise ValueError("too few values, or a baseline that does not vary or tells the arms apart")
    model = sm.OLS(y, X).fit()
    return model.params[1], list(model.conf_int(alpha)[1]), model.pvalues[1]


def _arm(wide):
    """Tell for each subject whether it is in the test arm, which comes first."""
    return np.repeat([True, False], [len(values) for values in wide.values()])


def _stack(wide, visit):
    """Put the values of both arms at one visit under each other, NaN where there are none."""
    return np.concatenate([values.reindex(columns=[visit])[visit].to_numpy(float) for values in wide.values()])
