"""Levels of tests, and what they share: trials, the built book, a browser."""

import re
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from builds import built_once
from hypothesis import HealthCheck, settings
from reference import SHARED

from trialbook.trial.model import read_trial

TESTS = Path(__file__).parent
NK_INR = TESTS.parent / "data" / "nk_inr"
TRIALS = TESTS / "trials"
LEVELS = ("unit", "sphinx", "paper", "browser", "r", "long", "network")  # pyproject.toml says what each is
LONGEST = (
    "new_paper",
    "your_paper",
    "rebuild",
    "trials",
    "correction",
    "other_project",
    "accessibility",
    "binder",
    "generated",
    "book",
)
MAY_SKIP = (
    "the real trial is not here|R's answers are not here|the DTD of JATS is not here"  # they are not ours to publish
)

EVERY = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
settings.register_profile("fast", max_examples=24, derandomize=True, **EVERY)
settings.register_profile("thorough", max_examples=400, **EVERY)
settings.load_profile("fast")  # `make test-long` asks for the other


def costly(test):
    """Try an eighth of the examples, of a test that takes much of a second for each."""
    return settings(max_examples=settings().max_examples // 8)(test)


def pytest_addoption(parser):
    parser.addoption("--no-skips", action="store_true", help="fail a test that is skipped for want of a program")


def pytest_collection_modifyitems(items):
    """Give each test the level of its folder, unless it states another; start the longest files first."""
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker("browser")
        if not any(item.get_closest_marker(level) for level in LEVELS):
            item.add_marker(item.path.relative_to(TESTS).parts[0])
    items.sort(key=lambda item: item.path.stem.removeprefix("test_") not in LONGEST)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Let a skip fail where everything is installed."""
    report = yield
    if report.skipped and item.config.getoption("no_skips") and not re.search(MAY_SKIP, str(report.longrepr)):
        report.outcome, report.longrepr = "failed", f"skipped: {report.longrepr[2]}"
    return report


def sampled(sample, cases):
    """Cases of a test, of which all but the sample, one or a set, are long."""
    kept = sample if isinstance(sample, set) else {sample}
    return [case if case in kept else pytest.param(case, marks=pytest.mark.long) for case in cases]


class Editable:
    """A trial's folder in which a test may change files; `read` reads it as the engine does."""

    def __init__(self, folder):
        self.folder = folder

    def read(self):
        return read_trial(self.folder)

    def table(self, name, change):
        """Replace a table by what `change` makes of it; all cells are text."""
        path = self.folder / f"{name}.csv"
        read = pd.read_csv(path, dtype=str, keep_default_na=False)
        changed = change(read.copy())
        if name == "adlb" and {"AVAL", "BASE", "CHG"} <= set(changed) and self._is_new(read, changed):
            changed = changed.drop(columns=["BASE", "CHG"])  # which would contradict the new values
        changed.to_csv(path, index=False, lineterminator="\n")

    @staticmethod
    def _is_new(read, changed):
        values = read[["AVAL", "BASE", "CHG"]]
        same = changed.index.intersection(values.index)
        return not changed.loc[same, "AVAL"].equals(values.loc[same, "AVAL"]) and changed.loc[
            same, ["BASE", "CHG"]
        ].equals(values.loc[same, ["BASE", "CHG"]])

    def cell(self, name, row, column, value):
        """Write one cell; `row` is the line of the file."""

        def change(table):
            table.loc[row - 2, column] = value
            return table

        self.table(name, change)

    def rows(self, name, keep):
        """Keep the rows for which `keep` of the table is true."""
        self.table(name, lambda table: table[keep(table)])

    def values(self, become, arms, paramcd="CD4"):
        """Replace each value of a parameter by `become` of arm, visit, number in the arm (from zero) and value."""
        place = {who: (arm, i) for arm, people in arms.items() for i, who in enumerate(people["USUBJID"])}

        def change(table):
            rows = zip(table["USUBJID"], table["PARAMCD"], table["AVISITN"], table["AVAL"], strict=True)
            new = [become(place[w][0], v, place[w][1], x) if code == paramcd else x for w, code, v, x in rows]
            return table.assign(AVAL=["" if value is None else str(value) for value in new])

        self.table("adlb", change)

    def text(self, name, old, new):
        """Replace a piece of a file's text, which must stand there once."""
        path = self.folder / name
        text = path.read_text("utf8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), "utf8")

    def facts(self, change):
        """Let `change` alter the contents of trial.yml."""
        path = self.folder / "trial.yml"
        facts = yaml.safe_load(path.read_text("utf8"))
        change(facts)
        path.write_text(yaml.safe_dump(facts, allow_unicode=True), "utf8")


def _copy(paths, folder):
    folder.mkdir()
    for path in paths:
        shutil.copyfile(path, folder / path.name)  # without the permissions: the originals may be read-only
    return folder


@pytest.fixture(scope="session")
def nk():
    """The trial of the paper."""
    return read_trial(NK_INR)


@pytest.fixture
def copy(tmp_path):
    """An editable copy of the paper's trial."""
    return copy_of_paper(tmp_path)


def copy_of_paper(folder):
    """Copy the trial of the paper, to be edited, into a folder."""
    return Editable(_copy(filter(Path.is_file, NK_INR.iterdir()), folder / "nk_inr"))


@pytest.fixture(scope="session")
def real_trial(tmp_path_factory):
    """A function that puts a real trial together in a folder, by name."""
    made = {}

    def make(name):
        tables = sorted((SHARED / "real" / name).glob("*.csv"))
        if not tables:
            pytest.skip(f"the real trial is not here: {SHARED / 'real' / name}")
        if name not in made:
            made[name] = _copy([*tables, TRIALS / name / "trial.yml"], tmp_path_factory.mktemp("real") / name)
        return made[name]

    return make


@pytest.fixture(scope="session")
def real(real_trial):
    """A function that gives a real trial as it is read, by name."""
    return cache(lambda name: read_trial(real_trial(name)))


@pytest.fixture
def unsaved(monkeypatch):
    """Figures are drawn, and not written to SVG and PDF, which takes longest."""
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda *args, **kwargs: None)


@pytest.fixture(scope="session")
def book(tmp_path_factory, worker_id):
    """The book of the paper, built once for all tests and workers: to read, or to clone and edit."""
    return built_once(tmp_path_factory, worker_id)


@pytest.fixture(scope="session")
def site(book):
    """The pages of `book`."""
    return book.site


@pytest.fixture(scope="session")
def browser():
    """A running Chromium."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium here")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@pytest.fixture
def visit(browser, site):
    """Open a page of `site` from its file; requests that leave the folder are noted in `page.left`."""
    contexts = []

    def opened(name, width=1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.left = []
        page.on(
            "request", lambda r: page.left.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None
        )
        page.goto((site.folder / name).as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def unbalanced():
    """Twenty-seven subjects with one to four of four visits, in shuffled rows, and a covariate: y, X, groups.

    The columns of X are the intercept, the arm, the covariate and the visit index."""
    rng = np.random.default_rng(20)
    sizes = [4, 4, 3, 1, 2, 4, 1, 3, 4] * 3
    subject = np.repeat(np.arange(27), sizes)
    visit = np.concatenate([np.sort(rng.choice(4, n, replace=False)) for n in sizes])
    age, arm = rng.normal(40, 9, 27)[subject], (np.arange(27) % 2)[subject]
    y = 3 * arm + visit + 0.1 * age + 0.7 * rng.normal(size=27)[subject] + rng.normal(size=len(subject))
    X = np.column_stack([np.ones(len(y)), arm, age, visit])
    order = rng.permutation(len(y))
    return y[order], X[order], subject[order]
