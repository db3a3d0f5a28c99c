"""A mistake in the program fails the run of a notebook, and the cell in which it happened is named."""

import nbformat
import pytest
from builds import ROOT
from conftest import NK_INR

from trialbook.workflow import notebook


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ("two_means.np.ones((2, 3)) + two_means.np.ones(4)", "could not be broadcast"),
        ("{}['AVAL']", "KeyError: 'AVAL'"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_mistake_in_an_analysis_fails_the_notebook_with_its_cell(tmp_path, mistake, said):
    broken = nbformat.read(ROOT / "notebooks/03_efficacy.ipynb", as_version=4)
    cells = {cell["id"]: cell for cell in broken.cells}
    patch = f"\nfrom trialbook.stats import two_means\ntwo_means.wald_test = lambda *_: {mistake}"
    cells["read"].source += patch
    broken.cells = [cells[name] for name in ("parameters", "read", "final")]
    nbformat.write(broken, tmp_path / "broken.ipynb")
    with pytest.raises(notebook.NotebookError, match=said) as error:
        notebook.run(tmp_path / "broken.ipynb", tmp_path / "made.ipynb", {"trial_folder": str(NK_INR)})
    assert "cell final" in str(error.value)
    assert not (tmp_path / "made.ipynb").exists()
