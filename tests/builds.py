"""Copies of the repository and the books built in them: what the tests of the book share."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from unittest import mock

from bs4 import BeautifulSoup

from trialbook.project import Project
from trialbook.workflow import plan
from trialbook.workflow.current import Current

ROOT = Path(__file__).resolve().parents[1]
OWN = "data/nk_inr"
NOTEBOOKS = re.findall(r"file: executed/(\w+)", (ROOT / "_toc.yml").read_text("utf8"))  # those of the book


class Copy:
    """A copy of the repository without anything built, in which a test may edit and build."""

    def __init__(self, folder, output="_build"):
        self.folder, self.output = Path(folder), output

    @classmethod
    def of_sources(cls, folder):
        """Copy what git tracks or would track."""
        listed = subprocess.check_output(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, text=True)
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, Path(folder, name))
        return cls(folder)

    def clone(self, folder, without=()):
        """Copy the whole folder, its built things and their times included, but not the parts named."""
        shutil.copytree(
            self.folder,
            folder,
            symlinks=True,
            ignore=lambda at, names: set(without) & set(names) if Path(at) == self.folder else (),
        )
        return Copy(folder, self.output)

    @property
    def environment(self):
        """The environment of this Python, with the engine of the copy, if it has one, in kernels too."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        own = self.folder / "src"
        return {**os.environ, "PATH": path, "PYTHONPATH": str(own if own.exists() else ROOT / "src")}

    def run(self, *command, at=None, fails=False):
        """Run a command, in the copy if not `at` another folder, and return what it said; `fails` says that it must."""
        done = subprocess.run(
            list(map(str, command)),
            cwd=at or self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert (done.returncode != 0) == fails, (
            f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}"
        )
        return done.stdout

    def make(self, trial=None, draft=False, fails=False):
        """Bring the book up to date as `make book` does, without the making of an environment."""
        return self.run("trialbook", "build", *(["--trial", trial] if trial else []), *["--draft"] * draft, fails=fails)

    @contextmanager
    def project(self):
        """The project of the copy, with its own engine where it has one."""
        own = self.folder / "src/trialbook"
        with mock.patch.object(plan, "ENGINE", own if own.exists() else plan.ENGINE):
            yield Project.find(self.folder)

    def due(self):
        """The names of what a build would make again."""
        with self.project() as project:
            return {path.name.removesuffix(".ipynb") for path in Current(project).due()}

    def edit(self, name, old, new):
        """Replace the first occurrence of a text in a file; `old` "" appends `new`."""
        path = self.folder / name
        text = path.read_text("utf8")
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new, 1) if old else text + new, "utf8")

    @property
    def site(self):
        return Site(self.folder / self.output / "html")

    def executed(self):
        """When each notebook was last run, in ns."""
        return {path.stem: path.stat().st_mtime_ns for path in self.folder.glob("executed/*.ipynb")}


class Site:
    """A built book."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def digests(self):
        """The content of every file, by its name."""
        return digests(self.folder)

    @cached_property
    def pages(self):
        """Every page of the book, parsed, by its name without the redirecting index."""
        paths = sorted([*self.folder.glob("book/*.html"), *self.folder.glob("executed/*.html")])
        return {path.relative_to(self.folder).as_posix(): _parse(path) for path in paths}

    @cached_property
    def every_page(self):
        """The pages, with the search, the general index and the redirect."""
        return {**self.pages, **{path.name: _parse(path) for path in sorted(self.folder.glob("*.html"))}}

    @cached_property
    def results(self):
        """The rows of results.json by key."""
        rows = json.loads((self.folder / "results.json").read_text("utf8"))
        return {row["key"]: row for row in rows}

    def numbers(self, page):
        """The numbers of a page as (key, text) pairs, without the links to sources, whose key is not of a result."""
        links = self.pages[page].select("article a.num")
        return [(link["data-key"], link.get_text()) for link in links if link.get_text() != "source"]

    def text(self, page):
        return " ".join(self.pages[page].select_one("article").get_text().split())


def _parse(path):
    return BeautifulSoup(path.read_text("utf8"), "html.parser")


def digests(folder):
    """The content of every file of a folder, by its name."""
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def differences(one, other):
    """The names of the files that two folders' digests do not share."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def built_once(tmp_path_factory, worker_id):
    """The book built from the sources as they stand: once in a session, whichever worker asks first."""
    shared = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    folder = shared / "base"
    with open(shared / "base.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "_build/html/results.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
            Copy.of_sources(folder).make()
    return Copy(folder)
