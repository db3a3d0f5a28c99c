"""An author's morning, as `book/reproduce.md` tells it: a value corrected, told, accepted, committed and verified."""

import json
import platform
import re
import shutil
import subprocess
from types import SimpleNamespace

import nbformat
import pytest
from bs4 import BeautifulSoup
from builds import NOTEBOOKS, ROOT, Copy, Site, digests

from trialbook import provenance
from trialbook.editions.receipt import VerificationError
from trialbook.project import Project
from trialbook.workflow import notebook
from trialbook.workflow.notebook import NotebookError
from trialbook.workflow.verify import compare


def commands():
    """The commands of the section, as it gives them."""
    section = (
        (ROOT / "book/reproduce.md").read_text("utf8").partition("## An author's morning")[2].partition("\n## ")[0]
    )
    return re.search(r"```bash\n(.*?)```", section, re.DOTALL)[1].splitlines()


BOOK, DIFF, ACCEPT, COMMIT = commands()


def test_the_section_builds_compares_accepts_and_commits():
    assert [BOOK, DIFF, ACCEPT] == ["make book", "make diff", "make accept"]
    assert COMMIT.startswith("git commit --all")


@pytest.fixture(scope="module")
def accepted(book, tmp_path_factory):
    """The book put under version control, its numbers accepted; when its notebooks were run before that."""
    copy = book.clone(tmp_path_factory.mktemp("morning") / "copy")
    programs = copy.folder / ".venv/bin"  # where make looks for the engine, which here is that of the copy
    programs.mkdir(parents=True)
    own = f'#!/bin/sh\nPYTHONPATH="{copy.folder}/src" exec "{shutil.which("trialbook")}" "$@"\n'
    (programs / "trialbook").write_text(own)
    (programs / "trialbook").chmod(0o755)
    (programs.parent / ".book").write_text(f"{copy.folder}\n")
    for command in (
        "git init --quiet",
        "git config user.name N",
        "git config user.email n@example.org",
        "git add .",
        "git commit --quiet --message Sources",
    ):
        copy.run(*command.split())
    before = copy.executed()
    copy.run(*ACCEPT.split())
    copy.run("git", "commit", "--quiet", "--all", "--allow-empty", "--message", "As accepted")
    return SimpleNamespace(copy=copy, before=before)


def made_of(folder):
    """What the cards of the abstract say that the book was made from."""
    page = (folder / "_build/html/book/index.html").read_text("utf8")
    (part,) = re.findall(r"<dt>Made from.*?/dd>", page)
    return part


def test_a_commit_writes_the_pages_anew_and_runs_no_notebook(book, accepted):
    assert "not under version control" in made_of(book.folder)
    copy = accepted.copy
    assert copy.executed() == accepted.before
    said = made_of(copy.folder)
    assert copy.run("git", "rev-parse", "HEAD~1")[:12] in said
    assert f"sha256:{provenance.digest(Project.find(copy.folder).data)[:12]}" in said


def correct(copy):
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


@pytest.fixture(scope="module")
def corrected(accepted):
    """The book after a value was corrected and it was built again, and what `make diff` says and writes."""
    copy = accepted.copy
    before = copy.executed()
    correct(copy)
    copy.run(*BOOK.split())
    after = copy.executed()
    told = copy.run(*DIFF.split())
    page = BeautifulSoup((copy.folder / "_build/diff.html").read_text("utf8"), "html.parser")
    rerun = {name for name in after if after[name] != before[name]}
    return SimpleNamespace(copy=copy, site=copy.site, rerun=rerun, told=told, page=page)


def test_one_value_changes_every_sentence_that_depends_on_it(site, corrected):
    old, new = site, corrected.site
    assert corrected.rerun == set(NOTEBOOKS)
    moved = {key for key, row in new.results.items() if row["display"] != old.results[key]["display"]}
    assert {"cd4.final.nk_art.mean", "cd4.final.difference", "cd4.final.difference.ci", "cd4.gee.effect.cr2.p"} <= moved
    sentences = 0
    for page in new.pages:
        assert [key for key, _ in new.numbers(page)] == [key for key, _ in old.numbers(page)]
        for (key, now), (_, then) in zip(new.numbers(page), old.numbers(page), strict=True):
            assert now == new.results[key]["display"]
            assert (now != then) == (key in moved)
            sentences += key in moved
    assert sentences > len(moved) / 2
    for label, changes in (("CD4 count", True), ("CD8 count", False)):
        now, then = (one.pages["book/efficacy.html"].select(f"img[alt^='Mean {label}']") for one in (new, old))
        assert len(now) == 1 and (now[0]["alt"] != then[0]["alt"]) == changes


def in_sentences(soup):
    """The keys of the numbers of a page of prose that stand outside of its tables."""
    links = soup.select("article a.num[id^='number-']")
    return {link["data-key"] for link in links if not link.find_parent("table")}


def test_every_sentence_that_changed_is_told(site, corrected):
    old, new = site.results, corrected.site
    moved = {key for key, row in new.results.items() if row["display"] != old[key]["display"]}
    told = {item.find_previous("h3").get_text() for item in corrected.page.select("li")}
    assert told == {name.removesuffix(".html") for name in new.pages if in_sentences(new.pages[name]) & moved}
    links = [tuple(a["href"].split("#")) for a in corrected.page.select("li a")]
    assert links
    for place, anchor in links:
        (number,) = new.pages[place.removeprefix("html/")].select(f"#{anchor}")
        assert number["data-key"]
    for key in ("cd4.final.difference", "cd4.final.difference.ci"):  # what is told first; the page lists the rest
        assert f"{old[key]['display']} → {new.results[key]['display']}" in corrected.told
    key = "cd4.final.nk_art.mean"
    assert f"<del>{old[key]['display']}</del> <ins>{new.results[key]['display']}</ins>" in str(corrected.page)


@pytest.fixture(scope="module")
def committed(corrected):
    """The correction, accepted and committed: the state of the pages before, what is then different, and the copy."""
    copy = corrected.copy
    stood = copy.site.digests(), copy.site.folder.stat().st_mtime_ns
    copy.run(*ACCEPT.split())
    told = copy.run(*DIFF.split())
    subprocess.run(COMMIT, shell=True, cwd=copy.folder, check=True, capture_output=True)
    return SimpleNamespace(copy=copy, stood=stood, told=told)


def test_what_was_accepted_is_no_change_builds_no_page_and_is_committed_with_its_datum(committed):
    copy = committed.copy
    assert "changed" not in committed.told
    assert (copy.site.digests(), copy.site.folder.stat().st_mtime_ns) == committed.stood
    files = copy.run("git", "show", "--name-only", "--format=", "HEAD").split()
    assert files == ["book/numbers.lock.json", "data/nk_inr/adlb.csv"]
    again = copy.run("trialbook", "diff", "HEAD~1", "HEAD")
    assert "changed" in again
    told = (copy.folder / "_build/diff.md").read_text("utf8")
    assert "cd4.final.difference" in told and "The mean CD4 count rose from" in told


# ---------------------------------------------------------------------------------- a reviewer computes it all anew


@pytest.fixture(scope="module")
def verified(committed):
    """The copy, and its notebook of the verification, which computed everything anew, executed."""
    copy = committed.copy
    stood = digests(copy.folder / "_build/html"), digests(copy.folder / "executed")
    copy.run("trialbook", "run", "notebooks/00_verify.ipynb", "done.ipynb")
    assert (digests(copy.folder / "_build/html"), digests(copy.folder / "executed")) == stood
    return copy, nbformat.read(copy.folder / "done.ipynb", as_version=4)


def articles(site):
    """The pages as they are read, without the notice that a book is a draft and where it was built."""
    return {
        name: str(page.select_one("article")).replace("_build/verify/source/", "") for name, page in site.pages.items()
    }


@pytest.mark.long
def test_a_book_brought_up_to_date_is_the_book_built_from_nothing(verified):
    copy, _ = verified
    clean = Site(copy.folder / "_build/verify/html")
    assert clean.results == copy.site.results
    assert articles(clean) == articles(copy.site)


@pytest.mark.long
def test_the_notebook_ends_in_its_verdict(verified):
    copy, done = verified
    count = len(json.loads((copy.folder / "book/numbers.lock.json").read_text("utf8"))["numbers"])
    assert done.cells[-1].outputs[-1].text == f"{count} of {count} numbers reproduced\n"
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    assert any("Receipt of a verification" in output.get("data", {}).get("text/html", "") for output in outputs)


@pytest.mark.long
def test_the_receipt_says_what_matched_and_where(verified):
    copy, _ = verified
    found = json.loads((copy.folder / "_build/receipt.json").read_text("utf8"))
    assert found["reproduced"] == found["numbers"] > 700 and found["changes"] == []
    assert {file["file"]: file["state"] for file in found["data"]} == dict.fromkeys(
        ["adae.csv", "adex.csv", "adlb.csv", "adsl.csv", "published.yml", "trial.yml"], "yes"
    )
    assert found["python"] == platform.python_version() and found["packages"] > 100
    text = (copy.folder / "_build/receipt.html").read_text("utf8")
    assert not BeautifulSoup(text, "html.parser").select("[src], link, script")
    assert platform.node() not in text and str(copy.folder) not in text + json.dumps(found)


@pytest.mark.long
def test_a_number_that_is_not_reproduced_fails_with_its_sentence(verified):
    """The lock is altered, and then compared with what was computed anew."""
    copy, _ = verified
    project = Project.find(copy.folder, output=copy.folder / "_build/verify")
    compare(project).check()
    lock = project.lock.read_text("utf8")
    accepted = json.loads(lock)
    said = accepted["numbers"]["cd4.final.difference"]["display"]
    accepted["numbers"]["cd4.final.difference"] |= {"display": "61", "value": 61.0}
    accepted["numbers"]["cd4.final.difference.p"] |= {"display": "0.06", "value": 0.06}
    accepted["data"]["adlb.csv"] = "0"
    project.lock.write_text(json.dumps(accepted), "utf8")
    found = compare(project)
    project.lock.write_text(lock, "utf8")
    assert {file["file"] for file in found.data if file["state"] == "changed"} == {"adlb.csv"}
    for _ in range(2):
        with pytest.raises(VerificationError, match=r"difference\.p: 0\.06 → 0\.\d+ \(P now below 0\.05\)") as raised:
            found.check()
        assert f" was [61 → {said}] cells" in str(raised.value)
    assert str(copy.folder) not in found._repr_html_()


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
