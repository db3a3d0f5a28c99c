"""A notebook's figure in prose: each format shows the file that it can, and none is put beside the sources."""

import re

import matplotlib.pyplot as plt
import pytest
from tiny import analysed, code

from trialbook.displays.figures.figure import Figure

PAGE = """# Paper

```{result-figure} cd4.trajectory
:name: fig-cd4
The course of {num}`cohort.randomised.n`.
```

In {numref}`fig-cd4`, by {num}`cd4.final.difference` {strip}`cd4.final.difference`.
"""


def drawn(key):
    drawing, axes = plt.subplots(figsize=(1, 1))
    axes.text(0.5, 0.5, key)
    return Figure(key, drawing, f"What {key} shows")


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    figures = code(drawn("cd4.trajectory"), drawn("cd4.final.difference.strip"), drawn("not.used"), id="figures")
    return analysed(tmp_path_factory.mktemp("figures"), PAGE, figures)


@pytest.mark.parametrize("builder", ["html", "singlehtml"])
def test_a_page_shows_a_figure_with_its_text_its_caption_and_a_link_to_its_cell(paper, builder):
    built = paper.build(builder)
    page = built.pages["index"]
    figure = page.select_one("figure, div.figure")
    assert figure.img["alt"] == "What cd4.trajectory shows"
    assert (built.folder / figure.img["src"]).read_bytes().lstrip().startswith(b"<?xml")
    caption = " ".join(figure.get_text().split())
    assert caption.startswith("Fig. 1") and "The course of 20. [source]" in caption
    (strip,) = page.select("p > a.strip")
    assert strip.img["alt"] == "What cd4.final.difference.strip shows"
    assert all(link["href"].endswith("#cell-figures") for link in (strip, figure.select("a.num")[-1]))
    assert "Fig. 1" in built.text().partition("[source]")[2]


def test_print_has_the_figure_as_vectors(paper):
    built = paper.build("latex")
    text = built.read("paper.tex")
    names = re.findall(r"\\sphinxincludegraphics\{\{(.*?)\}\.(\w+)\}", text)
    assert names[:2] == [("cd4.trajectory", "pdf"), ("cd4.final.difference.strip", "pdf")]
    assert (built.folder / "cd4.trajectory.pdf").read_bytes().startswith(b"%PDF")
    assert not list(built.folder.glob("not.used*"))


def test_a_figure_that_was_drawn_anew_is_shown(paper):
    before = paper.build().read("_images/cd4.trajectory.svg")
    cells = code(drawn("cd4.trajectory"), drawn("cd4.final.difference.strip"), id="figures")
    other = drawn("cd4.other")
    cells["outputs"][0]["data"]["image/svg+xml"] = other._repr_mimebundle_()[0]["image/svg+xml"]
    analysed(paper.folder, PAGE, cells)
    assert paper.build().read("_images/cd4.trajectory.svg") != before
