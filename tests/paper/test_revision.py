"""The revision of the code is that which git knows."""

import subprocess

from trialbook import provenance


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
