"""The scenarios: what they may say, what is run, and that the published one is the paper's."""

import json

import nbformat
import pytest
from builds import ROOT

from trialbook.analysis import efficacy, scenarios
from trialbook.displays import figures, tables
from trialbook.errors import FaultsError
from trialbook.workflow import notebook

FILE = ROOT / "notebooks/scenarios.yml"


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
    for names in scenarios.CHOICES.values():
        for name in names:
            assert len({getattr(scenario, name) for scenario in chosen}) > 1, name


def test_the_parameters_are_those_of_the_notebook(chosen):
    cells = nbformat.read(ROOT / "notebooks/03_efficacy.ipynb", as_version=4).cells
    given = {}
    exec(next(cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])), given)
    published = next(scenario for scenario in chosen if scenario.id == scenarios.PUBLISHED)
    for name, value in published.parameters.items():
        assert given[name] == value


def test_a_set_that_a_trial_does_not_declare_is_not_asked_for(real_trial):
    from trialbook.trial.model import read_trial

    small = scenarios.read(FILE, read_trial(real_trial("actg175_n20")))
    assert "per_protocol" not in {scenario.id for scenario in small}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{id: a, final: A}\n  - {id: a, final: B}", "the id a stands twice"),
        ("{id: a}", "a needs a name under `final` or `follow_up`"),
        ("{id: a, final: A, covarience: CR2}", "did you mean `covariance`?"),
        ("{id: a, final: A, covariance: CR9}", "CR9"),
        ("{id: A B, final: A}", "lower-case letters"),
    ],
)
def test_a_faulty_scenario_is_said_in_words(nk, written, line, said):
    with pytest.raises(FaultsError, match=r"scenarios\.yml") as error:
        scenarios.read(written(f"scenarios:\n  - {line}\n"), nk)
    assert said in str(error.value)


@pytest.fixture(scope="module")
def ran(nk, chosen, tmp_path_factory):
    """Three scenarios, run, with the results of all."""
    few = [scenario for scenario in chosen if scenario.id in ("published", "welch", "unadjusted")]
    folder = tmp_path_factory.mktemp("scenarios") / "runs"
    notebook.run_all(ROOT / "notebooks/03_efficacy.ipynb", folder, scenarios.runs(few, nk.folder))
    return few, folder, scenarios.collect(nk, few, folder)


def test_a_run_in_a_shared_kernel_is_a_run_alone(nk, chosen, ran, tmp_path):
    few, folder, _ = ran
    last = few[-1]
    alone = tmp_path / "alone.ipynb"
    notebook.run(ROOT / "notebooks/03_efficacy.ipynb", alone, scenarios.runs([last], nk.folder)[last.id])
    assert json.loads(alone.read_text("utf8")) == json.loads((folder / f"{last.id}.ipynb").read_text("utf8"))


def test_the_published_scenario_is_the_published_analysis(nk, ran):
    _, _, rows = ran
    for analysis, headline in ((efficacy.final_difference, "final.difference"), (efficacy.gee, "gee.effect")):
        results = analysis(nk)
        for parameter in nk.parameters("efficacy"):
            key = f"{parameter.id}.{headline}"
            for part in ("", ".ci", ".p"):
                assert rows[f"{key}.under.published{part}"].value == results[f"{key}{part}"].value


def test_a_scenario_is_the_analysis_that_it_names(nk, ran):
    _, _, rows = ran
    welch = efficacy.final_difference(nk)["cd4.final.difference.welch.p"]
    assert rows["cd4.final.difference.under.welch.p"].value == welch.value
    assert "cd4.gee.effect.under.welch" not in rows
    assert rows["cd4.gee.effect.under.unadjusted"].method == "GEE, CR2, Satterthwaite t, without baseline"
    assert {row.estimand for row in rows if row.key.endswith(".p")} == {"final", "follow_up"}


def test_table_figure_and_strip_say_every_scenario(nk, ran):
    few, _, rows = ran
    parameter = nk.parameters("efficacy")[0]
    table = tables.scenarios(nk, rows, few, parameter)
    for estimand in scenarios.HEADLINE:
        named = [scenario for scenario in few if scenario.name(estimand)]
        assert all(any(row.label == scenario.name(estimand) for row in table.rows) for scenario in named)
        drawn = figures.specification(nk, rows, few, parameter).alt
        strip = figures.strip(nk, rows, few, parameter, estimand)
        key = f"{parameter.id}.{scenarios.HEADLINE[estimand]}"
        for scenario in named:
            assert f"{scenario.name(estimand)}, {rows[f'{key}.under.{scenario.id}'].display} (" in drawn
        assert strip.key == f"{key}.strip"
        assert f"Under {len(named)} scenarios" in strip.alt


def test_a_scenario_that_was_not_run_is_named(nk, chosen, ran):
    _, folder, _ = ran
    with pytest.raises(FileNotFoundError, match="no run of the scenario ancova"):
        scenarios.collect(nk, chosen, folder)
