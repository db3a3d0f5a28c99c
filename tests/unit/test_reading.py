"""What stands in a trial's folder is read, refused, or named: nothing vanishes and nothing hangs."""

import os
import subprocess
import sys

import pandas as pd
import pytest

from trialbook.errors import FaultsError
from trialbook.trial.likely import likely
from trialbook.trial.records import Reason


def refused(copy, said):
    with pytest.raises(FaultsError) as refusal:
        copy.read()
    assert said in str(refusal.value), str(refusal.value)
    return refusal.value


@pytest.mark.parametrize(
    "name", ["ADAE.csv", "Adae.CSV", "adae.csv.txt", "adae.xlsx", "adae.sas7bdat", "ADAE.xpt", "adae.tsv"]
)
def test_a_table_by_another_name_is_not_left_out_without_a_word(copy, name):
    (copy.folder / "adae.csv").rename(copy.folder / name)
    refused(copy, f"{name}: this is probably adae.csv, which is not read by this name")


def test_a_required_table_by_another_name_is_not_called_missing(copy):
    (copy.folder / "adsl.csv").rename(copy.folder / "ADSL.csv")
    error = refused(copy, "ADSL.csv: this is probably adsl.csv")
    assert not any("missing" in fault.rule for fault in error.faults)


def test_a_link_that_leads_nowhere_is_a_fault(copy):
    (copy.folder / "adae.csv").unlink()
    (copy.folder / "adae.csv").symlink_to("elsewhere.csv")
    refused(copy, "adae.csv: the file cannot be read: No such file or directory")


def test_another_table_is_named_as_not_read(copy):
    (copy.folder / "adqs.csv").write_text("USUBJID\n1\n")
    assert [warning.file for warning in copy.read().warnings] == ["adqs.csv"]


@pytest.mark.parametrize("make", ["fifo", "folder", "device"])
def test_what_is_no_file_is_refused_at_once(copy, make):
    path = copy.folder / "adae.csv"
    path.unlink()
    {"fifo": lambda: os.mkfifo(path), "folder": path.mkdir, "device": lambda: path.symlink_to("/dev/zero")}[make]()
    refused(copy, "adae.csv: this is not a file")


def test_a_cell_of_ten_megabytes_is_refused(copy):
    copy.cell("adae", 2, "AETERM", "x" * 10_000_000)
    error = refused(copy, "adae.csv: a cell of 10,000,000 characters in the column AETERM")
    assert len(str(error)) < 1000


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [
        ("adlb", "AVALU", "UNIT"),
        ("adlb", "AVALU", "AVA LU"),
        ("adae", "AETOXGR", "AETOXRG"),
        ("adae", "AESER", "AESERR"),
        ("adae", "AEREL", "ΑEREL"),  # begins with a Greek letter
        ("adsl", "TRT01A", "TRT01А"),  # ends with a Cyrillic one
        ("adsl", "HIVDUR", "HIVDURR"),
        ("adex", "COURSE", "COURS"),
    ],
)
def test_a_header_that_is_nearly_one_that_is_used_is_a_fault(copy, table, old, new):
    copy.table(table, lambda rows: rows.rename(columns={old: new}))
    error = refused(copy, f"{table}.csv, row 1: the column {new!r} is not known, and there is no {old}")
    assert f"call it {old}" in str(error)


@pytest.mark.parametrize("new", ["aetoxgr", "AeToxGr", " AETOXGR "])
def test_a_header_in_another_case_is_read(copy, nk, new):
    copy.table("adae", lambda rows: rows.rename(columns={"AETOXGR": new}))
    assert copy.read().adae.equals(nk.adae)


@pytest.mark.parametrize(
    "column", ["AEDECOD2", "AESEVN", "AETOXGRN", "AGEGR1", "AVALC", "TRT02A", "SITEID", "AESOC", "AESTDTC"]
)
def test_other_variables_of_adam_are_no_slips(copy, column):
    copy.table("adae", lambda rows: rows.assign(**{column: "1"}))
    assert copy.read().warnings == ()


@pytest.mark.parametrize("code", ["cd4", "CD4 ", "\u0421D4", "ＣＤ４"])
def test_a_parameter_that_is_nearly_a_declared_one_is_a_fault(copy, code):
    copy.table("adlb", lambda rows: rows.assign(PARAMCD=rows["PARAMCD"].where(rows.index != 1, code)))
    if code.strip() == "CD4":
        copy.read()
    else:
        refused(copy, "adlb.csv, row 3, PARAMCD: is nearly, but not quite, a PARAMCD of trial.yml")


def _with_rows(rows, code, of):
    more = rows[rows["PARAMCD"] == of].assign(PARAMCD=code)
    return pd.concat([rows, more], ignore_index=True)


def test_a_parameter_that_differs_by_a_letter_from_one_measured_beside_it_is_another(copy):
    copy.table("adlb", lambda rows: _with_rows(rows, "CREBT", "CREAT"))
    (left,) = [line for line in copy.read().account if line.fate.reason == Reason.UNDECLARED]
    assert left.rows == 140  # of 20 participants at 7 visits


def test_repeats_of_a_parameter_that_is_not_analysed_are_no_fault(copy):
    copy.table("adlb", lambda rows: _with_rows(_with_rows(rows, "SYSBP", "CREAT"), "SYSBP", "CREAT"))
    assert sum(line.rows for line in copy.read().account if line.fate.reason == Reason.UNDECLARED) == 280


def test_a_parameter_that_differs_by_a_letter_from_one_that_it_replaces_is_a_slip(copy):
    first = lambda rows: (rows["PARAMCD"] == "CREAT") & (rows["AVISITN"] == "0")  # noqa: E731
    copy.table("adlb", lambda rows: rows.assign(PARAMCD=rows["PARAMCD"].mask(first(rows), "CREBT")))
    refused(copy, "PARAMCD: is nearly, but not quite, a PARAMCD of trial.yml (found 'CREBT')")


def test_two_headers_that_differ_in_case_are_a_fault(copy):
    copy.table("adae", lambda rows: rows.drop(columns="AESER").assign(aeser="N", AeSer="Y"))
    refused(copy, "the column AESER stands twice")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(",", ";"),
        lambda text: "sep=;\n" + text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace(",", ";").replace(".", ","),
    ],
)
def test_another_separator_is_said_once(copy, change):
    path = copy.folder / "adlb.csv"
    path.write_text(change(path.read_text("utf8")), "utf8")
    error = refused(copy, "adlb.csv: the cells are not separated by commas")
    assert len(error.faults) == 1


def test_a_decimal_comma_is_said_once(copy):
    copy.table("adlb", lambda rows: rows.assign(AVAL=rows["AVAL"].str.replace(".", ",")))
    error = refused(copy, "AVAL: the decimals are written with a comma (found '0,1951')")
    assert len(error.faults) == 1


@pytest.mark.parametrize("value", ["1e300", "-1e16", "inf", "nan", "1e999"])
def test_a_value_that_cannot_be_computed_with_is_refused(copy, value):
    copy.cell("adlb", 3, "AVAL", value)
    refused(copy, "adlb.csv, row 3, AVAL: must be a number")


@pytest.mark.parametrize(
    ("text", "known", "meant"),
    [
        ("placebo", ["Placebo"], "Placebo"),
        ("Placebbo", ["Placebo"], "Placebo"),
        ("Palcebo", ["Placebo"], "Placebo"),
        ("Xanomeline Low Dose", ["Xanomeline High Dose"], None),
        ("Dose 10 mg", ["Dose 20 mg"], None),
        ("Arm A", ["Arm B"], None),
        ("Drug", ["Drugs"], None),
        ("A+", ["A-"], None),
        ("Screen Failure", ["Placebo", "Active"], None),
    ],
)
def test_numbers_and_short_words_tell_two_names_apart(text, known, meant):
    assert likely(text, known) == meant


def test_the_bounds_hold_while_the_memory_is_small(tmp_path, copy):
    """A table is refused by its size before it is read."""
    path = copy.folder / "adae.csv"
    path.unlink()
    with path.open("wb") as file:
        file.truncate(5 * 2**30)  # of which the disk holds nothing
    code = "import sys; from trialbook import read_trial; read_trial(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, copy.folder], capture_output=True, text=True, timeout=30, check=False
    )
    assert "adae.csv: the file is larger than 4 GB" in done.stderr
