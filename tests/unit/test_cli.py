"""The command line: every command explains itself; a user's mistake is words, one of ours a traceback."""

import re
import shlex
import sys
from importlib import import_module
from pathlib import Path

import pytest
from builds import ROOT

import trialbook
from trialbook import cli
from trialbook.cli import COMMANDS, main
from trialbook.cli.build import unwritten
from trialbook.errors import UserError
from trialbook.project import Project
from trialbook.workflow import draws


def said(capsys, *arguments):
    """What a command that ends by itself says."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_the_version_is_that_of_the_engine(capsys):
    assert said(capsys, "--version") == f"trialbook {trialbook.__version__}\n"


def test_the_help_lists_every_command_that_there_is(capsys):
    listed = re.findall(r"(?m)^    (\w+) ", said(capsys, "--help"))
    assert listed == list(COMMANDS)
    modules = {path.stem for path in Path(cli.__file__).parent.glob("*.py")}
    assert set(COMMANDS) == modules - {"__init__", "__main__", "options"}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does_explains_its_arguments_and_gives_an_example(capsys, name):
    shown = said(capsys, name, "--help")
    assert str(import_module(f"trialbook.cli.{name}").__doc__).splitlines()[0] in shown
    parser = cli._parser()
    (group,) = (action for action in parser._actions if action.metavar == "COMMAND")
    assert all(action.help for action in group.choices[name]._actions)
    examples = shown.partition("example:\n")[2].strip().splitlines()
    assert examples
    for example in examples:
        program, *arguments = shlex.split(example)
        assert program == "trialbook"
        assert parser.parse_args(arguments).command.__name__ == f"trialbook.cli.{name}"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["validate", "nowhere"], "nowhere"),
        (["build"], "trialbook.yml, which makes a folder a project"),
        (["run", "nowhere.ipynb", "out.ipynb"], "nowhere.ipynb: there is no such notebook"),
        (["run", str(ROOT / "notebooks/01_cohort.ipynb"), "out.ipynb", "-p", "a", "[1"], "'[1' is no value"),
    ],
)
def test_a_users_mistake_is_said_in_words(capsys, tmp_path, arguments, expected):
    assert main(["-C", str(tmp_path), *arguments]) == 1
    shown = capsys.readouterr()
    assert expected in shown.err and "Traceback" not in shown.err and "✓" not in shown.out


def test_a_folder_that_is_not_there_is_said(capsys, tmp_path):
    with pytest.raises(SystemExit) as ended:
        main(["-C", str(tmp_path / "nowhere"), "validate"])
    assert ended.value.code == 2 and "there is no folder" in capsys.readouterr().err


def test_a_mistake_of_ours_is_not_hidden(monkeypatch):
    monkeypatch.setattr("trialbook.cli.validate.run", lambda given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["validate"])


def test_a_command_is_about_the_folder_that_is_named_and_leaves_us_where_we_are(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["-C", str(ROOT / "notebooks"), "validate"]) == 0
    assert "20 participants" in capsys.readouterr().out
    assert Path.cwd() == tmp_path


def test_a_fault_in_a_notebook_is_said_before_anything_is_run(project, capfd):
    (project / "_toc.yml").write_text("root: book/index\nentries:\n  - file: executed/one\n")
    assert main(["build"]) == 1
    assert "there is no notebook notebooks/one.ipynb" in capfd.readouterr().err
    (project / "notebooks/one.ipynb").write_text("no JSON")
    assert main(["build"]) == 1
    shown = capfd.readouterr()
    assert "one.ipynb: not a notebook" in shown.err and "Traceback" not in shown.err and "Snakefile" not in shown.err
    assert not (project / ".snakemake").exists()


# ------------------------------------------------------------------------------------------------------- a generator


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose generator is a package with a part of its own."""
    for folder in ("data", "book", "notebooks", "make"):
        (tmp_path / folder).mkdir()
    (tmp_path / "trialbook.yml").write_text("generator: make\n")
    (tmp_path / "make/__init__.py").write_text("from .draw import draw\n")
    (tmp_path / "make/draw.py").write_text(
        "import pandas as pd\n\n"
        "def draw(seed=1):\n    return {'adsl': pd.DataFrame({'USUBJID': ['A'], 'SEED': [seed]})}\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_tables_of_the_generator_are_written_where_the_trial_is(project):
    path, loaded = list(sys.path), sys.modules.get("make")
    assert main(["simulate"]) == 0
    assert (project / "data/adsl.csv").read_text() == "USUBJID,SEED\nA,1\n"
    assert main(["simulate", "--seed", "7", "--output", "new/folder"]) == 0
    assert (project / "new/folder/adsl.csv").read_text() == "USUBJID,SEED\nA,7\n"
    assert sys.path == path and sys.modules.get("make") is loaded


def test_a_project_without_a_generator_is_told_how_to_have_one(project, capsys):
    (project / "trialbook.yml").write_text("{trial: data}")
    assert main(["simulate"]) == 1
    assert "trialbook.yml: names no generator" in capsys.readouterr().err


def test_a_generator_that_is_no_module_is_said(tmp_path):
    (tmp_path / "make.txt").touch()
    with pytest.raises(UserError, match="no module of Python"):
        draws.load(tmp_path / "make.txt")


@pytest.mark.parametrize(
    "fence", ["```{to-write}", "````{to-write}", ":::{to-write}", "  ```{to-write}", "~~~{to-write}"]
)
def test_a_note_of_what_is_to_be_written_is_found_however_it_is_fenced(tmp_path, fence):
    for name in ("book", "notebooks", "data"):
        (tmp_path / name).mkdir()
    (tmp_path / "trialbook.yml").write_text("trial: data\n", "utf8")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/index\n", "utf8")
    (tmp_path / "book/index.md").write_text(f"# Paper\n\n{fence}\nWhy it was done.\n{fence.strip()[:3]}\n", "utf8")
    assert unwritten(Project.find(tmp_path)) == ["book/index.md:3: Why it was done."]
