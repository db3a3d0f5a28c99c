"""Whether the draws of the synthetic data are those of the generator and of the analyses that stand."""

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path

from trialbook import provenance
from trialbook.project import Project
from trialbook.results import evidence
from trialbook.results.evidence import Draws, EvidenceError
from trialbook.trial.config import REQUIRED, read_facts
from trialbook.workflow.plan import ENGINE

ANALYSES = ENGINE / "analysis" / "evidence.py"
ROOMS = ("analysis", "stats")  # of the engine, whose modules are the analyses where these import them
OLD = {
    "generator": "holds draws of another generator, or of other published figures, than those that stand",
    "analyses": "holds results of other analyses than those that stand",
}


def check(project: Project) -> Draws | None:
    """Read the draws of a project, where its data are synthetic and it has some.

    Parameters
    ----------
    project : Project

    Returns
    -------
    Draws or None
        None, which is said, where the tables are not those that the generator gives: an author has edited them.

    Raises
    ------
    EvidenceError
        If they are those of another generator or of other analyses than those that stand.
    """
    if not project.evidence.exists() or read_facts(project.trial).provenance != "synthetic":
        return None
    found = evidence.read(project.evidence)
    for what, digest in digests(project).items():
        if getattr(found, what) != digest:
            raise EvidenceError(f"{project.evidence}: {OLD[what]}\n      → make it again: trialbook draws")
    if found.data != tables(project.trial):
        print(f"  the tables are not those that the generator gives, so that {project.evidence} says nothing of them")
        return None
    return found


def tables(folder: Path) -> str:
    """Take the digest of the tables that are analysed."""
    return provenance.digest([folder / f"{name}.csv" for name in REQUIRED])[:16]


def digests(project: Project) -> dict[str, str]:
    """Take the digests of what is drawn and of how it is analysed.

    Comments, docstrings and layout are no part of either.

    Parameters
    ----------
    project : Project

    Returns
    -------
    dict of str to str
        ``generator``: its modules and the printed figures; ``analyses``: their modules and the scenarios.
    """
    return {
        "generator": _digest(project.generator_files, project.published),
        "analyses": _digest(_imported(ANALYSES), project.scenarios),
    }


def _digest(modules: Iterable[Path], file: Path) -> str:
    """Take the digest of what modules do, and of a file that there need not be."""
    found = hashlib.sha256(file.read_bytes() if file.exists() else b"")
    for path in modules:
        tree = ast.parse(path.read_bytes())
        _strip(tree)
        found.update(ast.dump(tree).encode())
    return found.hexdigest()[:16]


def _strip(block: ast.Module | ast.ClassDef | ast.FunctionDef) -> None:
    """Take the docstrings out of a block."""
    if ast.get_docstring(block, clean=False) is not None:
        del block.body[0]
    for part in block.body:
        if isinstance(part, ast.ClassDef | ast.FunctionDef):
            _strip(part)


def _imported(module: Path) -> list[Path]:
    """List a module of the analyses and those that it imports, and these in turn."""
    found: set[Path] = set()
    left = [module]
    while left:
        path = left.pop()
        if path in found or not path.exists() or path.relative_to(ENGINE).parts[0] not in ROOMS:
            continue
        found.add(path)
        for line in ast.parse(path.read_bytes()).body:
            if isinstance(line, ast.ImportFrom) and line.module and line.module.startswith("trialbook."):
                base = ENGINE.joinpath(*line.module.split(".")[1:])
                left += [base.with_suffix(".py"), *(base / f"{name.name}.py" for name in line.names)]
    return sorted(found)
