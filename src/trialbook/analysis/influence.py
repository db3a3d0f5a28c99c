"""On how few participants an effect rests, and how many are well at the end: what a mean does not tell."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialbook.analysis import estimators
from trialbook.analysis.efficacy import each_parameter, facts_of, start_results
from trialbook.analysis.estimators import Effect, Model, Wide, attempt
from trialbook.errors import NotEstimable
from trialbook.results.row import Fields, Results
from trialbook.stats import two_means
from trialbook.trial.model import Trial

HALF = 0.5  # of the effect, that the participants who carry it are to account for
NOBODY = "no participants of the test arm carry half of it"


@dataclass(frozen=True)
class _Rest:
    """The effect without those who carry it, of whom there are `left_out`."""

    left_out: int
    effect: Effect


def influence(trial: Trial) -> Results:
    """Find the fewest participants of the test arm without whom half of the effect over the follow-up visits is gone.

    They are left out in the order of their mean change from the baseline, the greatest in the direction of the effect
    first.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``<paramcd>.gee.rest.left_out.n``, the participants, and of the effect without them ``<paramcd>.gee.rest``
        with ``.ci`` and ``.p`` (CR2, Satterthwaite t).
    """
    results, model = start_results(trial), Model().small_sample
    for parameter, wide in each_parameter(trial):
        rest, reason = attempt(_without_carriers, wide, trial.facts.visits.baseline, model, trial.facts.alpha)
        test = trial.arms[0].id
        sizes = len(wide[test]), sum(map(len, wide.values())) - (rest.left_out if rest else 0)
        facts = facts_of(parameter, visit="all follow-up visits", reason=reason)
        facts |= {"method": f"{model}, without the participants who carry half of the effect"}
        key, effect = f"{parameter.id}.gee.rest", rest and rest.effect
        count = facts | {"unit": "participants", "group": test, "n": sizes[0]}
        results.add(f"{key}.left_out.n", rest and rest.left_out, "n", **count)
        facts |= {"group": "difference", "n": sizes[1], "dataset": ""}  # no condition finds who is left
        results.add(key, effect and effect.estimate, "difference", parameter.model_digits, **facts)
        results.add(f"{key}.ci", effect and [effect.lower, effect.upper], "ci", parameter.model_digits, **facts)
        results.add(f"{key}.p", effect and effect.p, "p", **facts | {"unit": ""})
    return results


def _without_carriers(wide: Wide, baseline: float, model: Model, alpha: float) -> _Rest:
    whole = estimators.over_follow_up(wide, baseline, model, alpha).estimate
    test, *others = wide
    change = (wide[test].drop(columns=baseline).mean(axis=1) - wide[test][baseline]) * np.sign(whole)
    order = change.sort_values(ascending=False, kind="stable").dropna().index
    for left_out in range(1, len(order) - 1):
        kept = {test: wide[test].drop(index=order[:left_out])} | {arm: wide[arm] for arm in others}
        effect = estimators.over_follow_up(kept, baseline, model, alpha)
        if effect.estimate * np.sign(whole) < HALF * abs(whole):
            return _Rest(left_out, effect)
    raise NotEstimable(NOBODY)


def over_time(trial: Trial) -> Results:
    """Compare the mean of each efficacy parameter over time, from the baseline to the last visit.

    Visits count by the time between them: the area under the course of a participant with every visit, over its length.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``<paramcd>.over_time.<arm>.mean``, and ``<paramcd>.over_time.difference`` with ``.ci`` and ``.p`` (pooled
        t).
    """
    results = start_results(trial)
    for parameter, wide in each_parameter(trial):
        means = {arm: _area(values.dropna().sort_index(axis=1)) for arm, values in wide.items()}
        known = list(means.values())
        for arm, own in means.items():
            facts = facts_of(parameter, group=arm, n=len(own), visit="every visit", method="area under the course")
            reason = "" if len(own) else "nobody has every visit"
            mean = own.mean() if len(own) else None
            results.add(f"{parameter.id}.over_time.{arm}.mean", mean, "mean", parameter.digits, reason=reason, **facts)
        found, reason = attempt(two_means.t_test, *known, True, trial.facts.alpha)
        facts = facts_of(parameter, group="difference", visit="every visit", n=sum(map(len, known)), reason=reason)
        facts |= {"method": "pooled t test of the area under the course, over its length"}
        key, digits = f"{parameter.id}.over_time.difference", parameter.digits
        results.add(key, found and found.estimate, "difference", digits, **facts)
        results.add(f"{key}.ci", found and [found.lower, found.upper], "ci", digits, **facts)
        results.add(f"{key}.p", found and found.p, "p", **facts | {"unit": ""})
    return results


def _area(complete: pd.DataFrame) -> np.ndarray:
    """The mean over time of each participant (n,), by trapezoids between the visits."""
    times = complete.columns.to_numpy(float)
    return np.trapezoid(complete.to_numpy(float), times, axis=1) / (times[-1] - times[0])


def reached(trial: Trial) -> Results:
    """Count who is at the threshold of a parameter or above it at the final visit, where ``trial.yml`` gives one.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``<paramcd>.reached.<arm>.n_of`` and the threshold, ``<paramcd>.threshold``.
    """
    results = start_results(trial)
    for parameter, wide in each_parameter(trial):
        if parameter.threshold is None:
            continue
        final = trial.final(parameter.paramcd)
        stated: Fields = {"parameter": parameter.paramcd, "unit": parameter.unit, "dataset": "trial.yml"}
        results.add(f"{parameter.id}.threshold", parameter.threshold, "threshold", parameter.digits, **stated)
        for arm, values in wide.items():
            known = values[final.avisitn].dropna()
            counted = [int((known >= parameter.threshold).sum()), len(known)]
            facts: Fields = {"visit": final.label, "group": arm, "n": len(known), "parameter": parameter.paramcd}
            method = f"at least {parameter.threshold:g} {parameter.unit}".rstrip()
            results.add(f"{parameter.id}.reached.{arm}.n_of", counted, "n of N", method=method, **facts)
    return results
