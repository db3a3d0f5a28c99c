"""The mutation test of the paper: every number of its results follows the data, or need not."""

import pytest


@pytest.fixture
def copy(book, tmp_path):
    """The book as built, in a folder of its own."""
    return book.clone(tmp_path / "copy")


@pytest.mark.long
def test_the_numbers_of_a_notebook_follow_the_data_or_need_not(copy):
    counts = ("without_one_nk_art", "without_one_art", "values_shifted")
    only = [option for name in counts for option in ("--mutant", name)]
    assert "need not: a fact of the protocol" in copy.run("trialbook", "mutate", "--notebook", "01_cohort", *only)


@pytest.mark.long
def test_every_number_of_the_results_follows_the_data_or_need_not(copy):
    assert "every number of the results follows the data" in copy.run("trialbook", "mutate")
