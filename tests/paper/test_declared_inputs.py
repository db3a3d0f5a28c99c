"""What a run is said to depend on is all that it needs: with nothing else it gives the same."""

import re
import shutil

import pytest
from builds import NOTEBOOKS, Copy


@pytest.fixture(scope="module")
def plan(book):
    return book.plan()


def needed(plan, name):
    """The files that something is made from, and those that these are made from."""
    given = plan[name]["input-file(s)"].split(",") if name in plan else []
    return {*given, *(file for own in given for file in needed(plan, own))}


MADE = [*(f"{name}.ipynb" for name in NOTEBOOKS), "scenarios/1-of-2", "operating/1-of-2.json"]
SAMPLE = "01_cohort.ipynb"


def settled(path):
    """What a notebook, or each of a folder, holds, its numbers to nine digits: the last ones vary from run to run."""
    if path.is_dir():
        return {one.name: settled(one) for one in path.glob("*.ipynb")}
    return re.sub(r"-?\d+\.\d+(?:e[+-]?\d+)?", lambda found: f"{float(found[0]):.9g}", path.read_text("utf8"))


@pytest.mark.parametrize(
    "name", [name if name == SAMPLE else pytest.param(name, marks=pytest.mark.long) for name in MADE]
)
def test_with_nothing_but_what_it_is_said_to_depend_on_a_run_gives_the_same(name, book, plan, tmp_path):
    alone = Copy(tmp_path / "alone")
    for file in needed(plan, f"executed/{name}"):
        (alone.folder / file).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (book.folder / file).is_dir() else shutil.copy
        copy(book.folder / file, alone.folder / file)
    alone.run("sh", "-c", plan[f"executed/{name}"]["shellcmd"])
    again = settled(alone.folder / "executed" / name)
    assert again and again == settled(book.folder / "executed" / name)
