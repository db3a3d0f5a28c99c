"""Check that nothing in the executed notebooks tells of one participant: the gate between notebooks and pages."""

from argparse import ArgumentParser, Namespace

from trialbook.cli import options

TITLE = "checking what the notebooks disclose"
EXAMPLE = "trialbook disclose"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.of_project(parser)
    options.of_output(parser)


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.checks import disclosure
    from trialbook.trial.model import read_trial

    project = options.project(given)
    return disclosure.check(read_trial(project.trial), project.executed)
