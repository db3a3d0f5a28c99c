"""The flow of participants: its arithmetic, and what contradicts it."""

import pytest
from reference import table

from trialbook.analysis import flow
from trialbook.errors import FaultsError

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def leavers(copy):
    """Five people who did not complete: two lost, one withdrawn, one without a reason, one still in the study."""
    for row, status, reason in (
        (2, "DISCONTINUED", "Lost to follow-up"),
        (3, "DISCONTINUED", "Lost to follow-up"),
        (4, "DISCONTINUED", "Withdrew consent"),
        (5, "DISCONTINUED", ""),
        (6, "ONGOING", ""),
    ):
        copy.cell("adsl", row, "EOSSTT", status)
        copy.cell("adsl", row, "DCSREAS", reason)
    return copy.read()


def test_flow_adds_up(leavers):
    counts = flow.flow(leavers)
    reasons = {}
    for arm in leavers.arms:
        n = {stage: counts[f"cohort.{stage}.{arm.id}.n"].value for stage in ("randomised", "completed", "left")}
        still = counts.get(f"cohort.ongoing.{arm.id}.n")
        assert n["randomised"] == n["completed"] + n["left"] + (still.value if still else 0)
        of_arm = [row for part, row in counts.under(f"cohort.left.{arm.id}").items() if part != "n"]
        assert sum(row.value for row in of_arm) == n["left"]
        for row in of_arm:
            reasons[row.label] = reasons.get(row.label, 0) + row.value
    randomised = [counts[f"cohort.randomised.{arm.id}.n"].value for arm in leavers.arms]
    assert sum(randomised) == counts["cohort.randomised.n"].value
    assert reasons == {"lost to follow-up": 2, "withdrew consent": 1, "reason not given": 1}


@pytest.mark.parametrize("name", ["amitriptyline_hivsn", "actg175", "actg175_n20"])
def test_flow_of_a_trial_without_disposition_does_not_invent_it(name, real):
    found = real(name)
    counts = flow.flow(found)
    assert not [row.key for row in counts if ".left." in row.key or ".completed." in row.key]
    assert counts["cohort.randomised.n"].value == len(table(name, "adsl"))


def test_received_and_sets_are_counted_by_allocation(copy):
    copy.table("adsl", lambda t: t.assign(TRT01A=t["TRT01A"].where(t.index != 0, "NK+ART")))
    copy.table("adlb", lambda t: t.drop(columns="TRTA"))
    copy.table("adsl", lambda t: t.assign(ITTFL=t["ITTFL"].where(t.index != 1, "N")))
    found = copy.read()
    counts, arms = flow.flow(found), found.adsl["TRT01P"]
    for arm in found.arms:
        allocated = arms == arm.value
        assert counts[f"cohort.received.{arm.id}.n"].value == sum(allocated & (found.adsl["TRT01A"] == arm.value))
        assert counts[f"cohort.efficacy.{arm.id}.n"].value == sum(allocated & (found.adsl.index != 1))
    assert counts["cohort.efficacy.n"].value == len(found.adsl) - 1


def test_another_status_is_a_way_to_leave_and_its_own_reason(copy):
    copy.cell("adsl", 2, "EOSSTT", "Death")
    copy.cell("adsl", 3, "DCSREAS", "Completed")  # some write it for those who stayed
    found = copy.read()
    left = {row.label: row.value for row in flow.flow(found).under("cohort.left").values() if row.label}
    assert left == {"death": 1}


def test_a_flow_that_contradicts_itself_is_a_fault_in_words(leavers, copy):
    copy.cell("adsl", 7, "DCSREAS", "Lost to follow-up")
    with pytest.raises(FaultsError, match="1 of 20 participants are COMPLETED and have a reason to have left"):
        flow.flow(copy.read())


def test_more_randomised_than_screened_is_a_fault(copy):
    copy.facts(lambda given: given.update(screened=19))
    with pytest.raises(FaultsError, match="19 were screened but 20 randomised"):
        flow.flow(copy.read())
