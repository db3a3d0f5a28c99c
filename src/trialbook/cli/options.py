"""The options that several commands have, and the project that they name."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from trialbook.project import Project
from trialbook.workflow.make import make


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
    parser.add_argument("--cores", type=int, default=2, metavar="N", help="notebooks to run at once (default: 2)")


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
    make(found, cores=given.cores, draft=given.draft)
    return found
