"""A build that is killed at any moment, by any signal: a whole site stands, and the next build needs no help.

The builds are those of a small paper, whole from the data to the pages, under `make` as an author runs it.
"""

import os
import random
import signal
import subprocess
import time

import psutil
import pytest
import small

MAKEFILE = "book:\n\t@trialbook build\n"
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
RANDOM = random.Random(20)  # moments in hundredths of a second: a build takes about six seconds
CASES = [(n, whom, RANDOM.randrange(5, 600)) for n in SIGNALS for whom in ("the group", "make") for _ in range(3)]


def change(copy, words):
    """Change the data, a notebook and the prose, so that all is due; the prose tells the two editions apart."""
    copy.edit("raw/trial.yml", "", "\n# again\n")
    copy.edit("prose/start.md", "heads and", f"heads {words} and")


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """The paper as built, and the content of its site when it is built once more after a change."""
    paper = small.write(tmp_path_factory.mktemp("killed") / "paper")
    (paper.folder / "Makefile").write_text(MAKEFILE)
    paper.make()
    other = paper.clone(tmp_path_factory.mktemp("killed") / "other")
    change(other, "in all")
    other.make()
    return paper, paper.site.digests(), other.site.digests()


def start(copy):
    return subprocess.Popen(
        ["make", "book"],
        cwd=copy.folder,
        env=copy.environment,
        start_new_session=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def working_in(copy):
    """The processes that work in the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(str(copy.folder)) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.cmdline())
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            pass
    return found


@pytest.mark.parametrize(("number", "whom", "moment"), CASES)
def test_a_whole_site_stands_and_the_next_build_needs_no_help(paper, tmp_path, number, whom, moment):
    built, before, after = paper
    copy = built.clone(tmp_path / "paper")
    change(copy, "in all")
    running = start(copy)
    time.sleep(moment / 100)
    if running.poll() is None:
        (os.kill if whom == "make" else os.killpg)(running.pid, number)
    said, _ = running.communicate(timeout=60)
    assert "Traceback" not in said
    assert copy.site.digests() in (before, after)
    again = start(copy)
    said, _ = again.communicate(timeout=120)
    assert again.returncode == 0, said
    assert copy.site.digests() == after
    assert working_in(copy) == []


@pytest.mark.parametrize("builds", [2, 3])
def test_builds_at_once_take_turns(paper, tmp_path, builds):
    built, _, after = paper
    copy = built.clone(tmp_path / "paper")
    change(copy, "in all")
    running = [start(copy) for _ in range(builds)]
    said = [one.communicate(timeout=120)[0] for one in running]
    failed = [text for one, text in zip(running, said, strict=True) if one.returncode]
    assert len(failed) == builds - 1
    assert all("another build is running here" in text and "Traceback" not in text for text in failed)
    assert copy.site.digests() == after
