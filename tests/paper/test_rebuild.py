"""Building again: only what an edit needs is planned, and the outcome is that of a clean build."""

import json
from dataclasses import dataclass

import pytest
from builds import NOTEBOOKS, differences
from test_correction import correct

ALL = frozenset(NOTEBOOKS)
BEYOND_EFFICACY = ALL - {"03_efficacy", "04_sensitivity", "06_operating"}


@pytest.fixture
def copy(book, tmp_path):
    """The book as built, in a folder of its own."""
    return book.clone(tmp_path / "copy")


def cell(notebook, id, add):
    """Add a line to a cell of a notebook."""

    def change(copy):
        path = copy.folder / "notebooks" / f"{notebook}.ipynb"
        content = json.loads(path.read_text("utf8"))
        found = next(c for c in content["cells"] if c["id"] == id)
        found["source"] = "".join(found["source"]) + add
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf8")

    return change


def text(name, old, new):
    return lambda copy: copy.edit(name, old, new)


def remove_page(copy):
    copy.edit("_toc.yml", "      - file: book/introduction\n", "")


def move_page(copy):
    remove_page(copy)
    copy.edit(
        "_toc.yml",
        "      - file: book/discussion\n",
        "      - file: book/discussion\n      - file: book/introduction\n",
    )


def move_item(copy):
    """Let another page report an item of CONSORT."""
    copy.edit("book/methods.md", "{consort}`20a`\n", "")
    copy.edit("book/introduction.md", "Its report", "{consort}`20a`\nIts report")


@dataclass(frozen=True)
class Edit:
    """A change of the sources, the runs that it must make again, and what the pages then say, where it is tried."""

    name: str
    make: object
    reruns: frozenset = frozenset()
    shows: str = ""
    revalidates: bool = False


EDITS = [
    Edit("one CD4 value", correct, ALL, revalidates=True),
    Edit(
        "an adverse event",
        text("data/nk_inr/adae.csv", ",1,N,RELATED", ",1,Y,RELATED"),
        BEYOND_EFFICACY,
        revalidates=True,
    ),
    Edit("a dose", text("data/nk_inr/adex.csv", ",DOSE,Dose,1,", ",DOSE,Dose,2,"), BEYOND_EFFICACY, revalidates=True),
    Edit(
        "a published figure",
        text("data/nk_inr/published.yml", 'printed: "67"', 'printed: "68"'),
        frozenset({"04_sensitivity", "05_reconciliation"}),
        revalidates=True,
    ),
    Edit(
        "code in a notebook that others read",
        cell("02_safety", "events", "\n# as reported"),
        frozenset({"02_safety", "05_reconciliation", "07_double"}),
    ),
    Edit("code in a notebook", cell("08_rows", "rows-adsl", "\n# as reported"), frozenset({"08_rows"})),
    Edit(
        "a scenario",
        text("notebooks/scenarios.yml", "ANCOVA on baseline", "ANCOVA"),
        frozenset({"04_sensitivity", "05_reconciliation"}),
    ),
    Edit(
        "a label of an arm",
        text("data/nk_inr/trial.yml", "label: NK+ART", "label: NK cells and ART"),
        ALL,
        revalidates=True,
    ),
    Edit(
        "the engine's way of writing an interval",
        text("src/trialbook/results/formats.py", '" to ".join', '" up to ".join'),
        ALL,
        revalidates=True,
    ),
    Edit("how a notebook is run", text("src/trialbook/workflow/notebook.py", "", "\n# as before\n"), ALL),
    Edit("the engine's binding", text("src/trialbook/sphinx/numbers.py", '" CI, "', '" CI: "'), shows=" CI: <a"),
    Edit(
        "the bibliography",
        text("book/references.bib", "title", "note = {Read twice}, title"),
        shows="Read twice",
    ),
    Edit(
        "a style sheet",
        text("src/trialbook/sphinx/static/paper.css", "", "p { margin: 0; }\n"),
        shows="p { margin: 0; }",
    ),
    Edit("prose", text("book/introduction.md", "used here.", "used in it."), shows="used in it."),
    Edit("the words of a claim", text("book/claims.yml", "says: rose", "says: went up"), shows="went up"),
    Edit("where an item of CONSORT is reported", move_item, shows="consort-introduction-"),
    Edit("the author", text("_config.yml", "author: The authors", "author: Somebody else"), shows="Somebody else"),
    Edit("a page moved", move_page),
    Edit("a page removed", remove_page),
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_an_edit_makes_due_what_depends_on_it_and_nothing_else(edit, copy):
    edit.make(copy)
    gate = {".disclosed"} if edit.reruns else set()
    valid = {".validated"} if edit.revalidates else set()
    assert copy.due() == edit.reruns | gate | valid | {".built"}


def test_nothing_changed_nothing_due(copy):
    assert copy.due() == set()


@pytest.mark.long
def test_what_changes_the_pages_alone_shows_and_runs_no_notebook(copy, tmp_path):
    edits = [edit for edit in EDITS if not edit.reruns and edit.make is not remove_page]
    for edit in edits:
        edit.make(copy)
    before = copy.executed()
    copy.make()
    assert copy.executed() == before
    clean = copy.clone(tmp_path / "clean", without=("_build",))
    clean.make()
    assert differences(copy.site.digests(), clean.site.digests()) == []
    said = "".join(path.read_text("utf8") for path in copy.site.folder.rglob("*") if path.suffix in (".html", ".css"))
    assert [edit.name for edit in edits if edit.shows not in said] == []
    assert "Who was blinded Introduction" in copy.site.text("book/consort.html")
    following = copy.site.pages["book/discussion.html"].select_one("a.right-next")
    assert following["href"] == "introduction.html"
