"""Build the book with Jupyter Book, beside the book that stands, and put it in its place only when it is whole."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag
from jupyter_book.config import get_final_config
from jupyter_book.pdf import update_latex_documents
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError, SphinxError, SphinxParallelError
from sphinx.util.docutils import docutils_namespace, patch_docutils

from trialbook import provenance
from trialbook.errors import UserError
from trialbook.workflow import faults
from trialbook.workflow.faults import Fault

LISTS = ("not_available", "false_claims")
PROGRAMS = ("pandoc", "rsvg-convert")
STAGED = ("book", "_config.yml", "_toc.yml")


class BookError(UserError):
    """The book could not be built, and nothing was replaced; `faults` holds what Sphinx found wrong, a line each."""

    def __init__(self, faults: Iterable[Fault]):
        self.faults = list(dict.fromkeys(faults))
        super().__init__("\n  ".join(["the book was not built, and what stood before stands:", *map(str, self.faults)]))


def stage(root: Path, source: Path) -> None:
    """Copy what is common to every trial's book to the source folder of another trial.

    Parameters
    ----------
    root : Path
        The repository.
    source : Path
        Holds ``executed/`` already; gets the prose and the two configuration files, with their times.
    """
    for name in STAGED:
        original, copy = root / name, source / name
        if original.is_dir():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(original, copy)
        else:
            shutil.copy2(original, copy)


def build(
    source: Path, output: Path, builder: str = "html", draft: bool = False, trial: Path | None = None
) -> dict[str, list[str]]:
    """Build the book of a source folder.

    Every page is written anew into an empty folder, from documents that are read again only where they changed;
    so no page can be stale or left over, and an incremental build is the same as a clean one.

    Parameters
    ----------
    source : Path
        Holds ``_config.yml``, ``_toc.yml``, ``book/`` and ``executed/``.
    output : Path
        Gets the built site; its parent keeps the read documents.
    builder : str
        A builder of Sphinx: ``html``, ``singlehtml``, ``latex``.
    draft : bool
        Show a result that does not exist as ``[not available: key]`` instead of failing.
    trial : Path, optional
        The folder of the trial, whose hash the passports of the numbers give.

    Returns
    -------
    dict of str to list of str
        Of a draft, by the names in `LISTS`: the keys that are not available and the claims that do not hold, each
        with its pages.

    Raises
    ------
    BookError
        With one line per fault; `output` is then as it was.
    """
    work = output.parent / ".work"
    built = work / builder
    shutil.rmtree(built, ignore_errors=True)
    settings = {
        "trialbook_draft": draft,
        "trialbook_code": provenance.revision("."),
        "trialbook_data": provenance.digest(trial) if trial else "",
    }
    try:
        found = _run_sphinx(source, built, work / "doctrees", builder, settings)
    except BaseException:
        shutil.rmtree(work)  # or documents once read with a fault would pass without it
        raise
    if found:
        shutil.rmtree(work)
        raise BookError(found)
    old = work / "old"
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        output.rename(old)
    built.rename(output)
    shutil.rmtree(old, ignore_errors=True)
    listings = {name: output / f"{name}.txt" for name in LISTS}
    return {name: path.read_text("utf8").splitlines() for name, path in listings.items() if path.exists()}


def _run_sphinx(source: Path, output: Path, doctrees: Path, builder: str, settings: dict[str, Any]) -> list[Fault]:
    """Build with the configuration that Jupyter Book makes of ``_config.yml``, and list what Sphinx finds wrong.

    As `jupyter_book.sphinx.build_sphinx` does, which says what it finds in print only, an exception included.
    """
    given = {
        "external_toc_path": str((source / "_toc.yml").resolve()),
        "nitpicky": True,
        "latex_individualpages": False,
    }
    config, more = get_final_config(user_yaml=source / "_config.yml", cli_config=given | settings, sourcedir=source)
    config["extensions"].insert(0, faults.__name__)
    with faults.collected() as found, patch_docutils(None), docutils_namespace():
        try:
            app = Sphinx(source, None, output, doctrees, builder, config, status=None, warning=None)
            documents = update_latex_documents(app.config.latex_documents, more["latex_doc_overrides"])
            app.config.latex_documents = documents
            app.build()
        except SphinxError as error:
            if isinstance(error, SphinxParallelError) or (isinstance(error, ExtensionError) and error.orig_exc):
                raise  # a mistake in a program, not in the book
            found.append(Fault("", str(error)))
    return found


def word(source: Path, output: Path) -> None:
    """Build the paper, without the notebooks of its appendix, as a Word document.

    Pandoc reads the book as one HTML page, because from LaTeX the numbers would get lost. It is a program of its
    own, as TeX is: its Python package brings a hundred megabytes that only those who want Word would need.

    Parameters
    ----------
    source : Path
        Holds ``_config.yml``, ``_toc.yml``, ``book/`` and ``executed/``.
    output : Path
        The ``.docx``.

    Raises
    ------
    UserError
        If a program is missing, or the book has a fault.
    """
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        raise UserError(
            f"a Word document needs {' and '.join(absent)}: "
            "apt-get install pandoc librsvg2-bin, brew install pandoc librsvg, or see pandoc.org/installing"
        )
    site = output.parent / "singlehtml"
    build(source, site, "singlehtml")
    page = site / "book" / "index.html"
    article = BeautifulSoup(page.read_text("utf8"), "html.parser").select("article")[0]
    _keep_paper(article)
    _draw_images(article, site)
    command = ["pandoc", "--from", "html", "--to", "docx", "--output", str(output.resolve())]
    done = subprocess.run(command, cwd=site, input=str(article), text=True, capture_output=True)
    if done.returncode:
        raise UserError(f"pandoc could not write {output}: {done.stderr.strip()}")


def _keep_paper(article: Tag) -> None:
    """Take out of the book on one page what only a site needs: the appendix, and links to its cells."""
    appendix = "span[id^='document-executed/'] + section"
    for gone in article.select(f"{appendix}, script, a.headerlink, span[id^='document-']"):
        gone.decompose()
    for link in article.select(".num"):
        if link.get_text() == "source":
            before, after = link.previous_sibling, link.next_sibling
            if before and after:
                before.replace_with(str(before).removesuffix(" ["))
                after.replace_with(str(after).removeprefix("]"))
            link.decompose()
        else:
            link.unwrap()


def _draw_images(article: Tag, folder: Path) -> None:
    """Draw each image in pixels, sharp enough for print, since Word shows no SVG of others."""
    for image in article.select("img[src$='.svg']"):
        source = str(image["src"])
        drawn = source.removesuffix(".svg") + ".png"
        command = ["rsvg-convert", "--zoom", "3", "--output", drawn, source]
        subprocess.run(command, cwd=folder, check=True)
        image["src"] = drawn
        for size in ("width", "height", "style"):
            del image[size]
        inline = image.find_parent("figure") is None
        image["height" if inline else "width"] = "0.25in" if inline else "6in"
