"""What a run is said to depend on is all that it needs: with nothing else it gives the same."""

import os
import re
import shutil
from io import BytesIO

import pandas as pd
import pytest
from builds import NOTEBOOKS, Copy

from trialbook.workflow import plan


def needed(project, name):
    """The files that a notebook is run with, and with which those were run whose results it reads."""
    run = plan.run(project, name)
    own = [project.notebooks / f"{name}.ipynb", *run.reads, *plan.bears_on_notebooks(project)]
    return {*own, *(project.executed / f"{other}.ipynb" for other in run.after)}


RUNNER = [
    f"src/trialbook/{part}" for part in ("cli", "workflow", "project.py", "provenance.py")
]  # reads no data, computes nothing


def settled(path):
    """What a notebook holds, its numbers to nine digits: the last ones vary from run to run."""
    said = re.sub(rb'"(holds|made_of)": "\w*"', b"", path.read_bytes()).decode()
    return re.sub(r"-?\d+\.\d+(?:e[+-]?\d+)?", lambda found: f"{float(found[0]):.9g}", said)


def double_others(path, records):
    """Double the values of the parameters of which a notebook reads no record."""
    table, read = pd.read_csv(path), pd.read_csv(BytesIO(records))
    others = ~table["PARAMCD"].isin(read["PARAMCD"])
    assert others.any()
    table.loc[others, ["AVAL", "BASE", "CHG"]] *= 2
    table.to_csv(path, index=False)


@pytest.mark.long
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_with_nothing_but_what_it_is_said_to_depend_on_a_run_gives_the_same(name, book, tmp_path):
    alone = Copy(tmp_path / "alone")
    made = f"executed/{name}.ipynb"
    with book.project() as project:
        run = plan.run(project, name)
        files = {os.path.relpath(path, book.folder) for path in needed(project, name)}
        given = [part for told in run.given.items() for part in ("-p", *map(str, told))]
    for file in files | set(RUNNER):
        (alone.folder / file).parent.mkdir(parents=True, exist_ok=True)
        if (book.folder / file).is_dir():
            shutil.copytree(book.folder / file, alone.folder / file, dirs_exist_ok=True)
        else:
            shutil.copy(book.folder / file, alone.folder / file)
    if run.roles:
        table = alone.folder / "data/nk_inr/adlb.csv"
        double_others(table, plan.records(table, table.with_name("trial.yml"), run.roles))
    alone.run("trialbook", "run", f"notebooks/{name}.ipynb", made, *given)
    assert settled(alone.folder / made) == settled(book.folder / made)
