"""Operating characteristics: shares of simulated trials make one whole, and what is said of them follows from it."""

import json

import pytest

from trialbook import cli
from trialbook.analysis import operating_characteristics
from trialbook.displays import figures, tables
from trialbook.stats import simulated_trials
from trialbook.trial.model import read_trial


def test_a_method_that_a_trial_does_not_allow_says_why(real_trial):
    found = read_trial(real_trial("actg175_n20"))
    rows = operating_characteristics.characteristics(found, [operating_characteristics.count(found, 50)])
    assert "one follow-up visit" in rows["cd8.operating.intercept.type1"].method


def test_the_shares_together_are_the_whole_whatever_their_number(nk):
    rows = [
        operating_characteristics.characteristics(
            nk, [operating_characteristics.count(nk, 12_001, part, parts) for part in range(1, parts + 1)]
        )
        for parts in (1, 2, 5)
    ]
    assert rows[0]["cd4.operating.trials.n"].value == 12_001
    assert list(rows[0]) == list(rows[1]) == list(rows[2])


def test_the_verdict_follows_from_the_interval(nk):
    def share(rejected):
        counted = {"trials": 10_000, "design": [[10, 10], [1.0] * 7, 0.5], "lacking": {}}
        return counted | {"rejections": {"welch": [rejected, 0, 0, 0]}}

    said = {}
    for rejected in (400, 440, 500, 600):
        rows = operating_characteristics.characteristics(
            nk, [{p.id: share(rejected) for p in nk.parameters("efficacy")}]
        )
        said[rejected] = rows["cd4.operating.welch.verdict"].display
    undecided = "cannot be told from this many trials"
    assert said == {400: "rejects too seldom", 440: undecided, 500: "keeps its level", 600: "rejects too often"}


def test_the_command_writes_what_the_notebook_reads(nk, tmp_path):
    folder, command = tmp_path / "counts", ["operate", "--trials", "40000", str(nk.folder)]
    for part in (1, 2):
        assert cli.main([*command, f"{folder}/{part}-of-2.json", "--part", f"{part}-of-2"]) == 0
        if part == 1:
            with pytest.raises(FileNotFoundError, match="only 1-of-2"):
                operating_characteristics.read(folder)
    assert operating_characteristics.read(folder) == [
        json.loads(json.dumps(operating_characteristics.count(nk, 40_000, part, 2))) for part in (1, 2)
    ]
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("part", ["3-of-2", "0-of-2", "half"])
def test_a_share_that_is_none_is_said(nk, tmp_path, capsys, part):
    assert cli.main(["operate", "--trials", "9", str(nk.folder), str(tmp_path / "x.json"), "--part", part]) == 1
    assert f"--part {part}: must be a share such as 2-of-4" in capsys.readouterr().err


def test_table_and_figure_say_every_method(nk):
    rows = operating_characteristics.characteristics(nk, [operating_characteristics.count(nk, 200)])
    parameter = nk.parameters("efficacy")[0]
    table, figure = tables.operating(nk, rows, parameter), figures.operating(nk, rows, parameter)
    for method, (_, name) in simulated_trials.METHODS.items():
        assert name in {row.label for row in table.rows}
        assert f"{name}, {rows[f'cd4.operating.{method}.type1'].display}" in figure.alt


def test_a_trial_that_cannot_be_simulated_says_why(copy):
    copy.table("adlb", lambda t: t.assign(AVAL=t["AVAL"].where((t["PARAMCD"] != "CD4") | (t["AVISITN"] != "6"), "7")))
    found = copy.read()
    rows = operating_characteristics.characteristics(found, [operating_characteristics.count(found, 100)])
    assert (
        rows["cd4.operating.trials.n"].method == "not estimable: at some visit the values of each arm are all the same"
    )
    parameter = found.parameters("efficacy")[0]
    assert "all the same" in tables.operating(found, rows, parameter).notes[0]
    assert "all the same" in figures.operating(found, rows, parameter).alt
    assert rows["cd8.operating.trials.n"].value == 100


@pytest.mark.parametrize("name", ["actg175", "actg175_n20", "amitriptyline_hivsn"])
def test_real_trials_are_simulated(real_trial, name):
    found = read_trial(real_trial(name))
    rows = operating_characteristics.characteristics(found, [operating_characteristics.count(found, 50)])
    for parameter in found.parameters("efficacy"):
        assert rows[f"{parameter.id}.operating.trials.n"].value == 50
