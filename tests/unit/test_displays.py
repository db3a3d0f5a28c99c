"""Tables and figures that an author makes: what they refuse, and that they look the same on every machine."""

import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

import trialbook
from trialbook import Figure, Results, Table
from trialbook.analysis import baseline
from trialbook.displays import figures
from trialbook.displays.tables import Row
from trialbook.results.executed import texts

HEAVY = ("docutils", "matplotlib", "numpy", "pandas", "pydantic", "scipy", "seaborn", "statsmodels")


@pytest.fixture
def mean():
    results = Results()
    results.add("age.active.mean", 41.26, "mean", digits=1)
    return results["age.active.mean"]


@pytest.fixture
def svg():
    return lambda figure: figure._repr_mimebundle_()[0]["image/svg+xml"]


def loaded_by(statement):
    """The heavy packages that a statement imports."""
    script = f"import sys; {statement}; print(*({set(HEAVY)!r} & set(sys.modules)))"
    return set(subprocess.check_output([sys.executable, "-c", script], text=True).split())


def test_the_public_api_is_imported_when_it_is_asked_for():
    assert loaded_by("import trialbook; dir(trialbook)") == set()
    assert loaded_by("import trialbook; trialbook.Table") == {"docutils"}
    assert set(trialbook.__all__) <= set(dir(trialbook))
    assert all(getattr(trialbook, name).__name__ == name for name in trialbook.__all__)
    with pytest.raises(AttributeError, match="'trialbook' has no attribute 'Tabel'"):
        trialbook.Tabel  # noqa: B018


def test_pages_are_laid_out_without_statistics_and_drawings():
    assert loaded_by("import trialbook.displays.tables.markup") == {"docutils"}


def test_a_table_refuses_a_bare_number(mean):
    assert Table("t", ["", "Mean"], [Row("Age", [mean]), Row("Sex", ["–"]), Row("Both")])
    with pytest.raises(TypeError, match=r"in the row 'Age', 41\.26 is no result; add it to Results"):
        Table("t", ["", "Mean"], [Row("Age", [41.26])])


def test_a_table_refuses_a_row_that_does_not_fit_its_columns(mean):
    with pytest.raises(ValueError, match="table 't': the row 'Age' has 2 cells and needs 1"):
        Table("t", ["", "Mean"], [Row("Age", [mean, mean])])


def test_a_figure_needs_words_that_say_the_same():
    with pytest.raises(ValueError, match="figure 'f' has no alternative text"):
        Figure("f", plt.figure(), " ")


def test_an_authors_figure_is_kept_as_vectors_and_closed(svg):
    drawing, axes = plt.subplots()
    axes.set_title("Rising")
    figure = Figure("f", drawing, "It rises.")
    data, metadata = figure._repr_mimebundle_()
    assert metadata["trialbook"] == {"figure": "f", "alt": "It rises."}
    assert data["text/plain"] == "It rises." and "<svg" in data["image/svg+xml"] and data["application/pdf"]
    assert not plt.fignum_exists(drawing.number)


def test_a_figure_is_the_same_whatever_the_readers_settings_are(nk, svg):
    found = baseline.baseline(nk)
    settled = svg(figures.love(nk, found))
    with mpl.rc_context({"font.size": 20, "lines.linewidth": 9, "axes.facecolor": "red", "savefig.transparent": True}):
        assert svg(figures.love(nk, found)) == settled


def test_a_dollar_sign_in_a_label_is_a_dollar_sign(copy, svg):
    copy.text("trial.yml", "label: Age,", "label: Age $x^2$ and $y$,")
    study = copy.read()
    assert "Age $x^2$ and $y$" in texts(svg(figures.love(study, baseline.baseline(study))))


def test_a_table_of_one_number_is_a_sentence():
    found = Results()
    for name in ("a", "b", "c"):
        for arm in ("x", "y"):
            found.add(f"{name}.{arm}.n_of", [0, 10], "n of N")
    rows = [Row(name, [found[f"{name}.x.n_of"], found[f"{name}.y.n_of"]]) for name in ("a", "b", "c")]
    shown = Table("t", ["Event", "X", "Y"], [Row("All"), *rows], ["A note."])._json()
    assert [row["label"] for row in shown["rows"]] == ["0 of 10 in each of 3 lines (X, Y): a, b, c."]
    assert [column["text"] for column in shown["columns"]] == ["Event"] and shown["notes"] == ["A note."]
    found.add("d.n_of", [1, 10], "n of N")
    for other in ([found["d.n_of"], found["a.y.n_of"]], [found["a.x.n_of"], "–"]):
        kept = Table("t", ["Event", "X", "Y"], [*rows, Row("d", other)])._json()
        assert len(kept["rows"]) == 4 and len(kept["columns"]) == 3
    assert len(Table("t", ["Event", "X", "Y"], rows[:2])._json()["rows"]) == 2  # short enough to be read
