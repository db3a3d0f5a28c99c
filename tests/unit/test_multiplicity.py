"""Families of P values: against the definitions of the procedures, and what cannot be adjusted."""

import numpy as np
import pytest

from trialbook.analysis import efficacy, multiplicity
from trialbook.displays import tables
from trialbook.errors import FaultsError, UserError
from trialbook.results.row import Results


def holm(p):
    """Smallest level at which stepping down, from the smallest P on, still rejects each hypothesis."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    for rank, index in enumerate(order):
        adjusted[index] = max(min(1, (len(p) - r) * p[order[r]]) for r in range(rank + 1))
    return adjusted


def benjamini_hochberg(p):
    """Smallest rate at which stepping up, from the largest P on, rejects each hypothesis."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    for rank, index in enumerate(order):
        adjusted[index] = min(min(1, len(p) / (r + 1) * p[order[r]]) for r in range(rank, len(p)))
    return adjusted


@pytest.fixture
def family(copy):
    """A function that gives a trial with one family, and the results of its members' P values, by name."""

    def make(values):
        copy.facts(lambda facts: facts.update(families=[{"id": "all_of_them", "label": "All", "members": [*values]}]))
        results = Results()
        for key, p in values.items():
            reason = "an arm has no value" if p is None else ""
            results.add(f"{key}.p", p, "p", parameter="CD4", visit="Month 24", n=20, method="a test", reason=reason)
        return copy.read(), results

    return make


def adjusted(found, results):
    rows = multiplicity.adjust(found, results)
    keys = [f"multiplicity.all_of_them.{member}" for member in found.facts.families[0].members]
    return rows, {name: [rows[f"{key}.{name}"].value for key in keys] for name in ("p", "holm", "bh")}


@pytest.mark.parametrize(
    "p",
    [
        [0.024, 0.006, 0.01, 0.92],
        [0.03],  # one member is as it was
        [0.01, 0.01, 0.02, 0.02, 0.5],  # ties
        [0.9, 0.8, 0.7],  # no more than one
        [0.0, 1.0, 0.04],
        np.random.default_rng(3).random(30).tolist(),
    ],
)
def test_adjusted_values_are_those_of_the_definitions(family, p):
    _, found = adjusted(*family({f"a.{i}": value for i, value in enumerate(p)}))
    assert found["p"] == p
    assert found["holm"] == pytest.approx(holm(np.array(p)), rel=1e-12)
    assert found["bh"] == pytest.approx(benjamini_hochberg(np.array(p)), rel=1e-12)


def test_a_textbook_family(family):
    """By hand: sorted 0.01, 0.02, 0.03, 0.04 give 4, 3, 2, 1 times P stepping down, and 4/1 to 4/4 stepping up."""
    _, found = adjusted(*family({"a": 0.04, "b": 0.01, "c": 0.03, "d": 0.02}))
    assert found["holm"] == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert found["bh"] == pytest.approx([0.04] * 4)


def test_what_is_not_estimable_is_not_counted(family):
    found, results = family({"a": 0.01, "b": None, "c": 0.04})
    rows, values = adjusted(found, results)
    assert values["holm"] == [pytest.approx(0.02), None, pytest.approx(0.04)]
    assert rows["multiplicity.all_of_them.b.holm"].reason == "an arm has no value"
    assert rows["multiplicity.all_of_them.a.bh"].method == "a test; Benjamini–Hochberg, 2 of 3 P values"
    table = tables.multiplicity(found, rows, found.facts.families[0])
    assert any("not estimable (an arm has no value), and not counted" in note for note in table.notes)
    assert [cell.display for cell in table.rows[1].cells] == ["not estimable"] * 3


def test_a_family_of_nothing_estimable_has_no_adjusted_value(family):
    _, values = adjusted(*family({"a": None, "b": None}))
    assert values == {name: [None, None] for name in ("p", "holm", "bh")}


def test_members_that_are_no_results_are_told_with_the_nearest(copy):
    copy.text("trial.yml", "cd8.gee.effect, cd4cd8.gee.effect]", "cd8.gee.efect, nothing.like.it]")
    found = copy.read()
    with pytest.raises(UserError) as refusal:
        multiplicity.adjust(found, efficacy.final_difference(found).update(efficacy.gee(found)))
    first, second = refusal.value.faults
    assert (first.file, first.column) == ("trial.yml", "families.1.members.3")
    assert "no result has a P value under the key `cd8.gee.efect`" in first.rule
    assert "`cd8.gee.effect`" in first.remedy
    assert second.column == "families.1.members.4"


def test_families_of_the_paper(nk):
    """Each key of a member is there; the labels of a table name the parameter and the method."""
    rows = multiplicity.adjust(nk, efficacy.final_difference(nk).update(efficacy.gee(nk)))
    for one in nk.facts.families:
        values = [rows[f"multiplicity.{one.id}.{member}.p"].value for member in one.members]
        found = [rows[f"multiplicity.{one.id}.{member}.holm"].value for member in one.members]
        assert found == pytest.approx(holm(np.array(values)))
        table = tables.multiplicity(nk, rows, one)
        assert table.key == f"multiplicity.{one.id}"
        assert table.rows[0].label.startswith("CD4 count, month 24 (pooled t test")


def test_a_trial_need_not_declare_families(copy):
    copy.facts(lambda facts: facts.pop("families"))
    found = copy.read()
    assert len(multiplicity.adjust(found, Results())) == 0


@pytest.mark.parametrize(
    ("families", "rule"),
    [
        ([{"id": "a", "label": "A", "members": []}], "at least 1 entries"),
        ([{"id": "a", "label": "A", "members": ["x", "x"]}], "'x' stands twice"),
        ([{"id": "a", "label": "A", "members": ["x"]}] * 2, "families: each needs its own `id`"),
        ([{"id": "A b", "label": "A", "members": ["x"]}], "must be lower-case letters"),
        ([{"id": "a", "label": "A", "member": ["x"]}], "did you mean `members`"),
    ],
)
def test_faulty_families_are_refused(copy, families, rule):
    copy.facts(lambda facts: facts.update(families=families))
    with pytest.raises(FaultsError) as refusal:
        copy.read()
    assert rule in str(refusal.value)
