"""What a run is said to depend on is all that it needs: with nothing else it gives the same."""

import re
import shutil

import pytest
from builds import NOTEBOOKS, Copy
from conftest import sampled


@pytest.fixture(scope="module")
def plan(book):
    return book.plan()


def needed(plan, name):
    """The files that something is made from, and those that these are made from."""
    given = plan[name]["input-file(s)"].split(",") if name in plan else []
    return {*given, *(file for own in given for file in needed(plan, own))}


RUNNER = [f"src/trialbook/{part}" for part in ("cli", "workflow", "project.py")]  # reads no data, computes nothing


def settled(path):
    """What a notebook holds, its numbers to nine digits: the last ones vary from run to run."""
    return re.sub(r"-?\d+\.\d+(?:e[+-]?\d+)?", lambda found: f"{float(found[0]):.9g}", path.read_text("utf8"))


@pytest.mark.parametrize("name", sampled("08_rows", NOTEBOOKS))
def test_with_nothing_but_what_it_is_said_to_depend_on_a_run_gives_the_same(name, book, plan, tmp_path):
    alone = Copy(tmp_path / "alone")
    made = f"executed/{name}.ipynb"
    for file in needed(plan, made) | set(RUNNER):
        (alone.folder / file).parent.mkdir(parents=True, exist_ok=True)
        if (book.folder / file).is_dir():
            shutil.copytree(book.folder / file, alone.folder / file, dirs_exist_ok=True)
        else:
            shutil.copy(book.folder / file, alone.folder / file)
    alone.run("sh", "-c", plan[made]["shellcmd"])
    assert settled(alone.folder / made) == settled(book.folder / made)
