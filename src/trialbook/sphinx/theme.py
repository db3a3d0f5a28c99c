"""Sphinx extension: what a paper needs of Jupyter Book beyond its numbers.

The title and the banner come from the trial, launch buttons open the source notebooks, formulas need no script from
another host, and a change that Jupyter Book does not see (the table of contents, the engine) reads every page again.
"""

import hashlib
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

from trialbook.sphinx.numbers import EXECUTED

SOURCES = "notebooks"
UNUSED = ("*.map", "*.ttf", "fontawesome.js*")  # of the theme's files: no page loads them
SYNTHETIC = (
    "The data of this book are synthetic: no individual data of the trial are public. "
    "They are calibrated so that the analyses give the published figures, and support no new clinical conclusion."
)
DRAFT = "Draft: the prose was written for another trial, and what this one lacks is marked as not available."


def describe_trial(app, config):
    """Take the title from the trial, and put up the banners of synthetic data and of a draft."""
    facts = app.trialbook_index.results
    for name in ("trial.short_title", "trial.title"):
        if name in facts:
            config.project = config.html_title = facts[name].display
            break
    banners = [SYNTHETIC] if facts["trial.provenance"].value == "synthetic" else []
    banners += [DRAFT] if config.trialbook_draft else []
    if banners:
        config.html_theme_options["announcement"] = " ".join(banners)
        line = " ".join(banner.split(":")[0] + "." for banner in banners)
        header = rf"\AddToHook{{shipout/foreground}}{{\put(1in,-0.4in){{\makebox(0,0)[l]{{\footnotesize {line}}}}}}}"
        config.latex_elements["preamble"] = config.latex_elements.get("preamble", "") + header


class ProvenanceDirective(SphinxDirective):
    """``{provenance}``: says in the text that the data are synthetic, and nothing when they are real."""

    def run(self):
        if self.env.app.trialbook_index.results["trial.provenance"].value != "synthetic":
            return []
        title = nodes.title("", "Synthetic data")
        return [nodes.admonition("", title, nodes.paragraph(SYNTHETIC, SYNTHETIC), classes=["warning"])]


def title_latex(app, env, docnames):
    """Give the PDF the trial's title."""
    title = app.config.project
    app.config.latex_documents = [(start, name, title, *rest) for start, name, _, *rest in app.config.latex_documents]


def show_repository(app, config):
    """Show the buttons that need the repository's address only when `_config.yml` gives it."""
    given = bool(config.html_theme_options.get("repository_url"))
    config.html_theme_options |= {"use_repository_button": given, "use_issues_button": given}
    if not given:
        config.html_theme_options["launch_buttons"] = {}


def bring_own(app, config):
    """Add the engine's style sheet, scripts and templates to those of the paper."""
    here = Path(__file__).parent
    config.html_static_path.append(str(here / "static"))
    config.templates_path.append(str(here / "templates"))


def take_fingerprint(app, config):
    """Note all that shapes every page; when it changes, Sphinx reads every page again."""
    root = Path(app.srcdir)
    files = [
        *Path(__file__).parents[1].rglob("*.py"),
        root / "_toc.yml",
        root / "_config.yml",
        *root.glob("book/*.bib"),
    ]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.read_bytes())
    config.trialbook_fingerprint = digest.hexdigest()


def launch_sources(app, pagename, templatename, context, doctree):
    """Let the buttons of an executed notebook's page open its source, which is the one in the repository."""
    if not pagename.startswith(f"{EXECUTED}/"):
        return
    for group in context.get("header_buttons", []):
        for button in [group, *group.get("buttons", [])]:
            if "url" in button and "://" in button["url"]:
                button["url"] = (
                    button["url"].replace(f"{EXECUTED}/", f"{SOURCES}/").replace(f"{EXECUTED}%2F", f"{SOURCES}%2F")
                )


def visit_inline_formula(self, node):
    """Write an inline formula as MathML."""
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def visit_display_formula(self, node):
    """Write a displayed formula as MathML, with its number."""
    number = f'<span class="eqno">({node["number"]})</span>' if node.get("number") else ""
    self.body.append(
        self.starttag(node, "div", CLASS="math") + number + convert(node.astext(), display="block") + "</div>"
    )
    raise nodes.SkipNode


def visit_citation(self, node):
    """Write an entry of the bibliography as an item of its list, which is what a screen reader looks for in one."""
    type(self).visit_citation(self, node)
    self.body[-1] = self.body[-1].replace("doc-biblioentry", "listitem")


def remove_unused(app, exception):
    """Leave out of the site what no page loads."""
    if exception is None:
        for pattern in UNUSED:
            for path in Path(app.outdir, "_static").rglob(pattern):
                path.unlink()


def setup(app):
    """Register the handlers."""
    app.add_config_value("trialbook_fingerprint", "", "env", str)
    app.add_directive("provenance", ProvenanceDirective)
    app.add_html_math_renderer("mathml", (visit_inline_formula, None), (visit_display_formula, None))
    app.add_node(nodes.citation, override=True, html=(visit_citation, HTML5Translator.depart_citation))
    for priority, handler in enumerate((describe_trial, show_repository, bring_own, take_fingerprint), start=700):
        app.connect("config-inited", handler, priority=priority)
    app.connect("env-before-read-docs", title_latex)
    app.connect("html-page-context", launch_sources, priority=502)
    app.connect("build-finished", remove_unused)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
