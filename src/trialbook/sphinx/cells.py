"""The cells of an executed notebook on its page: each has the anchor to which its numbers lead.

MyST-NB says of a cell on a page no more than what its metadata say. So the anchor is put there before the notebook is
parsed, and a figure is known by what is drawn in it: nothing is counted, whatever is hidden or left out.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from docutils import nodes
from sphinx.application import Sphinx

from trialbook.results.row import MIME, TABLE
from trialbook.sphinx.index import drawings
from trialbook.sphinx.placed import of
from trialbook.sphinx.prose import is_executed

MARK = "trialbook_cell"


def prepare(app: Sphinx, docname: str, source: list[str]) -> None:
    """Write into the metadata of each cell its id, and leave to MyST-NB only what it can show."""
    if not is_executed(app.config, docname):
        return
    notebook = json.loads(source[0])
    if app.builder.format == "latex":
        notebook["cells"] = [part for cell in notebook["cells"] for part in _with_tables(cell)]
    for cell in notebook["cells"]:
        cell["metadata"][MARK] = cell["id"]
        cell["source"] = _with_attachments(cell)
        for output in cell.get("outputs", []):
            for kind in (MIME, TABLE):  # data, and not to be shown
                output.get("data", {}).pop(kind, None)
    source[0] = json.dumps(notebook)


def _with_tables(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Set the tables that a cell shows after it, as print has them, and leave out the lists of its results."""
    yield cell
    outputs = cell.get("outputs", [])
    keys = [data[TABLE]["key"] for output in outputs if TABLE in (data := output.get("data", {}))]
    cell |= {"outputs": [one for one in outputs if not {MIME, TABLE} & one.get("data", {}).keys()]} if outputs else {}
    for number, key in enumerate(keys):
        text = f"```{{result-table}} {key}\n`{key}`\n```"
        yield {"cell_type": "markdown", "id": f"{cell['id']}-{number}", "metadata": {}, "source": text}


def _with_attachments(cell: dict) -> str:
    """The source of a cell, with the images that were pasted into it in the places that name them."""
    text = "".join(cell["source"])
    for name, bundle in cell.get("attachments", {}).items():
        kind, content = next(iter(bundle.items()))
        for written in (name, quote(name)):
            text = text.replace(f"attachment:{written})", f"data:{kind};base64,{''.join(content).strip()})")
    return text


def mark_cells(app: Sphinx, doctree: nodes.document) -> None:
    """Put the anchor of each code cell before it, and give its figures their alternative text."""
    if not is_executed(app.config, app.env.docname):
        return
    notebook = app.env.docname.rpartition("/")[2]
    boxes = {box["cell_metadata"][MARK]: box for box in doctree.findall(nodes.container) if _is_cell(box)}
    waiting: list[nodes.Node] = []  # anchors of cells that are not shown: they lead to the next one that is
    for cell in of(app.env).index.notebooks[notebook]:
        if cell.cell_type == "code":
            waiting.append(nodes.target("", "", ids=[cell.anchor]))
            if box := boxes.get(cell.id):
                box.parent.insert(box.parent.index(box), waiting)
                waiting = []
    last = doctree.children[-1] if doctree.children else doctree
    (last if isinstance(last, nodes.section) else doctree).extend(waiting)
    _describe_figures(app, doctree, notebook)


def _is_cell(box: nodes.container) -> bool:
    return box.get("nb_element") == "cell_code"


def _describe_figures(app: Sphinx, doctree: nodes.document, notebook: str) -> None:
    own = [figure for figure in of(app.env).index.figures.values() if figure.notebook == notebook]
    drawn = {_lines(content): figure.alt for figure in own for content in drawings(figure).values()}
    for image in doctree.findall(nodes.image):
        name = image["candidates"].get("*", "")  # a file of the build
        if name.endswith((".svg", ".pdf")):
            alt = drawn.get(_lines(Path(app.srcdir, name).read_bytes()))
            if alt is not None:
                image["alt"] = alt


def _lines(content: bytes) -> bytes:
    """A file without the ends of its lines, which MyST-NB writes anew."""
    return b"\n".join(content.splitlines())
