"""The check of the prose: no word that judges the results stands outside of a claim."""

import re

from docutils import nodes
from sphinx.util import logging

from trialbook.sphinx import prose, typed_digits

LOG = logging.getLogger(__name__)
CLAIMED = "claimed"  # marks the nodes whose words are those of a claim

# Pages that state nothing found in this trial; every other page of the prose is checked.
EXEMPT = ("introduction", "methods", "numbers", "consort", "reproduce", "availability", "references")

# What judges, by kind and by stem, so that an ending hides nothing; positive sizes (small, high) mostly name things.
JUDGING = {
    "evidence": r"(non-?|in)?(significant|significance)\w* (dis)?prov(e|es|ed|en|ing) confirm\w* refut\w*",
    "likeness": r"differ(s|ed|ent|ently|ing)? similar\w* comparab\w* equivalent\w* identical\w* unchanged same alike",
    "direction": r"(high|low|great|small|bigg|short|long|fast|slow|strong|weak|narrow)(er|est) (large|wide)(r|st)",
    "amount": r"more most less least few(er|est) only majority minority half twice double[ds]? nobody none",
    "count": r"two three four five six seven eight nine ten eleven twelve dozen",
    "change": r"r[oi]se[sn]? rising f[ae]ll(s|en|ing)? drop(s|ped)? (in|de)creas\w* declin\w* reduc\w* gain(s|ed)?",
    "return": r"recover\w* resolved rais(es|ed|ing) grew shr[aiu]nk\w*",
    "worth": r"improv\w* worse\w* better best worst superior\w* inferior\w* benefi\w* (in)?effective\w* favou?r\w*",
    "outcome": r"promising protect\w* success\w* fail(s|ed)? failures?",
    "harm": r"(un)?safe(ly|r|st)? tolera\w* harmless mild\w* transient\w* severe\w* toxic",
    "degree": r"hardly scarcely barely nearly almost markedly substantial\w* considerabl\w* slight\w* marginal\w*",
    "force": r"dramatic\w* remarkabl\w* convincing\w* clear(ly)? strong(ly)? weak(ly)? conclusive\w*",
    "width": r"wide narrow liberal conservative",
}
WORD = re.compile(rf"(?<![\w-])({'|'.join(' '.join(JUDGING.values()).split())})(?![\w-])", re.IGNORECASE)


def check(app, doctree):
    """Report every word of a page of results, abstract or discussion that judges and is outside of a claim."""
    folder, _, page = app.env.docname.rpartition("/")
    if f"{folder}/" != prose.FOLDER or page in EXEMPT:
        return
    for block in prose.blocks(doctree):
        for sentence in prose.sentences(block):
            free = "".join(words if _is_free(node) else "\0" * len(words) for words, node in sentence)
            for found in WORD.finditer(free):
                app.env.note_reread()  # or the next incremental build would forget the fault
                message = "the word %r judges: “%s”; make it a claim, {claim}`%s <id>`, with its condition in %s"
                shown = (found.group(), prose.words(sentence), found.group(), "book/claims.yml")
                LOG.error(message, *shown, location=block, type="trialbook")


def _is_free(node):
    """Whether a text was typed by the author, and not as the words of a claim."""
    return bool(typed_digits.typed(node)) and not any(
        isinstance(around, nodes.Element) and around.get(CLAIMED) for around in prose.lineage(node)
    )
