"""A small paper of a made-up trial, with folders of other names than ours: for what is the same for every paper."""

import json

from builds import Copy

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


def write(folder):
    """Write the sources of the paper."""
    generate(folder / "raw", per_arm=6, laboratory=0, events=0, exposure=False)
    files = {"trialbook.yml": PLACES, "_toc.yml": TOC, "_config.yml": CONFIG}
    files |= {"prose/start.md": "# Heads\n\nThere were {num}`heads.n` heads and {num}`hands.n` hands.\n"}
    files |= {"work/heads.ipynb": notebook('trial_folder = "../raw"', COUNT)}
    files |= {"work/twice.ipynb": notebook('executed_notebooks = ["../runs/heads.ipynb"]', TWICE)}
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf8")
    return Copy(folder, output="out")
