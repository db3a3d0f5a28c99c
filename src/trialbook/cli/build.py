"""Bring the book up to date: run what a change of data, notebooks or code makes due, and write the pages.

Between notebooks and pages stands a check that nothing tells of a participant.
The book that stands is replaced only by a whole one.
"""

import re
from argparse import ArgumentParser, Namespace

from trialbook.cli import options
from trialbook.errors import UserError
from trialbook.project import Project
from trialbook.workflow.make import make

NOTE = re.compile(r"\s*(`{3,}|:{3,}|~{3,})\s*\{to-write\}")
TITLE = "bringing the book up to date"
EXAMPLE = """trialbook build
  trialbook build --trial path/to/folder --draft
  trialbook build -- --dry-run"""


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.of_build(parser)
    options.of_output(parser)
    release = "refuse the book while a note says that something is still to be written"
    parser.add_argument("--release", action="store_true", help=release)
    parser.add_argument("snakemake", nargs="*", metavar="OPTION", help="after --: options for Snakemake")


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    project = options.project(given)
    notes = unwritten(project)
    if given.release and notes:
        listed = "\n".join(f"  {note}" for note in notes)
        raise UserError(
            f"{len(notes)} passages are still to be written:\n{listed}\n      → write each in place of its note"
        )
    make(project, cores=given.cores, draft=given.draft, options=given.snakemake, limit=given.limit)
    if notes:
        print(f"  {len(notes)} passages are still to be written; trialbook build --release lists them")
    return "Snakemake is done" if given.snakemake else f"the book is {project.site}/index.html"


def unwritten(project: Project) -> list[str]:
    """List the notes of the prose that say what is to be written: each with its page, line and first words."""
    found = []
    for page, text in project.texts().items():
        lines = text.splitlines()
        found += [
            f"{page}.md:{number}: {''.join(lines[number : number + 1])}"
            for number, line in enumerate(lines, start=1)
            if NOTE.match(line)
        ]
    return found
