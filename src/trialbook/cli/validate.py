"""Check the files of a trial, and say every fault at once: file, row, column, rule, remedy."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from trialbook.errors import screen
from trialbook.project import Project
from trialbook.trial.records import Line

TITLE = "validating the data"
EXAMPLE = "trialbook validate path/to/folder"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("trial", type=Path, nargs="?", help="the folder of the trial (default: that of the project)")
    parser.add_argument("--json", action="store_true", help="print the account of records and the warnings as JSON")


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.analysis import reconciliation
    from trialbook.trial.config import PUBLISHED
    from trialbook.trial.model import read_trial

    folder = given.trial or Project.find().trial
    found = read_trial(folder)
    reconciliation.read(folder / PUBLISHED)
    if given.json:
        told = {"account": list(map(asdict, found.account)), "warnings": list(map(asdict, found.warnings))}
        print(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        print(_account(found.account))
        if found.warnings:
            print(f"{len(found.warnings)} warnings; accept one by its name in trial.yml: `accepted_warnings`")
            print(screen(found.warnings))
    return f"{found.facts.study} is valid: {len(found.adsl)} participants in two arms"


def _account(lines: Iterable[Line]) -> str:
    """Write the account of records, a line for each table."""
    said: dict[str, list[str]] = {}
    for line in lines:
        said.setdefault(line.table, []).append(f"{line.rows} {line.what}")
    return "\n".join(f"  {table}: {'; '.join(parts)}" for table, parts in said.items())
