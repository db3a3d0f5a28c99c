"""Show the book in the browser, and bring it up to date and load it again whenever something of it is edited."""

import subprocess
import sys
from argparse import ArgumentParser, Namespace
from shlex import join

from trialbook.cli import options
from trialbook.workflow import plan

TITLE = "showing the book"
EXAMPLE = "trialbook serve"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.of_build(parser)


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    project = options.built(given)
    idle = project.output / ".serve"  # sphinx-autobuild wants something to build itself
    idle.mkdir(exist_ok=True)
    (idle / "index.rst").touch()
    again = [sys.executable, "-P", "-m", "trialbook.cli", "build", "--trial", str(project.trial)]
    again += ["--cores", str(given.cores), *["--draft"] * given.draft]
    command = [sys.executable, "-P", "-m", "sphinx_autobuild", "-q", "-C", "-b", "dummy", "-d", str(idle / "doctrees")]
    command += ["--pre-build", join(again), "--open-browser"]
    watched = {project.book, project.trial, project.notebooks, *project.layout, *plan.code(project)}
    command += [f"--watch={path}" for path in sorted(watched) if path.exists()]
    subprocess.run([*command, str(idle), str(project.site)], check=False)
    return "the server has ended"
