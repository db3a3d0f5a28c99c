"""Build the book with Jupyter Book, beside the book that stands, and put it in its place only when it is whole."""

import os
import re
import shutil
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from bs4 import BeautifulSoup
from jupyter_book.cli.main import main as jupyter_book

from trialbook import provenance
from trialbook.errors import UserError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
LISTS = ("not_available", "false_claims")
PROGRAMS = ("pandoc", "rsvg-convert")
STAGED = ("book", "_config.yml", "_toc.yml")


class BookError(UserError):
    """The book could not be built; the message holds what Sphinx found wrong, and nothing was replaced."""


def stage(root, source):
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


def build(source, output, builder="html", draft=False, trial=None):
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
        A builder of Jupyter Book: ``html``, ``latex``.
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
    built = work / "_build" / builder
    shutil.rmtree(built, ignore_errors=True)
    os.environ["TRIALBOOK_DRAFT"] = "1" if draft else ""
    os.environ["TRIALBOOK_CODE"] = provenance.revision(".")
    os.environ["TRIALBOOK_DATA"] = provenance.digest(trial) if trial else ""
    arguments = ["build", str(source), "--path-output", str(work), "--builder", builder]
    said = StringIO()
    try:
        with redirect_stdout(said), redirect_stderr(said):
            jupyter_book([*arguments, "-W", "-n", "--keep-going", "-q"], standalone_mode=False)
    except (Exception, SystemExit) as error:
        shutil.rmtree(work)  # or documents once read with a warning would pass without it
        raise BookError(_faults(said.getvalue())) from error
    old = work / "old"
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        output.rename(old)
    built.rename(output)
    shutil.rmtree(old, ignore_errors=True)
    listings = {name: output / f"{name}.txt" for name in LISTS}
    return {name: path.read_text("utf8").splitlines() for name, path in listings.items() if path.exists()}


def word(source, output):
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
    BookError
        If a program is missing, or the book has a fault.
    """
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        raise BookError(
            f"a Word document needs {' and '.join(absent)}: "
            "apt-get install pandoc librsvg2-bin, brew install pandoc librsvg, or see pandoc.org/installing"
        )
    site = output.parent / "singlehtml"
    build(source, site, "singlehtml")
    page = site / "book" / "index.html"
    article = BeautifulSoup(page.read_text("utf8"), "html.parser").select_one("article")
    _keep_paper(article)
    _draw_images(article, site)
    command = ["pandoc", "--from", "html", "--to", "docx", "--output", str(output.resolve())]
    done = subprocess.run(command, cwd=site, input=str(article), text=True, capture_output=True)
    if done.returncode:
        raise BookError(f"pandoc could not write {output}: {done.stderr.strip()}")


def _keep_paper(article):
    """Take out of the book on one page what only a site needs: the appendix, and links to its cells."""
    for start in article.select("span[id^='document-executed/']"):
        start.find_next_sibling("section").decompose()
    for gone in article.select("script, a.headerlink, span[id^='document-']"):
        gone.decompose()
    for link in article.select(".num"):
        if link.get_text() == "source":
            before, after = link.previous_sibling, link.next_sibling
            before.replace_with(str(before).removesuffix(" ["))
            after.replace_with(str(after).removeprefix("]"))
            link.decompose()
        else:
            link.unwrap()


def _draw_images(article, folder):
    """Draw each image in pixels, sharp enough for print, since Word shows no SVG of others."""
    for image in article.select("img[src$='.svg']"):
        drawn = image["src"].removesuffix(".svg") + ".png"
        command = ["rsvg-convert", "--zoom", "3", "--output", drawn, image["src"]]
        subprocess.run(command, cwd=folder, check=True)
        image["src"] = drawn
        for size in ("width", "height", "style"):
            del image[size]
        inline = image.find_parent("figure") is None
        image["height" if inline else "width"] = "0.25in" if inline else "6in"


def _faults(said):
    """Pick from what Sphinx said the lines that name a fault; where there is none, the last lines."""
    lines = _COLOUR.sub("", said).splitlines()
    faults = [line for line in lines if re.search("WARNING|ERROR|CRITICAL|rror:", line)] or lines[-30:]
    return "\n  ".join(["the book was not built, and what stood before stands:", *dict.fromkeys(faults)])
