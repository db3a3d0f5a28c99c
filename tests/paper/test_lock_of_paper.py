"""The numbers lock of the paper holds what its pages show."""

import pytest

from trialbook.editions import lock


def test_it_holds_every_number_that_the_paper_uses(site):
    """As the pages show them, without the versions of software."""
    found = lock.of_site(site.folder / "results.json")
    shown = {pair for page in site.pages if page.startswith("book/") for pair in site.numbers(page)}
    assert {(key, number.display) for key, number in found.numbers.items()} == {
        (key, text) for key, text in shown if not key.startswith("software.")
    }
    for key, number in found.numbers.items():
        value = site.results[key]["value"]
        assert number.value == (pytest.approx(value, rel=1e-5) if isinstance(value, float) else number.value)
    assert found.numbers["cd4.final.difference.ci"].null == 0
    assert found.numbers["safety.any.difference.ci"].null == 0
    assert found.numbers["cd4.final.nk_art.mean"].null is None
