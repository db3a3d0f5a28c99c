"""The mutation test of the paper: a typed number is found; all follow the data, or need not."""

import pytest


@pytest.fixture(scope="module")
def copy(book, tmp_path_factory):
    """The book as built, in a folder of its own."""
    return book.clone(tmp_path_factory.mktemp("mutation") / "copy")


def mutate(copy, *only, fails=False):
    return copy.run("trialbook", "mutate", *only, fails=fails)


def test_a_typed_number_is_found_and_then_none_is(copy):
    key = "cohort.randomised.n"
    notebook, cell = "notebooks/01_cohort.ipynb", "flow = baseline.flow(study)"
    typed = f"flow._rows.pop('{key}'); flow.add('{key}', 20, 'count')"
    copy.edit(notebook, f'"{cell}\\n"', f'"{cell}\\n",\n    "{typed}\\n"')
    said = mutate(copy, "--notebook", "01_cohort", "--mutant", "without_one_art", fails=True)
    assert f"{key} is always '20'" in said and "cohort.randomised.art.n is" not in said
    copy.edit(notebook, f',\n    "{typed}\\n"', "")
    counts = ("--mutant", "without_one_nk_art", "--mutant", "without_one_art", "--mutant", "values_shifted")
    assert "need not: a fact of the protocol" in mutate(copy, "--notebook", "01_cohort", *counts)


@pytest.mark.parametrize(("option", "known"), [("--mutant", "arms_permuted"), ("--notebook", "01_cohort")])
def test_a_name_that_is_none_is_said_with_those_that_are(copy, option, known):
    said = mutate(copy, option, "nothing", fails=True)
    assert "'nothing'" in said and known in said


@pytest.mark.long
def test_every_number_of_the_results_follows_the_data_or_need_not(copy):
    assert "every number of the results follows the data" in mutate(copy)
