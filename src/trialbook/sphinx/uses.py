"""Where the paper uses each number, and in which sentence.

Each place of a number in the prose gets an anchor, and `numbers.json` in the built site lists them by key.
"""

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from trialbook.displays.tables import markup
from trialbook.results.sentences import joined
from trialbook.sphinx import prose
from trialbook.sphinx.placed import is_placed, of


def of_page(doctree: nodes.document) -> list[dict[str, Any]]:
    """Give each number of a page of prose its anchor, and list it.

    Returns
    -------
    list of dict
        Each with ``key``, ``anchor``, ``in`` and ``sentence``: see `by_key`.
    """
    numbers = [node for node in doctree.findall(addnodes.pending_xref) if _is_number(node)]
    for count, node in enumerate(numbers, start=1):
        node["ids"] = [f"number-{count}"]
    return [
        {"key": node["reftarget"], "anchor": node["ids"][0], "in": _kind(node), "sentence": _sentence(node)}
        for node in numbers
    ]


def by_key(env: BuildEnvironment) -> dict[str, list[dict[str, Any]]]:
    """List by key where the paper uses each number, after all documents were read.

    Returns
    -------
    dict of str to list of dict
        Each with ``page``, ``anchor``, ``in`` (sentence, title, caption or table) and ``sentence``: a list in which a
        string is text and ``{"key": …}`` is a number; pages in the order of the table of contents.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for page, use in of(env).noted("uses"):
        found.setdefault(use["key"], []).append({"page": page, **{k: v for k, v in use.items() if k != "key"}})
    return found


def _is_number(node: nodes.Node) -> bool:
    return is_placed(node) and node["reftype"] == "result"


def _kind(node: nodes.Node) -> str:
    if _cell(node):
        return "table"
    title = prose.around(node, nodes.title)
    if prose.around(node, nodes.caption) or (title and isinstance(title.parent, nodes.table)):
        return "caption"
    return "title" if title else "sentence"


def _sentence(node: nodes.Node) -> list[Any]:
    cell = _cell(node)
    return _row(*cell) if cell else joined(_parts(prose.sentence_around(node)))


def _cell(node: nodes.Node) -> tuple[nodes.Element, nodes.Element] | None:
    """The table of results and the entry in it in which a number stands."""
    table, entry = prose.around(node, markup.result_table), prose.around(node, nodes.entry)
    return (table, entry) if table and entry else None


def _parts(sentence: prose.Sentence) -> Iterator[Any]:
    """The words of a sentence and, whole, the numbers in it; what another page has to say first is left out (…)."""
    for link, pieces in groupby(sentence, key=lambda piece: prose.around(piece[1], addnodes.pending_xref)):
        if link is None:
            yield "".join(words for words, _ in pieces)
        else:
            yield {"key": link["reftarget"]} if _is_number(link) else "…"


def _row(table: nodes.Element, entry: nodes.Element) -> list[str]:
    """The place of a number in a table: the table's label and the heading of its row."""
    row = entry.parent
    column = row.index(entry)
    said = [table["label"].rstrip(".")] + [row[0].astext().strip()] * (column > 0)
    return [": ".join(part for part in said if part)]


def write_uses(app: Sphinx, exception: Exception | None) -> None:
    """Serve with the book where each number is used: one key a line, sorted."""
    if exception is None:
        found = by_key(app.env)
        lines = (f"{json.dumps(key)}: {json.dumps(found[key], ensure_ascii=False)}" for key in sorted(found))
        Path(app.outdir, "numbers.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf8")
