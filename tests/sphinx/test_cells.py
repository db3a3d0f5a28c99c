"""The cells of an executed notebook on its page: each number leads to its own, whatever is hidden or left out."""

import pytest
from tiny import analysed, code, markdown

from trialbook.results.executed import SVG
from trialbook.results.row import Results

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def drawn(key):
    """What a cell shows of a figure of the book: `test_figures.py` draws some."""
    data = {SVG: f"<svg xmlns='http://www.w3.org/2000/svg'>\n<text>{key}</text></svg>\n", "text/plain": key}
    return picture(data, {"trialbook": {"figure": key, "alt": f"What {key} shows"}})


def picture(data, metadata=None):
    """Something that is shown, by its forms."""
    return {"output_type": "display_data", "data": data, "metadata": metadata or {}}


def row(key):
    """One result, as a collection."""
    found = Results()
    found.add(key, 1, "count")
    return found


def cell(name, *figures, tags=(), **more):
    """A cell that shows a result of its own name and some figures."""
    return code(row(f"a.{name}"), *map(drawn, figures), id=name, tags=tags, **more)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of a notebook with cells of every kind."""
    cells = [
        cell("first"),
        cell("no_output", "fig.removed", tags=["remove-output"]),
        cell("shown", "fig.shown"),
        code(picture({"text/markdown": f"![a pixel](data:image/png;base64,{PIXEL})"}), id="markdown_image"),
        markdown("![pasted](attachment:pasted.png)", id="pasted", attachments={"pasted.png": {"image/png": PIXEL}}),
        cell("hidden_input", "fig.hidden_input", tags=["hide-input"]),
        cell("hidden_output", "fig.hidden_output", tags=["hide-output"]),
        cell("hidden", "fig.hidden", tags=["hide-cell"]),
        cell("no_input", "fig.no_input", tags=["remove-input"]),
        cell("gone", "fig.gone", tags=["remove-cell"]),
        cell("gone_by_parts", "fig.gone_by_parts", tags=["remove-input", "remove-output"]),
        cell("two", "fig.one", "fig.two"),
        cell("loop", *(f"fig.loop{i}" for i in range(3))),
        cell("collapsed", "fig.collapsed", jupyter={"outputs_hidden": True}),
        code(picture({"image/png": PIXEL}), id="bitmap"),
        cell("empty", source=""),
        cell("after", "fig.after"),
        cell("last", tags=["remove-cell"]),
    ]
    keys = [f"a.{one['id']}" for one in cells if "a." in str(one.get("outputs"))]
    prose = "# Paper\n\n" + " ".join(f"{{num}}`{key}`" for key in keys) + "\n"
    built = analysed(tmp_path_factory.mktemp("cells"), prose, *cells).build()
    links = {link["data-key"]: link["href"] for link in built.pages["index"].select("a.num")}
    assert links == {f"a.{one}": f"executed/one.html#cell-{one}" for one in (key.removeprefix("a.") for key in keys)}
    return built.pages["executed/one"]


def test_every_cell_that_is_shown_has_its_anchor_before_it(page):
    shown = [box.find_previous_sibling("span") for box in page.select("article div.cell, div.body div.cell")]
    names = [span["id"].removeprefix("cell-") for span in shown]
    assert names == [
        "results",
        "first",
        "no_output",
        "shown",
        "markdown_image",
        "hidden_input",
        "hidden_output",
        "hidden",
        "no_input",
        "two",
        "loop",
        "collapsed",
        "bitmap",
        "after",
    ]


@pytest.mark.parametrize(("gone", "following"), [("gone", "two"), ("gone_by_parts", "two"), ("empty", "after")])
def test_the_number_of_a_cell_that_is_not_shown_leads_to_the_next_that_is(page, gone, following):
    assert page.select_one(f"#cell-{gone}").find_next("div", class_="cell") is (
        page.select_one(f"#cell-{following}").find_next("div", class_="cell")
    )


def test_the_number_of_a_last_cell_that_is_not_shown_leads_to_the_end(page):
    assert page.select_one("#cell-last") and not page.select_one("#cell-last").find_next("div", class_="cell")


def test_every_figure_has_its_own_alternative_text(page):
    texts = [image["alt"] for image in page.select("div.cell img")]
    figures = ["shown", "hidden_input", "hidden_output", "hidden", "no_input", "one", "two"]
    figures += ["loop0", "loop1", "loop2", "collapsed", "after"]
    assert [text for text in texts if text.startswith("What fig.")] == [f"What fig.{name} shows" for name in figures]
    assert "a pixel" in texts


def test_what_is_hidden_can_be_opened(page):
    for name in ("hidden_input", "hidden_output", "hidden"):
        assert page.select_one(f"#cell-{name}").find_next("div", class_="cell").select("details"), name


def test_rows_are_not_shown_and_no_warning_is_kept_back(page):
    assert "vnd.trialbook" not in str(page)
