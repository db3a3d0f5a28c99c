"""What the roles and directives share: how a result is found, shown and linked, and how a fault is said."""

import difflib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, cast

from docutils import nodes
from sphinx import addnodes
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from trialbook.claims.conditions import Condition, ConditionError
from trialbook.sphinx import index

if TYPE_CHECKING:
    from trialbook.sphinx.domain import TrialDomain

LOG = logging.getLogger(__name__)
DOMAIN = "trial"
COMPUTED = "computed"  # marks the nodes that come from a notebook, not from an author's hand
Shown: TypeAlias = tuple[list[nodes.Node], list[nodes.system_message]]  # what a role gives
Author: TypeAlias = SphinxRole | SphinxDirective  # what an author wrote, and where


def of(env: BuildEnvironment) -> "TrialDomain":
    """The domain of a build, which holds its results and what its pages make of them."""
    return cast("TrialDomain", env.get_domain(DOMAIN))


def say_fault(env: BuildEnvironment, message: str, *words: object, location: Any) -> None:
    """Report a fault of the page that is being read, in this build and in every later one until it is mended."""
    env.note_reread()  # or the next incremental build would forget the fault
    LOG.error(message, *words, location=location, type="trialbook")


def depend_on(env: BuildEnvironment, file: str) -> None:
    """Let the page be read again when a file of the source folder changes."""
    env.note_dependency(str(env.srcdir / file))


def find(author: Author, kind: str, key: str, asked: str = "") -> Any:
    """Find what a key stands for, and let the page depend on the notebooks.

    Parameters
    ----------
    author : SphinxRole or SphinxDirective
    kind : str
        ``result``, ``table`` or ``figure``.
    key : str
    asked : str
        Who else asks for it, as the end of a sentence.

    Returns
    -------
    Result, ShownTable, ShownFigure or None
        None where no notebook has it, which is said or, in a draft, noted.
    """
    domain = of(author.env)
    for name in domain.index.notebooks:
        depend_on(author.env, f"{author.config.trialbook_executed}/{name}.ipynb")
    if author.config.trialbook_evidence:
        depend_on(author.env, author.config.trialbook_evidence)
    known = index.known(domain.index, kind)
    if key in known:
        return known[key]
    if author.config.trialbook_draft:
        domain.note("not_available", key)
        return None
    hint = nearest(key, known)
    message = "no executed notebook has the %s %r%s%s"
    say_fault(author.env, message, kind, key, asked, hint, location=author.get_location())
    return None


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known names come nearest to one that is not known, as the end of a sentence."""
    known = list(known)
    alike = (other for other in known if other.split(".")[0] == name.split(".")[0])
    near = difflib.get_close_matches(name, known, n=4) or list(alike)[:4]
    return f" (there are: {', '.join(near)})" if near else ""


def number(author: Author, key: str) -> nodes.Element:
    """Make the node of one result: a link to its cell, or the notice that it is not available."""
    row = find(author, "result", key)
    if row is None:
        return notice(key)
    words = row.statistic == "text"
    classes = ["num", *["fact"] * words, *["long"] * (words and " " in row.display)]
    return reference(author.env, "result", key, row.display, classes)


def missing(author: Author, condition: Condition, asked: str) -> list[str]:
    """List the keys of a condition that no notebook has; each is said, with who `asked` for it."""
    return [key for key in condition.keys if find(author, "result", key, asked) is None]


def fault_of(author: Author, condition: Condition) -> str:
    """Say what is wrong with a condition, if anything."""
    try:
        return "" if condition.holds(of(author.env).index.results) else "is false"
    except ConditionError as error:
        return f"cannot be judged, {error}"


def notice(key: str, what: str = "not available") -> nodes.inline:
    """Make what a draft shows in the place of a result that it lacks, or beside a claim that does not hold."""
    said = f"[{what}: {key}]"
    return nodes.inline(said, said, classes=[what.replace(" ", "-")], **{COMPUTED: True})


def reference(
    env: BuildEnvironment,
    kind: str,
    key: str,
    content: str | nodes.Node,
    classes: Sequence[str] = ("num", "fact"),
) -> addnodes.pending_xref:
    """Make of a text or an image the link to the cell of a result, table or figure, once all pages are known."""
    shown = nodes.Text(content) if isinstance(content, str) else content
    return addnodes.pending_xref(
        "",
        nodes.inline("", "", shown, support_smartquotes=False),
        refdomain=DOMAIN,
        reftype=kind,
        reftarget=key,
        refdoc=env.docname,
        refexplicit=True,
        refwarn=True,
        look=list(classes),
    )


def is_placed(node: nodes.Node) -> TypeGuard[addnodes.pending_xref]:
    """Whether a node is such a link."""
    return isinstance(node, addnodes.pending_xref) and node["refdomain"] == DOMAIN
