"""The paper as JATS: valid, with every number of its prose under its key, its figures, and its references."""

import re
import shutil
import zipfile
from xml.etree import ElementTree

import pytest
from reference import SHARED

from trialbook.workflow.manuscript import PROGRAMS

pytestmark = pytest.mark.long
DTD = SHARED / "schemas/jats-1.3/JATS-journalpublishing1-3-mathml3.dtd"
OF_SITE = ("numbers", "consort")  # pages that are lists


@pytest.fixture(scope="module")
def paper(book, tmp_path_factory):
    for program in PROGRAMS:
        if shutil.which(program) is None:
            pytest.skip(f"no {program} here")
    copy = book.clone(tmp_path_factory.mktemp("jats") / "copy")
    copy.run("trialbook", "jats")
    return copy


@pytest.fixture(scope="module")
def archive(paper):
    return zipfile.ZipFile(paper.folder / "_build/paper-jats.zip")


@pytest.fixture(scope="module")
def article(archive):
    return ElementTree.fromstring(archive.read("paper.xml"))


def test_it_is_valid(archive):
    etree = pytest.importorskip("lxml.etree")
    if not DTD.exists():
        pytest.skip(f"the DTD of JATS is not here: {DTD}")
    dtd = etree.DTD(str(DTD))
    assert dtd.validate(etree.fromstring(archive.read("paper.xml"))), dtd.error_log


def test_every_number_of_the_prose_is_there_under_its_key(paper, article):
    found = {}
    for part in article.iter("named-content"):
        if part.get("content-type") == "result":
            found.setdefault(part.get("specific-use"), set()).add(" ".join("".join(part.itertext()).split()))
    placed = 0
    for page in paper.site.pages:
        if page.startswith("book/") and page.removeprefix("book/").removesuffix(".html") not in OF_SITE:
            for link in paper.site.pages[page].select("article p a.num[data-key], article td a.num[data-key]"):
                key, text = link["data-key"], " ".join(link.get_text().split())
                if text and text != "source" and key in paper.site.results:
                    placed += 1
                    assert text in found.get(key, ()), (page, key)
    assert placed > 400


def test_title_abstract_figures_and_references_stand_where_jats_has_them(paper, article, archive):
    about = article.find("front/article-meta")
    assert "".join(about.find("title-group").itertext()).strip() == paper.site.results["trial.title"]["display"]
    abstract = " ".join("".join(about.find("abstract").itertext()).split())
    assert paper.site.results["cd4.final.difference.ci"]["display"] in abstract
    drawn = {part.get("{http://www.w3.org/1999/xlink}href") for part in article.iter("graphic")}
    assert len(drawn) > 10 and drawn <= set(archive.namelist())
    listed = {part.get("id") for part in article.iter("ref")}
    cited = {part.get("rid") for part in article.iter("xref") if part.get("ref-type") == "bibr"}
    assert cited and cited == listed
    assert re.match(r"\[1\] ", "".join(next(article.iter("mixed-citation")).itertext()))


def test_the_same_paper_gives_the_same_archive(paper, archive):
    paper.run("trialbook", "jats")
    assert zipfile.ZipFile(paper.folder / "_build/paper-jats.zip").read("paper.xml") == archive.read("paper.xml")
