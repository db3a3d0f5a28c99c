"""Every page passes axe-core, in the light and in the dark, and with a card open."""

import re

import pytest
from builds import ROOT
from conftest import sampled

sync_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")
NAMES = re.findall(r"(?:file|root): (\S+)", (ROOT / "_toc.yml").read_text("utf8"))
PAGES = [*(f"{name}.html" for name in NAMES), "search.html", "genindex.html"]
SAMPLE = {
    "book/index.html",
    "book/safety.html",
    "book/numbers.html",
    "executed/03_efficacy.html",
    "search.html",
}  # one of each kind
BRIEF = {"resultTypes": ["violations"]}
CONTRAST = BRIEF | {"runOnly": ["color-contrast"]}  # the only rule that can tell the themes apart
# the rows of a long table are all made alike, and so are the tables and figures of a notebook after the first few of
# them; axe-core needs minutes for all
THIN = """() => {
  document.querySelectorAll("tr:nth-child(n + 7):not(:nth-child(20n))").forEach(row => row.remove());
  [...document.querySelectorAll(".cell_output table")].slice(6).forEach(table => table.remove());
  [...document.querySelectorAll(".cell_output img")].slice(6).forEach(image => image.remove());
}"""


def violations(page, options=BRIEF):
    """What axe-core finds wrong, each with the first places."""
    found = sync_playwright.Axe().run(page, options=options).response["violations"]
    return [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in found]


def darken(page):
    page.evaluate("document.documentElement.dataset.theme = 'dark'")


@pytest.mark.parametrize("name", sampled(SAMPLE, PAGES))
def test_a_page_has_no_violations_in_either_theme(visit, name):
    page = visit(name, color_scheme="light", reduced_motion="reduce")
    page.evaluate(THIN)
    assert violations(page) == []
    darken(page)
    assert violations(page, CONTRAST) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_an_open_card_has_no_violations_in_either_theme(visit, width):
    page = visit("book/index.html", width, color_scheme="light", reduced_motion="reduce")
    page.locator("article a.num[data-key='cd4.final.difference']").first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".passport:popover-open").is_visible()
    assert violations(page) == []
    darken(page)
    assert violations(page, CONTRAST) == []


def test_violations_would_be_found(visit):
    page = visit("book/references.html", color_scheme="light", reduced_motion="reduce")
    page.evaluate("document.querySelector('.citation').setAttribute('role', 'doc-biblioentry')")
    page.evaluate("document.querySelector('article p, .citation p').style.color = '#999'")
    assert {"aria-deprecated-role", "color-contrast"} <= {name for name, _ in violations(page)}
