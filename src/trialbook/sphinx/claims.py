"""The role that places a claim, and what is said of a claim that does not hold.

A claim is judged when its page is read, and its page is read again whenever a notebook or the file of claims changed.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import ReferenceRole
from sphinx.writers.html5 import HTML5Translator

from trialbook.claims.conditions import Condition
from trialbook.sphinx import prose
from trialbook.sphinx.placed import Shown, depend_on, fault_of, missing, notice, of, say_fault
from trialbook.sphinx.text_checks import CLAIMED

LOG = logging.getLogger(__name__)


class claim(nodes.Inline, nodes.TextElement):
    """Words that are bound to a condition: `condition` says which, `fault` what is wrong with it, if anything."""


class ClaimRole(ReferenceRole):
    """``{claim}`id``` or ``{claim}`own wording <id>```: words that are true only while a condition holds."""

    def run(self) -> Shown:
        file = self.config.trialbook_claims
        depend_on(self.env, file)
        domain = of(self.env)
        domain.note("claims", self.target)
        if domain.claims is None:  # the file's own faults are said, and they are enough
            return [self._claim(self.title, "")], []
        if self.target not in domain.claims:
            return self._refuse("there is no claim %r in %s: declare it, or correct its name", self.target, file)
        declared = domain.claims[self.target]
        said = self.title if self.has_explicit_title else declared.says
        if not said:
            return self._refuse("the claim %r has no words: give it `says` in %s, or words here", self.target, file)
        if declared.condition is None:
            return [self._claim(said, f"states no finding: {declared.because}")], []
        return self._judged(said, declared.condition), []

    def _refuse(self, message: str, *words: str) -> Shown:
        say_fault(self.env, message, *words, location=self.get_location())
        return [], []

    def _claim(self, said: str, condition: str, fault: str = "", values: str = "") -> claim:
        facts = {"condition": condition, "fault": fault, "values": values, CLAIMED: True}
        node = claim("", "", nodes.Text(said), id=self.target, **facts)
        self.set_source_info(node)
        return node

    def _judged(self, said: str, condition: Condition) -> list[nodes.Node]:
        """The words of a claim, with what its condition comes to; in a draft, with what is wrong with it."""
        absent = missing(self, condition, f", which the claim {self.target!r} names in {self.config.trialbook_claims}")
        if absent:
            notices: list[nodes.Node] = [part for key in absent for part in (notice(key), nodes.Text(" "))]
            return notices[:-1]
        rows, fault = of(self.env).index.results, fault_of(self, condition)
        shown = f"true while {condition.text}; here {condition.filled(rows)}"
        node = self._claim(said, shown, fault, condition.values(rows))
        if not (fault and self.config.trialbook_draft):
            return [node]
        of(self.env).note("false_claims", self.target)
        return [node, nodes.Text(" "), notice(self.target, "does not hold")]


def report_false(app: Sphinx, doctree: nodes.document) -> None:
    """Report every claim of a page that is false, with its sentence, condition and values."""
    for node in doctree.findall(claim):
        if node["fault"] and not app.config.trialbook_draft:
            message = "the claim %r %s: “%s”; in %s it is %s, with %s: mend the sentence or the claim"
            sentence = prose.words(prose.sentence_around(node))
            told = (node["fault"], sentence, app.config.trialbook_claims, node["condition"], node["values"])
            say_fault(app.env, message, node["id"], *told, location=node)


def report_unused(app: Sphinx, env: BuildEnvironment) -> None:
    """Report every claim that is declared and that no page makes."""
    used = {id for _, id in of(env).noted("claims")}
    for id in sorted((of(env).claims or {}).keys() - used):
        message = "the claim %r is declared and no page makes it: use it, or remove it"
        LOG.error(message, id, location=f"{app.config.trialbook_claims}:1", type="trialbook")


def open_html(self: HTML5Translator, node: claim) -> None:
    """Mark the words, and say their condition to whoever points at them or comes to them by keyboard."""
    reached = {} if prose.around(node, nodes.reference) else {"tabindex": "0"}
    told = {"title": node["condition"], "data-claim": node["id"], **reached}
    self.body.append(self.starttag(node, "del" if node["fault"] else "span", "", CLASS="claim", **told))


def close_html(self: HTML5Translator, node: claim) -> None:
    """Close what `open_html` opened."""
    self.body.append("</del>" if node["fault"] else "</span>")
