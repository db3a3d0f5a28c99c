"""What is current: whether what stands was made of the files that stand, by their content and never by their times.

Each step has a digest of all that it depends on, and what it makes carries that digest.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from os.path import relpath
from pathlib import Path

from trialbook import provenance
from trialbook.errors import UserError
from trialbook.project import Project
from trialbook.trial.config import FACTS
from trialbook.workflow import plan

MADE = "trialbook"  # in the metadata of a notebook that the engine ran
_UNSIGNED = 64 * b"0"
_SIGNATURE = re.compile(rb'"holds": "(\w{64})",\s*"made_of": "(\w{64}|)"')


def signature(made_of: str) -> dict[str, str]:
    """Give the metadata of an executed notebook before `sign` has completed it."""
    return {"holds": _UNSIGNED.decode(), "made_of": made_of}


def sign(executed: Path) -> None:
    """Complete the `signature` in an executed notebook with the digest of what the file holds."""
    content = executed.read_bytes()
    executed.write_bytes(content.replace(_UNSIGNED, hashlib.sha256(content).hexdigest().encode(), 1))


def made_of(executed: Path) -> str | None:
    """Read the digest of what a notebook was run on; nothing if it is not there, or not as it was written."""
    try:
        content = executed.read_bytes()
    except FileNotFoundError:
        return None
    *_, signed = [None, *_SIGNATURE.finditer(content)]
    if signed is None:
        return None
    unsigned = content[: signed.start(1)] + _UNSIGNED + content[signed.end(1) :]
    return signed[2].decode() if hashlib.sha256(unsigned).hexdigest().encode() == signed[1] else None


class Current:
    """The steps of a project, with the digests of all that they depend on as it is now.

    Parameters
    ----------
    project : Project
    draft : bool
        Whether the book may lack results.

    Raises
    ------
    UserError
        If a notebook cannot be read.
    """

    def __init__(self, project: Project, draft: bool = False):
        self.project, self.draft = project, draft
        self.runs = plan.runs(project)
        self.validated, self.disclosed, self.built = (
            project.output / name for name in (".validated", ".disclosed", ".built")
        )
        self._digests: dict[str, str] = {}

    @cached_property
    def of_data(self) -> str:
        """Of the validation: the trial's files, and the code that reads them."""
        return _digest("data", self._contents(self.project.data + plan.bears_on_data()))

    def of_notebook(self, name: str) -> str:
        """Of a run: the notebook, its parameters, what it reads, the engine and the locked versions."""
        if name not in self._digests:
            run = self.runs[name]
            own = self._contents([self.project.notebooks / f"{name}.ipynb", *run.reads], run.roles)
            others = [self.of_notebook(other) for other in run.after]
            self._digests[name] = _digest(run.given, own, others, self._engine)
        return self._digests[name]

    @cached_property
    def _engine(self) -> str:
        return _digest(self._contents(plan.bears_on_notebooks(self.project)))

    @cached_property
    def of_gate(self) -> str:
        """Of the disclosure gate: the runs, the trial's files, and its code."""
        notebooks = [self.of_notebook(name) for name in self.runs]
        return _digest("gate", notebooks, self._contents(self.project.data + plan.bears_on_gate()))

    @cached_property
    def of_pages(self) -> str:
        """Of the pages: the runs, the prose, rules and settings, the engine, and the revision of the code."""
        code = provenance.revision(self.project.root, plan.code(self.project))  # the pages name it
        pages = self._contents(plan.bears_on_pages(self.project))
        return _digest("pages", self.of_gate, pages, code, self.draft)

    def due(self, targets: Collection[Path] = ()) -> list[Path]:
        """List what would have to be made again.

        Parameters
        ----------
        targets : collection of Path
            Executed notebooks: then these alone, and those that they read.

        Returns
        -------
        list of Path
            Executed notebooks, and what stands for the validation, for the gate and for the pages.
        """
        wanted = [path.stem for path in targets] or list(self.runs)
        needed = {name for one in wanted for name in self._needs(one)}
        found = [self.executed(name) for name in self.runs if name in needed and not self._is_run(name)]
        if found and not _carries(self.validated, self.of_data):
            found.insert(0, self.validated)
        if not targets:
            found += [self.disclosed] * (not _carries(self.disclosed, self.of_gate))
            found += [self.built] * (not _carries(self.built, f"{self.of_pages}\n{self.of_site()}"))
        return found

    def refuse_old(self) -> None:
        """Refuse executed notebooks that were not made of what stands now, or did not pass the gate.

        Raises
        ------
        UserError
        """
        if old := [str(self.executed(name)) for name in self.runs if not self._is_run(name)]:
            rule = "not there, or not made of the data, notebooks and code as they are now"
            raise UserError(f"{', '.join(old)}: {rule}\n      → trialbook build")
        if not _carries(self.disclosed, self.of_gate):
            rule = "it has not been checked what the executed notebooks tell of participants"
            raise UserError(f"{self.project.executed}: {rule}\n      → trialbook build")

    def executed(self, name: str) -> Path:
        """Where a notebook is as it was run."""
        return self.project.executed / f"{name}.ipynb"

    def of_site(self) -> str:
        """Of the built book as it stands."""
        return _digest(self._contents(path for path in self.project.site.rglob("*") if path.is_file()))

    def _contents(self, paths: Iterable[Path], roles: Collection[str] | None = None) -> list[list[str]]:
        """Take the digest of each file, with its name; of ADLB, of the records of parameters with these roles."""
        return sorted([self._name(path), self._content(path, roles)] for path in paths)

    def _content(self, path: Path, roles: Collection[str] | None) -> str:
        if roles is not None and path == self.project.trial / "adlb.csv":
            records = plan.records(path, self.project.trial / FACTS, roles)
            return hashlib.sha256(records).hexdigest()
        return provenance.digest([path])

    def _name(self, path: Path) -> str:
        """Name a file in a way that stays when the project is moved, or the engine."""
        if path.is_relative_to(plan.ENGINE):
            return path.relative_to(plan.ENGINE).as_posix()
        return relpath(path, self.project.root)

    def _is_run(self, name: str) -> bool:
        return made_of(self.executed(name)) == self.of_notebook(name)

    def _needs(self, name: str) -> Iterator[str]:
        yield name
        for other in self.runs[name].after:
            yield from self._needs(other)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _carries(path: Path, wanted: str) -> bool:
    try:
        return path.read_text("utf8").strip() == wanted
    except FileNotFoundError:
        return False
