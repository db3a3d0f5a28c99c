"""The prose of a page: its blocks of text and, one a line, their sentences."""

from docutils import nodes
from sphinx import addnodes

FOLDER = "book/"


def lineage(node):
    """Yield a node and all that it stands in, from within."""
    while node is not None:
        yield node
        node = node.parent


def blocks(doctree):
    """Yield each block of running text: paragraphs, titles, captions, terms."""
    for block in doctree.findall(nodes.TextElement):
        if not isinstance(block, (nodes.Inline, nodes.FixedTextElement, addnodes.pending_xref)):
            yield block


def sentences(block):
    """List the sentences of a block: prose has one a line, and the tree keeps the line breaks.

    Parameters
    ----------
    block : nodes.TextElement

    Returns
    -------
    list of list of tuple
        Each sentence as its pieces: the words, and the text node they stand in.
    """
    found = [[]]
    for node in block.findall(nodes.Text):
        first, *rest = node.astext().split("\n")
        found[-1].append((first, node))
        found += [[(words, node)] for words in rest]
    return found


def words(sentence):
    """The words of a sentence as a reader sees them."""
    return " ".join("".join(words for words, _ in sentence).split())


def sentence_of(node):
    """The words of the sentence in which an inline node stands."""
    text = next(iter(node.findall(nodes.Text)))
    inline = (nodes.Text, nodes.Inline, addnodes.pending_xref)
    block = next(around for around in lineage(node) if not isinstance(around, inline))
    return next(words(s) for s in sentences(block) if any(own is text for _, own in s))


def section_of(node):
    """The title of the section in which a node stands, below that of the page; empty at the page's top."""
    sections = [around for around in lineage(node) if isinstance(around, nodes.section)]
    return sections[0].next_node(nodes.title).astext() if len(sections) > 1 else ""
