"""The first paper of the documentation: what its page shows is what is there, and builds."""

import json
import shutil
import statistics
from pathlib import Path

import generated_tables
import pytest
from test_examples import blocks
from tiny import Paper

from trialbook.workflow import notebook

pytestmark = pytest.mark.unit
DOCS = Path(generated_tables.__file__).parent


def test_the_page_shows_the_cell_of_the_notebook():
    cells = json.loads((DOCS / "first_paper/analysis.ipynb").read_text("utf8"))["cells"]
    assert "".join(cells[1]["source"]).rstrip() == blocks(DOCS / "index.md", "python")[0].rstrip()


@pytest.mark.paper
def test_the_first_paper_shows_what_its_notebook_computed(tmp_path):
    folder = tmp_path / "paper"
    shutil.copytree(DOCS / "first_paper", folder)
    notebook.run(folder / "analysis.ipynb", folder / "executed/analysis.ipynb", {})
    built = Paper(folder, (folder / "conf.py").read_text("utf8")).build()
    new, old = ([231, 262, 244], [180, 195, 201])
    for values in (new, old):
        assert f"{statistics.mean(values):.0f} ({statistics.stdev(values):.0f})" in built.text()
