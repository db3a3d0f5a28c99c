"""What Sphinx finds wrong with a book: each of its warnings and errors as a record, from its first extension on.

Sphinx makes its loggers anew when it starts, and its first extension is the first to listen: so this module is one.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.logging import (
    NAMESPACE,
    WarningLogRecordTranslator,
    WarningStreamHandler,
    is_suppressed_warning,
)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where (file and line, from the source folder, or nothing) and what."""

    location: str
    message: str

    def __str__(self) -> str:
        return f"{self.location}: {self.message}" if self.location else self.message


class _Collector(WarningStreamHandler):  # or Sphinx, which holds back what it says while it reads, would say it twice
    def __init__(self, app: Sphinx, found: list[Fault]):
        super().__init__()
        self.setLevel(logging.WARNING)
        self.app, self.found = app, found
        self.addFilter(WarningLogRecordTranslator(app))  # says where in file and line

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning, unless the configuration says that it is none."""
        kind, part = getattr(record, "type", None), getattr(record, "subtype", None)
        if not is_suppressed_warning(kind or "", part or "", self.app.config.suppress_warnings):
            location = (getattr(record, "location", None) or "").removeprefix(f"{self.app.srcdir}/").rstrip(":")
            self.found.append(Fault(location, logging.LogRecord.getMessage(record)))


_found: list[Fault] = []  # of the build that runs: Sphinx runs one at a time in a process


@contextmanager
def collected() -> Iterator[list[Fault]]:
    """Collect what Sphinx finds wrong while the block runs."""
    _found.clear()
    yield _found


def setup(app: Sphinx) -> dict[str, Any]:
    """Listen to Sphinx."""
    logging.getLogger(NAMESPACE).addHandler(_Collector(app, _found))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
