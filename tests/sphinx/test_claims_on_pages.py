"""Claims on a page: a reader can come to each and read its condition, and a draft strikes what does not hold."""

import pytest
from tiny import analysed

CLAIMS = """
rose: {says: rose, holds: cd4.final.difference > 0}
fell: {says: fell, holds: cd4.final.difference < 0}
lacks: {says: differs, holds: max(cd4.no.ci) > 10}
defined: {because: it belongs to a definition}
"""
PAGE = """# It {claim}`rose`

It {claim}`went up <rose>`, as [the {claim}`rose` of](other.md) it, {claim}`by definition <defined>`.

It {claim}`fell` from there, and {claim}`lacks`: so.
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    files = {"book/claims.yml": CLAIMS, "other": "# Other\n\nIt {claim}`fell` again.\n"}
    return analysed(tmp_path_factory.mktemp("claims"), PAGE, **files).build(draft=True)


def test_a_reader_can_come_to_a_claim_and_read_its_condition(built):
    made = built.pages["index"].select("h1 .claim, p .claim")
    said = {(claim.get_text(), claim["title"]) for claim in made if claim.name == "span"}
    rose = "true while cd4.final.difference > 0; here 67 > 0"
    assert said == {
        ("rose", rose),
        ("went up", rose),
        ("by definition", "states no finding: it belongs to a definition"),
    }
    for claim in made:
        assert claim.get("tabindex") == (None if claim.find_parent("a") else "0")
    assert len([claim for claim in made if claim.find_parent("a")]) == 1


def test_a_draft_strikes_a_false_claim_says_so_and_lists_it(built):
    (struck,) = built.pages["index"].select("del.claim")
    assert struck.get_text() == "fell" and struck["data-claim"] == "fell"
    assert "It fell [does not hold: fell] from there, and [not available: cd4.no.ci]: so." in built.text()
    assert built.read("false_claims.txt") == "fell: index, other\n"
    assert built.read("not_available.txt") == "cd4.no.ci: index\n"


SEVERAL = """
direction:
  either:
    - {says: higher, holds: cd4.final.difference > 0}
    - {says: lower, holds: cd4.final.difference < 0}
none:
  either:
    - {says: higher, holds: cd4.final.difference > 1000}
  otherwise: not shown
"""


def test_the_results_choose_the_wording(tmp_path):
    paper = analysed(
        tmp_path, "# Page\n\nIt was {claim}`direction` and {claim}`none`.\n", **{"book/claims.yml": SEVERAL}
    )
    built = paper.build()
    assert "It was higher and not shown." in built.text()
    one, other = built.pages["index"].select("p .claim")
    assert one["title"] == "true while cd4.final.difference > 0; here 67 > 0"
    assert other["title"] == "said where none is true of: cd4.final.difference > 1000"


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("own words <direction>", "has several wordings"),
        ("lone", "no wording that is true"),
    ],
)
def test_words_that_the_results_cannot_choose_fail(tmp_path, claim, said):
    lone = "lone:\n  either:\n    - {says: less, holds: cd4.final.difference < 0}\n"
    page = f"# Page\n\nIt was {{claim}}`direction`, {{claim}}`none` or {{claim}}`{claim}`.\n"
    built = analysed(tmp_path, page, **{"book/claims.yml": SEVERAL + lone}).build(faulty=True)
    assert said in " ".join(built.said)
