"""Run the workflow on a project: bring its executed notebooks and its book up to date."""

import subprocess
import sys
from collections.abc import Sequence
from os.path import relpath
from pathlib import Path

from trialbook.errors import UserError
from trialbook.project import Project
from trialbook.workflow import leftovers, plan

SNAKEFILE = Path(__file__).with_name("Snakefile")


class WorkflowError(UserError):
    """A step of the workflow failed; what it said was shown."""


def make(
    project: Project, targets: Sequence[Path] = (), cores: int = 2, draft: bool = False, options: Sequence[str] = ()
) -> None:
    """Run with Snakemake what is not up to date, and show what it says.

    Parameters
    ----------
    project : Project
    targets : sequence of Path
        Files to make; the whole book where there is none.
    cores : int
    draft : bool
        Whether the book may lack results.
    options : sequence of str
        More options of Snakemake, such as ``--dry-run``; without any it tells of failures only.

    Raises
    ------
    WorkflowError
        If a step fails.
    UserError
        If the project has a fault.
    """
    plan.runs(project)  # or Snakemake would say what is wrong with one in its own way
    leftovers.refuse(project)
    place = {name: relpath(path, project.root) for name, path in (("trial", project.trial), ("output", project.output))}
    command = [sys.executable, "-P", "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--directory", str(project.root)]
    command += ["--cores", str(cores), "--rerun-incomplete", *(options or ("--quiet", "all"))]
    if not targets and not project.site.exists():
        command += ["--forcerun", "pages"]  # or what stands for the site would hide that it is gone
    command += ["--config", *(f"{name}={path}" for name, path in place.items()), f"draft={int(draft)}"]
    command += ["--", *(relpath(path, project.root) for path in targets)]
    with subprocess.Popen(
        command, text=True, encoding="utf8", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as running:
        for line in running.stdout or ():
            print(line, end="", flush=True)
    if running.returncode:
        raise WorkflowError(f"{project.output}: not brought up to date; what failed is said above")
