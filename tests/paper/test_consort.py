"""The CONSORT checklist: every item, where it is reported, what results say of it, and its gaps."""

import re

from builds import ROOT

from trialbook.claims import consort

# the items of the CONSORT 2025 statement: how many letters each number has, where it has any
LETTERS = {1: 2, 5: 2, 12: 2, 16: 2, 17: 2, 20: 2, 21: 4, 22: 2, 23: 2, 24: 2}
ITEMS = [f"{n}{letter}" for n in range(1, 31) for letter in ("abcd"[: LETTERS[n]] if n in LETTERS else [""])]
PAGE = "book/consort.html"


def checklist(site):
    """The cells of each item, by its number."""
    rows = site.pages[PAGE].select("article table tbody tr")
    return {row.td.get_text(strip=True): row.select("td") for row in rows}


def test_every_item_of_the_statement_is_there_once_and_in_order(site):
    assert len(ITEMS) == 42
    assert list(checklist(site)) == ITEMS == list(consort.read(ROOT / "book/consort.yml"))


def test_every_marked_passage_is_linked_from_its_item(site):
    marked = {
        (item, path.stem)
        for path in ROOT.glob("book/*.md")
        for items in re.findall(r"^\{consort\}`(.*?)`", path.read_text("utf8"), re.M)
        for item in items.split(",")
    }
    linked = set()
    for item, cells in checklist(site).items():
        for link in cells[2].select("a"):
            page, _, anchor = link["href"].partition("#")
            target = site.pages[f"book/{page}"].select(f"#{anchor}")
            assert len(target) == 1, link
            section = target[0].find_parent("section").find(re.compile("h[1-6]"))
            assert section.get_text().rstrip("#") in link.get_text() or page == "index.html"
            linked.add((item, page.removesuffix(".html")))
    assert linked == marked


def test_an_item_without_a_passage_is_a_gap(site):
    marked = re.findall(r"\{consort\}`(.*?)`", "".join(p.read_text("utf8") for p in ROOT.glob("book/*.md")))
    known = {item for items in marked for item in items.split(",")}
    shown = checklist(site)
    assert {item for item in shown if shown[item][2].get_text(strip=True) == "Not reported"} == set(ITEMS) - known
    for item, declared in consort.read(ROOT / "book/consort.yml").items():
        assert declared.gap in shown[item][3].get_text()


def test_the_checks_are_those_that_the_results_bear_out(site):
    shown, results = checklist(site), site.results
    said = shown["26"][3].get_text(" ", strip=True)
    analysed, n = (results[f"cohort.{stage}.n"]["value"] for stage in ("efficacy", "randomised"))
    assert analysed == n
    assert f"Holds: all who were randomised are analysed for efficacy ( {analysed} == {n} )" in said
    assert "Broken" not in site.text(PAGE)
