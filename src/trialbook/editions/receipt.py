"""The receipt of a verification: everything computed anew, what matched, and on what machine."""

import json
import platform
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from trialbook import files
from trialbook.editions import report
from trialbook.editions.changes import Change, Changes, Edition, compare
from trialbook.errors import UserError

LISTS = {"not_available": "a result is not available", "false_claims": "a claim does not hold"}  # of a draft's site
_PIN = re.compile(r"^[A-Za-z0-9][^\s#]*==[^\\]*", re.MULTILINE)


class VerificationError(UserError):
    """The paper came out differently."""


@dataclass(frozen=True)
class Receipt:
    """What a verification found: the changes, other faults, and the circumstances under which they were seen."""

    changes: Changes
    faults: list[str]
    data: list[dict]
    environment: list[dict]
    packages: int
    python: str
    platform: str
    revision: str
    date: str
    seconds: float

    @classmethod
    def of(
        cls, before: Edition, now: Edition, draft: Path | None, requirements: Path, revision: str, seconds: float
    ) -> "Receipt":
        """Compare a paper that was computed anew with what was accepted, and note the circumstances.

        Parameters
        ----------
        before, now : Edition
            With the hashes of their data.
        draft : Path, optional
            The site of the paper, a draft, whose faults count; not given where it may have some.
        requirements : Path
            The locked versions of all packages; there need be none.
        revision : str
            Of the code.
        seconds : float
            That it took to compute.

        Returns
        -------
        Receipt
        """
        pins = locked(requirements.read_text("utf8")) if requirements.exists() else {}
        return cls(
            changes=compare(before, now),
            faults=_faults(draft) if draft else [],
            data=_files(before.lock.data, now.lock.data),
            environment=different(pins),
            packages=len(pins),
            python=platform.python_version(),
            platform=f"{platform.system()} {platform.machine()}",
            revision=revision,
            date=datetime.now(UTC).isoformat(" ", "seconds"),
            seconds=round(seconds, 1),
        )

    def _repr_html_(self) -> str:
        return report.page("receipt.html", receipt=self, changes=self.changes)

    def write(self, folder: Path) -> None:
        """Write ``receipt.html`` and ``receipt.json`` to a folder."""
        facts = {name: value for name, value in vars(self).items() if name != "changes"}
        changed = [_told(change) for change in self.changes.changes]
        found = {"reproduced": self.changes.same, "numbers": self.changes.total, "changes": changed, **facts}
        folder.mkdir(parents=True, exist_ok=True)
        files.replace(Path(folder, "receipt.json"), json.dumps(found, ensure_ascii=False, indent=1) + "\n")
        files.replace(Path(folder, "receipt.html"), self._repr_html_())

    def check(self) -> None:
        """Fail unless every number was reproduced and all else is as it should be, and say what is not.

        Raises
        ------
        VerificationError
        """
        if self.changes.changes or self.faults:
            raise VerificationError(
                "\n".join([*report.lines(self.changes), *([""] if self.faults else []), *self.faults])
            )


def _told(change: Change) -> dict:
    """A change as it stands in ``receipt.json``."""
    numbers = {name: number and asdict(number) for name, number in (("before", change.before), ("now", change.now))}
    return {"key": change.key, **numbers, "verdict": change.said}


def locked(requirements: str) -> dict[str, str]:
    """Read the versions that a lock pins for this Python and system.

    Parameters
    ----------
    requirements : str
        The text of ``requirements.txt``.

    Returns
    -------
    dict of str to str
        Version by package.
    """
    found = [Requirement(line.strip()) for line in _PIN.findall(requirements)]
    return {one.name: str(one.specifier).removeprefix("==") for one in found if not one.marker or one.marker.evaluate()}


def different(pins: dict[str, str]) -> list[dict]:
    """List the packages that are not installed as they are locked.

    Parameters
    ----------
    pins : dict of str to str

    Returns
    -------
    list of dict
        Each with ``package``, ``locked`` and ``installed``, which is None where it is not there.
    """
    installed = {name: _installed(name) for name in pins}
    return [
        {"package": name, "locked": pin, "installed": installed[name]}
        for name, pin in pins.items()
        if installed[name] != pin
    ]


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _files(accepted: dict[str, str], now: dict[str, str]) -> list[dict]:
    """Say of each file of the data whether it is as accepted."""

    def state(name: str) -> str:
        if name in accepted and name in now:
            return "yes" if accepted[name] == now[name] else "changed"
        return "new" if name in now else "gone"

    return [
        {"file": name, "state": state(name), "sha256": now.get(name)} for name in sorted(accepted.keys() | now.keys())
    ]


def _faults(site: Path) -> list[str]:
    """Say what is struck or lacking in a draft, each with its pages."""
    lists = {said: Path(site, f"{name}.txt") for name, said in LISTS.items()}
    return [
        f"{said}: {line}"
        for said, path in lists.items()
        if path.exists()
        for line in path.read_text("utf8").splitlines()
    ]
