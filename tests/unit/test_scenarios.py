"""The scenarios: what they may say, what is run, and that the published one is the paper's."""

from itertools import pairwise

import nbformat
import pytest
from builds import ROOT

from trialbook.analysis import efficacy, scenarios
from trialbook.displays import figures, tables
from trialbook.errors import FaultsError, UserError
from trialbook.results.row import Results

FILE = ROOT / "notebooks/scenarios.yml"
CHOICES = scenarios.Scenario.model_fields.keys() - {"id", "final", "follow_up"}


@pytest.fixture(scope="module")
def chosen(nk):
    return scenarios.read(FILE, nk)


@pytest.fixture
def written(tmp_path):
    """Write a file of scenarios."""

    def write(text):
        path = tmp_path / "scenarios.yml"
        path.write_text(text, "utf8")
        return path

    return write


def test_every_axis_is_varied(chosen):
    for name in CHOICES:
        assert len({getattr(scenario, name) for scenario in chosen}) > 1, name


def test_the_published_choices_are_the_parameters_of_the_efficacy_notebook(chosen):
    cells = nbformat.read(ROOT / "notebooks/03_efficacy.ipynb", as_version=4).cells
    given = {}
    exec(next(cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])), given)
    published = next(scenario for scenario in chosen if scenario.id == scenarios.PUBLISHED)
    for name in CHOICES:
        assert given[name] == getattr(published, name)


def test_a_set_that_a_trial_does_not_declare_is_not_asked_for(real):
    small = scenarios.read(FILE, real("actg175_n20"))
    assert "per_protocol" not in {scenario.id for scenario in small}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{id: a, final: A}\n  - {id: a, final: B}", "the id a stands twice"),
        ("{id: a}", "a needs a name under `final` or `follow_up`"),
        ("{id: a, final: A, covarience: CR2}", "did you mean `covariance`?"),
        ("{id: a, final: A, covariance: CR9}", "CR9"),
        ("{id: a, follow_up: A, estimator: REML}", "a: the covariance `model` goes with the estimator REML"),
        ("{id: a, follow_up: A, covariance: model}", "a: the covariance `model` goes with the estimator REML"),
        ("{id: a, follow_up: A, reference: kenward-roger}", "kenward-roger goes with the estimator REML"),
        ("{id: a, follow_up: A, estimator: REML, covariance: model}", "no exchangeable correlation with reference z"),
        ("{id: a, final: A, final_test: ANCOVA randomisation, missing: imputed}", "cannot be pooled over imputed"),
        ("{id: A B, final: A}", "lower-case letters"),
    ],
)
def test_a_faulty_scenario_is_said_in_words(nk, written, line, said):
    with pytest.raises(FaultsError, match=r"scenarios\.yml") as error:
        scenarios.read(written(f"scenarios:\n  - {line}\n"), nk)
    assert said in str(error.value)


@pytest.fixture(scope="module")
def ran(nk, chosen):
    """Three scenarios, run, with the results of all."""
    few = [scenario for scenario in chosen if scenario.id in ("published", "welch", "unadjusted")]
    return few, together(nk, few)


def together(study, chosen):
    effects = Results(study.facts.alpha)
    for scenario in chosen:
        effects.update(scenarios.run(study, scenario))
    return effects.update(scenarios.summary(study, chosen, effects))


def test_the_published_scenario_is_the_published_analysis(nk, ran):
    _, rows = ran
    for analysis, headline in ((efficacy.final_difference, "final.difference"), (efficacy.gee, "gee.effect")):
        results = analysis(nk)
        for parameter in nk.parameters("efficacy"):
            key = f"{parameter.id}.{headline}"
            for part in ("", ".ci", ".p"):
                assert rows[f"{key}.under.published{part}"].value == pytest.approx(results[f"{key}{part}"].value)


def test_a_scenario_is_the_analysis_that_it_names(nk, ran):
    _, rows = ran
    welch = efficacy.final_difference(nk)["cd4.final.difference.welch.p"]
    assert rows["cd4.final.difference.under.welch.p"].value == pytest.approx(welch.value)
    assert "cd4.gee.effect.under.welch" not in rows
    assert rows["cd4.gee.effect.under.unadjusted"].method == "GEE, CR2, Satterthwaite t, without baseline"
    assert {row.estimand for row in rows if row.key.endswith(".p")} == {"final", "follow_up"}


def test_table_figure_and_strip_say_every_scenario(nk, ran):
    few, rows = ran
    parameter = nk.parameters("efficacy")[0]
    table = tables.scenarios(nk, rows, parameter)
    for estimand in scenarios.HEADLINE:
        named = [scenario for scenario in few if scenario.name(estimand)]
        assert all(any(row.label == scenario.name(estimand) for row in table.rows) for scenario in named)
        drawn = figures.forest(nk, rows, few, parameter).alt
        strip = figures.strip(nk, rows, few, parameter, estimand)
        key = f"{parameter.id}.{scenarios.HEADLINE[estimand]}"
        for scenario in named:
            assert f"{scenario.name(estimand)}, {rows[f'{key}.under.{scenario.id}'].display} (" in drawn
        assert strip.key == f"{key}.strip"
        assert f"Under {len(named)} analyses" in strip.alt


def test_the_summary_counts_the_scenarios_that_have_an_effect(nk, ran):
    few, rows = ran
    values = [rows[f"cd4.gee.effect.under.{scenario.id}"].value for scenario in few if scenario.follow_up]
    assert rows["cd4.gee.effect.under.range"].value == [min(values), max(values)]
    clear = [row.value for row in rows if row.key.startswith("cd4.gee.effect.under.") and row.statistic == "ci"]
    expected = [sum(low > 0 or high < 0 for low, high in clear), len(clear)]
    assert rows["cd4.gee.effect.under.clear.n_of"].value == expected


def test_a_scenario_that_cannot_be_estimated_says_why(nk, chosen):
    """With ten participants an arm the products of six visits give no correlation matrix."""
    unstructured = [scenario for scenario in chosen if scenario.id == "unstructured"]
    rows = together(nk, unstructured)
    assert "not positive definite" in rows["cd4.gee.effect.under.unstructured.p"].reason
    assert rows["cd4.gee.effect.under.range"].reason == "no scenario has an effect"
    table = tables.scenarios(nk, rows, nk.parameters("efficacy")[0])
    assert any("not positive definite" in note for note in table.notes)


def test_a_scenario_of_a_set_that_is_not_declared_is_a_mistake_of_the_user(real, chosen):
    per_protocol = next(scenario for scenario in chosen if scenario.id == "per_protocol")
    with pytest.raises(UserError, match="no set 'per_protocol'"):
        scenarios.run(real("actg175_n20"), per_protocol)


def test_scenarios_that_come_to_the_same_are_one_analysis(nk, chosen):
    """As a statistical referee counted them on data without gaps: 9 of 10 leave out zero, not 13 of 14."""
    rows = together(nk, chosen)
    assert rows["cd4.gee.effect.under.clear.n_of"].value == [9, 10]
    repeats = {row.label for row in rows if row.key.startswith("cd4.gee") and row.key.endswith(".repeats")}
    same = {"GEE, CR2, complete cases", "GEE, CR2, multiple imputation", "GEE, CR2, per protocol"}
    assert same <= repeats
    assert rows["cd4.gee.effect.under.imputed.repeats"].value == "GEE, CR2"
    figure = figures.forest(nk, rows, chosen, nk.parameters("efficacy")[0])
    assert figure.alt.count("GEE, CR2, complete cases") == 0 and "GEE, CR2, 55" in figure.alt


@pytest.mark.parametrize("place", range(3))
def test_no_number_of_an_axis_of_the_forest_plot_stands_on_the_next(nk, chosen, monkeypatch, place):
    beside = []

    def measure(key, drawing, alt):
        drawing.canvas.draw()
        for axes in drawing.axes:
            low, high = axes.get_xlim()
            labels = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
            boxes = [label.get_window_extent() for x, label in labels if low <= x <= high]
            beside.extend(right.x0 - left.x1 for left, right in pairwise(boxes))

    monkeypatch.setattr("trialbook.displays.figures.scenarios.Figure", measure)
    figures.forest(nk, together(nk, chosen), chosen, nk.parameters("efficacy")[place])
    assert len(beside) >= 4 and min(beside) > 0
