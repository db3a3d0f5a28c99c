"""The one reader of executed notebooks: their cells, what each shows, and the results, tables and figures in it."""

import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from typing_extensions import TypedDict  # that of Python 3.11 cannot be validated

from trialbook.errors import UserError
from trialbook.results.row import MIME, TABLE, Result

SVG, PDF = "image/svg+xml", "application/pdf"
_REMEDY = "\n      → run it again with the engine"
_SVG_TEXT = re.compile(r"<!--(.*?)-->|>([^<]+)", re.DOTALL)


class ExecutedError(UserError):
    """A file is no executed notebook, or two cells show a result, a table or a figure under the same key."""


def _joined(text: Any) -> Any:
    """Join a text that a notebook holds as a list of lines."""
    return "".join(text) if isinstance(text, list) and all(isinstance(line, str) for line in text) else text


Text = Annotated[str, BeforeValidator(_joined)]


class Heading(TypedDict):
    """The heading of a column, and the key of the number of participants under it."""

    text: str
    key: str | None


class Line(TypedDict):
    """A line of a table, whose cells are ``{"key": …}`` of a result or ``{"text": …}``; without, it heads others."""

    label: str
    indent: int
    cells: list[dict[str, str]]


class Layout(TypedDict):
    """A table as JSON, with every result as its key."""

    key: str
    columns: list[Heading]
    rows: list[Line]
    notes: list[str]


class Named(BaseModel):
    """What a figure says of itself: its key and its alternative text."""

    figure: str
    alt: str


class Output(BaseModel):
    """One thing that a cell shows: forms of it by MIME type (`data`), or a text that it wrote to a stream.

    `results`, `table` and `figure` are those among the forms that the engine's own classes gave.
    """

    model_config = ConfigDict(frozen=True)
    output_type: Literal["display_data", "execute_result", "stream", "error"]
    name: Literal["stdout", "stderr"] = "stdout"  # of a stream
    text: Text = ""
    data: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    ename: str = ""
    results: list[Result] = Field([], validation_alias=AliasPath("data", MIME))
    table: Layout | None = Field(None, validation_alias=AliasPath("data", TABLE))
    figure: Named | None = Field(None, validation_alias=AliasPath("metadata", "trialbook"))

    @field_validator("data")
    @classmethod
    def _texts(cls, data: dict[str, Any]) -> dict[str, Any]:
        found = {kind: form if kind.endswith("json") else _joined(form) for kind, form in data.items()}
        if odd := [kind for kind, form in found.items() if not (kind.endswith("json") or isinstance(form, str))]:
            raise ValueError(f"{odd[0]} is not a text")
        return found


class Cell(BaseModel):
    """A cell of a notebook."""

    model_config = ConfigDict(frozen=True)
    id: str
    cell_type: Literal["code", "markdown", "raw"]
    source: Text
    metadata: dict[str, Any]
    attachments: dict[str, Any] = {}
    outputs: list[Output] = []

    @property
    def anchor(self) -> str:
        """Its place on the notebook's page."""
        return f"cell-{self.id}"


class _Document(BaseModel):
    cells: list[Cell]
    metadata: dict[str, Any] = {}


@dataclass(frozen=True)
class ShownTable:
    """A table, with the notebook that shows it and the anchor of the cell."""

    layout: Layout
    notebook: str
    cell: str


@dataclass(frozen=True)
class ShownFigure:
    """The alternative text of a figure and its files by MIME type, with the notebook and the anchor of the cell."""

    alt: str
    files: dict[str, str]
    notebook: str
    cell: str


@dataclass(frozen=True)
class Executed:
    """All that executed notebooks hold: cells and metadata by the notebook's name; the rest by its key."""

    notebooks: dict[str, list[Cell]]
    metadata: dict[str, dict[str, Any]]
    results: dict[str, Result]
    tables: dict[str, ShownTable]
    figures: dict[str, ShownFigure]


def read(folder: str | Path) -> Executed:
    """Read all executed notebooks of a folder, in the order of their names, as `of_notebooks` does."""
    return of_notebooks(sorted(Path(folder).glob("*.ipynb")))


def of_notebooks(paths: Iterable[str | Path]) -> Executed:
    """Read executed notebooks, each result with its notebook and the anchor of its cell.

    Parameters
    ----------
    paths : iterable of str or Path

    Returns
    -------
    Executed

    Raises
    ------
    ExecutedError
        If a file is not a notebook, or a key is shown twice.
    """
    read = {path.stem: _document(path) for path in map(Path, paths)}
    cells = {name: document.cells for name, document in read.items()}
    metadata = {name: document.metadata for name, document in read.items()}
    found = Executed(cells, metadata, {}, {}, {})
    for name, own in found.notebooks.items():
        for cell in own:
            for output in cell.outputs:
                for row in output.results:
                    _add(found.results, row.key, replace(row, notebook=name, cell=cell.anchor))
                if output.table:
                    _add(found.tables, output.table["key"], ShownTable(output.table, name, cell.anchor))
                if output.figure:
                    shown = ShownFigure(output.figure.alt, output.data, name, cell.anchor)
                    _add(found.figures, output.figure.figure, shown)
    return found


def _document(path: Path) -> _Document:
    """Read one executed notebook; raises `ExecutedError` if the file is not one."""
    try:
        document = json.loads(path.read_text("utf8"))
    except FileNotFoundError:
        remedy = "\n      → run it first: `trialbook build` runs all, `trialbook run` one"
        raise ExecutedError(f"{path} is not there: that notebook has not been executed{remedy}") from None
    except OSError as error:
        raise ExecutedError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:  # of the text's encoding too
        raise ExecutedError(f"{path} is not JSON{_REMEDY}") from None
    try:
        return _Document.model_validate(document)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise ExecutedError(f"{path} is not an executed notebook: {where}: {fault['msg']}{_REMEDY}") from None


def texts(svg: str) -> list[str]:
    """All that is written in a figure, which matplotlib leaves in its SVG as a comment or as text."""
    found = (html.unescape(comment or text).strip() for comment, text in _SVG_TEXT.findall(svg))
    return [text for text in found if text]


Shown = TypeVar("Shown", Result, ShownTable, ShownFigure)


def _add(known: dict[str, Shown], key: str, new: Shown) -> None:
    if key in known:
        places = " and ".join(f"{one.notebook}, {one.cell}" for one in (known[key], new))
        raise ExecutedError(f"{key!r} is shown twice: by {places}\n      → show it once, or give one another key")
    known[key] = new
