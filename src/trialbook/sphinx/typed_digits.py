"""The check of the prose: no digit in it is a result typed by hand."""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging

from trialbook.sphinx import prose

LOG = logging.getLogger(__name__)
COMPUTED = "computed"  # marks the nodes that come from a notebook, not from an author's hand

# Digits that may be typed. A citation, a cross-reference, a footnote's mark, code and a displayed formula may hold any.
_ITEM = r"\d+[a-z]?\b(?![.,]\d|%)"
ALLOWED = (
    (r"\b[A-Z][A-Za-z]*\d+[A-Za-z]*\b(?![.,]\d|%)", "a name with a digit in it, such as CD4 or CR2"),
    (r"\b[A-Z]{2,}-\d+\b(?![.,]\d|%)", "a hyphenated name, such as HIV-1"),
    (r"(?<![.,\u2212])\b(?:19|20)\d\d\b(?![.,]\d|%)", "a year"),
    (rf"\b[Ii]tem {_ITEM}", "an item of a reporting guideline"),
    (rf"\b[Ii]tems {_ITEM}(?:(?:, and |, | and |\u2013)(?:{_ITEM}|[a-z]\b))*", "several of them"),
)


def check(app, doctree):
    """Report every digit of a page of prose that is neither a result nor allowed by a rule of `ALLOWED`."""
    if not app.env.docname.startswith(prose.FOLDER):
        return
    for node in doctree.findall():
        text = typed(node)
        for pattern, _ in ALLOWED:
            text = re.sub(pattern, "", text)
        if found := re.search(r"\S*\d\S*", text):
            app.env.note_reread()  # or the next incremental build would forget the fault
            message = "the number %r is typed by hand: place a result with {num}`key`"
            LOG.error(message, found.group(), location=node, type="trialbook")


def typed(node):
    """Give the text that a node shows and that the author answers for: no result, citation, code or formula."""
    if any(map(_may_hold_digits, prose.lineage(node))):
        return ""
    if isinstance(node, nodes.Text):
        return node.astext()
    return f"{node.get('alt', '')} {node.get('explanation', '')} {node.get('reftitle', '')}"


def _may_hold_digits(node):
    if isinstance(node, nodes.Text):
        return False
    if node.get(COMPUTED):
        return True
    if isinstance(node, addnodes.pending_xref):
        return node["reftype"] == "number" or node["refdomain"] == "cite" or not node.get("refexplicit")
    if isinstance(node, nodes.reference):
        return node.astext() == node.get("refuri")
    return isinstance(node, _MAY)


_MAY = (nodes.literal, nodes.literal_block, nodes.comment, nodes.math_block, nodes.footnote_reference, nodes.label)
