"""What stands among a book's executed notebooks and is none of the paper's: its numbers would be taken for the paper's.

What the engine itself made, of a notebook that the book has no longer, is removed; anything else is refused.
"""

import json
import shutil
from pathlib import Path

from trialbook.errors import UserError
from trialbook.project import Project
from trialbook.workflow import current

UNFINISHED = ".unfinished-"  # begins the name of a folder in which a notebook is run


def remove(project: Project) -> None:
    """Remove the executed notebooks that the engine made and the book has no longer, and what a killed run left."""
    for path in _others(project):
        if _is_made(path):
            path.unlink()
    for folder in project.executed.glob(f"{UNFINISHED}*"):
        shutil.rmtree(folder)


def refuse(project: Project) -> None:
    """Refuse a notebook that the engine did not make.

    Raises
    ------
    UserError
        With its name.
    """
    for path in _others(project):
        if not _is_made(path):
            rule = "no notebook of the paper, and not made by the engine: its numbers would be taken for the paper's"
            raise UserError(f"{path}: {rule}\n      → keep it elsewhere")


def _others(project: Project) -> list[Path]:
    names = project.chapters()
    return [path for path in sorted(project.executed.glob("*.ipynb")) if path.stem not in names]


def _is_made(path: Path) -> bool:
    try:
        return current.MADE in json.loads(path.read_text("utf8"))["metadata"]
    except (ValueError, KeyError):
        return False
