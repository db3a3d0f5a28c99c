"""The mutation test finds a number that no datum moves, and its list of what need not change holds nothing else."""

from pathlib import Path

import pytest

from trialbook.checks.mutation import Allowed, MutationError, Number, allowed, chosen, judge, numbers
from trialbook.errors import FaultsError
from trialbook.results.row import Result, Results

NUMBER = Number(Result("a.mean", "mean", 5, "5"), "book/cohort", "The mean was 5.")
LISTED = Path("book/unchanging.yml")
ALLOWED = Allowed(keys=["a.*"], reason="it is a fact")


def mutants(*values, key="a.mean"):
    """The results of a mutant for each value of one number."""
    made = {}
    for value in values:
        made[f"mutant {len(made) + 1}"] = results = Results()
        results.add(key, value, "mean")
    return made


def test_a_number_that_changes_in_one_mutant_follows_the_data():
    assert "    1 change" in judge([NUMBER], mutants(5, 6), [], LISTED)
    assert "    1 change" in judge([NUMBER], mutants(5, 5.1), [], LISTED)  # too little to be shown
    assert "    1 change" in judge([NUMBER], mutants(5, 5, key="b.mean") | mutants(5), [], LISTED)  # it is gone in one


def test_a_number_that_never_changes_is_reported_with_its_sentence():
    with pytest.raises(MutationError) as raised:
        judge([NUMBER], mutants(5, 5), [], LISTED)
    for said in ("a.mean", "'5'", "book/cohort", "The mean was 5.", "book/unchanging.yml"):
        assert said in str(raised.value)


def test_a_number_that_need_not_change_is_counted_under_its_reason():
    assert "    1 need not: it is a fact" in judge([NUMBER], mutants(5, 5), [ALLOWED], LISTED)


def test_what_is_allowed_and_changes_or_is_not_there_is_a_fault():
    for key, values in (("a.*", (5, 6)), ("b.*", (5, 6))):
        with pytest.raises(MutationError, match="matches no number that stays the same"):
            judge([NUMBER], mutants(*values), [Allowed(keys=[key], reason="it is a fact")], LISTED)
    other = [Allowed(keys=["b.*"], reason="it is a fact")]
    assert judge([NUMBER], mutants(5, 6), other, LISTED, whole=False)  # of a number that was not examined


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("allowed:\n  - keys: [a.mean]\n", "allowed.1.reason: the key is missing or has no value"),
        ("allowed:\n  - {keys: [a.mean], reason: }\n", "allowed.1.reason: the key is missing or has no value"),
        ("allowed:\n  - {keys: [], reason: none}\n", "must have at least 1 entries"),
        ("allowed:\n  - {key: [a.mean], reason: it is a fact}\n", "did you mean `keys`?"),
    ],
)
def test_an_entry_without_a_reason_is_a_fault_in_words(tmp_path, text, said):
    (tmp_path / "unchanging.yml").write_text(text, "utf8")
    with pytest.raises(FaultsError) as raised:
        allowed(tmp_path / "unchanging.yml")
    assert said in str(raised.value) and "nk_inr" not in str(raised.value)


def test_what_need_not_change_need_not_be_listed(tmp_path):
    assert allowed(tmp_path / "unchanging.yml") == []


def test_a_name_that_is_none_is_said_with_those_that_are():
    assert chosen("mutant", None, ["arms", "values"]) == ["arms", "values"]
    with pytest.raises(MutationError, match="no mutant 'nothing'; there are: arms, values"):
        chosen("mutant", ["arms", "nothing"], ["values", "arms"])


def test_a_book_that_is_not_built_is_said(tmp_path):
    with pytest.raises(MutationError, match="there is no built book"):
        numbers(tmp_path, ["book/index"])
