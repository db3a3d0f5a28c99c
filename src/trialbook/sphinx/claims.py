"""The role that places a claim, and what is said of a claim that does not hold.

A claim is judged when its page is read, and its page is read again whenever a notebook or the file of claims changed.
"""

from collections.abc import Mapping

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import ReferenceRole
from sphinx.writers.html5 import HTML5Translator

from trialbook.claims.claims import Claim
from trialbook.claims.conditions import Condition
from trialbook.results.evidence import Draws
from trialbook.results.row import Result
from trialbook.sphinx import prose
from trialbook.sphinx.placed import Shown, depend_on, fault_of, find, missing, nearest, notice, of, say_fault
from trialbook.sphinx.text_checks import CLAIMED

LOG = logging.getLogger(__name__)
OFTEN = 0.95  # of the draws, in which a claim holds that need not say in how many
MADE_UP = "on results that were made up with the data"


class claim(nodes.Inline, nodes.TextElement):
    """Words that are bound to a condition: `condition` says which, `fault` what is wrong with it, if anything."""


class ClaimRole(ReferenceRole):
    """``{claim}`id``` or ``{claim}`own wording <id>```: words that are true only while a condition holds.

    Of a claim with several wordings it says the one whose condition holds.
    """

    def run(self) -> Shown:
        file = self.config.trialbook_claims
        depend_on(self.env, file)
        domain = of(self.env)
        domain.note("claims", self.target)
        if domain.claims is None:  # the file's own faults are said, and they are enough
            return [self._claim(self.title, "")], []
        if self.target not in domain.claims:
            message = "there is no claim %r in %s%s: declare it, or correct its name"
            return self._refuse(message, self.target, file, nearest(self.target, domain.claims))
        declared = domain.claims[self.target]
        if declared.either:
            return self._chosen(declared), []
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

    def _chosen(self, declared: Claim) -> list[nodes.Node]:
        """The wording of several that is true, with what its condition comes to."""
        if self.has_explicit_title:
            message = (
                "the claim %r has several wordings in %s, which the results choose from: give no words of your own"
            )
            return self._refuse(message, self.target, self.config.trialbook_claims)[0]
        asked = f", which the claim {self.target!r} names in {self.config.trialbook_claims}"
        absent = [key for key in declared.keys if find(self, "result", key, asked) is None]
        if absent:
            return [notice(key) for key in absent[:1]]
        chosen = declared.worded(of(self.env).index.results)
        if chosen is not None:
            return self._judged(chosen.says, Condition(chosen.holds))
        if declared.otherwise:
            return [self._claim(declared.otherwise, f"said where none is true of: {'; '.join(declared.conditions)}")]
        message = "the claim %r has no wording that is true: none holds of %s; give it another, or `otherwise`, in %s"
        told = (self.target, "; ".join(declared.conditions), self.config.trialbook_claims)
        return self._refuse(message, *told)[0]

    def _judged(self, said: str, condition: Condition) -> list[nodes.Node]:
        """The words of a claim, with what its condition comes to; in a draft, with what is wrong with it."""
        absent = missing(self, condition, f", which the claim {self.target!r} names in {self.config.trialbook_claims}")
        if absent:
            notices: list[nodes.Node] = [part for key in absent for part in (notice(key), nodes.Text(" "))]
            return notices[:-1]
        domain, fault = of(self.env), fault_of(self, condition)
        rows = domain.index.results
        shown = f"true while {condition.text}; here {condition.filled(rows)}"
        if domain.draws:
            held = held_in(condition, rows, domain.draws)
            shown += f"; {MADE_UP if held is None else f'true in {held} of {domain.draws.draws} draws'}"
        node = self._claim(said, shown, fault, condition.values(rows))
        if domain.draws and held is not None and held < OFTEN * domain.draws.draws:
            node["seldom"] = f"{held} of {domain.draws.draws}"
        if not (fault and self.config.trialbook_draft):
            return [node]
        of(self.env).note("false_claims", self.target)
        return [node, nodes.Text(" "), notice(self.target, "does not hold")]


def held_in(condition: Condition, rows: Mapping[str, Result], draws: Draws) -> int | None:
    """Count the draws of a synthetic trial in which a condition is true.

    Parameters
    ----------
    condition : Condition
    rows : mapping of str to Result
        Those of the trial.
    draws : Draws

    Returns
    -------
    int or None
        None where the condition names a result that the draws do not hold.
    """
    first = draws.of_draw(0, condition.keys, rows)
    if first is None:
        return None
    if all(first[key] is rows[key] for key in condition.keys):
        return draws.draws if condition.is_true(rows) else 0
    drawn = (draws.of_draw(number, condition.keys, rows) for number in range(draws.draws))
    return sum(condition.is_true(one) for one in drawn if one)


def report_seldom(app: Sphinx, doctree: nodes.document) -> None:
    """Report every claim of a page that few draws bear out, and whose sentence does not say in how many it holds."""
    for node in doctree.findall(claim):
        if node.get("seldom") and not app.config.trialbook_draft:
            sentence = prose.sentence_around(node)
            refers = [prose.around(words, addnodes.pending_xref) for _, words in sentence]
            if any(one is not None and one["reftarget"].startswith("draws.") for one in refers):
                continue
            message = (
                "the claim %r is true in %s draws of data that give the published figures: “%s”; say so in the "
                "sentence with a number of `draws.`, or mend the claim"
            )
            say_fault(app.env, message, node["id"], node["seldom"], prose.words(sentence), location=node)


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
