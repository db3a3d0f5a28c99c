"""What a paper needs of its theme beyond its numbers.

The title and the banner come from the trial, launch buttons open the source notebooks, formulas need no script from
another host, and a change that Sphinx does not see (the table of contents, the engine) reads every page again.
"""

import hashlib
import os
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

import markupsafe
from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

from trialbook.results.executed import Executed
from trialbook.sphinx import index
from trialbook.sphinx.placed import find, of
from trialbook.sphinx.prose import is_executed

HERE = Path(__file__).parent
BOOK_THEMES = ("sphinx_book_theme", "pydata_sphinx_theme")
# of the files of these themes: no page loads them
UNUSED = ("scripts/*.map", "styles/*.map", "scripts/fontawesome.js*", "vendor/fontawesome/**/*.ttf")
NOT_OURS = "https://github.com/executablebooks/jupyter-book"  # to which Jupyter Book leads where nothing is given
SYNTHETIC = "The data of this book are synthetic: they support no new clinical conclusion."
DRAFT = "Draft: what the results lack is marked as not available, and claims that do not hold are struck out."


def configure(app: Sphinx, config: Config) -> None:
    """Complete the configuration by what the trial says and by what the extension brings."""
    found = index.read(Path(app.srcdir), config)
    for name in ("trial.short_title", "trial.title"):
        if name in found.results:
            config.project = config.html_title = found.results[name].display
            break
    if lines := " ".join(banner.split(":")[0] + "." for banner in _banners(found, config)):
        header = rf"\AddToHook{{shipout/foreground}}{{\put(1in,-0.4in){{\makebox(0,0)[l]{{\footnotesize {lines}}}}}}}"
        preamble = config.latex_elements.get("preamble", "") + header
        config.latex_elements = config.latex_elements | {"preamble": preamble}  # the defaults stay those of Sphinx
    config.today = config.today or " "  # the same sources give the same PDF
    here = os.path.relpath(HERE, app.confdir)  # not where that is on this machine: the site holds a hash of these
    config.html_static_path = [*config.html_static_path, f"{here}/static"]
    config.templates_path = [*config.templates_path, f"{here}/templates"]
    if config.html_theme == "sphinx_book_theme":
        config.html_theme_options = _with_repository(config.html_theme_options)
    layout = [config.trialbook_words]
    for value in ("external_toc_path", "bibtex_bibfiles"):
        layout += _list(config[value]) if value in config else []
    config.trialbook_layout = _digest(Path(app.srcdir, name) for name in layout)


def _banners(found: Executed, config: Config) -> list[str]:
    provenance = found.results.get("trial.provenance")
    synthetic = provenance is not None and provenance.value == "synthetic"
    return [SYNTHETIC] * synthetic + [DRAFT] * config.trialbook_draft


def _with_repository(options: dict[str, Any]) -> dict[str, Any]:
    """The options of the theme, with the buttons that need the repository's address only where it is given."""
    given = options.get("repository_url", "") not in ("", NOT_OURS)
    buttons = {"use_repository_button": given, "use_issues_button": given}
    return options | buttons | ({} if given else {"launch_buttons": {}, "repository_url": ""})


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _digest(paths: Iterable[Path]) -> str:
    found = hashlib.sha256()
    for path in paths:
        found.update(path.read_bytes() if path.exists() else b"")
    return found.hexdigest()


def fingerprint() -> int:
    """Take a number that changes with the engine, so that no page is kept that another engine read."""
    engine = HERE.parent
    return int(_digest(sorted([*engine.rglob("*.py"), *HERE.glob("*.yml")]))[:12], 16)


def put_up_banner(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Say on every page that the data are synthetic, or the book a draft: where the theme says such, or else first.

    The title of the trial is text there, whatever it holds.
    """
    said = " ".join(_banners(of(app.env).index, app.config))
    for name in {"docstitle", "pagetitle"} & context.keys():  # which some templates escape, and some do not
        context[name] = markupsafe.escape(context[name])
    if "theme_announcement" in context:
        context["theme_announcement"] = " ".join(filter(None, [context["theme_announcement"], said]))
    elif said and doctree is not None:
        context["body"] = f'<p class="trial-banner" role="note">{escape(said)}</p>\n{context["body"]}'


class ProvenanceDirective(SphinxDirective):
    """``{provenance}``: says that the data are synthetic, with its content; and nothing when they are real."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        found = find(self, "result", "trial.provenance")
        if found is None or found.value != "synthetic":
            return []
        box = nodes.admonition(
            "", nodes.title("", "Synthetic data"), nodes.paragraph(SYNTHETIC, SYNTHETIC), classes=["warning"]
        )
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


class SyntheticDirective(SphinxDirective):
    """``{synthetic}``: its content, where the data are synthetic; and nothing when they are real."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        found = find(self, "result", "trial.provenance")
        if found is None or found.value != "synthetic":
            return []
        return self.parse_content_to_nodes()


def launch_sources(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Let the buttons of an executed notebook's page open its source, which is the one in the repository."""
    if not is_executed(app.config, pagename):
        return
    executed, sources = app.config.trialbook_executed, app.config.trialbook_sources
    for group in context.get("header_buttons", []):
        for button in [group, *group.get("buttons", [])]:
            if "://" in button.get("url", ""):
                for slash in ("/", "%2F"):
                    button["url"] = button["url"].replace(f"{executed}{slash}", f"{sources}{slash}")


def write_inline_formula(self: HTML5Translator, node: nodes.math) -> None:
    """Write an inline formula as MathML."""
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def write_display_formula(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a displayed formula as MathML, with its number."""
    number = f'<span class="eqno">({node["number"]})</span>' if node.get("number") else ""
    self.body.append(
        self.starttag(node, "div", CLASS="math") + number + convert(node.astext(), display="block") + "</div>"
    )
    raise nodes.SkipNode


def open_citation(self: HTML5Translator, node: nodes.citation) -> None:
    """Write an entry of the bibliography as an item of its list, which is what a screen reader looks for in one."""
    type(self).visit_citation(self, node)
    self.body[-1] = self.body[-1].replace("doc-biblioentry", "listitem")


def remove_unused(app: Sphinx, exception: Exception | None) -> None:
    """Leave out of the site what no page loads."""
    if exception is None and app.config.html_theme in BOOK_THEMES:
        for pattern in UNUSED:
            for path in Path(app.outdir, "_static").glob(pattern):
                path.unlink()
