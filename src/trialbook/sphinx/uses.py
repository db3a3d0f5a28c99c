"""Sphinx extension: where the paper uses each number, and in which sentence.

Each place of a number in the prose gets an anchor, and `numbers.json` in the built site lists them by key.
"""

import json
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

from trialbook.displays.tables import markup
from trialbook.results.sentences import joined
from trialbook.sphinx import prose


def note_uses(app, doctree):
    """Note for a page of prose the anchor and the sentence of each of its numbers."""
    if not app.env.docname.startswith(prose.FOLDER):
        return
    known = app.trialbook_index.results
    used = app.env.metadata[app.env.docname]["uses"] = []
    placed = (node for node in doctree.findall(addnodes.pending_xref) if node.get("reftype") == "number")
    numbers = [node for node in placed if node["reftarget"] in known]
    for count, node in enumerate(numbers, start=1):
        node["ids"] = [f"number-{count}"]
    for node in numbers:
        entry, table = _around(node, nodes.entry), _around(node, markup.result_table)
        sentence = _row(table, entry) if table else _sentence(node)
        used.append({"key": node["reftarget"], "anchor": node["ids"][0], "in": _kind(node), "sentence": sentence})


def uses(env):
    """List by key where the paper uses each number.

    Parameters
    ----------
    env : sphinx.environment.BuildEnvironment
        After all documents were read.

    Returns
    -------
    dict of str to list of dict
        Each with ``page``, ``anchor``, ``in`` (sentence, table or caption) and ``sentence``: a list in which a
        string is text and ``{"key": …}`` is a number; pages in the order of the table of contents.
    """
    root = env.config.root_doc
    found = {}
    for page in [root, *env.toctree_includes.get(root, [])]:
        for use in env.metadata[page].get("uses", []):
            found.setdefault(use["key"], []).append({"page": page, **{k: v for k, v in use.items() if k != "key"}})
    return found


def _around(node, kind):
    return next((around for around in prose.lineage(node) if isinstance(around, kind)), None)


def _kind(node):
    for kind, name in ((markup.result_table, "table"), (nodes.caption, "caption"), (nodes.title, "title")):
        if _around(node, kind):
            return name
    return "sentence"


def _sentence(node):
    """The sentence of a number: prose has one a line, and the tree keeps the line breaks."""
    block = _around(node, nodes.TextElement)
    while isinstance(block, (nodes.Inline, addnodes.pending_xref)):
        block = _around(block.parent, nodes.TextElement)
    lines, own = [[]], 0
    for part in _parts(block):
        if isinstance(part, str):
            first, *rest = part.split("\n")
            lines[-1].append(first)
            lines += [[line] for line in rest]
        else:
            if part is node:
                own = len(lines) - 1
            lines[-1].append({"key": part["reftarget"]})
    return joined(lines[own])


def _parts(block):
    """The texts of a block and, whole, the numbers in it; what another page has to say first is left out (…)."""
    for child in block.children:
        if isinstance(child, addnodes.pending_xref) and child["reftype"] == "number" and child["ids"]:
            yield child
        elif isinstance(child, addnodes.pending_xref):
            yield "" if list(child.findall(nodes.image)) else "…"
        elif isinstance(child, nodes.Text):
            yield child.astext()
        else:
            yield from _parts(child)


def _row(table, entry):
    """The place of a number in a table: the table's label and the heading of its row."""
    row = entry.parent
    column = row.index(entry)
    said = [table["label"].rstrip(".")] + [row[0].astext().strip()] * (column > 0)
    return [": ".join(part for part in said if part)]


def write_numbers(app, exception):
    """Serve with the book where each number is used: one key a line, sorted."""
    if exception is None:
        found = uses(app.env)
        lines = (f"{json.dumps(key)}: {json.dumps(found[key], ensure_ascii=False)}" for key in sorted(found))
        Path(app.outdir, "numbers.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf8")


def setup(app):
    """Register the handlers."""
    app.connect("doctree-read", note_uses)
    app.connect("build-finished", write_numbers)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
