"""Editions that git knows: two revisions are compared by their locks and their prose."""

import subprocess

import pytest

from trialbook.editions import lock, report
from trialbook.editions.changes import compare
from trialbook.editions.lock import Lock, Number
from trialbook.errors import UserError
from trialbook.project import FILE, Project
from trialbook.workflow.edition import edition

PROSE = "# T\n\nThe gain was {num}`a.n` ({ci}`a`).\n"
OLD = {
    "a.n": Number("67", 67.1, "difference"),
    "a.ci": Number("10 to 124", [10.0, 124.0], "ci", 0),
    "c": Number("1.0", 1.0, "mean"),
    "trial.ci_level": Number("95%", "95%", "text"),
}
NEW = OLD | {
    "a.n": Number("69", 69.0, "difference"),
    "a.ci": Number("−1 to 130", [-1.0, 130.0], "ci", 0),
    "c": Number("1.1", 1.1, "mean"),
}


@pytest.fixture
def repository(tmp_path):
    """A project with two commits, the second with other numbers and another sentence."""

    def git(*arguments):
        who = ["-c", "user.name=N", "-c", "user.email=n@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "--initial-branch", "main")
    for folder in ("book", "notebooks", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / FILE).write_text("lock: book/accepted.lock.json\n")
    (tmp_path / "_toc.yml").write_text("root: book/index\n")
    (tmp_path / "book/claims.yml").write_text("wide: {says: spreads far, holds: 0 < b}\n")
    for numbers, prose in ((OLD, PROSE), (NEW, PROSE.replace("The gain", "The rise"))):
        (tmp_path / "book/index.md").write_text(prose, "utf8")
        lock.write(Lock(0.05, {}, numbers), tmp_path / "book/accepted.lock.json")
        git("add", ".")
        git("commit", "--message", "an edition")
    return Project.find(tmp_path)


def test_two_revisions_are_compared_by_their_locks_and_prose(repository):
    found = compare(edition(repository, "HEAD~1"), edition(repository, "HEAD"))
    assert len(found.changes) == 3
    assert [page for page, _ in found.pages] == ["book/index"]
    assert any("The rise was [67 → 69]" in line for line in report.lines(found))


def test_a_lock_in_the_work_tree_has_the_prose_beside_it(repository):
    found = compare(edition(repository, "HEAD~1"), edition(repository, str(repository.lock)))
    assert [page for page, _ in found.pages] == ["book/index"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no-such", "neither a file"),
        ("HEAD", "has no book/accepted.lock.json"),
        ("none.lock.json", "trialbook accept"),
        ("none/results.json", "trialbook build"),
    ],
)
def test_what_is_not_there_is_said(repository, name, said):
    subprocess.run(["git", "rm", "-q", "book/accepted.lock.json"], cwd=repository.root, check=True)
    who = ["-c", "user.name=N", "-c", "user.email=n@example.org"]
    subprocess.run(["git", *who, "commit", "-qm", "without"], cwd=repository.root, check=True)
    with pytest.raises(UserError, match=said):
        edition(repository, name)
