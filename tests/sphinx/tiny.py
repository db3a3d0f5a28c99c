"""Tiny papers, built in process: executed notebooks from what their cells show, prose, and Sphinx."""

import json
import runpy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from notebooks import output
from trialbook.results.row import Results
from trialbook.workflow import faults

CONF = """
project = "A tiny paper"
extensions = ["myst_nb", "trialbook.sphinx"]
exclude_patterns = ["_build"]
nb_execution_mode = "off"
html_theme = "basic"
numfig = True
latex_engine = "xelatex"
latex_documents = [("index", "paper.tex", "A title", "An author", "howto")]
"""


def code(*shown, id="c", tags=(), source="shown", **metadata):
    """A code cell with what it shows."""
    return {
        "cell_type": "code",
        "id": id,
        "execution_count": 1,
        "metadata": {"tags": list(tags), **metadata},
        "source": source,
        "outputs": list(map(output, shown)),
    }


def markdown(text, id="m", **more):
    """A Markdown cell."""
    return {"cell_type": "markdown", "id": id, "metadata": {}, "source": text, **more}


def results(difference=67.1, provenance="synthetic"):
    """Some results of a trial."""
    found = Results(dataset="adlb", method="pooled t test")
    found.add("cd4.final.difference", difference, "difference", parameter="CD4", unit="cells/μL", n=20)
    found.add("cd4.final.difference.ci", [10.07, 124.13], "ci", parameter="CD4")
    found.add("cd4.final.difference.p", 0.0237, "p", parameter="CD4")
    for part, n in {"": 20, ".nk_art": 10, ".art": 10}.items():
        found.add(f"cohort.randomised{part}.n", n, "count", dataset="adsl")
    for key, said in {"ci_level": "95%", "provenance": provenance, "title": "A trial of cells"}.items():
        found.add(f"trial.{key}", said, "text", dataset="trial.yml")
    return found


@dataclass(frozen=True)
class Built:
    """What a build made: the folder of the pages, what Sphinx found wrong, and its environment."""

    folder: Path
    faults: list
    env: object

    @cached_property
    def pages(self):
        """Every page, parsed, by its name without its ending."""
        paths = {path.relative_to(self.folder).with_suffix("").as_posix(): path for path in self.folder.rglob("*.html")}
        return {name: BeautifulSoup(path.read_text("utf8"), "html.parser") for name, path in paths.items()}

    def read(self, name):
        return (self.folder / name).read_text("utf8")

    def text(self, page="index"):
        return " ".join(self.pages[page].body.get_text().split())

    @property
    def said(self):
        return [str(fault) for fault in self.faults]


class Paper:
    """A paper in a folder."""

    def __init__(self, folder, conf=CONF):
        self.folder = Path(folder)
        self.write({"conf.py": conf})

    def write(self, files):
        """Write files, whose names are paths in the source folder."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf8")
        return self

    def notebook(self, name, *cells, title="# Analysis", folder="executed"):
        """Write an executed notebook; `title` is its first cell."""
        held = [markdown(title, "title"), *cells] if title else list(cells)
        about = {"language_info": {"name": "python"}}
        content = {"cells": held, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
        return self.write({f"{folder}/{name}.ipynb": json.dumps(content)})

    def build(self, builder="html", parallel=0, faulty=False, **settings):
        """Build; that it finds something wrong, or does not, is part of the call."""
        output = self.folder / "_build" / builder
        names = {"extensions": [faults.__name__, *runpy.run_path(str(self.folder / "conf.py"))["extensions"]]}
        given = names | {f"trialbook_{name}": value for name, value in settings.items()}
        with faults.collected() as found, patch_docutils(self.folder), docutils_namespace():
            app = Sphinx(
                self.folder,
                self.folder,
                output,
                self.folder / "_build/doctrees",
                builder,
                given,
                status=None,
                warning=None,
                parallel=parallel,
            )
            app.build()
        assert bool(found) == faulty, "\n".join(map(str, found))
        return Built(output, list(found), app.env)


def analysed(folder, index="# Paper\n", *cells, **files):
    """A paper with one notebook, `one`; `files` are by their paths, and pages where these have no ending."""
    pages = {name: text for name, text in files.items() if "." not in name}
    toc = "\n```{toctree}\n" + "\n".join(["executed/one", *pages]) + "\n```\n"
    paper = Paper(folder).notebook("one", code(results(), id="results"), *cells)
    others = {name: text for name, text in files.items() if name not in pages}
    return paper.write(others | {f"{name}.md": text for name, text in {**pages, "index": index + toc}.items()})
