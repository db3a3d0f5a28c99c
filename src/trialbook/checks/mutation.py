"""The mutation test: which numbers of the results prose stay the same whatever is done to the data (`mutants`)."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import Field

from trialbook.errors import UserError
from trialbook.results import sentences
from trialbook.results.row import Result
from trialbook.yamlfile import Keys, read_yaml


class MutationError(UserError):
    """The mutation test failed or could not be made; the message says which numbers never change."""


class Allowed(Keys):
    """Numbers that need not change, as patterns of their keys, and why."""

    keys: list[str] = Field(min_length=1)
    reason: str


class Unchanging(Keys):
    """The contents of ``unchanging.yml``."""

    allowed: list[Allowed] = Field(min_length=1)


@dataclass(frozen=True)
class Number:
    """A number of the results prose, with the page and the sentence where it stands first."""

    result: Result
    page: str
    sentence: str

    @property
    def key(self) -> str:
        """The key of the result."""
        return self.result.key

    def follows(self, others: Iterable[Mapping[str, Result]]) -> bool:
        """Whether it is shown otherwise, has another value or is not there in one of several collections of results."""
        shown = (self.result.display, self.result.value)
        return any((row := own.get(self.key)) is None or (row.display, row.value) != shown for own in others)


def allowed(path: Path) -> list[Allowed]:
    """Read what need not change; nothing where there is no such file.

    Raises
    ------
    FaultsError
        With every fault of the file.
    """
    return read_yaml(path, Unchanging).allowed if path.exists() else []


def numbers(site: Path, pages: Collection[str]) -> list[Number]:
    """List the numbers that stand in sentences of the results.

    Parameters
    ----------
    site : Path
        A built book: holds ``numbers.json`` and ``results.json``.
    pages : collection of str
        Those that tell results, such as ``book/index``.

    Returns
    -------
    list of Number
        Sorted by key.

    Raises
    ------
    MutationError
        If there is no such book.
    """
    if not (site / "numbers.json").exists():
        raise MutationError(f"{site}: there is no built book\n      → build it first: trialbook build")
    rows = {row["key"]: Result(**row) for row in json.loads((site / "results.json").read_text("utf8"))}
    found = []
    for key, places in sentences.of_site(site).items():
        if sentence := next((one for one in places if one.where == "sentence" and one.page in pages), None):
            said = (part if isinstance(part, str) else rows[part["key"]].display for part in sentence.parts)
            found.append(Number(rows[key], sentence.page, "".join(said)))
    return found


def judge(
    examined: list[Number],
    mutants: Mapping[str, Mapping[str, Result]],
    allowed: list[Allowed],
    listed: Path,
    whole: bool = True,
) -> str:
    """Say how many numbers change in a mutant, and how many need not and why.

    Parameters
    ----------
    examined : list of Number
    mutants : dict of str to dict
        The results of each mutant by key.
    allowed : list of Allowed
    listed : Path
        The file that they are listed in.
    whole : bool
        All numbers of the paper are examined: what is allowed and matches none of them is a fault.

    Returns
    -------
    str

    Raises
    ------
    MutationError
        If a number never changes and is not allowed to, or what is allowed to stay the same does not.
    """
    same = [number for number in examined if not number.follows(mutants.values())]
    why = {pattern: entry.reason for entry in allowed for pattern in entry.keys}
    matched = {number.key: [pattern for pattern in why if fnmatchcase(number.key, pattern)] for number in examined}
    suspects = [number for number in same if not matched[number.key]]
    needed = {pattern for number in same for pattern in matched[number.key]}
    unused = [p for p in why if p not in needed and (whole or any(p in own for own in matched.values()))]
    reasons = Counter(why[matched[number.key][0]] for number in same if matched[number.key])
    lines = [f"{len(examined)} numbers in sentences of the results, {len(mutants)} mutants ({', '.join(mutants)}):"]
    lines += [f"{len(examined) - len(same):5} change"]
    lines += [f"{count:5} need not: {reason}" for reason, count in reasons.items()]
    lines += [f"{len(suspects):5} never change, and nothing says why"] if suspects else []
    for number in suspects:
        lines += [f"  {number.page}: {number.key} is always {number.result.display!r}", f"      “{number.sentence}”"]
    if suspects:
        lines.append(f"      → compute what is typed, or say in {listed} why it need not change")
    for pattern in unused:
        lines += [f"  {listed}: {pattern!r} matches no number that stays the same", "      → take it out"]
    if suspects or unused:
        raise MutationError("\n".join(lines))
    return "\n".join(lines)


def chosen(what: str, names: Iterable[str] | None, known: Iterable[str]) -> list[str]:
    """Take those named, or all where none is.

    Raises
    ------
    MutationError
        If there is none of a name.
    """
    if unknown := sorted(set(names or ()) - set(known)):
        raise MutationError(f"no {what} {unknown[0]!r}; there are: {', '.join(sorted(known))}")
    return list(names or known)
