"""Rates of adverse events: against their definition and the chi-square form of the interval."""

from dataclasses import replace

import pytest
from scipy import stats

from trialbook.analysis import adverse_events

pytestmark = pytest.mark.filterwarnings("error")


def test_a_rate_is_what_its_definition_and_the_chi_square_form_of_garwood_give(nk):
    rows = adverse_events.adverse_events(nk)
    members = nk.subjects(nk.facts.analysis_sets.safety)["nk_art"]["USUBJID"]
    time = 0
    for who in members:
        mine = nk.adae[nk.adae["USUBJID"] == who]
        time += mine["ASTDY"].min() if len(mine) else nk.adlb.loc[nk.adlb["USUBJID"] == who, "ADY"].max()
    years = time / 365.25
    assert rows["safety.pyrexia.nk_art.rate"].value == pytest.approx(100 * 2 / years)
    bounds = [100 * stats.chi2.ppf(0.025, 4) / 2 / years, 100 * stats.chi2.ppf(0.975, 6) / 2 / years]
    assert rows["safety.pyrexia.nk_art.rate.ci"].value == pytest.approx(bounds)
    assert rows["safety.pyrexia.nk_art.rate"].unit == "per 100 participant-years"
    assert rows["safety.serious.nk_art.rate.ci"].value[0] == 0


def test_a_rate_without_a_day_of_last_contact_is_not_estimable(nk):
    rows = adverse_events.adverse_events(
        replace(nk, adlb=nk.adlb.drop(columns="ADY"), adae=nk.adae[["USUBJID", "AEDECOD"]], adex=None)
    )
    assert rows["safety.pyrexia.art.rate"].value is None
    assert rows["safety.pyrexia.art.rate"].reason == "the day of last contact is not known"
