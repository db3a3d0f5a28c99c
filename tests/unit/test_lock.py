"""The numbers lock: it holds what the paper uses, one number a line, and says what is wrong with it."""

import json
import re

import pytest

from trialbook.editions import lock
from trialbook.editions.lock import Lock, LockError, Number
from trialbook.project import Project

SOME = {
    "a.p": Number("0.024", 0.0238123, "p"),
    "a.ci": Number("10 to 124", [9.97, 124.2], "ci", 0),
    "a.n": Number("20", 20, "count"),
    "a.unit": Number("cells/μL", "cells/μL", "text"),
    "a.none": Number("not estimable", None, "difference"),
}


def row(key, value, statistic, group=""):
    shown = {"key": key, "value": value, "display": str(value), "statistic": statistic}
    return shown | {"group": group, "dataset": "adlb"}


def test_a_lock_holds_what_a_verdict_needs(tmp_path):
    """The null value where an interval is that of a difference or a ratio, and no noise of rounding."""
    rows = [
        row("a", 67.1, "difference", "difference"),
        row("a.ci", [10.0, 124.0], "ci", "difference"),
        row("a.cr2.ci", [9.0, 125.0], "ci", "difference"),
        row("harm", 20.0, "difference"),
        row("harm.ci", [-11.0, 51.0], "ci"),
        row("rates", 1.4, "ratio"),
        row("rates.ci", [0.5, 2.4], "ci"),
        row("share", 20.0, "percent"),
        row("share.ci", [3.0, 56.0], "ci"),
        row("noise", [8.88178e-17, -0.40824829], "mean (SD)"),
    ]
    (tmp_path / "results.json").write_text(json.dumps(rows), "utf8")
    found = lock.of_site(tmp_path / "results.json").numbers
    nulls = {key: number.null for key, number in found.items() if number.statistic == "ci"}
    assert nulls == {"a.ci": 0, "a.cr2.ci": 0, "harm.ci": 0, "rates.ci": 1, "share.ci": None}
    assert found["noise"].value == [0.0, -0.408248]


def test_what_is_written_is_read(tmp_path):
    written = Lock(0.05, {"adsl.csv": "ab"}, SOME)
    lock.write(written, tmp_path / "lock.json")
    assert lock.read(tmp_path / "lock.json") == written


def test_one_number_a_line_sorted(tmp_path):
    lock.write(Lock(0.05, {}, SOME), tmp_path / "lock.json")
    lines = (tmp_path / "lock.json").read_text("utf8").splitlines()
    keys = [match[1] for line in lines if (match := re.match(r'"(a\.\w+)": ', line))]
    assert keys == sorted(SOME)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n"alpha": 0.05,\n"numbers": {\n', "line 4"),
        ('{"alpha": 0.05, "data": {}}', "numbers"),
        ('{"alpha": 0.05, "data": {}, "numbers": {"a": {"shown": "1"}}}', "not a numbers lock"),
        ("[]", "not a numbers lock"),
    ],
)
def test_a_lock_that_is_not_whole_is_said_to_be(tmp_path, text, said):
    (tmp_path / "lock.json").write_text(text)
    with pytest.raises(LockError, match=said) as raised:
        lock.read(tmp_path / "lock.json")
    assert "lock.json" in str(raised.value) and "Traceback" not in str(raised.value)


def test_a_lock_in_another_encoding_is_said_to_be_so(tmp_path):
    (tmp_path / "lock.json").write_bytes(b'{"alpha": "\xe9"}')
    with pytest.raises(LockError, match=r"lock\.json cannot be read.*utf-8"):
        lock.read(tmp_path / "lock.json")


def test_without_a_lock_it_is_said_how_to_make_one(tmp_path):
    with pytest.raises(LockError, match="trialbook accept"):
        lock.read(tmp_path / "lock.json")


def test_the_lock_of_this_repository_is_that_of_the_paper():
    """Its keys are those that the prose places; that its values are true, `make verify` shows."""
    from builds import ROOT

    found = json.loads((ROOT / "book/numbers.lock.json").read_text("utf8"))
    placed = {
        key
        for page in ROOT.glob("book/*.md")
        for key in re.findall(r"\{(?:num|p)\}`([\w.]+)`", page.read_text("utf8"))
        if not key.startswith("software.")
    }
    assert placed <= found["numbers"].keys()
    assert found["data"] == lock.hashes(Project.find(ROOT).data)


@pytest.mark.parametrize(
    "content", ["[]", "{}", "[1]", '[{"key": "a"}]', '{"numbers": []}', '"x"', "null", '[{"key": ["a"]}]', "[[]]"]
)
def test_results_of_another_shape_are_said_to_be_none(tmp_path, content):
    path = tmp_path / "results.json"
    path.write_text(content, "utf8")
    for read in (lock.of_site, lock.read):
        try:
            read(path)
        except lock.LockError as refused:
            assert "trialbook" in str(refused)
