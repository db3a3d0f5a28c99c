"""Sphinx extension: the page of all numbers of the paper, each with its passport's facts and every place that uses it.

The directive leaves a mark, and the list is written with the page: when the pages are read, what later ones use is not
known yet. Other formats than the website say where the list is.
"""

from html import escape
from itertools import groupby

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from trialbook.sphinx import passport
from trialbook.sphinx.cards import behind
from trialbook.sphinx.numbers import EXECUTED
from trialbook.sphinx.uses import uses

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

    def run(self):
        return [register()]


def write_html(self, node):
    """Write the list in the order of the paper."""
    app, page = self.builder.app, self.builder.current_docname
    if app.builder.name != "html":
        self.body.append(f"<p>{ELSEWHERE}</p>")
        raise nodes.SkipNode
    known, used = app.trialbook_index.results, uses(app.env)

    def pathto(name):
        return self.builder.get_relative_uri(page, name)

    lines = (_line(app, known[key], used[key], pathto) for key in used)
    heads = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    self.body.append(
        f'{SEARCH}<div class="wide" role="region" tabindex="0" aria-label="All numbers"><table class="register">'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )
    raise nodes.SkipNode


def _line(app, row, places, pathto):
    """Write one number: its key, its value, how it was computed and where it is used."""
    passports = app.trialbook_passports
    value = row.value[0] if isinstance(row.value, list) else row.value
    sort = "" if isinstance(value, str | None) else f' data-sort="{value!r}"'
    said = passports.lines(row)
    how = [said.get(label) for label in ("Method", "Analysed", "Estimand", "Records")]
    how += [f"a second way: {said['Second way']}" if "Second way" in said else ""]
    how += [behind(passports, row, pathto) if row.dataset in passport.TABLES and passports.rows(row) else ""]
    raw = f"<small>{said['Raw value']}</small>" if "Raw value" in said else ""
    cell = f"{pathto(f'{EXECUTED}/{row.notebook}')}#{row.cell}"
    where = "".join(_places(app, row.key, page, list(own), pathto) for page, own in groupby(places, _page))
    return (
        f'<tr id="{row.key}"><th scope="row"><code>{row.key}</code></th>'
        f'<td{sort}><a href="{cell}">{escape(row.display)}</a> {escape(row.unit)} {raw}</td>'
        f"<td>{'<br>'.join(filter(None, how))}</td><td>{where}</td></tr>\n"
    )


def _page(use):
    return use["page"]


def _places(app, key, page, own, pathto):
    """Write the uses of a number on one page: each sentence with the number marked, each table once with its rows."""
    known = app.trialbook_index.results
    title = "Front page" if page == app.env.config.root_doc else escape(app.env.titles[page].astext())
    said = []
    for use in own:
        text = "".join(_part(part, key, known) for part in use["sentence"])
        said.append(f'<li><a href="{pathto(page)}#{use["anchor"]}">{text}</a></li>')
    return f"<p>{title}</p><ul>{''.join(said)}</ul>"


def _part(part, key, known):
    if isinstance(part, str):
        return escape(part)
    display = escape(known[part["key"]].display)
    return f"<mark>{display}</mark>" if part["key"] == key else display


def add_script(app, pagename, templatename, context, doctree):
    """Load on its page the script that searches and sorts the list."""
    if doctree is not None and next(doctree.findall(register), None) is not None:
        app.add_js_file("register.js", loading_method="defer")


def say_elsewhere(self, node):
    """Say in print where the list is."""
    self.body.append(ELSEWHERE)
    raise nodes.SkipNode


def setup(app):
    """Register the directive."""
    app.add_node(register, html=(write_html, None), latex=(say_elsewhere, None), text=(say_elsewhere, None))
    app.add_directive("register", RegisterDirective)
    app.connect("html-page-context", add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
