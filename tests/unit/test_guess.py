"""The facts that are guessed from tables: those that a person wrote of the real trials, and no more than is there."""

import pandas as pd
import pytest
import reference
import yaml
from conftest import TRIALS

from trialbook.errors import FaultsError
from trialbook.template import guess, sources
from trialbook.trial.generate import generate


@pytest.fixture
def folder(tmp_path):
    made = generate(tmp_path / "trial", laboratory=2)
    (made / "trial.yml").unlink()
    return made


def edit(folder, name, change):
    path = folder / f"{name}.csv"
    change(pd.read_csv(path, dtype=str, keep_default_na=False)).to_csv(path, index=False)


def guessed(folder):
    return guess.guess(sources.collect(folder))


@pytest.mark.parametrize("name", ["amitriptyline_hivsn", "actg175", "actg175_n20"])
def test_of_a_real_trial_it_guesses_what_a_person_wrote(name):
    written = yaml.safe_load((TRIALS / name / "trial.yml").read_text("utf8"))
    facts = guessed(reference.folder(name)).facts
    assert facts["study"] == written["study"]
    for key in ("value", "role"):
        assert {arm["id"]: arm[key] for arm in facts["arms"]} == {arm["id"]: arm[key] for arm in written["arms"]}
    assert facts["visits"] == written["visits"]
    assert {name: one["flag"] for name, one in facts["analysis_sets"].items()} == {
        name: one["flag"] for name, one in written["analysis_sets"].items()
    }
    mine, theirs = ({line["paramcd"]: line["role"] for line in one["parameters"]} for one in (facts, written))
    assert mine == theirs


def test_arms_whose_names_do_not_tell_the_reference_are_asked_for(folder):
    edit(folder, "adsl", lambda rows: rows.replace({"CONTROL": "B", "ACTIVE": "A"}))
    edit(folder, "adlb", lambda rows: rows.replace({"CONTROL": "B", "ACTIVE": "A"}))
    assert guessed(folder).asked["arms"] == "which arm is the reference: no name tells"


@pytest.mark.parametrize("name", ["Placebo", "Standard of care", "Usual care", "ART alone", "vehicle cream", "Sham"])
def test_the_reference_is_known_by_its_name(folder, name):
    edit(folder, "adsl", lambda rows: rows.replace({"CONTROL": name}))
    edit(folder, "adlb", lambda rows: rows.replace({"CONTROL": name}))
    found = guessed(folder)
    assert {arm["value"]: arm["role"] for arm in found.facts["arms"]} == {"ACTIVE": "test", name: "reference"}
    assert "arms" not in found.asked


def test_a_third_arm_is_left_out_by_name_and_screen_failures_are_no_arm(folder):
    def change(rows):
        third = rows.index % 3 == 0
        arm = rows["TRT01P"].mask(third, "LOW DOSE").mask(rows.index == 1, "Screen Failure")
        return rows.assign(TRT01P=arm, TRT01A=arm, ARM=arm)

    edit(folder, "adsl", change)
    found = guessed(folder)
    assert [arm["value"] for arm in found.facts["arms"]] == ["LOW DOSE", "CONTROL"]
    assert found.evidence["arms"].endswith("; left out: ACTIVE") and "Screen" not in found.evidence["arms"]
    assert "which of the arms are compared" in found.asked["arms"]


def test_the_unit_of_a_parameter_may_stand_in_its_name(folder):
    name = {"Alanine aminotransferase": "Alanine Aminotransferase (U/L)", "Symptom score": "Score (11) of symptoms"}
    edit(folder, "adlb", lambda rows: rows.drop(columns="AVALU").replace({"PARAM": name}))
    lines = {line["paramcd"]: line for line in guessed(folder).facts["parameters"]}
    assert (lines["ALT"]["label"], lines["ALT"]["unit"]) == ("Alanine Aminotransferase", "U/L")
    assert (lines["SCORE"]["label"], lines["SCORE"]["unit"]) == ("Score (11) of symptoms", "")


def test_a_flag_that_marks_few_records_of_a_parameter_does_not_choose_them(folder):
    worst = lambda rows: rows.assign(  # noqa: E731
        ANL01FL=rows["ANL01FL"].mask((rows["PARAMCD"] == "ALT") & (rows["AVISITN"] != "24"), "")
    )
    edit(folder, "adlb", worst)
    lines = {line["paramcd"]: line for line in guessed(folder).facts["parameters"]}
    assert lines["ALT"]["analysis_flag"] == "none" and "analysis_flag" not in lines["AST"]


def test_visits_that_are_no_time_of_the_schedule_are_left_out(folder):
    def change(rows):
        last = rows[rows["AVISITN"] == "24"]
        end = last.assign(AVISIT="End of Treatment", AVISITN="99", CHG="", AVAL=last["BASE"])
        odd = rows.head(1).assign(AVISIT="Unscheduled 3.1", AVISITN="3.1", ABLFL="")
        return pd.concat([rows, end, odd])

    edit(folder, "adlb", change)
    found = guessed(folder)
    assert [visit["avisitn"] for visit in found.facts["visits"]["schedule"]] == [0, 4, 12, 24]
    assert found.evidence["visits"].endswith("left out: Unscheduled 3.1 (3.1), End of Treatment (99)")
    assert found.facts["visits"]["unit"] == "week"


@pytest.mark.parametrize(
    ("label", "is_kept"),
    [
        ("Month 6 follow-up", True),
        ("6-month visit", True),
        ("Long-term week 24", True),
        ("Follow-up", False),
        ("Safety follow-up visit", False),
        ("Early termination", False),
        ("Weeks 4-24", False),
        ("Last visit", False),
    ],
)
def test_a_visit_is_left_out_by_the_name_of_another_time(folder, label, is_kept):
    edit(folder, "adlb", lambda rows: rows.assign(AVISIT=rows["AVISIT"].replace("Week 24", label)))
    assert (24 in [visit["avisitn"] for visit in guessed(folder).facts["visits"]["schedule"]]) == is_kept


def test_lines_that_are_left_out_of_the_baseline_table_are_named(folder):
    more = {f"VAR{i:02}BL": [str(i + place) for place in range(24)] for i in range(14)}
    sites = [f"site {place}" for place in range(24)]  # a category of too many levels
    edit(folder, "adsl", lambda rows: rows.assign(**more, SITEBL=sites))
    found = guessed(folder)
    lines = [line.get("variable") or line["paramcd"] for line in found.facts["baseline"]]
    assert lines[-1] == "SCORE" and len(lines) == guess.MOST_LINES + 1
    assert found.evidence["baseline"].endswith("left out: SITEBL, VAR10BL, VAR11BL, VAR12BL, VAR13BL")


@pytest.mark.parametrize(("origin", "named"), [("1960-01-01", "sas"), ("1899-12-30", "excel")])
def test_numbers_in_a_column_of_dates_tell_who_counted_them(folder, origin, named):
    count = lambda rows: rows.assign(  # noqa: E731
        TRTSDT=[str((pd.Timestamp(day) - pd.Timestamp(origin)).days) for day in rows["TRTSDT"]]
    )
    edit(folder, "adsl", count)
    assert guessed(folder).facts["more"]["dates"] == named


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("adsl", lambda rows: rows.drop(columns="TRT01P"), "the column TRT01P is missing"),
        ("adsl", lambda rows: rows[rows["TRT01P"] == "ACTIVE"], "fewer than two arms"),
        ("adsl", lambda rows: rows.drop(columns="ITTFL"), "no flag of an efficacy analysis set"),
        ("adlb", lambda rows: rows[rows["AVISITN"] == "0"], "no parameter has values"),
    ],
)
def test_what_no_trial_can_be_read_without_is_a_fault(folder, name, change, said):
    edit(folder, name, change)
    with pytest.raises(FaultsError, match=said):
        guessed(folder)
