"""What the protocol says: the facts of ``trial.yml`` that the prose cites."""

from typing import Any

from trialbook.results.row import Results
from trialbook.trial.config import Facts
from trialbook.trial.model import Trial


def facts(trial: Trial) -> Results:
    """Record the facts of the protocol that the prose cites.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``trial.*``, ``arm.*``, ``visits.*``, ``<paramcd>.*`` and ``estimand.*``; what is not given has no row.
        A row that says what stands for an arm, a visit, a parameter or an analysis set in the tables names it too.
    """
    given = trial.facts
    results = Results(given.alpha, method="stated in trial.yml", dataset="trial.yml")
    _add_design(results, given)
    _text(results, "trial.ci_level", trial.ci_level)
    results.add("trial.alpha", given.alpha, "level", digits=2)
    _text(results, "trial.alpha.percent", f"{100 * given.alpha:g}%")
    for arm in trial.arms:
        _text(results, f"arm.{arm.id}.label", arm.label)
        _text(results, f"arm.{arm.id}.description", arm.description)
        _text(results, f"arm.{arm.id}.value", arm.value, group=arm.id)
    _add_plan(results, given)
    for estimand in given.estimands:
        for attribute, stated in estimand.model_dump(exclude={"id"}).items():
            _text(results, f"estimand.{estimand.id}.{attribute}", stated)
    _add_visits(results, trial)
    _text(results, "trial.received", trial.received, analysis_set=given.analysis_sets.safety.label)
    for parameter in given.parameters:
        _text(results, f"{parameter.id}.paramcd", parameter.paramcd, parameter=parameter.paramcd)
        _text(results, f"{parameter.id}.label", parameter.label)
        _text(results, f"{parameter.id}.unit", parameter.unit)
    return results


def _text(results: Results, key: str, value: object, **facts: Any) -> None:
    """Record a fact in words, if it is given."""
    if value not in (None, ""):
        results.add(key, str(value), "text", **facts)


def _add_design(results: Results, given: Facts) -> None:
    for name in ("study", "title", "short_title", "provenance", "funding", "site", "enrolment", "design", "allocation"):
        _text(results, f"trial.{name}", getattr(given, name))
    if given.registration:
        _text(results, "trial.registration.registry", given.registration.registry)
        _text(results, "trial.registration.number", given.registration.number)
    _text(results, "trial.efficacy_set", given.analysis_sets.efficacy.label)
    _text(results, "trial.safety_set", given.analysis_sets.safety.label)
    for name, chosen in given.analysis_sets.declared.items():
        _text(results, f"trial.{name}_set.flag", chosen.flag, analysis_set=chosen.label)


def _add_plan(results: Results, given: Facts) -> None:
    """Record what was to be given."""
    if plan := given.intervention:
        _text(results, "exposure.product", plan.product)
        _text(results, "exposure.dose.planned", plan.dose and f"{plan.dose:g}")
        _text(results, "exposure.dose.unit", plan.dose_unit)
        if plan.courses is not None:
            results.add("exposure.courses.planned", plan.courses, "count")


def _add_visits(results: Results, trial: Trial) -> None:
    baseline, *after = trial.schedule.values()
    results.add("visits.n", len(trial.schedule), "count")
    results.add("visits.follow_up.n", len(after), "count")
    _text(results, "visits.unit", trial.facts.visits.unit)
    _text(results, "visits.baseline", baseline.label.lower())
    _text(results, "visits.final", trial.schedule["final"].label.lower())
    _text(results, "visits.follow_up", _series([f"{visit.avisitn:g}" for visit in after]))
    for name, visit in trial.schedule.items():
        _text(results, f"visits.{name}.avisitn", f"{visit.avisitn:g}", visit=visit.label)


def _series(words: list[str]) -> str:
    """Join words as a sentence does: ``1, 3 and 6``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
