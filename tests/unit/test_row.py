"""The row of a result: from the analysis through a cell's output to results.json."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialbook.results import formats
from trialbook.results import row as results
from trialbook.results.row import MIME, Results


@pytest.fixture
def rows():
    shown = Results(0.05, dataset="adlb", analysis_set="intention to treat")
    shown.add("cd4.final.difference", 67.25, "difference", 0, unit="cells/μL", n=20, method="pooled t test")
    shown.add("cd4.final.difference.ci", [10.1, -124.4], "ci", 0)
    shown.add("cd4.final.difference.p", 0.0241, "p")
    shown.add("safety.fever.n_pct", [2, 10], "n (%)")
    shown.add("age.mean_sd", [38.0, 9.2], "mean (SD)", 1)
    shown.add("age.median_iqr", [38.0, 31.0, 43.0], "median (IQR)")
    shown.add("trial.title", "A trial", "text")
    shown.add("cd8.final.difference", None, "difference", method="pooled t test", reason="an arm has no value")
    return shown


def test_display_follows_from_the_statistic(rows):
    shown = {row.key: row.display for row in rows}
    assert shown == {
        "cd4.final.difference": formats.number(67.25),
        "cd4.final.difference.ci": formats.interval([10.1, -124.4]),
        "cd4.final.difference.p": formats.p_value(0.0241),
        "safety.fever.n_pct": formats.count_percent(2, 10),
        "age.mean_sd": formats.centre_spread(38.0, 9.2, 1),
        "age.median_iqr": formats.centre_spread(38.0, [31.0, 43.0]),
        "trial.title": "A trial",
        "cd8.final.difference": "not estimable",
    }


def test_a_key_is_computed_once(rows):
    with pytest.raises(ValueError, match=r"'trial\.title' is computed twice"):
        rows.add("trial.title", "Another", "text")
    again = Results()
    again.add("trial.title", "Another", "text")
    with pytest.raises(ValueError, match=r"'trial\.title' is computed twice"):
        rows.update(again)
    assert rows["trial.title"].value == "A trial"
    assert rows.get("nothing") is None and "nothing" not in rows


def own(row):
    """The fields of a row; those of its evidence only where there are some."""
    fields = asdict(row)
    return {name: fields[name] for name in fields if fields[name] or name not in ("evidence", "draws")}


def test_published_results_are_json_sorted_by_key_one_a_line(rows):
    found = {row.key: row for row in rows}
    text = results.dump(found)
    listed = json.loads(text)
    assert [row["key"] for row in listed] == sorted(found)
    assert {row["key"]: row for row in listed} == {key: own(row) for key, row in found.items()}
    assert len(text.splitlines()) == len(found) + 2
    assert "cells/μL" in text


numbers = st.one_of(st.floats(), st.integers(-(2**53), 2**53))


@given(numbers)
def test_numpy_scalars_are_as_python_numbers(value):
    kind = np.int64 if isinstance(value, int) else np.float64
    ours, theirs = Results(), Results()
    reason = "" if math.isfinite(value) else "it has no end"
    ours.add("x", value, "mean", 2, reason=reason)
    theirs.add("x", kind(value), "mean", 2, reason=reason)
    assert ours["x"] == theirs["x"]
    json.dumps(asdict(theirs["x"]), allow_nan=False)


@given(st.lists(st.floats(), min_size=2, max_size=2))
def test_numpy_arrays_are_as_lists_and_what_is_not_finite_is_not_estimable(bounds):
    for value in (bounds, tuple(bounds), np.array(bounds), [np.float64(bound) for bound in bounds]):
        shown, finite = Results(), all(map(math.isfinite, bounds))
        shown.add("x", value, "ci", reason="" if finite else "no bound")
        json.dumps(asdict(shown["x"]), allow_nan=False)
        assert shown["x"].value == (bounds if finite else None)
        assert (shown["x"].display == "not estimable") == (shown["x"].value is None)


def test_cell_output_escapes_what_html_would_take_for_its_own():
    shown = Results()
    shown.add("trial.title", "<script>&\"'", "text", unit="<b>", method="a < b & c")
    bundle = shown._repr_mimebundle_()
    assert "<script>" not in bundle["text/html"] and "<b>" not in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"] and "a &lt; b &amp; c" in bundle["text/html"]
    assert bundle[MIME][0]["value"] == "<script>&\"'"
    assert bundle["text/plain"] == "1 results"


def test_software_versions_are_those_installed():
    shown = results.software("numpy")
    assert shown["software.numpy"].display == np.__version__
