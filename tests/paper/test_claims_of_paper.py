"""The claims of the paper: each is made where a reader can come to it, and the exempt pages are there."""

from builds import ROOT

from trialbook.claims import claims
from trialbook.sphinx import words


def test_every_claim_is_made_and_a_reader_can_come_to_it_and_read_its_condition(site):
    made = [(claim, page) for page, soup in site.pages.items() for claim in soup.select("article .claim")]
    declared = claims.read(ROOT / "book/claims.yml")
    assert {claim["data-claim"] for claim, _ in made} == declared.keys()
    for claim, page in made:
        own = declared[claim["data-claim"]]
        assert claim.name == "span" and claim["tabindex"] == "0", page
        condition = " ".join(own.holds.split())
        assert claim["title"].startswith(
            f"true while {condition}; here " if condition else f"states no finding: {own.because}"
        )
        assert not claim.find_parent("a")


def test_the_exempt_pages_are_there():
    exempt = words.read(ROOT / "book/words.yml").exempt
    assert exempt and [page for page in exempt if not (ROOT / f"{page}.md").exists()] == []
