"""The engine of a trial paper whose every number is computed from the data: what an author's notebook calls."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trialbook.displays.figures.figure import Figure
    from trialbook.displays.tables.table import Table
    from trialbook.errors import NotEstimable
    from trialbook.results.row import Results
    from trialbook.trial.model import read as read_trial

__version__ = "0.1.0"
__all__ = ["Figure", "NotEstimable", "Results", "Table", "read_trial"]

_HOME = {
    "Figure": ("trialbook.displays.figures.figure", "Figure"),
    "NotEstimable": ("trialbook.errors", "NotEstimable"),
    "Results": ("trialbook.results.row", "Results"),
    "Table": ("trialbook.displays.tables.table", "Table"),
    "read_trial": ("trialbook.trial.model", "read"),
}


def __getattr__(name: str) -> object:
    """Import what is asked for, and nothing else: the command line and Sphinx need no statistics."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOME[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
