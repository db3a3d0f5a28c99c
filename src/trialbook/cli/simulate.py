"""Draw the synthetic data of the project anew, with the generator that trialbook.yml names.

The generator is a module or package with `draw(seed)`, which gives a table by its name; each is written as CSV.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from trialbook.errors import UserError
from trialbook.project import FILE, Project

TITLE = "drawing the synthetic data"
EXAMPLE = "trialbook simulate --seed 7 --output elsewhere"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--seed", type=int, metavar="N", help="other data than the generator's own seed gives")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="gets the tables (default: the trial's folder)")


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    project = Project.find()
    if project.generator is None:
        raise UserError(f"{project.root / FILE}: names no generator\n      → add the path of its module as `generator`")
    from trialbook.workflow.draws import load

    draw = load(project.generator).draw
    tables = draw() if given.seed is None else draw(given.seed)
    folder = given.output or project.trial
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    return f"wrote {', '.join(tables)} to {folder}"
