"""Build the paper as a Word document; needs pandoc and rsvg-convert."""

from argparse import ArgumentParser, Namespace

from trialbook.cli import options

TITLE = "building the paper for Word"
EXAMPLE = "trialbook docx"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.of_build(parser)


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.workflow import manuscript

    manuscript.need_programs()
    project = options.built(given)
    paper = project.output / "paper.docx"
    manuscript.word(project, paper, draft=given.draft)
    return f"the paper is {paper}"
