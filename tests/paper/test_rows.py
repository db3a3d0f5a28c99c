"""The rows behind the numbers: those of the tables, without names and dates, and only where the trial allows it."""

import shutil

import pandas as pd
import pytest
from conftest import NK_INR

from trialbook.checks import disclosure
from trialbook.displays import tables

EXCEPTION = "    - {kind: listing, where: rows.*, reason: the data are synthetic and those of nobody}\n"


def texts(table):
    return [row.cells for row in table.rows]


def test_the_values_of_a_parameter_are_those_of_adlb(nk):
    for parameter in nk.facts.parameters:
        shown = tables.rows_of_parameter(nk, parameter)
        rows = pd.read_csv(NK_INR / "adlb.csv", dtype=str).query("PARAMCD == @parameter.paramcd")
        expected = rows.groupby("USUBJID")["AVAL"].apply(lambda own: sorted(map(float, own)))
        assert sorted(sorted(map(float, cells)) for cells in texts(shown)) == sorted(expected)


@pytest.mark.parametrize("name", ["adsl", "adae", "adex"])
def test_a_table_has_all_its_rows_and_names_nobody(nk, name):
    shown = tables.rows_of_table(nk, name)
    assert len(shown.rows) == len(pd.read_csv(NK_INR / f"{name}.csv"))
    said = " ".join([*shown.columns, *(text for cells in texts(shown) for text in cells)])
    assert "NKINR" not in said and "2018" not in said


def test_without_an_exception_nothing_is_listed(copy):
    copy.text("trial.yml", EXCEPTION, "")
    trial = copy.read()
    withheld = [tables.rows_of_parameter(trial, trial.facts.parameters[0]), tables.rows_of_table(trial, "adsl")]
    assert all(table.rows == [] and "not published" in table.notes[0] for table in withheld)


def test_the_gate_would_not_let_them_pass_without_an_exception(copy, book, tmp_path):
    executed = tmp_path / "executed"
    executed.mkdir()
    shutil.copy(book.folder / "executed/08_rows.ipynb", executed)
    copy.text("trial.yml", EXCEPTION, "")
    with pytest.raises(disclosure.DisclosureError, match=r"rows\.adlb\.cd4"):
        disclosure.check(copy.read(), executed)
