"""The built book: the published figures stand in it, every number leads to its cell, and nothing in it is dead."""

import copy
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from builds import ROOT

from trialbook.results import formats

PUBLISHED = yaml.safe_load((ROOT / "data/nk_inr/published.yml").read_text("utf8"))["figures"]
ABSTRACT, RESULTS = "book/index.html", ["book/cohort.html", "book/efficacy.html", "book/safety.html"]
LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}


@pytest.fixture(scope="module")
def changed(book, tmp_path_factory):
    """Build a clone of the book's pages, with edits of (file, old, new), and return it."""

    def build(*edits):
        copy = book.clone(tmp_path_factory.mktemp("changed") / "copy")
        for edit in edits:
            copy.edit(*edit)
        copy.make()
        return copy

    return build


def shown(printed):
    """How prose shows a figure of published.yml: ``2/10`` as a count of a total."""
    count = re.fullmatch(r"(\d+)/(\d+)", printed)
    return formats.count_of(*count.groups()) if count else printed


@pytest.mark.parametrize("figure", [f for f in PUBLISHED if re.search(r"\d", f["printed"])], ids=lambda f: f["key"])
def test_a_published_figure_stands_in_the_text_and_beside_the_printed_one(site, figure):
    """With the printed digits beside print; in the text a model's estimate may have fewer."""
    told = [number for page in (ABSTRACT, *RESULTS) for number in site.numbers(page)]
    assert figure["key"] in {key for key, _ in told}
    beside = dict(site.numbers("book/reconciliation.html"))
    key = f"reconciliation.{figure['key']}"
    assert beside[f"{key}.printed"] == figure["printed"]
    assert beside[f"{key}.computed"].removesuffix("%") == shown(figure["printed"]).removesuffix("%")


def test_a_figure_published_as_not_significant_is_so(site):
    keys = [f["key"] for f in PUBLISHED if f["printed"] == "not significant"]
    assert keys
    for key in keys:
        assert site.results[key]["value"] > 0.05
        assert (key, site.results[key]["display"]) in site.numbers("book/efficacy.html")


def test_every_number_shows_its_row_and_leads_to_its_cell(site):
    seen, anchors = 0, {}
    for page, soup in site.pages.items():
        for link in soup.select("a.num"):
            place, _, anchor = link["href"].partition("#")
            target = (Path(page).parent / place).as_posix() if place else page
            target = re.sub(r"[^/]+/\.\./", "", target)
            if target not in anchors:
                before = (cell.find_previous_sibling() for cell in site.pages[target].select(".cell"))
                anchors[target] = {element["id"] for element in before if element.has_attr("id")}
            assert anchor in anchors[target], f"{page}: {link}"
            if link.get_text() != "source":
                row = site.results[link["data-key"]]
                assert link.get_text() == row["display"], f"{page}: {link}"
                assert (Path(target).stem, anchor) == (row["notebook"], row["cell"])
                seen += 1
    assert seen > len(PUBLISHED)


def test_no_link_stands_in_another(site):
    for page in site.every_page:
        assert not site.every_page[page].select("a a"), page


def test_every_page_of_prose_but_those_of_references_lists_and_instructions_has_numbers(site):
    without = [page for page in site.pages if page.startswith("book/") and not site.numbers(page)]
    lists = {"book/consort.html", "book/numbers.html"}
    assert set(without) <= {"book/references.html", "book/reproduce.html", *lists}


def test_no_page_loads_anything_from_another_host(site):
    for page, soup in site.every_page.items():
        for name, attribute in LOADED.items():
            for element in soup.find_all(name):
                if name == "link" and set(element.get("rel", [])) & {"canonical", "author", "license"}:
                    continue
                assert not urlsplit(element.get(attribute, "")).netloc, f"{page}: {element}"
        for script in soup.find_all("script", src=False):
            assert not re.search(r"(import|fetch|src\s*=)[^;]{0,20}https?://", script.get_text()), f"{page}: {script}"
    for sheet in site.folder.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", sheet.read_text("utf8")), sheet


def test_the_banner_stands_on_every_page_while_the_data_are_synthetic(site):
    for page, soup in site.pages.items():
        assert "synthetic" in soup.select_one(".bd-header-announcement").get_text(), page
    assert "synthetic" in site.text(ABSTRACT).partition("Abstract")[2]


def test_every_local_link_and_image_exists(site):
    places = {}
    for page, soup in site.every_page.items():
        for element, attribute in [(e, "href") for e in soup.find_all("a", href=True)] + [
            (e, "src") for e in soup.find_all("img")
        ]:
            parts = urlsplit(element[attribute])
            if parts.scheme or parts.netloc:
                assert parts.scheme in ("https", "mailto", "data"), f"{page}: {element}"
                continue
            target = (site.folder / page).parent / unquote(parts.path) if parts.path else site.folder / page
            assert target.resolve().is_file(), f"{page}: {element}"
            name = target.resolve().relative_to(site.folder.resolve()).as_posix()
            if parts.fragment and name in site.every_page:
                if name not in places:
                    places[name] = {e["id"] for e in site.every_page[name].select("[id]")}
                assert unquote(parts.fragment) in places[name], f"{page}: {element}"


def test_without_a_repository_no_page_has_a_button_that_needs_it(site):
    for page, soup in site.every_page.items():
        assert not soup.select(".dropdown-launch-buttons, .dropdown-source-buttons, .btn-launch-binder"), page
        assert not [
            a
            for a in soup.find_all("a", href=True)
            if re.search("mybinder|github.com/[^/]+/[^/]+/(tree|issues|edit)", a["href"])
        ], page


def test_every_image_of_the_paper_says_what_it_shows(site):
    images = [(page, image) for page, soup in site.pages.items() for image in soup.select("article img")]
    assert len([page for page, _ in images if page.startswith("book/")]) >= 5
    for page, image in images:
        assert len(image.get("alt", "")) > 30 and not image["alt"].endswith(".svg"), f"{page}: {image}"


WAYS = r"""## Ways of a number: {num}`cd4.final.difference`

| place | number |
|---|---|
| cell | {num}`cd4.gee.effect` |

:::{list-table} A caption with {num}`cd8.gee.effect`
* - {p}`cd4.gee.effect.p`
:::

[To {num}`cohort.randomised.n` participants](cohort.md) and **{ci}`cd4.final.difference`**,
with $\hat\beta = \bar y$ beside

$$\sum_i x_i^2 = 1$$ (eq-sum)

and again {eq}`eq-sum`.
"""


@pytest.fixture(scope="module")
def with_repository(changed):
    """The book with the address of a repository and, to save a build, with `WAYS` at the end of a page."""
    address = ("_config.yml", 'url: ""', "url: https://github.com/someone/paper")
    return changed(address, ("book/reproduce.md", "", "\n" + WAYS)).site


def test_launch_buttons_open_the_source_notebook_in_jupyterlab(with_repository):
    for page, soup in with_repository.pages.items():
        links = [unquote(a["href"]) for a in soup.select(".article-header-buttons a[href*=mybinder]")]
        if page.startswith("executed/"):
            name = Path(page).stem
            assert links == [f"https://mybinder.org/v2/gh/someone/paper/main?urlpath=lab/tree/notebooks/{name}.ipynb"]
        else:
            assert links == []


def test_no_button_points_at_a_file_that_the_repository_lacks(with_repository):
    base = "https://github.com/someone/paper/"
    for page, soup in with_repository.pages.items():
        for link in soup.select(f"a[href^='{base}']"):
            path = re.fullmatch(r"(?:blob|edit|tree|raw)/main/(.*)", link["href"].removeprefix(base).partition("?")[0])
            if path:
                assert (ROOT / unquote(path[1])).is_file(), f"{page}: {link}"


@pytest.fixture(scope="module")
def ways(with_repository):
    return with_repository.pages["book/reproduce.html"].select_one("article")


@pytest.mark.parametrize(
    ("where", "key"),
    [
        ("h2", "cd4.final.difference"),
        ("td", "cd4.gee.effect"),
        ("caption", "cd8.gee.effect"),
        ("td", "cd4.gee.effect.p"),
        ("strong", "cd4.final.difference.ci"),
    ],
)
def test_a_number_works_in(ways, site, where, key):
    assert [link.get_text() for link in ways.select(f"{where} a.num[data-key='{key}']")] == [
        site.results[key]["display"]
    ]


def test_a_number_in_a_link_is_text_of_that_link(ways, site):
    assert f"To {site.results['cohort.randomised.n']['display']} participants" in " ".join(ways.get_text().split())
    assert not ways.select("a a")


def test_a_formula_is_mathml_without_a_script(ways):
    assert len(ways.select("math")) == 2
    assert ways.select_one("div.math math[display=block]")
    assert "(1)" in ways.select_one("div.math").get_text()
    scripts = "".join(map(str, ways.find_parent("html").find_all("script")))
    assert not re.search("MathJax|katex", scripts, re.I)


@pytest.fixture(scope="module")
def latex(book, tmp_path_factory):
    copy = book.clone(tmp_path_factory.mktemp("latex") / "copy")
    copy.run("trialbook", "pages", "--builder", "latex")
    return copy.folder / "_build/latex"


def test_latex_has_the_numbers_and_the_tables_and_figures_and_the_notebooks_apart(latex, site):
    text, appendix = ((latex / f"{name}.tex").read_text("utf8") for name in ("paper", "appendix"))
    assert text.count(r"\title{") == appendix.count(r"\title{") == 1 and "twoside" not in text
    assert "results (" not in appendix and len(re.findall(r"\\begin\{(?:tabulary|longtable|tabular)\}", appendix)) > 40
    for figure in PUBLISHED:
        if re.search(r"\d", figure["printed"]):
            assert site.results[figure["key"]]["display"].replace("%", r"\%") in text, figure
    placed = "\n".join(path.read_text("utf8") for path in ROOT.glob("book/*.md"))
    assert text.count(r"\begin{figure}") >= placed.count("{result-figure}")
    assert len(re.findall(r"\\begin\{(?:tabulary|longtable|tabular)\}", text)) >= placed.count("{result-table}")
    assert all(
        (latex / name).exists() or list(latex.glob(f"{name}.*"))
        for name in re.findall(r"\\sphinxincludegraphics(?:\[[^]]*\])?\{\{(.*?)\}", text)
    )


def test_the_pdf_has_the_numbers(latex):
    if missing := [tool for tool in ("xelatex", "latexmk", "pdftotext") if not shutil.which(tool)]:
        pytest.skip(f"no {', '.join(missing)} here")
    done = subprocess.run(
        ["latexmk", "-xelatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=latex,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    text = " ".join(subprocess.check_output(["pdftotext", "paper.pdf", "-"], cwd=latex, text=True).split())
    for figure in PUBLISHED:
        assert shown(figure["printed"]) in text or not re.search(r"\d", figure["printed"]), figure


def test_the_site_has_the_pages_of_the_contents_and_no_other(site):
    listed = re.findall(r"(?:file|root): (\S+)", (ROOT / "_toc.yml").read_text("utf8"))
    assert set(site.pages) == {f"{name}.html" for name in listed}


MAIN = ("introduction", "methods", "cohort", "efficacy", "safety", "reconciliation", "discussion")
NO_WORDS = "table, .notes, script, .headerlink, math, figcaption, caption, .admonition"


def words_of(site, page):
    """The words of a page's running text, as a journal counts them: without titles' marks, tables and captions."""
    article = copy.copy(site.pages[f"book/{page}.html"].select_one("article"))
    for aside in article.select(NO_WORDS):
        aside.decompose()
    return re.findall(r"\S*\w\S*", article.get_text(""))


def test_the_paper_is_as_short_as_a_journal_takes_it(site):
    assert sum(len(words_of(site, page)) for page in MAIN) < 3500
    front = words_of(site, "index")
    abstract = front[front.index("Background.") : front.index("reconstruction", front.index("Registration"))]
    assert 200 < len(abstract) <= 300
