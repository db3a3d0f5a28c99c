"""The extension in plain Sphinx: what it needs, what it brings, and that two processes make of it what one does."""

import shutil
import subprocess
import sys

import pytest
from builds import differences, digests
from tiny import CONF, Paper, analysed, code, results

from trialbook import sphinx as extension
from trialbook.sphinx import theme

HEAVY = "jupyter_book pandas scipy statsmodels matplotlib seaborn numpy papermill pandera snakemake"
PAGE = """# {num}`trial.title`

The difference was {num}`cd4.final.difference` ({ci}`cd4.final.difference`; {p}`cd4.final.difference.p`).

With its domain, {trial:num}`cd4.final.difference`; by any role, {any}`cd4.final.difference`.
"""


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    return analysed(tmp_path_factory.mktemp("plain"), PAGE)


@pytest.fixture(scope="module")
def built(paper):
    return paper.build()


def test_ten_lines_of_configuration_make_a_paper(built):
    assert len(CONF.strip().splitlines()) <= 10
    assert "The difference was 67 (95% CI, 10 to 124; P = 0.024)." in built.text()
    assert built.pages["index"].title.get_text().endswith("A trial of cells")


def test_a_number_leads_to_its_cell_with_and_without_the_name_of_the_domain(built):
    links = built.pages["index"].select("a[data-key='cd4.final.difference']")
    assert [link.get_text() for link in links] == ["67", "67", "cd4.final.difference"]
    assert {link["href"] for link in links} == {"executed/one.html#cell-results"}
    assert built.pages["executed/one"].select_one("#cell-results")


def test_the_extension_needs_neither_jupyter_book_nor_what_notebooks_compute_with(paper, built):
    program = f"""
import sys
from sphinx.application import Sphinx
settings = {{"extensions": ["trialbook.sphinx"]}}
Sphinx({str(paper.folder)!r}, None, "light", "light", "html", settings, status=None)
print(*sorted({{name.partition(".")[0] for name in sys.modules}} & set({HEAVY!r}.split())), end="")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=paper.folder / "_build", text=True, capture_output=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_every_setting_has_a_default_and_says_what_it_is(built):
    for setting in extension.SETTINGS:
        assert setting.description.endswith(".") and isinstance(setting.default, setting.types)
        assert built.env.config[f"trialbook_{setting.name}"] == setting.default


def test_a_build_writes_nothing_beside_its_output(tmp_path):
    paper = analysed(tmp_path, "# Paper\n\n{num}`cd4.final.difference`\n")
    before = digests(tmp_path)
    paper.build()
    assert differences(before, {name: sha for name, sha in digests(tmp_path).items() if "_build" not in name}) == []


# ------------------------------------------------------------------------------------------- what every page says


@pytest.mark.parametrize(
    ("name", "place"), [("basic", ".trial-banner"), ("sphinx_book_theme", ".bd-header-announcement")]
)
def test_every_page_says_that_the_data_are_synthetic_whatever_the_theme(tmp_path, name, place):
    paper = analysed(tmp_path, "# Paper\n\n```{provenance}\nMade up.\n```\n")
    paper.write({"conf.py": CONF.replace('"basic"', repr(name))})
    built = paper.build(draft=True)
    for page in ("index", "executed/one"):
        said = built.pages[page].select_one(place).get_text()
        assert theme.SYNTHETIC in said and "Draft" in said
    assert theme.SYNTHETIC in built.pages["index"].select_one(".admonition.warning").get_text()
    assert "Made up." in built.text()


def test_no_page_says_that_real_data_are_synthetic(tmp_path):
    paper = Paper(tmp_path).notebook("one", code(results(provenance="real")))
    paper.write({"index.md": "# Paper\n\n```{provenance}\nMade up.\n```\n\n```{toctree}\nexecuted/one\n```\n"})
    built = paper.build()
    assert "synthetic" not in built.text() and "Made up" not in built.text()
    assert not built.pages["index"].select(".trial-banner, .admonition")


# --------------------------------------------------------------------------------------------------- two processes

CLAIMS = "rose: {says: rose, holds: cd4.final.difference > 0}\n"
ITEMS = "1a: {topic: Title}\n22a: {topic: Flow, checks: {arms add up: cohort.randomised.n == 20}}\n"
READS = """
import os
def setup(app):  # notes which page is read, by which process
    def note(app, docname, source):
        with open(os.path.join(app.srcdir, "reads.txt"), "a") as file:
            file.write(f"{docname} {os.getpid()}\\n")
    app.connect("source-read", note)
"""


def many(folder):
    """A paper of enough pages to be read and written by several processes, with all that pages note."""
    page = "# Page\n\n{consort}`1a` It {claim}`rose` by {num}`cd4.final.difference`.\n\n{num}`no.key`\n"
    pages = {f"page{i}": page for i in range(12)}
    lists = {"numbers": "# Numbers\n\n```{register}\n```\n", "items": "# Items\n\n```{consort-checklist}\n```\n"}
    more = {"book/claims.yml": CLAIMS, "book/consort.yml": ITEMS, "conf.py": CONF + READS}
    return analysed(folder, "# Paper\n", **pages, **lists, **more)


@pytest.fixture
def twice(tmp_path):
    """A function that builds one paper by one process and, from nothing, by two: its files, and what was said."""
    paper, noted = many(tmp_path), tmp_path / "reads.txt"

    def build(**settings):
        made, readers = [], []
        for processes in (1, 2):
            shutil.rmtree(tmp_path / "_build", ignore_errors=True)
            built = paper.build(parallel=processes, **settings)
            made.append((digests(built.folder), sorted(built.said)))
            readers.append(set(noted.read_text("utf8").split()[1::2]))
            noted.unlink()
        assert len(readers[0]) == 1 < len(readers[1])
        return made

    return build


def test_two_processes_build_what_one_builds(twice, tmp_path):
    (serial, _), (parallel, _) = twice(draft=True)
    assert differences(serial, parallel) == [] and len(serial) > 20
    listed = (tmp_path / "_build/html/not_available.txt").read_text("utf8")
    assert listed.startswith("no.key: page0, page1, page10")


def test_faults_of_two_processes_are_those_of_one(twice):
    (_, serial), (_, parallel) = twice(faulty=True)
    assert serial == parallel and len(serial) == 12


# --------------------------------------------------------------------------------------------------- building again


def test_a_fault_fails_every_build_until_it_is_mended(tmp_path):
    paper = analysed(tmp_path, "# Paper\n", page="# Page\n\nIt rose by 67 cells: {num}`no.key`.\n")
    first, second = paper.build(faulty=True), paper.build(faulty=True)
    assert first.said == second.said and len(first.said) == 3
    paper.write({"page.md": "# Page\n\nBy {num}`cd4.final.difference`.\n"}).build()


def test_an_unused_claim_fails_every_build_although_no_page_was_read(tmp_path):
    paper = analysed(tmp_path, "# Paper\n", **{"book/claims.yml": CLAIMS})
    assert paper.build(faulty=True).said == paper.build(faulty=True).said


@pytest.fixture
def claiming(tmp_path):
    """A paper whose page makes a claim, built once."""
    page = "# Page\n\n{consort}`1a` Hello, it {claim}`rose` by {num}`cd4.final.difference`.\n"
    lists = {"numbers": "# Numbers\n\n```{register}\n```\n", "items": "# Items\n\n```{consort-checklist}\n```\n"}
    files = {"book/claims.yml": CLAIMS, "book/consort.yml": ITEMS}
    paper = analysed(tmp_path, "# Paper\n", page=page, **lists, **files)
    assert "Hello, it rose by 67." in paper.build().text("page")
    return paper


def test_a_notebook_that_was_run_again_changes_the_sentence(claiming):
    claiming.notebook("one", code(results(difference=88.4), id="results"))
    assert "Hello, it rose by 88." in claiming.build().text("page")


def test_another_wording_of_a_claim_changes_the_sentence(claiming):
    claiming.write({"book/claims.yml": CLAIMS.replace("says: rose", "says: went up")})
    assert "Hello, it went up by 67." in claiming.build().text("page")


def test_words_that_judge_from_now_on_are_reported_on_pages_that_stood(claiming):
    claiming.write({"book/words.yml": "judging: {greeting: hello}\n"})
    (said,) = claiming.build(faulty=True).said
    assert "page.md" in said and "the word 'Hello' judges" in said and "book/words.yml lists" in said


def test_the_pages_that_list_what_all_pages_hold_are_written_again(claiming):
    assert "Page" in claiming.build().text("items")
    claiming.write({"page.md": "# Page\n\n{consort}`22a` It {claim}`rose` to {num}`cohort.randomised.n`.\n"})
    again = claiming.build()
    rows = {
        row.td.get_text(strip=True): row.get_text(" ", strip=True) for row in again.pages["items"].select("tbody tr")
    }
    assert "Not reported" in rows["1a"] and "Page" in rows["22a"]
    assert [row["id"] for row in again.pages["numbers"].select("table.register tr[id]")] == ["cohort.randomised.n"]


def test_another_engine_reads_every_page_again(claiming, monkeypatch):
    claiming.write({"conf.py": CONF + READS})
    noted = claiming.folder / "reads.txt"
    claiming.build()
    assert not noted.exists()
    monkeypatch.setattr(theme, "fingerprint", lambda: 1)
    claiming.build()
    assert {line.split()[0] for line in noted.read_text("utf8").splitlines()} == claiming.build().env.found_docs
