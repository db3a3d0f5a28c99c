"""The authors of the paper, from ``CITATION.cff``, the one place where they are named, and what they have to write."""

from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from trialbook.sphinx.placed import COMPUTED, depend_on, say_fault

NOBODY = "The file CITATION.cff, the one source of authors, names no persons."


class AuthorsDirective(SphinxDirective):
    """``{authors}``: the persons whom ``CITATION.cff`` names, with affiliation and ORCID; else its content.

    A person has ``given-names`` and ``family-names`` there; an author of one ``name`` is an entity.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        file = self.config.trialbook_citation
        depend_on(self.env, file)
        try:
            found = _persons(yaml.safe_load(Path(self.env.srcdir, file).read_text("utf8")))
        except (OSError, yaml.YAMLError, _NoAuthorsError) as error:
            say_fault(self.env, "the authors cannot be read from %s: %s", file, error, location=self.get_location())
            return []
        if found:
            said = [nodes.paragraph("", "; ".join(map(_said, found)) + ".")]
            said[0][COMPUTED] = True
            return [*said]
        box = nodes.paragraph("", f"{NOBODY} ")
        content = self.parse_content_to_nodes()
        return [box, *content]


def persons(file: Path) -> list[dict[str, Any]]:
    """The authors who are persons, as ``CITATION.cff`` tells of them; none where it cannot be read.

    That it cannot is said where the prose places them.
    """
    try:
        return _persons(yaml.safe_load(file.read_text("utf8")))
    except (OSError, yaml.YAMLError, _NoAuthorsError):
        return []


def name(person: dict[str, Any]) -> str:
    """Write the name of a person."""
    return " ".join(filter(None, [person.get("given-names"), person.get("name-particle"), person["family-names"]]))


class ToWriteDirective(SphinxDirective):
    """``{to-write}``: a note that its content is still to be written, which the release of a paper refuses."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        box = nodes.admonition("", nodes.title("", "To be written"), classes=["to-write", "caution"])
        box[COMPUTED] = True  # what it names is no result
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


class _NoAuthorsError(Exception):
    """What is read is no list of authors."""


def _persons(told: Any) -> list[dict[str, Any]]:
    """The authors who are persons, of what the file tells."""
    authors = told.get("authors", []) if isinstance(told, dict) else None
    if not isinstance(authors, list) or not all(isinstance(author, dict) for author in authors):
        raise _NoAuthorsError("it needs `authors:` with a list of persons, each of keys such as `family-names:`")
    return [author for author in authors if author.get("family-names")]


def _said(person: dict[str, Any]) -> str:
    """Write a person as the head of a paper does."""
    orcid = str(person.get("orcid", "")).removeprefix("https://orcid.org/")
    more = [person.get("affiliation", ""), f"ORCID {orcid}" if orcid else ""]
    return ", ".join(filter(None, [name(person), *more]))
