"""What stands among the executed notebooks and is none of the paper's: ours is removed, anybody else's never."""

import json

import pytest

from trialbook.errors import UserError
from trialbook.project import Project
from trialbook.workflow import current, leftovers


@pytest.fixture
def project(tmp_path):
    """A project with one notebook, which was run, and one that it has no longer."""
    for folder in ("data", "book", "notebooks", "executed"):
        (tmp_path / folder).mkdir()
    (tmp_path / "trialbook.yml").write_text("")
    (tmp_path / "_toc.yml").write_text("root: book/index\nentries:\n  - file: executed/one\n")
    (tmp_path / "notebooks/one.ipynb").write_text("{}")
    for name in ("one", "gone"):
        (tmp_path / f"executed/{name}.ipynb").write_text(json.dumps({"metadata": {current.MADE: {}}}))
    return Project.find(tmp_path)


def standing(project):
    return sorted(path.name for path in project.executed.iterdir())


def test_what_a_notebook_left_that_the_book_has_no_longer_is_removed(project):
    leftovers.refuse(project)
    assert standing(project) == ["gone.ipynb", "one.ipynb"]  # to look changes nothing
    leftovers.remove(project)
    assert standing(project) == ["one.ipynb"]


@pytest.mark.parametrize("text", ['{"metadata": {}}', "{}", "mine"])
def test_a_file_of_somebody_else_is_refused_and_stays(project, text):
    (project.executed / "mine.ipynb").write_text(text)
    leftovers.remove(project)
    assert (project.executed / "mine.ipynb").read_text() == text
    with pytest.raises(UserError, match=r"mine\.ipynb: no notebook of the paper.*\n.*keep it elsewhere"):
        leftovers.refuse(project)


def test_what_is_no_notebook_is_left_alone(project):
    (project.executed / "notes.txt").write_text("mine")
    leftovers.remove(project)
    leftovers.refuse(project)
    assert (project.executed / "notes.txt").exists()
