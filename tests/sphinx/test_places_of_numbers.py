"""Where a paper uses each number: its anchor and its sentence, on its card and in the list of all numbers."""

import json

import pytest
from tiny import analysed, code

from trialbook.displays.tables import Row, Table
from trialbook.results.row import Results

KEY = "cd4.final.difference"
PAGE = """# Of {num}`cohort.randomised.n`

First, the difference was {num}`cd4.final.difference` ({ci}`cd4.final.difference`),
with {num}`cohort.randomised.n` in it; see [](other.md).
*Last*, [so {num}`cd4.final.difference` it](other.md).

```{result-table} t.plain
A table of {num}`cohort.randomised.n`.
```

- a point of {num}`cd4.final.difference`
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    own = Results()
    own.add("a.b", 3, "count", dataset="adsl", method="counting", n=3)
    rows = Table("rows.adsl", ["Sex"], [Row("F")])
    table = Table("t.plain", ["Name", "n"], [Row("Women", [own["a.b"]])])
    files = {"other": "# Other\n\n{num}`a.b` of <b> & c.\n", "numbers": "# Numbers\n\n```{register}\n```\n"}
    cells = [code(own, table, id="table"), code(rows, id="rows")]
    paper = analysed(tmp_path_factory.mktemp("uses"), PAGE, *cells, **files)
    return paper.build(code="0123456789ab and changes not committed", data="f" * 64)


@pytest.fixture(scope="module")
def uses(built):
    return json.loads(built.read("numbers.json"))


def test_a_sentence_is_its_words_with_the_keys_of_its_numbers(uses):
    first = ["First, the difference was ", {"key": KEY}, " (", {"key": "trial.ci_level"}, " CI, ", {"key": f"{KEY}.ci"}]
    assert [use["sentence"] for use in uses[KEY]] == [
        [*first, "),"],
        ["Last, …", {"key": KEY}, "…."],
        ["a point of ", {"key": KEY}],
    ]
    assert [use["sentence"] for use in uses["cohort.randomised.n"]] == [
        ["Of ", {"key": "cohort.randomised.n"}],
        ["with ", {"key": "cohort.randomised.n"}, " in it; see …."],
        ["A table of ", {"key": "cohort.randomised.n"}, ". […]"],
    ]


def test_a_number_in_a_table_is_told_by_the_table_and_its_row(uses):
    (in_table, in_text) = uses["a.b"]
    assert (in_table["in"], in_table["sentence"]) == ("table", ["A table of 20: Women"])
    assert (in_text["in"], in_text["page"]) == ("sentence", "other")
    assert [use["in"] for use in uses["cohort.randomised.n"]] == ["title", "sentence", "caption"]


def test_the_anchor_is_that_of_the_number(built, uses):
    for key, places in uses.items():
        for use in places:
            (link,) = built.pages[use["page"]].select(f"#{use['anchor']}")
            assert link["data-key"] == key


def test_the_list_of_all_numbers_has_every_use_once(built, uses):
    lines = {line["id"]: line for line in built.pages["numbers"].select("table.register tbody tr")}
    assert list(lines) == list(dict.fromkeys(lines)) and lines.keys() == uses.keys()
    for key, places in uses.items():
        links = [link["href"] for link in lines[key].select("td:last-child a")]
        assert links == [f"{place['page']}.html#{place['anchor']}" for place in places]


def test_a_card_says_where_its_number_is_from(built):
    held = json.loads(built.pages["other"].select_one("script#passports").string)
    ((key, parts),) = held["cards"].items()
    card = "".join(held["parts"][i] for i in parts)
    assert key == "a.b" and '<a class="register" href="numbers.html#">' in card
    assert "counting" in card and "n = 3" in card and "ADSL" in card
    assert "code <code>0123456789ab</code> and changes not committed; data <code>sha256:ffffffffffff</code>" in card
    assert '<a href="executed/one.html#cell-rows">Participants’ records</a>' in card
    assert not built.pages["numbers"].select("script#passports")
