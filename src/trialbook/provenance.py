"""What a book was made of: the revision of the code, and the hash of the trial's files."""

import hashlib
import subprocess
from pathlib import Path

CODE = ("src", "notebooks", "Snakefile", "requirements.txt")
DATA = ("trial.yml", "adsl.csv", "adlb.csv", "adae.csv", "adex.csv", "published.yml")


def revision(root):
    """Name the last commit that touched the code, and say whether the code has changed since.

    Parameters
    ----------
    root : Path
        The repository.

    Returns
    -------
    str
        Such as ``1a2b3c4d5e6f``, or ``1a2b3c4d5e6f and changes not committed``; ``not under version control`` where
        git does not know the code.
    """
    commit = _git(root, "log", "-1", "--format=%H", "--", *CODE)
    if not commit:
        return "not under version control"
    changed = _git(root, "status", "--porcelain", "--", *CODE)
    return f"{commit[:12]} and changes not committed" if changed else commit[:12]


def digest(folder):
    """Take the SHA-256 of the trial's files that are there, one after the other in the order of `DATA`.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    str
    """
    found = hashlib.sha256()
    for path in (Path(folder, name) for name in DATA):
        if path.exists():
            found.update(path.read_bytes())
    return found.hexdigest()


def _git(root, *arguments):
    """What git says; nothing where it fails or is not there."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
