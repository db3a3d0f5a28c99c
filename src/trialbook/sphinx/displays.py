"""Sphinx extension: what places a notebook's table or figure in prose, with caption, number and label, or in a line."""

import base64
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective, SphinxRole

from trialbook.displays.tables import markup
from trialbook.sphinx.numbers import EXECUTED, Placed, notice, reference
from trialbook.sphinx.typed_digits import COMPUTED

# of a printed table: points, characters in em, and rows
UPRIGHT, ACROSS, GAP = 469, 620, 3
LARGEST, SMALLEST = 9, 6.5
EM, SLACK = 0.5, 0.4
PAGE = 20


class sheet(nodes.container):
    """A table with its footnotes."""


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
        layout = found.layout
        table, notes = markup.body(layout, self.number), markup.footnotes(layout)
        table.children[0][COMPUTED] = notes[COMPUTED] = True
        caption = self.caption(nodes.title)
        table["label"] = caption.astext() or table["label"]
        table.insert(0, self.caption(nodes.title, found.notebook, found.cell))
        return [sheet("", *markup.describe(self.place(table), notes))]


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
        image = place_image(self, self.arguments[0], found)
        return [self.place(nodes.figure("", image, self.caption(nodes.caption, found.notebook, found.cell)))]


class StripRole(Placed, SphinxRole):
    """``{strip}`key```: the effect under every scenario, as a small figure beside the headline number of that key."""

    def run(self):
        key = f"{self.text}.strip"
        found = self.find("figures", key)
        if found is None:
            return [notice(key)], []
        image = place_image(self, key, found)
        return [reference(self.env, key, image, f"{EXECUTED}/{found.notebook}", found.cell, ["strip"])], []


def place_image(placed, key, found):
    """The image of a notebook's figure, whose files are written where every builder finds the one it needs."""
    folder = Path(placed.env.srcdir, EXECUTED, "figures")
    folder.mkdir(exist_ok=True)
    for kind, suffix in (("image/svg+xml", ".svg"), ("application/pdf", ".pdf")):
        content = found.files[kind]
        blob = content.encode() if suffix == ".svg" else base64.b64decode(content)
        (folder / f"{key}{suffix}").write_bytes(blob)
    return nodes.image(uri=f"/{EXECUTED}/figures/{key}.*", alt=found.alt, **{COMPUTED: True})


def open_sheet(self, node):
    """Print a table as large as the page lets it be, up to `LARGEST`; across the page if it were too small upright."""
    table = node[0]
    measure, group = table["measure"], table.children[-1]
    room = [wide - 2 * GAP * len(measure) for wide in (UPRIGHT, ACROSS)]
    ems = [EM * width + SLACK for width in measure]
    across = room[0] / sum(ems) < SMALLEST
    size = min(LARGEST, room[across] / sum(ems))
    node["turned"] = across
    if across or len(group.children[-1]) > PAGE:
        table["classes"].append("longtable")
    self.next_table_colspec = "".join(rf">{{\raggedright\arraybackslash}}p{{{width:.2f}em}}" for width in ems)
    turn = r"\begin{landscape}" if across else ""
    self.body.append(
        f"\n{turn}\\begingroup\\setlength{{\\tabcolsep}}{{{GAP}pt}}"
        f"\\fontsize{{{size:.2f}}}{{{1.2 * size:.2f}}}\\selectfont\n"
    )


def close_sheet(self, node):
    """End what `open_sheet` began."""
    self.body.append("\\par\\endgroup" + (r"\end{landscape}" if node["turned"] else "") + "\n")


def print_pad(self, node):
    """Leave as much room as what is not printed would take."""
    self.body.append(rf"\phantom{{{self.encode(node['room'])}}}")
    raise nodes.SkipNode


def write_pad(self, node):
    """Leave the room to the style sheet; in Word, which has none, put spaces as wide as a digit."""
    if self.builder.name == "singlehtml":
        self.body.append("\u2007" * len(node["room"]))
        raise nodes.SkipNode
    markup.write_pad(self, node)


def print_step(self, node):
    """Indent a label."""
    self.body.append(rf"\hspace*{{{node['depth']}em}}")
    raise nodes.SkipNode


def write_step(self, node):
    """Leave the indent to the style sheet; Word has none."""
    self.body.append("\u2003" * node["depth"] if self.builder.name == "singlehtml" else "")
    raise nodes.SkipNode


def setup(app):
    """Register the directives, and how each writer writes a table."""
    app.add_enumerable_node(markup.result_table, "table", html=(markup.write_html, None))
    app.add_node(markup.pad, html=(write_pad, None), latex=(print_pad, None), text=(markup.skip, None))
    app.add_node(markup.step, html=(write_step, None), latex=(print_step, None), text=(markup.skip, None))
    app.add_node(sheet, latex=(open_sheet, close_sheet))
    app.add_latex_package("pdflscape")
    app.add_directive("result-table", TableDirective)
    app.add_directive("result-figure", FigureDirective)
    app.add_role("strip", StripRole())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
