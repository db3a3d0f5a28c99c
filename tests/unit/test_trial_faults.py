"""Faults of a trial: every one is said with file, row, column, rule and remedy, on one screen."""

import re

import pytest
from conftest import NK_INR

from trialbook import cli
from trialbook.errors import SHOWN, Fault, FaultsError
from trialbook.trial.model import read_trial

SCREEN = 24  # lines of a terminal


def message(folder):
    """The words of the refusal; on one screen, each fault with a remedy."""
    with pytest.raises(FaultsError) as refusal:
        read_trial(folder)
    text = str(refusal.value)
    assert len(text.splitlines()) <= SCREEN
    assert 0 < text.count("→") <= len(refusal.value.faults)
    assert all(fault.remedy for fault in refusal.value.faults)
    assert "Traceback" not in text and "Error(" not in text
    return text


# what is wrong: (file, what is done to the copy, what must be said)


def gone(name):
    return lambda copy: (copy.folder / name).unlink()


def written(name, content):
    return lambda copy: (copy.folder / name).write_bytes(content)


def cell(name, row, column, value):
    return lambda copy: copy.cell(name, row, column, value)


def without(name, column):
    return lambda copy: copy.table(name, lambda table: table.drop(columns=column))


def yml(old, new):
    return lambda copy: copy.text("trial.yml", old, new)


def recoded(name, encoding):
    def change(copy):
        path = copy.folder / name
        text = path.read_text("utf8").replace("μ", "µ").replace("⁸", "8").replace("⁹", "9")
        path.write_bytes(text.encode(encoding))

    return change


def appended(name, row, **cells):
    """Repeat a row of a table at its end, with some cells changed."""

    def change(copy):
        def again(table):
            table.loc[len(table)] = table.loc[row - 2].to_dict() | cells
            return table

        copy.table(name, again)

    return change


def lines(name, change):
    def alter(copy):
        path = copy.folder / name
        path.write_text("".join(change(path.read_text("utf8").splitlines(keepends=True))), "utf8")

    return alter


FAULTS = {
    # files
    "adsl missing": (gone("adsl.csv"), ["adsl.csv: the file is missing", "put adsl.csv beside trial.yml"]),
    "trial.yml missing": (gone("trial.yml"), ["trial.yml: the file is missing", "docs/trial_yml.md"]),
    "empty": (written("adlb.csv", b""), ["adlb.csv: the file is empty"]),
    "blank lines only": (written("adae.csv", b"\n\n ,,\n"), ["adae.csv: the file is empty", "remove the file"]),
    "header only": (lines("adae.csv", lambda x: x[:1]), ["adae.csv: the file has a header and no rows"]),
    "latin-1": (recoded("adlb.csv", "latin-1"), ["adlb.csv, row 2: the file is not UTF-8", "CSV UTF-8"]),
    "UTF-16": (recoded("adlb.csv", "utf-16"), ["adlb.csv, row 1: the file is not UTF-8"]),
    "UTF-16 without mark": (
        lambda copy: copy.folder.joinpath("adex.csv").write_bytes("USUBJID,AVAL\n".encode("utf-16-le")),
        ["adex.csv: the file is not UTF-8"],
    ),
    "semicolons": (
        lines("adsl.csv", lambda x: [line.replace(",", ";") for line in x]),
        ["adsl.csv: the cells are not separated by commas"],
    ),
    "short row": (
        lines("adlb.csv", lambda x: [*x[:4], x[4][:30] + "\n", *x[5:]]),
        ["adlb.csv, row 5: the row has", "cells, the header 17"],
    ),
    "open quotation mark": (
        lines("adsl.csv", lambda x: [*x[:4], '"' + x[4], *x[5:]]),
        ["adsl.csv, row 5: not a CSV table", "quotation marks"],
    ),
    "column twice": (
        lines("adlb.csv", lambda x: [x[0].replace("BASE", "AVAL"), *x[1:]]),
        ["adlb.csv, row 1: the column AVAL stands twice"],
    ),
    # columns and cells
    "column missing": (without("adlb", "AVISITN"), ["adlb.csv: the column AVISITN is missing", "add it to the header"]),
    "flag column missing": (without("adsl", "SAFFL"), ["adsl.csv: the column SAFFL is missing"]),
    "text in AVAL": (
        cell("adlb", 7, "AVAL", "12,5"),
        ["adlb.csv, row 7, AVAL: the decimals are written with a comma (found '12,5')", "decimals with a point"],
    ),
    "NA in AVAL": (cell("adlb", 7, "AVAL", "NA"), ["adlb.csv, row 7, AVAL: must be a number (found 'NA')", "empty"]),
    "NaN in AVAL": (cell("adlb", 7, "AVAL", "nan"), ["row 7, AVAL: must be a number (found 'nan')"]),
    "inf in AVAL": (cell("adlb", 7, "AVAL", "inf"), ["row 7, AVAL: must be a number (found 'inf')"]),
    "below detection": (cell("adlb", 7, "AVAL", "<20"), ["row 7, AVAL: must be a number (found '<20')"]),
    "AVISITN text": (cell("adlb", 9, "AVISITN", "Month 1"), ["row 9, AVISITN: must be a number (found 'Month 1')"]),
    "age in words": (cell("adsl", 4, "AGE", "forty"), ["adsl.csv, row 4, AGE: must be a number (found 'forty')"]),
    "grade in words": (
        cell("adae", 2, "AETOXGR", "BAD"),
        ["adae.csv, row 2, AETOXGR: must be a grade from 1 to 5 (found 'BAD')"],
    ),
    "unknown arm": (
        cell("adsl", 4, "TRT01P", "Placebo"),
        ["19 participants in the two arms, 1 of the arm 'Placebo', which trial.yml does not choose", "randomised: 20"],
    ),
    "flag": (cell("adsl", 4, "ITTFL", "yes"), ["adsl.csv, row 4, ITTFL: must be a flag (found 'yes')", "Y, N"]),
    "level": (cell("adsl", 4, "SEX", "male"), ["row 4, SEX: must be a level of trial.yml (found 'male')", "F, M"]),
    "spelling": (
        cell("adae", 3, "AEDECOD", "PYREXIA"),
        ["adae.csv, row 3, AEDECOD: differs from an earlier row only in"],
    ),
    # rows
    "subject twice": (appended("adsl", 4), ["adsl.csv, row 22: the same participant as in row 4 (NKINR-003)"]),
    "record twice": (
        appended("adlb", 5, AVAL="1", AVISITN="6.0"),
        ["the same participant, parameter and visit as in row 5 (NKINR-001, CD4, 6.0)", "keep the row"],
    ),
    "subject unknown": (
        appended("adlb", 5, USUBJID="NKINR-021"),
        ["USUBJID: must be in adsl.csv (found 'NKINR-021')", "correct the identifier"],
    ),
    "subject unknown in events": (cell("adae", 2, "USUBJID", "X"), ["adae.csv, row 2, USUBJID: must be in adsl.csv"]),
    "shared variable": (
        cell("adlb", 5, "STUDYID", "OTHER"),
        ["adlb.csv, row 5, STUDYID: 'OTHER' is 'NK-INR' in adsl.csv"],
    ),
    "nobody in an arm": (
        lambda copy: copy.table("adsl", lambda t: t.assign(TRT01P="ART")),
        ["adsl.csv, TRT01P: nobody is in the arm 'NK+ART'"],
    ),
    "nobody of an arm in a set": (
        lambda copy: copy.table("adsl", lambda t: t.assign(SAFFL=t["SAFFL"].where(t["TRT01P"] != "ART", "N"))),
        ["adsl.csv, SAFFL: nobody of the arm 'ART' is in the safety set"],
    ),
    "someone missing": (
        yml("randomised: 20", "randomised: 21"),
        ["adsl.csv: 20 participants in the two arms, but trial.yml says `randomised: 21`"],
    ),
    "parameter without rows": (
        lambda copy: copy.rows("adlb", lambda t: t["PARAMCD"] != "ALT"),
        ["adlb.csv, PARAMCD: no value of ALT at any scheduled visit (declared in trial.yml, parameters)"],
    ),
    "no follow-up": (
        lambda copy: copy.rows("adlb", lambda t: (t["PARAMCD"] != "CD4") | (t["AVISITN"] == "0")),
        ["no value of CD4 after the baseline"],
    ),
    "no baseline": (
        lambda copy: copy.rows("adlb", lambda t: (t["PARAMCD"] != "CD4") | (t["AVISITN"] != "0")),
        ["no value of CD4 at the baseline visit (declared in trial.yml, baseline)"],
    ),
    "nobody of an arm per protocol": (
        lambda copy: copy.table("adsl", lambda t: t.assign(PPROTFL="N")),
        ["adsl.csv, PPROTFL: nobody of the arm 'NK+ART' is in the per protocol set"],
    ),
    "an estimand of no analysis": (
        yml("  - id: course\n", "  - id: curse\n"),
        ["trial.yml, estimands.3.id", "'final', 'follow_up' or 'course' (found curse)"],
    ),
    "an estimand twice": (
        yml("  - id: course\n", "  - id: final\n"),
        ["estimands: each needs its own `id`, not 'final'"],
    ),
    # trial.yml
    "misspelt key": (
        yml("alpha: 0.05", "alhpa: 0.05"),
        ["trial.yml, alhpa: there is no such key", "did you mean `alpha`?"],
    ),
    "misspelt key within": (
        yml("{avisitn: 1, label", "{avisit: 1, label"),
        ["trial.yml, visits.schedule.2.avisit: there is no such key", "did you mean `avisitn`?"],
    ),
    "unknown key": (yml("alpha: 0.05", "qqqq: 1"), ["trial.yml, qqqq: there is no such key", "take the key away"]),
    "broken YAML": (yml("arms:  ", "arms: ]"), ["trial.yml, row", "not YAML: did not find expected node content"]),
    "not YAML at all": (written("trial.yml", b"\x00\x01\x02"), ["trial.yml: not a text file"]),
    "trial.yml of text": (written("trial.yml", b"a trial of NK cells"), ["trial.yml: the file holds no keys"]),
    "trial.yml empty": (written("trial.yml", b""), ["trial.yml: the file holds no keys"]),
    "trial.yml in latin-1": (recoded("trial.yml", "latin-1"), ["trial.yml: the file is not UTF-8"]),
    "key twice": (yml("alpha: 0.05", "alpha: 0.05\nalpha: 0.01"), ["not YAML: the key `alpha` stands twice"]),
    "key missing": (yml("study: NK-INR\n", ""), ["trial.yml, study: the key is missing"]),
    "key without value": (yml("study: NK-INR", "study:"), ["trial.yml, study: the key is missing or has no value"]),
    "one arm": (
        lines("trial.yml", lambda x: [line for line in x if "role: reference" not in line]),
        ["trial.yml, arms: must have at least 2 entries, has 1"],
    ),
    "same role": (yml("role: reference", "role: test"), ["trial.yml: arms: one must have `role: test`"]),
    "unknown role": (yml("role: reference", "role: control"), ["arms.2.role", "(found control)"]),
    "same arm": (
        yml("value: ART", "value: NK+ART"),
        ["arms: each needs its own `value`", "'NK+ART', which stands twice"],
    ),
    "arm id": (
        yml("{id: nk_art", "{id: NK ART"),
        ["trial.yml, arms.1.id: must be lower-case letters", "(found NK ART)"],
    ),
    "reserved arm id": (yml("{id: art", "{id: all"), ["the `id` 'all' is taken by the book"]),
    "baseline not scheduled": (
        yml("baseline: 0 ", "baseline: 2 "),
        ["visits.baseline: must be the `avisitn` of a scheduled"],
    ),
    "baseline last": (yml("baseline: 0 ", "baseline: 24 "), ["visits.baseline: must be", "that others follow"]),
    "visits out of order": (yml("avisitn: 6,", "avisitn: 2,"), ["visits.schedule: `avisitn` must rise"]),
    "visits alike": (
        yml("label: Month 6", "label: month 3"),
        ["visits.schedule: each needs its own `label`, not 'Month 3' and 'month 3'"],
    ),
    "visit called final": (
        yml("label: Month 6", "label: Final"),
        ["each needs its own `label`, not 'final' and 'Final'"],
    ),
    "parameter twice": (
        yml("paramcd: NEUT", "paramcd: WBC"),
        ["parameters: each needs its own `paramcd`, not 'WBC', which"],
    ),
    "not a whole number": (
        yml("randomised: 20", "randomised: 20.5"),
        ["trial.yml, randomised: must be a whole number (found 20.5)"],
    ),
    "not a number": (yml("alpha: 0.05", "alpha: 5%"), ["trial.yml, alpha: must be a number (found 5%)"]),
    "not finite": (yml("alpha: 0.05", "alpha: nan"), ["trial.yml, alpha: must be a number (found nan)"]),
    "long code": (yml("paramcd: NEUT", "paramcd: NEUTROPHILS"), ["parameters.5.paramcd", "8 characters"]),
    "baseline line of nothing": (yml("{variable: AGE, ", "{"), ["trial.yml, baseline.1: give either `variable`"]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_said(copy, name):
    change, said = FAULTS[name]
    change(copy)
    text = message(copy.folder)
    for words in said:
        assert words in text


@pytest.mark.parametrize("value", ["monthly", "3", "{avisitn: 0}"])
def test_a_text_for_a_list_is_said(copy, value):
    path = copy.folder / "trial.yml"
    text = re.sub(r"  schedule:\n(    - .*\n)+", f"  schedule: {value}\n", path.read_text("utf8"))
    path.write_text(text, "utf8")
    assert "trial.yml, visits.schedule: must be a list" in message(copy.folder)


@pytest.mark.parametrize(("old", "new"), [("arms:  ", "arms: ]"), ("arms:  ", "site: again\narms:  ")])
def test_broken_yaml_is_said_with_its_line(copy, old, new):
    copy.text("trial.yml", old, new)
    before = (copy.folder / "trial.yml").read_text("utf8").partition(new)[0]
    assert f"trial.yml, row {before.count(chr(10)) + 1}: not YAML" in message(copy.folder)


def test_a_list_of_texts_for_keys_is_said(copy):
    path = copy.folder / "trial.yml"
    text = re.sub(r"arms: .*\n(  - .*\n)+", "arms: [NK+ART, ART]\n", path.read_text("utf8"))
    path.write_text(text, "utf8")
    assert "trial.yml, arms.1: must be keys with values (found NK+ART)" in message(copy.folder)


@pytest.mark.parametrize(
    "name", ["adsl missing", "UTF-16", "text in AVAL", "subject unknown", "misspelt key", "broken YAML"]
)
def test_the_command_says_faults_and_ends_with_status_1(copy, capsys, name):
    change, said = FAULTS[name]
    change(copy)
    assert cli.main(["validate", str(copy.folder)]) == 1
    err = capsys.readouterr().err
    for words in said:
        assert words in err


def test_a_folder_that_does_not_exist_is_said(tmp_path, capsys):
    assert "no_such_trial: there is no such folder" in message(tmp_path / "no_such_trial")
    assert cli.main(["validate", str(tmp_path / "no_such_trial")]) == 1
    assert "there is no such folder" in capsys.readouterr().err


def test_a_file_for_a_folder_is_said(capsys):
    assert "adsl.csv: this is a file, not a folder" in message(NK_INR / "adsl.csv")
    assert cli.main(["validate", str(NK_INR / "adsl.csv")]) == 1
    assert "not a folder" in capsys.readouterr().err


def test_a_folder_for_a_table_is_said(copy):
    (copy.folder / "adae.csv").unlink()
    (copy.folder / "adae.csv").mkdir()
    assert "adae.csv: this is not a file" in message(copy.folder)


def test_faults_of_all_files_are_said_at_once(copy):
    copy.cell("adsl", 4, "TRT01P", "ART.")
    copy.cell("adlb", 7, "AVAL", "many")
    copy.cell("adae", 2, "AESER", "perhaps")
    (copy.folder / "adex.csv").write_text("")
    text = message(copy.folder)
    assert "4 faults found" in text
    for file in ("adsl.csv, row 4", "adlb.csv, row 7", "adae.csv, row 2", "adex.csv"):
        assert file in text


def test_very_many_faults_leave_room_for_those_of_another_kind(copy):
    copy.table("adlb", lambda table: table.assign(AVAL="?"))
    copy.cell("adlb", 9, "AVISITN", "nine")
    with pytest.raises(FaultsError) as refusal:
        copy.read()
    rows = len((copy.folder / "adlb.csv").read_text("utf8").splitlines()) - 1
    assert len(refusal.value.faults) == rows + 1
    text = message(copy.folder)
    assert f"{rows + 1} faults found" in text
    assert "row 2, AVAL" in text and "row 9, AVISITN: must be a number (found 'nine')" in text
    assert len(text.splitlines()) <= 2 * SHOWN + 2


def test_faults_of_very_many_kinds_stay_on_a_screen():
    faults = [Fault("adlb.csv", "is wrong", f"remedy {i}", i) for i in range(1000)]
    text = str(FaultsError("folder", faults))
    assert len(text.splitlines()) == 2 * SHOWN + 2
    assert f"and {1000 - SHOWN} more" in text


def test_a_single_fault_is_not_many():
    assert "1 fault found" in str(FaultsError("folder", [Fault("adlb.csv", "is wrong", "mend it")]))


def test_a_quantity_in_place_of_a_category_is_not_needed(copy):
    """A variable of ADSL stands in one line of the baseline table only."""
    copy.facts(lambda facts: facts["baseline"].append({"variable": "AGE", "label": "Age", "type": "median"}))
    assert "baseline: each needs its own `variable or paramcd`, not 'AGE', which stands twice" in message(copy.folder)
