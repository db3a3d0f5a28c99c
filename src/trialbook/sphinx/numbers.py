"""Sphinx extension: roles and directives that place results in prose.

Everything is resolved when a document is read, from the executed notebooks on disk, so that it works in headings,
captions, tables and LaTeX alike, and a document is read again whenever an executed notebook changed.
"""

import os
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole
from sphinx.util.nodes import make_refnode

from trialbook.results import executed
from trialbook.results.executed import ExecutedError
from trialbook.results.row import dump
from trialbook.sphinx import typed_digits
from trialbook.sphinx.typed_digits import COMPUTED

LOG = logging.getLogger(__name__)
EXECUTED = "executed"


class result_reference(nodes.reference):
    """A displayed number that leads to the notebook cell that computed it."""


class Placed:
    """What the roles and directives share: to depend on the notebooks, to find a key, to say that it is missing."""

    def find(self, kind, key, asked=""):
        """What a key stands for; None where no notebook has it, which is said with who `asked` for it."""
        index = self.env.app.trialbook_index
        for name in index.notebooks:
            self.env.note_dependency(str(Path(self.env.srcdir, EXECUTED, f"{name}.ipynb")))
        found = getattr(index, kind).get(key)
        if found is None:
            self.env.note_reread()  # or the next incremental build would forget the fault
            near = [other for other in getattr(index, kind) if other.split(".")[0] == key.split(".")[0]]
            if self.config.trialbook_draft:
                self.env.metadata[self.env.docname].setdefault("not_available", []).append(key)
            else:
                hint = f" (there are: {', '.join(near[:6])}, …)" if near else ""
                LOG.error(
                    "no executed notebook has the %s %r%s%s",
                    kind[:-1],
                    key,
                    asked,
                    hint,
                    location=self.get_location(),
                    type="trialbook",
                )
        return found

    def number(self, key):
        """The node of one result: a link to its cell, or the notice that it is not available."""
        row = self.find("results", key)
        if row is None:
            return notice(key)
        words = row.statistic == "text"
        classes = ["num", *["fact"] * words, *["long"] * (words and " " in row.display)]
        return reference(self.env, key, row.display, f"{EXECUTED}/{row.notebook}", row.cell, classes)


def notice(key, what="not available"):
    """What a draft shows in the place of a result that it lacks, or beside a claim that does not hold."""
    said = f"[{what}: {key}]"
    return nodes.inline(said, said, classes=[what.replace(" ", "-")], **{COMPUTED: True})


def reference(env, key, content, document, anchor, classes=("num", "fact")):
    """A text or an image that will be the link to a cell, once all pages are known."""
    text = [nodes.Text(content)] if isinstance(content, str) else [content]
    return addnodes.pending_xref(
        "",
        nodes.inline("", "", *text, support_smartquotes=False),
        refdomain="",
        reftype="number",
        reftarget=key,
        refdoc=env.docname,
        refexplicit=True,
        refwarn=True,
        document=document,
        anchor=anchor,
        look=list(classes),
    )


class NumberRole(Placed, SphinxRole):
    """``{num}`key```: the display of a result."""

    def run(self):
        return [self.number(self.text)], []


class PValueRole(Placed, SphinxRole):
    """``{p}`key```: a P value as a sentence writes it, *P* = 0.024 or *P* <0.001."""

    def run(self):
        node = self.number(self.text)
        equal = "" if node.astext()[:1] in "<>[" else "= "
        return [nodes.emphasis("P", "P"), nodes.Text(f" {equal}"), node], []


class IntervalRole(Placed, SphinxRole):
    """``{ci}`key```: the confidence interval of a result as a sentence writes it, 95% CI, 10 to 124."""

    def run(self):
        return [self.number("trial.ci_level"), nodes.Text(" CI, "), self.number(f"{self.text}.ci")], []


def load_index(app, config):
    """Read all executed notebooks before any document."""
    try:
        app.trialbook_index = executed.read(Path(app.srcdir, EXECUTED))
    except ExecutedError as error:
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
    link["title"] = f"{node['reftarget']}, from {node['document'].partition('/')[2]}"
    link["key"], link["classes"], link["ids"] = node["reftarget"], node["look"], node["ids"]
    return result_reference("", "", *link.children, **link.attributes)


def visit_html(self, node):
    """Open the link of a number in HTML; inside another link, which HTML does not allow, only mark it."""
    place = node.parent
    while place is not None and not isinstance(place, nodes.reference):
        place = place.parent
    node["tag"] = "span" if place else "a"
    link = {} if place else {"href": node["refuri"] if "refuri" in node else f"#{node['refid']}"}
    self.body.append(self.starttag(node, node["tag"], "", title=node["title"], **link, **{"data-key": node["key"]}))


def depart_html(self, node):
    """Close what `visit_html` opened."""
    self.body.append(f"</{node['tag']}>")


def mark_cells(app, doctree):
    """Give each code cell of an executed notebook's page its anchor, and its figures their alternative text."""
    path = Path(app.env.doc2path(app.env.docname))
    if path.parent.name != EXECUTED:
        return
    cells = app.trialbook_index.notebooks[path.stem]
    for box in doctree.findall(nodes.container):
        if box.get("nb_element") != "cell_code":
            continue
        cell = cells[box["cell_index"]]
        box.insert(0, nodes.target("", "", ids=[cell.anchor]))
        bundles = [part for part in box.findall(nodes.container) if part.get("nb_element") == "mime_bundle"]
        shown = [bundle for bundle in bundles if list(bundle.findall(nodes.image))]
        drawn = [output for output in cell.outputs if any(kind.startswith("image/") for kind in output.data)]
        for bundle, output in zip(shown, drawn, strict=True):
            for image in bundle.findall(nodes.image):
                image["alt"] = output.figure.alt if output.figure else ""


def write_results(app, exception):
    """Serve all rows with the book and, in a draft, the list of what is not available."""
    if exception is not None:
        return
    Path(app.outdir, "results.json").write_text(dump(app.trialbook_index.results), "utf8")
    list_pages(app, "not_available")


def list_pages(app, name):
    """Serve with a draft, as ``<name>.txt``, all that its pages note under a name, each with these pages."""
    if not app.config.trialbook_draft:
        return
    pages = {}
    for page in sorted(app.env.metadata):
        for noted in app.env.metadata[page].get(name, []):
            pages.setdefault(noted, []).append(page)
    lines = (f"{noted}: {', '.join(dict.fromkeys(pages[noted]))}\n" for noted in sorted(pages))
    Path(app.outdir, f"{name}.txt").write_text("".join(lines), "utf8")


def setup(app):
    """Register the roles, directives and checks."""
    app.add_config_value("trialbook_draft", os.environ.get("TRIALBOOK_DRAFT") == "1", "env", bool)
    passing = (lambda self, node: self.visit_reference(node), lambda self, node: self.depart_reference(node))
    html = (visit_html, depart_html)
    app.add_node(result_reference, html=html, latex=passing, text=passing)
    app.add_role("num", NumberRole())
    app.add_role("p", PValueRole())
    app.add_role("ci", IntervalRole())
    app.connect("config-inited", load_index, priority=600)
    app.connect("missing-reference", resolve_number)
    app.connect("doctree-read", mark_cells)
    app.connect("doctree-read", typed_digits.check)
    app.connect("build-finished", write_results)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
