"""Builds take turns: whoever builds into a folder holds its lock, which ends with the process however that ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from trialbook.errors import UserError

LOCK = ".lock"
PATIENCE = 30.0  # s that what is left of a build that was killed may take to end


class BusyError(UserError):
    """Another build writes to the same folder."""


@contextmanager
def taken(output: Path) -> Iterator[None]:
    """Hold the lock of an output folder while the block runs, and make the folder if it is not there.

    The processes that the block forks hold it too: it is free when the last of them has ended.

    Parameters
    ----------
    output : Path

    Raises
    ------
    BusyError
        If another build that is alive holds it.
    """
    output.mkdir(parents=True, exist_ok=True)
    with (output / LOCK).open("a+", encoding="utf8") as lock:
        _wait(lock, output)
        lock.truncate(0)
        lock.write(f"{os.getpid()} {time.strftime('%H:%M')}")
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)


def _wait(lock: TextIO, output: Path) -> None:
    """Take the lock; of a build that was killed, wait until what it had started has ended too."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid, _, since = lock.read().partition(" ")
            if (pid and _is_alive(int(pid))) or time.monotonic() > until:
                holder = f"since {since} (process {pid})" if pid else "(it has just begun)"
                rule = f"another build is running here {holder}"
                raise BusyError(f"{output}: {rule}\n      → wait until it has ended, or end it") from None
            time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True
