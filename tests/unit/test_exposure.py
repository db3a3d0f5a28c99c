"""What was given: counted from the rows, with their gaps and the deviations from the plan."""

import pandas as pd
import pytest

from trialbook.analysis import exposure, flow
from trialbook.displays import tables

pytestmark = pytest.mark.filterwarnings("error")


def test_exposure_is_counted_from_the_rows(nk):
    rows, planned = exposure.exposure(nk), nk.facts.intervention
    treated = nk.adex["USUBJID"].nunique()
    assert rows["exposure.nk_art.administrations"].value == len(nk.adex)
    assert rows["exposure.nk_art.treated.n_of"].value == [treated, treated]
    assert rows["exposure.nk_art.complete.n_of"].value == [treated, treated]
    assert rows["exposure.nk_art.dose.mean_sd"].value == [planned.courses * planned.dose, 0]
    assert rows["exposure.nk_art.dose.mean_sd"].unit == planned.dose_unit
    assert rows["exposure.art.administrations"].value == 0


def test_exposure_with_gaps(copy):
    """Someone stopped after the first course, a dose and a unit were not written down."""
    who = copy.read().adex["USUBJID"].iloc[0]
    copy.rows("adex", lambda t: (t["USUBJID"] != who) | (t["COURSE"] == "1"))
    copy.cell("adex", 2, "AVAL", "")
    copy.cell("adex", 3, "AVALU", "")
    rows = exposure.exposure(copy.read())
    complete, treated = rows["exposure.nk_art.complete.n_of"].value
    assert complete == treated - 1
    assert rows["exposure.nk_art.per_subject.min"].value == 1
    assert rows["exposure.nk_art.dose.mean_sd"].n == treated - 1
    assert rows["exposure.nk_art.dose.mean_sd"].unit == "10⁸ cells"


def test_deviations_from_the_plan_are_counted(copy):
    """One course left out, one given twice as much, one more than planned."""

    def change(doses):
        doses.loc[1, "AVAL"] = "2"
        extra = doses.iloc[[2]].assign(COURSE="4", ASTDY="90")
        return pd.concat([doses.drop(index=[5]), extra])

    copy.table("adex", change)
    rows = exposure.exposure(copy.read())
    n = {part: rows[f"exposure.nk_art.courses.{part}.n_pct"].value for part in ("as_planned", "fewer", "none", "more")}
    assert n == {"as_planned": [8, 10], "fewer": [1, 10], "none": [0, 10], "more": [1, 10]}
    assert rows["exposure.nk_art.dose.other.n_of"].value == [1, 30]
    assert rows["exposure.nk_art.administrations"].value == 30


# ------------------------------------------------------------------------------------------------------ daily treatment


def daily(copy, rows, columns=("USUBJID", "AVAL", "AVALU", "ASTDY", "AENDY"), **plan):
    """The exposure of a trial whose ADEX has these rows; the first of each is the number of a treated participant."""
    treated = copy.read().adex["USUBJID"].unique()
    copy.table("adex", lambda _: pd.DataFrame([(treated[row[0]], *row[1:]) for row in rows], columns=list(columns)))
    copy.facts(lambda facts: facts["intervention"].pop("classes"))
    copy.facts(lambda facts: facts["intervention"].update({"dose": 75, "dose_unit": "mg"} | plan))
    return exposure.exposure(copy.read())


PERIODS = [
    (0, "50", "mg", "1", "10"),
    (0, "100", "mg", "11", "20"),
    (1, "75", "mg", "1", "7"),
    (1, "75", "mg", "11", "14"),
]


def test_periods_of_daily_treatment_are_summed_over_their_days(copy):
    """By hand: 1,500 mg in 20 days, and 825 mg in 14 days of which 3 had none, against 75 mg a day."""
    rows = daily(copy, PERIODS)
    assert rows["exposure.nk_art.treated.n_of"].value == [2, 10]
    assert rows["exposure.nk_art.periods"].value == 4
    assert rows["exposure.nk_art.duration.range"].value == [14, 20]
    assert rows["exposure.nk_art.dose.mean_sd"].value[0] == (1500 + 825) / 2
    assert rows["exposure.nk_art.dose.daily.mean_sd"].value[0] == pytest.approx((75 + 825 / 14) / 2)
    assert rows["exposure.nk_art.compliance.range"].value == pytest.approx([100 * 825 / 14 / 75, 100])
    assert not {"exposure.nk_art.administrations", "exposure.nk_art.courses"} & {row.key for row in rows}


def test_days_before_the_first_are_days_although_there_is_no_day_zero(copy):
    rows = daily(copy, [(0, "50", "mg", "-2", "2"), (1, "50", "mg", "1", "3")])
    assert rows["exposure.nk_art.duration.range"].value == [3, 4]


def test_periods_by_their_dates_are_the_same(copy):
    dated = [(who, dose, unit, f"2021-03-{int(a):02}", f"2021-03-{int(b):02}") for who, dose, unit, a, b in PERIODS]
    rows = daily(copy, dated, ("USUBJID", "AVAL", "AVALU", "ASTDT", "AENDT"))
    assert rows["exposure.nk_art.duration.range"].value == [14, 20]
    assert rows["exposure.nk_art.compliance.range"].value == pytest.approx([100 * 825 / 14 / 75, 100])


def test_a_participant_whose_treatment_has_no_known_end_is_counted_and_left_out(copy):
    rows = daily(copy, [*PERIODS[:3], (1, "75", "mg", "11", "")])
    assert rows["exposure.nk_art.periods.open"].value == 1
    assert rows["exposure.nk_art.duration.median"].value == 20 and rows["exposure.nk_art.duration.median"].n == 1


@pytest.mark.parametrize("unit", ["mg/day", "mg/DAY", "mg / d", "mg per day"])
def test_a_unit_of_a_dose_a_day_tells_that_treatment_is_daily(copy, unit):
    rows = daily(copy, [(0, "75", unit, "1", "2"), (1, "75", unit, "1", "1")])
    assert rows["exposure.nk_art.duration.range"].value == [1, 2]
    assert rows["exposure.nk_art.dose.mean_sd"].unit == "mg" and rows["exposure.nk_art.compliance.median"].value == 100


@pytest.mark.parametrize("unit", ["mg", "mg/dose", "mg/dL", "IU/d2"])
def test_an_infusion_over_night_is_an_administration(copy, unit):
    rows = daily(copy, [(0, "75", unit, "1", "2"), (1, "75", unit, "1", "1")])
    assert rows["exposure.nk_art.administrations"].value == 2


def test_a_trial_may_say_how_its_treatment_is_given(copy):
    assert "exposure.nk_art.administrations" in daily(copy, PERIODS, given="courses")


def test_doses_in_another_unit_than_the_plan_are_not_compared_with_it(copy):
    rows = daily(copy, PERIODS, dose_unit="g")
    assert rows["exposure.nk_art.compliance.median"].reason == "the plan is in g, the doses in mg"


def test_the_table_of_daily_treatment_speaks_of_days(copy):
    rows = daily(copy, PERIODS)
    trial = copy.read()
    labels = [row.label for row in tables.exposure(trial, rows, flow.flow(trial)).rows]
    assert "Dose per day, mean (SD)" in labels and not any("ourse" in label for label in labels)
