"""Generated trials: every notebook says something readable of the smallest, the oddest and the largest of them."""

import json
import re
from types import SimpleNamespace

import pytest
from builds import ROOT, Copy, Site
from conftest import sampled
from IPython.core.displayhook import CapturingDisplayHook
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from notebooks import write
from trialbook.checks import disclosure
from trialbook.checks.participants import Participants
from trialbook.results import executed
from trialbook.results.row import MIME, TABLE
from trialbook.trial.generate import ODD, generate
from trialbook.trial.model import read_trial

VARIANTS = {
    "as trials are": {},
    "many events and parameters": {"per_arm": 20, "laboratory": 40, "events": 800},
    "nothing but the score": {
        "laboratory": 0,
        "events": 0,
        "exposure": False,
        "disposition": False,
    },
    "a baseline of week 1, no age, much missing": {
        "weeks": (1, 5, 13),
        "age": False,
        "missing": 0.3,
        "events": 9,
        "laboratory": 8,
    },
    "one follow-up visit, three each": {"per_arm": 3, "weeks": (0, 6), "events": 4, "exposure": False},
}
RUN = ("01_cohort", "02_safety", "03_efficacy")  # the others are run by the book, once
UNSAID = re.compile(r"(?i)(?<![\w.])(nan|inf|nat|none|<na>)(?![\w.])")


@pytest.fixture(scope="module", params=sampled("one follow-up visit, three each", VARIANTS))
def variant(request, tmp_path_factory):
    """A generated trial, and the outputs of the notebooks run on it in this process."""
    folder = generate(tmp_path_factory.mktemp("generated") / "gen", **VARIANTS[request.param])
    outputs = [output for name in RUN for output in _run(name, folder)]
    return SimpleNamespace(name=request.param, folder=folder, trial=read_trial(folder), outputs=outputs)


def _run(notebook, folder):
    """Run the cells of a notebook one after the other; the place of each output, and what it shows."""
    InteractiveShell.clear_instance()
    shell, values = InteractiveShell.instance(), []
    shell.display_trap.hook = CapturingDisplayHook(shell, values)
    cells = json.loads((ROOT / f"notebooks/{notebook}.ipynb").read_text("utf8"))["cells"]
    for cell in (cell for cell in cells if cell["cell_type"] == "code"):
        source = "".join(cell["source"])
        if "parameters" in cell["metadata"].get("tags", []):
            source += f"\ntrial_folder = {str(folder)!r}"
        with capture_output() as said:
            done = shell.run_cell(source)
        assert done.success, f"{notebook}, cell {cell['id']}: {done.error_in_exec!r}\n{said.stdout[-3000:]}"
        assert not said.stderr, f"{notebook}, cell {cell['id']}: {said.stderr}"
        shown = [(output.data, output.metadata) for output in said.outputs]
        shown += [(value["data"], value["metadata"]) for value in values]
        values.clear()
        for data, metadata in shown:
            yield f"{notebook}/{cell['id']}", data, metadata or {}


def _displays(outputs):
    return {row["key"]: row for _, data, _ in outputs for row in data.get(MIME, [])}


def _tables(outputs):
    return [(place, data[TABLE], data["text/html"]) for place, data, _ in outputs if TABLE in data]


def test_no_output_shows_what_only_a_program_would_say(variant):
    faults = []
    for place, data, metadata in variant.outputs:
        for row in data.get(MIME, []):
            faults += [f"{place}: {row['key']}: {row['display']}"] if UNSAID.search(row["display"]) else []
        texts = re.findall(r">([^<]+)<", data.get("text/html", ""))
        faults += [f"{place}: {text}" for text in texts if UNSAID.fullmatch(text.strip()) or "Traceback" in text]
        drawn = re.findall(r"<!--(.*?)-->", data.get("image/svg+xml", ""))
        said = [*drawn, *re.split(r"[ ();,:]+", metadata.get("trialbook", {}).get("alt", ""))]
        faults += [f"{place}: {text}" for text in said if re.fullmatch("nan|inf|None", text.strip())]
    assert not faults, "\n".join(faults)


def test_every_value_is_finite_or_has_its_reason(variant):
    rows = _displays(variant.outputs).values()
    faults = [row["key"] for row in rows if (row["value"] is None) != bool(row["reason"])]
    assert not faults, faults


def test_every_table_has_a_line_or_says_why_not(variant):
    empty = [place for place, table, _ in _tables(variant.outputs) if not table["rows"] and not table["notes"]]
    assert not empty, empty


def test_every_cell_of_a_table_is_a_result_that_there_is(variant):
    keys = _displays(variant.outputs)
    lost = [
        (place, cell["key"])
        for place, table, _ in _tables(variant.outputs)
        for row in table["rows"]
        for cell in row["cells"]
        if "key" in cell and cell["key"] not in keys
    ]
    assert not lost, lost


def test_no_table_takes_a_term_for_markup(variant):
    for place, _, shown in _tables(variant.outputs):
        assert ODD not in shown and "<b>" not in shown, place
    events = variant.trial.adae
    if events is not None and events["AEDECOD"].str.contains("<b>").any():
        assert any("&lt;b&gt;&amp;_%$" in shown for _, _, shown in _tables(variant.outputs))


def test_nothing_published_tells_of_a_participant(variant, tmp_path):
    """Of three in an arm, every mean is a small cell of age: that, and nothing else, is said."""
    shown = {}
    for place, data, metadata in variant.outputs:
        output = {"output_type": "display_data", "data": data, "metadata": metadata}
        shown.setdefault(place.partition("/")[2], []).append(output)
    write(tmp_path / "all.ipynb", shown)
    exceptions = variant.trial.facts.disclosure.exceptions
    found = disclosure.find(Participants(variant.trial), executed.read(tmp_path))
    assert all(any(finding.excepted_by(exception) for finding in found) for exception in exceptions), found
    left = [finding for finding in found if not any(finding.excepted_by(exception) for exception in exceptions)]
    assert {finding.hit.kind for finding in left} == ({"small cell"} if "three each" in variant.name else set()), left


# ------------------------------------------------------------------------------------------------- as a whole book


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The draft of a generated trial's book."""
    folder = tmp_path_factory.mktemp("book")
    copy = Copy.of_sources(folder / "copy")
    copy.make(trial=generate(folder / "gen", **VARIANTS["as trials are"]), draft=True)
    return Site(copy.folder / "_build/trials/gen/html")


@pytest.mark.long
def test_no_page_shows_markup_or_what_only_a_program_would_say(site):
    for page in site.pages:
        text = site.text(page)
        assert not re.search(r"Traceback|&lt;|&amp;|\\textless|<table|<div|<td|\{num\}|\{result-", text), page
        cells = [cell.get_text().strip() for cell in site.pages[page].select("article td, article th")]
        assert not [cell for cell in cells if re.fullmatch("nan|inf|None|NaT|<NA>", cell)], page


@pytest.mark.long
def test_a_term_is_shown_as_it_is_written(site):
    for page in ("book/safety.html", "executed/02_safety.html"):
        soup = site.pages[page]
        assert ODD in soup.select_one("article").get_text(), page
        assert not [bold for bold in soup.select("table b") if "%$" in bold.get_text()], page


@pytest.mark.long
def test_every_table_of_the_book_has_cells_or_a_note_that_says_why_not(site):
    for page, soup in site.pages.items():
        for table in soup.select("article table"):
            note = soup.find(id=table.get("aria-describedby"))
            assert table.select("td") or (note and note.get_text().strip()), f"{page}: {table.get_text()[:80]}"
