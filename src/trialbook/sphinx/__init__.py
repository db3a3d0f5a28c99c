"""The Sphinx extension of a trial paper: ``extensions = ["myst_nb", "trialbook.sphinx"]`` is all that it needs.

Its domain, ``trial``, places results in prose; and the prose is checked: no result in it is typed.
"""

from typing import Any, Literal, NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

from trialbook.displays.tables import markup
from trialbook.sphinx import (
    cards,
    cells,
    claims,
    consort,
    displays,
    domain,
    index,
    manuscript,
    numbers,
    register,
    text_checks,
    theme,
    uses,
)


class Setting(NamedTuple):
    """A value of the configuration: its name without ``trialbook_``, and what it has where nothing is given."""

    name: str
    default: Any
    types: tuple[type, ...]
    description: str
    rebuild: Literal["env", "html"] = "env"


SETTINGS = (
    Setting("executed", "executed", (str,), "The folder of the executed notebooks, in the source folder."),
    Setting("prose", ["**"], (list, tuple), "Patterns of the documents that are prose; executed notebooks never are."),
    Setting("claims", "book/claims.yml", (str,), "The claims of the paper, from the source folder; need not be there."),
    Setting("consort", "book/consort.yml", (str,), "The items of CONSORT, from the source folder; need not be there."),
    Setting("words", "book/words.yml", (str,), "Judging words, digits that may be typed and exempt pages, likewise."),
    Setting("evidence", "", (str,), "What many draws of synthetic data say, from the source folder; none if empty."),
    Setting("citation", "CITATION.cff", (str,), "The file that names the authors, from the source folder."),
    Setting("numbered", False, (bool,), "Number the lines of the PDF.", "html"),
    Setting("draft", False, (bool,), "Show what the results lack, and claims that do not hold, instead of failing."),
    Setting("sources", "notebooks", (str,), "The folder of the source notebooks, for launch buttons.", "html"),
    Setting("code", "", (str,), "The revision of the code, which the card of a number gives.", "html"),
    Setting("data", "", (str,), "The SHA-256 of the data, which the card of a number gives.", "html"),
)
PASSING = (lambda self, node: None, lambda self, node: None)
AS_LINK = (lambda self, node: self.visit_reference(node), lambda self, node: self.depart_reference(node))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the configuration, the domain and what is done with each page."""
    app.require_sphinx((7, 4))
    for name, default, types, description, rebuild in SETTINGS:
        app.add_config_value(f"trialbook_{name}", default, rebuild, types, description)
    app.add_config_value("trialbook_layout", "", "env", str, "Made by the extension: what else shapes every page.")
    app.add_domain(domain.TrialDomain)
    for name, role in domain.ROLES.items():  # so that prose need not say {trial:num}
        app.add_role(name, role)
    for name, directive in domain.DIRECTIVES.items():
        app.add_directive(name, directive)
    _add_nodes(app)
    _add_handlers(app)
    app.add_css_file("paper.css", priority=800)  # after those of the theme
    app.add_latex_package("pdflscape")
    app.add_html_math_renderer("mathml", (theme.write_inline_formula, None), (theme.write_display_formula, None))
    return {
        "version": "1",
        "env_version": theme.fingerprint(),
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }


def _add_nodes(app: Sphinx) -> None:
    """Say how each writer writes what the roles and directives make."""
    app.add_node(numbers.result_reference, html=(numbers.open_html, numbers.close_html), latex=AS_LINK, text=AS_LINK)
    app.add_node(claims.claim, html=(claims.open_html, claims.close_html), latex=PASSING, text=PASSING)
    app.add_enumerable_node(markup.result_table, "table", html=(markup.write_html, lambda self, node: None))
    app.add_node(
        markup.pad, html=(displays.write_pad, None), latex=(displays.print_pad, None), text=(markup.skip, None)
    )
    app.add_node(
        markup.step, html=(displays.write_step, None), latex=(displays.print_step, None), text=(markup.skip, None)
    )
    app.add_node(displays.sheet, latex=(displays.open_sheet, displays.close_sheet))
    elsewhere = (register.say_elsewhere, None)
    app.add_node(register.register, html=(register.write_html, None), latex=elsewhere, text=elsewhere)
    app.add_node(nodes.citation, override=True, html=(theme.open_citation, HTML5Translator.depart_citation))


def _add_handlers(app: Sphinx) -> None:
    """Say what is done when, in the order of a build."""
    app.connect("config-inited", theme.configure)
    app.connect("config-inited", manuscript.configure)
    app.connect("builder-inited", domain.prepare)
    app.connect("env-before-read-docs", manuscript.divide)
    app.connect("source-read", cells.prepare)
    app.connect("doctree-read", cells.mark_cells)
    app.connect("doctree-read", manuscript.part, priority=400)  # before the contents of the book are read
    app.connect("doctree-read", claims.report_false)
    app.connect("doctree-read", text_checks.check_digits)
    app.connect("doctree-read", text_checks.check_words)
    app.connect("doctree-read", text_checks.check_evidence)
    app.connect("doctree-read", claims.report_seldom)
    app.connect("env-updated", claims.report_unused)
    app.connect("env-updated", domain.rewrite_lists)
    app.connect("doctree-resolved", consort.fill_checklist)
    app.connect("html-page-context", cards.add_cards)
    app.connect("html-page-context", register.add_script)
    app.connect("html-page-context", theme.put_up_banner)
    app.connect("html-page-context", theme.launch_sources, priority=502)  # after the theme, at 501, made its buttons
    app.connect("build-finished", index.write_results)
    app.connect("build-finished", uses.write_uses)
    app.connect("build-finished", domain.write_lists)
    app.connect("build-finished", theme.remove_unused)
