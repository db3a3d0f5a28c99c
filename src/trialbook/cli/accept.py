"""Accept the numbers of the book, brought up to date, as they are now: write them to the numbers lock."""

from argparse import ArgumentParser, Namespace

from trialbook.cli import options

TITLE = "accepting the numbers"
EXAMPLE = "trialbook accept"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.of_build(parser)


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.editions import lock

    project = options.built(given)
    accepted = lock.of_site(project.site / "results.json", project.data)
    lock.write(accepted, project.lock)
    return f"locked {len(accepted.numbers)} numbers in {project.lock}"
