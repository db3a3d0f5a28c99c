"""Words that judge the results: each is reported outside of a claim, and only there."""

import re

import pytest
from builds import ROOT

from trialbook.sphinx.evaluative_words import EXEMPT, WORD

# each line with the word that must be reported, and the sentence that must be quoted
JUDGING = [
    ("The effect was significant.", "significant", "The effect was significant."),
    ("Long as it was,\nit was *insignificant*.\nSo it ended.", "insignificant", "it was insignificant."),
    ("The arms differed by {num}`cd4.final.difference`.", "differed", "The arms differed by 67."),
    ("The count was higher with cells.", "higher", "The count was higher with cells."),
    ("## A Lower count", "Lower", "A Lower count"),
    ("The count rose.", "rose", "The count rose."),
    ("| place |\n|---|\n| it fell |", "fell", "it fell"),
    ("- Health improved.", "improved", "Health improved."),
    ("It was **well tolerated**.", "tolerated", "It was well tolerated."),
    ("The cells are safe.", "safe", "The cells are safe."),
    ("```{result-figure} cd4.trajectory\nA greater effect.\n```", "greater", "A greater effect. [source]"),
    ("It was superior.", "superior", "It was superior."),
    ("They hardly changed.", "hardly", "They hardly changed."),
    ("Two participants had fever.", "Two", "Two participants had fever."),
    ("None of them left.", "None", "None of them left."),
    ("It was [worse](methods.md) there.", "worse", "It was worse there."),
    ("A note.[^note]\n\n[^note]: It was mild.", "mild", "It was mild."),
]

FREE = [
    "The difference was {num}`cd4.final.difference`.",
    "It {claim}`was higher <definition>` there, and {claim}`two or three <description>` here.",
    "As others found {cite}`bell2002`, see {numref}`tab-events`.",
    "Run `make better`.",
    "```bash\nmake better\n```",
    "Small-sample inference was used throughout, in a well-differentiated way.",
    "% it was safe",
]


@pytest.fixture(scope="module")
def said(book, tmp_path_factory):
    """What is said of a checked page with every sentence of `JUDGING` and `FREE`, and of an exempt one."""
    copy = book.clone(tmp_path_factory.mktemp("words") / "copy")
    copy.edit("book/safety.md", "", "\n" + "\n\n".join([line for line, _, _ in JUDGING] + FREE) + "\n")
    copy.edit("book/methods.md", "", "\nIt was safe and effective.\n")
    return copy.bind(fails=True)


@pytest.mark.parametrize(("line", "word", "sentence"), JUDGING, ids=[word for _, word, _ in JUDGING])
def test_a_word_that_judges_is_reported_with_its_sentence_and_the_remedy(said, line, word, sentence):
    (found,) = (entry for entry in said.splitlines() if f"the word {word!r} judges" in entry)
    assert "book/safety.md" in found and f"“{sentence}”" in found
    assert f"{{claim}}`{word} <id>`" in found and "book/claims.yml" in found


def test_nothing_else_is_reported(said):
    words = re.findall(r"the word '(\w+)' judges", said)
    assert sorted(words) == sorted(word for _, word, _ in JUDGING)


def test_the_exempt_pages_are_there():
    assert [page for page in EXEMPT if not (ROOT / f"book/{page}.md").exists()] == []


@pytest.mark.parametrize(
    "word", ["Significance", "WORSENED", "improvement", "non-significant", "comparable", "largest"]
)
def test_an_ending_hides_nothing(word):
    assert WORD.search(f"a {word} of it")


@pytest.mark.parametrize("word", ["reader", "season", "twofold-design", "fallacy", "morello", "onlyx"])
def test_a_word_that_holds_another_is_left_alone(word):
    assert not WORD.search(f"a {word} of it")
