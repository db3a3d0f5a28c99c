"""The checks of the prose: no digit is typed by hand, no word judges outside of a claim, nothing is made up unsaid."""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

from trialbook.results.evidence import Evidence
from trialbook.sphinx import prose
from trialbook.sphinx.placed import COMPUTED, is_placed, of, say_fault
from trialbook.sphinx.words import Words

CONCLUDES = {"1b", "29", "30"}  # items of CONSORT: the abstract, the interpretation, the limitations
SAID_TO_BE_MADE_UP = re.compile(r"\b(synthetic|made up|invented)\b", re.IGNORECASE)
CLAIMED = "claimed"  # marks the nodes whose words are those of a claim
_MAY_HOLD_DIGITS = (
    nodes.literal,
    nodes.literal_block,
    nodes.comment,
    nodes.math_block,
    nodes.footnote_reference,
    nodes.label,
)


def check_digits(app: Sphinx, doctree: nodes.document) -> None:
    """Report every digit of a page of prose that is neither a result nor allowed."""
    listed = _words(app)
    if listed is None:
        return
    for node in doctree.findall():
        if found := listed.typed(_typed(node)):
            message = "the number %r is typed by hand: place a result with {num}`key`; %s lists what may be typed"
            say_fault(app.env, message, found, app.config.trialbook_words, location=node)


def check_words(app: Sphinx, doctree: nodes.document) -> None:
    """Report every word of a page of prose that judges and is outside of a claim."""
    listed = _words(app)
    if listed is None or app.env.docname in listed.exempt:
        return
    for block in prose.blocks(doctree):
        for sentence in prose.sentences(block):
            free = "".join(words if _is_free(node) else "\0" * len(words) for words, node in sentence)
            for found in listed.judges.finditer(free):
                message = "the word %r judges (%s): “%s”; make it a claim, {claim}`%s <id>`, with its condition in %s"
                word = found.group()
                shown = (word, listed.reason(word), prose.words(sentence), word, app.config.trialbook_claims)
                about = "%s; %s lists such words, and the pages that may hold them"
                say_fault(app.env, about, message % shown, app.config.trialbook_words, location=block)


def check_evidence(app: Sphinx, doctree: nodes.document) -> None:
    """Report every number of an abstract or a discussion that was made up with the data, unless its sentence says so.

    These are the pages that report the items of CONSORT on abstract, interpretation and limitations.
    """
    domain = of(app.env)
    reported = {passage["item"] for passage in domain.data["passages"].get(app.env.docname, [])}
    if domain.draws is None or not reported & CONCLUDES:
        return
    for block in prose.blocks(doctree):
        for sentence in prose.sentences(block):
            if SAID_TO_BE_MADE_UP.search(prose.words(sentence)):
                continue
            placed = (prose.around(node, addnodes.pending_xref) for _, node in sentence)
            for key in dict.fromkeys(one["reftarget"] for one in placed if one is not None and is_placed(one)):
                row = domain.index.results.get(key)
                if row is not None and row.evidence == Evidence.FREE:
                    message = "%s (%s) was made up with the data, and the sentence does not say so: “%s”; %s"
                    remedy = "say that it is synthetic, made up or invented, or leave it out"
                    say_fault(app.env, message, key, row.display, prose.words(sentence), remedy, location=block)


def _words(app: Sphinx) -> Words | None:
    """The words of the paper, where the page is one to be checked."""
    return of(app.env).words if prose.is_prose(app.config, app.env.docname) else None


def _is_free(node: nodes.Node) -> bool:
    """Whether a text was typed by the author, and not as the words of a claim."""
    return bool(_typed(node)) and not any(
        isinstance(outer, nodes.Element) and outer.get(CLAIMED) for outer in prose.lineage(node)
    )


def _typed(node: nodes.Node) -> str:
    """Give the text that a node shows and that the author answers for: no result, citation, code or formula."""
    if any(map(_may_hold_digits, prose.lineage(node))):
        return ""
    if not isinstance(node, nodes.Element):
        return node.astext()
    return f"{node.get('alt', '')} {node.get('explanation', '')} {node.get('reftitle', '')}"


def _may_hold_digits(node: nodes.Node) -> bool:
    if not isinstance(node, nodes.Element):
        return False
    if node.get(COMPUTED) or is_placed(node):
        return True
    if isinstance(node, addnodes.pending_xref):
        return node["refdomain"] == "cite" or not node.get("refexplicit")
    if isinstance(node, nodes.reference):
        return node.astext() == node.get("refuri")
    return isinstance(node, _MAY_HOLD_DIGITS)
