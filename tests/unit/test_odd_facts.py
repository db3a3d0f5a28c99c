"""Whatever stands in trial.yml in place of facts is a fault in words."""

import itertools

import pytest
from test_trial_faults import message

DEEP = "[" * 3000 + "]" * 3000
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in itertools.pairwise("abcdefghi")
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "title: {{ title }}\n",
            "row 1: not YAML: a key must be a word; a text with braces or brackets stands in quotes",
        ),
        ("study: X\n? [a, b]\n: c\n", "row 2: not YAML: a key must be a word"),
        ("[a, b]: c\n", "a key must be a word"),
        (f"title: {DEEP}\n", "its keys stand too deep within each other"),
        ("title: " + "{a: " * 3000 + "}" * 3000 + "\n", "its keys stand too deep within each other"),
        (BOMB, "its aliases stand for more than a million values"),
        ("a: &a [*a]\n", "not YAML: found unconstructable recursive node"),
        ("study: !!python/object/apply:os.system [ls]\n", "trial.yml"),
        (f"study: {{{', '.join(f'k{i}: v' for i in range(9000))}}}\n", "must be a text"),
        ("- a\n- b\n", "the file holds no keys"),
        ("x" * 11_000_000, "the file is larger than 10 MB"),
    ],
    ids=str,
)
def test_whatever_stands_in_trial_yml_is_a_fault_in_words(copy, text, said):
    (copy.folder / "trial.yml").write_text(text, "utf8")
    found = message(copy.folder)
    assert said in found
    assert len(found) < 20_000


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("study",), ["a"]),
        (("arms",), "two"),
        (("arms", 0), ["a"]),
        (("arms", 0, "label"), {"a": "b"}),
        (("visits", "schedule", 2, "avisitn"), {"a": 1}),
        (("baseline", 0, "levels"), [1]),
        (("terms",), {"AEREL": ["x"]}),
        (("derived",), "LOCF"),
        (("accepted_warnings",), [{"name": "x"}]),
        (("visits", "final"), "7"),
        (("harms", "unlikely"), "perhaps"),
        (("dates",), "lotus"),
    ],
)
def test_a_value_of_another_kind_is_a_fault_with_its_key(copy, path, value):
    def change(facts):
        *way, last = path
        for step in way:
            facts = facts[step]
        facts[last] = value

    copy.facts(change)
    found = message(copy.folder)
    assert str(path[0]) in found


@pytest.mark.parametrize("code", ["VISITS", "TRIAL", "SAFETY", "COHORT", "BASELINE", "ARM", "MISSING", "RECORDS"])
def test_a_parameter_named_like_a_part_of_the_book_is_a_fault(copy, code):
    copy.facts(lambda facts: facts["parameters"].append({"paramcd": code, "label": "X", "role": "laboratory"}))
    assert f"parameters: the `paramcd` {code!r} begins keys of the book's own" in message(copy.folder)


def test_levels_that_make_one_key_are_a_fault(copy):
    levels = {"M": "Male", "m.": "Male too", "F": "Female"}
    copy.facts(lambda facts: facts["baseline"][1].update(levels=levels))
    assert "each needs its own `levels`" in message(copy.folder)


def test_a_visit_called_final_is_a_fault_beside_the_primary_one_that_is_not_the_last(copy):
    def change(facts):
        facts["visits"].update(final=12)
        facts["visits"]["schedule"][-1]["label"] = "Final"

    copy.facts(change)
    assert "visits.schedule: each needs its own `label`, not 'final' and 'Final'" in message(copy.folder)
