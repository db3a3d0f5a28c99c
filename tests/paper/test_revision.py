"""The revision of the code: as git knows it, and as the pages say it."""

import re
import subprocess

from trialbook import provenance
from trialbook.project import Project


def git(folder, *arguments):
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    return subprocess.check_output(["git", *who, *arguments], cwd=folder, text=True).strip()


def test_the_revision_is_the_last_commit_that_touched_the_code(tmp_path):
    code = [tmp_path / "src", tmp_path / "not-there"]
    assert provenance.revision(tmp_path, code) == "not under version control"
    for name in ("src/engine.py", "book/index.md"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("1")
    git(tmp_path, "init", "--quiet")
    assert provenance.revision(tmp_path, code) == "not under version control"
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "code")
    commit = git(tmp_path, "rev-parse", "HEAD")[:12]
    assert provenance.revision(tmp_path, code) == commit
    (tmp_path / "book/index.md").write_text("2")
    assert provenance.revision(tmp_path, code) == commit
    git(tmp_path, "commit", "--quiet", "-am", "prose")
    assert provenance.revision(tmp_path, code) == commit
    (tmp_path / "src/engine.py").write_text("2")
    assert provenance.revision(tmp_path, code) == f"{commit} and changes not committed"
    git(tmp_path, "commit", "--quiet", "-am", "more code")
    assert provenance.revision(tmp_path, code) == git(tmp_path, "rev-parse", "HEAD")[:12] != commit


def test_a_commit_writes_the_pages_anew_and_runs_no_notebook(book, tmp_path_factory):
    copy = book.clone(tmp_path_factory.mktemp("committed") / "copy")
    assert "not under version control" in made_of(copy)
    git(copy.folder, "init", "--quiet")
    git(copy.folder, "add", ".")
    git(copy.folder, "commit", "--quiet", "-m", "all")
    before = copy.executed()
    copy.make()
    assert copy.executed() == before
    assert git(copy.folder, "rev-parse", "HEAD")[:12] in made_of(copy)


def made_of(copy):
    """What the cards of the abstract say that the book was made from."""
    page = (copy.folder / "_build/html/book/index.html").read_text("utf8")
    (part,) = re.findall(r"<dt>Made from.*?/dd>", page)
    assert f"sha256:{provenance.digest(Project.find(copy.folder).data)[:12]}" in part
    return part
