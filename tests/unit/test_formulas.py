"""The models in the notebooks are formulas that every reader of the notebooks can show."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from latex2mathml.converter import convert

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
MODELS = ("02_safety", "03_efficacy", "04_sensitivity", "05_reconciliation", "06_operating", "07_double")
CELL = 25  # lines


def cells(notebook, kind):
    found = json.loads(notebook.read_text("utf8"))["cells"]
    return ["".join(cell["source"]) for cell in found if kind in ("", cell["cell_type"])]


def formulas(notebook):
    """The displayed and the inline formulas of a notebook."""
    text = "\n\n".join(cells(notebook, "markdown"))
    displayed = re.findall(r"\$\$(.+?)\$\$", text, re.DOTALL)
    return displayed, re.findall(r"(?<!\$)\$([^$\n]+)\$(?!\$)", re.sub(r"\$\$.+?\$\$", "", text, flags=re.DOTALL))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_formula_becomes_mathml_with_nothing_left_of_latex(notebook):
    displayed, inline = formulas(notebook)
    assert bool(displayed) == (notebook.stem in MODELS)
    for formula in [*displayed, *inline]:
        words = " ".join(ElementTree.fromstring(convert(formula)).itertext())
        assert not re.search(r"[\\&{}]|\$", words), formula


def test_what_cannot_be_shown_is_found():
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(convert(r"\begin{aligned} a &= b \end{aligned}"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_cell_is_longer_than_a_screen(notebook):
    assert max(text.count("\n") + 1 for text in cells(notebook, "")) <= CELL
