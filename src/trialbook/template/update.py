"""Take up a later template, or facts that were stated since, in a paper that its authors have changed meanwhile.

What the template wrote last is kept beside the paper, so that each file is merged three ways: a passage that only the
template changed is taken up, one that only the authors changed stays, and where both did, both stand with marks.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

KEPT = ".trialbook"  # the folder of what the template wrote last
LABELS = ("yours", "the template before", "the template now")


@dataclass
class Changed:
    """What became of the files of a paper, by name: each list holds paths."""

    written: list[str] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def update(root: Path, made: dict[str, str], engine: dict[str, bytes]) -> Changed:
    """Bring the files of a paper up to date with what the template makes of its trial now.

    Parameters
    ----------
    root : Path
        The folder of the paper.
    made : dict of str to str
        As of `write.paper`.
    engine : dict of str to bytes
        As of `write.engine`: not the authors', and replaced as it comes.

    Returns
    -------
    Changed
    """
    changed = Changed()
    for name, content in made.items():
        path, base = root / name, _kept(root, name)
        if path.exists() or base is None:
            mine = path.read_text("utf8") if path.exists() else None
            if mine is None or mine == base:
                if mine != content:
                    changed.written.append(name)
                    _write(path, content)
            elif content not in (base, mine):
                merged, has_conflicts = _merged(mine, base or "", content)
                (changed.conflicts if has_conflicts else changed.merged).append(name)
                _write(path, merged)
    changed.removed += _remove_dropped(root, {*made, *engine})
    for name, packed in engine.items():
        _write(root / name, packed)
    for name, content in made.items():
        _write(root / KEPT / name, content)
    return changed


def _kept(root: Path, name: str) -> str | None:
    path = root / KEPT / name
    return path.read_text("utf8") if path.exists() else None


def _remove_dropped(root: Path, made: set[str]) -> Iterator[str]:
    """Remove what the template wrote once and does not write now, unless the authors changed it."""
    for kept in sorted((root / KEPT).rglob("*")):
        name = kept.relative_to(root / KEPT).as_posix()
        if kept.is_file() and name not in made:
            path = root / name
            if path.exists() and path.read_bytes() == kept.read_bytes():
                path.unlink()
                yield name
            kept.unlink()
    for engine in (root / "engine").glob("*.whl"):
        if f"engine/{engine.name}" not in made:
            engine.unlink()
            yield f"engine/{engine.name}"


def _merged(mine: str, base: str, theirs: str) -> tuple[str, bool]:
    """Merge three versions of a text, and say whether conflicts are marked in it."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("mine", "base", "theirs")]
        for path, text in zip(paths, (mine, base, theirs), strict=True):
            path.write_text(text, "utf8")
        named = [option for label in LABELS for option in ("-L", label)]
        done = subprocess.run(["git", "merge-file", "-p", *named, *paths], capture_output=True)
    if done.returncode not in range(128):
        raise RuntimeError(done.stderr.decode(errors="replace"))
    return done.stdout.decode("utf8"), done.returncode > 0


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
