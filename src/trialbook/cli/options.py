"""The options that several commands have, and the project that they name."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from trialbook.project import Project
from trialbook.workflow.make import make
from trialbook.workflow.plan import LIMIT


def of_project(parser: ArgumentParser) -> None:
    """Add the option that says whose data a command is about."""
    trial = "the data of another trial than the paper's own: a folder with trial.yml and the tables"
    parser.add_argument("--trial", type=Path, metavar="FOLDER", help=trial)


def of_output(parser: ArgumentParser) -> None:
    """Add the option that says where a book is, other than where the project has it."""
    output = "where the book is built instead, from nothing that stands"
    parser.add_argument("--output", type=Path, metavar="FOLDER", help=output)


def of_build(parser: ArgumentParser) -> None:
    """Add the options of a command that brings the book up to date."""
    of_project(parser)
    of_draft(parser)
    of_cores(parser, "notebooks to run at once")
    of_limit(parser)


def of_cores(parser: ArgumentParser, what: str) -> None:
    """Add the option that says how much is done at once."""
    parser.add_argument("--cores", type=_positive, default=2, metavar="N", help=f"{what} (default: 2)")


def of_limit(parser: ArgumentParser) -> None:
    """Add the option that says how long a notebook may take."""
    limit = f"that one notebook may take (default: {LIMIT})"
    parser.add_argument("--limit", type=_positive, default=LIMIT, metavar="SECONDS", help=limit)


def of_draft(parser: ArgumentParser) -> None:
    """Add the option that lets a book lack what its prose asks for."""
    draft = "show in its place what the prose asks for and this trial does not have, instead of failing"
    parser.add_argument("--draft", action="store_true", help=draft)


def project(given: Namespace) -> Project:
    """Find the project that a command is about."""
    return Project.find(trial=given.trial, output=getattr(given, "output", None))


def built(given: Namespace) -> Project:
    """Bring the book of a project up to date, before a command does something with it."""
    found = project(given)
    make(found, cores=given.cores, draft=given.draft, limit=given.limit)
    return found


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
