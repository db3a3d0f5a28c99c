"""Build the paper as PDF: an article, and the notebooks as its appendix; needs XeTeX and latexmk."""

import re
import shutil
import subprocess
from argparse import ArgumentParser, Namespace

from trialbook.cli import options
from trialbook.errors import UserError

MISSING = re.compile(r"Missing character: There is no (\S+) .*?in font ([^:/!\n]+)")  # as TeX's log says it
TITLE = "building the paper as PDF"
EXAMPLE = "trialbook pdf"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.of_build(parser)
    parser.add_argument("--numbered", action="store_true", help="number the lines, as reviewers want them")


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.workflow import book

    if absent := [program for program in ("latexmk", "xelatex") if shutil.which(program) is None]:
        raise UserError(f"a PDF needs {' and '.join(absent)}\n      → install TeX: see tug.org/texlive")
    project = options.built(given)
    folder = project.output / "latex"
    book.build(project, folder, "latex", draft=given.draft, numbered=given.numbered)
    texts = [path for name in ("paper.tex", "appendix.tex") if (path := folder / name).exists()]
    for text in texts:
        command = ["latexmk", "-xelatex", "-interaction=batchmode", "-halt-on-error", "-silent", text.name]
        done = subprocess.run(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        log = text.with_suffix(".log")
        if done.returncode:
            raise UserError(f"{text}: TeX could not set it\n{done.stdout.strip()}\n      → see {log}")
        if lacking := sorted(set(MISSING.findall(log.read_text("utf8", "replace")))):
            signs = ", ".join(f"{sign} in {font}" for sign, font in lacking)
            remedy = "install a font that has them, or write something else"
            raise UserError(f"{text}: the fonts have no sign for {signs}\n      → {remedy}")
    return f"the paper is {' and '.join(str(text.with_suffix('.pdf')) for text in texts)}"
