"""How far participants were followed: against counts of the rows by hand."""

import numpy as np
import pytest
from reference import table

from trialbook.analysis import follow_up

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
