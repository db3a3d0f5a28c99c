"""`trialbook serve`: what is edited is shown, a fault is said and the book that stood goes on being shown."""

import os
import re
import signal
import subprocess
import time
from http.client import HTTPException
from types import SimpleNamespace
from urllib.request import urlopen

import pytest
import small

PAGE = "prose/start.html"


@pytest.fixture
def served(tmp_path):
    """A small paper that is served: its copy, what the page shows, and what was said."""
    copy = small.write(tmp_path / "paper")
    log = tmp_path / "log"
    with log.open("w") as said:
        running = subprocess.Popen(
            ["trialbook", "serve"],
            cwd=copy.folder,
            env=copy.environment | {"BROWSER": "true"},
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    address = wait(lambda: re.search(r"the book is (http://\S+);", log.read_text("utf8")))[1]
    wait(lambda: "heads" in read(f"{address}/{PAGE}"))
    yield SimpleNamespace(copy=copy, page=lambda: read(f"{address}/{PAGE}"), said=lambda: log.read_text("utf8"))
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(timeout=20) == 0
    assert "the server has ended" in log.read_text("utf8")


def read(address):
    try:
        return urlopen(address).read().decode()
    except (OSError, HTTPException):  # not there yet, or put in another's place while it was read
        return ""


def wait(condition):
    """Wait until something holds, for a minute at most."""
    until = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < until
        time.sleep(0.1)
    return found


def test_an_edit_is_shown_and_a_fault_leaves_what_was(served):
    assert "websocket-reload" in served.page()  # by which the browser is told to load it again
    served.copy.edit("prose/start.md", "heads and", "heads in all and")
    wait(lambda: "heads in all" in served.page())
    served.copy.edit("prose/start.md", "heads in all", "243 heads")
    wait(lambda: "'243' is typed by hand" in served.said())
    assert "heads in all" in served.page() and "Traceback" not in served.said()
    served.copy.edit("prose/start.md", "243 heads", "heads at last")
    wait(lambda: "heads at last" in served.page())
