"""What changed between two editions of a paper: which numbers moved, how gravely, and in which sentences."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from graphlib import TopologicalSorter
from itertools import chain, pairwise
from pathlib import Path

from trialbook.claims import claims
from trialbook.editions import lock
from trialbook.editions.lock import Lock, Number
from trialbook.results import sentences
from trialbook.results.formats import number as written
from trialbook.results.sentences import Sentence

SAME = 10.0 ** (1 - lock.PRECISION)  # relative; the last digit of a lock may be rounded up on one machine only


class Verdict(Enum):
    """What a change of one number amounts to, and how that is said; the gravest first."""

    INCLUDES = "interval now includes {null}"
    EXCLUDES = "interval no longer includes {null}"
    BELOW = "P now below {alpha:g}"
    NOT_BELOW = "P now not below {alpha:g}"
    SIGN = "sign flipped"
    NEW = "new in the paper"
    GONE = "no longer in the paper"
    LOST = "no longer estimable"
    FOUND = "can be estimated now"
    MOVED = "moved{by}"
    TEXT = "another text"
    DISPLAY = "another display"
    ROUNDING = "rounding only"

    @property
    def grave(self) -> bool:
        """Whether it may change what the paper concludes."""
        return self in {Verdict.INCLUDES, Verdict.EXCLUDES, Verdict.BELOW, Verdict.NOT_BELOW, Verdict.SIGN}


@dataclass(frozen=True)
class Edition:
    """A paper at one time: its name, its numbers, and the sentences that use each."""

    name: str
    lock: Lock
    sentences: dict[str, list[Sentence]]


@dataclass(frozen=True)
class Change:
    """A number that is not what it was: before, now (None where it is not there), verdict, level of the tests now."""

    key: str
    before: Number | None
    now: Number | None
    verdict: Verdict
    alpha: float = 0.05

    @property
    def grave(self) -> bool:
        """Whether it may change what the paper concludes."""
        return self.verdict.grave

    @property
    def told(self) -> bool:
        """Whether the sentences that use it are told: they read differently, or may no longer be right."""
        return self.grave or self.before is None or self.now is None or self.before.display != self.now.display

    @property
    def said(self) -> str:
        """The verdict in words."""
        null = self.now.null if self.now else None
        return self.verdict.value.format(null=null, alpha=self.alpha, by=self._by())

    def _by(self) -> str:
        """How far a single number moved; of several it is not said."""
        old, new = (number.value if number else None for number in (self.before, self.now))
        if not isinstance(old, (int, float)) or not isinstance(new, (int, float)) or old == new:
            return ""
        by = new - old
        digits = max(0, 1 - math.floor(math.log10(abs(by)))) if isinstance(by, float) else 0
        return f" by {written(by, digits)}" + (f" ({written(100 * by / abs(old), 1)}%)" if old else "")


@dataclass(frozen=True)
class Changes:
    """All changes from one edition to another; `same` is the number of those reproduced, of `total` before."""

    before: Edition
    now: Edition
    same: int
    total: int
    changes: list[Change]

    def places(self, change: Change) -> list[Sentence]:
        """The places that use a number: those that the paper has now or, where it is gone, those that it had."""
        return self.now.sentences.get(change.key) or self.before.sentences.get(change.key, [])

    @property
    def pages(self) -> list[tuple[str, list[Sentence]]]:
        """Each page with its sentences that are told, both in the order of the paper."""
        changed = [one for change in self.changes if change.told for one in self.places(change)]
        listed = {one.name: one for one in reversed(changed) if one.where != "table"}
        pages = {page: [one for one in listed.values() if one.page == page] for page in self._order()}
        return [(page, sorted(own, key=lambda one: one.order)) for page, own in pages.items() if own]

    def _order(self) -> list[str]:
        """The pages in the order of the paper, which the uses of each number keep."""
        order: TopologicalSorter[str] = TopologicalSorter()
        for places in self.now.sentences.values():
            for first, second in pairwise(dict.fromkeys(one.page for one in places)):
                order.add(second, first)
        every = chain(*self.now.sentences.values(), *self.before.sentences.values())
        return list(dict.fromkeys([*order.static_order(), *(one.page for one in every)]))

    def filled(self, sentence: Sentence) -> Iterator[str | Change]:
        """The parts of a sentence: texts, displays of the numbers that stayed, and the changes of the others."""
        changed = {change.key: change for change in self.changes if change.told}
        numbers = {**self.before.lock.numbers, **self.now.lock.numbers}
        for part in sentence.parts:
            if isinstance(part, str):
                yield part
            else:
                key = part["key"]
                yield changed.get(key) or (numbers[key].display if key in numbers else "…")

    @property
    def summary(self) -> str:
        """How many of how many numbers were reproduced, and what else there is to say."""
        said = f"{self.same} of {self.total} numbers reproduced"
        new = sum(change.before is None for change in self.changes)
        gone = sum(change.now is None for change in self.changes)
        grave = sum(change.grave for change in self.changes)
        counts = [(len(self.changes) - new - gone, "changed"), (new, "new"), (gone, "gone")]
        parts = [f"{count} {what}" for count, what in counts if count]
        parts += [f"{grave} bearing on a conclusion"] if grave else []
        return "; ".join([said, ", ".join(parts)]) if parts else said


def compare(before: Edition, now: Edition) -> Changes:
    """Compare the numbers of two editions.

    Parameters
    ----------
    before, now : Edition

    Returns
    -------
    Changes
        The grave ones first, then those whose sentences are told, then the others; by key.
    """
    old, new = before.lock.numbers, now.lock.numbers
    changes = [
        Change(key, old.get(key), new.get(key), found, now.lock.alpha)
        for key in sorted(old.keys() | new.keys())
        if (found := verdict(old.get(key), new.get(key), before.lock.alpha, now.lock.alpha))
    ]
    moved = {change.key for change in changes}
    changes.sort(key=lambda change: (not change.grave, not change.told))
    return Changes(before, now, len(old.keys() - moved), len(old), changes)


def verdict(before: Number | None, now: Number | None, was: float, alpha: float) -> Verdict | None:
    """Find what a change of one number amounts to.

    Parameters
    ----------
    before, now : Number or None
        None where the number is not there.
    was, alpha : float
        The level of the tests, before and now.

    Returns
    -------
    Verdict or None
        The gravest that there is; none where the number is the same to the precision of a lock.
    """
    if before is None or now is None:
        return Verdict.NEW if before is None else Verdict.GONE
    same = before.display == now.display and _same(before.value, now.value)
    if same and was == alpha:
        return None
    if (found := _crossed(before, now, was, alpha)) or same:
        return found
    if (now.value is None) != (before.value is None):
        return Verdict.LOST if now.value is None else Verdict.FOUND
    if before.display == now.display:
        return Verdict.ROUNDING
    if isinstance(now.value, str) or isinstance(before.value, str):
        return Verdict.TEXT
    return Verdict.DISPLAY if now.value == before.value else Verdict.MOVED


def _crossed(before: Number, now: Number, was: float, alpha: float) -> Verdict | None:
    old, new = before.value, now.value
    if isinstance(old, list) and isinstance(new, list) and now.null is not None:
        inside = [min(bounds) <= now.null <= max(bounds) for bounds in (old, new)]
        if inside[0] != inside[1]:
            return Verdict.INCLUDES if inside[1] else Verdict.EXCLUDES
    if not isinstance(old, (int, float)) or not isinstance(new, (int, float)):
        return None
    if now.statistic == "p" and (old < was) != (new < alpha):
        return Verdict.BELOW if new < alpha else Verdict.NOT_BELOW
    return Verdict.SIGN if old * new < 0 else None


def _same(before: lock.Value, now: lock.Value) -> bool:
    if isinstance(before, list) and isinstance(now, list):
        return len(before) == len(now) and all(map(_same, before, now))
    if isinstance(before, (int, float)) and isinstance(now, (int, float)):
        return math.isclose(before, now, rel_tol=SAME, abs_tol=lock.ZERO)
    return before == now


def of_lock(name: str, path: Path, prose: dict[str, str], claimed: Path) -> Edition:
    """Take an edition from a numbers lock and the prose that it was accepted with.

    Parameters
    ----------
    name : str
        Of the edition.
    path : Path
        The lock.
    prose : dict of str to str
        The text of each page, by the page's name, in the order of the paper.
    claimed : Path
        The claims, which have words that the prose leaves to them; there need be none.

    Returns
    -------
    Edition

    Raises
    ------
    LockError
        If there is no lock.
    """
    accepted = lock.read(path)
    wording = claims.wording(claimed.read_text("utf8") if claimed.exists() else "")
    return Edition(name, accepted, sentences.of_prose(prose, wording, accepted.numbers))


def of_site(name: str, results: Path, data: Iterable[Path] = ()) -> Edition:
    """Take an edition from a built book.

    Parameters
    ----------
    name : str
        Of the edition.
    results : Path
        ``results.json`` of the site.
    data : iterable of Path
        The files of the trial, for their hashes.

    Returns
    -------
    Edition

    Raises
    ------
    LockError
        If there is no such file.
    """
    return Edition(name, lock.of_site(results, data), sentences.of_site(results.parent))
