"""Run the workflow on a project: bring its executed notebooks and its book up to date."""

import os
import subprocess
import sys
from collections.abc import Sequence
from os.path import relpath
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryFile
from urllib.parse import quote

from trialbook.errors import UserError
from trialbook.project import Project
from trialbook.workflow import leftovers, plan, turn, warm
from trialbook.workflow.ask import ADDRESS
from trialbook.workflow.current import Current

SNAKEFILE = Path(__file__).with_name("Snakefile")
BY_CONTENT = ("--rerun-triggers", "params", "--rerun-incomplete", "--nolock")  # we decide what is due, and lock
QUIET = ("--quiet", "host", "progress", "reason", "rules")  # errors are shown
TRIES = 5  # of a build during which something was edited
OF_NOTEBOOKS = (
    "ipykernel.kernelapp",
    "papermill",
    "trialbook.trial.model",
    *(f"trialbook.analysis.{module.name}" for module in iter_modules([str(plan.ENGINE / "analysis")])),
    "trialbook.displays.tables",
    "trialbook.displays.figures",
    "trialbook.workflow.notebook",
    "trialbook.checks.disclosure",
)
OF_PAGES = (
    "trialbook.workflow.book",
    "trialbook.sphinx",
    "myst_nb.sphinx_ext",
    "pybtex.database.input.bibtex",
    "sphinxcontrib.bibtex.foot_domain",
    "sphinx_book_theme",
    "sphinx_copybutton",
    "sphinx_design.extension",
    "sphinx_thebe",
    "sphinx_togglebutton",
)
EVERYTHING = ("snakemake.cli", *OF_NOTEBOOKS, *OF_PAGES)


class WorkflowError(UserError):
    """A step of the workflow failed; what it said was shown."""


def make(
    project: Project,
    targets: Sequence[Path] = (),
    cores: int = 2,
    draft: bool = False,
    options: Sequence[str] = (),
    limit: float = plan.LIMIT,
) -> None:
    """Run with Snakemake what is not current, and show what it says.

    Parameters
    ----------
    project : Project
    targets : sequence of Path
        Executed notebooks to make; the whole book where there is none.
    cores : int
    draft : bool
        Whether the book may lack results.
    options : sequence of str
        More options of Snakemake, such as ``--dry-run``; all that it says is shown then.
    limit : float
        Seconds that a notebook may take.

    Raises
    ------
    WorkflowError
        If a step fails.
    UserError
        If the project has a fault, or another build of it is running.
    """
    plan.runs(project)  # its faults are said before anything is made
    leftovers.refuse(project)
    for path in (project.trial, project.output):
        if {"{", "}"} & set(str(path)):
            raise UserError(f"{path}: Snakemake cannot work with braces in a name\n      → rename it")
    with turn.taken(project.output):
        for _ in range(TRIES):
            due = Current(project, draft).due(targets)
            if not (due or options):
                return
            command = _command(project, targets, due, cores, draft, limit)
            if options:
                return _alone(project, ["snakemake", *options, *command])
            leftovers.remove(project)
            _run(project, command, due)
    raise WorkflowError(f"{project.output}: what it is made of was changed again and again while it was made")


def _command(
    project: Project, targets: Sequence[Path], due: Sequence[Path], cores: int, draft: bool, limit: float
) -> list[str]:
    """Write the options of Snakemake."""
    places = {"trial": project.trial, "output": project.output}
    place = {name: quote(f"./{relpath(path, project.root)}") for name, path in places.items()}  # else 007 is a number
    forced = ["--forcerun", *(relpath(path, project.root) for path in due)] if due else []
    told = {**place, "draft": int(draft), "limit": limit}
    given = ["--config", *(f"{name}={value}" for name, value in told.items())]
    where = ["--snakefile", str(SNAKEFILE), "--directory", str(project.root), "--cores", str(cores)]
    return [*where, *BY_CONTENT, *forced, *given, "--", *(relpath(path, project.root) for path in targets)]


def _run(project: Project, command: Sequence[str], due: Sequence[Path]) -> None:
    """Run Snakemake, which says only what fails, and nothing where the step that failed has said it."""
    if not warm.is_possible():
        return _alone(project, ["snakemake", *QUIET, *command])
    notebooks = any(path.suffix == ".ipynb" for path in due)
    with TemporaryFile() as log:

        def job() -> int:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            from snakemake.cli import main

            main([*QUIET, *command])
            return 0

        first, later = (OF_NOTEBOOKS, OF_PAGES) if notebooks else (OF_PAGES, ())
        code, said = warm.run(job, first, later)
        if code and not said:
            log.seek(0)
            print(log.read().decode(errors="replace"), file=sys.stderr)
    if code:
        raise _failed(project)


def _alone(project: Project, command: Sequence[str]) -> None:
    """Run Snakemake as a program by itself, whose steps are new processes, and show all that it says."""
    environment = {name: value for name, value in os.environ.items() if name != ADDRESS}
    command = [sys.executable, "-P", "-m", *command]
    with subprocess.Popen(
        command, env=environment, text=True, encoding="utf8", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as running:
        for line in running.stdout or ():
            print(line, end="", flush=True)
    if running.returncode:
        raise _failed(project)


def _failed(project: Project) -> WorkflowError:
    return WorkflowError(f"{project.output}: not brought up to date; what failed is said above")
