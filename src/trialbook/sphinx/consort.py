"""The role that marks what reports an item of CONSORT, and the checklist that fills itself.

What a page marks is noted when it is read; the checklist is filled when its page is written, from all pages.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.nodes import make_refnode

from trialbook.claims.conditions import Condition
from trialbook.claims.consort import Item
from trialbook.sphinx import prose
from trialbook.sphinx.placed import COMPUTED, Shown, depend_on, fault_of, missing, notice, of, say_fault

COLUMNS = {"Item": 6, "Topic": 24, "Where it is reported": 30, "Checks and gaps": 40}


class passage(nodes.Inline, nodes.Element):
    """The place from which on the prose reports an item, until its page is read."""


class reported(nodes.General, nodes.Element):
    """Stands in the checklist for the links to an item's passages, until all pages are read."""


class ConsortRole(SphinxRole):
    """``{consort}`22a``` or ``{consort}`9,17b```: what follows reports these items; shows nothing."""

    def run(self) -> Shown:
        file, known = self.config.trialbook_consort, of(self.env).consort
        depend_on(self.env, file)
        items = [item.strip() for item in self.text.split(",")]
        for item in items:
            if known is not None and item not in known:
                message = "there is no item %r of CONSORT in %s (such as 22a)"
                say_fault(self.env, message, item, file, location=self.get_location())
        return [passage("", item=item) for item in items], []


class ChecklistDirective(SphinxDirective):
    """``{consort-checklist}``: every item with its passages, its checks and its gap."""

    def run(self) -> list[nodes.Node]:
        depend_on(self.env, self.config.trialbook_consort)
        of(self.env).note("lists", "consort")
        body = nodes.tbody()
        for number, item in (of(self.env).consort or {}).items():
            place = reported("", item=number, page=self.env.docname)
            cells = nodes.paragraph("", number), nodes.paragraph("", item.topic), place
            body += nodes.row("", *(nodes.entry("", cell) for cell in cells), nodes.entry("", *self._judged(item)))
        head = nodes.row("", *(nodes.entry("", nodes.paragraph("", name)) for name in COLUMNS))
        columns = [nodes.colspec(colwidth=width) for width in COLUMNS.values()]
        group = nodes.tgroup("", *columns, nodes.thead("", head), body, cols=len(COLUMNS))
        return [nodes.table("", group, classes=["longtable", "consort"], **{COMPUTED: True})]

    def _judged(self, item: Item) -> list[nodes.Node]:
        """What came of the checks of an item, and its gap."""
        said: list[nodes.Node] = [self._check(words, condition) for words, condition in item.conditions.items()]
        gap = nodes.paragraph("", "", nodes.strong("", "Gap: "), nodes.Text(item.gap))
        return [*said, gap] if item.gap else said

    def _check(self, words: str, condition: Condition) -> nodes.paragraph:
        """One line of the checklist: what a check says, what came of it, and by which values."""
        file = self.config.trialbook_consort
        absent = missing(self, condition, f", which the check “{words}” names in {file}")
        if absent:
            return nodes.paragraph("", f"{words}: ", *(notice(key) for key in absent))
        rows, fault = of(self.env).index.results, fault_of(self, condition)
        if fault and not self.config.trialbook_draft:
            message = "the check “%s” %s: %s says %s; here %s: mend the data, the analysis or the check"
            told = (words, fault, file, condition.text, condition.values(rows))
            say_fault(self.env, message, *told, location=self.get_location())
        filled = nodes.literal("", condition.filled(rows))
        said = nodes.strong("", "Broken: " if fault else "Holds: ")
        return nodes.paragraph("", "", said, nodes.Text(f"{words} ("), filled, nodes.Text(")"))


def passages_of(doctree: nodes.document, docname: str) -> list[dict[str, str]]:
    """Give each passage of a page its anchor, and list them.

    Returns
    -------
    list of dict
        Each with ``item``, ``anchor`` and ``section``, the title of the section in which it stands.
    """
    page, found = docname.rpartition("/")[2], []
    for number, node in enumerate(list(doctree.findall(passage)), start=1):
        anchor = f"consort-{page}-{number}"
        found.append({"item": node["item"], "anchor": anchor, "section": prose.section_of(node)})
        node.replace_self(nodes.target("", "", ids=[anchor]))
    return found


def fill_checklist(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the links to the passages in the checklist, in the order of the book."""
    env, root = app.env, app.config.root_doc
    for node in list(doctree.findall(reported)):
        links: dict[str, tuple[str, str]] = {}
        for page, noted in of(env).noted("passages"):
            if noted["item"] == node["item"]:
                title = env.titles[page].astext()
                name = ": ".join(filter(None, ["" if page == root else title, noted["section"]])) or title
                links.setdefault(name, (page, noted["anchor"]))
        node.replace_self(
            [
                nodes.paragraph("", "", make_refnode(app.builder, node["page"], page, anchor, nodes.Text(name)))
                for name, (page, anchor) in links.items()
            ]
            or [nodes.paragraph("", "", nodes.strong("", "Not reported"))]
        )
