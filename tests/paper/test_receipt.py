"""A verification: everything is computed anew and compared with the lock, by the command and by the notebook."""

import json
import platform

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from builds import Copy, digests

from trialbook.editions.receipt import VerificationError, different, locked
from trialbook.project import Project
from trialbook.workflow import notebook
from trialbook.workflow.notebook import NotebookError
from trialbook.workflow.verify import compare

PINS = """
# made by make lock
numpy==2.4.6 ; sys_platform == 'linux' \\
    --hash=sha256:ab \\
    --hash=sha256:cd
    # via pandas
appnope==0.1.4 ; sys_platform == 'darwin' and sys_platform == 'linux' \\
    --hash=sha256:ab
pandas[x]==3.1.1 \\
    --hash=sha256:ab
"""


def test_the_lock_is_read_for_this_machine():
    assert locked(PINS) == {"numpy": "2.4.6", "pandas": "3.1.1"}


def test_a_package_that_differs_is_listed():
    python = {"nbformat": nbformat.__version__, "nobody-has-this": "1", "pytest": "0.1"}
    assert different(python) == [
        {"package": "nobody-has-this", "locked": "1", "installed": None},
        {"package": "pytest", "locked": "0.1", "installed": pytest.__version__},
    ]


@pytest.fixture(scope="module")
def verified(book, tmp_path_factory):
    """A copy of the book whose numbers were accepted, and the executed notebook that computed them anew."""
    copy = book.clone(tmp_path_factory.mktemp("verified") / "copy")
    copy.run("trialbook", "accept")
    stood = digests(copy.folder / "_build/html"), digests(copy.folder / "executed")
    done = copy.folder / "done.ipynb"
    notebook.run(copy.folder / "notebooks/00_verify.ipynb", done, {})
    assert (digests(copy.folder / "_build/html"), digests(copy.folder / "executed")) == stood
    return copy, nbformat.read(done, as_version=4)


def test_the_notebook_ends_in_its_verdict(verified):
    copy, done = verified
    count = len(json.loads((copy.folder / "book/numbers.lock.json").read_text("utf8"))["numbers"])
    assert done.cells[-1].outputs[-1].text == f"{count} of {count} numbers reproduced\n"
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    assert any("Receipt of a verification" in output.get("data", {}).get("text/html", "") for output in outputs)


def test_the_receipt_says_what_matched_and_where(verified):
    copy, _ = verified
    found = json.loads((copy.folder / "_build/receipt.json").read_text("utf8"))
    assert found["reproduced"] == found["numbers"] > 900 and found["changes"] == []
    assert {file["file"]: file["state"] for file in found["data"]} == dict.fromkeys(
        ["adae.csv", "adex.csv", "adlb.csv", "adsl.csv", "published.yml", "trial.yml"], "yes"
    )
    assert found["python"] == platform.python_version() and found["packages"] > 100
    text = (copy.folder / "_build/receipt.html").read_text("utf8")
    assert not BeautifulSoup(text, "html.parser").select("[src], link, script")
    assert platform.node() not in text and str(copy.folder) not in text + json.dumps(found)


def test_a_number_that_is_not_reproduced_fails_with_its_sentence(verified):
    """The lock is altered, and then compared with what was computed anew."""
    copy, _ = verified
    accepted = json.loads((copy.folder / "book/numbers.lock.json").read_text("utf8"))
    accepted["numbers"]["cd4.final.difference"] |= {"display": "61", "value": 61.0}
    accepted["numbers"]["cd4.final.difference.p"] |= {"display": "0.06", "value": 0.06}
    accepted["data"]["adlb.csv"] = "0"
    project = Project.find(copy.folder, output=copy.folder / "_build/verify")
    compare(project).check()
    lock = project.lock.read_text("utf8")
    project.lock.write_text(json.dumps(accepted), "utf8")
    found = compare(project)
    project.lock.write_text(lock, "utf8")
    assert {file["file"] for file in found.data if file["state"] == "changed"} == {"adlb.csv"}
    for _ in range(2):
        with pytest.raises(VerificationError) as raised:
            found.check()
        said = str(raised.value)
        assert "cd4.final.difference.p: 0.06 → 0.024 (P now below 0.05)" in said
        assert "the difference between the arms was [61 → 67] cells" in said
    assert str(copy.folder) not in found._repr_html_()


@pytest.fixture(scope="module")
def changed(verified, tmp_path_factory):
    """What a verification says, and its receipt, where two CD4 counts are lower than when the numbers were accepted."""
    copy = verified[0].clone(tmp_path_factory.mktemp("changed") / "copy", without=("_build", "executed", ".snakemake"))
    path = copy.folder / "data/nk_inr/adlb.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    last = table.index[table[["PARAMCD", "AVISITN", "TRTP"]].eq(["CD4", "24", "NK+ART"]).all(axis=1)][:2]
    table.loc[last, "AVAL"] = [str(int(value) - 150) for value in table.loc[last, "AVAL"]]
    table.loc[last, "CHG"] = [str(int(v) - int(b)) for v, b in table.loc[last, ["AVAL", "BASE"]].to_numpy()]
    table.to_csv(path, index=False, lineterminator="\n")
    said = copy.run("trialbook", "verify", fails=True)
    return said, json.loads((copy.folder / "_build/receipt.json").read_text("utf8"))


def test_changed_data_fail_with_what_crossed_and_its_sentences(changed):
    """Though a claim of the paper is false with these data: that is said beside the numbers that made it so."""
    said, found = changed
    verdicts = {change["key"]: change["verdict"] for change in found["changes"]}
    assert verdicts["cd4.final.difference.ci"] == "interval now includes 0"
    assert verdicts["cd4.final.difference.p"] == "P now not below 0.05"
    assert verdicts["cd4.final.difference"].startswith("moved by −30")
    assert "cd4.baseline.nk_art.mean" not in verdicts and "cd8.final.difference" not in verdicts
    assert "book/index: At month 24 the difference between the arms was [67 → 37] cells" in said
    assert "a claim does not hold: cd4_higher: book/discussion, book/index" in said and "Traceback" not in said
    assert [file["file"] for file in found["data"] if file["state"] == "changed"] == ["adlb.csv"]
    assert 0 < found["reproduced"] == found["numbers"] - len(verdicts)


@pytest.fixture
def unaccepted(tmp_path):
    """The sources of the paper without its lock."""
    copy = Copy.of_sources(tmp_path / "copy")
    (copy.folder / "book/numbers.lock.json").unlink()
    return copy


def test_without_a_lock_nothing_is_computed(unaccepted):
    said = unaccepted.run("trialbook", "verify", fails=True)
    assert "trialbook accept" in said and "Traceback" not in said
    assert not (unaccepted.folder / "_build").exists()


def test_the_notebook_fails_where_there_is_no_lock(unaccepted):
    with pytest.raises(NotebookError, match="trialbook accept"):
        notebook.run(unaccepted.folder / "notebooks/00_verify.ipynb", unaccepted.folder / "no.ipynb", {})
