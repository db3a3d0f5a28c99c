"""Where a paper keeps its things: a project is found from wherever one stands, and a fault is said in words."""

import json
from pathlib import Path

import pytest

from trialbook.errors import FaultsError, UserError
from trialbook.project import Project

TOC = """
format: jb-book
root: prose/start
chapters:
  - file: prose/end
    sections:
      - file: runs/one
  - file: runs/two.ipynb
  - file: elsewhere/three
"""


@pytest.fixture
def paper(tmp_path):
    """A project with names of its own."""
    for folder in ("raw", "prose", "work/deep", "other/trial"):
        (tmp_path / folder).mkdir(parents=True)
    places = "trial: raw\nbook: prose\nnotebooks: work\nexecuted: runs\noutput: out\n"
    (tmp_path / "trialbook.yml").write_text(places)
    (tmp_path / "_toc.yml").write_text(TOC)
    for name in ("one", "two", "zero"):
        (tmp_path / "work" / f"{name}.ipynb").write_text(json.dumps({"cells": []}))
    return tmp_path


def say(paper, text):
    """What is said of a trialbook.yml with one more line."""
    path = paper / "trialbook.yml"
    path.write_text(path.read_text() + text)
    with pytest.raises(FaultsError) as raised:
        Project.find(paper)
    return str(raised.value)


def test_a_project_is_found_upwards_and_its_paths_lead_from_where_one_stands(paper, monkeypatch):
    monkeypatch.chdir(paper / "work/deep")
    found = Project.find()
    assert found.root == Path("../..")
    assert (found.book, found.notebooks, found.trial) == (Path("../../prose"), Path("../../work"), Path("../../raw"))
    monkeypatch.chdir(paper.parent)
    assert Project.find(Path(paper.name, "prose")).site == Path(paper.name, "out/html")


@pytest.mark.parametrize("text", ["", "# all as usual\n"])
def test_a_trialbook_yml_may_leave_all_to_the_defaults(tmp_path, text):
    for folder in ("data", "book", "notebooks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "trialbook.yml").write_text(text)
    found = Project.find(tmp_path)
    assert (found.trial, found.site) == (found.root / "data", found.root / "_build/html")


def test_without_a_trialbook_yml_it_is_said_what_makes_a_project(tmp_path):
    with pytest.raises(UserError, match=r"neither it nor a folder above holds trialbook\.yml.*\n.*trialbook -C FOLDER"):
        Project.find(tmp_path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("notebook: work", ["trialbook.yml, notebook: there is no such key", "did you mean `notebooks`?"]),
        ("claims: prose/claim.yml", ["trialbook.yml, claims: leads nowhere", "prose/claim.yml", "correct the path"]),
        ("generator: make", ["trialbook.yml, generator: leads nowhere"]),
        ("scenarios: [a]", ["trialbook.yml, scenarios: must be a text"]),
        ("book: prose", ["the key `book` stands twice"]),
    ],
)
def test_a_fault_is_said_with_file_key_and_remedy(paper, line, said):
    found = say(paper, line)
    assert [part for part in said if part not in found] == []


@pytest.mark.parametrize("key", ["executed", "output"])
@pytest.mark.parametrize("place", [".", "..", "/tmp", "prose", "other/../..", "prose/.."])
def test_what_the_engine_makes_has_a_folder_of_its_own(paper, key, place):
    path = paper / "trialbook.yml"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if not line.startswith(key)) + "\n")
    assert f"trialbook.yml, {key}: must be a folder in this one" in say(paper, f"{key}: {place}\n")


def test_files_that_are_not_named_are_in_the_folder_they_belong_to(paper):
    found = Project.find(paper)
    assert found.lock == found.root / "prose/numbers.lock.json"
    assert found.claims == found.root / "prose/claims.yml"
    assert found.scenarios == found.root / "work/scenarios.yml"
    assert found.generator is None
    (paper / "rules.yml").touch()
    with (paper / "trialbook.yml").open("a") as file:
        file.write("claims: rules.yml\nlock: accepted.lock.json\n")
    found = Project.find(paper)
    assert (found.claims, found.lock) == (found.root / "rules.yml", found.root / "accepted.lock.json")


def test_the_book_of_another_trial_and_its_lock_are_its_own(paper):
    found = Project.find(paper, trial=paper / "other/trial")
    assert found.output == found.root / "out/trials/trial"
    assert found.source == found.output / "source" and found.executed == found.source / "runs"
    assert found.lock == paper / "other/trial/numbers.lock.json"


def test_the_papers_own_trial_by_another_way_is_its_own(paper):
    own = Project.find(paper)
    assert Project.find(paper, trial=paper / "work/../raw") == own == Project.find(paper, output=paper / "out")
    assert own.source == own.root and own.executed == own.root / "runs"


def test_what_is_built_elsewhere_uses_nothing_that_stands(paper):
    found = Project.find(paper, output=paper / "out/verify")
    assert found.executed == paper / "out/verify/source/runs"
    assert found.lock == Project.find(paper).lock


def test_pages_and_notebooks_are_those_that_the_book_lists_in_its_order(paper):
    found = Project.find(paper)
    assert found.pages() == ["prose/start", "prose/end"]
    assert found.chapters() == ["one", "two"]
    (paper / "prose/end.md").write_text("The end.")
    assert found.texts() == {"prose/end": "The end."}


def test_a_notebook_that_the_book_lists_and_that_is_not_there_is_said(paper):
    (paper / "work/two.ipynb").unlink()
    with pytest.raises(FaultsError, match=r"_toc\.yml, two: there is no notebook work/two\.ipynb"):
        Project.find(paper).chapters()


@pytest.mark.parametrize("text", [None, "- a list", "root: [", "root: a\nchapter: []"])
def test_a_list_of_pages_that_cannot_be_read_is_said(paper, text):
    (paper / "_toc.yml").unlink() if text is None else (paper / "_toc.yml").write_text(text)
    with pytest.raises(FaultsError, match=r"_toc\.yml: the list of the book's pages cannot be read"):
        Project.find(paper).pages()


def test_the_same_project_in_another_folder_has_its_things_there(paper, tmp_path_factory):
    folder = tmp_path_factory.mktemp("moved")
    moved = Project.find(paper).moved(folder)
    assert (moved.trial, moved.lock) == (folder / "raw", folder / "prose/numbers.lock.json")
