"""What of a site is kept from one build to the next: the pages of which nothing changed.

Sphinx goes by time stamps, and writes a page again when its own document changed.  Here a document is read again when
the content of a file that it was made of changed; and when something changed that pages show of one another (titles,
the order, numbers of figures, labels, citations), or the engine, its settings, the results or the rules did, the site
is emptied and every page is written.  So what is built upon an earlier site is the same as what is built from nothing.
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.environment import BuildEnvironment

from trialbook import files

LATE = 900  # when all others have completed what pages show of one another
RECORD = "kept.json"  # beside the read documents: the digest of the site, of what all pages share, and of each document


def is_whole(site: Path, work: Path) -> bool:
    """Whether a site is as it was built together with the documents that are kept."""
    return site.is_dir() and _record(work).get("site") == _digest(_files(site))


def sign(site: Path, work: Path) -> None:
    """Note what was built, so that the next build may build upon it."""
    record = _record(work) | {"site": _digest(_files(site))}
    files.replace(work / RECORD, json.dumps(record))


def connect(app: Sphinx, work: Path, shaping: Iterable[Path]) -> None:
    """Let the content of files decide which documents are read and which pages are written.

    Parameters
    ----------
    app : Sphinx
        Its output folder holds the earlier site, if that is built upon.
    work : Path
        Keeps the record.
    shaping : iterable of Path
        Files that may shape every page; the sources of pages among them shape their own.
    """
    builder = app.builder
    if not isinstance(builder, StandaloneHTMLBuilder) or builder.name != "html":
        return
    before, sources, pages, shared = _record(work), {}, {}, ""

    def find_outdated(app: Sphinx, env: BuildEnvironment, *_: set[str]) -> list[str]:
        sources.update({page: _content(Path(env.doc2path(page))) for page in env.found_docs})
        known = before.get("pages", {})
        return [page for page in env.found_docs & env.all_docs.keys() if known.get(page) != _page(env, page, sources)]

    def find_unwritten(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
        nonlocal shared
        pages.update({page: _page(env, page, sources) for page in env.found_docs})
        own = {Path(env.doc2path(page)).resolve() for page in env.found_docs}
        files = [_content(path) for path in shaping if path.resolve() not in own]
        shared = _digest([builder.build_info.config_hash, files, *_shared(env)])
        if shared == before.get("shared"):
            return []
        shutil.rmtree(app.outdir)
        Path(app.outdir).mkdir()
        return env.found_docs

    def record(app: Sphinx, exception: Exception | None) -> None:
        if exception is None:
            files.replace(work / RECORD, json.dumps({"shared": shared, "pages": pages}))

    app.connect("env-get-outdated", find_outdated)
    app.connect("env-get-updated", find_unwritten, priority=LATE)
    app.connect("build-finished", record, priority=LATE)


def _page(env: BuildEnvironment, page: str, sources: dict[str, str]) -> str:
    """Take the digest of all files that a page's document is made of."""
    others = (_content(Path(env.srcdir, name)) for name in sorted(env.dependencies[page]))
    return _digest([sources[page], *others])


def _shared(env: BuildEnvironment) -> Iterator[object]:
    """Yield what pages show of one another: titles, the order, numbers, labels, images' names and citations."""
    for shown in (env.titles, env.longtitles, env.tocs):
        yield {page: str(node) for page, node in sorted(shown.items())}
    for known in (env.toctree_includes, env.toc_secnumbers, env.toc_fignumbers):
        yield sorted(map(repr, known.items()))
    for copied in (env.images, env.dlfiles):
        yield sorted([name, sorted(pages), target] for name, (pages, target) in copied.items())
    yield {name: sorted(map(repr, domain.get_objects())) for name, domain in sorted(env.domains.items())}
    citations = env.domaindata["cite"]["citations"] if "cite" in env.domaindata else []
    yield [[cited.citation_id, cited.key, cited.formatted_entry.label] for cited in citations]


def _record(work: Path) -> dict[str, Any]:
    try:
        return json.loads((work / RECORD).read_text("utf8"))
    except FileNotFoundError:
        return {}


def _files(site: Path) -> list[list[str]]:
    return sorted([str(path.relative_to(site)), _content(path)] for path in site.rglob("*") if path.is_file())


def _content(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _digest(parts: object) -> str:
    return sha256(json.dumps(parts).encode()).hexdigest()
