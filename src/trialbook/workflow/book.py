"""Build the book with Jupyter Book, beside the book that stands, and put it in its place only when it is whole."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jupyter_book.config import get_final_config
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError, SphinxError, SphinxParallelError
from sphinx.util.docutils import docutils_namespace, patch_docutils

from trialbook import provenance
from trialbook.checks import disclosure
from trialbook.errors import UserError
from trialbook.project import Project
from trialbook.results.evidence import EvidenceError
from trialbook.trial.model import read_trial
from trialbook.workflow import evidence, faults, kept, plan
from trialbook.workflow.faults import Fault

LISTS = ("not_available", "false_claims")


class BookError(UserError):
    """The book could not be built, and nothing was replaced; `faults` holds what Sphinx found wrong, a line each."""

    def __init__(self, faults: Iterable[Fault]):
        self.faults = list(dict.fromkeys(faults))
        super().__init__("\n  ".join(["the book was not built, and what stood before stands:", *map(str, self.faults)]))


def build(
    project: Project, output: Path, builder: str = "html", draft: bool = False, numbered: bool = False
) -> dict[str, list[str]]:
    """Build the book of a project from its executed notebooks as they stand.

    Of a site, pages are read and written again only where something changed that they show (`trialbook.workflow.kept`);
    anything else is written anew.

    Parameters
    ----------
    project : Project
    output : Path
        Becomes a link to the folder of what was built; its parent keeps the read documents.
    builder : str
        A builder of Sphinx: ``html``, ``singlehtml``, ``latex``.
    draft : bool
        Show a result that does not exist as ``[not available: key]`` instead of failing.
    numbered : bool
        Number the lines of LaTeX.

    Returns
    -------
    dict of str to list of str
        Of a draft, by the names in `LISTS`: the keys that are not available and the claims that do not hold, each
        with its pages.

    Raises
    ------
    BookError
        With one line per fault; `output` is then as it was.
    DisclosureError
        If the prose tells of a participant.
    """
    disclosure.check_texts(read_trial(project.trial), _prose(project))
    if project.source != project.root:
        _stage(project)
    built = _beside(output)
    work = output.parent / (".work" if builder == "html" else f".{output.name}.work")  # documents differ by builder
    shutil.rmtree(built, ignore_errors=True)
    if builder == "html" and kept.is_whole(output, work):
        static = shutil.ignore_patterns("_static")  # a page names such a file otherwise when it is there already
        shutil.copytree(output, built, ignore=static)
    try:
        found = _run_sphinx(project, built, work, builder, draft, numbered)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)  # or documents once read with a fault would pass without it
        raise
    if found:
        shutil.rmtree(work)
        raise BookError(found)
    if builder == "html":
        kept.sign(built, work)
    else:
        shutil.rmtree(work)
    _put(built, output)
    listings = {name: output / f"{name}.txt" for name in LISTS}
    return {name: path.read_text("utf8").splitlines() for name, path in listings.items() if path.exists()}


def _prose(project: Project) -> dict[str, str]:
    """What the authors wrote that the pages show, by its file."""
    shown = [path for path in (project.claims, project.consort) if path.exists()]
    texts = {f"{page}.md": text for page, text in project.texts().items()}
    return texts | {os.path.relpath(path, project.root): path.read_text("utf8") for path in shown}


def _beside(output: Path) -> Path:
    """The folder for what is built next: one of two, that to which the link does not lead."""
    one, other = (output.with_name(f".{output.name}") / which for which in "ab")
    return other if output.is_symlink() and output.readlink().name == one.name else one


def _put(built: Path, output: Path) -> None:
    """Let the link lead to what was built, in one step, and remove what it led to before."""
    old = output.resolve() if output.is_symlink() else None
    link = built.with_name("link")
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(built, output.parent))
    if output.is_dir() and old is None:  # as other engines left it
        shutil.rmtree(output)
    link.replace(output)
    if old and old != built.resolve():
        shutil.rmtree(old, ignore_errors=True)


def _stage(project: Project) -> None:
    """Copy the prose and the settings to where the executed notebooks are, with their times."""
    prose = project.source / project.places.book
    shutil.rmtree(prose, ignore_errors=True)
    shutil.copytree(project.book, prose)
    for path in project.layout:
        shutil.copy2(path, project.source / path.name)


def _evidence(project: Project, draft: bool) -> dict[str, Path]:
    """The draws of synthetic data, where there are some of the generator and the analyses that stand."""
    try:
        return {"evidence": project.evidence} if evidence.check(project) else {}
    except EvidenceError as error:
        if not draft:
            raise
        print(f"  draft: {error}")
        return {}


def _settings(project: Project, draft: bool) -> dict[str, Any]:
    """Tell the extension where the project has its things, from the folder of the pages' sources."""
    files = {"claims": project.claims, "consort": project.consort, "words": project.words}
    files |= {"citation": project.citation} | _evidence(project, draft)
    told = {name: os.path.relpath(path, project.source) for name, path in files.items()}
    told |= {"executed": project.places.executed, "sources": project.places.notebooks}
    made_of = {
        "code": provenance.revision(project.root, plan.code(project)),
        "data": provenance.digest(project.data),
    }
    settings = {"prose": [f"{project.places.book}/**"], "draft": draft, **told, **made_of}
    return {f"trialbook_{name}": value for name, value in settings.items()}


def _run_sphinx(project: Project, output: Path, work: Path, builder: str, draft: bool, numbered: bool) -> list[Fault]:
    """Build with the configuration that Jupyter Book makes of ``_config.yml``, and list what Sphinx finds wrong.

    As `jupyter_book.sphinx.build_sphinx` does, which says what it finds in print only, an exception included.
    """
    source = project.source
    settings, pages = (source / path.name for path in project.layout)
    given = {"external_toc_path": str(pages.resolve()), "nitpicky": True, "latex_individualpages": False}
    given |= _settings(project, draft) | {"trialbook_numbered": numbered}
    config, _ = get_final_config(user_yaml=settings, cli_config=given, sourcedir=source)
    config["extensions"].insert(0, faults.__name__)
    config["exclude_patterns"] = [*config.get("exclude_patterns", []), project.places.output]
    with faults.collected() as found, patch_docutils(None), docutils_namespace():
        try:
            app = Sphinx(source, None, output, work / "doctrees", builder, config, status=None, warning=None)
            kept.connect(app, work, [*plan.bears_on_pages(project), *sorted(project.executed.glob("*.ipynb"))])
            app.build()
        except SphinxError as error:
            if isinstance(error, SphinxParallelError) or (isinstance(error, ExtensionError) and error.orig_exc):
                raise  # a mistake in a program, not in the book
            found.append(Fault("", str(error)))
    return found
