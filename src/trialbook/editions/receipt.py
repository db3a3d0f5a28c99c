"""The receipt of a verification: everything computed anew, what matched, and on what machine."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from trialbook import provenance
from trialbook.editions import lock, report
from trialbook.editions.changes import Changes, Edition, compare, edition
from trialbook.errors import UserError

LISTS = {"not_available": "a result is not available", "false_claims": "a claim does not hold"}  # of a draft's site
_PIN = re.compile(r"^[A-Za-z0-9][^\s#]*==[^\\]*", re.MULTILINE)


class VerificationError(UserError):
    """The paper could not be computed anew, or came out differently."""


@dataclass(frozen=True)
class Receipt:
    """What a verification found: the changes, other faults, and the circumstances under which they were seen."""

    changes: Changes
    faults: list
    data: list
    environment: list
    packages: int
    python: str
    platform: str
    revision: str
    date: str
    seconds: float

    def _repr_html_(self):
        return report.page("receipt.html", receipt=self, changes=self.changes)

    def write(self, folder):
        """Write ``receipt.html`` and ``receipt.json`` to a folder."""
        facts = {name: value for name, value in vars(self).items() if name != "changes"}
        changed = [asdict(change) for change in self.changes.changes]
        found = {"reproduced": self.changes.same, "numbers": self.changes.total, "changes": changed, **facts}
        folder.mkdir(parents=True, exist_ok=True)
        Path(folder, "receipt.json").write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf8")
        Path(folder, "receipt.html").write_text(self._repr_html_(), "utf8")

    def check(self):
        """Fail unless every number was reproduced and all else is as it should be, and say what is not.

        Raises
        ------
        VerificationError
        """
        if self.changes.changes or self.faults:
            raise VerificationError(
                "\n".join([*report.lines(self.changes), *([""] if self.faults else []), *self.faults])
            )


def verify(trial, accepted, output, root=Path("."), trials=None, draft=False):
    """Compute a paper anew from its data, and compare its numbers with those that were accepted.

    Parameters
    ----------
    trial : Path
        The folder of the trial.
    accepted : Path
        Its numbers lock.
    output : Path
        Gets the receipt, and under ``verify`` all that is computed; nothing from before is used.
    root : Path
        The repository.
    trials : int, optional
        To simulate; as many as a book has where not given.
    draft : bool
        Whether the paper may lack results.

    Returns
    -------
    Receipt

    Raises
    ------
    VerificationError
        If the book cannot be built.
    LockError
        If there is no lock to compare with.
    """
    start = time.perf_counter()
    lock.read(accepted)  # before all that takes time
    shutil.rmtree(output / "verify", ignore_errors=True)
    _compute(trial, output / "verify", root, trials)
    receipt = of_site(trial, accepted, output / "verify/html", root, draft, time.perf_counter() - start)
    receipt.write(output)
    return receipt


def of_site(trial, accepted, site, root=Path("."), draft=False, seconds=0.0):
    """Compare the numbers of a built book with those that were accepted, and note the circumstances.

    Parameters
    ----------
    trial, accepted, root, draft
        As for `verify`.
    site : Path
        The built book, a draft.
    seconds : float
        That it took to compute.

    Returns
    -------
    Receipt
    """
    before = replace(edition(str(accepted)), name=accepted.name)  # not where it is on this machine
    built = edition(str(site / "results.json"))
    now = Edition("the paper computed anew", lock.of_site(site / "results.json", trial), built.sentences)
    pins = locked((root / "requirements.txt").read_text("utf8"))
    return Receipt(
        changes=compare(before, now),
        faults=[] if draft else _faults(site),
        data=_files(before.lock.data, now.lock.data),
        environment=different(pins),
        packages=len(pins),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        revision=provenance.revision(root),
        date=datetime.now(UTC).isoformat(" ", "seconds"),
        seconds=round(seconds, 1),
    )


def locked(requirements):
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


def different(pins):
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


def _installed(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _files(accepted, now):
    """Say of each file of the data whether it is as accepted."""

    def state(name):
        if name in accepted and name in now:
            return "yes" if accepted[name] == now[name] else "changed"
        return "new" if name in now else "gone"

    return [
        {"file": name, "state": state(name), "sha256": now.get(name)} for name in sorted(accepted.keys() | now.keys())
    ]


def _faults(site):
    """Say what is struck or lacking in a draft, each with its pages."""
    lists = {said: Path(site, f"{name}.txt") for name, said in LISTS.items()}
    return [
        f"{said}: {line}"
        for said, path in lists.items()
        if path.exists()
        for line in path.read_text("utf8").splitlines()
    ]


def _compute(trial, work, root, trials):
    """Build the book of a trial in an empty folder, and show how far it is.

    It is a draft: a claim that does not hold must not keep from us which numbers made it so.
    """
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    settings = [
        f"trial={os.path.relpath(trial, root)}",
        f"out={os.path.relpath(work, root)}",
        "draft=1",
        *([f"trials={trials}"] if trials else []),
    ]
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--quiet", "all", "--config", *settings]
    said = []
    with subprocess.Popen(
        command,
        cwd=root,
        env={**os.environ, "PATH": programs},
        text=True,
        encoding="utf8",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as running:
        for line in running.stdout:
            print(line, end="", flush=True)
            said.append(line)
    if running.returncode:
        raise VerificationError("the paper could not be computed anew:\n" + "".join(said[-20:]))
