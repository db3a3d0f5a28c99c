"""Dates: read where they are unambiguous, refused where they are not."""

import datetime

import pandas as pd
import pytest

from trialbook.analysis import follow_up
from trialbook.errors import FaultsError
from trialbook.trial import dates

TENTH = "2021-02-10"


@pytest.mark.parametrize(
    "written",
    [
        "2021-02-10",
        "10FEB2021",
        "10-Feb-2021",
        "10 feb 2021",
        "2021-02-10T10:00Z",
        "2021-02-10T10:00:30",
        "2021-02-10 10:00",
        "10FEB2021:10:00:00",
        "2021-02-10T10:00+08:00",
    ],
)
def test_a_full_date_is_read_however_it_is_written(written):
    assert dates.iso(pd.Series([written])).tolist() == [TENTH]


@pytest.mark.parametrize(
    "written",
    [
        "2/10/2021",
        "02.10.2021",
        "2021",
        "2021-02",
        "22321",
        "20210210",
        "2021-13-01",
        "2021-02-30",
        "soon",
        "31FEB2021",
        "10FEB21",
        "2021-02-10T",
        "44237.5",
    ],
)
def test_what_is_no_full_and_unambiguous_date_is_none(written):
    assert dates.iso(pd.Series([written])).isna().all()


@pytest.mark.parametrize(
    ("counted", "origin"), [("sas", datetime.date(1960, 1, 1)), ("excel", datetime.date(1899, 12, 30))]
)
def test_a_serial_number_is_a_date_where_it_is_said_whose(counted, origin):
    days = (datetime.date.fromisoformat(TENTH) - origin).days
    assert dates.iso(pd.Series([str(days)]), counted).tolist() == [TENTH]
    assert dates.iso(pd.Series([str(days)])).isna().all()
    assert dates.iso(pd.Series(["20210210"]), counted).isna().all()  # in the year 57,000


@pytest.mark.parametrize("column", ["RANDDT", "TRTSDT", "TRTEDT"])
@pytest.mark.parametrize("written", ["2/10/2018", "22321", "2018"])
def test_a_date_that_cannot_be_read_is_a_fault_with_its_row(copy, column, written):
    copy.cell("adsl", 4, column, written)
    with pytest.raises(FaultsError, match=f"adsl.csv, row 4, {column}: must be a full date"):
        copy.read()


def test_dates_of_another_form_give_the_same_results(copy, nk):
    def sas(table):
        return table.assign(RANDDT=pd.to_datetime(table["RANDDT"]).dt.strftime("%d%b%Y").str.upper())

    copy.table("adsl", sas)
    assert list(copy.read().adsl["RANDDT"]) == list(nk.adsl["RANDDT"])


def test_time_in_study_is_never_that_of_a_screening_day(copy):
    copy.table("adsl", lambda table: table.drop(columns=[c for c in ("EOSDT",) if c in table]))
    first = copy.read().adsl["USUBJID"][0]
    copy.rows("adlb", lambda table: (table["USUBJID"] != first) | (table["AVISITN"] == "0"))
    copy.table("adlb", lambda table: table.assign(ADY=table["ADY"].where(table["USUBJID"] != first, "-5")))
    times = follow_up.time_in_study(copy.read())
    assert min(row.value[0] for row in times if row.key.endswith("range")) >= 1
