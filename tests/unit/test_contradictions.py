"""Tables that contradict themselves: refused or warned of by row, with both values, and only where they do."""

import json
from contextlib import nullcontext
from dataclasses import replace

import pytest
from conftest import NK_INR

from notebooks import write
from trialbook.analysis import records
from trialbook.checks import disclosure
from trialbook.checks.disclosure import DisclosureError
from trialbook.displays import tables
from trialbook.errors import FaultsError
from trialbook.trial.model import read_trial
from trialbook.trial.stated import Disclosure

MORE = {
    "adsl": {"EOSDT": "2020-04-01", "BRTHDT": "1970-01-01", "DTHDT": "", "DTHFL": ""},
    "adae": {"ASTDT": "", "AENDT": ""},
}

# table, cells of its first row, and what must be said
FAULTS = [
    ("adlb", 3, {"CHG": "7"}, "CHG is 7, and AVAL − BASE is"),
    ("adlb", 3, {"CHG": "-27.6"}, "AVAL − BASE"),
    ("adlb", 3, {"BASE": "121", "CHG": ""}, "BASE is 121, and the value at baseline 120"),
    ("adlb", 4, {"ABLFL": "Y"}, "ABLFL is Y at AVISITN 3"),
    ("adlb", 4, {"TRTP": "NK+ART"}, "'NK+ART' is TRT01P 'ART' in adsl.csv"),
    ("adlb", 4, {"TRTA": "NK+ART"}, "'NK+ART' is TRT01A 'ART' in adsl.csv"),
    ("adlb", 4, {"AVISIT": "Month 1"}, "is with"),
    ("adlb", 4, {"AVISITN": "7"}, "is with"),
    ("adlb", 25, {"A1LO": "99"}, "A1LO 99 is above A1HI"),
    ("adae", 2, {"ASTDY": "0", "AENDY": ""}, "there is no day 0"),
    ("adae", 2, {"ASTDY": "-2", "AENDY": "0"}, "there is no day 0"),
    ("adae", 2, {"ASTDY": "9", "AENDY": "8"}, "it ends on day 8, before it starts, on day 9"),
    ("adae", 2, {"ASTDT": "2018-03-02", "AENDT": "2018-03-01"}, "AENDT (2018-03-01) is before ASTDT (2018-03-02)"),
    ("adae", 2, {"ASTDT": "1960-03-02"}, "ASTDT (1960-03-02) is before BRTHDT (1970-01-01)"),
    ("adae", 2, {"ASTDT": "2030-03-02"}, "EOSDT (2020-04-01) is before ASTDT (2030-03-02)"),
    ("adae", 2, {"TRTA": "ART"}, "'ART' is TRT01A 'NK+ART' in adsl.csv"),
    ("adsl", 2, {"AGE": "500"}, "nobody is 500 years old"),
    ("adsl", 2, {"AGE": "-1"}, "nobody is -1 years old"),
    ("adsl", 2, {"EOSDT": "2017-01-01"}, "is before RANDDT"),
    ("adsl", 2, {"BRTHDT": "2019-01-01"}, "is before BRTHDT"),
    ("adsl", 2, {"DTHDT": "2017-01-01"}, "DTHDT (2017-01-01) is before RANDDT"),
    ("adex", 2, {"ASTDT": "2030-01-01"}, "EOSDT (2020-04-01) is before ASTDT (2030-01-01)"),
]
WARNINGS = [
    ("adlb", 3, {"AVAL": "0.139"}, "far value", "CD4 is 0.139 here"),
    ("adlb", 3, {"AVAL": "-5"}, "far value", "CD4 is -5 here"),
    ("adlb", 3, {"AVAL": "99999"}, "far value", "CD4 is 99999 here"),
    ("adlb", 3, {"AVISITN": "6.5", "AVISIT": "Extra"}, "unscheduled visit", "1 records at AVISITN 6.5"),
    ("adlb", 3, {"AVISITN": "60", "AVISIT": "Month 60"}, "unscheduled visit", "1 records at AVISITN 60"),
    ("adae", 2, {"ASTDY": "-3"}, "emergent before day 1", "TRTEMFL is 'Y' and ASTDY '-3'"),
    ("adae", 2, {"TRTEMFL": "N"}, "not emergent from day 1", "TRTEMFL is 'N' and ASTDY '3'"),
    ("adae", 2, {"AEOUT": "FATAL"}, "fatal and not serious", "AESER is 'N' and AEOUT 'FATAL'"),
    ("adae", 2, {"AEOUT": "FATAL"}, "fatal and not grade 5", "AETOXGR is '1' and AEOUT 'FATAL'"),
    ("adae", 2, {"AETOXGR": "5"}, "grade 5 and not fatal", "AETOXGR is '5' and AEOUT 'RECOVERED/RESOLVED'"),
    ("adae", 2, {"AETOXGR": "2"}, "two severities", "AETOXGR is '2' and AESEV 'MILD'"),
    ("adsl", 2, {"DTHFL": "Y"}, "died and completed", "DTHFL is Y"),
]


@pytest.fixture
def more(copy):
    """The trial with further columns, which do not contradict anything."""
    for name, columns in MORE.items():
        copy.table(name, lambda table, columns=columns: table.assign(**columns))
    copy.table("adlb", lambda table: table)
    assert copy.read().warnings == ()
    return copy


def change(copy, table, row, cells, keep=False):
    path = copy.folder / f"{table}.csv"
    lines = path.read_text("utf8").splitlines()
    names, values = lines[0].split(","), lines[row - 1].split(",")
    assert len(names) == len(values)
    for column, value in cells.items():
        values[names.index(column)] = value
    if "AVAL" in cells and "CHG" in names:
        values[names.index("CHG")] = ""
    lines[row - 1] = ",".join(values)
    path.write_text("\n".join(lines) + "\n", "utf8")


@pytest.mark.parametrize(("table", "row", "cells", "said"), FAULTS)
def test_a_contradiction_is_a_fault_with_its_row_and_both_values(more, table, row, cells, said):
    change(more, table, row, cells)
    with pytest.raises(FaultsError) as refusal:
        more.read()
    assert f"{table}.csv, row {row}," in str(refusal.value)
    assert said in str(refusal.value)


@pytest.mark.parametrize(("table", "row", "cells", "name", "said"), WARNINGS)
def test_what_is_unusual_is_a_warning_until_it_is_accepted_by_name(more, table, row, cells, name, said):
    change(more, table, row, cells)
    found = {warning.name: warning for warning in more.read().warnings}
    assert said in found[name].rule
    assert found[name].row in (row, None)
    more.facts(lambda facts: facts.update(accepted_warnings=[{"name": name, "reason": "checked"}]))
    assert name not in {warning.name for warning in more.read().warnings}


def test_a_table_that_was_cut_is_warned_of(copy):
    path = copy.folder / "adlb.csv"
    lines = path.read_text("utf8").splitlines()
    path.write_text("\n".join(lines[:1950]) + "\n", "utf8")
    assert any("no record of GLUC of" in warning.rule for warning in copy.read().warnings)


def test_a_warning_that_is_accepted_and_not_given_is_one(copy):
    copy.facts(lambda facts: facts.update(accepted_warnings=[{"name": "far values", "reason": "checked"}]))
    assert [warning.rule for warning in copy.read().warnings] == ["there is no warning 'far values'"]


def test_a_completer_without_the_last_visit_is_warned_of(copy):
    who = copy.read().adsl["USUBJID"][0]
    copy.rows("adlb", lambda table: (table["USUBJID"] != who) | (table["AVISITN"] != "24"))
    assert [warning.name for warning in copy.read().warnings] == ["completed without the last visit"]


@pytest.mark.parametrize("digits", [0, 1, 2])
def test_a_change_that_is_rounded_is_none(copy, digits):
    def rounded(table):
        return table.assign(CHG=[cell and f"{float(cell):.{digits}f}" for cell in table["CHG"]])

    copy.table("adlb", rounded)
    copy.read()


def test_warnings_stand_in_the_book_with_row_and_values_where_rows_may_be_shown(more):
    change(more, "adlb", 3, {"AVAL": "-5"})
    allowed = {"kind": "listing", "where": "records.warnings", "reason": "the data are those of nobody"}
    more.facts(lambda facts: facts["disclosure"]["exceptions"].append(allowed))
    found = more.read()
    (row,) = tables.warnings(found, records.account(found)).rows
    assert (row.label, *row.cells[:2]) == ("adlb.csv: far value", "3", "AVAL")
    assert "CD4 is -5 here, and" in row.cells[2]


def test_the_gate_lets_rows_of_warnings_pass_where_they_are_excepted_and_only_there(more, tmp_path):
    change(more, "adlb", 3, {"AVAL": "-5"})
    found = more.read()
    counted = tables.warnings(found, records.account(found))
    allowed = {"kind": "listing", "where": "records.warnings", "reason": "the data are those of nobody"}
    more.facts(lambda facts: facts.update(disclosure={"exceptions": [allowed]}))
    allowing = more.read()
    listed = tables.warnings(allowing, records.account(allowing))
    facts = allowing.facts.model_copy(update={"disclosure": Disclosure()})
    for shown, trial, passes in ((listed, allowing, True), (listed, replace(allowing, facts=facts), False)):
        write(tmp_path / "01_cohort.ipynb", {"warnings": [shown]})
        with nullcontext() if passes else pytest.raises(DisclosureError, match=r"listing \(the column Row\)"):
            disclosure.check(trial, tmp_path)
    write(tmp_path / "01_cohort.ipynb", {"warnings": [records.account(found), counted]})
    disclosure.check(replace(allowing, facts=facts), tmp_path)


def test_a_book_without_warnings_says_so(nk):
    shown = tables.warnings(nk, records.account(nk))
    assert (shown.rows, shown.notes) == ([], ["No warning was given."])


def test_warnings_are_counted_in_the_book_and_told_on_the_terminal(more, capsys):
    from trialbook import cli

    change(more, "adlb", 3, {"AVAL": "-5"})
    found = records.account(more.read())
    assert found["records.warnings.n"].value == 1
    shown = tables.warnings(more.read(), found)
    assert [row.label for row in shown.rows] == ["adlb.csv: far value"] and "row" in shown.notes[0]
    assert cli.main(["validate", str(more.folder)]) == 0
    said = capsys.readouterr().out
    assert "adlb.csv, row 3, AVAL: CD4 is -5 here, and" in said and "[far value]" in said
    assert "adlb: 1960 analysed" in said


def test_the_real_trials_are_without_contradiction(real_trial):
    names = {
        name: {w.name for w in read_trial(real_trial(name)).warnings}
        for name in ("actg175", "actg175_n20", "amitriptyline_hivsn")
    }
    assert names == {"actg175": {"day 0", "far value"}, "actg175_n20": {"day 0"}, "amitriptyline_hivsn": set()}


def test_our_own_trial_gives_no_warning():
    assert read_trial(NK_INR).warnings == ()


def test_what_is_printed_for_programs_is_json_whether_there_are_faults_or_none(more, capsys):
    from trialbook import cli

    change(more, "adlb", 3, {"AVAL": "-5"})
    assert cli.main(["validate", str(more.folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["faults"] == [] and {"table": "adlb", "fate": "analysed", "rows": 1960} in told["account"]
    assert [(one["name"], one["row"], one["column"]) for one in told["warnings"]] == [("far value", 3, "AVAL")]
    change(more, "adlb", 3, {"AVAL": "five"})
    assert cli.main(["validate", str(more.folder), "--json"]) == 1
    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert (fault["file"], fault["row"], fault["column"]) == ("adlb.csv", 3, "AVAL")
