"""What changed between two editions of a paper: which numbers moved, how gravely, and in which sentences."""

import math
import re
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import chain, pairwise
from pathlib import Path

from trialbook.claims import claims
from trialbook.editions import lock
from trialbook.errors import UserError
from trialbook.provenance import git
from trialbook.results import sentences
from trialbook.results.formats import number as written

LOCK = "book/numbers.lock.json"
SAME = 10.0 ** (1 - lock.PRECISION)  # relative; the last digit of a lock may be rounded up on one machine only
GRAVE = ("sign flipped", "interval now", "interval no longer", "P now")  # how the verdicts to look at first begin


class EditionError(UserError):
    """What should be compared is not there."""


@dataclass(frozen=True)
class Edition:
    """A paper at one time: its name, its numbers, and the sentences that use each."""

    name: str
    lock: lock.Lock
    sentences: dict


@dataclass(frozen=True)
class Change:
    """A number that is not what it was: before, now (None where it is not there), and a verdict in words."""

    key: str
    before: lock.Number | None
    now: lock.Number | None
    verdict: str

    @property
    def grave(self):
        """Whether it may change what the paper concludes."""
        return self.verdict.startswith(GRAVE)

    @property
    def told(self):
        """Whether the sentences that use it are told: they read differently, or may no longer be right."""
        return self.grave or None in (self.before, self.now) or self.before.display != self.now.display


@dataclass(frozen=True)
class Changes:
    """All changes from one edition to another; `same` is the number of those reproduced, of `total` before."""

    before: Edition
    now: Edition
    same: int
    total: int
    changes: list

    def places(self, change):
        """The places that use a number: those that the paper has now or, where it is gone, those that it had."""
        return self.now.sentences.get(change.key) or self.before.sentences.get(change.key, [])

    @property
    def pages(self):
        """Each page with its sentences that are told, both in the order of the paper."""
        changed = [one for change in self.changes if change.told for one in self.places(change)]
        listed = {one.name: one for one in reversed(changed) if one.where != "table"}
        pages = {page: [one for one in listed.values() if one.page == page] for page in self._order()}
        return [(page, sorted(own, key=lambda one: one.order)) for page, own in pages.items() if own]

    def _order(self):
        """The pages in the order of the paper, which the uses of each number keep."""
        order = TopologicalSorter()
        for places in self.now.sentences.values():
            for first, second in pairwise(dict.fromkeys(one.page for one in places)):
                order.add(second, first)
        every = chain(*self.now.sentences.values(), *self.before.sentences.values())
        return dict.fromkeys([*order.static_order(), *(one.page for one in every)])

    def filled(self, sentence):
        """The parts of a sentence: texts, displays of the numbers that stayed, and the changes of the others."""
        changed = {change.key: change for change in self.changes if change.told}
        numbers = {**self.before.lock.numbers, **self.now.lock.numbers}
        for part in sentence.parts:
            key = None if isinstance(part, str) else part["key"]
            yield part if key is None else changed.get(key) or (numbers[key].display if key in numbers else "…")

    @property
    def summary(self):
        """How many of how many numbers were reproduced, and what else there is to say."""
        said = f"{self.same} of {self.total} numbers reproduced"
        new = sum(change.before is None for change in self.changes)
        gone = sum(change.now is None for change in self.changes)
        grave = sum(change.grave for change in self.changes)
        counts = [(len(self.changes) - new - gone, "changed"), (new, "new"), (gone, "gone")]
        parts = [f"{count} {what}" for count, what in counts if count]
        parts += [f"{grave} bearing on a conclusion"] if grave else []
        return "; ".join([said, ", ".join(parts)]) if parts else said


def compare(before, now):
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
        Change(key, old.get(key), new.get(key), said)
        for key in sorted(old.keys() | new.keys())
        if (said := verdict(old.get(key), new.get(key), before.lock.alpha, now.lock.alpha))
    ]
    moved = {change.key for change in changes}
    changes.sort(key=lambda change: (not change.grave, not change.told))
    return Changes(before, now, len(old.keys() - moved), len(old), changes)


def verdict(before, now, was, alpha):
    """Say what a change of one number amounts to.

    Parameters
    ----------
    before, now : lock.Number or None
        None where the number is not there.
    was, alpha : float
        The level of the tests, before and now.

    Returns
    -------
    str
        Empty where the number is the same to the precision of a lock. The gravest of: ``sign flipped``, ``interval
        now includes …``, ``interval no longer includes …`` (its null value), ``P now …`` (on the other side of
        alpha), ``moved …``, ``rounding only`` (the display is the same).
    """
    if before is None or now is None:
        return "new in the paper" if before is None else "no longer in the paper"
    same = before.display == now.display and _same(before.value, now.value)
    if same and was == alpha:
        return ""
    if (said := _crossed(before, now, was, alpha)) or same:
        return said
    if now.value is None or before.value is None:
        return "no longer estimable" if now.value is None else "can be estimated now"
    if isinstance(now.value, str) or isinstance(before.value, str):
        return "another text" if before.display != now.display else "rounding only"
    return _moved(before, now)


def _crossed(before, now, was, alpha):
    old, new = before.value, now.value
    if any(value is None or isinstance(value, str) for value in (old, new)):
        return ""
    if now.null is not None:
        inside = [min(bounds) <= now.null <= max(bounds) for bounds in (old, new)]
        if inside[0] != inside[1]:
            return f"interval {'now' if inside[1] else 'no longer'} includes {now.null}"
    if now.statistic == "p" and (old < was) != (new < alpha):
        return f"P now {'below' if new < alpha else 'not below'} {alpha:g}"
    if not isinstance(new, list) and not isinstance(old, list) and old * new < 0:
        return "sign flipped"
    return ""


def _moved(before, now):
    if before.display == now.display:
        return "rounding only"
    if isinstance(now.value, list) or isinstance(before.value, list):
        return "moved"
    by = now.value - before.value
    size = abs(by)
    digits = max(0, 1 - math.floor(math.log10(size))) if size and isinstance(by, float) else 0
    share = f" ({written(100 * by / abs(before.value), 1)}%)" if before.value else ""
    return f"moved by {written(by, digits)}{share}" if size else "another display"


def _same(before, now):
    if isinstance(before, list) and isinstance(now, list):
        return len(before) == len(now) and all(map(_same, before, now))
    if any(value is None or isinstance(value, (str, list)) for value in (before, now)):
        return before == now
    return math.isclose(before, now, rel_tol=SAME, abs_tol=lock.ZERO)


def edition(name, root=Path(".")):
    """Find an edition of the paper by what names it.

    Parameters
    ----------
    name : str
        A ``results.json``, a lock, or a revision of git, whose lock and prose are read.
    root : Path
        The repository.

    Returns
    -------
    Edition

    Raises
    ------
    EditionError
        If it is none of these, or the revision has no lock.
    """
    path = Path(name)
    if path.name.endswith(".lock.json"):
        accepted = lock.read(path)
        return Edition(name, accepted, _written(path.absolute().parents[1], accepted))
    if path.suffix == ".json":
        return Edition(name, lock.of_site(path), sentences.of_site(path.parent))
    commit = git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if not commit:
        raise EditionError(f"{name}: neither a file (results.json or a numbers lock) nor a revision that git knows")
    text = git(root, "show", f"{commit}:{LOCK}")
    if not text:
        raise EditionError(f"{name}: this revision has no {LOCK}, so its numbers are not known")
    accepted = lock.parse(text, f"{name}:{LOCK}")
    said = _said(lambda file: git(root, "show", f"{commit}:{file}"), accepted)
    return Edition(f"{name} ({commit[:12]})", accepted, said)


def _written(root, accepted):
    """The sentences of the work tree that a lock stands in."""
    return _said(lambda file: path.read_text("utf8") if (path := root / file).exists() else "", accepted)


def _said(read, accepted):
    """The sentences of a paper that was not built; `read` gives the text of a file of it, or nothing."""
    prose = {page: read(f"{page}.md") for page in re.findall(r"(?:root|file): (book/\S+)", read("_toc.yml"))}
    return sentences.of_prose(prose, claims.wording(read("book/claims.yml")), accepted.numbers)
