"""What a passport says of a number: the condition finds the participants, the parameters are those of the run."""

import json
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from builds import ROOT

from trialbook.results.row import Result
from trialbook.sphinx import passport

REGISTER = "book/numbers"


@pytest.fixture(scope="module")
def rows(site):
    return {key: Result(**row) for key, row in site.results.items()}


@pytest.fixture(scope="module")
def conditions(rows):
    return passport.Conditions(rows.values())


@pytest.fixture(scope="module")
def tables(nk):
    """The tables as an analyst has them: the flags and the arm of ADSL beside each value."""
    own = [name for name in nk.adsl if name == "USUBJID" or name not in nk.adlb]
    return {"adsl": nk.adsl, "adlb": nk.adlb.dropna(subset=["AVAL"]).merge(nk.adsl[own], on="USUBJID")}


def found(tables, row, condition):
    """How many participants a condition finds; of events and doses, those whose records are looked at."""
    table = tables["adlb" if row.dataset == "adlb" else "adsl"]
    return (table.query(condition) if condition else table)["USUBJID"].nunique()


def test_the_condition_of_each_number_finds_its_n_participants(site, rows, conditions, tables):
    used = json.loads((site.folder / "numbers.json").read_text("utf8"))
    checked = [row for key, row in rows.items() if key in used and row.n is not None and row.dataset in passport.TABLES]
    checked = [row for row in checked if row.dataset != "adex" or row.unit == "participants"]  # others count doses
    assert len(checked) > 400
    wrong = [(row.key, conditions.of(row)) for row in checked if found(tables, row, conditions.of(row)) != row.n]
    assert wrong == []


def test_a_wrong_condition_would_be_found(rows, tables):
    row = rows["cd4.final.nk_art.mean"]
    assert found(tables, row, 'PARAMCD == "CD4" and AVISITN == 25') != row.n
    assert found(tables, row, 'PARAMCD == "CD4" and AVISITN == 24 and ITTFL == "Y"') != row.n


@pytest.mark.parametrize(
    ("key", "condition"),
    [
        ("cd4.final.nk_art.mean", 'PARAMCD == "CD4" and AVISITN == 24 and ITTFL == "Y" and TRT01P == "NK+ART"'),
        ("cd4.gee.effect", 'PARAMCD == "CD4" and AVISITN in [1, 3, 6, 9, 12, 24] and ITTFL == "Y"'),
        ("baseline.cd4.all.mean_sd", 'PARAMCD == "CD4" and AVISITN == 0'),
        ("baseline.age.art.mean_sd", 'TRT01P == "ART"'),
        ("alt.marked.ctcae.art.n_pct", 'PARAMCD == "ALT" and AVISITN > 0 and SAFFL == "Y" and TRT01A == "ART"'),
        ("safety.pyrexia.nk_art.n_of", 'SAFFL == "Y" and TRT01A == "NK+ART"'),
        ("trial.title", ""),
    ],
)
def test_a_condition_is_stated_as_an_analyst_types_it(rows, conditions, key, condition):
    assert conditions.of(rows[key]) == condition


def test_the_flag_is_that_of_the_rows_own_analysis_set(rows, conditions):
    row = replace(rows["cd4.final.difference"], analysis_set="per protocol")
    assert conditions.of(row) == 'PARAMCD == "CD4" and AVISITN == 24 and PPROTFL == "Y"'


# -------------------------------------------------------------------------------------------- in the built pages


def cards(site, page):
    """The cards of a page, as HTML by key."""
    held = site.pages[page].select_one("script#passports")
    if held is None:
        return {}
    held = json.loads(held.string)
    return {key: "".join(held["parts"][i] for i in own) for key, own in held["cards"].items()}


def test_each_page_has_the_cards_of_its_numbers_and_no_others(site):
    for page in site.pages:
        if page.startswith("book/") and page != f"{REGISTER}.html":
            assert set(cards(site, page)) == {key for key, _ in site.numbers(page)} & site.results.keys(), page


def test_a_card_says_what_its_row_says(site):
    card = cards(site, "book/index.html")["cd4.final.difference"]
    row = site.results["cd4.final.difference"]
    second = site.results["cd4.final.difference.second"]
    for said in (
        row["display"],
        row["unit"],
        repr(row["value"]),
        f"n = {row['n']}",
        row["analysis_set"],
        row["method"],
    ):
        assert said in card
    assert "Effect at the final visit" in card
    assert f"{second['display']}, by {second['method']}; agrees" in card
    assert "<code>final_test='pooled t'</code>" in card
    assert 'ADLB where <code>PARAMCD == "CD4" and AVISITN == 24 and ITTFL == "Y"</code>' in card


@pytest.fixture(scope="module")
def anchors(site):
    """Every place of the book that a link can lead to."""
    return {f"{page}#{element['id']}" for page, soup in site.pages.items() for element in soup.select("[id]")}


def target(href):
    """The place that a link of a page of prose leads to."""
    return href.removeprefix("../") if href.startswith("../") else f"book/{href}"


def test_every_link_of_a_card_leads_somewhere(site, anchors):
    parts = BeautifulSoup("".join(cards(site, "book/safety.html").values()), "html.parser")
    links = {target(link["href"]) for link in parts.select("a[href]")}
    assert any(link.startswith("executed/08_rows.html#cell-") for link in links)
    assert links - anchors == {f"{REGISTER}.html#"}  # the script adds the key


def test_the_page_of_all_numbers_lists_every_use_once(site, anchors):
    used = json.loads((site.folder / "numbers.json").read_text("utf8"))
    lines = {line["id"]: line for line in site.pages[f"{REGISTER}.html"].select("table.register tbody tr")}
    assert lines.keys() == used.keys()
    for key, places in used.items():
        number, _, where = lines[key].find_all("td", recursive=False)
        assert number.a.get_text() == site.results[key]["display"] and target(number.a["href"]) in anchors
        uses = [target(link["href"]) for link in where.find_all("a")]
        assert uses == [f"{place['page']}.html#{place['anchor']}" for place in places]
        assert anchors.issuperset(uses)


def test_the_page_of_all_numbers_is_in_the_contents():
    assert f"file: {REGISTER}\n" in (ROOT / "_toc.yml").read_text("utf8")
