"""When adverse events came: the course of each participant shown, without a name."""

from dataclasses import dataclass

import pandas as pd

from trialbook.analysis.adverse_events import grades, treatment_emergent
from trialbook.analysis.rates import last_contact
from trialbook.results.row import Results

LONGEST_TIMELINE = 40  # lines that a page holds


@dataclass(frozen=True)
class Course:
    """One participant's line of the timeline, without a name: days count from day 1.

    `events` holds a (day, grade) pair for each event with a start day, the grade None where it is not known;
    `doses` are the days of administration, `last` is the day of last contact, or None.
    """

    arm: str
    events: list
    doses: list
    last: float | None


def courses(trial):
    """Line up the adverse events of each participant with the administrations along the follow-up.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    results : Results
        Keys ``safety.timeline.<arm>.{n, shown, with_events, events, undated, doses}``: participants in all, shown and
        with events; treatment-emergent events with a start day and without; administrations. Empty without ADAE.
    courses : list of Course
        Of the participants shown, test arm first: all of them, or where they are more than 40, those with events, and
        of these at most 20 in each arm, the worst affected.
    """
    chosen = trial.facts.analysis_sets.safety
    results = Results(trial.facts.alpha, dataset="adae", analysis_set=chosen.label)
    if trial.adae is None:
        return results, []
    arms = {arm: set(subjects["USUBJID"]) for arm, subjects in trial.subjects(chosen).items()}
    emergent, _ = treatment_emergent(trial.adae)
    dated = emergent.assign(GRADE=grades(trial.adae)[0], DAY=emergent["ASTDY"] if "ASTDY" in emergent else float("nan"))
    doses = (
        trial.adex if trial.adex is not None and "ASTDY" in trial.adex else pd.DataFrame({"USUBJID": [], "ASTDY": []})
    )
    last = last_contact(trial)
    everybody = sum(map(len, arms.values())) <= LONGEST_TIMELINE
    shown = []
    for arm, members in arms.items():
        mine = dated[dated["USUBJID"].isin(members)]
        given = doses[doses["USUBJID"].isin(members)].dropna(subset="ASTDY")
        own = [
            Course(
                arm,
                sorted(_pairs(mine[mine["USUBJID"] == who]), key=_worst_first),
                sorted(given.loc[given["USUBJID"] == who, "ASTDY"]),
                last.get(who),
            )
            for who in (members if everybody else members & set(mine.dropna(subset="DAY")["USUBJID"]))
        ]
        if not everybody:
            own = sorted(own, key=_burden)[: LONGEST_TIMELINE // 2]
        shown += sorted(own, key=_first_event)
        undated = int(mine["DAY"].isna().sum())
        arm_facts = {"group": arm, "n": len(members)}
        for name, count, method in (
            ("n", len(members), "safety set"),
            ("shown", len(own), "all" if everybody else "the worst affected of those with a dated event"),
            ("with_events", mine["USUBJID"].nunique(), "treatment-emergent"),
            ("events", len(mine) - undated, "treatment-emergent, with a start day"),
            ("undated", undated, "treatment-emergent, without a start day: not drawn"),
            ("doses", len(given), "rows of ADEX with a day"),
        ):
            results.add(f"safety.timeline.{arm}.{name}", count, "count", method=method, **arm_facts)
    return results, shown


def _pairs(events):
    dated = events.dropna(subset="DAY")
    grade = dated["GRADE"].astype(object).where(dated["GRADE"].notna(), None)
    return list(zip(dated["DAY"], grade, strict=True))


def _worst_first(event):
    day, grade = event
    return day, -(grade or 0)


def _burden(course):
    """Sort a participant by the worst grade, then by the number of events, then by when they came."""
    return -max((grade or 0 for _, grade in course.events), default=0), -len(course.events), _first_event(course)


def _first_event(course):
    """Sort a participant by the first event, those without one last, by the length of the follow-up."""
    days = [day for day, _ in course.events]
    return not days, days, [grade or 0 for _, grade in course.events], course.doses, course.last or 0
