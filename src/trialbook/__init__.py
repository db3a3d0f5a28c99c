"""The engine of a trial paper whose every number is computed from the data: what an author's notebook calls."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trialbook.displays.figures.figure import Figure
    from trialbook.displays.tables.table import Table
    from trialbook.errors import NotEstimable
    from trialbook.results.row import Results
    from trialbook.trial.model import read_trial

__version__ = "0.1.0"
__all__ = ["Figure", "NotEstimable", "Results", "Table", "read_trial"]

_HOME = {
    "Figure": "trialbook.displays.figures.figure",
    "NotEstimable": "trialbook.errors",
    "Results": "trialbook.results.row",
    "Table": "trialbook.displays.tables.table",
    "read_trial": "trialbook.trial.model",
}


def __getattr__(name: str) -> object:
    """Import what is asked for, and nothing else: the command line and Sphinx need no statistics."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
