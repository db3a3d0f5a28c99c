"""Show the book in the browser, and bring it up to date and load it again whenever something of it is edited."""

import signal
from argparse import ArgumentParser, Namespace

from trialbook.cli import options
from trialbook.workflow import plan, warm
from trialbook.workflow.make import EVERYTHING

TITLE = "showing the book"
EXAMPLE = "trialbook serve"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.of_build(parser)


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    project = options.built(given)
    again = ["build", "--trial", str(project.trial), "--cores", str(given.cores), "--limit", str(given.limit)]
    again += ["--draft"] * given.draft
    watched = {project.book, project.trial, project.notebooks, *project.layout, *plan.code(project)}

    def show() -> int:
        from trialbook.workflow import live

        return live.show(project, [path for path in watched if path.exists()], again)

    try:
        if warm.is_possible():
            warm.run(show, EVERYTHING)
        else:
            show()
    except warm.Stopped as stopped:
        if stopped.number != signal.SIGINT:
            raise
    return "the server has ended"
