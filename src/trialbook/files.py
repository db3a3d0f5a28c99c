"""Files that are there whole or as they were."""

import os
from pathlib import Path


def replace(path: Path, text: str) -> None:
    """Write a file beside the one that it replaces, and put it in its place in one step.

    Parameters
    ----------
    path : Path
    text : str
    """
    made = path.with_name(f".{path.name}.made")
    try:
        with made.open("w", encoding="utf8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
