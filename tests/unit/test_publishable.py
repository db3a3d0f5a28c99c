"""What may be published: results, tables and figures that are whole, and plain words; all else is refused by name.

A listing that is printed, or shown as the repr of a data frame, is refused for its form, whatever it tells.
"""

import base64
import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from notebooks import output, write
from trialbook.checks.disclosure import DisclosureError, check
from trialbook.checks.publishable import are_plain_words
from trialbook.displays import figures, tables
from trialbook.displays.figures.figure import plt
from trialbook.results.row import MIME, TABLE, Results
from trialbook.trial.stated import Disclosure

LISTING = pd.DataFrame({"AGE": [34, 52], "SEX": ["F", "M"], "NADIRCD4": [120, 80]})
PNG = base64.b64encode(b"\x89PNG\r\n").decode()
SVG = "<svg xmlns='http://www.w3.org/2000/svg'><text>Days</text></svg>"


def bundle(forms, **metadata):
    return {"output_type": "display_data", "data": forms, "metadata": metadata}


def value(shown):
    """What a notebook keeps of the value of an expression that has no other form than its repr."""
    return bundle({"text/plain": repr(shown)}) | {"output_type": "execute_result", "execution_count": 1}


def markdown(text):
    return bundle({"text/markdown": text, "text/plain": "<IPython.core.display.Markdown object>"})


def rows(event="fever"):
    made = Results()
    made.add(f"safety.{event}.n", 2, "count", method="rows of ADAE")
    made.add(f"safety.{event}.days", None, "mean", reason="nobody was asked")
    return made


def table():
    found = rows()
    return tables.Table("safety.some", ["", "ART"], [tables.Row("Fever", [found["safety.fever.n"]])], ["A note."])


def figure():
    drawing, axes = plt.subplots()
    axes.set_title("Days")
    return figures.Figure("safety.timeline", drawing, "A line.")


def altered(shown, change):
    """What one of our own classes shows, after some change to it."""
    made = json.loads(json.dumps(output(shown)))
    change(made)
    return made


def beside(shown, **forms):
    """What one of our own classes shows, with something else beside it, or in its place; ``_`` stands for ``/``."""
    return altered(shown, lambda made: made["data"].update({k.replace("_", "/"): form for k, form in forms.items()}))


def with_field(shown, kind, *place):
    """What one of our own classes shows, with one more field somewhere in its JSON."""

    def change(made):
        part = made["data"][kind]
        for step in place:
            part = part[step]
        part["who"] = "34 F"

    return altered(shown, change)


VALUE, PRINTED, HTML = "the value of an expression", "printed text beyond a line of words", "HTML"
IMAGE, SCRIPT, EQUATION, PROSE = "an image", "a display with a script", "an equation", "Markdown beyond a line of words"
UNKNOWN, FORGED = "a form that the gate cannot read", "with something else"
INSTEAD = {
    VALUE: "show `Results`, print a line, or end the cell with `;`",
    PRINTED: "print one sentence, or show `Results` or a `Table`",
    HTML: "show a `Table` of `Results`",
    IMAGE: "show it as a `Figure`, with its alternative text",
    SCRIPT: "show a `Figure` or a `Table`",
    EQUATION: "write it in a Markdown cell",
    PROSE: "write it in a Markdown cell, or show a `Table`",
    UNKNOWN: "show `Results`, a `Table` or a `Figure`",
    FORGED: "let the object show itself, alone",
    "an empty output": "take it out of the cell",
    "the error KeyError": "mend the cell",
    "text on stderr": "run the notebook with the engine",
}
REFUSED = {
    "a data frame": (HTML, LISTING),
    "a data frame's text": (VALUE, value(LISTING)),
    "a styled data frame": (HTML, bundle({"text/html": LISTING.style.to_html(), "text/plain": "<Styler>"})),
    "a series": (VALUE, value(LISTING["AGE"])),
    "a printed data frame": (PRINTED, LISTING.to_string()),
    "a printed line of one": (PRINTED, LISTING[:1].to_string(header=False)),
    "printed CSV": (PRINTED, LISTING.to_csv()),
    "two printed lines": (PRINTED, "Fever in one.\nChills in one.\n"),
    "a number": (VALUE, value(20)),
    "a list": (VALUE, value([34, 52])),
    "a printed list": (PRINTED, "ages [34, 52]"),
    "a dictionary": (VALUE, value({"F": 34})),
    "an array": (VALUE, value(LISTING["AGE"].to_numpy())),
    "a text that is not printed": (VALUE, value("Fever in one.")),
    "what plotting returns": (VALUE, value([plt.Line2D([], [])])),
    "a bitmap of Matplotlib": (IMAGE, bundle({"image/png": PNG, "text/plain": "<Figure size 640x480>"})),
    "a JPEG": (IMAGE, bundle({"image/jpeg": PNG, "text/plain": "<Image>"})),
    "a GIF": (IMAGE, bundle({"image/gif": PNG})),
    "a drawing": (IMAGE, bundle({"image/svg+xml": SVG, "text/plain": "<SVG object>"})),
    "a PDF": (IMAGE, bundle({"application/pdf": PNG})),
    "Plotly": (SCRIPT, bundle({"application/vnd.plotly.v1+json": {"data": []}, "text/html": "<div></div>"})),
    "Vega": (SCRIPT, bundle({"application/vnd.vegalite.v5+json": {}, "text/plain": "<Chart>"})),
    "JavaScript": (SCRIPT, bundle({"application/javascript": "alert(1)", "text/plain": "<Javascript object>"})),
    "a widget": (SCRIPT, bundle({"application/vnd.jupyter.widget-view+json": {}, "text/plain": "IntSlider()"})),
    "JSON": (SCRIPT, bundle({"application/json": {"F": 34}, "text/plain": "<JSON object>"})),
    "a map": (SCRIPT, bundle({"application/geo+json": {"features": []}})),
    "LaTeX": (EQUATION, bundle({"text/latex": "$x$", "text/plain": "<Latex object>"})),
    "an equation of SymPy": (EQUATION, bundle({"text/latex": "$x$", "image/png": PNG, "text/plain": "x"})),
    "a table in Markdown": (PROSE, markdown("|a|b|\n|-|-|\n|1|2|")),
    "an image in Markdown": (PROSE, markdown("![Days](days.png)")),
    "a link in Markdown": (PROSE, markdown("See [the data](adsl.csv).")),
    "HTML in Markdown": (PROSE, markdown("See <img src='x.png'>")),
    "a list in Markdown": (PROSE, markdown("- Fever\n- Chills")),
    "a directive in Markdown": (PROSE, markdown("```{raw} html\n34 F\n```")),
    "Markdown of another class": (PROSE, bundle({"text/markdown": "Fever.", "text/plain": "[34, 52]"})),
    "Markdown with HTML": (HTML, bundle({"text/markdown": "Fever.", "text/html": "<p>34 F</p>"})),
    "HTML": (HTML, bundle({"text/html": "<b>Fever</b>", "text/plain": "<HTML object>"})),
    "a frame": (HTML, bundle({"text/html": "<iframe src='x'></iframe>", "text/plain": "<IFrame>"})),
    "sound": (HTML, bundle({"text/html": "<audio></audio>", "text/plain": "<Audio>"})),
    "a film": (UNKNOWN, bundle({"video/mp4": PNG, "text/plain": "<Video>"})),
    "a new form": (UNKNOWN, bundle({"application/x-new": "34 F"})),
    "a glued value": (UNKNOWN, bundle({"application/papermill.record/text/plain": "20"}, scrapbook={"name": "n"})),
    "nothing": ("an empty output", bundle({})),
    "an error": ("the error KeyError", {"output_type": "error", "ename": "KeyError", "evalue": "", "traceback": []}),
    "stderr": ("text on stderr", {"output_type": "stream", "name": "stderr", "text": "Warning."}),
    "results with other HTML": (FORGED, beside(rows("chills"), text_html="<table>34 F</table>")),
    "results with other text": (FORGED, beside(rows("chills"), text_plain="34 F")),
    "results with an image": (FORGED, beside(rows("chills"), image_png=PNG)),
    "results without HTML": (FORGED, altered(rows("chills"), lambda made: made["data"].pop("text/html"))),
    "results with another field": (FORGED, with_field(rows("chills"), MIME, 0)),
    "results with metadata": (FORGED, altered(rows("chills"), lambda made: made["metadata"].update(who="34 F"))),
    "a table with other HTML": (FORGED, beside(table(), text_html="<table>34 F</table>")),
    "a table with a script": (FORGED, beside(table(), application_javascript="34 F")),
    "a table with another field": (FORGED, with_field(table(), TABLE)),
    "a table with another field in a cell": (FORGED, with_field(table(), TABLE, "rows", 0, "cells", 0)),
    "a table with a cell too many": (
        FORGED,
        altered(table(), lambda made: made["data"][TABLE]["rows"][0]["cells"].append({"text": "34 F"})),
    ),
    "a table of what no notebook has": (
        FORGED,
        altered(table(), lambda made: made["data"][TABLE]["columns"][1].update(key="safety.gone.n")),
    ),
    "a table with results": (FORGED, beside(table(), **{MIME: output(rows("chills"))["data"][MIME]})),
    "a figure with other words": (FORGED, beside(figure(), text_plain="34 F")),
    "a figure with a bitmap": (FORGED, beside(figure(), image_png=PNG)),
    "a figure with a note": (FORGED, altered(figure(), lambda made: made["metadata"]["trialbook"].update(who="34 F"))),
    "a bitmap that says it is a figure": (
        FORGED,
        bundle({"image/png": PNG, "text/plain": "A line."}, trialbook={"figure": "x", "alt": "A line."}),
    ),
}


@pytest.fixture
def gate(nk, tmp_path):
    def checked(*shown):
        write(tmp_path / "02_safety.ipynb", {"before": [rows()], "shown": shown})
        return check(replace(nk, facts=nk.facts.model_copy(update={"disclosure": Disclosure()})), tmp_path)

    return checked


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_its_cell_and_what_to_show_instead(name, gate):
    said, shown = REFUSED[name]
    with pytest.raises(DisclosureError) as refused:
        gate(shown)
    lines = str(refused.value).splitlines()
    assert "1 disclosure fault found" in lines[0]
    assert re.fullmatch(rf"  02_safety, cell shown, output: unreadable \(.*{said}.*\)", lines[1])
    assert lines[2].startswith(f"      → {INSTEAD[said]}")


def test_forms_are_named_by_their_types(gate):
    with pytest.raises(DisclosureError, match=r"unreadable \(an image \(image/png, text/plain\)\)"):
        gate(REFUSED["a bitmap of Matplotlib"][1])


def test_no_refusal_can_be_forgotten_among_those_that_pass(gate):
    with pytest.raises(DisclosureError, match=r"2 disclosure faults found") as refused:
        gate("Fever in one.", value(20), figure(), LISTING, rows("chills"))
    assert VALUE in str(refused.value) and HTML in str(refused.value)


MAY = {
    "results": lambda: rows("chills"),
    "no results": Results,
    "a table": table,
    "a figure": figure,
    "a printed line": lambda: "Fever in 2 of 20.\n",
    "an empty line": lambda: "\n",
    "a line in Markdown": lambda: markdown("Fever in *two* of `20`."),
    "a heading in Markdown": lambda: markdown("### CD4/CD8 ratio"),
}


@pytest.mark.parametrize("name", MAY)
def test_what_is_ours_or_plain_words_may_be_published(name, gate):
    assert "nothing published tells of a participant" in gate(MAY[name]())


def test_a_listing_is_refused_also_line_by_line(gate):
    with pytest.raises(DisclosureError, match=r"unreadable \(a line of words after another\)\n      → join them"):
        gate(markdown("Age 34, F"), markdown("Age 52, M"))
    with pytest.raises(DisclosureError, match="a line of words after another"):
        gate("Age 34, F\n", rows("chills"), "Age 34, F\n", markdown("Age 52, M"))
    gate(markdown("### Fever"), Results(), markdown("### Chills"), figure())


def test_a_notebook_keeps_texts_as_lines_too(gate):
    def as_lines(made):
        made["data"] |= {kind: made["data"][kind].splitlines(keepends=True) for kind in ("text/html", "text/plain")}

    gate(altered(rows("chills"), as_lines), altered(table(), as_lines))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Fever", True),
        ("μg and Ärzte", True),
        ("Fever in 2 of 20 (10%).", True),
        ("Fever in 2 of 20 (10.5%), all of 1,000.", False),  # a fourth number
        ("a" * 120, True),
        ("a" * 121, False),
        ("20 had fever", False),
        ("'Fever'", False),
        ("### Fever", True),
        ("####### Fever", False),
        ("- Fever", False),
        ("F 34\n", True),
        ("F 34\n\n", False),
        ("F  34", False),
        ("F\t34", False),
        ("F|34", False),
        ("F [34]", False),
        ("F {34}", False),
        ("F <34", False),
        ("F \\n34", False),
        ("F\x1b34", False),
        ("F\u202834", False),
        ("F\r34", False),
    ],
)
def test_plain_words_are_one_short_line(text, plain):
    assert are_plain_words(text) is plain
