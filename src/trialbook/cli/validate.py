"""Check the files of a trial, and say every fault at once: file, row, column, rule, remedy."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from trialbook.project import Project

TITLE = "validating the data"
EXAMPLE = "trialbook validate path/to/folder"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("trial", type=Path, nargs="?", help="the folder of the trial (default: that of the project)")


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.analysis import reconciliation
    from trialbook.trial.config import PUBLISHED
    from trialbook.trial.model import read_trial

    folder = given.trial or Project.find().trial
    found = read_trial(folder)
    reconciliation.read(folder / PUBLISHED)
    return f"{found.facts.study} is valid: {len(found.adsl)} participants in two arms"
