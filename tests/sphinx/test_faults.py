"""Faults of a paper, built by the workflow with Jupyter Book: each is said in one line, and what stood stands."""

import inspect
import shutil
import traceback

import pytest
from builds import differences, digests
from tiny import Paper, code, results

from trialbook.project import Project
from trialbook.sphinx import numbers
from trialbook.trial.generate import generate
from trialbook.workflow import book

CONFIG = """
title: A tiny paper
only_build_toc_files: true
execute: {execute_notebooks: "off"}
sphinx: {extra_extensions: [trialbook.sphinx]}
"""
TOC = """
format: jb-book
root: book/index
chapters: [file: executed/one]
"""
PAGE = "# {num}`trial.title`\n\nBy {num}`cd4.final.difference`.\n\n"
CHECKLIST = "```{consort-checklist}\n```\n"
ITEMS = """
12a: {topic: Eligibility}
22a: {topic: Flow, checks: {the arms add up: cohort.randomised.n == 20 + 1}}
22b: {topic: Losses, checks: {nobody was lost: cohort.no.such == 0}}
"""
DECLARED = """
fell: {says: fell, holds: cd4.final.difference < 0}
no_key: {says: fell, holds: cd4.no.key < 0}
neither: {says: fell, holds: cd4.final.difference}
wordless: {because: none}
idle: {says: fell, because: none}
"""
# what is wrong on a page, and what must be said of it
FAULTS = {
    "a key that no notebook computed": ("{num}`cd4.no.such`", "cd4.no.such"),
    "the keys that are nearest": ("", "(there are: cd4.final.difference"),
    "the key that is nearest to a misspelt one": ("{num}`cd4.final.diference`", "(there are: cd4.final.difference, "),
    "a table that no notebook shows": ("```{result-table} cd4.no.table\nCaption.\n```", "cd4.no.table"),
    "a figure that no notebook shows": ("```{result-figure} cd4.no.figure\nCaption.\n```", "cd4.no.figure"),
    "a strip that no notebook shows": ("{strip}`cd4.no`", "cd4.no.strip"),
    "a digit typed by hand": ("It rose to 243 cells.", "'243'"),
    "a role that does not exist": ("{nmu}`cd4.final.difference`", "nmu"),
    "an image that does not exist": ("![nothing](nowhere.png)", "nowhere.png"),
    "a link that leads nowhere": ("[nothing](nowhere.md)", "nowhere.md"),
    "a reference that is not in the bibliography": ("{cite}`nobody`", "nobody"),
    "a key that any role does not find": ("{any}`cd4.no.any`", "cd4.no.any"),
    "a word that judges": (
        "They hardly changed.",
        "the word 'hardly' judges (it says how large an effect is): “They hardly changed.”",
    ),
    "a claim that is false": ("It {claim}`fell` here.", "the claim 'fell' is false: “It fell here.”"),
    "its condition": ("", "it is true while cd4.final.difference < 0; here 67 < 0"),
    "its values": ("", "with cd4.final.difference = 67 (raw 67.1)"),
    "a heading that is false": ("## They {claim}`all fell <fell>`", "the claim 'fell' is false: “They all fell”"),
    "a claim on no result": ("It {claim}`no_key`.", "'cd4.no.key', which the claim 'no_key'"),
    "a claim that can't be judged": ("It {claim}`neither`.", "'neither' cannot be judged, it gives"),
    "a claim that is not declared": ("It {claim}`nobodys`.", "no claim 'nobodys'"),
    "a claim without words": ("It {claim}`wordless`.", "'wordless' has no words"),
    "a digit in a claim": ("It fell {claim}`by 77 <wordless>`.", "'77' is typed by hand"),
    "an item that CONSORT has not": ("{consort}`12a,99z` They were adults.", "no item '99z'"),
    "a check that is false": (CHECKLIST, "“the arms add up” is false"),
    "a check on no result": ("", "'cohort.no.such', which the check"),
}


class Book(Paper):
    """A paper of Jupyter Book."""

    def __init__(self, folder):
        self.folder, self.site = folder / "paper", folder / "built/html"

    def bind(self, **settings):
        return book.build(Project.find(self.folder), self.site, **settings)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A paper in what was an empty folder, built once."""
    assert len((CONFIG + TOC).split("\n")) <= 10 + 2
    paper = Book(tmp_path_factory.mktemp("book")).notebook("one", code(results(), id="results"))
    (paper.folder / "notebooks").mkdir()
    generate(paper.folder / "data", per_arm=3, laboratory=0, events=0, exposure=False)
    paper.write({"trialbook.yml": "", "_config.yml": CONFIG, "_toc.yml": TOC, "book/index.md": PAGE}).bind()
    return paper


@pytest.fixture
def paper(built, tmp_path):
    """A copy of it, to be spoilt."""
    shutil.copytree(built.folder.parent, tmp_path, dirs_exist_ok=True)
    return Book(tmp_path)


def faults(paper, **settings):
    """What is said of a paper that is not sound, after which what stood before stands."""
    before = digests(paper.site)
    with pytest.raises(book.BookError) as error:
        paper.bind(**settings)
    assert digests(paper.site) == before
    return error.value.faults


def test_a_project_of_jupyter_book_needs_ten_lines(built):
    page = (built.site / "book/index.html").read_text("utf8")
    assert "A trial of cells" in page and 'href="../executed/one.html#cell-results"' in page
    assert "github.com/executablebooks" not in page and "mybinder" not in page


def test_every_fault_is_one_line_with_its_place_in_every_build_until_it_is_mended(paper):
    before = digests(paper.site)
    paper.write({"book/index.md": PAGE + "\n\n".join(text for text, _ in FAULTS.values())})
    paper.write({"book/claims.yml": DECLARED, "book/consort.yml": ITEMS})
    paper.write({"_config.yml": f"{CONFIG}bibtex_bibfiles: [references.bib]\n", "references.bib": ""})
    for _ in range(2):
        found = faults(paper)
        for fault, (_, named) in FAULTS.items():
            assert [one for one in found if named in one.message and one.location.startswith("book/index.md:")], fault
        (unused,) = (one for one in found if "'idle' is declared and no page makes it" in one.message)
        assert unused.location == "book/claims.yml:1"
        assert not [one for one in found if "\n" in str(one)]
    paper.write({"book/index.md": PAGE, "book/claims.yml": "hostile: {says: is, holds: open('x') == 1}\n"})
    (said,) = faults(paper)
    assert said.location.startswith("book/claims.yml:") and "hostile.holds: the only functions" in said.message
    paper.write({"_config.yml": CONFIG})
    for name in ("claims", "consort"):
        (paper.folder / f"book/{name}.yml").unlink()
    paper.bind()
    # in one process, a theme adds to the templates with each build, and that file holds a digest of it
    assert set(differences(digests(paper.site), before)) <= {".buildinfo"}


def test_without_executed_notebooks_it_is_said_that_they_must_be_run(paper):
    (paper.folder / "executed/one.ipynb").unlink()
    (said,) = faults(paper)
    assert "executed/ holds no executed notebook" in str(said)


def test_a_key_that_two_cells_show_is_a_fault_of_the_paper(paper):
    paper.notebook("one", code(results(), id="results"), code(results(), id="again"))
    (said,) = faults(paper)
    assert "shown twice: by one, cell-results and one, cell-again" in str(said)


@pytest.mark.parametrize("where", ["role", "handler"])
def test_a_mistake_in_the_program_keeps_its_traceback(paper, monkeypatch, where):
    def broken(*_):
        raise ZeroDivisionError("our own")

    if where == "role":
        monkeypatch.setattr(numbers.NumberRole, "run", broken)
    else:
        monkeypatch.setattr("trialbook.sphinx.uses.by_key", broken)
    paper.write({"book/index.md": PAGE + "More.\n"})
    before = digests(paper.site)
    with pytest.raises(Exception, match="our own") as error:
        paper.bind()
    assert not isinstance(error.value, book.BookError)
    assert "in broken" in "".join(traceback.format_exception(error.value))
    assert digests(paper.site) == before


def test_a_draft_is_built_and_lists_what_it_lacks(paper):
    paper.write({"book/index.md": f"{PAGE}{{num}}`cd4.no.such`, it {{claim}}`fell`.\n"})
    paper.write({"book/claims.yml": "fell: {says: fell, holds: cd4.final.difference < 0}\n"})
    lists = paper.bind(draft=True)
    assert lists == {"not_available": ["cd4.no.such: book/index"], "false_claims": ["fell: book/index"]}
    page = (paper.site / "book/index.html").read_text("utf8")
    assert "[not available: cd4.no.such]" in page and "[does not hold: fell]" in page


def test_launch_buttons_open_the_source_notebook(paper):
    launch = "repository: {url: https://github.com/someone/paper, branch: main}\n"
    launch += "launch_buttons: {notebook_interface: jupyterlab, binderhub_url: https://mybinder.org}\n"
    paper.write({"_config.yml": CONFIG + launch})
    paper.bind()
    page = (paper.site / "executed/one.html").read_text("utf8")
    assert "https://mybinder.org/v2/gh/someone/paper/main?urlpath=lab/tree/notebooks/one.ipynb" in page


def test_what_is_used_of_jupyter_book_is_where_it_was():
    assert list(inspect.signature(book.get_final_config).parameters) == [
        "user_yaml",
        "cli_config",
        "sourcedir",
        "validate",
        "raise_on_invalid",
        "use_external_toc",
    ]
    config, _ = book.get_final_config(user_yaml={"title": "A title"}, cli_config={"latex_individualpages": False})
    assert "sphinx_book_theme" in config["extensions"]
