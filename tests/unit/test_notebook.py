"""Notebooks: what Papermill is not told, what a failing cell says, and that a second run changes no byte."""

import json
import os

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


def test_the_failing_cell_is_named_though_another_has_the_same_source(write, tmp_path):
    path = write("x = 2", "x -= 1; 1 / x", "x -= 0", "x -= 1; 1 / x")
    with pytest.raises(notebook.NotebookError, match="cell cell-3 "):
        notebook.run(path, tmp_path / "out.ipynb", {})


@pytest.mark.parametrize("mistake", ["read_trial(trial_folder)", "raise OwnError('trial.yml: mend it')"])
def test_a_users_mistake_is_said_without_a_traceback_whatever_its_class(mistake, write, tmp_path):
    own = "from trialbook.errors import UserError\nfrom trialbook import read_trial\nclass OwnError(UserError): pass\n"
    with pytest.raises(notebook.NotebookError) as error:
        notebook.run(
            write("trial_folder = '.'", own + mistake), tmp_path / "out.ipynb", {"trial_folder": str(tmp_path)}
        )
    assert "trial.yml" in str(error.value)
    assert "Traceback" not in str(error.value) and "OwnError" not in str(error.value)


def test_what_a_cell_writes_to_stderr_is_shown_to_its_author_and_not_kept(write, tmp_path, capfd):
    warns = "import sys, warnings\nprint('Fever.')\nwarnings.warn('of mine')\nprint('odd', file=sys.stderr)"
    notebook.run(write("x = 0", warns, "x"), tmp_path / "out.ipynb", {})
    said = capfd.readouterr().err
    assert f"{tmp_path}/sources/small.ipynb, cell cell-1, on stderr:" in said
    assert "of mine" in said and "odd" in said and "cell-2" not in said
    _, code, value = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    assert [(output.name, output.text) for output in code.outputs] == [("stdout", "Fever.\n")]
    assert len(value.outputs) == 1


def test_what_a_failing_notebook_wrote_to_stderr_is_shown_too(write, tmp_path, capfd):
    with pytest.raises(notebook.NotebookError):
        notebook.run(write("x = 0", "import sys\nprint('odd', file=sys.stderr)\n1 / x"), tmp_path / "out.ipynb", {})
    assert "cell cell-1, on stderr:\nodd" in capfd.readouterr().err


def test_a_notebook_that_hangs_is_ended_and_its_cell_named(write, tmp_path):
    path = write("x = 0", "import time; time.sleep(1)", "while True: pass")
    with pytest.raises(notebook.NotebookError, match=r"small\.ipynb, cell cell-2: still ran .* had taken 4 s"):
        notebook.run(path, tmp_path / "out.ipynb", {}, limit=4)
    assert not (tmp_path / "out.ipynb").exists()


def test_a_kernel_that_dies_is_said(write, tmp_path):
    path = write("x = 0", "import os\nos._exit(1)")
    with pytest.raises(notebook.NotebookError, match=r"small\.ipynb, cell cell-1: the kernel died"):
        notebook.run(path, tmp_path / "out.ipynb", {})
    assert sorted(tmp_path.iterdir()) == [path.parent]


def test_the_kernel_listens_on_no_port_and_is_gone_afterwards(write, tmp_path):
    asked = "import os, ipykernel\nprint(os.getpid(), open(ipykernel.get_connection_file()).read())"
    notebook.run(write("x = 0", asked), tmp_path / "out.ipynb", {})
    text = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[-1].outputs[0].text
    kernel, _, connection = text.partition(" ")
    assert json.loads(connection)["transport"] == "ipc"
    with pytest.raises(ProcessLookupError):
        os.kill(int(kernel), 0)


def test_a_parameter_takes_effect(write, tmp_path):
    notebook.run(write("word = 'default'", "word"), tmp_path / "out.ipynb", {"word": "given"})
    assert nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[-1].outputs[0].data["text/plain"] == "'given'"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_source_notebook_has_no_outputs_and_one_parameters_cell(name):
    code = [cell for cell in source(name).cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert [cell.execution_count for cell in code] == [None] * len(code)
    assert [cell.id for cell in code if "parameters" in cell.metadata.get("tags", [])] == ["parameters"]
