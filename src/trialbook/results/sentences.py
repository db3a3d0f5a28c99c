"""The sentences that use each number: of a built book, or of the prose as it was written."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

Part = str | dict[str, str]

_ROLE = re.compile(r"\{([a-z]+)\}`([^`]*)`")
_MARK = re.compile(r"^\s*(?:#+|[-*]|\d+\.)\s+|^\s+")  # of a title, or of an item in a list
_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")


class Shown(Protocol):
    """A number that is shown."""

    @property
    def display(self) -> str: ...


@dataclass(frozen=True)
class Sentence:
    """A sentence on a page, in parts: a text, or ``{"key": …}`` for a number.

    `anchor` is that of the number, in a built book; `order` rises from one sentence of the page to the next.
    """

    page: str
    parts: tuple[Part, ...]
    anchor: str = ""
    where: str = "sentence"
    order: int = 0

    @property
    def keys(self) -> list[str]:
        """The keys of its numbers."""
        return [part["key"] for part in self.parts if not isinstance(part, str)]

    @property
    def name(self) -> tuple[str, str]:
        """What tells it from others: two numbers of one sentence share it."""
        return self.page, json.dumps(self.parts)


def of_site(folder: Path) -> dict[str, list[Sentence]]:
    """Read the sentences of a built book.

    Parameters
    ----------
    folder : Path
        Holds ``numbers.json``; there need be none.

    Returns
    -------
    dict of str to list of Sentence
        By the key of a number, in the order of the pages.
    """
    path = Path(folder, "numbers.json")
    uses = json.loads(path.read_text("utf8")) if path.exists() else {}
    return {key: [_used(use) for use in places] for key, places in uses.items()}


def _used(use: dict[str, Any]) -> Sentence:
    order = int(use["anchor"].rpartition("-")[2])
    return Sentence(use["page"], tuple(use["sentence"]), use["anchor"], use["in"], order)


def of_prose(pages: dict[str, str], wording: dict[str, str], numbers: Mapping[str, Shown]) -> dict[str, list[Sentence]]:
    """Read the sentences of prose that was not built: each is a line, and its numbers are roles.

    Parameters
    ----------
    pages : dict of str to str
        The text of each page by its name, such as ``book/index``.
    wording : dict of str to str
        The usual words of each claim.
    numbers : dict of str to Number
        By key; what counts is the `display` of each.

    Returns
    -------
    dict of str to list of Sentence
        By the key of a number.
    """
    found: dict[str, list[Sentence]] = {}
    for page, text in pages.items():
        for order, line in enumerate(text.splitlines()):
            parts = joined(_parts(_MARK.sub("", line), wording, numbers))
            sentence = Sentence(page, tuple(parts), order=order)
            for key in dict.fromkeys(sentence.keys):
                found.setdefault(key, []).append(sentence)
    return found


def joined(parts: Iterable[Part]) -> list[Part]:
    """Join the neighbouring texts among the parts of a sentence, and close the gap that an image left between them."""
    found: list[Part] = []
    for is_text, run in groupby(parts, key=lambda part: isinstance(part, str)):
        if is_text:
            text = re.sub(r"\s+(?=[\s:;,.)])", "", "".join(map(str, run)))
            found += [text] if text else []
        else:
            found += run
    return found


def _parts(line: str, wording: dict[str, str], numbers: Mapping[str, Shown]) -> Iterator[Part]:
    end = 0
    for role in _ROLE.finditer(line):
        yield _plain(line[end : role.start()])
        yield from _placed(role[1], role[2], wording, numbers)
        end = role.end()
    yield _plain(line[end:])


def _placed(role: str, content: str, wording: dict[str, str], numbers: Mapping[str, Shown]) -> list[Part]:
    """What a role shows: a number, with the words that it brings; the words of another role that has some."""
    if role == "num":
        return [{"key": content}]
    if role == "p":
        bounded = content in numbers and numbers[content].display.startswith(("<", ">"))
        return ["P " if bounded else "P = ", {"key": content}]
    if role == "ci":
        return [{"key": "trial.ci_level"}, " CI, ", {"key": f"{content}.ci"}]
    if role == "claim":
        return [wording.get(content, content.partition(" <")[0])]
    return [] if role in ("strip", "consort") else ["…"]


def _plain(text: str) -> str:
    """A text without the marks of Markdown."""
    return re.sub(r"\*+", "", _LINK.sub(lambda link: link[1] or "…", text))
