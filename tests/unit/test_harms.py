"""How harms were looked for: answered from the data or from the facts, or said not to be."""

import pytest

from trialbook.analysis import harms

pytestmark = pytest.mark.filterwarnings("error")


def test_harms_are_answered_from_the_data_or_from_the_facts_or_said_not_to_be(copy, real):
    said = harms.answers(real("amitriptyline_hivsn"))
    assert said["safety.harms.window"].value == "not stated"
    assert said["safety.harms.seriousness"].value == "not collected"
    assert "safety.harms.seriousness.placebo.n_of" not in said
    copy.facts(lambda facts: facts.update(harms={"window": "30 days", "assessed_by": "the investigator"}))
    copy.cell("adae", 2, "AESER", "")
    said = harms.answers(copy.read())
    assert [said[f"safety.harms.{x}"].value for x in ("window", "assessed_by", "coding")] == [
        "30 days",
        "the investigator",
        "not stated",
    ]
    assert said["safety.harms.seriousness"].value == "given for 1 of 2 recorded events"
    assert said["safety.harms.deaths.nk_art.n_of"].value == [0, 10]
