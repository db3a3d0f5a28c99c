"""What a book was made of: the revision of the code, and the hash of the trial's files."""

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os.path import relpath
from pathlib import Path
from tempfile import TemporaryDirectory


def revision(root: Path, code: Iterable[Path]) -> str:
    """Name the last commit that touched the code, and say whether the code has changed since.

    Parameters
    ----------
    root : Path
        A folder of the repository.
    code : iterable of Path
        The files and folders that are the code.

    Returns
    -------
    str
        Such as ``1a2b3c4d5e6f``, or ``1a2b3c4d5e6f and changes not committed``; ``not under version control`` where
        git does not know the code.
    """
    paths = [relpath(path, root) for path in code]
    found = git(root, "log", "-1", "--format=%H", "--", *paths)
    if not found:
        return "not under version control"
    changed = git(root, "status", "--porcelain", "--", *paths)
    return f"{found[:12]} and changes not committed" if changed else found[:12]


def digest(paths: Iterable[Path]) -> str:
    """Take the SHA-256 of files, one after the other as if they were one."""
    found = hashlib.sha256()
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()


def commit(root: Path, name: str) -> str:
    """Find the commit that a branch, a tag or a hash names; nothing where git knows none."""
    return git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")


@contextmanager
def checkout(root: Path, commit: str) -> Iterator[Path]:
    """Put a folder of the repository, as it was at a commit, into a folder that is there for a while.

    Parameters
    ----------
    root : Path
    commit : str

    Yields
    ------
    Path
    """
    command = ["git", "-C", str(root), "archive", "--format=tar", commit]
    packed = io.BytesIO(subprocess.run(command, capture_output=True, check=True).stdout)
    with TemporaryDirectory() as folder, tarfile.open(fileobj=packed) as tar:
        tar.extraction_filter = getattr(tarfile, "data_filter", None)  # which Python has from 3.11.4 on
        tar.extractall(folder)
        yield Path(folder)


def git(root: Path, *arguments: str) -> str:
    """Ask git about a repository.

    Parameters
    ----------
    root : Path
    *arguments : str

    Returns
    -------
    str
        What it says; nothing where it fails or is not there.
    """
    command = ["git", "--no-optional-locks", "-C", str(root), *arguments]  # nothing is written, not even its index
    try:
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf8")
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
