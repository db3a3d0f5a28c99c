"""An author's morning, as `book/reproduce.md` tells it: a value corrected, and what that does to the paper."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from builds import ROOT
from test_rebuild import one_cd4_value


def commands():
    """The commands of the section, as it gives them."""
    section = (
        (ROOT / "book/reproduce.md").read_text("utf8").partition("## An author's morning")[2].partition("\n## ")[0]
    )
    return re.search(r"```bash\n(.*?)```", section, re.DOTALL)[1].splitlines()


def in_sentences(soup):
    """The keys of the numbers of a page of prose that stand outside of its tables."""
    links = soup.select("article a.num[id^='number-']")
    return {link["data-key"] for link in links if not link.find_parent("table")}


@pytest.fixture
def repository(book, tmp_path):
    """The book under version control, its numbers accepted, with the environment of this Python as its own."""
    programs = Path(shutil.which("trialbook")).parent
    if not (programs.parent / ".book").exists():
        pytest.skip("this environment was not made by make")
    copy = book.clone(tmp_path / "copy")
    own = copy.folder / ".venv"  # a folder of its own: what make would clear is never the environment itself
    own.mkdir()
    (own / "bin").symlink_to(programs)
    (own / ".book").touch()
    for command in ("git init --quiet", "git config user.name N", "git config user.email n@example.org", "make accept"):
        copy.run(*command.split())
    copy.run("git", "add", ".")
    copy.run("git", "commit", "--quiet", "--message", "As accepted")
    return copy


def test_an_authors_morning(repository):
    book, diff, accept, commit = commands()
    assert (book, diff, accept) == ("make book", "make diff", "make accept")
    old = repository.site.results
    one_cd4_value(repository)
    repository.run(*book.split())
    said = repository.run(*diff.split())
    new = repository.site
    moved = {key for key, row in new.results.items() if row["display"] != old[key]["display"]}
    page = BeautifulSoup((repository.folder / "_build/diff.html").read_text("utf8"), "html.parser")
    told = {item.find_previous("h3").get_text() for item in page.select("li")}
    assert told == {name.removesuffix(".html") for name in new.pages if in_sentences(new.pages[name]) & moved}
    links = [tuple(a["href"].split("#")) for a in page.select("li a")]
    assert links
    for place, anchor in links:
        (number,) = new.pages[place.removeprefix("html/")].select(f"#{anchor}")
        assert number["data-key"]
    for key in ("cd4.final.difference", "cd4.final.difference.ci", "cd4.final.nk_art.mean"):
        assert f"{old[key]['display']} → {new.results[key]['display']}" in said
    stood = new.digests(), new.folder.stat().st_mtime_ns
    repository.run(*accept.split())
    assert "changed" not in repository.run(*diff.split())
    assert (new.digests(), new.folder.stat().st_mtime_ns) == stood  # what the pages do not show builds none again
    subprocess.run(commit, shell=True, cwd=repository.folder, check=True, capture_output=True)
    files = repository.run("git", "show", "--name-only", "--format=", "HEAD").split()
    assert files == ["book/numbers.lock.json", "data/nk_inr/adlb.csv"]
    again = repository.run("trialbook", "diff", "HEAD~1", "HEAD", "--report", "_build/again")
    assert "cd4.final.difference: " in again and "book/index: At " in again
