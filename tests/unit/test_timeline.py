"""The timeline of adverse events: what it draws, and that it names nobody."""

import pytest

from trialbook.analysis import adverse_events, flow, hys_law, timeline
from trialbook.displays import figures, tables
from trialbook.trial.generate import generate
from trialbook.trial.model import read_trial

pytestmark = pytest.mark.filterwarnings("error")


def test_the_timeline_draws_each_dated_event_and_names_nobody(nk):
    results, courses = timeline.courses(nk)
    assert sum(len(course.events) for course in courses.shown) == int(nk.adae["ASTDY"].notna().sum())
    assert sum(len(course.doses) for course in courses.shown) == len(nk.adex)
    drawn = figures.timeline(nk, results, courses)
    said = drawn.alt + drawn._repr_mimebundle_()[0]["image/svg+xml"]
    assert not [who for who in nk.adsl["USUBJID"] if who in said]


@pytest.mark.parametrize("key", ["safety.timeline", "safety.edish"])
def test_a_figure_of_people_one_by_one_is_not_drawn_unless_the_trial_excepts_it(nk, copy, key):
    copy.facts(lambda facts: facts.pop("disclosure"))

    def draw(found):
        if key == "safety.timeline":
            return figures.timeline(found, *timeline.courses(found))
        return figures.edish(found, *hys_law.hys_law(found))

    assert "an exception in trial.yml" in draw(copy.read()).alt
    assert "an exception in trial.yml" not in draw(nk).alt


def test_of_many_participants_the_timeline_shows_forty_and_says_so(tmp_path):
    generate(tmp_path / "many", per_arm=60, events=800, laboratory=1)
    many = read_trial(tmp_path / "many")
    results, courses = timeline.courses(many)
    assert len(courses.shown) == 40
    assert all(course.events for course in courses.shown)
    assert "at most 20 of an arm" in figures.timeline(many, results, courses).alt
    found = adverse_events.adverse_events(many)
    layout = tables.adverse_events(many, found, flow.flow(many))
    emergent = many.adae[many.adae["TRTEMFL"] == "Y"]
    assert (
        len(layout.rows) == len(adverse_events.OVERALL) + emergent["AEBODSYS"].nunique() + emergent["AEDECOD"].nunique()
    )
