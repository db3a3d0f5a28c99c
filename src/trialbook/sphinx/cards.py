"""Sphinx extension: the card of a number, which each page carries for the numbers that it shows.

The cards are written with the page and not when it is read, so that they are never older than the notebooks, the
revision of the code or the list of uses.
"""

import json
import os
from html import escape

from trialbook.sphinx import passport
from trialbook.sphinx.numbers import EXECUTED, result_reference

REGISTER = "book/numbers"


class Passports:
    """The passports of all results of a book: of each result, lines of a label and what is said, as HTML."""

    def __init__(self, index, code, data):
        self.index = index
        self.conditions = passport.Conditions(index.results.values())
        self.runs = {name: passport.parameters(cells) for name, cells in index.notebooks.items()}
        commit, _, state = code.partition(" ")
        known = [f"code {_code(commit)} {state}".strip()] if commit != "not" else [f"code {code}"]
        self.made_of = "; ".join(known + [f"data {_code(f'sha256:{data[:12]}')}"] * bool(data))

    def lines(self, row):
        """Say all that is known of one result, by label; what is not has no line."""
        known, second = self.index.results, self.index.results.get(f"{row.key}.second")
        estimand = known.get(f"estimand.{row.estimand}.label")
        analysed = [f"n = {row.n}"] * (row.n is not None) + [escape(row.analysis_set)] * bool(row.analysis_set)
        records, condition = passport.TABLES.get(row.dataset, row.dataset), self.conditions.of(row)
        run = (f"{name}={value}" for name, value in self.runs[row.notebook].items())
        lines = {
            "Raw value": "" if isinstance(row.value, str | None) else passport.raw(row.value),
            "Analysed": ", ".join(analysed),
            "Method": escape(row.method),
            "Estimand": estimand and escape(estimand.display),
            "Second way": second and escape(_agreement(row, second)),
            "Records": f"{records} where {_code(condition)}" if condition else escape(records),
            "Run with": " ".join(map(_code, run)),
            "Made from": self.made_of,
        }
        return {label: said for label, said in lines.items() if said}

    def rows(self, row):
        """Find the notebook and cell that list the participants' records behind a result, where they are published."""
        name = f"rows.{row.dataset}"
        found = self.index.tables.get(f"{name}.{row.parameter.lower()}") or self.index.tables.get(name)
        return (found.notebook, found.cell) if found and found.layout["rows"] else None


def _code(text):
    return f"<code>{escape(text, quote=False)}</code>"


def _agreement(row, second):
    agrees = "agrees" if passport.agree(row.value, second.value) else "differs"
    return f"{second.display}, by {second.method}; {agrees}"


def issue_passports(app):
    """Make the passports ready before any page is written."""
    app.trialbook_passports = Passports(app.trialbook_index, app.config.trialbook_code, app.config.trialbook_data)


def add_cards(app, pagename, templatename, context, doctree):
    """Put the cards of a page's numbers into it, and the script that shows them."""
    if doctree is None or app.builder.name != "html":
        return
    known, pathto = app.trialbook_index.results, context["pathto"]
    keys = sorted({node["key"] for node in doctree.findall(result_reference)} & known.keys())
    if not keys:
        return
    parts = {}
    cards = {
        key: [parts.setdefault(part, len(parts)) for part in card(app.trialbook_passports, known[key], app.env, pathto)]
        for key in keys
    }
    held = json.dumps({"parts": list(parts), "cards": cards}, ensure_ascii=False, separators=(",", ":"))
    held = held.replace("</", r"<\/")  # or a tag in it would end the script
    context["body"] += f'\n<script type="application/json" id="passports">{held}</script>\n'
    app.add_js_file("passport.js", loading_method="defer")


def card(passports, row, env, pathto):
    """Write one card as parts that, one after the other, are its HTML; most parts are those of other cards too.

    Parameters
    ----------
    passports : Passports
    row : Result
    env : BuildEnvironment
    pathto : callable
        Gives the address of another page.

    Yields
    ------
    str
    """
    yield f'<p class="display" id="passport-display">{escape(row.display)} <span>{escape(row.unit)}</span></p>'
    yield '<p class="key"><code></code></p><ul><li><a class="cell">Notebook cell</a></li>'
    if REGISTER in env.found_docs:
        yield f'<li><a class="register" href="{pathto(REGISTER)}#">All its uses</a></li>'
    if row.dataset in passport.TABLES:
        yield f"<li>{behind(passports, row, pathto)}</li>"
    yield "</ul><dl>"
    for label, said in passports.lines(row).items():
        yield f"<dt>{label}</dt><dd>{said}</dd>"
    yield "</dl>"


def behind(passports, row, pathto):
    """Lead to the records of participants behind a number, or say that they are not published."""
    if place := passports.rows(row):
        notebook, cell = place
        return f'<a href="{pathto(f"{EXECUTED}/{notebook}")}#{cell}">Participants’ records</a>'
    return "Participants’ records are not published"


def setup(app):
    """Register the handlers."""
    app.add_config_value("trialbook_code", os.environ.get("TRIALBOOK_CODE", ""), "", str)
    app.add_config_value("trialbook_data", os.environ.get("TRIALBOOK_DATA", ""), "", str)
    app.connect("write-started", lambda app, builder: issue_passports(app))
    app.connect("html-page-context", add_cards)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
