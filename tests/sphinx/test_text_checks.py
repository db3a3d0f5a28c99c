"""What may not be typed: each digit by hand is reported, and each word that judges, and only there."""

import re

import pytest
from tiny import CONF, analysed, code

from trialbook.displays.tables import Row, Table
from trialbook.errors import FaultsError
from trialbook.results.row import Results
from trialbook.sphinx import words

BIB = "@article{bell2002, title = {A title}, author = {Bell, B.}, year = {2002}, journal = {A journal}}\n"
MORE = """
extensions += ["sphinxcontrib.bibtex"]
bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "label"
myst_enable_extensions = ["colon_fence", "dollarmath"]
"""

# each line with the word that must be reported
TYPED = [
    ("It rose to 11 cells.", "11"),
    ("| place |\n|---|\n| 12 |", "12"),
    ("![a drop to 13](picture.png)", "13"),
    ("```{result-table} tab.plain\nA caption of 14.\n```", "14."),
    ("```{list-table} A title of 15\n* - cell\n```", "15"),
    ("<b>16</b>", "16"),
    ("<div>\n<p>17</p>\n</div>", "17"),
    ("A formula $x = 18$.", "18"),
    ("## A heading of 19", "19"),
    ("[a link of 20](other.md)", "20"),
    ("[a link of 21](https://example.org)", "21"),
    ("A note.[^note]\n\n[^note]: It says 22.", "22"),
    ("*P* = 0.23", "0.23"),
    ("*P* = .2024", ".2024"),
    ("It fell by 2024.5 cells.", "2024.5"),
    ("In 2025% of cases.", "2025%"),
    ("HIV-1.26", "HIV-1.26"),
    ("See item 27, 28 participants had it.", "28"),
    ("a29", "a29"),
    ("CD4=30", "=30"),
    (":::{admonition} A notice of 31\nText.\n:::", "31"),
    ("term 32\n: what it means", "32"),
    ("In **33**.", "33"),
    ("In *34*.", "34"),
    ("35&nbsp;cells", "35"),
    ("```{raw} latex\n36\n```", "36"),
    ("{abbr}`CI (37)`", "37"),
    ("A year 1838 before reporting.", "1838"),
    ("٣٩ in other digits.", "٣٩"),
    ("Twenty participants had it.", "Twenty"),
    ("In twenty-three of them.", "twenty-three"),
    ("Nineteen left.", "Nineteen"),
    ("A third of them had it.", "A third"),
    ("One third of them.", "One third"),
    ("In two-thirds of them.", "two-thirds"),
    ("In ½ of them.", "½"),
    ("Class Ⅻ of them.", "Ⅻ"),
    ("A hundred of them.", "hundred"),
    ("1967 cells were counted.", "1967"),
    ("Of 2019 people.", "2019"),
]
ALLOWED = [
    "CD4 and CD8, CD4/CD8 and CR2, with HIV-1 and HLA-2.",
    "In 1999, in 2024 and from 2018–2020.",
    "In 2019 was the last visit, of 2020 as well, and a third visit; η² and m² are names.",
    "Items 1a, 2 and 3–4 of the statement, and item 12b.",
    "As others found {cite}`bell2002`.",
    "In {numref}`tab-plain`, {ref}`the-other` and [](other.md).",
    "Run `make book CORES=4`.",
    "```bash\nmake book CORES=4\n```",
    "$$x_1^2 + 10 = y$$",
    "1. First.\n2. Second.",
    "<https://example.org/10.1000/182>",
    "% a comment of 67",
    "```{result-table} tab.plain\n:name: tab-plain\nA caption.\n```",
]
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
    ("```{result-table} tab.plain\nA greater effect.\n```", "greater", "A greater effect. [source]"),
    ("It was superior.", "superior", "It was superior."),
    ("They hardly changed.", "hardly", "They hardly changed."),
    ("Two participants had fever.", "Two", "Two participants had fever."),
    ("None of them left.", "None", "None of them left."),
    ("It was [worse](other.md) there.", "worse", "It was worse there."),
    ("A note.[^note]\n\n[^note]: It was mild.", "mild", "It was mild."),
    ("So it was weak, see [](other.md).", "weak", "So it was weak, see …."),
]
FREE = [
    "The difference was {num}`cd4.final.difference`.",
    "It {claim}`was higher <definition>` there, and {claim}`two or three <definition>` here.",
    "As others found {cite}`bell2002`.",
    "Run `make better`.",
    "```bash\nmake better\n```",
    "Small-sample inference was used throughout, in a well-differentiated way.",
    "% it was safe",
]
DIGITS = re.compile(r"the number '([^']*)' is typed by hand: place a result with \{num\}`key`; paper/words\.yml lists")
WORDS = re.compile(r"the word '(\w+)' judges")


def page(*lines):
    return "\n\n".join(["# Page", *lines]) + "\n"


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What is said of a page with all of `TYPED` and `ALLOWED`, and of one with all of `JUDGING` and `FREE`."""
    found = Results()
    found.add("size", 10, "count")
    table = Table("tab.plain", ["Name", "n"], [Row("it was 99 and better", [found["size"]])])
    paper = analysed(
        tmp_path_factory.mktemp("words"),
        "# Paper\n",
        code(found, table, id="table"),
        digits=page(*(line for line, _ in TYPED), *ALLOWED),
        judging=page(*(line for line, _, _ in JUDGING), *FREE),
        other="(the-other)=\n# Other\n\nIt was safe and effective.\n",
        references="# References\n\n```{bibliography}\n```\n",
        **{
            "conf.py": CONF + MORE,
            "references.bib": BIB,
            "paper/claims.yml": "definition: {because: it is one}\n",
            "paper/words.yml": "exempt: [other]\n",
        },
    )
    return paper.build(faulty=True, claims="paper/claims.yml", words="paper/words.yml").said


@pytest.mark.parametrize(("line", "word"), TYPED, ids=[word for _, word in TYPED])
def test_a_digit_typed_by_hand_is_reported(said, line, word):
    reported = [found[1] for entry in said if entry.startswith("digits.md:") and (found := DIGITS.search(entry))]
    assert [found for found in reported if word in found], reported


def test_what_may_be_typed_is_not_reported(said):
    assert len([entry for entry in said if "typed by hand" in entry]) == len(TYPED)


@pytest.mark.parametrize(("line", "word", "sentence"), JUDGING, ids=[word for _, word, _ in JUDGING])
def test_a_word_that_judges_is_reported_with_its_sentence_and_the_remedy(said, line, word, sentence):
    (found,) = (entry for entry in said if f"the word {word!r} judges" in entry and entry.startswith("judging.md:"))
    assert f"“{sentence}”" in found
    assert f"{{claim}}`{word} <id>`, with its condition in paper/claims.yml; paper/words.yml lists" in found


def test_nothing_else_is_reported_and_an_exempt_page_may_judge(said):
    reported = [found[1] for entry in said if not entry.startswith("digits.md:") and (found := WORDS.search(entry))]
    assert sorted(reported) == sorted(word for _, word, _ in JUDGING)


# -------------------------------------------------------------------------------------------------------- the file


def listed(tmp_path, text):
    path = tmp_path / "words.yml"
    path.write_text(text, "utf8")
    return words.read(path)


@pytest.mark.parametrize(
    "word", ["Significance", "WORSENED", "improvement", "non-significant", "comparable", "largest"]
)
def test_an_ending_hides_nothing(tmp_path, word):
    assert words.read(tmp_path / "words.yml").judges.search(f"a {word} of it")


@pytest.mark.parametrize("word", ["reader", "season", "twofold-design", "fallacy", "morello", "onlyx"])
def test_a_word_that_holds_another_is_left_alone(tmp_path, word):
    assert not words.read(tmp_path / "words.yml").judges.search(f"a {word} of it")


def test_a_paper_adds_kinds_of_words_and_takes_away_others(tmp_path):
    own = listed(tmp_path, "judging: {smell: 'odorou?s\\w*', count: ''}\ndigits: {a dose: '\\d+ mg'}\n")
    assert own.judges.search("It is odorous.") and own.judges.search("It rose.") and not own.judges.search("Two rats.")
    assert own.without_typed("CD4, 20 mg and 21") == ",  and 21"


def test_a_paper_without_words_of_its_own_has_those_of_the_engine(tmp_path):
    usual = words.read(tmp_path / "words.yml")
    assert usual.judges.search("It rose.") and usual.without_typed("CD4 in 2024") == " in " and usual.exempt == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("judging: {a: '('}", "judging: not a regular expression"),
        ("judging: [a]", "judging: must be keys with values"),
        ("digit: {a: b}", "did you mean `digits`?"),
    ],
)
def test_a_faulty_file_is_said_in_words(tmp_path, text, said):
    with pytest.raises(FaultsError, match=r"words\.yml") as error:
        listed(tmp_path, text)
    assert said in str(error.value).replace("words.yml, ", "")
