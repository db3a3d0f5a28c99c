"""Draw the synthetic data of the project anew, with the generator that trialbook.yml names.

The generator is a module or package with `draw(seed)`, which gives a table by its name; each is written as CSV.
"""

import sys
from argparse import ArgumentParser, Namespace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from trialbook.errors import UserError
from trialbook.project import FILE, Project

TITLE = "drawing the synthetic data"
EXAMPLE = "trialbook simulate --seed 7 --output elsewhere"
NAME = "trialbook_generator"  # of the module, so that it stands in nobody's place


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--seed", type=int, metavar="N", help="other data than the generator's own seed gives")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="gets the tables (default: the trial's folder)")


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    project = Project.find()
    if project.generator is None:
        raise UserError(f"{project.root / FILE}: names no generator\n      → add the path of its module as `generator`")
    draw = load(project.generator).draw
    tables = draw() if given.seed is None else draw(given.seed)
    folder = given.output or project.trial
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    return f"wrote {', '.join(tables)} to {folder}"


def load(path: Path) -> ModuleType:
    """Import a module by the path of its file, or a package by that of its folder."""
    package = path.is_dir()
    file = path / "__init__.py" if package else path
    spec = spec_from_file_location(NAME, file, submodule_search_locations=[str(path)] if package else None)
    if spec is None or spec.loader is None:
        raise UserError(f"{path}: no module of Python, and no folder that holds one")
    module = sys.modules[NAME] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
