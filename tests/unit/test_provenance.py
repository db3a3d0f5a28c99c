"""What a book says of its making: the revision of the code as git knows it, the hash of the data as sha256sum does."""

import subprocess

from builds import ROOT

from trialbook import provenance
from trialbook.project import Project


def test_without_git_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.revision(ROOT, [ROOT / "src"]) == "not under version control"


def test_the_hash_is_that_of_the_files_one_after_the_other(copy):
    data = Project.find(ROOT, trial=copy.folder).data
    said = subprocess.check_output(["sh", "-c", 'cat "$@" | sha256sum', "sh", *data], text=True)
    before = provenance.digest(data)
    assert before == said.split()[0]
    copy.cell("adlb", 2, "AVAL", "121")
    assert provenance.digest(data) != before


def test_a_file_that_is_none_of_the_trial_is_none_of_its_data(copy):
    data = Project.find(ROOT, trial=copy.folder).data
    (copy.folder / "README.md").write_text("changed")
    assert Project.find(ROOT, trial=copy.folder).data == data
    assert [path.name for path in data] == [
        "trial.yml",
        "adsl.csv",
        "adlb.csv",
        "adae.csv",
        "adex.csv",
        "published.yml",
    ]
