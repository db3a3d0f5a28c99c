"""Sphinx extension: the role that marks what reports an item of CONSORT, and the checklist that fills itself.

What a page marks is noted when it is read; the checklist is filled when its page is written, from all pages.
"""

from pathlib import Path

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.nodes import make_refnode

from trialbook.claims import consort
from trialbook.claims.conditions import ConditionError
from trialbook.sphinx import prose
from trialbook.sphinx.claim_roles import read_or_say
from trialbook.sphinx.numbers import Placed, notice
from trialbook.sphinx.typed_digits import COMPUTED

LOG = logging.getLogger(__name__)
FILE = f"{prose.FOLDER}consort.yml"
COLUMNS = {"Item": 6, "Topic": 24, "Where it is reported": 30, "Checks and gaps": 40}


class passage(nodes.Inline, nodes.Element):
    """The place from which on the prose reports an item, until its page is read."""


class reported(nodes.General, nodes.Element):
    """Stands in the checklist for the links to an item's passages, until all pages are read."""


class ConsortRole(SphinxRole):
    """``{consort}`22a``` or ``{consort}`9,17b```: what follows reports these items; shows nothing."""

    def run(self):
        self.env.note_dependency(str(Path(self.env.srcdir, FILE)))
        items = [item.strip() for item in self.text.split(",")]
        known = self.env.app.trialbook_consort
        for item in items:
            if known is not None and item not in known:
                self.env.note_reread()  # or the next incremental build would forget the fault
                message = "there is no item %r of CONSORT in %s (such as 22a)"
                LOG.error(message, item, FILE, location=self.get_location(), type="trialbook")
        return [passage("", item=item) for item in items], []


class ChecklistDirective(Placed, SphinxDirective):
    """``{consort-checklist}``: every item with its passages, its checks and its gap."""

    def run(self):
        self.env.note_dependency(str(Path(self.env.srcdir, FILE)))
        body = nodes.tbody()
        for number, item in (self.env.app.trialbook_consort or {}).items():
            checks = [self._check(words, condition) for words, condition in item.conditions.items()]
            gap = [nodes.paragraph("", "", nodes.strong("", "Gap: "), nodes.Text(item.gap))] if item.gap else []
            place = reported("", item=number, page=self.env.docname)
            cells = [[nodes.paragraph("", number)], [nodes.paragraph("", item.topic)], [place], [*checks, *gap]]
            body += nodes.row("", *(nodes.entry("", *cell) for cell in cells))
        head = nodes.row("", *(nodes.entry("", nodes.paragraph("", name)) for name in COLUMNS))
        columns = [nodes.colspec(colwidth=width) for width in COLUMNS.values()]
        group = nodes.tgroup("", *columns, nodes.thead("", head), body, cols=len(COLUMNS))
        return [nodes.table("", group, classes=["longtable", "consort"], **{COMPUTED: True})]

    def _check(self, words, condition):
        """One line of the checklist: what a check says, what came of it, and by which values."""
        asked = f", which the check “{words}” names in {FILE}"
        missing = [key for key in condition.keys if self.find("results", key, asked) is None]
        if missing:
            return nodes.paragraph("", f"{words}: ", *(notice(key) for key in missing))
        rows = self.env.app.trialbook_index.results
        try:
            fault = "" if condition.holds(rows) else "is false"
        except ConditionError as error:
            fault = f"cannot be judged, {error}"
        if fault and not self.config.trialbook_draft:
            self.env.note_reread()
            message = "the check “%s” %s: %s says %s; here %s: mend the data, the analysis or the check"
            told = (words, fault, FILE, condition.text, condition.values(rows))
            LOG.error(message, *told, location=self.get_location(), type="trialbook")
        filled = nodes.literal("", condition.filled(rows))
        said = nodes.strong("", "Broken: " if fault else "Holds: ")
        return nodes.paragraph("", "", said, nodes.Text(f"{words} ("), filled, nodes.Text(")"))


def read_items(app, config):
    """Read the items before any document, and say the faults of their file."""
    app.trialbook_consort = read_or_say(app, FILE, consort.read)


def note_passages(app, doctree):
    """Give each passage of a page its anchor, and note it with the title of its section."""
    page = app.env.docname.rpartition("/")[2]
    for number, node in enumerate(list(doctree.findall(passage)), start=1):
        anchor = f"consort-{page}-{number}"
        noted = {"item": node["item"], "anchor": anchor, "section": prose.section_of(node)}
        app.env.metadata[app.env.docname].setdefault("consort", []).append(noted)
        node.replace_self(nodes.target("", "", ids=[anchor]))


def fill_checklist(app, doctree, docname):
    """Put the links to the passages in the checklist, in the order of the table of contents."""
    root = app.config.root_doc
    pages = [root, *app.env.toctree_includes.get(root, [])]
    for node in list(doctree.findall(reported)):
        links = {}
        for page in pages:
            title = "" if page == root else app.env.titles[page].astext()
            for noted in app.env.metadata[page].get("consort", []):
                if noted["item"] == node["item"]:
                    name = ": ".join(filter(None, [title, noted["section"]])) or app.env.titles[page].astext()
                    links.setdefault(name, (page, noted["anchor"]))
        node.replace_self(
            [
                nodes.paragraph("", "", make_refnode(app.builder, node["page"], page, anchor, nodes.Text(name)))
                for name, (page, anchor) in links.items()
            ]
            or [nodes.paragraph("", "", nodes.strong("", "Not reported"))]
        )


def setup(app):
    """Register the role, the directive and what fills the checklist."""
    app.add_role("consort", ConsortRole())
    app.add_directive("consort-checklist", ChecklistDirective)
    app.connect("config-inited", read_items, priority=600)
    app.connect("doctree-read", note_passages)
    app.connect("doctree-resolved", fill_checklist)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
