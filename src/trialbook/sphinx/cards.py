"""The card of a number, which each page carries for the numbers that it shows.

The cards are written with the page and not when it is read, so that they are never older than the notebooks, the
revision of the code or the list of uses.
"""

import json
from collections.abc import Callable, Iterator
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

from trialbook.results.evidence import Draws
from trialbook.results.executed import Executed, ShownTable
from trialbook.results.row import Result
from trialbook.sphinx import passport
from trialbook.sphinx.index import page
from trialbook.sphinx.numbers import result_reference
from trialbook.sphinx.placed import of

PathTo = Callable[[str], str]  # gives the address of another page


class Passports:
    """The passports of all results of a book: of each result, lines of a label and what is said, as HTML."""

    def __init__(self, index: Executed, config: Config, draws: Draws | None = None):
        self.index, self._config = index, config
        self._draws = draws.draws if draws else 0
        self.conditions = passport.Conditions(index.results.values())
        self.runs = {name: passport.parameters(cells) for name, cells in index.notebooks.items()}
        code, data = config.trialbook_code, config.trialbook_data
        commit, _, state = code.partition(" ")
        revision = f"code {code}" if commit == "not" else f"code {_code(commit)} {state}".strip()
        self.made_of = "; ".join([revision] * bool(code) + [f"data {_code(f'sha256:{data[:12]}')}"] * bool(data))

    def lines(self, row: Result) -> dict[str, str]:
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
            "Reason": escape(row.reason),
            "Estimand": estimand and escape(estimand.display),
            "Second way": second and escape(_agreement(row, second)),
            "Evidence": passport.evidence(row, self._draws),
            "Records": f"{records} where {_code(condition)}" if condition else escape(records),
            "Run with": " ".join(map(_code, run)),
            "Made from": self.made_of,
        }
        return {label: said for label, said in lines.items() if said}

    def rows(self, row: Result) -> ShownTable | None:
        """Find the table that lists the participants' records behind a result, where they are published."""
        name = f"rows.{row.dataset}"
        found = self.index.tables.get(f"{name}.{row.parameter.lower()}") or self.index.tables.get(name)
        return found if found and found.layout["rows"] else None

    def address(self, shown: Result | ShownTable, pathto: PathTo) -> str:
        """The address of the cell that shows a result or a table."""
        return f"{pathto(page(self._config, shown))}#{shown.cell}"


def _code(text: str) -> str:
    return f"<code>{escape(text, quote=False)}</code>"


def _agreement(row: Result, second: Result) -> str:
    agrees = "agrees" if passport.agree(row.value, second.value) else "differs"
    return f"{second.display}, by {second.method}; {agrees}"


def add_cards(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Put the cards of a page's numbers into it, and the script that shows them."""
    if doctree is None or app.builder.name != "html":
        return
    domain = of(app.env)
    known = domain.index.results
    keys = sorted({node["key"] for node in doctree.findall(result_reference)} & known.keys())
    if not keys:
        return
    register = next((page for page, name in domain.noted("lists") if name == "register"), "")
    parts: dict[str, int] = {}
    cards = {
        key: [parts.setdefault(part, len(parts)) for part in _card(domain.passports, known[key], register, context)]
        for key in keys
    }
    held = json.dumps({"parts": list(parts), "cards": cards}, ensure_ascii=False, separators=(",", ":"))
    held = held.replace("</", r"<\/")  # or a tag in it would end the script
    context["body"] += f'\n<script type="application/json" id="passports">{held}</script>\n'
    app.add_js_file("passport.js", loading_method="defer")
    if domain.draws:
        app.add_js_file("evidence.js", loading_method="defer")


def _card(passports: Passports, row: Result, register: str, context: dict[str, Any]) -> Iterator[str]:
    """Write one card as parts that, one after the other, are its HTML; most parts are those of other cards too."""
    yield f'<p class="display" id="passport-display">{escape(row.display)} <span>{escape(row.unit)}</span></p>'
    yield '<p class="key"><code></code></p><ul><li><a class="cell">Notebook cell</a></li>'
    if register:
        yield f'<li><a class="register" href="{context["pathto"](register)}#">All its uses</a></li>'
    if row.dataset in passport.TABLES:
        yield f"<li>{behind(passports, row, context['pathto'])}</li>"
    yield "</ul><dl>"
    for label, said in passports.lines(row).items():
        yield f"<dt>{label}</dt><dd>{said}</dd>"
    yield "</dl>"


def behind(passports: Passports, row: Result, pathto: PathTo) -> str:
    """Lead to the records of participants behind a number, or say that they are not published."""
    if (table := passports.rows(row)) is None:
        return "Participants’ records are not published"
    return f'<a href="{passports.address(table, pathto)}">Participants’ records</a>'
