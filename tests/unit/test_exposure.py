"""What was given: counted from the rows, with their gaps and the deviations from the plan."""

import pandas as pd
import pytest

from trialbook.analysis import exposure

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
