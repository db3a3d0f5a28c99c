"""The card of a number and the page of all numbers in a browser: by keyboard, touch and mouse, and without script."""

import json
import re

import pytest

ABSTRACT, REGISTER = "book/index.html", "book/numbers.html"
CARD = ".passport:popover-open"
NUMBER = "article a.num[data-key='cd4.final.difference']"
FOCUSED = "document.activeElement.id"
SHIFTS = """() => new Promise(done => {
    const seen = [];
    new PerformanceObserver(list => seen.push(...list.getEntries())).observe({type: 'layout-shift', buffered: true});
    setTimeout(() => done(seen.map(entry => [entry.startTime, entry.value])), 100); })"""
BOXES = "[...document.querySelectorAll('article p, article a')].map(e => JSON.stringify(e.getBoundingClientRect()))"


def tab_to(page, number):
    """Press Tab from the heading on until the number has the focus."""
    page.locator("article h1 a").first.focus()
    wanted = page.locator(number).first.get_attribute("id")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == wanted:
            return wanted
    raise AssertionError(f"{number} is not reached in 60 stops")


def test_by_keyboard_a_card_is_opened_entered_followed_and_come_back_from(visit):
    page = visit(ABSTRACT)
    number = tab_to(page, NUMBER)
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    card = page.locator(CARD)
    assert card.is_visible() and "pooled t test" in card.inner_text()
    assert page.evaluate("document.activeElement.getAttribute('aria-haspopup')") == "dialog"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.matches('.passport[role=dialog] a.cell')")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("03_efficacy.html#cell-"))
    page.go_back()
    page.wait_for_url(re.compile(f"index.html#{number}$"))
    page.wait_for_function(f"{FOCUSED} === '{number}'")
    assert page.locator(NUMBER).first.bounding_box()["y"] < 900


def test_escape_closes_the_card_and_gives_the_focus_back(visit):
    page = visit(ABSTRACT)
    number = tab_to(page, NUMBER)
    page.keyboard.press("Escape")
    assert page.locator(CARD).count() == 0 and page.evaluate(FOCUSED) == number
    page.keyboard.press("Enter")
    assert page.locator(CARD).count() == 1
    page.keyboard.press("Escape")
    assert page.locator(CARD).count() == 0 and page.evaluate(FOCUSED) == number


def test_tab_leaves_the_card_for_what_stands_beside_the_number(visit):
    page = visit(ABSTRACT)
    number = tab_to(page, NUMBER)
    for key in ("Enter", "Shift+Tab"):
        page.keyboard.press(key)
    assert page.evaluate(FOCUSED) == number
    page.keyboard.press("Enter")
    for _ in range(page.locator(f"{CARD} a").count()):
        page.keyboard.press("Tab")
    following = page.evaluate("document.activeElement.dataset.key")
    links = page.evaluate("[...document.querySelectorAll('article a')].map(a => [a.id, a.dataset.key])")
    assert following == links[[id for id, _ in links].index(number) + 1][1]


def test_by_touch_on_a_phone_a_card_is_opened_followed_and_come_back_from(visit):
    page = visit(ABSTRACT, 390, has_touch=True, is_mobile=True)
    link = page.locator(NUMBER).first
    number = link.get_attribute("id")
    link.tap()
    card = page.locator(CARD)
    box = card.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["y"] >= 0 and box["y"] + box["height"] <= 900
    page.locator("article strong", has_text="Funding").tap()
    assert card.count() == 0
    link.tap()
    card.locator("a.cell").tap()
    page.wait_for_url(re.compile("03_efficacy.html#cell-"))
    page.go_back()
    page.wait_for_function(f"{FOCUSED} === '{number}'")


def test_the_mouse_shows_a_card_that_stays_under_it_and_the_click_is_that_of_a_link(visit):
    page = visit(ABSTRACT)
    link, card = page.locator(NUMBER).first, page.locator(CARD)
    link.hover()
    card.wait_for()
    card.locator("dl").hover()
    page.wait_for_timeout(500)
    assert card.is_visible()
    page.keyboard.press("Escape")
    assert card.count() == 0
    link.hover()
    card.wait_for()
    page.mouse.move(5, 5)
    card.wait_for(state="detached")
    link.click()
    page.wait_for_url(re.compile("03_efficacy.html#cell-"))


@pytest.mark.parametrize("width", [1280, 390])
def test_a_card_moves_nothing_and_is_whole_in_the_window_from_a_wide_table_too(visit, width):
    page = visit("book/safety.html", width)
    link = page.locator(".wide td a.num").last
    link.scroll_into_view_if_needed()
    before, clock = page.evaluate(BOXES), page.evaluate("performance.now()")
    link.hover()
    page.locator(CARD).wait_for()
    box = page.locator(CARD).bounding_box()
    assert page.evaluate(BOXES) == before
    assert [value for time, value in page.evaluate(SHIFTS) if time > clock] == []
    assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] >= 0 and box["y"] + box["height"] <= 900
    page.emulate_media(media="print")
    assert not page.locator(CARD).is_visible()


def test_something_that_moves_the_page_would_be_found(visit):
    page = visit(ABSTRACT)
    before, clock = page.evaluate(BOXES), page.evaluate("performance.now()")
    page.evaluate(
        "document.querySelector('article p').before(Object.assign(document.createElement('div'), "
        "{style: 'height: 99px'}))"
    )
    assert page.evaluate(BOXES) != before
    assert [value for time, value in page.evaluate(SHIFTS) if time > clock] != []


def test_without_script_a_number_is_a_plain_link(visit):
    page = visit(ABSTRACT, java_script_enabled=False)
    link = page.locator(NUMBER).first
    assert "cd4.final.difference" in link.get_attribute("title")
    link.click()
    page.wait_for_url(re.compile("03_efficacy.html#cell-"))


# ------------------------------------------------------------------------------------------ the page of all numbers


def test_the_list_is_searched(visit, site):
    page = visit(REGISTER)
    shown, count = page.locator("table.register tbody tr:visible"), page.locator(".register-search output")
    whole = shown.count()
    assert count.inner_text() == f"{whole} of {whole} numbers"
    page.get_by_label("Find a key").fill("CD4.final  transient")
    assert count.inner_text() == f"0 of {whole} numbers" and shown.count() == 0
    page.get_by_label("Find a key").fill("transient FEVER")
    keys = shown.evaluate_all("rows => rows.map(row => row.id)")
    assert "safety.pyrexia.nk_art.n_of" in keys and count.inner_text() == f"{len(keys)} of {whole} numbers"


def test_the_list_is_sorted_by_each_column(visit, site):
    page = visit(REGISTER)
    ids = "[...document.querySelectorAll('table.register tbody tr')].map(row => row.id)"
    paper = page.evaluate(ids)

    def press(name):
        page.get_by_role("button", name=name, exact=True).click()
        heading = page.get_by_role("columnheader", name=name)
        return heading.get_attribute("aria-sort"), page.evaluate(ids)

    assert press("Key") == ("ascending", sorted(paper))
    assert press("Key") == ("descending", sorted(paper, reverse=True))
    said, keys = press("Number")
    values = [site.results[key]["value"] for key in keys]
    values = [value[0] if isinstance(value, list) else value for value in values]
    numbers = [float(value) for value in values if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", str(value))]
    assert said == "ascending" and numbers == sorted(numbers)
    assert len(numbers) > 600 and all(isinstance(value, str | None) for value in values[len(numbers) :])
    assert press("Where") == ("ascending", paper)


def test_a_use_in_the_list_leads_to_the_number_in_its_sentence(visit):
    page = visit(REGISTER)
    page.locator("[id='cd4.final.difference'] td:last-child a").first.click()
    page.wait_for_url(re.compile(r"index.html#number-\d+"))
    page.wait_for_function("document.activeElement.dataset.key === 'cd4.final.difference'")
    marked = page.evaluate("getComputedStyle(document.querySelector('a.num:target')).backgroundColor")
    assert marked not in ("rgba(0, 0, 0, 0)", "transparent")


def test_without_script_the_list_is_whole_and_has_no_field(visit, site):
    page = visit(REGISTER, java_script_enabled=False)
    whole = len(json.loads((site.folder / "numbers.json").read_text("utf8")))
    assert page.locator("table.register tbody tr:visible").count() == whole
    assert page.locator("input:visible, thead button:visible").count() == 0
