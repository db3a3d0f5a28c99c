"""A table on a page, in print and in a notebook: what it means, what stands in line, and that data are never markup."""

import re
import shutil
import subprocess

import pytest
from bs4 import BeautifulSoup
from tiny import Paper, code

from trialbook.displays.tables import Row, Table
from trialbook.displays.tables.markup import padding
from trialbook.results.row import Results

HOSTILE = ["<script>alert(1)</script>", "A & B", "100%_of $x$", "\\input{x}", "#1 {a}", "~ and ^", "'\"", "–"]
VALUES = [-1.3, 12.25, 0.004, 110.0, None, 7.5]
PAGE = """# Page
```{result-table} t.wide
:name: tab-wide
A caption.
```
```{result-table} t.plain
Another.
```
```{toctree}
executed/one
```
"""


def made():
    results = Results()
    for i, value in enumerate(VALUES):
        reason = "nothing was measured" if value is None else ""
        results.add(f"v.{i}", value, "mean", 2, method="as given", reason=reason)
        results.add(f"ci.{i}", value and [value - 10, value + 100], "ci", 2, reason=reason)
    results.add("size", 10, "count")
    columns = ["Label & <b>", ("Arm $1$: mean", results["size"]), "Arm $1$: CI", "Arm_2: mean", "Arm_2: CI", "P_1", "Q"]
    pair = [[results[f"v.{i}"], results[f"ci.{i}"]] for i in range(len(VALUES))]
    rows = [Row("<i>Section</i> 50%")]
    rows += [Row(HOSTILE[i], [*cells, *cells, HOSTILE[i], "–"], 1) for i, cells in enumerate(pair)]
    rows += [Row(HOSTILE[-2], [*pair[0], *pair[1], HOSTILE[-1], "<0.001"])]
    wide = Table("t.wide", columns, rows, ["n & <script>alert(2)</script>, 5% of $x_1$."])
    return results, wide, Table("t.plain", ["Name", "n"], [Row("A", [results["size"]])])


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    cells = [code(shown, id=f"c{i}") for i, shown in enumerate(made())]
    paper = Paper(tmp_path_factory.mktemp("tables")).notebook("one", *cells).write({"index.md": PAGE})
    for builder in ("html", "latex"):
        paper.build(builder)
    return paper.folder / "_build"


@pytest.fixture(scope="module", params=["page", "notebook"])
def table(request, project):
    """The wide table of a page of prose, and that of the notebook's own page."""
    name = {"page": "html/index.html", "notebook": "html/executed/one.html"}[request.param]
    return BeautifulSoup((project / name).read_text("utf8"), "html.parser").select("table.results-table")[0]


def test_every_number_is_a_link_to_its_cell_that_bears_its_key(project):
    page = BeautifulSoup((project / "html/index.html").read_text("utf8"), "html.parser")
    rows = {row.key: row.display for row in made()[0]}
    links = [link for link in page.select("td a.num, th a.num") if link.get_text() != "source"]
    assert {link["data-key"] for link in links} == set(rows)
    for link in links:
        assert link.get_text() == rows[link["data-key"]]
        assert link["href"] == "executed/one.html#cell-c0"


def test_headings_say_what_they_head(table):
    assert [cell.get("scope") for cell in table.select("thead tr")[0].select("th, td")] == [
        None,
        "colgroup",
        "colgroup",
        None,
        None,
    ]
    assert table.select_one("thead th").get_text(" ") == "Arm $1$ n =  10"
    below = [cell.get_text() for cell in table.select("thead tr")[1].select("th[scope=col]")]
    assert below == ["Label & <b>", "mean", "CI", "mean", "CI", "P_1", "Q"]
    assert [int(group["span"]) for group in table.select("colgroup")] == [1, 2, 2, 1, 1]
    assert [len(group.select("tr")) for group in table.select("tbody")] == [1 + len(VALUES), 1]
    assert table.select_one("tbody th")["scope"] == "rowgroup"
    assert len(table.select("tbody th[scope=row]")) == len(VALUES) + 1


def test_footnotes_describe_their_table_and_a_wide_one_is_a_named_region(table):
    page = table.find_parent("body")
    (notes,) = page.select(f"#{table['aria-describedby']}")
    assert notes.get_text().strip() == "n & <script>alert(2)</script>, 5% of $x_1$."
    assert table.parent["role"] == "region" and table.parent["tabindex"] == "0" and table.parent["aria-label"]
    narrow = page.select("table.results-table")[1]
    assert "role" not in narrow.parent.attrs and "aria-describedby" not in narrow.attrs


def test_a_caption_comes_first(project):
    page = BeautifulSoup((project / "html/index.html").read_text("utf8"), "html.parser")
    for table in page.select("table.results-table"):
        assert table.find(True).name == "caption"
        assert re.match(r"Table \d ", table.caption.get_text())


def test_data_are_text_on_a_page(table):
    labels = [cell.get_text() for cell in table.select("tbody th[scope=row]")]
    assert labels == [*HOSTILE[: len(VALUES)], HOSTILE[-2]]
    cells = [row.select("td")[4].get_text() for row in table.select("tr") if len(row.select("td")) == 6]
    assert cells == [*HOSTILE[: len(VALUES)], HOSTILE[-1]]
    assert not table.select("script, b, i, input")
    assert not [script for script in table.find_parent("body").select("script") if "alert" in script.get_text()]


def test_data_are_text_in_print(project, tmp_path):
    if shutil.which("xelatex") is None or shutil.which("pdftotext") is None:
        pytest.skip("no XeTeX or no pdftotext here")
    work = tmp_path / "latex"
    shutil.copytree(project / "latex", work)
    command = ["xelatex", "-interaction=batchmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True)
    assert done.returncode == 0, (work / "paper.log").read_text("utf8", "replace")[-2000:]
    said = subprocess.check_output(["pdftotext", "-raw", "paper.pdf", "-"], cwd=work, text=True)
    said = re.sub(r"\s", "", said.translate(str.maketrans("’‘”“", "''\"\"")))
    for text in HOSTILE[:6]:
        assert re.sub(r"\s", "", text) in said, text
    log = (work / "paper.log").read_text("utf8", "replace")
    assert all(float(wide) < 3 for wide in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log))


def test_room_before_a_number_completes_the_longest():
    texts = ["12.3 (4.5)", "−1.30 to 99.57", "<0.001", "2 (20%)", "110", "–", "not estimable", "10,000"]
    rooms = padding(texts)
    shown = [re.match(r"[−<]?[\d,]*|–", text).group() or "–" for text in texts]
    whole = [len(room + text) for room, text in zip(rooms, shown, strict=True)]
    assert whole[:6] + whole[7:] == [len("−10,000")] * 7
    assert rooms[6] == ""
    assert padding(["a", "b"]) == ["", ""]


@pytest.fixture(scope="module")
def page(browser, project):
    shown = browser.new_page(viewport={"width": 390, "height": 800})
    shown.goto((project / "html/index.html").as_uri())
    yield shown
    shown.close()


def test_decimal_points_stand_in_line(page):
    edges = page.evaluate(
        """() => [...document.querySelectorAll('table.results-table')[0].tBodies].flatMap(b => [...b.rows])
        .filter(r => r.cells.length > 2).flatMap(r => [1, 2].map(i => {
            const link = r.cells[i].querySelector('.num'), text = link.firstChild.firstChild || link.firstChild;
            const found = /^[−<]?\\d+/.exec(text.data);
            if (!found) return null;
            const range = document.createRange();
            range.setStart(text, 0); range.setEnd(text, found[0].length);
            return [i, range.getBoundingClientRect().right]; })).filter(Boolean)"""
    )
    for column in (1, 2):
        own = [right for i, right in edges if i == column]
        assert len(own) == len(VALUES) and max(own) - min(own) < 1, own


def test_a_copied_or_spoken_number_has_no_padding(page):
    said = page.locator("table.results-table").first.inner_text()
    assert "−1.30\t" in said and "7.50\t" in said and "07.50" not in said.replace("107.50", "")


def test_a_wide_table_scrolls_in_its_box_on_a_phone(page):
    box = page.evaluate("(e => [e.clientWidth, e.scrollWidth])(document.querySelector('.wide'))")
    assert box[0] <= 390 < box[1]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
