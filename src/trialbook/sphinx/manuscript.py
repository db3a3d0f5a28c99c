"""The paper as a journal prints it: an article of the prose, and the notebooks as a second document, its appendix."""

from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util import texescape

from trialbook.sphinx import authors
from trialbook.sphinx.placed import COMPUTED, of
from trialbook.sphinx.prose import is_executed

PAPER, APPENDIX = "paper.tex", "appendix.tex"
ARTICLE = "howto"  # the class of Sphinx that is an article
NUMBERED = r"\usepackage{lineno}\linenumbers"
ELEMENTS = {
    "tableofcontents": "",
    "maketitle": r"""\makeatletter
\begin{center}{\LARGE\bfseries\@title\par}\medskip{\large\@author\par}\end{center}\bigskip
\makeatother""",
    "releasename": "",
    "fncychap": "",
    "figure_align": "htbp",  # where they fit
    "sphinxsetup": "InnerLinkColor={rgb}{0,0,0},OuterLinkColor={rgb}{0.05,0.25,0.5},hmargin=25mm,vmargin=25mm",
}
PREAMBLE = r"""
\AtBeginDocument{\renewcommand{\refname}{}\hypersetup{pdflang=%s}}
"""


def configure(app: Sphinx, config: Config) -> None:
    """Say how the article looks: no list of contents, links in the colour of the text, figures where they fit."""
    numbered = NUMBERED if config.trialbook_numbered else ""
    preamble = config.latex_elements.get("preamble", "") + PREAMBLE % (config.language or "en") + numbered
    config.latex_elements = ELEMENTS | config.latex_elements | {"preamble": preamble}


def divide(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Let LaTeX write two documents: the article, and the notebooks."""
    if app.builder.format != "latex":
        return
    config, results = app.config, of(env).index.results
    written = results["trial.title"].display if "trial.title" in results else config.project
    persons = authors.persons(Path(app.srcdir, config.trialbook_citation))
    named = ", ".join(map(authors.name, persons))
    title, by = (texescape.escape(text, config.latex_engine) for text in (written, named))
    executed = sorted(name for name in env.found_docs if is_executed(config, name))
    documents = [(config.root_doc, PAPER, title, by, ARTICLE, False)]
    documents += [(executed[0], APPENDIX, f"Appendix: {title}", by, ARTICLE, False)] if executed else []
    config.latex_documents = documents


def part(app: Sphinx, doctree: nodes.document) -> None:
    """Part the notebooks from the prose: the front page leads to them no more, and the first of them to the others.

    A tip is for readers of the site, and is not printed.
    """
    if app.builder.format != "latex":
        return
    for box in [box for box in doctree.findall(nodes.Element) if isinstance(box, nodes.Admonition)]:
        if "tip" in box.get("classes", ()) and box.parent is not None:
            box.parent.remove(box)
    if app.env.docname == app.config.root_doc:
        for toctree in doctree.findall(addnodes.toctree):
            toctree["entries"] = [one for one in toctree["entries"] if not is_executed(app.config, one[1])]
            toctree["includefiles"] = [name for name in toctree["includefiles"] if not is_executed(app.config, name)]
    first = [start for start, name, *_ in app.config.latex_documents if name == APPENDIX]
    if [app.env.docname] == first:
        others = sorted(name for name in app.env.found_docs if is_executed(app.config, name) and name not in first)
        title = nodes.title("", "Notebooks")
        title[COMPUTED] = True
        whole = nodes.section("", title, *doctree.children, ids=["notebooks"], names=["notebooks"])
        whole += addnodes.toctree(
            "",
            entries=[(None, name) for name in others],
            includefiles=others,
            parent=first[0],
            hidden=False,
            maxdepth=-1,
            glob=False,
            includehidden=False,
            numbered=0,
            titlesonly=False,
            caption=None,
            rawcaption="",
        )
        doctree.children = []
        doctree += whole
        app.env.metadata[app.env.docname]["orphan"] = True  # of the article
