"""Sphinx extension: what places a notebook's table or figure in prose, with caption, number and label, or in a line."""

import base64
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective, SphinxRole

from trialbook.sphinx_numbers import EXECUTED, Placed, notice, reference
from trialbook.typed_digits import COMPUTED


class _Captioned(Placed, SphinxDirective):
    has_content = True
    required_arguments = 1
    option_spec: ClassVar = {"name": directives.unchanged}

    def caption(self, kind, notebook=None, anchor=""):
        """The content as a caption, with a link to the cell behind what is shown."""
        box = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, box)
        caption = kind("", "", *(box[0].children if box.children else []))
        if notebook:
            source = reference(self.env, self.arguments[0], "source", f"{EXECUTED}/{notebook}", anchor)
            caption += [nodes.Text(" ["), source, nodes.Text("]")]
        return caption

    def place(self, node):
        """Give the table or figure its line and its label."""
        self.set_source_info(node)
        self.add_name(node)
        return node


class TableDirective(_Captioned):
    """``{result-table} key``: a notebook's table, with the content as its caption."""

    def run(self):
        found = self.find("tables", self.arguments[0])
        if found is None:
            body = nodes.tbody("", nodes.row("", nodes.entry("", nodes.paragraph("", "", notice(self.arguments[0])))))
            return [
                self.place(
                    nodes.table(
                        "", self.caption(nodes.title), nodes.tgroup("", nodes.colspec(colwidth=1), body, cols=1)
                    )
                )
            ]
        layout, notebook, anchor = found
        width = len(layout["columns"])
        columns = (nodes.colspec(colwidth=30 if i == 0 else 70 // width) for i in range(width))
        group = nodes.tgroup("", *columns, cols=width, **{COMPUTED: True})
        group.children[0]["stub"] = 1
        head = [
            self.entry(column["text"], column["key"] and [nodes.Text("n = "), self.number(column["key"])])
            for column in layout["columns"]
        ]
        group += nodes.thead("", nodes.row("", *head))
        group += nodes.tbody("", *(self.line(row, width) for row in layout["rows"]))
        table = self.place(
            nodes.table("", self.caption(nodes.title, notebook, anchor), group, classes=["results-table"])
        )
        notes = [nodes.paragraph(note, note, classes=["note"], **{COMPUTED: True}) for note in layout["notes"]]
        return [nodes.container("", table, classes=["wide"]), *notes]

    def line(self, row, width):
        label = self.entry(row["label"], classes=[f"indent-{row['indent']}"])
        if not row["cells"]:
            label["morecols"] = width - 1
            return nodes.row("", label, classes=["section"])
        cells = (
            self.entry(c["text"]) if "text" in c else self.entry("", [self.number(c["key"])]) for c in row["cells"]
        )
        return nodes.row("", label, *cells)

    @staticmethod
    def entry(text, below=None, classes=()):
        paragraphs = [nodes.paragraph(text, text)] if text else []
        paragraphs += [nodes.paragraph("", "", *below)] if below else []
        return nodes.entry("", *paragraphs, classes=list(classes))


class FigureDirective(_Captioned):
    """``{result-figure} key``: a notebook's figure, with its alternative text and the content as its caption."""

    def run(self):
        found = self.find("figures", self.arguments[0])
        if found is None:
            return [
                self.place(
                    nodes.figure("", nodes.paragraph("", "", notice(self.arguments[0])), self.caption(nodes.caption))
                )
            ]
        _, _, notebook, anchor = found
        image = place_image(self, self.arguments[0], found)
        return [self.place(nodes.figure("", image, self.caption(nodes.caption, notebook, anchor)))]


class StripRole(Placed, SphinxRole):
    """``{strip}`key```: the effect under every scenario, as a small figure beside the headline number of that key."""

    def run(self):
        key = f"{self.text}.strip"
        found = self.find("figures", key)
        if found is None:
            return [notice(key)], []
        _, _, notebook, anchor = found
        image = place_image(self, key, found)
        return [reference(self.env, key, image, f"{EXECUTED}/{notebook}", anchor, ["strip"])], []


def place_image(placed, key, found):
    """The image of a notebook's figure, whose files are written where every builder finds the one it needs."""
    alt, data, *_ = found
    folder = Path(placed.env.srcdir, EXECUTED, "figures")
    folder.mkdir(exist_ok=True)
    for kind, suffix in (("image/svg+xml", ".svg"), ("application/pdf", ".pdf")):
        content = data[kind] if isinstance(data[kind], str) else "".join(data[kind])
        blob = content.encode() if suffix == ".svg" else base64.b64decode(content)
        (folder / f"{key}{suffix}").write_bytes(blob)
    return nodes.image(uri=f"/{EXECUTED}/figures/{key}.*", alt=alt, **{COMPUTED: True})


def setup(app):
    """Register the directives."""
    app.add_directive("result-table", TableDirective)
    app.add_directive("result-figure", FigureDirective)
    app.add_role("strip", StripRole())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
