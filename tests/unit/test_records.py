"""The account of records: which are analysed, which are left out and why, and that each row read is counted once."""

import csv

import numpy as np
import pandas as pd
import pytest
from conftest import Editable, copy_of_paper, costly
from hypothesis import given
from hypothesis import strategies as st

from trialbook.analysis import adverse_events, efficacy, flow, laboratory, missing_data, records
from trialbook.displays import tables
from trialbook.errors import FaultsError
from trialbook.trial import words
from trialbook.trial.generate import generate
from trialbook.trial.model import read_trial


def account(trial, table):
    return {str(line.fate): line.rows for line in trial.account if line.table == table}


def rows_of(copy, name):
    with (copy.folder / f"{name}.csv").open(encoding="utf8", newline="") as file:
        return list(csv.DictReader(file))


def carried_forward(copy, people=2, flag=""):
    """Let the last people's values from month 9 on be those of month 6, as derived records."""
    who = sorted({row["USUBJID"] for row in rows_of(copy, "adlb")})[-people:]

    def change(table):
        late = table["USUBJID"].isin(who) & table["AVISITN"].isin(["9", "12", "24"])
        return table.assign(DTYPE=np.where(late, "LOCF", ""), ANL01FL=np.where(late, flag, table["ANL01FL"]))

    copy.table("adlb", change)
    return who


def final_n(trial):
    rows = efficacy.by_visit(trial)
    return sum(rows[f"cd4.final.{arm.id}.n"].value for arm in trial.arms)


def test_values_carried_forward_are_not_observed_values(copy):
    carried_forward(copy)
    assert final_n(copy.read()) == 18
    assert account(copy.read(), "adlb")["ANL01FL is not Y"] == 2 * 3 * 14


def test_derived_records_are_left_out_although_they_are_flagged(copy):
    carried_forward(copy, flag="Y")
    assert final_n(copy.read()) == 18
    assert account(copy.read(), "adlb")["derived (DTYPE is LOCF)"] == 2 * 3 * 14


def test_derived_records_are_analysed_where_trial_yml_says_so_and_stay_missing_in_the_count_of_what_is(copy):
    carried_forward(copy, flag="Y")
    copy.facts(lambda facts: facts.update(derived=["LOCF"]))
    found = copy.read()
    assert final_n(found) == 20
    assert missing_data.patterns(found)["cd4.missing.n_of"].value[0] == 2 * 3


def test_a_record_that_is_flagged_out_moves_no_mean(copy, nk):
    first = rows_of(copy, "adlb")[3]
    extra = {**first, "AVAL": "999", "ANL01FL": "N", "BASE": "", "CHG": ""}
    copy.table("adlb", lambda table: pd.concat([table, pd.DataFrame([extra])], ignore_index=True))
    found = copy.read()  # a duplicate that ANL01FL settles is no fault
    assert [row.value for row in efficacy.by_visit(found)] == [row.value for row in efficacy.by_visit(nk)]
    assert account(found, "adlb")["ANL01FL is not Y"] == 1


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        ({"AVISITN": "", "AVISIT": ""}, "at no visit (AVISITN is empty)"),
        ({"AVISITN": "-1", "AVISIT": "Screening"}, "before the baseline visit"),
        ({"AVISITN": "7", "AVISIT": "Unscheduled"}, "at a visit that is not scheduled"),
        ({"PARAMCD": "QTCF", "PARAM": "QT"}, "of a parameter that trial.yml does not declare"),
    ],
)
def test_a_record_elsewhere_is_counted_and_left_out(copy, nk, cells, what):
    extra = {**rows_of(copy, "adlb")[0], "AVAL": "9999", "BASE": "", "CHG": "", "ABLFL": "", **cells}
    copy.table(
        "adlb", lambda table: pd.concat([table, pd.DataFrame([extra, extra])], ignore_index=True).drop_duplicates()
    )
    found = copy.read()
    assert account(found, "adlb") == {what: 1, "analysed": 1960}
    assert [row.value for row in efficacy.by_visit(found)] == [row.value for row in efficacy.by_visit(nk)]


def test_two_records_at_no_visit_are_no_duplicates(copy):
    extra = {**rows_of(copy, "adlb")[0], "AVISITN": "", "AVISIT": "", "ABLFL": ""}
    copy.table("adlb", lambda table: pd.concat([table, pd.DataFrame([extra, extra])], ignore_index=True))
    assert account(copy.read(), "adlb")["at no visit (AVISITN is empty)"] == 2


def test_a_laboratory_value_at_an_unscheduled_visit_counts_for_the_worst(copy):
    extra = {**next(row for row in rows_of(copy, "adlb") if row["PARAMCD"] == "ALT"), "AVISITN": "7", "AVISIT": "Extra"}
    extra |= {"AVAL": "400", "BASE": "", "CHG": "", "ABLFL": ""}
    before = laboratory.by_visit(copy.read())
    copy.table("adlb", lambda table: pd.concat([table, pd.DataFrame([extra])], ignore_index=True))
    found = copy.read()
    assert account(found, "adlb") == {"analysed": 1961}
    outside = [
        sum(rows[f"alt.outside.{arm}.n_of"].value[0] for arm in ("nk_art", "art"))
        for rows in (before, laboratory.by_visit(found))
    ]
    assert outside[1] in (outside[0], outside[0] + 1)


def with_others(copy, **cells):
    """Add two people to ADSL, and a record of each to ADLB."""
    model, record = rows_of(copy, "adsl")[0], rows_of(copy, "adlb")[0]
    more = [{**model, "USUBJID": f"NKINR-9{i}", **cells} for i in range(2)]
    copy.table("adsl", lambda table: pd.concat([table, pd.DataFrame(more)], ignore_index=True))
    records = [{**record, "USUBJID": one["USUBJID"], "TRTP": "", "TRTA": ""} for one in more]
    copy.table("adlb", lambda table: pd.concat([table, pd.DataFrame(records)], ignore_index=True))


@pytest.mark.parametrize(
    "cells",
    [
        {"TRT01P": "", "TRT01A": "", "ARM": "Screen Failure", "RANDDT": ""},
        {"TRT01P": "Screen Failure", "TRT01A": "", "ARM": "SCRNFAIL"},
        {"TRT01P": "", "TRT01A": "", "ARM": "", "RANDDT": ""},
        {"TRT01P": "Not Assigned", "TRT01A": "", "ARM": ""},
    ],
)
def test_who_was_not_randomised_is_counted_and_left_out(copy, nk, cells):
    with_others(copy, **cells)
    found = copy.read()
    assert account(found, "adsl") == {"of a participant who was not randomised": 2, "analysed": 20}
    assert account(found, "adlb") == {"of a participant who was not randomised": 2, "analysed": 1960}
    assert [row.value for row in flow.flow(found)] == [row.value for row in flow.flow(nk)]


def test_a_third_arm_is_out_of_scope_and_named(copy, nk):
    with_others(copy, TRT01P="NK twice", TRT01A="NK twice", ARM="NK twice")
    found = copy.read()
    assert account(found, "adsl")["of the arm 'NK twice', which trial.yml does not choose"] == 2
    assert account(found, "adlb")["of the arm 'NK twice', which trial.yml does not choose"] == 2
    assert [row.value for row in efficacy.by_visit(found)] == [row.value for row in efficacy.by_visit(nk)]


def test_an_empty_arm_of_somebody_who_was_randomised_is_a_fault(copy):
    copy.cell("adsl", 4, "TRT01P", "")
    with pytest.raises(FaultsError, match=r"adsl.csv, row 4, TRT01P: the cell is empty"):
        copy.read()


@pytest.mark.parametrize("said", ["art", "NK+Art", "NK + ART", "\u0410RT"])  # the last begins with a Cyrillic letter
def test_an_arm_that_is_nearly_one_of_the_two_is_no_third(copy, said):
    copy.cell("adsl", 4, "TRT01P", said)
    with pytest.raises(FaultsError, match=r"adsl.csv, row 4, TRT01P: is nearly, but not quite, an arm of trial.yml"):
        copy.read()


def test_safety_goes_by_the_treatment_received_and_efficacy_by_allocation(copy):
    event = rows_of(copy, "adae")[0]["USUBJID"]

    def crossed(table):
        return table.assign(TRT01A=table["TRT01A"].where(table["USUBJID"] != event, "ART"))

    copy.table("adsl", crossed)
    for name in ("adlb", "adae", "adex"):
        copy.table(name, lambda table: table.assign(TRTA=table["TRTA"].where(table["USUBJID"] != event, "ART")))
    found = copy.read()
    events, stages = adverse_events.adverse_events(found), flow.flow(found)
    assert events["safety.any.art.n_of"].value[1] == 11
    assert events["safety.any.nk_art.n_of"].value[1] == 9
    assert events["safety.any.art.n_of"].value[0] >= 1
    assert efficacy.by_visit(found)["cd4.baseline.nk_art.n"].value == 10
    assert stages["cohort.received_other.nk_art.n"].value == 1
    notes = " ".join(tables.adverse_events(found, events, stages).notes)
    assert "another than the allocated one was received by 1 allocated to NK+ART" in notes


def test_the_account_of_the_notebook_adds_up(copy):
    carried_forward(copy)
    with_others(copy, TRT01P="Screen Failure", TRT01A="", ARM="")
    trial = copy.read()
    found = records.account(trial)
    for table in ("adsl", "adlb", "adae", "adex"):
        parts = {part: row.value for part, row in found.under(f"records.{table}").items()}
        assert parts.pop("read") == sum(parts.values()) == len(rows_of(copy, table))
    assert len(tables.records(found).rows) > 8
    assert tables.warnings(trial, found).notes


VISITS = st.sampled_from(["", "0", "1", "3", "6", "9", "12", "24", "-1", "7", "99"])
EDITS = st.lists(
    st.tuples(
        st.integers(0, 1959),
        st.sampled_from(["ANL01FL", "DTYPE", "AVISITN", "PARAMCD", "AVAL"]),
        VISITS,
        st.sampled_from(["Y", "N", ""]),
        st.sampled_from(["", "LOCF", "AVERAGE"]),
    ),
    max_size=30,
)


@costly
@given(edits=EDITS)
def test_every_row_read_is_accounted_for_whatever_the_records(tmp_path_factory, edits):
    copy = copy_of_paper(tmp_path_factory.mktemp("account"))

    def change(table):
        table = table.drop(columns=["BASE", "CHG", "ABLFL", "AVISIT"]).assign(DTYPE="")
        for row, column, visit, flag, kind in edits:
            new = {"ANL01FL": flag, "DTYPE": kind, "AVISITN": visit, "PARAMCD": "OTHER", "AVAL": ""}[column]
            table.loc[row, column] = new
        return table

    copy.table("adlb", change)
    try:
        found = copy.read()
    except FaultsError as refused:
        assert all("the same participant, parameter and visit" in fault.rule for fault in refused.faults)
        return
    assert sum(account(found, "adlb").values()) == 1960


FORMS = {
    "rows": lambda copy, rng: copy.table(
        "adlb", lambda table: table.sample(frac=1, random_state=int(rng.integers(99)))
    ),
    "columns": lambda copy, rng: copy.table("adlb", lambda table: table[list(rng.permutation(table.columns))]),
    "people": lambda copy, rng: copy.table(
        "adsl", lambda table: table.sample(frac=1, random_state=int(rng.integers(99)))
    ),
    "blanks": lambda copy, rng: copy.table("adlb", lambda table: table.map(lambda cell: f" {cell}\t")),
    "case of headers": lambda copy, rng: copy.table("adlb", lambda table: table.rename(columns=str.lower)),
    "blanks in headers": lambda copy, rng: copy.table(
        "adsl", lambda table: table.rename(columns=lambda name: f" {name} ")
    ),
}
TEXTS = {
    "line endings": lambda text: text.replace("\n", "\r\n"),
    "empty lines": lambda text: "\n\n" + text.replace("\n", "\n\n"),
    "hint for Excel": lambda text: "sep=,\n" + text,
    "quotes": lambda text: "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines()),
    "empty last column": lambda text: "\n".join(f"{line}," for line in text.splitlines() if line != "sep=,"),
    "BOM": lambda text: "\ufeff" + text,
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return results(generate(tmp_path_factory.mktemp("form") / "trial"))


def results(folder):
    found = read_trial(folder)
    rows = [*flow.flow(found), *efficacy.by_visit(found), *laboratory.by_visit(found), *records.account(found)]
    return {row.key: row.display for row in rows}


@costly
@given(forms=st.lists(st.sampled_from([*FORMS, *TEXTS]), max_size=4), seed=st.integers(0, 99))
def test_the_form_of_the_tables_does_not_matter(tmp_path_factory, expected, forms, seed):
    copy = Editable(generate(tmp_path_factory.mktemp("form") / "trial"))
    for form in [form for form in FORMS if form in forms]:
        FORMS[form](copy, np.random.default_rng(seed))
    for form in [form for form in TEXTS if form in forms]:
        for name in ("adsl", "adlb"):
            path = copy.folder / f"{name}.csv"
            if form != "quotes" or '"' not in path.read_text("utf8"):
                path.write_text(TEXTS[form](path.read_text("utf8")), "utf8", newline="")
    assert results(copy.folder) == expected


def flagged_at_one_visit(table):
    """As where a flag marks one record of special interest."""
    return table.assign(ANL01FL=np.where((table["PARAMCD"] != "ALT") | (table["AVISITN"] == "0"), "Y", ""))


def test_a_flag_that_leaves_out_most_records_is_warned_of_and_another_may_be_named(copy, nk):
    copy.table("adlb", flagged_at_one_visit)
    rows, warnings = [*copy.read().account], copy.read().warnings
    assert any((str(line.fate), line.rows) == ("ANL01FL is not Y", 120) for line in rows)
    assert {"few flagged"} == {warning.name for warning in warnings if warning.name != "no record"}

    def name_another(flag):
        copy.facts(lambda facts: [p.update(analysis_flag=flag) for p in facts["parameters"] if p["paramcd"] == "ALT"])
        return copy.read()

    for found in (name_another("none"), name_another("ANL02FL")):
        assert found.warnings == ()
        assert [row.value for row in laboratory.by_visit(found)] == [row.value for row in laboratory.by_visit(nk)]
    copy.table("adlb", lambda table: table.assign(ANL02FL=np.where(table["AVISITN"] == "24", "", "Y")))
    assert account(copy.read(), "adlb")["ANL02FL is not Y"] == 20


def test_the_pilot_of_cdisc_would_lose_no_word():
    """Its words of relation, severity, outcome and disposition, as its sponsor wrote them."""
    for column, said in {
        "AEREL": ["REMOTE", "PROBABLE", "NONE", "POSSIBLE"],
        "AEOUT": ["FATAL", "RECOVERED/RESOLVED", "NOT RECOVERED/NOT RESOLVED"],
        "DCSREAS": ["Protocol Violation", "Sponsor Decision", "Lost to Follow-up", "I/E Not Met", "Withdrew Consent"],
    }.items():
        assert words.unknown(said, column, {}) == []


def test_another_arm_or_a_dtype_in_two_spellings_is_a_fault(copy):
    with_others(copy, TRT01P="NK 2", TRT01A="NK 2", ARM="NK 2")
    copy.table("adlb", lambda table: table.assign(DTYPE=["LOCF", "locf", *[""] * (len(table) - 2)]))
    copy.cell("adsl", 23, "TRT01P", "NK-2")
    with pytest.raises(FaultsError) as found:
        copy.read()
    assert "adsl.csv, row 23, TRT01P: differs from an earlier row only in case or punctuation" in str(found.value)
    copy.cell("adsl", 23, "TRT01P", "NK 2")
    with pytest.raises(FaultsError, match=r"adlb.csv, row 3, DTYPE: differs from an earlier row only in case"):
        copy.read()


def test_screen_failures_may_be_said_in_several_spellings(copy):
    with_others(copy, TRT01P="Screen Failure", TRT01A="", ARM="Screen Failure")
    copy.cell("adsl", 23, "TRT01P", "SCREEN FAILURE")
    assert account(copy.read(), "adsl") == {"of a participant who was not randomised": 2, "analysed": 20}
