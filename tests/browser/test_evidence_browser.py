"""The marks of evidence: switched on and off by a reader, kept for other pages, and absent without script."""

ABSTRACT, EFFICACY = "book/index.html", "book/efficacy.html"
SWITCH = "Mark what is made up"
MARK = """key => getComputedStyle(document.querySelector(`a.num[data-key='${key}']`), '::after').content"""


def test_a_reader_switches_the_marks_on_and_they_stay_on_other_pages(visit):
    page = visit(ABSTRACT)
    switch = page.get_by_role("button", name=SWITCH)
    assert switch.get_attribute("aria-pressed") == "false" and not page.locator(".evidence-legend").is_visible()
    assert page.evaluate(MARK, "cd4.final.difference") in ("none", "normal")
    switch.click()
    assert switch.get_attribute("aria-pressed") == "true" and page.locator(".evidence-legend").is_visible()
    marks = {
        "cd4.final.difference": "p",
        "cd4.gee.effect.cr2.p": "s",
        "cd4cd8.gee.effect.cr2.ci": None,
        "multiplicity.small_sample.cd4.gee.effect.cr2.holm": None,
    }
    for key, mark in marks.items():
        shown = page.evaluate(MARK, key).strip('"')
        assert shown == mark or (mark is None and shown in "psdf")
    page.wait_for_timeout(500)  # what is kept is written down a moment after, and a reader is not as fast as a test
    page.goto(page.url.replace(ABSTRACT, EFFICACY))
    assert page.get_by_role("button", name=SWITCH).get_attribute("aria-pressed") == "true"
    assert page.evaluate(MARK, "cd4.gee.effect.cr2.p").strip('"') == "s"
    page.get_by_role("button", name=SWITCH).click()
    assert page.evaluate(MARK, "cd4.gee.effect.cr2.p") in ("none", "normal")


def test_without_script_there_is_no_switch(visit):
    page = visit(ABSTRACT, java_script_enabled=False)
    assert page.locator(".evidence-switch").count() == 0
