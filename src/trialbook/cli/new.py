"""Write a paper for a trial from its tables: facts, prose, notebooks, and what is still to be written.

The tables may be CSV, XPT, sas7bdat, Parquet, Excel or Dataset-JSON; findings may be in several of them.
"""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from trialbook.errors import FaultsError, UserError

TITLE = "writing a paper in {paper}"
EXAMPLE = "trialbook new my-paper --data path/to/tables"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("paper", type=Path, help="the folder to make")
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="the folder of the tables")
    parser.add_argument("--title", help="the title of the paper (default: one made of the arms and the study)")
    parser.add_argument("--synthetic", action="store_true", help="the data are made up, and every page says so")
    parser.add_argument("--defaults", action="store_true", help="ask nothing")


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.template import guess, sources, write

    if given.paper.exists():
        raise UserError(f"{given.paper}: is there already\n      → give a folder that is not there yet")
    found = sources.collect(given.data)
    guessed = guess.guess(found)
    found = sources.narrowed(found, {line["paramcd"] for line in guessed.facts["parameters"]})
    test, reference = (arm["label"] for arm in guessed.facts["arms"])
    title = given.title or f"{test} compared with {reference}: {guessed.facts['study']}"
    provenance = "synthetic" if given.synthetic else "real"
    if not given.defaults and sys.stdin.isatty():
        title = input(f"  title [{title}]: ").strip() or title
    try:
        write.create(given.paper, found, guessed, title, provenance)
    except FaultsError as error:
        remedy = f"mend them there, most in data/trial.yml, then: cd {given.paper} && trialbook update"
        raise UserError(f"{error}\n\nthe tables and what was guessed are in {given.paper}\n      → {remedy}") from None
    for key, told in guessed.evidence.items():
        print(f"  {key}: {told}")
    for file, reason in found.left.items():
        print(f"  not read: {file} ({reason})")
    for key, question in guessed.asked.items():
        print(f"  you tell, in {given.paper}/data/trial.yml, {key}: {question}")
    return f"wrote {given.paper}; next: cd {given.paper} && make book"
