"""`trialbook serve`: what is edited is shown, a fault is said and the book that stood goes on being shown."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from types import SimpleNamespace
from urllib.request import urlopen

import pytest
import small

from trialbook.workflow import live

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


def test_a_site_that_another_replaces_while_it_is_read_is_served_whole(tmp_path):
    """The file is found, and its folder gone when it is to be read: it is read from the site that came instead."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(name)
    site = tmp_path / "html"
    site.symlink_to(tmp_path / "old")

    class Replaced(live.Site):
        def lookup_path(self, path):
            found = super().lookup_path(path)
            if (tmp_path / "old").exists():
                (tmp_path / "next").symlink_to(tmp_path / "new")
                (tmp_path / "next").replace(site)
                shutil.rmtree(tmp_path / "old")
            return found

    asked = {"type": "http", "method": "GET", "path": "/index.html", "headers": []}
    got = Replaced(directory=site, html=True).get_response("index.html", asked)
    with ThreadPoolExecutor() as thread:  # this one may have a loop already, that of the browser
        answer = thread.submit(asyncio.run, got).result()
    assert (answer.status_code, answer.body) == (200, b"new")
    assert answer.headers["content-type"].startswith("text/html")
