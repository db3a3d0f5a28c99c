"""Files that were spoilt at random: what is read is analysed, or refused in words, without a traceback or a hang."""

import csv
import io
import time

import pytest
from conftest import Editable, costly
from hypothesis import given, note
from hypothesis import strategies as st

from trialbook.analysis import adverse_events, efficacy, exposure, flow, follow_up, laboratory, reconciliation, records
from trialbook.errors import UserError
from trialbook.trial.generate import generate
from trialbook.trial.model import read_trial

LONGEST = 20  # s, of a small trial on a slow machine
CELLS = [
    "",
    "NA",
    ".",
    "0",
    "-1",
    "1e300",
    "-1e-300",
    "1,5",
    "Ÿ",
    "\u200b",
    "Y",
    "N",
    "2021-02-30",
    "10FEB2021",
    "22321",
]
CELLS += [
    "CD4",
    "cd4",
    "SCORE",
    "ACTIVE",
    "Active",
    "x" * 300,
    "=1+1",
    "<b>",
    "$x$",
    "{}",
    "[]",
    "\\",
    "'",
    '""',
    "None",
]
CELLS += ["DEATH", "7", "6.5"]
BYTES = [b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"\n", b",", b"\r\n", b"\xe2\x80\xae", b";", b"\t", b": "]
BYTES += [b"- ", b"{", b"}", b"&a", b"*a"]
SPOILT_CELLS = st.lists(
    st.tuples(
        st.sampled_from(["adsl", "adlb", "adae", "adex"]),
        st.integers(0, 400),
        st.integers(0, 25),
        st.sampled_from(CELLS),
    ),
    min_size=1,
    max_size=4,
)
SPOILT_BYTES = st.lists(
    st.tuples(
        st.sampled_from(["trial.yml", "adsl.csv", "adlb.csv", "adae.csv"]),
        st.floats(0, 1),
        st.integers(0, 40),
        st.sampled_from(BYTES),
    ),
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("sound") / "trial", per_arm=6, laboratory=2, events=12)


def clone(sound, tmp_path_factory):
    folder = tmp_path_factory.mktemp("spoilt") / "trial"
    folder.mkdir()
    for path in sound.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return Editable(folder)


def analysed(folder):
    """Read a trial and analyse it, or give what is said of it."""
    start = time.monotonic()
    try:
        trial = read_trial(folder)
        account = {table: sum(line.rows for line in trial.account if line.table == table) for table in ("adsl", "adlb")}
        for table, rows in account.items():  # no row is lost without a word
            text = (folder / f"{table}.csv").read_bytes().decode("utf-8-sig")
            read = [row for row in csv.reader(io.StringIO(text, newline="")) if any(cell.strip() for cell in row)]
            assert rows == len(read) - 1 - (read[0][0].strip().lower() == "sep=")
        for analysis in (flow.flow, follow_up.attendance, follow_up.time_in_study, efficacy.by_visit):
            analysis(trial)
        for analysis in (laboratory.by_visit, adverse_events.adverse_events, exposure.exposure, records.account):
            analysis(trial)
    except UserError as refused:
        said = str(refused)
        assert "→" in said and len(said) < 20_000
    assert time.monotonic() - start < LONGEST


@costly
@given(edits=SPOILT_CELLS)
def test_spoilt_cells_are_analysed_or_refused(sound, tmp_path_factory, edits):
    copy = clone(sound, tmp_path_factory)
    note(edits)
    for name, row, column, text in edits:
        path = copy.folder / f"{name}.csv"
        with path.open(encoding="utf8", newline="") as file:
            rows = list(csv.reader(file))
        line = rows[row % len(rows)]
        line[column % len(line)] = text
        with path.open("w", encoding="utf8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
    analysed(copy.folder)


@costly
@given(edits=SPOILT_BYTES)
def test_spoilt_bytes_are_analysed_or_refused(sound, tmp_path_factory, edits):
    copy = clone(sound, tmp_path_factory)
    note(edits)
    for name, place, length, new in edits:
        path = copy.folder / name
        content = path.read_bytes()
        at = int(place * len(content))
        path.write_bytes(content[:at] + new + content[at + length :])
    analysed(copy.folder)


@costly
@given(text=st.text(max_size=40), key=st.sampled_from(["printed", "key", "where", "what"]))
def test_whatever_is_printed_is_compared_or_refused(nk, tmp_path_factory, text, key):
    path = tmp_path_factory.mktemp("printed") / "published.yml"
    figure = {"key": "cd4.final.difference", "printed": "67", "where": "Results", "what": "x", key: text}
    lines = "".join(f"    {name}: {value!r}\n" for name, value in figure.items())
    path.write_text(f"source: x\nfigures:\n  -\n{lines}", "utf8", errors="replace")
    try:
        published = reconciliation.read(path)
    except UserError as refused:
        assert "published.yml" in str(refused)
        return
    reconciliation.compare(published, {}, 0.05)
    reconciliation.consistency(published, nk)
