"""The newest Sphinx and MyST-NB that resolve: the extension builds a tiny paper with them, or it is said where not."""

import subprocess
import sys

import pytest
from bs4 import BeautifulSoup
from builds import ROOT
from tiny import analysed

NEEDS = ["sphinx", "myst-nb", "latex2mathml", "pydantic", "pyyaml", "simpleeval"]
PAGE = """# {num}`trial.title`

{consort}`1a`
It {claim}`rose` by {num}`cd4.final.difference` ({ci}`cd4.final.difference`; {p}`cd4.final.difference.p`), {math}`x`.

```{register}
```

```{consort-checklist}
```
"""


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), text=True, capture_output=True, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.network
@pytest.mark.parametrize("builder", ["html", "latex"])
def test_the_newest_sphinx_and_myst_nb_build_a_tiny_paper(newest, tmp_path, builder):
    files = {"book/claims.yml": "rose: {says: rose, holds: cd4.final.difference > 0}\n"}
    files |= {"book/consort.yml": "1a: {topic: Title, checks: {arms: cohort.randomised.n == 20}}\n"}
    analysed(tmp_path, PAGE, **files)
    built = tmp_path / "_build" / builder
    command = [newest, "-m", "sphinx", "-n", "-W", "--keep-going", "-j", "2", "-T", "-b", builder, tmp_path, built]
    try:
        run(*command)
    except AssertionError as error:
        versions = run(newest, "-m", "pip", "list", "--format=freeze")
        raise AssertionError(f"{error}\nwith {versions}") from None
    if builder == "html":
        page = BeautifulSoup((built / "index.html").read_text("utf8"), "html.parser")
        assert "It rose by 67 (95% CI, 10 to 124; P = 0.024), " in " ".join(page.body.get_text().split())
        assert page.select("table.register tbody tr") and page.select("table.consort tbody tr") and page.select("math")
        assert BeautifulSoup((built / "executed/one.html").read_text("utf8"), "html.parser").select("#cell-results")


@pytest.fixture(scope="module")
def newest(tmp_path_factory):
    """The Python of a fresh environment with the newest of what the extension needs, and the engine alone."""
    folder = tmp_path_factory.mktemp("newest")
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin/python"
    run(python, "-m", "pip", "install", "--quiet", *NEEDS)
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", ROOT)
    return python
