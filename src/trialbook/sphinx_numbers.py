"""Sphinx extension: roles and directives that place results in prose, and the checks that keep prose true.

Everything is resolved when a document is read, from the executed notebooks on disk, so that it works in headings,
captions, tables and LaTeX alike, and a document is read again whenever an executed notebook changed.
"""

import base64
import os
import re
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.nodes import make_refnode

from trialbook import results, tables

LOG = logging.getLogger(__name__)
EXECUTED = "executed"
COMPUTED = "computed"  # marks the nodes that come from a notebook, not from an author's hand

# Digits that may be typed in prose. A citation, a cross-reference, code and a displayed formula may hold any.
ALLOWED = (
    (r"\b[A-Z][A-Za-z]*\d+[A-Za-z]*\b", "a name with a digit in it, such as CD4 or CR2"),
    (r"\b[A-Z]{2,}-\d+\b", "a hyphenated name, such as HIV-1"),
    (r"\b(?:19|20)\d\d\b", "a year"),
    (r"\bitems? \d+[a-z]?(?:(?:, | and |[\u2013-])\d*[a-z]?)*", "an item of a reporting guideline"),
)


class result_reference(nodes.reference):
    """A displayed number that leads to the notebook cell that computed it."""


class Index:
    """All that the executed notebooks of one book hold: results, tables and figures, with the page and cell of each."""

    def __init__(self, folder):
        self.notebooks = sorted(Path(folder).glob("*.ipynb"))
        self.results = results.read(folder)
        self.tables, self.figures = {}, {}
        for path in self.notebooks:
            for cell, output in results.outputs(path):
                place = (path.stem, results.cell_anchor(cell))
                if tables.MIME in output["data"]:
                    table = output["data"][tables.MIME]
                    self.tables[table["key"]] = (table, *place)
                if figure := output["metadata"].get("trialbook"):
                    self.figures[figure["figure"]] = (figure["alt"], output["data"], *place)


class _Placed:
    """What the roles and directives share: to depend on the notebooks, to find a key, to say that it is missing."""

    def find(self, kind, key):
        index = self.env.app.trialbook_index
        for path in index.notebooks:
            self.env.note_dependency(str(path))
        found = getattr(index, kind).get(key)
        if found is None:
            self.env.note_reread()  # or the next incremental build would forget the fault
            near = [other for other in getattr(index, kind) if other.split(".")[0] == key.split(".")[0]]
            if self.config.trialbook_draft:
                self.env.metadata[self.env.docname].setdefault("not_available", []).append(key)
            else:
                hint = f" (there are: {', '.join(near[:6])}, …)" if near else ""
                LOG.error("no executed notebook has the %s %r%s", kind[:-1], key, hint, location=self.get_location(), type="trialbook")
        return found

    def number(self, key):
        """The node of one result: a link to its cell, or the notice that it is not available."""
        row = self.find("results", key)
        if row is None:
            return _notice(key)
        return _reference(self.env, key, row.display, f"{EXECUTED}/{row.notebook}", row.cell)


def _notice(key):
    notice = f"[not available: {key}]"
    return nodes.inline(notice, notice, classes=["not-available"], **{COMPUTED: True})


def _reference(env, key, text, document, anchor):
    return addnodes.pending_xref(
        "",
        nodes.inline(text, text),
        refdomain="",
        reftype="number",
        reftarget=key,
        refdoc=env.docname,
        refexplicit=True,
        refwarn=True,
        document=document,
        anchor=anchor,
    )


class NumberRole(_Placed, SphinxRole):
    """``{num}`key```: the display of a result."""

    def run(self):
        return [self.number(self.text)], []


class PValueRole(_Placed, SphinxRole):
    """``{p}`key```: a P value as a sentence writes it, *P* = 0.024 or *P* <0.001."""

    def run(self):
        node = self.number(self.text)
        equal = "" if node.astext()[:1] in "<>[" else "= "
        return [nodes.emphasis("P", "P"), nodes.Text(f" {equal}"), node], []


class IntervalRole(_Placed, SphinxRole):
    """``{ci}`key```: the confidence interval of a result as a sentence writes it, 95% CI, 10 to 124."""

    def run(self):
        return [self.number("trial.ci_level"), nodes.Text(" CI, "), self.number(f"{self.text}.ci")], []


class _Captioned(_Placed, SphinxDirective):
    has_content = True
    required_arguments = 1
    option_spec = {"name": directives.unchanged}

    def caption(self, kind, notebook=None, anchor=""):
        """The content as a caption, with a link to the cell behind what is shown."""
        box = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, box)
        caption = kind("", "", *(box[0].children if box.children else []))
        if notebook:
            source = _reference(self.env, self.arguments[0], "source", f"{EXECUTED}/{notebook}", anchor)
            caption += [nodes.Text(" ["), source, nodes.Text("]")]
        return caption

    def place(self, node):
        """Give the table or figure its line and its label."""
        self.set_source_info(node)
        self.add_name(node)
        return node


class TableDirective(_Captioned):
    """``{result-table} key``: a notebook's table, with the content as its caption."""

    def run(self):
        found = self.find("tables", self.arguments[0])
        if found is None:
            body = nodes.tbody("", nodes.row("", nodes.entry("", nodes.paragraph("", "", _notice(self.arguments[0])))))
            return [self.place(nodes.table("", self.caption(nodes.title), nodes.tgroup("", nodes.colspec(colwidth=1), body, cols=1)))]
        layout, notebook, anchor = found
        width = len(layout["columns"])
        columns = (nodes.colspec(colwidth=30 if i == 0 else 70 // width) for i in range(width))
        group = nodes.tgroup("", *columns, cols=width, **{COMPUTED: True})
        group.children[0]["stub"] = 1
        head = [self.entry(column["text"], column["key"] and [nodes.Text("n = "), self.number(column["key"])]) for column in layout["columns"]]
        group += nodes.thead("", nodes.row("", *head))
        group += nodes.tbody("", *(self.line(row, width) for row in layout["rows"]))
        table = self.place(nodes.table("", self.caption(nodes.title, notebook, anchor), group, classes=["results-table"]))
        notes = [nodes.paragraph(note, note, classes=["note"], **{COMPUTED: True}) for note in layout["notes"]]
        return [nodes.container("", table, classes=["wide"]), *notes]

    def line(self, row, width):
        label = self.entry(row["label"], classes=[f"indent-{row['indent']}"])
        if not row["cells"]:
            label["morecols"] = width - 1
            return nodes.row("", label, classes=["section"])
        cells = (self.entry(c["text"]) if "text" in c else self.entry("", [self.number(c["key"])]) for c in row["cells"])
        return nodes.row("", label, *cells)

    @staticmethod
    def entry(text, below=None, classes=()):
        paragraphs = [nodes.paragraph(text, text)] if text else []
        paragraphs += [nodes.paragraph("", "", *below)] if below else []
        return nodes.entry("", *paragraphs, classes=list(classes))


class FigureDirective(_Captioned):
    """``{result-figure} key``: a notebook's figure, with its alternative text and the content as its caption."""

    FILES = (("image/svg+xml", ".svg"), ("application/pdf", ".pdf"))

    def run(self):
        found = self.find("figures", self.arguments[0])
        if found is None:
            return [self.place(nodes.figure("", nodes.paragraph("", "", _notice(self.arguments[0])), self.caption(nodes.caption)))]
        alt, data, notebook, anchor = found
        folder = Path(self.env.srcdir, EXECUTED, "figures")
        folder.mkdir(exist_ok=True)
        for kind, suffix in self.FILES:
            content = data[kind] if isinstance(data[kind], str) else "".join(data[kind])
            blob = content.encode() if suffix == ".svg" else base64.b64decode(content)
            (folder / f"{self.arguments[0]}{suffix}").write_bytes(blob)
        image = nodes.image(uri=f"/{EXECUTED}/figures/{self.arguments[0]}.*", alt=alt)
        return [self.place(nodes.figure("", image, self.caption(nodes.caption, notebook, anchor)))]


def load_index(app, config):
    """Read all executed notebooks before any document."""
    try:
        app.trialbook_index = Index(Path(app.srcdir, EXECUTED))
    except ValueError as error:
        raise ExtensionError(str(error)) from None
    if not app.trialbook_index.notebooks:
        raise ExtensionError(f"{EXECUTED}/ holds no executed notebook: run `make book`, which makes them")


def resolve_number(app, env, node, content):
    """Turn a placed number into its link, once all pages are known."""
    if node.get("reftype") != "number":
        return None
    if node["document"] not in env.found_docs:
        return content
    link = make_refnode(app.builder, node["refdoc"], node["document"], node["anchor"], content.children)
    title = f"{node['reftarget']}, computed in {node['document'].partition('/')[2]}"
    return result_reference("", "", *link.children, **{**link.attributes, "key": node["reftarget"], "title": title})


def visit_html(self, node):
    """Open the link of a number in HTML."""
    href = node["refuri"] if "refuri" in node else f"#{node['refid']}"
    self.body.append(self.starttag(node, "a", "", CLASS="num", href=href, title=node["title"], **{"data-key": node["key"]}))


def mark_cells(app, doctree):
    """Give each code cell of an executed notebook's page its anchor, and its figures their alternative text."""
    path = Path(app.env.doc2path(app.env.docname))
    if path.parent.name != EXECUTED:
        return
    cells = results.cells(path)
    for box in doctree.findall(nodes.container):
        if box.get("nb_element") != "cell_code":
            continue
        cell = cells[box["cell_index"]]
        box["ids"].append(results.cell_anchor(cell))
        alts = [o["metadata"]["trialbook"]["alt"] for o in cell["outputs"] if "trialbook" in o.get("metadata", {})]
        for image, alt in zip(box.findall(nodes.image), alts, strict=False):
            image["alt"] = alt


def check_typed_digits(app, doctree):
    """Report every digit of the prose that is neither a result nor allowed by a rule of `ALLOWED`."""
    if not app.env.docname.startswith("book/"):
        return
    for node in doctree.findall(lambda n: isinstance(n, (nodes.Text, nodes.image, nodes.raw))):
        if isinstance(node, nodes.image):
            text = "" if f"{EXECUTED}/figures/" in node["uri"] else node.get("alt", "")
        else:
            text = "" if any(map(_may_hold_digits, _ancestors(node))) else node.astext()
        for pattern, _ in ALLOWED:
            text = re.sub(pattern, "", text)
        if typed := re.search(r"\S*\d\S*", text):
            app.env.note_reread()
            message = "the number %r is typed by hand: place a result with {num}`key`"
            LOG.error(message, typed.group(), location=node, type="trialbook")


def _ancestors(node):
    while node.parent is not None:
        node = node.parent
        yield node


def _may_hold_digits(node):
    if node.get(COMPUTED):
        return True
    if isinstance(node, addnodes.pending_xref):
        return node["reftype"] == "number" or node["refdomain"] == "cite" or not node.get("refexplicit")
    if isinstance(node, nodes.reference):
        return node.astext() == node.get("refuri")
    return isinstance(node, (nodes.literal, nodes.literal_block, nodes.comment, nodes.math_block))


def write_results(app, exception):
    """Serve all rows with the book and, in a draft, the list of what is not available."""
    if exception is not None:
        return
    Path(app.outdir, "results.json").write_text(results.dump(app.trialbook_index.results), "utf8")
    if app.config.trialbook_draft:
        pages = {}
        for page in sorted(app.env.metadata):
            for key in app.env.metadata[page].get("not_available", []):
                pages.setdefault(key, []).append(page)
        lines = (f"{key}: {', '.join(dict.fromkeys(pages[key]))}\n" for key in sorted(pages))
        Path(app.outdir, "not_available.txt").write_text("".join(lines), "utf8")


def setup(app):
    """Register the roles, directives and checks."""
    app.add_config_value("trialbook_draft", os.environ.get("TRIALBOOK_DRAFT") == "1", "env", bool)
    passing = (lambda self, node: self.visit_reference(node), lambda self, node: self.depart_reference(node))
    html = (visit_html, lambda self, node: self.body.append("</a>"))
    app.add_node(result_reference, html=html, latex=passing, text=passing)
    app.add_role("num", NumberRole())
    app.add_role("p", PValueRole())
    app.add_role("ci", IntervalRole())
    app.add_directive("result-table", TableDirective)
    app.add_directive("result-figure", FigureDirective)
    app.connect("config-inited", load_index, priority=600)
    app.connect("missing-reference", resolve_number)
    app.connect("doctree-read", mark_cells)
    app.connect("doctree-read", check_typed_digits)
    app.connect("build-finished", write_results)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
