"""Other trials: their books are built by the same code, say what they lack, and leave ours as it was."""

import re

import pytest
from builds import Site, differences
from conftest import sampled

from trialbook.analysis import efficacy, longitudinal


@pytest.fixture(scope="module", params=sampled("amitriptyline_hivsn", ["amitriptyline_hivsn", "actg175_n20"]))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def books(book, real_trial, name, tmp_path_factory):
    """Our book with the draft of another trial's book built beside it, and what was said."""
    copy = book.clone(tmp_path_factory.mktemp("trials") / "copy")
    return copy, copy.make(trial=real_trial(name), draft=True)


@pytest.fixture(scope="module")
def site(books, name):
    return Site(books[0].folder / "_build/trials" / name / "html")


def test_our_book_stays_as_it_was(books, book):
    copy, _ = books
    assert differences(copy.site.digests(), book.site.digests()) == []
    assert copy.due() == set()


def test_a_trial_has_a_whole_book_of_its_own(site, book):
    assert set(site.pages) == set(book.site.pages)
    assert site.results["trial.title"]["display"] != book.site.results["trial.title"]["display"]
    title = site.pages["book/index.html"].select_one("h1").get_text()
    assert title.startswith(site.results["trial.title"]["display"])


def test_no_page_says_that_real_data_are_synthetic(site):
    assert site.results["trial.provenance"]["display"] == "real"
    for page, soup in site.pages.items():
        banner = soup.select_one(".bd-header-announcement")
        assert "synthetic" not in banner.get_text() and "Draft" in banner.get_text(), page


def test_what_a_trial_lacks_is_shown_where_it_is_cited_and_listed(site, books):
    listed = (site.folder / "not_available.txt").read_text("utf8").splitlines()
    pages = {key: where.split(", ") for key, where in (line.split(": ") for line in listed)}
    assert pages and not pages.keys() & site.results.keys()
    for key, where in pages.items():
        for page in where:
            assert f"[not available: {key}]" in site.text(f"{page}.html")
    shown = {
        notice.get_text().removeprefix("[not available: ").removesuffix("]")
        for soup in site.pages.values()
        for notice in soup.select("article .not-available")
    }
    assert shown == pages.keys()
    assert f"{len(pages)} results are not available" in books[-1]


def test_no_page_shows_markup_or_what_only_a_program_would_say(site):
    for page in site.pages:
        text = site.text(page)
        assert not re.search(r"Traceback|&lt;|&amp;|\\textless|<table|<div|<td|\{num\}|\{result-", text), page
        cells = [cell.get_text().strip() for cell in site.pages[page].select("article td, article th")]
        assert not [cell for cell in cells if re.fullmatch("nan|inf|None|NaT|<NA>", cell)], page


def test_every_table_of_the_book_has_cells_or_a_note_that_says_why_not(site):
    for page, soup in site.pages.items():
        for table in soup.select("article table"):
            note = soup.find(id=table.get("aria-describedby"))
            assert table.select("td") or (note and note.get_text().strip()), f"{page}: {table.get_text()[:80]}"


def test_every_number_shown_is_a_row_of_this_trial(site):
    for page in site.pages:
        for key, text in site.numbers(page):
            assert text == site.results[key]["display"], page


@pytest.mark.long
def test_without_draft_mode_what_is_lacking_is_an_error_that_names_the_keys(site, books, real_trial, name):
    copy, before = books[0], site.digests()
    said = copy.make(trial=real_trial(name), fails=True)
    for line in (site.folder / "not_available.txt").read_text("utf8").splitlines():
        assert repr(line.split(": ")[0]) in said
    assert site.digests() == before


def test_its_numbers_are_those_of_the_analyses_that_are_compared_with_r(site, real, name):
    trial, compared = real(name), 0
    for analysis in (efficacy.by_visit, efficacy.final_difference, efficacy.gee, longitudinal.anova):
        for row in analysis(trial):
            shown = site.results[row.key]["value"]
            assert shown == (pytest.approx(row.value) if isinstance(row.value, float | list) else row.value), row.key
            compared += 1
    assert compared > 50
