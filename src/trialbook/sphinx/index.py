"""The executed notebooks of a book, as the extension asks for them."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

from trialbook.provenance import digest
from trialbook.results import evidence, executed
from trialbook.results.evidence import EvidenceError
from trialbook.results.executed import PDF, SVG, Executed, ExecutedError, ShownFigure, ShownTable
from trialbook.results.row import Result, dump

Kept: TypeAlias = Result | ShownTable | ShownFigure


def read(source: Path, config: Config) -> Executed:
    """Read the executed notebooks of a book; those that stand as they did were read before.

    Parameters
    ----------
    source : Path
        The source folder.
    config : Config

    Returns
    -------
    Executed

    Raises
    ------
    ConfigError
        If there is no notebook, or one has a fault.
    """
    folder = source / config.trialbook_executed
    paths = sorted(folder.glob("*.ipynb"))
    if not paths:
        raise ConfigError(f"{config.trialbook_executed}/ holds no executed notebook: run them first")
    drawn = [source / config.trialbook_evidence] if config.trialbook_evidence else []
    content = digest([*paths, *drawn])
    try:
        return _read(folder, *drawn, content=content)
    except EvidenceError as error:
        if not config.trialbook_draft:
            raise ConfigError(str(error)) from None
        return _read(folder, content=content)


@lru_cache(maxsize=1)
def _read(folder: Path, *drawn: Path, content: str) -> Executed:
    try:
        found = executed.read(folder)
    except ExecutedError as error:
        raise ConfigError(str(error)) from None
    return replace(found, results=evidence.mark(found.results, evidence.read(*drawn))) if drawn else found


def known(index: Executed, kind: str) -> Mapping[str, Kept]:
    """All of one kind, by key: ``result``, ``table`` or ``figure``."""
    by_kind: dict[str, Mapping[str, Kept]] = {"result": index.results, "table": index.tables, "figure": index.figures}
    return by_kind[kind]


def page(config: Config, kept: Kept) -> str:
    """Name the document of the notebook in which something is shown."""
    return f"{config.trialbook_executed}/{kept.notebook}"


def drawings(figure: ShownFigure) -> dict[str, bytes]:
    """The files of a figure, by their endings."""
    svg, pdf = figure.files.get(SVG), figure.files.get(PDF)
    return ({".svg": svg.encode()} if svg else {}) | ({".pdf": base64.b64decode(pdf)} if pdf else {})


def write_results(app: Sphinx, exception: Exception | None) -> None:
    """Serve all rows with the book."""
    if exception is None:
        Path(app.outdir, "results.json").write_text(dump(read(Path(app.srcdir), app.config).results), "utf8")
