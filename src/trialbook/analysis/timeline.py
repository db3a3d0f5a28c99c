"""When adverse events came: the course of each participant shown, without a name."""

from dataclasses import dataclass

import pandas as pd

from trialbook.analysis.adverse_events import grades, treatment_emergent
from trialbook.analysis.rates import last_contact
from trialbook.results.row import Results
from trialbook.trial.model import Trial
from trialbook.trial.words import Terms

LONGEST = 40  # lines that a page holds


@dataclass(frozen=True)
class Course:
    """One participant's line of the timeline, without a name: days count from day 1.

    `events` holds a (day, grade) pair for each event with a start day, the grade None where it is not known;
    `doses` are the days of administration, `last` is the day of last contact, or None.
    """

    arm: str
    events: list[tuple[float, float | None]]
    doses: list[float]
    last: float | None


@dataclass(frozen=True)
class Courses:
    """What the timeline draws: the course of each participant shown, test arm first.

    Everybody is shown, or where there are more than `longest`, those with a dated event, and of these at most half of
    `longest` in each arm, the worst affected.
    """

    shown: list[Course]
    longest: int


def courses(trial: Trial) -> tuple[Results, Courses]:
    """Line up the adverse events of each participant with the administrations along the follow-up.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    results : Results
        Keys ``safety.timeline.<arm>.{n, shown, with_events, events, undated, doses}``: participants in all, shown and
        with events; treatment-emergent events with a start day and without; administrations. Empty without ADAE.
    courses : Courses
    """
    chosen = trial.facts.analysis_sets.safety
    results = Results(trial.facts.alpha, dataset="adae", analysis_set=chosen.label)
    shown: list[Course] = []
    if trial.adae is None:
        return results, Courses(shown, LONGEST)
    arms = {arm: set(subjects["USUBJID"]) for arm, subjects in trial.treated().items()}
    events, doses, last = _events(trial.adae, trial.facts.terms), _doses(trial.adex), last_contact(trial)
    everybody = sum(map(len, arms.values())) <= LONGEST
    for arm, members in arms.items():
        mine, given = events[events["USUBJID"].isin(members)], doses[doses["USUBJID"].isin(members)]
        dated = set(mine.dropna(subset="DAY")["USUBJID"])
        own = [
            Course(
                arm,
                sorted(_pairs(mine[mine["USUBJID"] == who]), key=_worst_first),
                sorted(given.loc[given["USUBJID"] == who, "ASTDY"]),
                last.get(who),
            )
            for who in (members if everybody else members & dated)
        ]
        if not everybody:
            own = sorted(own, key=_burden)[: LONGEST // 2]
        shown += sorted(own, key=_first_event)
        undated = int(mine["DAY"].isna().sum())
        for name, count, method in (
            ("n", len(members), "safety set"),
            ("shown", len(own), "all" if everybody else "the worst affected of those with a dated event"),
            ("with_events", mine["USUBJID"].nunique(), "treatment-emergent"),
            ("events", len(mine) - undated, "treatment-emergent, with a start day"),
            ("undated", undated, "treatment-emergent, without a start day: not drawn"),
            ("doses", len(given), "rows of ADEX with a day"),
        ):
            key = f"safety.timeline.{arm}.{name}"
            results.add(key, count, "count", method=method, group=arm, n=len(members))
    return results, Courses(shown, LONGEST)


def _events(adae: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """The treatment-emergent events with their GRADE and DAY, NaN where it is not known."""
    emergent, _ = treatment_emergent(adae)
    day = emergent["ASTDY"] if "ASTDY" in emergent else float("nan")
    return emergent.assign(GRADE=grades(adae, terms)[0], DAY=day)


def _doses(adex: pd.DataFrame | None) -> pd.DataFrame:
    """The administrations whose day is known."""
    if adex is None or "ASTDY" not in adex:
        return pd.DataFrame({"USUBJID": [], "ASTDY": []})
    return adex.dropna(subset="ASTDY")


def _pairs(events: pd.DataFrame) -> list[tuple[float, float | None]]:
    dated = events.dropna(subset="DAY")
    grade = dated["GRADE"].astype(object).where(dated["GRADE"].notna(), None)
    return list(zip(dated["DAY"], grade, strict=True))


def _worst_first(event: tuple[float, float | None]) -> tuple[float, float]:
    day, grade = event
    return day, -(grade or 0)


def _burden(course: Course) -> tuple:
    """Sort a participant by the worst grade, then by the number of events, then by when they came."""
    return -max((grade or 0 for _, grade in course.events), default=0), -len(course.events), _first_event(course)


def _first_event(course: Course) -> tuple:
    """Sort a participant by the first event, those without one last, by the length of the follow-up."""
    days = [day for day, _ in course.events]
    return not days, days, [grade or 0 for _, grade in course.events], course.doses, course.last or 0
