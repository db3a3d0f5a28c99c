"""Bring the book up to date: run what a change of data, notebooks or code makes due, and write the pages.

Between notebooks and pages stands a check that nothing tells of a participant.
The book that stands is replaced only by a whole one.
"""

from argparse import ArgumentParser, Namespace

from trialbook.cli import options
from trialbook.workflow.make import make

TITLE = "bringing the book up to date"
EXAMPLE = """trialbook build
  trialbook build --trial path/to/folder --draft
  trialbook build -- --dry-run"""


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.of_build(parser)
    options.of_output(parser)
    parser.add_argument("snakemake", nargs="*", metavar="OPTION", help="after --: options for Snakemake")


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    project = options.project(given)
    make(project, cores=given.cores, draft=given.draft, options=given.snakemake, limit=given.limit)
    return "Snakemake is done" if given.snakemake else f"the book is {project.site}/index.html"
