"""The paper as a Word document: its tables are tables, with the numbers of the page and their headings."""

import shutil
import zipfile
from xml.etree import ElementTree

import pytest

from trialbook.errors import UserError
from trialbook.workflow.manuscript import PROGRAMS, need_programs

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def said(element):
    """The text of a part of the document, without the room that aligns numbers."""
    return "".join(part.text or "" for part in element.iter(f"{W}t")).strip("\u2003\u2007 ")


@pytest.fixture(scope="module")
def paper(book, tmp_path_factory):
    for program in PROGRAMS:
        if shutil.which(program) is None:
            pytest.skip(f"no {program} here")
    copy = book.clone(tmp_path_factory.mktemp("word") / "copy")
    copy.run("trialbook", "docx")
    return copy


@pytest.fixture(scope="module")
def document(paper):
    with zipfile.ZipFile(paper.folder / "_build/paper.docx") as parts:
        return ElementTree.fromstring(parts.read("word/document.xml"))


@pytest.mark.parametrize("name", ["cohort", "efficacy", "safety"])
def test_the_tables_of_a_page_are_tables_in_word(paper, document, name):
    tables = [[said(cell) for cell in table.iter(f"{W}tc")] for table in document.iter(f"{W}tbl")]
    for table in paper.site.pages[f"book/{name}.html"].select("table.results-table"):
        cells = [link.get_text() for link in table.select("td a.num")]
        assert any(set(cells) <= set(own) for own in tables), table.caption.get_text()


def test_the_first_rows_are_repeated_as_headings(document):
    tables = [table for table in document.iter(f"{W}tbl") if len(list(table.iter(f"{W}tr"))) > 3]
    assert tables and all(next(table.iter(f"{W}tr")).find(f".//{W}tblHeader") is not None for table in tables)


def test_captions_numbers_and_figures_come_along_and_the_notebooks_do_not(paper, document):
    text = said(document)
    assert "Treatment-emergent adverse events by system organ class" in text and "[source]" not in text
    assert paper.site.results["cd4.final.difference.ci"]["display"] in text
    assert "trial_folder" not in text
    with zipfile.ZipFile(paper.folder / "_build/paper.docx") as parts:
        assert sum(name.endswith(".png") for name in parts.namelist()) > 5


def test_the_title_is_that_of_the_document_and_the_pages_are_its_sections(paper, document):
    styles = {"Title": [], "Heading1": []}
    for paragraph in document.iter(f"{W}p"):
        style = paragraph.find(f"{W}pPr/{W}pStyle")
        if style is not None and style.get(f"{W}val") in styles:
            styles[style.get(f"{W}val")].append(said(paragraph))
    assert styles["Title"] == [paper.site.results["trial.title"]["display"]]
    assert {"Abstract", "Introduction", "Methods", "Discussion"} <= set(styles["Heading1"])


@pytest.mark.long
def test_the_same_paper_gives_the_same_file(paper):
    before = (paper.folder / "_build/paper.docx").read_bytes()
    paper.run("trialbook", "docx")
    assert (paper.folder / "_build/paper.docx").read_bytes() == before


def test_a_missing_program_is_said_in_words(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(UserError, match="needs pandoc and rsvg-convert: apt-get install"):
        need_programs()
