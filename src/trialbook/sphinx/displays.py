"""What places a notebook's table or figure in prose, with caption, number and label, or in a line."""

import os
from functools import partial
from pathlib import Path
from typing import ClassVar, TypeVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.writers.html5 import HTML5Translator
from sphinx.writers.latex import LaTeXTranslator

from trialbook.displays.tables import markup
from trialbook.results.executed import Executed, ShownFigure
from trialbook.sphinx.index import drawings
from trialbook.sphinx.placed import COMPUTED, Author, Shown, find, notice, number, reference

Placed = TypeVar("Placed", bound=nodes.Element)

# of a printed table: points, characters in em, and rows
UPRIGHT, ACROSS, GAP = 469, 620, 3
LARGEST, SMALLEST = 9, 6.5
EM, SLACK = 0.5, 0.4
PAGE = 20


class sheet(nodes.container):
    """A table with its footnotes."""


class _Captioned(SphinxDirective):
    has_content = True
    required_arguments = 1
    option_spec: ClassVar = {"name": directives.unchanged}

    def caption(self, kind: type[nodes.TextElement], source: str = "") -> nodes.TextElement:
        """The content as a caption; where `source` says what is shown, with a link to the cell behind it."""
        box = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, box)
        caption = kind("", "", *(box[0].children if box.children else []))
        if source and self.env.app.builder.format != "latex":  # whose notebooks are another document
            link = reference(self.env, source, self.arguments[0], "source")
            caption += [nodes.Text(" ["), link, nodes.Text("]")]
        return caption

    def place(self, node: Placed) -> Placed:
        """Give the table or figure its line and its label."""
        self.set_source_info(node)
        self.add_name(node)
        return node


class TableDirective(_Captioned):
    """``{result-table} key``: a notebook's table, with the content as its caption."""

    def run(self) -> list[nodes.Node]:
        found = find(self, "table", self.arguments[0])
        if found is None:
            entry = nodes.entry("", nodes.paragraph("", "", notice(self.arguments[0])))
            group = nodes.tgroup("", nodes.colspec(colwidth=1), nodes.tbody("", nodes.row("", entry)), cols=1)
            return [self.place(nodes.table("", self.caption(nodes.title), group))]
        table, notes = markup.body(found.layout, partial(number, self)), markup.footnotes(found.layout)
        next(table.findall(nodes.tgroup))[COMPUTED] = notes[COMPUTED] = True
        caption = self.caption(nodes.title)
        table["label"] = caption.astext() or table["label"]
        table.insert(0, self.caption(nodes.title, "table"))
        return [sheet("", *markup.describe(self.place(table), notes))]


class FigureDirective(_Captioned):
    """``{result-figure} key``: a notebook's figure, with its alternative text and the content as its caption."""

    def run(self) -> list[nodes.Node]:
        key = self.arguments[0]
        found = find(self, "figure", key)
        if found is None:
            return [self.place(nodes.figure("", nodes.paragraph("", "", notice(key)), self.caption(nodes.caption)))]
        return [self.place(nodes.figure("", _image(self, key, found), self.caption(nodes.caption, "figure")))]


class StripRole(SphinxRole):
    """``{strip}`key```: the effect under every scenario, as a small figure beside the headline number of that key."""

    def run(self) -> Shown:
        key = f"{self.text}.strip"
        found = find(self, "figure", key)
        if found is None:
            return [notice(key)], []
        return [reference(self.env, "figure", key, _image(self, key, found), ["strip"])], []


def figures_folder(env: BuildEnvironment) -> Path:
    """Where the files of the figures are: beside the documents as they were read, which refer to them."""
    return Path(env.doctreedir, "figures")


def write_figures(index: Executed, folder: Path) -> None:
    """Write the files of all figures where every builder finds the one it needs; those that stand keep their times.

    Parameters
    ----------
    index : Executed
    folder : Path
        Is made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for key, figure in index.figures.items():
        for ending, content in drawings(figure).items():
            path = folder / f"{key}{ending}"
            if not (path.exists() and path.read_bytes() == content):
                path.write_bytes(content)


def _image(author: Author, key: str, found: ShownFigure) -> nodes.image:
    """The image of a notebook's figure, of which each builder takes the file that it can show."""
    folder = os.path.relpath(figures_folder(author.env), author.env.srcdir)
    image = nodes.image(uri=f"/{Path(folder).as_posix()}/{key}.*", alt=found.alt)
    image[COMPUTED] = True
    return image


def open_sheet(self: LaTeXTranslator, node: sheet) -> None:
    """Print a table as large as the page lets it be, up to `LARGEST`; across the page if it were too small upright."""
    table = next(node.findall(markup.result_table))
    measure, lines = table["measure"], next(table.findall(nodes.tbody)).children
    room = [wide - 2 * GAP * len(measure) for wide in (UPRIGHT, ACROSS)]
    ems = [EM * width + SLACK for width in measure]
    across = room[0] / sum(ems) < SMALLEST
    size = min(LARGEST, room[across] / sum(ems))
    node["turned"] = across
    if across or len(lines) > PAGE:
        table["classes"].append("longtable")
    self.next_table_colspec = "".join(rf">{{\raggedright\arraybackslash}}p{{{width:.2f}em}}" for width in ems)
    turn = r"\begin{landscape}" if across else ""
    self.body.append(
        f"\n{turn}\\begingroup\\setlength{{\\tabcolsep}}{{{GAP}pt}}"
        f"\\fontsize{{{size:.2f}}}{{{1.2 * size:.2f}}}\\selectfont\n"
    )


def close_sheet(self: LaTeXTranslator, node: sheet) -> None:
    """End what `open_sheet` began."""
    self.body.append("\\par\\endgroup" + (r"\end{landscape}" if node["turned"] else "") + "\n")


def print_pad(self: LaTeXTranslator, node: markup.pad) -> None:
    """Leave as much room as what is not printed would take."""
    self.body.append(rf"\phantom{{{self.encode(node['room'])}}}")
    raise nodes.SkipNode


def write_pad(self: HTML5Translator, node: markup.pad) -> None:
    """Leave the room to the style sheet; in Word, which has none, put spaces as wide as a digit."""
    if self.builder.name == "singlehtml":
        self.body.append("\u2007" * len(node["room"]))
        raise nodes.SkipNode
    markup.write_pad(self, node)


def print_step(self: LaTeXTranslator, node: markup.step) -> None:
    """Indent a label."""
    self.body.append(rf"\hspace*{{{node['depth']}em}}")
    raise nodes.SkipNode


def write_step(self: HTML5Translator, node: markup.step) -> None:
    """Leave the indent to the style sheet; Word has none."""
    self.body.append("\u2003" * node["depth"] if self.builder.name == "singlehtml" else "")
    raise nodes.SkipNode
