"""Another paper, with folders of other names: it is built from any folder without a fact of ours; a plan is a plan."""

import json
import os
import subprocess
import sys

import pytest
from builds import ROOT, Site, digests

from trialbook.trial.generate import generate

PLACES = "trial: raw\nbook: prose\nnotebooks: work\nexecuted: runs\noutput: out\n"
TOC = "format: jb-book\nroot: prose/start\nchapters:\n  - file: runs/heads\n  - file: runs/twice\n"
CONFIG = """
title: Heads
only_build_toc_files: true
execute: {execute_notebooks: "off"}
sphinx: {extra_extensions: [trialbook.sphinx]}
"""
COUNT = """
from trialbook import Results, read_trial

def heads(trial):
    found = Results()
    found.add("heads.n", len(trial.adsl), "count", dataset="adsl", n=len(trial.adsl))
    return found

heads(read_trial(trial_folder))
"""
TWICE = """
from pathlib import Path

from trialbook import Results
from trialbook.results.executed import of_notebooks

found = Results()
found.add("hands.n", 2 * of_notebooks(map(Path, executed_notebooks)).results["heads.n"].value, "count", dataset="adsl")
found
"""


def notebook(parameters, code):
    cells = [{"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# Heads"}]
    for name, source, tags in (("parameters", parameters, ["parameters"]), ("count", code.strip(), [])):
        common = {"cell_type": "code", "id": name, "metadata": {"tags": tags}, "source": source}
        cells.append({**common, "outputs": [], "execution_count": None})
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """The sources of the paper."""
    folder = tmp_path_factory.mktemp("other") / "paper"
    generate(folder / "raw", per_arm=6, laboratory=0, events=0, exposure=False)
    files = {"trialbook.yml": PLACES, "_toc.yml": TOC, "_config.yml": CONFIG}
    files |= {"prose/start.md": "# Heads\n\nThere were {num}`heads.n` heads and {num}`hands.n` hands.\n"}
    files |= {"work/heads.ipynb": notebook('trial_folder = "../raw"', COUNT)}
    files |= {"work/twice.ipynb": notebook('executed_notebooks = ["../runs/heads.ipynb"]', TWICE)}
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf8")
    return folder


def trialbook(*arguments, at, fails=False):
    """What a command says from a folder."""
    command = [sys.executable, "-m", "trialbook.cli", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=at, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (done.returncode != 0) == fails, done.stdout
    return done.stdout


def standing(folder):
    """The content of every file but of Snakemake's own notes."""
    return {name: digest for name, digest in digests(folder).items() if not name.startswith(".snakemake/")}


@pytest.fixture(scope="module")
def built(paper, tmp_path_factory):
    """The paper, built from a folder that has nothing to do with it."""
    said = trialbook("-C", paper / "work", "build", at=tmp_path_factory.mktemp("anywhere"))
    assert "✓ ran heads" in said and "✓ ran twice" in said
    return paper


def test_it_is_built_from_any_folder_and_knows_nothing_of_ours(built):
    site = Site(built / "out/html")
    assert site.results["heads.n"]["display"] == "12" and site.results["hands.n"]["display"] == "24"
    page = (built / "out/html/prose/start.html").read_text("utf8")
    assert 'href="../runs/heads.html#cell-count"' in page and ">12<" in page
    text = "".join(path.read_text("utf8") for path in (built / "out/html").rglob("*.html"))
    assert not [word for word in ("nk_inr", "NK-INR", "CD4", "numbers.html", "01_cohort") if word in text]
    made = {path.name for path in built.iterdir()} - {".snakemake"}
    assert made == {"trialbook.yml", "_toc.yml", "_config.yml", "raw", "prose", "work", "runs", "out"}


def test_its_numbers_are_accepted_where_it_says_and_compared(built):
    trialbook("accept", at=built / "prose")
    accepted = json.loads((built / "prose/numbers.lock.json").read_text("utf8"))
    assert set(accepted["numbers"]) == {"heads.n", "hands.n"} and set(accepted["data"]) == {
        "trial.yml",
        "adsl.csv",
        "adlb.csv",
    }
    assert "2 of 2 numbers reproduced" in trialbook("diff", at=built)
    assert (built / "out/diff.html").exists()


@pytest.mark.parametrize("option", ["--dry-run", "--summary"])
def test_a_plan_changes_no_byte(built, tmp_path, option):
    """Though what a notebook left that the book has no longer, and a site that was taken away, are to be seen to."""
    paper = tmp_path / "paper"
    subprocess.run(["cp", "-a", built, paper], check=True)
    (paper / "runs/gone.ipynb").write_bytes((paper / "runs/heads.ipynb").read_bytes())
    (paper / "runs/notes.txt").write_text("mine")
    subprocess.run(["rm", "-r", paper / "out/html"], check=True)
    before = standing(paper)
    said = trialbook("build", "--", option, at=paper)
    assert standing(paper) == before
    assert "pages" in said


def test_what_a_notebook_left_is_removed_when_something_is_run_and_what_is_not_ours_is_refused(built, tmp_path):
    paper = tmp_path / "paper"
    subprocess.run(["cp", "-a", built, paper], check=True)
    (paper / "runs/mine.ipynb").write_text("{}")
    before = standing(paper)
    said = trialbook("build", at=paper, fails=True)
    assert "runs/mine.ipynb: no notebook of the paper" in said and "Traceback" not in said
    assert standing(paper) == before
    (paper / "runs/mine.ipynb").rename(paper / "mine.ipynb")
    (paper / "_toc.yml").write_text(TOC.replace("  - file: runs/twice\n", ""))
    start = (paper / "prose/start.md").read_text()
    (paper / "prose/start.md").write_text(start.replace(" and {num}`hands.n` hands", ""))
    trialbook("build", at=paper)
    assert not (paper / "runs/twice.ipynb").exists() and (paper / "mine.ipynb").exists()
    assert set(Site(paper / "out/html").results) == {"heads.n"}
