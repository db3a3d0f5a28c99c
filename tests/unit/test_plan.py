"""What the workflow knows before it runs anything: a notebook's parameters say what it reads."""

import json

import pytest
from builds import ROOT

from trialbook.errors import UserError
from trialbook.project import Project
from trialbook.workflow import plan


def notebook(path, parameters):
    tagged = {"cell_type": "code", "source": parameters, "metadata": {"tags": ["parameters"]}}
    other = {"cell_type": "code", "source": ["alpha = 1 / 0"], "metadata": {}}
    path.write_text(json.dumps({"cells": [tagged, other]}))
    return path


@pytest.fixture
def project(tmp_path):
    """A project with a notebook of each kind, and a trial of which there are two files."""
    for folder in ("data", "book", "notebooks"):
        (tmp_path / folder).mkdir()
    for file in ("trialbook.yml", "requirements.txt", "data/trial.yml", "data/adsl.csv", "data/published.yml"):
        (tmp_path / file).write_text("{output: _build}")
    notebook(tmp_path / "notebooks/tables.ipynb", ["trial_folder = '../mine'\n", "level = 0.05"])
    notebook(tmp_path / "notebooks/all.ipynb", "published_file = ''\nscenarios_file = ''\ntrial_folder = ''")
    notebook(tmp_path / "notebooks/last.ipynb", "executed_notebooks = ['../executed/tables.ipynb']")
    return Project.find(tmp_path)


def names(paths, project):
    return [str(path.relative_to(project.root)) for path in paths]


def test_a_notebook_is_told_where_its_trial_is_and_reads_all_of_it(project):
    run = plan.run(project, "tables")
    assert run.given == {"trial_folder": "../data"}
    assert names(run.reads, project) == ["data/trial.yml", "data/adsl.csv"]


def test_what_a_notebook_reads_besides_it_says_in_its_parameters(project):
    run = plan.run(project, "all")
    assert run.given["published_file"] == "../data/published.yml"
    assert "data/published.yml" in names(run.reads, project)
    assert not any("scenarios" in path for path in names(run.reads, project))  # there is no such file
    assert run.given["scenarios_file"] == "./scenarios.yml"  # a path has a slash: cards do not show it
    project.scenarios.touch()
    assert "notebooks/scenarios.yml" in names(plan.run(project, "all").reads, project)


def test_a_notebook_that_reads_what_others_computed_is_run_after_them(project):
    run = plan.run(project, "last")
    assert run.after == ["tables"] and run.reads == []
    assert run.given == {"executed_notebooks": ["../executed/tables.ipynb"]}
    elsewhere = Project.find(project.root, output=project.root / "_build/other")
    assert plan.run(elsewhere, "last").given["executed_notebooks"] == ["../_build/other/source/executed/tables.ipynb"]


def test_a_notebook_that_names_its_tables_and_roles_reads_those_alone(project):
    for table in ("adlb", "adae"):
        (project.trial / f"{table}.csv").touch()
    told = "trial_folder = ''\nread_tables = ['adsl', 'adlb']\nread_roles = ['efficacy']"
    notebook(project.notebooks / "some.ipynb", told)
    run = plan.run(project, "some")
    assert names(run.reads, project) == ["data/trial.yml", "data/adsl.csv", "data/adlb.csv"]
    assert run.roles == ["efficacy"] and run.given == {"trial_folder": "../data"}


FACTS = "parameters:\n  - {paramcd: CD4, role: efficacy}\n  - {paramcd: UREA, role: laboratory}\n"
ROWS = "USUBJID,PARAMCD,AVAL\n1,CD4,9\n1,UREA,5\n1,urea,5\n2\n2,OTHER,1\n"


@pytest.mark.parametrize(
    ("facts", "rows", "left_out"),
    [
        (FACTS, ROWS, ["1,UREA,5\n"]),  # what is not declared is kept: it may be misspelt
        (FACTS, ROWS.replace("PARAMCD", "paramcd"), []),
        (FACTS, ROWS.replace("9", '"9\n"'), []),
        (FACTS, "", []),
        ("parameters: [", ROWS, []),
        ("parameters: {CD4: efficacy}", ROWS, []),
        ("[]", ROWS, []),
    ],
)
def test_only_records_that_are_surely_of_another_role_are_left_out(tmp_path, facts, rows, left_out):
    (tmp_path / "trial.yml").write_text(facts)
    (tmp_path / "adlb.csv").write_text(rows)
    kept = plan.records(tmp_path / "adlb.csv", tmp_path / "trial.yml", ["efficacy"]).decode()
    assert kept == "".join(line for line in rows.splitlines(keepends=True) if line not in left_out)


def test_parameters_are_read_with_their_defaults(tmp_path):
    found = plan.parameters(notebook(tmp_path / "a.ipynb", "# a comment\na = 1\nb = ['x']  # another\nc = None"))
    assert found == {"a": 1, "b": ["x"], "c": None}


@pytest.mark.parametrize("text", ["a = f()", "a = ", "a = b"])
def test_a_parameter_that_is_no_plain_value_is_said(tmp_path, text):
    with pytest.raises(UserError, match=r"a\.ipynb: not a notebook whose parameters are plain values"):
        plan.parameters(notebook(tmp_path / "a.ipynb", text))


def test_a_file_that_is_no_notebook_is_said(tmp_path):
    (tmp_path / "a.ipynb").write_text("no JSON")
    with pytest.raises(UserError, match=r"a\.ipynb: not a notebook"):
        plan.parameters(tmp_path / "a.ipynb")


# --------------------------------------------------------------------------------------------- the engine's own code


def rooms(paths):
    return {path.relative_to(plan.ENGINE).parts[0] for path in paths}


def test_code_that_writes_pages_bears_on_no_notebook():
    project = Project.find(ROOT)
    runner, locked = plan.ENGINE / "workflow/notebook.py", project.requirements
    bears = plan.bears_on_notebooks(project)
    assert {runner, locked} <= set(bears)
    computing = rooms(path for path in bears if path not in (runner, locked))
    rest = {path.name for path in plan.ENGINE.iterdir()} - computing - {"__pycache__"}
    assert rest == {
        *("checks", "claims", "cli", "editions", "sphinx", "template", "workflow"),
        *("project.py", "provenance.py"),
    }
    assert computing >= {"stats", "results", "trial", "analysis", "displays", "errors.py", "yamlfile.py", "__init__.py"}


def test_pages_are_made_of_the_prose_and_of_all_code_but_not_of_what_they_do_not_show():
    project = Project.find(ROOT)
    bears = set(plan.bears_on_pages(project))
    static = set((plan.ENGINE / "sphinx").rglob("*.css"))
    assert static and static <= bears
    shown = {project.book / name for name in ("index.md", "claims.yml", "references.bib")}
    assert shown <= bears and not {project.lock, project.unchanging} & bears


def test_an_engine_that_is_installed_elsewhere_is_not_of_the_papers_code(project):
    assert plan.code(project) == [project.notebooks, project.requirements]
    assert plan.code(Project.find(ROOT))[-1].resolve() == plan.ENGINE.resolve()


def test_the_lists_of_words_bear_on_what_is_valid_and_on_the_gate():
    words = plan.ENGINE / "trial" / "words.yml"
    assert words in plan.bears_on_data() and words in plan.bears_on_gate()
    assert not [path for path in plan.bears_on_data() if not path.is_file()]
