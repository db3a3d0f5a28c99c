"""The pages in a browser: they fit a phone, hide no broken thing, stay readable in the dark, and need no mouse."""

import re

import pytest
from builds import ROOT
from conftest import sampled

from benchmarks.book import transferred

PAGES = [f"{name}.html" for name in re.findall(r"(?:file|root): (\S+)", (ROOT / "_toc.yml").read_text("utf8"))]
WIDTHS = (1280, 390)
SAMPLE = {
    f"{name}.html" for name in ("book/index", "book/efficacy", "book/safety", "book/numbers", "executed/03_efficacy")
}
OVERFLOW = """() => [...document.querySelectorAll('body *')]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .filter(e => !e.closest('.wide, .pst-scrollable-table-container, pre, dialog'))
    .filter(e => getComputedStyle(e).position !== 'fixed' && e.checkVisibility())
    .map(e => e.outerHTML.slice(0, 100))"""
CONTRAST = """selector => {
    const light = c => c.map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const parts = text => text.match(/[\\d.]+/g).map(Number);
    const behind = e => {
        const c = parts(getComputedStyle(e).backgroundColor);
        const next = e.parentElement;
        return c.length < 4 || c[3] > 0 ? c.slice(0, 3) : next ? behind(next) : [255, 255, 255]; };
    return [...document.querySelectorAll(selector)].filter(e => e.checkVisibility()).map(e => {
        const [a, b] = [light(parts(getComputedStyle(e).color).slice(0, 3)), light(behind(e))];
        return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.outerHTML.slice(0, 200)]; }); }"""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", sampled(SAMPLE, PAGES))
def test_a_page_fits_and_is_whole(visit, name, width):
    page = visit(name, width)
    across = page.evaluate("document.documentElement.scrollWidth")
    assert across <= width, f"{across} px: {page.evaluate(OVERFLOW)}"
    broken = page.evaluate("[...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src)")
    assert broken == []
    prose = page.evaluate(
        "(() => { const a = document.querySelector('article').cloneNode(true);"
        " a.querySelectorAll('code, pre, script').forEach(e => e.remove()); return a.textContent; })()"
    )
    assert not re.search(r"\{[a-z-]+\}`|:::|```|\{num|\$\$|\[not available|problematic", prose)
    assert page.left == []


def test_a_number_leads_to_its_cell(visit):
    page = visit("book/index.html")
    link = page.locator("article a.num[data-key='cd4.final.difference']").first
    cell = link.get_attribute("href").partition("#")[2]
    link.click()
    page.wait_for_url(re.compile(re.escape(f"#{cell}") + "$"))
    assert page.locator(f"#{cell}").bounding_box()["y"] < 900
    assert page.locator(f"#{cell} + .cell .cell_input").first.is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "name", ["book/index.html", "book/efficacy.html", "book/safety.html", "executed/03_efficacy.html"]
)
def test_text_stands_out_from_its_ground(visit, name, theme):
    page = visit(name, color_scheme=theme)
    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    for what in (
        "article p",
        "article a.num",
        "article td",
        "article th",
        "figcaption, caption",
        "p.note",
        ".bd-header-announcement",
    ):
        faint = [found for found in page.evaluate(CONTRAST, what) if found[0] < 4.5]
        assert faint == [], what


def test_a_figure_in_the_dark_stands_on_a_light_ground(visit):
    """The drawings have black lines: on a dark page they need a ground of their own."""
    page = visit("book/efficacy.html", color_scheme="dark")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    grounds = page.evaluate(
        "[...document.querySelectorAll('article figure img')].map(i => getComputedStyle(i).backgroundColor)"
    )
    assert grounds and all(min(map(int, re.findall(r"\d+", ground)[:3])) > 200 for ground in grounds), grounds


def test_the_abstract_is_light_and_ships_no_file_that_is_never_loaded(browser, site):
    sizes = transferred(browser, site.folder)
    assert len(sizes) > 20 and sum(sizes.values()) < 500_000, sizes
    assert any("woff2" in name for name in sizes), "the icons are not loaded"
    never = [path.name for pattern in ("*.map", "fontawesome.js*") for path in site.folder.rglob(pattern)]
    assert never == []
