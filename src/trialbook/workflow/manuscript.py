"""The paper without the notebooks of its appendix, in the forms of co-authors and journals: Word, and JATS.

Both are made by pandoc from the book as one HTML page, because from LaTeX the numbers would get lost. Pandoc is a
program of its own, as TeX is: its Python package brings a hundred megabytes that only those who want them would need.
"""

import os
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from bs4 import BeautifulSoup, Tag

from trialbook.errors import UserError
from trialbook.project import Project
from trialbook.sphinx import authors
from trialbook.workflow import book

PROGRAMS = ("pandoc", "rsvg-convert")
DOCTYPE = (
    '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Publishing DTD with MathML3 v1.3 20210610//EN" '
    '"JATS-journalpublishing1-3-mathml3.dtd">\n'
)
SPACES = {"mml": "http://www.w3.org/1998/Math/MathML", "xlink": "http://www.w3.org/1999/xlink"}
HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
WHEN = (1980, 1, 1, 0, 0, 0)  # the same paper gives the same archive
Element = ElementTree.Element


def need_programs() -> None:
    """Refuse to start without the programs that write these forms.

    Raises
    ------
    UserError
    """
    if absent := [program for program in PROGRAMS if shutil.which(program) is None]:
        raise UserError(
            f"this needs {' and '.join(absent)}: "
            "apt-get install pandoc librsvg2-bin, brew install pandoc librsvg, or see pandoc.org/installing"
        )


def word(project: Project, output: Path, draft: bool = False) -> None:
    """Build the paper as a Word document.

    Parameters
    ----------
    project : Project
    output : Path
        The ``.docx``.
    draft : bool
        As for `book.build`.

    Raises
    ------
    UserError
        If the book has a fault, or pandoc cannot write it.
    """
    article, site = _article(project, output.parent, draft)
    for link in article.select(".num"):
        link.unwrap()
    _draw_images(article, site)
    made = output.with_name(f".{output.name}")
    told = ["--metadata", f"title={_taken_title(article)}", "--metadata", "lang=en"]
    told += [
        part
        for person in authors.persons(project.citation)
        for part in ("--metadata", f"author={authors.name(person)}")
    ]
    options = ["--to", "docx", "--shift-heading-level-by=-1", *told, "--output", str(made.resolve())]
    _pandoc(article, site, options, output)
    made.replace(output)


def jats(project: Project, output: Path, draft: bool = False) -> None:
    """Build the paper as JATS 1.3 (Journal Publishing), in an archive with its figures.

    Each number is a ``named-content`` of the type ``result``, whose ``specific-use`` is its key.

    Parameters
    ----------
    project : Project
    output : Path
        The ``.zip``.
    draft : bool
        As for `book.build`.

    Raises
    ------
    UserError
        If the book has a fault, or pandoc cannot write it.
    """
    article, site = _article(project, output.parent, draft)
    for link in article.select(".num"):
        link.name = "span"
        link.attrs = {"data-content-type": "result", "data-specific-use": str(link["data-key"])}
    references = [(str(entry["id"]), entry.get_text(" ", strip=True)) for entry in article.select("p.citation")]
    for entry in article.select("p.citation"):
        entry.decompose()  # JATS has the references at its end
    for strip in article.select("img.strip, .strip img"):
        strip.decompose()
    figures = [str(figure.get("id", "")) for figure in article.select("figure")]
    images = sorted({str(image["src"]) for image in article.select("img")})
    options = ["--to", "jats_publishing", "--standalone", "--wrap=none", "--metadata", "title=."]
    text = _pandoc(article, site, options, output).partition("<article")
    for prefix, space in SPACES.items():
        ElementTree.register_namespace(prefix, space)
    root = _completed(ElementTree.fromstring(text[1] + text[2]), authors.persons(project.citation), references)
    _label(root, figures)
    content = '<?xml version="1.0" encoding="utf-8"?>\n' + DOCTYPE + ElementTree.tostring(root, encoding="unicode")
    made = output.with_name(f".{output.name}")
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("paper.xml", WHEN), content, zipfile.ZIP_DEFLATED)
        for name in images:
            archive.writestr(zipfile.ZipInfo(name, WHEN), (site / name).read_bytes(), zipfile.ZIP_DEFLATED)
    made.replace(output)


def _article(project: Project, folder: Path, draft: bool) -> tuple[Tag, Path]:
    """Build the book as one page, and take of it what is no site's: no appendix, and links within the page."""
    site = folder / "singlehtml"
    book.build(project, site, "singlehtml", draft)
    page = f"{project.pages()[0]}.html"
    article = BeautifulSoup((site / page).read_text("utf8"), "html.parser").select("article")[0]
    starts = {str(mark["id"]): mark.find_next("section") for mark in article.select("span[id^='document-']")}
    appendix = f"span[id^='document-{project.places.executed}/'] + section"
    for gone in article.select(f"{appendix}, script, a.headerlink, span[id^='document-'], .admonition.tip"):
        gone.decompose()
    for wrapper in article.select(".toctree-wrapper"):
        for section in wrapper.find_all("section", recursive=False):
            article.append(section)  # beside the front page, not within it
        wrapper.decompose()
    _take_out_sources(article)
    cited = _number_references(article)
    _number_ids(article)
    for link in article.select("a.reference.internal, a[href^='#']"):
        target = str(link["href"]).removeprefix(page).removeprefix("#")
        if link.get_text(strip=True).isdigit() and target in cited:
            target = cited[target]
        start = starts.get(target)
        target = str(start["id"]) if isinstance(start, Tag) and start.get("id") else target
        if article.find(id=target):
            link["href"] = f"#{target}"
        else:
            link.unwrap()
    for section in article.select("section"):
        if heading := section.find(HEADINGS, recursive=False):
            heading["id"] = str(section["id"])
        for anchor in section.select(":scope > span[id]:empty"):
            anchor.decompose()
        section.unwrap()  # pandoc makes sections of headings
    for box in article.select("div:not(.admonition):not(.math)"):
        box.unwrap()
    return article, site


def _number_references(article: Tag) -> dict[str, str]:
    """Make of each reference one paragraph with an id that no other page has; the new ids by the old."""
    cited = {}
    for number, entry in enumerate(article.select("div.citation"), start=1):
        label, text = entry.select_one(".label"), entry.select_one("p")
        if label and text:
            cited[str(entry["id"])] = name = f"reference-{number}"
            text.insert(0, f"{label.get_text(strip=True)} ")
            label.decompose()
            text["id"], text["class"] = name, "citation"
            entry.unwrap()
    return cited


def _take_out_sources(article: Tag) -> None:
    """Take out the links from captions to the cells behind them."""
    for link in article.select(".num"):
        if link.get_text() == "source":
            before, after = link.previous_sibling, link.next_sibling
            if before and after:
                before.replace_with(str(before).removesuffix(" ["))
                after.replace_with(str(after).removeprefix("]"))
            link.decompose()


def _number_ids(article: Tag) -> None:
    """Give what has the same id as something before it one of its own, since pages of a book may share one."""
    seen: dict[str, int] = {}
    for node in article.select("[id]"):
        name = str(node["id"])
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            node["id"] = f"{name}-{seen[name]}"


def _taken_title(article: Tag) -> str:
    """Take the title out of the text, since Word has a place for it."""
    heading = article.find("h1")
    if not isinstance(heading, Tag):
        return ""
    heading.extract()
    return " ".join(heading.get_text().split())


def _pandoc(article: Tag, folder: Path, options: Sequence[str], output: Path) -> str:
    command = ["pandoc", "--from", "html", *options]
    environment = os.environ | {"SOURCE_DATE_EPOCH": "315532800"}  # 1980: the same paper gives the same file
    done = subprocess.run(
        command, cwd=folder, env=environment, input=str(article), capture_output=True, encoding="utf8"
    )
    if done.returncode:
        raise UserError(f"pandoc could not write {output}: {done.stderr.strip()}")
    return done.stdout


def _draw_images(article: Tag, folder: Path) -> None:
    """Draw each image in pixels, sharp enough for print, since Word shows no SVG of others."""
    for image in article.select("img[src$='.svg']"):
        source = str(image["src"])
        drawn = source.removesuffix(".svg") + ".png"
        command = ["rsvg-convert", "--zoom", "3", "--output", drawn, source]
        subprocess.run(command, cwd=folder, check=True)
        image["src"] = drawn
        for size in ("width", "height", "style"):
            del image[size]
        inline = image.find_parent("figure") is None
        image["height" if inline else "width"] = "0.25in" if inline else "6in"


# ------------------------------------------------------------------------------------------------------------- JATS


def _completed(root: Element, persons: Sequence[dict[str, Any]], references: Sequence[tuple[str, str]]) -> Element:
    """Put title, authors, abstract and references where JATS has them, and leave out what its DTD does not know."""
    root.set("dtd-version", "1.3")
    body, about = root.find("body"), root.find("front/article-meta")
    if body is None or about is None:
        raise UserError("pandoc wrote no article\n      → install pandoc 2.17 or later")
    whole, *others = body
    title, parts = whole.find("title"), [*(part for part in whole if part.tag == "sec"), *others]
    body[:] = [part for part in parts if part.get("id") != "abstract" and not _is_empty(part)]
    front = [_text("article-title", " ".join("".join(title.itertext()).split()) if title is not None else "")]
    about[:] = [_holding("title-group", front)]
    if persons:
        about.append(_holding("contrib-group", [_author(person) for person in persons]))
    for abstract in (part for part in parts if part.get("id") == "abstract"):
        about.append(_holding("abstract", list(abstract.iter("p"))))
    back = root.find("back")
    if back is not None and references:
        listed = [_holding("ref", [_text("mixed-citation", said)], id=name) for name, said in references]
        back[:] = [_holding("ref-list", [_text("title", "References"), *listed])]
    named = {name for name, _ in references}
    for link in root.iter("xref"):
        link.attrib.pop("alt", None)
        if link.get("rid") in named:
            link.set("ref-type", "bibr")
    return root


def _is_empty(section: Element) -> bool:
    """Whether a section has no more than its title."""
    return "".join(section.itertext()).strip() == "".join(section.findtext("title", "")).strip()


def _label(root: Element, figures: Sequence[str]) -> None:
    """Give the figures their ids, which older versions of pandoc leave out, and take away an id that stands twice."""
    for figure, name in zip(root.iter("fig"), figures, strict=True):
        if name:
            figure.set("id", name)
    seen: set[str] = set()
    for node in root.iter():
        if (name := node.get("id", "")) in seen:
            del node.attrib["id"]
        elif name:
            seen.add(name)
    for link in root.iter("xref"):
        if link.get("rid") not in seen:
            link.tag = "styled-content"
            link.attrib.clear()


def _text(tag: str, text: str) -> Element:
    made = Element(tag)
    made.text = text
    return made


def _holding(tag: str, parts: Sequence[Element], **attributes: str) -> Element:
    made = Element(tag, attributes)
    made.extend(parts)
    return made


def _author(person: dict[str, Any]) -> Element:
    name = [_text("surname", person["family-names"])]
    name += [_text("given-names", person["given-names"])] if person.get("given-names") else []
    parts = [_holding("name", name)]
    if orcid := person.get("orcid"):
        parts.insert(0, _text("contrib-id", str(orcid)))
        parts[0].set("contrib-id-type", "orcid")
    if affiliation := person.get("affiliation"):
        parts.append(_text("aff", affiliation))
    return _holding("contrib", parts, **{"contrib-type": "author"})
