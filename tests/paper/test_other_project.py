"""Another, small paper, with folders of other names: what holds of it holds of every paper.

It is built from any folder and without a fact of ours; a plan is a plan; a fault stays a fault.
"""

import json
import shutil

import pytest
import small
from builds import digests
from conftest import sampled


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """The paper, built from a folder that has nothing to do with it."""
    paper = small.write(tmp_path_factory.mktemp("other") / "paper")
    said = paper.run("trialbook", "-C", paper.folder / "work", "build", at=tmp_path_factory.mktemp("anywhere"))
    assert "✓ ran heads" in said and "✓ ran twice" in said
    return paper


@pytest.fixture
def copy(paper, tmp_path):
    """The paper as built, in a folder of its own."""
    return paper.clone(tmp_path / "paper")


def standing(copy):
    """The content of every file but of Snakemake's own notes, and of ours that the data are valid."""
    found = digests(copy.folder).items()
    return {name: digest for name, digest in found if not name.startswith((".snakemake/", "out/.validated"))}


def test_it_is_built_from_any_folder_and_knows_nothing_of_ours(paper):
    site = paper.site
    assert site.results["heads.n"]["display"] == "12" and site.results["hands.n"]["display"] == "24"
    page = (site.folder / "prose/start.html").read_text("utf8")
    assert 'href="../runs/heads.html#cell-count"' in page and ">12<" in page
    text = "".join(path.read_text("utf8") for path in site.folder.rglob("*.html"))
    assert not [word for word in ("nk_inr", "NK-INR", "CD4", "numbers.html", "01_cohort") if word in text]
    made = {path.name for path in paper.folder.iterdir()} - {".snakemake"}
    assert made == {"trialbook.yml", "_toc.yml", "_config.yml", "raw", "prose", "work", "runs", "out"}


def test_its_numbers_are_accepted_where_it_says_and_compared(copy):
    copy.run("trialbook", "accept", at=copy.folder / "prose")
    accepted = json.loads((copy.folder / "prose/numbers.lock.json").read_text("utf8"))
    assert set(accepted["numbers"]) == {"heads.n", "hands.n"}
    assert set(accepted["data"]) == {"trial.yml", "adsl.csv", "adlb.csv"}
    assert "2 of 2 numbers reproduced" in copy.run("trialbook", "diff")
    assert (copy.folder / "out/diff.html").exists()


@pytest.mark.parametrize("option", sampled("--dry-run", ["--dry-run", "--summary"]))
def test_a_plan_changes_no_byte(copy, option):
    """Though what a notebook left that the book has no longer, and a site that was taken away, are to be seen to."""
    (copy.folder / "runs/gone.ipynb").write_bytes((copy.folder / "runs/heads.ipynb").read_bytes())
    (copy.folder / "runs/notes.txt").write_text("mine")
    copy.site.folder.unlink()
    before = standing(copy)
    said = copy.run("trialbook", "build", "--", option)
    assert standing(copy) == before
    assert "pages" in said


@pytest.mark.parametrize("spoil", sampled("a word", ["the link", "the folder", "a page", "a word"]))
def test_a_site_taken_away_or_changed_by_hand_is_written_again(copy, spoil):
    before = copy.site.digests()
    page = copy.site.folder / "prose/start.html"
    if spoil == "the link":
        copy.site.folder.unlink()
    elif spoil == "the folder":
        shutil.rmtree(copy.site.folder.resolve())
    elif spoil == "a page":
        page.unlink()
    else:
        page.write_text(page.read_text("utf8").replace(">12<", ">13<"), "utf8")
    assert "✓ ran" not in copy.make()
    assert copy.site.digests() == before


@pytest.mark.long
def test_a_result_typed_into_an_executed_notebook_is_computed_again(copy):
    before = copy.site.digests()
    path = copy.folder / "runs/heads.ipynb"
    path.write_text(path.read_text("utf8").replace('"value": 12', '"value": 13'), "utf8")
    said = copy.run("trialbook", "pages", fails=True)
    assert "runs/heads.ipynb: not there, or not made of" in said and "trialbook build" in said
    assert "✓ ran heads" in copy.make()
    assert copy.site.digests() == before


def test_what_a_notebook_left_is_removed_when_something_is_run_and_what_is_not_ours_is_refused(copy):
    mine = copy.folder / "runs/mine.ipynb"
    mine.write_text("{}")
    before = standing(copy)
    said = copy.make(fails=True)
    assert "runs/mine.ipynb: no notebook of the paper" in said and "Traceback" not in said
    assert standing(copy) == before
    mine.rename(copy.folder / "mine.ipynb")
    copy.edit("_toc.yml", "  - file: runs/twice\n", "")
    copy.edit("prose/start.md", " and {num}`hands.n` hands", "")
    copy.make()
    assert not (copy.folder / "runs/twice.ipynb").exists() and (copy.folder / "mine.ipynb").exists()
    assert set(copy.site.results) == {"heads.n"}


@pytest.mark.long
def test_a_removed_page_leaves_no_file(copy):
    copy.edit("_toc.yml", "chapters:\n", "chapters:\n  - file: prose/more\n")
    (copy.folder / "prose/more.md").write_text("# Appendix\n")
    copy.make()
    assert "prose/more.html" in copy.site.digests()
    copy.edit("_toc.yml", "  - file: prose/more\n", "")
    (copy.folder / "prose/more.md").unlink()
    copy.make()
    assert [name for name in copy.site.digests() if "more" in name] == []
    assert not any("more.html" in str(soup) for soup in copy.site.every_page.values())


@pytest.mark.parametrize("name", sampled('it\'s "b": c #d', ["007", 'it\'s "b": c #d']))
def test_a_trial_may_have_any_name(copy, name):
    shutil.copytree(copy.folder / "raw", copy.folder / name)
    copy.make(trial=name)
    assert (copy.folder / "out/trials" / name / "html/results.json").exists()


# ------------------------------------------------------------------------------------------ a fault stays a fault


def test_a_cell_that_fails_fails_every_build_and_the_old_site_stays(copy):
    before = copy.site.digests()
    copy.edit("work/twice.ipynb", "found = Results()", "found = Results()\\n1 / 0")
    for _ in range(2):
        said = copy.make(fails=True)
        assert "twice" in said and "cell count" in said and "ZeroDivisionError" in said
        assert copy.site.digests() == before


def test_a_notebook_that_tells_of_a_participant_builds_no_book_and_the_old_one_stays(copy):
    before = copy.site.digests()
    copy.edit("work/twice.ipynb", "found = Results()", "found = Results()\\nprint('GEN-0007')")
    said = copy.make(fails=True)
    assert "twice, cell count, text: identifier (GEN-0007)" in said
    assert copy.site.digests() == before


def test_a_fault_in_the_data_leaves_all_that_stood(copy):
    (copy.folder / "raw/adsl.csv").unlink()
    before = standing(copy)
    assert "adsl.csv" in copy.make(fails=True)
    assert standing(copy) == before


ONE_MUTANT = ("trialbook", "mutate", "--mutant", "without_one_active")


@pytest.mark.long
def test_every_number_of_its_notebooks_follows_the_data(copy):
    assert "every number of the results follows the data" in copy.run(*ONE_MUTANT)


def test_a_number_that_is_typed_in_a_notebook_is_found(copy):
    copy.edit("work/heads.ipynb", "len(trial.adsl), ", "12, ")
    said = copy.run(*ONE_MUTANT, fails=True)
    assert "heads.n is always '12'" in said and "prose/start" in said
