"""What changed between two editions: the verdict of each number, and the sentences that read differently."""

import pytest
from bs4 import BeautifulSoup

from trialbook.editions import report
from trialbook.editions.changes import Change, Edition, compare, verdict
from trialbook.editions.lock import Lock, Number
from trialbook.results import sentences


def p(value, display=None):
    return Number(display or f"{value:.3f}", value, "p")


def ci(low, high, null=0):
    return Number(f"{low} to {high}", [low, high], "ci", null)


def effect(value, display=None):
    return Number(display or f"{value:.1f}", value, "difference")


VERDICTS = [
    (p(0.0240001, "0.024"), p(0.0239999, "0.024"), ""),  # as close as a lock can tell
    (effect(0.0), effect(-8.9e-17, "0.0"), ""),  # what rounding leaves of nothing
    (p(0.0500001, "0.050"), p(0.0499999, "0.050"), ""),
    (effect(67.1), effect(67.1 * (1 + 1e-7)), ""),
    (effect(67.1), effect(67.104), "rounding only"),
    (effect(67.1), effect(69.4), "moved by 2.3 (3.4%)"),
    (effect(0.0), effect(2.0), "moved by 2.0"),
    (effect(2.0), effect(-0.5), "sign flipped"),
    (effect(0.0), effect(-0.5), "moved by −0.50"),
    (Number("20", 20, "count"), Number("19", 19, "count"), "moved by −1 (−5.0%)"),
    (p(0.049), p(0.051), "P now not below 0.05"),
    (p(0.05), p(0.049), "P now below 0.05"),
    (p(0.05), p(0.06), "moved by 0.010 (20.0%)"),
    (p(0.0499, "0.050"), p(0.0501, "0.050"), "P now not below 0.05"),
    (ci(1.0, 9.0), ci(-1.0, 9.0), "interval now includes 0"),
    (ci(1.0, 9.0), ci(0.0, 9.0), "interval now includes 0"),
    (ci(-1.0, 9.0), ci(1.0, 9.0), "interval no longer includes 0"),
    (ci(-9.0, -1.0), ci(1.0, 9.0), "moved"),
    (ci(0.5, 0.9, 1), ci(0.5, 1.1, 1), "interval now includes 1"),
    (ci(1.2, 2.4, 1), ci(-0.2, 0.9, 1), "moved"),  # 0 is nothing to a ratio
    (Number("0 to 9", [0.3, 9.1], "ci", 0), Number("0 to 9", [-0.3, 9.1], "ci", 0), "interval now includes 0"),
    (ci(1.0, 9.0), Number("not estimable", None, "ci", 0), "no longer estimable"),
    (ci(0.5, 0.9, None), ci(-0.5, 1.1, None), "moved"),
    (effect(2.0), Number("not estimable", None, "difference"), "no longer estimable"),
    (Number("not estimable", None, "difference"), effect(2.0), "can be estimated now"),
    (Number("a", "a", "text"), Number("b", "b", "text"), "another text"),
    (Number("2 of 10", [2, 10], "n of N"), Number("3 of 10", [3, 10], "n of N"), "moved"),
    (None, effect(2.0), "new in the paper"),
    (effect(2.0), None, "no longer in the paper"),
    (effect(67.1, "67"), effect(67.1, "67.1"), "another display"),
]


def told(before, now, was=0.05, alpha=0.05):
    """The verdict in words; empty where there is none."""
    found = verdict(before, now, was, alpha)
    return Change("a", before, now, found, alpha).said if found else ""


@pytest.mark.parametrize(("before", "now", "said"), VERDICTS)
def test_a_change_has_its_verdict(before, now, said):
    assert told(before, now) == said


def test_another_alpha_is_another_verdict():
    assert told(p(0.02), p(0.03), 0.025, 0.025) == "P now not below 0.025"
    assert told(p(0.03), p(0.03), 0.05, 0.025) == "P now not below 0.025"
    assert told(p(0.02), p(0.02), 0.05, 0.025) == ""


# ------------------------------------------------------------------------------------------------------- sentences

PAGES = {
    "book/index": "# T\n\nThe gain was {num}`a.n` ({ci}`a`; {p}`a.p`), **not** [more](x.md) {strip}`a`.\n"
    "- **Still**\n  {num}`b`: {p}`small.p`.\n",
    "book/discussion": "Again {num}`a.n`, which {claim}`is high <high>` and {claim}`wide`.\n",
}
WORDING = {"high": "high", "wide": "spreads far"}
OLD = {
    "a.n": Number("67", 67.1, "difference"),
    "a.ci": Number("10 to 124", [10.0, 124.0], "ci", 0),
    "a.p": Number("0.024", 0.024, "p"),
    "b": Number("5 <b>", 5, "count"),
    "c": Number("1.0", 1.0, "mean"),
    "small.p": Number("<0.001", 0.0001, "p"),
    "trial.ci_level": Number("95%", "95%", "text"),
}
NEW = OLD | {
    "a.n": Number("69", 69.0, "difference"),
    "a.ci": Number("−1 to 130", [-1.0, 130.0], "ci", 0),
    "c": Number("1.1", 1.1, "mean"),
}


@pytest.fixture
def found():
    said = sentences.of_prose(PAGES, WORDING, OLD)
    return compare(Edition("old", Lock(0.05, {}, OLD), said), Edition("new", Lock(0.05, {}, NEW), said))


def shown(sentence):
    return "".join(part if isinstance(part, str) else OLD[part["key"]].display for part in sentence.parts)


def test_a_sentence_of_prose_reads_as_on_the_page():
    found = sentences.of_prose(PAGES, WORDING, OLD)
    (first, second) = found["a.n"]
    assert shown(first) == "The gain was 67 (95% CI, 10 to 124; P = 0.024), not more."
    assert shown(second) == "Again 67, which is high and spreads far."
    assert [shown(one) for one in found["small.p"]] == ["5 <b>: P <0.001."]


def test_every_sentence_that_reads_differently_is_told_once(found):
    assert found.summary == "4 of 7 numbers reproduced; 3 changed, 1 bearing on a conclusion"
    told = [(page, len(own)) for page, own in found.pages]
    assert told == [("book/index", 1), ("book/discussion", 1)]
    assert [change.key for change in found.changes] == ["a.ci", "a.n", "c"]  # the grave one first
    added = compare(found.before, Edition("new", Lock(0.05, {}, NEW | {"b": OLD["c"]}), found.now.sentences))
    ((_, first), _) = added.pages
    assert [one.parts[0] for one in first] == ["The gain was ", {"key": "b"}]  # as they follow on the page
    lines = "\n".join(report.lines(found))
    assert "a.ci: 10 to 124 → −1 to 130 (interval now includes 0)" in lines
    assert "The gain was [67 → 69] (95% CI, [10 to 124 → −1 to 130]; P = 0.024)" in lines
    assert "Still" not in lines


def test_a_sentence_whose_interval_crossed_is_told_though_it_reads_alike(found):
    """As displayed, 0 to 9 may hold zero or not."""
    alike = [Number("0 to 9", [low, 9.1], "ci", 0) for low in (0.3, -0.3)]
    before, now = (Edition("", Lock(0.05, {}, OLD | {"a.ci": one}), found.now.sentences) for one in alike)
    told = report.lines(compare(before, now))
    assert any("(95% CI, [0 to 9 → 0 to 9]; P = 0.024)" in line for line in told)


def test_the_page_marks_old_and_new_and_no_data_are_markup(found):
    soup = BeautifulSoup(report.page("diff.html", changes=found, site="html"), "html.parser")
    item = soup.select_one("li")
    assert [e.get_text() for e in item.select("del")] == ["67", "10 to 124"]
    assert [e.get_text() for e in item.select("ins")] == ["69", "−1 to 130"]
    assert not soup.select("[src], link, script")
    hostile = compare(found.before, Edition("x", Lock(0.05, {}, OLD | {"b": Number("<i>", 6, "count")}), {}))
    assert "<i>" not in report.page("diff.html", changes=hostile, site="")
    assert "\\<i\\>" in report.page("diff.md", changes=hostile)


def test_the_markdown_is_a_table_that_a_pull_request_shows(found):
    text = report.page("diff.md", changes=found)
    assert "- The gain was ~~67~~ **69** (95% CI, ~~10 to 124~~ **−1 to 130**; P = 0.024)" in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows[0] == "| `a.ci` | 10 to 124 | −1 to 130 | **interval now includes 0** |"
    assert len(rows) == 3


def test_nothing_changed_is_said(found):
    same = compare(found.before, found.before)
    assert same.summary == "7 of 7 numbers reproduced"
    assert report.lines(same) == ["7 of 7 numbers reproduced."]


def test_a_number_that_stands_in_a_table_only_is_told_with_its_row(found):
    cell = sentences.Sentence("book/safety", ("Laboratory values: ALT",), "number-9", "table")
    now = Edition("new", found.now.lock, {"c": [cell]})
    there = compare(found.before, now)
    assert "    book/safety, table: Laboratory values: ALT" in report.lines(there)
    soup = BeautifulSoup(report.page("diff.html", changes=there, site="html"), "html.parser")
    (link,) = soup.select("th a")
    assert (link["href"], link.get_text()) == ("html/book/safety.html#number-9", "c")
