"""Claims: a condition is read, computed and refused."""

import re

import pytest

from trialbook.claims import claims
from trialbook.claims.conditions import Condition, ConditionError
from trialbook.errors import FaultsError
from trialbook.results.row import Results


@pytest.fixture(scope="module")
def rows():
    found = Results()
    found.add("cd4.difference", 67.1, "difference")
    found.add("cd4.difference.ci", [10.07, 124.1], "ci")
    found.add("cd4.effect.2", 1.0, "effect")
    found.add("cd4.verdict", "keeps its level", "text")
    found.add("cd4.nothing", None, "difference", reason="an arm has no value")
    found.add("fever.n_of", [2, 10], "n of N")
    return found


# -------------------------------------------------------------------------------------------------- the conditions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cd4.difference > 0", True),
        ("cd4.difference<0", False),
        ("0 < cd4.difference <= 67.1", True),
        ("min(cd4.difference.ci) > 0 and max(cd4.difference.ci) < 124", False),
        ("min(cd4.difference.ci) > 0 or max(cd4.difference.ci) < 124", True),
        ("not cd4.difference > 100", True),
        ("abs(-cd4.difference) - 67.1 == 0", True),
        ("fever.n_of[0] / fever.n_of[1] == 0.2", True),
        ("len(fever.n_of) == 2 * cd4.effect.2", True),
        ("cd4.verdict == 'keeps its level'", True),
        ("cd4.verdict != 'cd4.verdict'", True),
        ("'level' in cd4.verdict", True),
    ],
)
def test_a_condition_is_true_or_false(rows, text, expected):
    assert Condition(text).holds(rows) is expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cd4.difference >", "not a condition"),
        ("cd4.difference = 0", "not a condition"),
        ("", "not a condition"),
        ("(" * 5000 + "cd4.difference", "not a condition"),
        ("difference > 0", "'difference' is no key"),
        ("1 > 0", "names no result"),
        ("__import__('os').system('touch gone') == cd4.difference", "the only functions"),
        ("open('claims.yml') == cd4.difference", "the only functions"),
        ("(cd4.difference).__class__ == 1", "Attribute"),
        ("().__class__.__bases__[0] == cd4.difference", "Attribute"),
        ("cd4.difference ** 9 ** 9 ** 9 > 1", "Pow"),
        ("cd4.difference << 99999999 > 1", "LShift"),
        ("[x for x in cd4.difference.ci]", "ListComp"),
        ("(lambda: cd4.difference)() > 1", "the only functions"),
        ("f'{cd4.difference}' == '67'", "JoinedStr"),
        ("max(cd4.difference.ci, key=len) > 1", "keyword"),
        ("cd4.difference if cd4.difference else 1", "IfExp"),
        ("(x := cd4.difference) > 1", "NamedExpr"),
    ],
)
def test_what_is_not_of_the_language_is_refused_when_it_is_read(text, said):
    with pytest.raises(ConditionError, match=re.escape(said)):
        Condition(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cd4.difference", "it gives 67.1, not true or false"),
        ("cd4.difference > 'none'", "it cannot be computed"),
        ("cd4.difference.ci > 0", "it cannot be computed"),
        ("fever.n_of[2] > 0", "it cannot be computed"),
        ("cd4.difference / 0 > 1", "it cannot be computed"),
        ("len(cd4.verdict * 99999999) > 1", "it cannot be computed"),
        ("cd4.nothing > 0", "cd4.nothing is"),
    ],
)
def test_what_gives_neither_true_nor_false_is_said(rows, text, said):
    with pytest.raises(ConditionError, match=re.escape(said)):
        Condition(text).holds(rows)


def test_a_condition_is_shown_with_the_displays(rows):
    condition = Condition("min(cd4.difference.ci) > 0 and\n fever.n_of[0] <= 10 and cd4.verdict != 'a.b'")
    assert condition.filled(rows) == "min(10 to 124) > 0 and 2 <= 10 and keeps its level != 'a.b'"
    assert Condition("fever.n_of[2] > cd4.difference[0]").filled(rows) == "2 of 10[2] > 67[0]"
    assert "cd4.difference.ci = 10 to 124 (raw [10.07, 124.1])" in condition.values(rows)


# -------------------------------------------------------------------------------------------------------- the file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: {says: rose, holds: open('x') == 1}", "a.holds: the only functions"),
        ("a: {says: rose}", "a: a claim has either `holds`"),
        ("a: {says: rose, holds: a.b > 0, because: so}", "a: a claim has either `holds`"),
        ("a: {says: rose, hold: a.b > 0}", "did you mean `holds`?"),
        ("A b: {says: rose, because: so}", "lower-case letters"),
        ("a: {because: so}\na: {because: not}", "the key `a` stands twice"),
        ("a: [", "not YAML"),
        ("- a", "the file holds no keys"),
    ],
)
def test_a_faulty_file_is_said_in_words(tmp_path, text, said):
    path = tmp_path / "claims.yml"
    path.write_text(text, "utf8")
    with pytest.raises(FaultsError, match=r"claims\.yml") as error:
        claims.read(path)
    assert said in str(error.value)


def test_a_paper_need_not_make_claims(tmp_path):
    assert claims.read(tmp_path / "claims.yml") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("True or cd4.difference > 0", "names no result, so it is always the same"),
        ("1 < 2 or cd4.difference > 0", "names no result, so it is always the same"),
        ("cd4.difference > 0 and 1 == 1", "names no result, so it is always the same"),
        ("not (1 > 2) or cd4.difference > 0", "names no result, so it is always the same"),
        ("cd4.difference >= cd4.difference", "compares a result with itself"),
        ("cd4.difference == cd4.difference or cd4.p < 0.05", "compares a result with itself"),
        (" or ".join(["cd4.difference > 0"] * 500), "is not a condition that anybody can read"),
        ("(" * 900 + "cd4.difference > 0" + ")" * 900, "not a condition"),
    ],
)
def test_a_condition_that_cannot_be_false_or_read_is_refused(rows, text, said):
    with pytest.raises(ConditionError, match=said):
        Condition(text).holds(rows)


# ----------------------------------------------------------------------------------------------- several wordings

SEVERAL = """
direction:
  either:
    - {says: higher, holds: cd4.difference > 100}
    - {says: lower, holds: cd4.difference < 100}
  otherwise: cannot be told
"""


def test_of_several_wordings_the_first_that_is_true_is_said(rows, tmp_path):
    (tmp_path / "claims.yml").write_text(SEVERAL, "utf8")
    claim = claims.read(tmp_path / "claims.yml")["direction"]
    assert claim.worded(rows).says == "lower"
    assert claim.keys == ["cd4.difference"]
    assert claims.wording(SEVERAL) == {"direction": "higher / lower / cannot be told"}


def test_no_wording_is_true_of_what_cannot_be_estimated(rows):
    wordings = [{"says": "higher", "holds": "cd4.nothing > 0"}, {"says": "lower", "holds": "cd4.nothing <= 0"}]
    assert claims.Claim.model_validate({"either": wordings}).worded(rows) is None


@pytest.mark.parametrize(
    "claim",
    [
        {"either": [{"says": "a", "holds": "x.y > 0"}], "holds": "x.y > 0"},
        {"either": [{"says": "a", "holds": "x.y > 0"}], "says": "b"},
        {"says": "a", "holds": "x.y > 0", "otherwise": "b"},
        {"either": [{"says": "", "holds": "x.y > 0"}]},
        {"either": [{"says": "a", "holds": "x.y >"}]},
        {"either": [{"says": "a"}]},
        {"says": "a"},
    ],
)
def test_a_claim_of_two_kinds_or_of_none_is_refused(claim):
    with pytest.raises(ValueError):
        claims.Claim.model_validate(claim)
