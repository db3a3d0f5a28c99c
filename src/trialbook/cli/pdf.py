"""Build the paper as PDF; needs XeTeX and latexmk."""

import shutil
import subprocess
from argparse import ArgumentParser, Namespace

from trialbook.cli import options
from trialbook.errors import UserError

TITLE = "building the paper as PDF"
EXAMPLE = "trialbook pdf"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.of_build(parser)


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.workflow import book

    if absent := [program for program in ("latexmk", "xelatex") if shutil.which(program) is None]:
        raise UserError(f"a PDF needs {' and '.join(absent)}\n      → install TeX: see tug.org/texlive")
    project = options.built(given)
    folder = project.output / "latex"
    book.build(project, folder, "latex", draft=given.draft)
    (paper,) = folder.glob("*.tex")
    command = ["latexmk", "-xelatex", "-interaction=batchmode", "-halt-on-error", "-silent", paper.name]
    done = subprocess.run(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise UserError(
            f"{paper}: TeX could not set it\n{done.stdout.strip()}\n      → see {paper.with_suffix('.log')}"
        )
    return f"the paper is {paper.with_suffix('.pdf')}"
