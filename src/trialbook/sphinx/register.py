"""The list of all numbers of the paper, each with its passport's facts and every place that uses it.

The directive leaves a mark, and the list is written with the page: when the pages are read, what later ones use is not
known yet. Other formats than the website say where the list is.
"""

from html import escape
from itertools import groupby
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator
from sphinx.writers.latex import LaTeXTranslator

from trialbook.results.row import Result
from trialbook.sphinx import passport, uses
from trialbook.sphinx.cards import PathTo, behind
from trialbook.sphinx.placed import of

ELSEWHERE = "The list is a page of the website; numbers.json and results.json beside it hold the same."
COLUMNS = ("Key", "Number", "How", "Where")
SEARCH = (
    '<p class="register-search pst-js-only"><label for="register-search">Find a key, a method or a word of a sentence'
    '</label> <input type="search" id="register-search" autocomplete="off"> <output for="register-search"></output></p>'
)


class register(nodes.General, nodes.Element):
    """The place of the list."""


class RegisterDirective(SphinxDirective):
    """``{register}``: every number of the paper, and where it is used."""

    def run(self) -> list[nodes.Node]:
        of(self.env).note("lists", "register")
        return [register()]


def write_html(self: HTML5Translator, node: register) -> None:
    """Write the list in the order of the paper."""
    builder, page = self.builder, self.builder.current_docname
    if builder.name != "html":
        self.body.append(f"<p>{ELSEWHERE}</p>")
        raise nodes.SkipNode
    known, used = of(builder.env).index.results, uses.by_key(builder.env)

    def pathto(name: str) -> str:
        return builder.get_relative_uri(page, name)

    lines = (_line(builder.env, known[key], used[key], pathto) for key in used)
    heads = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    self.body.append(
        f'{SEARCH}<div class="wide" role="region" tabindex="0" aria-label="All numbers"><table class="register">'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )
    raise nodes.SkipNode


def _line(env: BuildEnvironment, row: Result, places: list[dict[str, Any]], pathto: PathTo) -> str:
    """Write one number: its key, its value, how it was computed and where it is used."""
    passports = of(env).passports
    value = row.value[0] if isinstance(row.value, list) else row.value
    sort = "" if isinstance(value, str | None) else f' data-sort="{value!r}"'
    said = passports.lines(row)
    how = [said.get(label, "") for label in ("Method", "Analysed", "Estimand", "Evidence", "Records")]
    how += [f"a second way: {said['Second way']}" if "Second way" in said else ""]
    how += [behind(passports, row, pathto) if row.dataset in passport.TABLES and passports.rows(row) else ""]
    raw = f"<small>{said['Raw value']}</small>" if "Raw value" in said else ""
    where = "".join(_places(env, row.key, page, list(own), pathto) for page, own in groupby(places, _page))
    return (
        f'<tr id="{row.key}"><th scope="row"><code>{row.key}</code></th>'
        f'<td{sort}><a href="{passports.address(row, pathto)}">{escape(row.display)}</a> {escape(row.unit)} {raw}</td>'
        f"<td>{'<br>'.join(filter(None, how))}</td><td>{where}</td></tr>\n"
    )


def _page(use: dict[str, Any]) -> str:
    return use["page"]


def _places(env: BuildEnvironment, key: str, page: str, own: list[dict[str, Any]], pathto: PathTo) -> str:
    """Write the uses of a number on one page: each sentence with the number marked, each table once with its rows."""
    title = "Front page" if page == env.config.root_doc else escape(env.titles[page].astext())
    said = []
    for use in own:
        text = "".join(_part(part, key, env) for part in use["sentence"])
        said.append(f'<li><a href="{pathto(page)}#{use["anchor"]}">{text}</a></li>')
    return f"<p>{title}</p><ul>{''.join(said)}</ul>"


def _part(part: str | dict[str, str], key: str, env: BuildEnvironment) -> str:
    if isinstance(part, str):
        return escape(part)
    display = escape(of(env).index.results[part["key"]].display)
    return f"<mark>{display}</mark>" if part["key"] == key else display


def add_script(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Load on its page the script that searches and sorts the list."""
    if doctree is not None and next(doctree.findall(register), None) is not None:
        app.add_js_file("register.js", loading_method="defer")


def say_elsewhere(self: LaTeXTranslator, node: register) -> None:
    """Say in print where the list is."""
    self.body.append(ELSEWHERE)
    raise nodes.SkipNode
