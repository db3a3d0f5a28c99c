"""Notebooks: what Papermill is not told, what a failing cell says, and that a second run changes no byte."""

import nbformat
import pytest
from builds import NOTEBOOKS, ROOT

from trialbook.workflow import notebook


def source(name):
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


@pytest.fixture
def write(tmp_path):
    """Write a notebook of the given code cells, the first of them its parameters."""

    def written(*sources):
        cells = [nbformat.v4.new_code_cell(text, id=f"cell-{i}") for i, text in enumerate(sources)]
        cells[0].metadata["tags"] = ["parameters"]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = tmp_path / "sources" / "small.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
        return path

    return written


def test_a_parameter_that_the_notebook_lacks_is_an_error_that_names_those_it_has(write, tmp_path):
    path = write("trial_folder = 'a'\nalpha = 1", "trial_folder")
    with pytest.raises(notebook.NotebookError) as error:
        notebook.run(path, tmp_path / "out.ipynb", {"trial_fodler": "b"})
    for word in (str(path), "'trial_fodler'", "trial_folder", "alpha"):
        assert word in str(error.value)
    assert not (tmp_path / "out.ipynb").exists()


def test_a_failing_cell_is_named_with_its_error_and_the_old_output_stays(write, tmp_path):
    output = tmp_path / "out.ipynb"
    output.write_text("the old one")
    path = write("x = 0", "# divide\ny = 1 / x")
    with pytest.raises(notebook.NotebookError) as error:
        notebook.run(path, output, {"x": "0"})
    for word in (str(path), "cell-1", "# divide", "----> 2 y = 1 / x"):
        assert word in str(error.value)
    assert "\x1b" not in str(error.value)
    assert output.read_text() == "the old one"
    assert sorted(tmp_path.iterdir()) == [output, path.parent]


def test_a_fault_in_the_trial_is_said_without_a_traceback(write, tmp_path):
    path = write("trial_folder = '.'", "from trialbook import read_trial\nread_trial(trial_folder)")
    with pytest.raises(notebook.NotebookError) as error:
        notebook.run(path, tmp_path / "out.ipynb", {"trial_folder": str(tmp_path)})
    assert "trial.yml" in str(error.value)
    assert "Traceback" not in str(error.value)


def test_a_parameter_takes_effect(write, tmp_path):
    notebook.run(write("word = 'default'", "word"), tmp_path / "out.ipynb", {"word": "given"})
    assert nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[-1].outputs[0].data["text/plain"] == "'given'"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_source_notebook_has_no_outputs_and_one_parameters_cell(name):
    code = [cell for cell in source(name).cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert [cell.execution_count for cell in code] == [None] * len(code)
    assert [cell.id for cell in code if "parameters" in cell.metadata.get("tags", [])] == ["parameters"]
