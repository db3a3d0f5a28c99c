"""What a book says of its making: the revision of the code as git knows it, the hash of the data as sha256sum does."""

import subprocess

from builds import OWN, ROOT

from trialbook import provenance


def test_without_git_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.revision(ROOT) == "not under version control"


def test_the_hash_is_that_of_the_files_one_after_the_other(copy):
    files = " ".join(provenance.DATA)
    said = subprocess.check_output(f"cat {files} | sha256sum", shell=True, cwd=copy.folder, text=True)
    assert provenance.digest(copy.folder) == said.split()[0]
    before = provenance.digest(copy.folder)
    (copy.folder / "README.md").write_text("changed")
    assert provenance.digest(copy.folder) == before
    copy.cell("adlb", 2, "AVAL", "121")
    assert provenance.digest(copy.folder) != before


def test_the_hash_covers_every_file_that_a_notebook_reads():
    text = (ROOT / "Snakefile").read_text("utf8")
    read = set(text[text.index("READS = {") : text.index("\n}\n")].split('"')) & {
        p.name for p in (ROOT / OWN).iterdir()
    }
    assert read == set(provenance.DATA)
