"""How far participants were followed: against counts of the rows by hand."""

import numpy as np
import pytest
from reference import table

from trialbook.analysis import flow, follow_up
from trialbook.displays import tables

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("name", ["amitriptyline_hivsn", "actg175", "actg175_n20"])
def test_attendance_equals_a_count_by_hand(name, real):
    found = real(name)
    rows, lab = follow_up.attendance(found), table(name, "adlb")
    arms = table(name, "adsl").set_index("USUBJID")["TRT01P"]
    for arm in found.arms:
        of_arm = lab[lab["USUBJID"].map(arms) == arm.value].dropna(subset=["AVAL"])
        every = {who: set(own["AVISITN"]) for who, own in of_arm.groupby("USUBJID")}
        visits = found.schedule
        for visit_id, visit in visits.items():
            present = sum(visit.avisitn in seen for seen in every.values())
            assert rows[f"cohort.attendance.{visit_id}.{arm.id}.n_of"].value == [
                present,
                int((arms == arm.value).sum()),
            ]
        whole = sum({v.avisitn for v in visits.values()} <= seen for seen in every.values())
        assert rows[f"cohort.attendance.every_visit.{arm.id}.n_of"].value[0] == whole


def test_time_in_study_is_the_day_of_the_last_value(nk):
    rows = follow_up.time_in_study(nk)
    for arm, subjects in nk.subjects().items():
        days = [nk.adlb.loc[nk.adlb["USUBJID"] == who, "ADY"].max() for who in subjects["USUBJID"]]
        assert rows[f"cohort.time.{arm}.median"].value == np.median(days)
        assert rows[f"cohort.time.{arm}.range"].value == [min(days), max(days)]


def test_visits_that_as_many_missed_are_shown_where_each_missed_another(copy):
    """Every visit has nine of ten, and three of ten attended all: one line alone would hide that."""
    trial = copy.read()
    arms = trial.adsl.groupby("TRT01P")["USUBJID"].agg(list)
    visits = trial.adlb["AVISITN"].unique()
    missed = {(who, visit) for people in arms for who, visit in zip(people, visits, strict=False)}
    copy.rows("adlb", lambda table: [(row.USUBJID, float(row.AVISITN)) not in missed for row in table.itertuples()])
    found = copy.read()
    rows = follow_up.attendance(found).update(follow_up.time_in_study(found))
    shown = tables.attendance(found, rows, flow.flow(found)).rows
    assert [row.label for row in shown[: len(visits)]] == [visit.label for visit in found.schedule.values()]
    assert {cell.display for row in shown[: len(visits)] for cell in row.cells} == {"9 (90%)"}
    assert {cell.display for cell in shown[len(visits)].cells} == {"3 (30%)"}


def test_visits_that_everyone_attended_are_one_line(nk):
    rows = follow_up.attendance(nk).update(follow_up.time_in_study(nk))
    shown = tables.attendance(nk, rows, flow.flow(nk)).rows
    assert [row.label for row in shown[:2]] == ["Every visit", "Time in study, days: median"]
