"""The examples of roles and directives come out as their page says, and the page has every one of them."""

import re
from pathlib import Path

import generated_tables
import matplotlib.pyplot as plt
import pytest
from test_examples import blocks
from tiny import CONF, analysed, code, results

from trialbook.displays.figures.figure import Figure
from trialbook.displays.tables import Row, Table
from trialbook.sphinx.domain import DIRECTIVES, ROLES

pytestmark = pytest.mark.sphinx
DOCS = Path(generated_tables.__file__).parent
TEXT = (DOCS / "roles.md").read_text("utf8")
# what is written, and what comes out
EXAMPLES = re.findall(r"^(`{3,4})markdown\n(.*?)^\1\n> (.*?)$", TEXT, re.DOTALL | re.MULTILINE)


def figure(key):
    drawing, axes = plt.subplots(figsize=(1, 1))
    axes.plot([0, 1])
    return Figure(key, drawing, f"What {key} shows")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The examples on one page, each in a box of its own, with the files that the page on claims shows."""
    rows = results()
    shown = [figure("cd4.trajectory"), figure("cd4.final.difference.strip")]
    shown.append(Table("cd4.own", ["Arm", "Difference"], [Row("Test minus reference", [rows["cd4.final.difference"]])]))
    files = {
        f"book/{name}": next(block for block in blocks(DOCS / "claims.md", "yaml") if block.startswith(f"# {name}"))
        for name in ("claims.yml", "consort.yml")
    }
    files["CITATION.cff"] = "authors:\n  - name: The authors of a paper\n"
    boxes = (f"::::::{{container}} example-{place}\n{source}::::::\n" for place, (_, source, _) in enumerate(EXAMPLES))
    others = "{claim}`cd4_wide` {claim}`written <shorter_names>`\n"
    paper = analysed(tmp_path_factory.mktemp("roles"), "\n".join(["# Paper", others, *boxes]), code(*shown), **files)
    paper.write({"conf.py": f"{CONF}myst_enable_extensions = ['colon_fence']\n"})
    return paper.build()


def test_the_page_has_a_section_for_each_role_and_directive_and_an_example_in_it():
    sections = {part.partition("\n")[0]: part for part in TEXT.split("\n## ")[1:]}
    assert set(sections) - {"Settings"} == {*ROLES, *DIRECTIVES}
    for name in sections.keys() - {"Settings"}:
        source = re.search(r"^(`{3,4})markdown\n(.*?)^\1\n> ", sections[name], re.DOTALL | re.MULTILINE)
        assert f"{{{name}}}" in source[2]


@pytest.mark.parametrize("place", range(len(EXAMPLES)))
def test_an_example_comes_out_as_the_page_says(built, place):
    box = built.pages["index"].select_one(f".example-{place}")
    said = " ".join(box.get_text(" ", strip=True).split())
    assert tight(EXAMPLES[place][2]) in tight(said)


def tight(text):
    """A text without its blanks: where they stand between the parts of a page is the theme's."""
    return re.sub(r"\s", "", text)
