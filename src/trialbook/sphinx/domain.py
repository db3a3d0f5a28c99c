"""The domain of a trial: the roles and directives of its results, where these lead, and what the pages make of them."""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from docutils import nodes
from docutils.nodes import Element
from docutils.parsers.rst import Directive
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.domains import Domain, ObjType
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

from trialbook.claims import claims as claims_file
from trialbook.claims import consort as consort_file
from trialbook.claims.claims import Claim
from trialbook.claims.consort import Item
from trialbook.errors import FaultsError
from trialbook.results import evidence
from trialbook.results.evidence import Draws
from trialbook.results.executed import Executed
from trialbook.results.row import Result
from trialbook.sphinx import authors, claims, consort, displays, index, numbers, prose, register, theme, uses, words
from trialbook.sphinx.cards import Passports
from trialbook.sphinx.placed import DOMAIN
from trialbook.sphinx.words import Words

LOG = logging.getLogger(__name__)
Read = TypeVar("Read")
# what a page is noted to hold, in the order in which it stands there
NOTED = ("uses", "claims", "passages", "not_available", "false_claims", "lists")
OBJECT_TYPES = {"result": ObjType("result", "num", "p", "ci")}
ROLES: dict[str, Any] = {
    "num": numbers.NumberRole(),
    "p": numbers.PValueRole(),
    "ci": numbers.IntervalRole(),
    "strip": displays.StripRole(),
    "claim": claims.ClaimRole(),
    "consort": consort.ConsortRole(),
}
DIRECTIVES: dict[str, type[Directive]] = {
    "result-table": displays.TableDirective,
    "result-figure": displays.FigureDirective,
    "register": register.RegisterDirective,
    "consort-checklist": consort.ChecklistDirective,
    "authors": authors.AuthorsDirective,
    "provenance": theme.ProvenanceDirective,
    "synthetic": theme.SyntheticDirective,
    "to-write": authors.ToWriteDirective,
}
INITIAL_DATA: dict[str, dict[str, list[Any]]] = {kind: {} for kind in NOTED}


class TrialDomain(Domain):
    """The results of a trial, and where the pages use them; its data are lists of what was noted, by kind and page."""

    name = DOMAIN
    label = "Trial"
    object_types = OBJECT_TYPES
    roles = ROLES
    directives = DIRECTIVES
    initial_data = INITIAL_DATA

    # ------------------------------------------------------------------------------- what the files of the paper say

    @cached_property
    def index(self) -> Executed:
        """What the executed notebooks hold."""
        return index.read(Path(self.env.srcdir), self.env.config)

    @cached_property
    def draws(self) -> Draws | None:
        """What the draws of the synthetic data say; None where there are none of these results."""
        marked = any(row.evidence for row in self.index.results.values())
        return evidence.read(Path(self.env.srcdir, self.env.config.trialbook_evidence)) if marked else None

    @cached_property
    def claims(self) -> dict[str, Claim] | None:
        """The claims of the paper; None where their file has faults."""
        return self._read(self.env.config.trialbook_claims, claims_file.read)

    @cached_property
    def consort(self) -> dict[str, Item] | None:
        """The items of CONSORT; None where their file has faults."""
        return self._read(self.env.config.trialbook_consort, consort_file.read)

    @cached_property
    def words(self) -> Words | None:
        """The words that judge, and the digits that may be typed; None where their file has faults."""
        return self._read(self.env.config.trialbook_words, words.read)

    @cached_property
    def passports(self) -> Passports:
        """What is known of each result."""
        return Passports(self.index, self.env.config, self.draws)

    def _read(self, name: str, read: Callable[[Path], Read]) -> Read | None:
        """Read a file of the paper; where it has faults, say each."""
        try:
            return read(Path(self.env.srcdir, name))
        except FaultsError as error:
            for fault in error.faults:
                where = f"{fault.column}: " if fault.column else ""
                place = f"{name}:{fault.row or 1}"
                LOG.error("%s%s; %s", where, fault.rule, fault.remedy, location=place, type="trialbook")
            return None

    # ------------------------------------------------------------------------------------------- what the pages hold

    def note(self, kind: str, noted: Any) -> None:
        """Note something of the page that is being read."""
        self.data[kind].setdefault(self.env.docname, []).append(noted)

    def noted(self, kind: str) -> Iterator[tuple[str, Any]]:
        """Yield all that was noted of a kind, each with its page, in the order of the book."""
        for page in pages(self.env):
            for noted in self.data[kind].get(page, []):
                yield page, noted

    def clear_doc(self, docname: str) -> None:
        """Forget what was noted of a page."""
        for kind in NOTED:
            self.data[kind].pop(docname, None)

    def merge_domaindata(self, docnames: Iterable[str], otherdata: dict[str, Any]) -> None:
        """Take over what another process noted of the pages that it read."""
        for kind in NOTED:
            self.data[kind] |= {name: otherdata[kind][name] for name in docnames if name in otherdata[kind]}

    def process_doc(self, env: BuildEnvironment, docname: str, document: nodes.document) -> None:
        """Note the passages that report an item of CONSORT and, in prose, where each number is used."""
        self.data["passages"][docname] = consort.passages_of(document, docname)
        if prose.is_prose(env.config, docname):
            self.data["uses"][docname] = uses.of_page(document)

    # ----------------------------------------------------------------------------------------- where references lead

    def resolve_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        typ: str,
        target: str,
        node: pending_xref,
        contnode: Element,
    ) -> Element | None:
        """Link a result, table or figure to its cell; where the book does not show its notebook, only show it."""
        found = index.known(self.index, typ).get(target)
        if found is None:
            return None
        document = index.page(env.config, found)
        if document not in env.found_docs:
            return contnode
        shown: list[nodes.Node] = contnode.children if isinstance(contnode, nodes.inline) else [contnode]
        link = make_refnode(builder, fromdocname, document, found.cell, shown)
        link["title"], link["key"] = f"{target}, from {found.notebook}", target
        link["evidence"] = found.evidence if isinstance(found, Result) else ""
        link["classes"], link["ids"] = node.get("look", ["num"]), node["ids"]
        return numbers.result_reference("", "", *link.children, **link.attributes)

    def resolve_any_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        target: str,
        node: pending_xref,
        contnode: Element,
    ) -> list[tuple[str, Element]]:
        """Link a key that Sphinx's own role ``any`` names."""
        found = self.resolve_xref(env, fromdocname, builder, "result", target, node, contnode)
        return [] if found is None else [(f"{DOMAIN}:num", found)]


def pages(env: BuildEnvironment) -> list[str]:
    """List all documents in the order of the tables of contents, those that are in none last."""
    found: dict[str, None] = {}

    def add(page: str) -> None:
        if page not in found:
            found[page] = None
            for below in env.toctree_includes.get(page, []):
                add(below)

    for page in [env.config.root_doc, *sorted(env.found_docs)]:
        add(page)
    return list(found)


def prepare(app: Sphinx) -> None:
    """Read the files of the paper and say their faults, once for all processes; put the figures where images are."""
    domain = app.env.get_domain(DOMAIN)
    assert isinstance(domain, TrialDomain)
    _ = domain.index, domain.draws, domain.claims, domain.consort, domain.words
    displays.write_figures(domain.index, displays.figures_folder(app.env))


def rewrite_lists(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Let the pages be written again that list what all pages hold."""
    return list(env.domaindata[DOMAIN]["lists"])


def write_lists(app: Sphinx, exception: Exception | None) -> None:
    """Serve with a draft, as ``<kind>.txt``, what is not available and which claims are false, each with its pages."""
    if exception is not None or not app.config.trialbook_draft:
        return
    for kind in ("not_available", "false_claims"):
        found: dict[str, list[str]] = {}
        noted = app.env.domaindata[DOMAIN][kind]
        for page in sorted(noted):
            for name in noted[page]:
                found.setdefault(name, []).append(page)
        lines = (f"{name}: {', '.join(dict.fromkeys(found[name]))}\n" for name in sorted(found))
        Path(app.outdir, f"{kind}.txt").write_text("".join(lines), "utf8")
