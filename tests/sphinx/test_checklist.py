"""The CONSORT checklist fills itself: where each item is reported, what results say of it, and its gaps."""

import re

import pytest
from tiny import analysed

from trialbook.claims import consort
from trialbook.errors import FaultsError

ITEMS = """
1a: {topic: Title}
1b: {topic: Abstract, gap: there is none}
22a:
  topic: Flow
  checks:
    the arms add up: cohort.randomised.nk_art.n + cohort.randomised.art.n == cohort.randomised.n
    nobody was added: cohort.randomised.n < 20
    nobody was lost: cohort.no.such == 0
"""
INDEX = "# Paper\n\n{consort}`1a`\nOf it.\n\n## A section\n\n{consort}`22a` Of the flow.\n"
OTHER = "# Other\n\n## Its part\n\n{consort}`1a,22a`\nOf both.\n"


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    pages = {"other": OTHER, "items": "# Items\n\n```{consort-checklist}\n```\n"}
    return analysed(tmp_path_factory.mktemp("consort"), INDEX, **pages, **{"book/consort.yml": ITEMS})


@pytest.fixture(scope="module")
def built(paper):
    return paper.build(draft=True)


@pytest.fixture(scope="module")
def rows(built):
    """The cells of each item, by its number."""
    return {row.td.get_text(strip=True): row.select("td") for row in built.pages["items"].select("table tbody tr")}


def test_every_item_is_there_in_order_with_its_topic(rows):
    assert [(item, cells[1].get_text(strip=True)) for item, cells in rows.items()] == [
        ("1a", "Title"),
        ("1b", "Abstract"),
        ("22a", "Flow"),
    ]


def test_every_marked_passage_is_linked_with_its_page_and_section(built, rows):
    links = {item: [(link.get_text(), link["href"]) for link in cells[2].select("a")] for item, cells in rows.items()}
    first, second = ("index.html#consort-index-1", "index.html#consort-index-2")
    both = ("other.html#consort-other-1", "other.html#consort-other-2")
    assert links["1a"] == [("Paper", first), ("Other: Its part", both[0])]
    assert links["22a"] == [("A section", second), ("Other: Its part", both[1])]
    for href in (first, second, *both):
        page, _, anchor = href.partition(".html#")
        assert len(built.pages[page].select(f"#{anchor}")) == 1


def test_no_reference_in_print_leads_nowhere(paper):
    text = paper.build("latex", draft=True).read("paper.tex")
    places = set(re.findall(r"\\label\{\\detokenize\{(.*?)\}\}", text))
    links = set(re.findall(r"\\hyperref\[\\detokenize\{(.*?)\}\]", text))
    assert {"index:consort-index-1", "other:consort-other-1"} < links <= places


def test_an_item_without_a_passage_is_said_to_be_unreported_and_gaps_are_named(rows):
    assert rows["1b"][2].get_text(strip=True) == "Not reported"
    assert rows["1b"][3].get_text().strip() == "Gap: there is none"


def test_checks_hold_are_broken_or_lack_a_result(rows):
    assert [check.get_text() for check in rows["22a"][3].select("p")] == [
        "Holds: the arms add up (10 + 10 == 20)",
        "Broken: nobody was added (20 < 20)",
        "nobody was lost: [not available: cohort.no.such]",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1a: {topic: Title, checks: {it holds: open(1)}}", "1a.checks: the only functions"),
        ("1a: {checks: {it holds: a.b > 0}}", "1a.topic: the key is missing"),
        ("1a: {topic: Title, and more}", "there is no such key"),
    ],
)
def test_a_faulty_file_is_said_in_words(tmp_path, text, said):
    path = tmp_path / "consort.yml"
    path.write_text(text, "utf8")
    with pytest.raises(FaultsError, match=r"consort\.yml") as error:
        consort.read(path)
    assert said in str(error.value)
