"""The mutation test: which numbers of the results prose stay the same whatever is done to the data (`mutants`)."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import Field

from trialbook.checks import mutants
from trialbook.errors import UserError
from trialbook.results import executed, sentences
from trialbook.results.row import Result
from trialbook.yamlfile import Keys, read_yaml

PAGES = [f"book/{name}" for name in ("index", "cohort", "safety", "efficacy", "sensitivity", "operating", "discussion")]
ALLOWLIST = Path("book/unchanging.yml")
LACKING = "not_available.txt"  # in the site of a draft


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
    def key(self):
        """The key of the result."""
        return self.result.key

    def follows(self, others):
        """Whether it is shown otherwise, has another value or is not there in one of several collections of results."""
        shown = (self.result.display, self.result.value)
        return any((row := own.get(self.key)) is None or (row.display, row.value) != shown for own in others)


def check(folder, site, cores=2, only=None, notebooks=None):
    """Run the notebooks on the mutants of a trial, and find the numbers of its book that never change.

    Parameters
    ----------
    folder : Path
        Of the trial.
    site : Path
        Its built book; the mutants are made beside it, in ``mutants``.
    cores : int
    only : list of str, optional
        Names of mutants; all where not given.
    notebooks : list of str, optional
        Whose numbers are examined; all that the prose has numbers of where not given.

    Returns
    -------
    str
        How many numbers change, and how many need not and why.

    Raises
    ------
    MutationError
        If there is no such book, mutant or notebook, a notebook does not run, a number never changes that is not
        allowed to, or one that is allowed to does change.
    FaultsError
        If the trial or the list of what is allowed holds a fault.
    """
    allowed = read_yaml(ALLOWLIST, Unchanging).allowed
    found = numbers(site)
    chosen = _chosen("notebook", notebooks, {number.result.notebook for number in found})
    examined = [number for number in found if number.result.notebook in chosen]
    made = mutants.write(folder, site.parent / "mutants")
    after = {name: run(made[name], chosen, cores) for name in _chosen("mutant", only, made)}
    return judge(examined, after, allowed, whole=len(examined) == len(found) and not (site / LACKING).exists())


def numbers(site):
    """List the numbers that stand in sentences of the results.

    Parameters
    ----------
    site : Path
        A built book: holds ``numbers.json`` and ``results.json``.

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
        raise MutationError(f"{site}: there is no built book\n      → build it first: make book")
    rows = {row["key"]: Result(**row) for row in json.loads((site / "results.json").read_text("utf8"))}
    found = []
    for key, places in sentences.of_site(site).items():
        if sentence := next((one for one in places if one.where == "sentence" and one.page in PAGES), None):
            said = (part if isinstance(part, str) else rows[part["key"]].display for part in sentence.parts)
            found.append(Number(rows[key], sentence.page, "".join(said)))
    return found


def run(mutant, notebooks, cores):
    """Run notebooks on a mutant, without a book.

    Parameters
    ----------
    mutant : Path
        The folder of its trial; what is made goes beside it.
    notebooks : iterable of str
    cores : int

    Returns
    -------
    dict of str to Result
        By key.

    Raises
    ------
    MutationError
        If one of them fails.
    """
    made = mutant.parent / "source" / "executed"
    settings = ["--cores", str(cores), "--quiet", "all", "--rerun-incomplete"]
    settings += ["--config", f"trial={mutant}", f"out={mutant.parent}", "--"]
    asked = [str(made / f"{name}.ipynb") for name in sorted(notebooks)]
    command = [sys.executable, "-m", "snakemake", *settings, *asked]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise MutationError(f"{mutant}: the notebooks do not run on this mutant\n{done.stdout}")
    return executed.read(made).results


def judge(examined, mutants, allowed, whole=True):
    """Say how many numbers change in a mutant, and how many need not and why.

    Parameters
    ----------
    examined : list of Number
    mutants : dict of str to dict
        The results of each mutant by key.
    allowed : list of Allowed
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
        lines.append(f"      → compute what is typed, or say in {ALLOWLIST} why it need not change")
    for pattern in unused:
        lines += [f"  {ALLOWLIST}: {pattern!r} matches no number that stays the same", "      → take it out"]
    if suspects or unused:
        raise MutationError("\n".join(lines))
    return "\n".join(lines)


def _chosen(what, names, known):
    """Take those named, or all where none is."""
    if unknown := sorted(set(names or ()) - set(known)):
        raise MutationError(f"no {what} {unknown[0]!r}; there are: {', '.join(sorted(known))}")
    return names or list(known)
