"""What the workflow knows before it runs anything: what each notebook is told and reads, and which code bears on what.

A notebook says in its parameters what it reads. A parameter with a name of `offered` is told where that is in this run.
The parameter `EXECUTED` lists executed notebooks whose results it reads: it is run after them.  The parameters `TABLES`
and `ROLES` narrow what it reads of the trial, down to the records of parameters with these roles.
"""

import ast
import csv
import json
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import trialbook
from trialbook.errors import UserError
from trialbook.project import Project
from trialbook.trial import config

EXECUTED = "executed_notebooks"  # the parameter that lists those whose results a notebook reads
TABLES, ROLES = "read_tables", "read_roles"  # the parameters that say what a notebook reads of the trial
LIMIT = 600  # s that a notebook may take
ENGINE = Path(trialbook.__file__).parent
# the parts of the engine that no notebook does anything with
ON_PAGES = ("checks", "claims", "cli", "editions", "sphinx", "template", "workflow", "project.py", "provenance.py")
RUNS = "workflow/notebook.py"
READ = ("trial", "stats", "results", "errors.py", "yamlfile.py")  # what reads a trial's files, and what that is made of


@dataclass(frozen=True)
class Run:
    """A run of a notebook: its parameters, whose paths lead from its folder, the files and the other runs it reads."""

    given: dict[str, str | list[str]]
    reads: list[Path]
    after: list[str]
    roles: list[str] | None = None  # of the parameters whose records it reads; all where it does not say


def offered(project: Project) -> dict[str, list[Path]]:
    """What a parameter of each name stands for: a folder or file, then the files that are read of it.

    Parameters
    ----------
    project : Project

    Returns
    -------
    dict of str to list of Path
    """
    return {
        "trial_folder": [project.trial, *project.tables],
        "published_file": [project.published, project.published],
        "evidence_file": [project.evidence, project.evidence],
        "scenarios_file": [project.scenarios, project.scenarios],
    }


def runs(project: Project) -> dict[str, Run]:
    """Plan the run of each notebook that the book shows, by its name; raises `UserError` if one cannot be."""
    return {name: run(project, name) for name in project.chapters()}


def run(project: Project, notebook: str) -> Run:
    """Plan the run of a notebook.

    Parameters
    ----------
    project : Project
    notebook : str
        Its name.

    Returns
    -------
    Run
        Of the files that it reads, those that there are.

    Raises
    ------
    UserError
        If the notebook cannot be read.
    """
    has = parameters(project.notebooks / f"{notebook}.ipynb")
    given: dict[str, str | list[str]] = {}
    reads: list[Path] = []
    after: list[str] = []
    for name, (place, *files) in offered(project).items():
        if name in has:
            given[name] = _from_notebooks(place, project)
            reads += [path for path in files if path.exists()]
    if TABLES in has:
        left_out = {project.trial / f"{table}.csv" for table in set(config.TABLES) - set(has[TABLES])}
        reads = [path for path in reads if path not in left_out]
    if EXECUTED in has:
        after = [Path(str(path)).stem for path in has[EXECUTED]]
        given[EXECUTED] = [_from_notebooks(project.executed / f"{name}.ipynb", project) for name in after]
    return Run(given, reads, after, has.get(ROLES))


def records(adlb: Path, facts: Path, roles: Collection[str]) -> bytes:
    """Take the lines of a table of findings that a notebook reads which says of which parameters.

    Parameters
    ----------
    adlb, facts : Path
        The table, and ``trial.yml``.
    roles : collection of str

    Returns
    -------
    bytes
        The table without the records of parameters that are declared with another role; all of it where either file
        is not as it should be, which the validation says.
    """
    content = adlb.read_bytes()
    try:
        declared = yaml.safe_load(facts.read_bytes())["parameters"]
        others = {str(parameter["paramcd"]) for parameter in declared if parameter["role"] not in roles}
        lines = content.decode().splitlines(keepends=True)
        at = next(csv.reader(lines)).index("PARAMCD")
        rows = list(csv.reader(lines))
    except (yaml.YAMLError, KeyError, TypeError, ValueError, StopIteration, csv.Error):
        return content
    if len(rows) != len(lines):  # a cell has a line break
        return content
    kept = (line for line, row in zip(lines, rows, strict=True) if len(row) <= at or row[at] not in others)
    return "".join(kept).encode()


def _from_notebooks(path: Path, project: Project) -> str:
    """Write a path as it leads from the notebooks' folder; its slash shows that it is one."""
    found = os.path.relpath(path, project.notebooks)
    return found if "/" in found else f"./{found}"


def parameters(notebook: Path) -> dict[str, Any]:
    """Read the parameters of a notebook with their defaults, from its cell that is tagged so.

    Parameters
    ----------
    notebook : Path

    Returns
    -------
    dict of str to object

    Raises
    ------
    UserError
        If it is no notebook, or a default is no literal of Python.
    """
    try:
        cells = json.loads(notebook.read_text("utf8"))["cells"]
        tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
        lines = ast.parse("\n".join("".join(cell["source"]) for cell in tagged)).body
        assigned = [
            (ast.unparse(to), line.value) for line in lines if isinstance(line, ast.Assign) for to in line.targets
        ]
        return {name: ast.literal_eval(value) for name, value in assigned}
    except (ValueError, KeyError, SyntaxError) as error:
        raise UserError(f"{notebook}: not a notebook whose parameters are plain values of Python ({error})") from None


def code(project: Project) -> list[Path]:
    """List what decides the revision of the code: notebooks, locked versions and, where it stands there, the engine."""
    inside = [ENGINE] if ENGINE.resolve().is_relative_to(project.root.resolve()) else []
    return [project.notebooks, project.requirements, *inside]


def engine(without: tuple[str, ...] = ()) -> list[Path]:
    """List the files of the engine but for those in folders, or of names, that are left out."""
    paths = (path for path in sorted(ENGINE.rglob("*")) if path.is_file() and path.suffix != ".pyc")
    return [path for path in paths if path.relative_to(ENGINE).parts[0] not in without]


def bears_on_data() -> list[Path]:
    """List the code and the lists of words that decide whether a trial's files are valid."""
    return [path for name in READ for path in ([ENGINE / name] if "." in name else sorted((ENGINE / name).glob("*.*")))]


def bears_on_notebooks(project: Project) -> list[Path]:
    """List what may change a notebook's outputs though neither it nor its data changed."""
    locked = [project.requirements] if project.requirements.exists() else []
    return [*engine(ON_PAGES), ENGINE / RUNS, *locked]


def bears_on_gate() -> list[Path]:
    """List the code of the disclosure gate."""
    return [*bears_on_data(), *sorted((ENGINE / "checks").rglob("*.py"))]


def bears_on_pages(project: Project) -> list[Path]:
    """List what the pages are made of beside results: the engine, the prose with its bibliography, rules, settings."""
    aside = {project.lock, project.unchanging}  # what the pages do not show
    files = {path for path in project.book.rglob("*") if path.is_file()} - aside
    rules = {path for path in (project.claims, project.consort, project.words) if path.exists()}
    also = [project.citation, project.evidence, project.scenarios, *project.generator_files, *project.layout]
    return [*engine(("template",)), *sorted(files | rules), *(path for path in also if path.exists())]
