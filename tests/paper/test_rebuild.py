"""Building again: only what an edit needs, with the outcome of a clean build, and a fault stays a fault."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from builds import NOTEBOOKS, differences, digests

ALL = frozenset(NOTEBOOKS)


@pytest.fixture
def copy(book, tmp_path):
    """The book as built, in a folder of its own."""
    return book.clone(tmp_path / "copy")


# ---------------------------------------------------------------------------------------------- what an edit does


def one_cd4_value(copy):
    """Raise the last CD4 count of one participant of the test arm by 30 cells, and what is derived from it."""
    path = copy.folder / "data/nk_inr/adlb.csv"
    head, *rows = path.read_text("utf8").splitlines()
    at = {name: i for i, name in enumerate(head.split(","))}
    cells = [row.split(",") for row in rows]
    test = next(
        c for c in cells if c[at["PARAMCD"]] == "CD4" and c[at["AVISITN"]] == "24" and c[at["TRTP"]] == "NK+ART"
    )
    for column in ("AVAL", "CHG"):
        test[at[column]] = str(int(test[at[column]]) + 30)
    path.write_text("\n".join([head, *(",".join(c) for c in cells), ""]), "utf8")


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
    copy.edit("book/introduction.md", "Only a", "{consort}`20a`\nOnly a")


@dataclass(frozen=True)
class Edit:
    """A change of the sources, the runs that it must make again, and what the pages then say, where it is tried."""

    name: str
    make: object
    reruns: frozenset = frozenset()
    shows: str = ""


EDITS = [
    Edit("one CD4 value", one_cd4_value, ALL),
    Edit("an adverse event", text("data/nk_inr/adae.csv", ",1,N,RELATED", ",1,Y,RELATED"), ALL),
    Edit("a dose", text("data/nk_inr/adex.csv", ",DOSE,Dose,1,", ",DOSE,Dose,2,"), ALL),
    Edit(
        "a published figure",
        text("data/nk_inr/published.yml", 'printed: "67"', 'printed: "68"'),
        frozenset({"04_sensitivity", "05_reconciliation"}),
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
    Edit("a label of an arm", text("data/nk_inr/trial.yml", "label: NK+ART", "label: NK cells and ART"), ALL),
    Edit(
        "the engine's way of writing an interval",
        text("src/trialbook/results/formats.py", '" to ".join', '" up to ".join'),
        ALL,
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
    Edit("prose", text("book/introduction.md", "Only a summary", "Only a short summary"), shows="Only a short summary"),
    Edit("the words of a claim", text("book/claims.yml", "says: rose", "says: went up"), shows="went up"),
    Edit("where an item of CONSORT is reported", move_item, shows="consort-introduction-"),
    Edit("the author", text("_config.yml", "author: The authors", "author: Somebody else"), shows="Somebody else"),
    Edit("a page moved", move_page),
    Edit("a page removed", remove_page),
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_an_edit_makes_due_what_depends_on_it_and_nothing_else(edit, copy):
    edit.make(copy)
    due = {Path(name).parts[1].split(".ipynb")[0] for name, row in copy.plan().items() if row["plan"] != "no update"}
    gate = {".disclosed"} if edit.reruns else set()
    assert due == edit.reruns | gate | {".built"}


def test_nothing_changed_nothing_due(copy):
    assert {row["plan"] for row in copy.plan().values()} == {"no update"}


def test_a_site_taken_away_is_due(copy):
    shutil.rmtree(copy.site.folder)
    assert [name for name, row in copy.plan().items() if row["plan"] != "no update"] == ["_build/.built"]


def built_again(copy, folder, reruns):
    """Bring the book up to date; those are run again that must be, and a build without any page gives the same."""
    before = copy.executed()
    copy.make()
    after = copy.executed()
    assert {name for name in ALL if after[name] != before[name]} == reruns
    clean = copy.clone(folder, without=("_build",))  # and without the runs: test_notebook.py
    clean.bind()
    assert differences(copy.site.digests(), clean.site.digests()) == []


def test_one_value_changes_every_sentence_that_depends_on_it(book, copy, tmp_path):
    one_cd4_value(copy)
    built_again(copy, tmp_path / "clean", ALL)
    every_sentence_has_the_new_value(book.site, copy.site)


def test_what_changes_the_pages_alone_shows(copy, tmp_path):
    edits = [edit for edit in EDITS if not edit.reruns and edit.make is not remove_page]
    for edit in edits:
        edit.make(copy)
    built_again(copy, tmp_path / "clean", set())
    said = "".join(path.read_text("utf8") for path in copy.site.folder.rglob("*") if path.suffix in (".html", ".css"))
    assert [edit.name for edit in edits if edit.shows not in said] == []
    assert "Who was blinded Introduction" in copy.site.text("book/consort.html")
    following = copy.site.pages["book/discussion.html"].select_one("a.right-next")
    assert following["href"] == "introduction.html"


def every_sentence_has_the_new_value(old, new):
    moved = {key for key, row in new.results.items() if row["display"] != old.results[key]["display"]}
    assert {"cd4.final.nk_art.mean", "cd4.final.difference", "cd4.final.difference.ci", "cd4.gee.effect"} <= moved
    sentences = 0
    for page in new.pages:
        assert [key for key, _ in new.numbers(page)] == [key for key, _ in old.numbers(page)]
        for (key, now), (_, then) in zip(new.numbers(page), old.numbers(page), strict=True):
            assert now == new.results[key]["display"]
            assert (now != then) == (key in moved)
            sentences += key in moved
    assert sentences > len(moved) / 2
    for label, changes in (("CD4 count", True), ("CD8 count", False)):
        now, then = (site.pages["book/efficacy.html"].select(f"img[alt^='Mean {label}']") for site in (new, old))
        assert len(now) == 1 and (now[0]["alt"] != then[0]["alt"]) == changes


def test_a_removed_page_leaves_no_file(copy, tmp_path):
    remove_page(copy)
    (copy.folder / "book/introduction.md").unlink()
    built_again(copy, tmp_path / "clean", set())
    assert [name for name in copy.site.digests() if "introduction" in name] == []
    assert not any("introduction.html" in str(soup) for soup in copy.site.every_page.values())


# ------------------------------------------------------------------------------------------ a fault stays a fault


def test_a_cell_that_fails_fails_every_build_and_the_old_site_stays(copy):
    before = copy.site.digests()
    cell("02_safety", "events", "\n1 / 0")(copy)
    for _ in range(2):
        said = copy.make(fails=True)
        assert "02_safety" in said and "ZeroDivisionError" in said
        assert copy.site.digests() == before


def test_a_notebook_that_tells_of_a_participant_builds_no_book_and_the_old_one_stays(copy):
    before = copy.site.digests()
    path = copy.folder / "executed/02_safety.ipynb"
    content = json.loads(path.read_text("utf8"))
    showing = next(cell for cell in content["cells"] if cell.get("outputs"))
    showing["outputs"].append({"output_type": "stream", "name": "stdout", "text": ["NKINR-007\n"]})
    path.write_text(json.dumps(content), "utf8")
    for _ in range(2):
        said = copy.make(fails=True)
        assert f"02_safety, cell {showing['id']}, text: identifier (NKINR-007)" in said
        assert copy.site.digests() == before


def test_a_fault_in_the_data_leaves_all_that_stood(copy):
    before = copy.site.digests(), digests(copy.folder / "executed")
    (copy.folder / "data/nk_inr/adsl.csv").unlink()
    for _ in range(2):
        assert "adsl.csv" in copy.make(fails=True)
        assert (copy.site.digests(), digests(copy.folder / "executed")) == before
