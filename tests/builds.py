"""Copies of the repository and the books built in them: what the tests of the book share."""

import csv
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from functools import cached_property
from pathlib import Path

from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]
OWN = "data/nk_inr"
NOTEBOOKS = re.findall(r"file: executed/(\w+)", (ROOT / "_toc.yml").read_text("utf8"))  # those of the book


class Copy:
    """A copy of the repository without anything built, in which a test may edit and build."""

    def __init__(self, folder):
        self.folder = Path(folder)

    @classmethod
    def of_sources(cls, folder):
        """Copy what git tracks or would track."""
        listed = subprocess.check_output(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, text=True)
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, Path(folder, name))
        return cls(folder)

    def with_few_scenarios(self, named=()):
        """Keep the scenarios that are named, here or by the prose, and few simulated trials: both take time."""
        path = self.folder / "notebooks/scenarios.yml"
        head, *entries = re.split(r"(?m)^(?=  - )", path.read_text("utf8"))
        prose = "".join(page.read_text("utf8") for page in self.folder.glob("book/*.md"))
        named = {"published", *(named or re.findall(r"\.under\.(\w+)", prose))}
        kept = [entry for entry in entries if re.search(r"id: (\w+)", entry)[1] in named]
        assert len(kept) > 2
        path.write_text("".join([head, *kept]), "utf8")
        operating = self.folder / "notebooks/06_operating.ipynb"
        operating.write_text(operating.read_text("utf8").replace("trials = 40_000", "trials = 5_000"), "utf8")
        return self

    def clone(self, folder, without=()):
        """Copy the whole folder, its built things and their times included, but not the parts named."""
        shutil.copytree(
            self.folder, folder, ignore=lambda at, names: set(without) & set(names) if Path(at) == self.folder else ()
        )
        return Copy(folder)

    @property
    def environment(self):
        """The environment of this Python, with the engine of the copy, in kernels and Sphinx too, before ours."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return {**os.environ, "PATH": path, "PYTHONPATH": str(self.folder / "src")}

    def run(self, *command, fails=False):
        """Run a command in the copy, and return what it said; that it fails (or does not) is part of the call."""
        done = subprocess.run(
            list(map(str, command)),
            cwd=self.folder,
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

    def plan(self):
        """What Snakemake says of each file that it would make: what that is made from, how, and whether it is due."""
        said = self.run("trialbook", "build", "--", "--detailed-summary").splitlines()
        start = next(at for at, line in enumerate(said) if line.startswith("output_file\t"))
        return {row["output_file"]: row for row in csv.DictReader(said[start:-1], delimiter="\t")}

    def bind(self, fails=False):
        """Build the pages from the notebooks as they stand."""
        return self.run("trialbook", "pages", fails=fails)

    def edit(self, name, old, new):
        """Replace the first occurrence of a text in a file; `old` "" appends `new`."""
        path = self.folder / name
        text = path.read_text("utf8")
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new, 1) if old else text + new, "utf8")

    @property
    def site(self):
        return Site(self.folder / "_build/html")

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
            Copy.of_sources(folder).with_few_scenarios().make()
    return Copy(folder)
