"""Sphinx extension: the role that places a claim, and what is said of a claim that does not hold.

A claim is judged when its page is read, and its page is read again whenever a notebook or ``claims.yml`` changed.
"""

from pathlib import Path

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import ReferenceRole

from trialbook.claims import claims
from trialbook.claims.conditions import ConditionError
from trialbook.errors import FaultsError
from trialbook.sphinx import evaluative_words, prose
from trialbook.sphinx.evaluative_words import CLAIMED
from trialbook.sphinx.numbers import Placed, list_pages, notice

LOG = logging.getLogger(__name__)
FILE = f"{prose.FOLDER}claims.yml"
FALSE = "false_claims"


class claim(nodes.Inline, nodes.TextElement):
    """Words that are bound to a condition: `condition` says which, `fault` what is wrong with it, if anything."""


class ClaimRole(Placed, ReferenceRole):
    """``{claim}`id``` or ``{claim}`own wording <id>```: words that are true only while a condition holds."""

    def run(self):
        self.env.note_dependency(str(Path(self.env.srcdir, FILE)))
        known = self.env.app.trialbook_claims
        self.env.metadata[self.env.docname].setdefault("claims", []).append(self.target)
        if known is None:  # the file's own faults are said, and they are enough
            return [self._claim(self.title, "")], []
        if self.target not in known:
            return self._refuse("there is no claim %r in %s: declare it, or correct its name", self.target, FILE)
        declared = known[self.target]
        said = self.title if self.has_explicit_title else declared.says
        if not said:
            return self._refuse("the claim %r has no words: give it `says` in %s, or words here", self.target, FILE)
        if declared.because:
            return [self._claim(said, f"states no finding: {declared.because}")], []
        return self._judged(said, declared.condition), []

    def _refuse(self, message, *words):
        self.env.note_reread()
        LOG.error(message, *words, location=self.get_location(), type="trialbook")
        return [], []

    def _claim(self, said, condition, fault="", values=""):
        facts = {"condition": condition, "fault": fault, "values": values, CLAIMED: True}
        node = claim("", "", nodes.Text(said), id=self.target, **facts)
        self.set_source_info(node)
        return node

    def _judged(self, said, condition):
        """The words of a claim, with what its condition comes to; in a draft, with what is wrong with it."""
        asked = f", which the claim {self.target!r} names in {FILE}"
        missing = [key for key in condition.keys if self.find("results", key, asked) is None]
        if missing:
            return [part for key in missing for part in (notice(key), nodes.Text(" "))][:-1]
        rows = self.env.app.trialbook_index.results
        try:
            fault = "" if condition.holds(rows) else "is false"
        except ConditionError as error:
            fault = f"cannot be judged, {error}"
        shown = f"true while {condition.text}; here {condition.filled(rows)}"
        node = self._claim(said, shown, fault, condition.values(rows))
        if not (fault and self.config.trialbook_draft):
            return [node]
        self.env.metadata[self.env.docname].setdefault(FALSE, []).append(self.target)
        return [node, nodes.Text(" "), notice(self.target, "does not hold")]


def read_claims(app, config):
    """Read the claims before any document, and say the faults of their file."""
    app.trialbook_claims = read_or_say(app, FILE, claims.read)


def read_or_say(app, name, read):
    """Read a file of the book; where it has faults, say each, and give None."""
    try:
        return read(Path(app.srcdir, name))
    except FaultsError as error:
        for fault in error.faults:
            where = f"{fault.column}: " if fault.column else ""
            LOG.error(
                "%s%s; %s", where, fault.rule, fault.remedy, location=f"{name}:{fault.row or 1}", type="trialbook"
            )


def report_false(app, doctree):
    """Report every claim of a page that is false, with its sentence, condition and values."""
    for node in doctree.findall(claim):
        if node["fault"] and not app.config.trialbook_draft:
            app.env.note_reread()  # or the next incremental build would forget the fault
            message = "the claim %r %s: “%s”; in %s it is %s, with %s: mend the sentence or the claim"
            words = (node["fault"], prose.sentence_of(node), FILE, node["condition"], node["values"])
            LOG.error(message, node["id"], *words, location=node, type="trialbook")


def report_unused(app, env):
    """Report every claim that is declared and that no page makes."""
    used = {id for page in env.metadata.values() for id in page.get("claims", [])}
    for id in sorted((app.trialbook_claims or {}).keys() - used):
        message = "the claim %r is declared and no page makes it: use it, or remove it"
        LOG.error(message, id, location=FILE, type="trialbook")


def write_false(app, exception):
    """Serve with a draft the list of the claims that do not hold."""
    if exception is None:
        list_pages(app, FALSE)


def visit_html(self, node):
    """Mark the words, and say their condition to whoever points at them or comes to them by keyboard."""
    inside = any(isinstance(around, nodes.reference) for around in prose.lineage(node))
    reached = {} if inside else {"tabindex": "0"}
    told = {"title": node["condition"], "data-claim": node["id"], **reached}
    self.body.append(self.starttag(node, "del" if node["fault"] else "span", "", CLASS="claim", **told))


def depart_html(self, node):
    """Close what `visit_html` opened."""
    self.body.append("</del>" if node["fault"] else "</span>")


def setup(app):
    """Register the role and the checks."""
    passing = (lambda self, node: None, lambda self, node: None)
    app.add_node(claim, html=(visit_html, depart_html), latex=passing, text=passing)
    app.add_role("claim", ClaimRole())
    app.connect("config-inited", read_claims, priority=600)
    app.connect("doctree-read", report_false)
    app.connect("doctree-read", evaluative_words.check)
    app.connect("env-updated", report_unused)
    app.connect("build-finished", write_false)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
