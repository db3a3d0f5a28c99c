"""Check the files of a trial, and say every fault at once: file, row, column, rule, remedy."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trialbook.errors import FaultsError, screen
from trialbook.project import Project
from trialbook.trial.records import Line

TITLE = "validating the data"
EXAMPLE = "trialbook validate path/to/folder"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("trial", type=Path, nargs="?", help="the folder of the trial (default: that of the project)")
    parser.add_argument("--json", action="store_true", help="print faults, account of records and warnings as JSON")


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.analysis import reconciliation
    from trialbook.trial.config import PUBLISHED
    from trialbook.trial.model import read_trial

    folder = given.trial or Project.find().trial
    try:
        found = read_trial(folder)
        reconciliation.read(folder / PUBLISHED)
    except FaultsError as error:
        if given.json:
            print(_json(faults=map(asdict, error.faults), account=[], warnings=[]))
        raise
    if given.json:
        account = [{"table": line.table, "fate": str(line.fate), "rows": line.rows} for line in found.account]
        print(_json(faults=[], account=account, warnings=map(asdict, found.warnings)))
    else:
        print(_account(found.account))
        if found.warnings:
            print(f"{len(found.warnings)} warnings; accept one by its name in trial.yml: `accepted_warnings`")
            print(screen(found.warnings))
    return f"{found.facts.study} is valid: {len(found.adsl)} participants in two arms"


def _json(**told: Iterable[dict[str, Any]]) -> str:
    return json.dumps({name: [*rows] for name, rows in told.items()}, ensure_ascii=False, indent=1)


def _account(lines: Iterable[Line]) -> str:
    """Write the account of records, a line for each table."""
    said: dict[str, list[str]] = {}
    for line in lines:
        said.setdefault(line.table, []).append(f"{line.rows} {line.fate}")
    return "\n".join(f"  {table}: {'; '.join(parts)}" for table, parts in said.items())
