"""The prose of a page: its blocks of text and, one a line, their sentences."""

from collections.abc import Iterator
from typing import TypeAlias, TypeVar

from docutils import nodes
from sphinx import addnodes
from sphinx.config import Config
from sphinx.util.matching import Matcher

Kind = TypeVar("Kind", bound=nodes.Node)
Sentence: TypeAlias = list[tuple[str, nodes.Node]]  # its pieces: the words, and the node they stand in


def is_executed(config: Config, docname: str) -> bool:
    """Whether a document is an executed notebook."""
    return docname.rpartition("/")[0] == config.trialbook_executed


def is_prose(config: Config, docname: str) -> bool:
    """Whether a document is prose."""
    return Matcher(config.trialbook_prose)(docname) and not is_executed(config, docname)


def lineage(node: nodes.Node | None) -> Iterator[nodes.Node]:
    """Yield a node and all that it stands in, from within."""
    while node is not None:
        yield node
        node = node.parent


def around(node: nodes.Node, kind: type[Kind]) -> Kind | None:
    """The innermost node of a kind in which a node stands, or which it is."""
    return next((outer for outer in lineage(node) if isinstance(outer, kind)), None)


def blocks(doctree: nodes.document) -> Iterator[nodes.TextElement]:
    """Yield each block of running text: paragraphs, titles, captions, terms."""
    for block in doctree.findall(nodes.TextElement):
        if not isinstance(block, (nodes.Inline, nodes.FixedTextElement, addnodes.pending_xref)):
            yield block


def sentences(block: nodes.Element) -> list[Sentence]:
    """List the sentences of a block: prose has one a line, and the tree keeps the line breaks."""
    found: list[Sentence] = [[]]
    for node in block.findall(_has_words):
        first, *rest = node.astext().split("\n") if isinstance(node, nodes.Text) else ["…"]
        found[-1].append((first, node))
        found += [[(words, node)] for words in rest]
    return found


def _has_words(node: nodes.Node) -> bool:
    """Whether a node is a text, or a reference that takes its words from where it leads."""
    if isinstance(node, addnodes.pending_xref):
        return not any(isinstance(part, (nodes.Text, nodes.image)) for part in node.findall())
    return isinstance(node, nodes.Text)


def words(sentence: Sentence) -> str:
    """The words of a sentence as a reader sees them."""
    return " ".join("".join(words for words, _ in sentence).split())


def sentence_around(node: nodes.Node) -> Sentence:
    """The sentence in which an inline node stands."""
    text = next(iter(node.findall(_has_words)))
    inline = (nodes.Inline, addnodes.pending_xref)
    block = next(o for o in lineage(node) if isinstance(o, nodes.Element) and not isinstance(o, inline))
    return next(sentence for sentence in sentences(block) if any(own is text for _, own in sentence))


def section_of(node: nodes.Node) -> str:
    """The title of the section in which a node stands, below that of the page; empty at the page's top."""
    sections = [outer for outer in lineage(node) if isinstance(outer, nodes.section)]
    title = sections[0].next_node(nodes.title) if len(sections) > 1 else None
    return title.astext() if title else ""
