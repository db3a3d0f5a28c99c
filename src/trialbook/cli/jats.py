"""Build the paper as JATS, the form of journals and archives, with its figures; needs pandoc."""

from argparse import ArgumentParser, Namespace

from trialbook.cli import options

TITLE = "building the paper as JATS"
EXAMPLE = "trialbook jats"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.of_build(parser)


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.workflow import manuscript

    manuscript.need_programs()
    project = options.built(given)
    paper = project.output / "paper-jats.zip"
    manuscript.jats(project, paper, draft=given.draft)
    return f"the paper is {paper}"
