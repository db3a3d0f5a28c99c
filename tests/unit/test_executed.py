"""Executed notebooks: what was shown comes back as it was, and what is no such notebook is said in words."""

import json
import subprocess
import sys
from dataclasses import asdict

import matplotlib.pyplot as plt
import pytest

from notebooks import write
from trialbook.displays import figures, tables
from trialbook.errors import UserError
from trialbook.results import executed
from trialbook.results.executed import ExecutedError
from trialbook.results.row import Results


@pytest.fixture
def rows():
    shown = Results(0.05, dataset="adlb", analysis_set="intention to treat")
    shown.add("cd4.final.difference", 67.25, "difference", 0, unit="cells/μL", n=20, method="pooled t test")
    shown.add("cd4.final.difference.ci", [10.1, -124.4], "ci", 0)
    shown.add("safety.fever.n", 2, "count")
    shown.add("age.mean_sd", [38.0, 9.2], "mean (SD)", 1)
    shown.add("trial.title", "A trial", "text")
    shown.add("cd8.final.difference", None, "difference", reason="an arm has no value")
    return shown


@pytest.fixture
def figure():
    drawing, axes = plt.subplots()
    axes.set_title("Days & <nights>")
    return figures.Figure("safety.timeline", drawing, "A line.")


def test_results_come_back_from_a_notebook_as_they_were(rows, tmp_path):
    more = Results()
    more.add("software.numpy", "2.0", "text")
    write(tmp_path / "03_efficacy.ipynb", {"first": [rows], "then": ["done", more]})
    found = executed.read(tmp_path).results
    assert list(found) == [row.key for row in [*rows, *more]]
    for row in rows:
        assert asdict(found[row.key]) == asdict(row) | {"notebook": "03_efficacy", "cell": "cell-first"}
        assert type(found[row.key].value) is type(row.value)
    assert found["software.numpy"].cell == "cell-then"


def test_tables_and_figures_come_back_with_their_place(rows, figure, tmp_path):
    table = tables.Table(
        "efficacy.final", ["", ("ART", rows["safety.fever.n"])], [tables.Row("Mean", ["3"])], ["Note."]
    )
    write(tmp_path / "03_efficacy.ipynb", {"a": [rows], "b": [table, figure]})
    found = executed.read(tmp_path)
    layout = {
        "key": "efficacy.final",
        "columns": [{"text": "", "key": None}, {"text": "ART", "key": "safety.fever.n"}],
        "rows": [{"label": "Mean", "indent": 0, "cells": [{"text": "3"}]}],
        "notes": ["Note."],
    }
    assert found.tables == {"efficacy.final": executed.ShownTable(layout, "03_efficacy", "cell-b")}
    shown = found.figures["safety.timeline"]
    assert (shown.alt, shown.notebook, shown.cell) == ("A line.", "03_efficacy", "cell-b")
    assert {"image/svg+xml", "application/pdf"} < set(shown.files)
    assert "Days & <nights>" in executed.texts(shown.files["image/svg+xml"])


def test_cells_come_back_with_their_text_whether_it_was_kept_whole_or_as_lines(tmp_path):
    path = write(tmp_path / "a.ipynb", {"said": ["one\ntwo", {"output_type": "stream", "text": ["one\n", "two"]}]})
    prose, code = executed.of_notebooks([path]).notebooks[path.stem]
    assert (prose.source, prose.anchor) == ("# A title\n\nProse.", "cell-prose")
    assert [output.text for output in code.outputs] == ["one\ntwo"] * 2


@pytest.mark.parametrize("names", [("01_cohort", "03_efficacy"), ("01_cohort",)])
def test_a_key_that_is_shown_twice_is_refused_by_both_its_places(names, rows, figure, tmp_path):
    for shown in (rows, tables.Table("some", [""], []), figure):
        for name in names:
            write(tmp_path / f"{name}.ipynb", {"a": [shown], "b": [] if names[1:] else [shown]})
        with pytest.raises(ExecutedError, match=rf"is shown twice: by 01_cohort, cell-a and {names[-1]}, cell-[ab]\n"):
            executed.read(tmp_path)


def changed(change):
    """The text of a notebook after some change to its JSON."""

    def text(tmp_path, rows):
        document = json.loads(write(tmp_path / "made.ipynb", {"a": [rows]}).read_text("utf8"))
        change(document["cells"][1]["outputs"][0], document)
        return json.dumps(document)

    return text


NOT_WHOLE = {
    "nothing": (lambda *_: "", "is not JSON"),
    "cut short": (lambda *given: changed(lambda *_: None)(*given)[:-20], "is not JSON"),
    "prose": (lambda *_: "# A title", "is not JSON"),
    "a list": (lambda *_: "[]", "is not an executed notebook"),
    "no cells": (lambda *_: "{}", "is not an executed notebook: cells: Field required"),
    "an old format": (lambda *_: '{"worksheets": [{"cells": []}]}', "is not an executed notebook: cells"),
    "cells without names": (changed(lambda output, document: document["cells"][1].pop("id")), r"cells\.1\.id: Field"),
    "an unknown output": (changed(lambda output, _: output.update(output_type="new")), r"outputs\.0\.output_type: "),
    "rows that lack a key": (changed(lambda output, _: output["data"][executed.MIME][0].pop("key")), r"0\.key: "),
    "a text that is none": (
        changed(lambda output, _: output["data"].update({"text/html": 3})),
        "text/html is not a text",
    ),
    "a figure without words": (changed(lambda output, _: output["metadata"].update(trialbook={"figure": "x"})), r"alt"),
}


@pytest.mark.parametrize("name", NOT_WHOLE)
def test_what_is_no_executed_notebook_is_said_in_words(name, rows, tmp_path):
    write_, said = NOT_WHOLE[name]
    path = tmp_path / "02_safety.ipynb"
    path.write_text(write_(tmp_path, rows), "utf8")
    with pytest.raises(UserError, match=rf"02_safety\.ipynb .*{said}.*\n *→ run it again"):
        executed.of_notebooks([path])


def test_a_file_in_another_encoding_or_that_is_not_there_is_said_in_words(tmp_path):
    (tmp_path / "latin.ipynb").write_bytes('{"cells": "é"}'.encode("latin1"))
    with pytest.raises(UserError, match=r"latin\.ipynb is not JSON"):
        executed.read(tmp_path)
    with pytest.raises(UserError, match=r"gone\.ipynb is not there"):
        executed.of_notebooks([tmp_path / "gone.ipynb"])


def test_reading_needs_none_of_the_heavy_libraries():
    asked = (
        "import sys, trialbook.results.executed; print({'pandas', 'numpy', 'nbformat', 'docutils'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True).stdout.strip() == "set()"


def test_a_notebook_that_was_not_executed_says_what_to_run_first(tmp_path):
    write(tmp_path / "01_cohort.ipynb", {})
    with pytest.raises(ExecutedError, match="has not been executed") as error:
        executed.of_notebooks([str(tmp_path / "01_cohort.ipynb"), str(tmp_path / "02_safety.ipynb")])
    assert f"{tmp_path / '02_safety.ipynb'} is not there" in str(error.value) and "trialbook build" in str(error.value)
