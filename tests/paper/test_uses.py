"""Where the paper uses each number: every link of a page is listed, with its anchor and the sentence around it."""

import json
import re

import pytest


@pytest.fixture(scope="module")
def uses(site):
    return json.loads((site.folder / "numbers.json").read_text("utf8"))


def plain(text):
    """Without the gaps that images leave."""
    return re.sub(r" (?=[:;,.)])", "", " ".join(text.split()))


def said(sentence, results):
    return "".join(part if isinstance(part, str) else results[part["key"]]["display"] for part in sentence)


def test_every_number_of_every_page_is_listed_once(site, uses):
    listed = sorted((f"{use['page']}.html", key) for key, places in uses.items() for use in places)
    assert listed == sorted((page, key) for page in site.pages for key, _ in site.numbers(page) if "book/" in page)


def test_the_anchor_is_that_of_the_number(site, uses):
    for key, places in uses.items():
        for use in places:
            (link,) = site.pages[f"{use['page']}.html"].select(f"#{use['anchor']}")
            assert link["data-key"] == key


def test_a_sentence_is_the_one_that_the_reader_sees(site, uses):
    shown = {page: plain(site.text(page)) for page in site.pages}
    for places in uses.values():
        for use in places:
            if use["in"] != "table":
                parts = [plain(part) for part in said(use["sentence"], site.results).split("…")]
                assert [part for part in parts if part not in shown[f"{use['page']}.html"]] == [], use


def test_numbers_of_one_sentence_share_it(uses):
    (difference,) = [use for use in uses["cd4.final.difference"] if use["page"] == "book/index"]
    (interval,) = [use for use in uses["cd4.final.difference.ci"] if use["page"] == "book/index"]
    assert interval["sentence"] == difference["sentence"]
    assert {"key": "cd4.final.difference.p"} in difference["sentence"]
