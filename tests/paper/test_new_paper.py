"""A paper that is made from the tables of a trial alone builds without a draft, and says nothing that is not so."""

import json
import re
from types import SimpleNamespace

import pandas as pd
import pytest
import reference
from builds import ROOT, Copy
from conftest import sampled

from trialbook.cli import main
from trialbook.template import write
from trialbook.trial.generate import generate
from trialbook.trial.model import read_trial

# what only our paper may say, or only one with published figures, with synthetic data, or in a draft
OURS = r"natural killer|\bNK\b|\bKIR\b|non-responders?|haploidentical|ChiCTR|antiretroviral therapy alone"
UNTRUE = r"as published|published (figure|analysis|abstract)|synthetic|not available|open.label|calibrat|reconstruct"
UNSAID = re.compile(r"(?<![\w.])(nan|NaN|inf|NaT|None|undefined)(?![\w.])")


def _three_arms(folder):
    """A trial in which a third of the participants have a third arm, in weeks, which says that it was blinded."""
    third = None
    for name in ("adsl", "adlb", "adae", "adex"):
        table = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        third = set(table["USUBJID"][::3]) if third is None else third
        for column in {"ARM", "TRT01P", "TRT01A", "TRTP", "TRTA"} & set(table):
            table[column] = table[column].mask(table["USUBJID"].isin(third), "LOW DOSE")
        table.to_csv(folder / f"{name}.csv", index=False)


GENERATED = {
    "nothing but the score": ({"laboratory": 0, "events": 0, "exposure": False, "disposition": False}, None),
    "three arms": ({"per_arm": 18}, _three_arms),
    "many events": ({"per_arm": 20, "events": 300, "laboratory": 8}, None),
}
REAL = ("amitriptyline_hivsn", "actg175", "actg175_n20")


@pytest.fixture(scope="module", params=sampled("amitriptyline_hivsn", [*REAL, *GENERATED]))
def made(request, tmp_path_factory):
    """A new paper and its book: the trial's name, the folder, what was said, and the site."""
    folder, name = tmp_path_factory.mktemp("new"), request.param
    if name in GENERATED:
        options, change = GENERATED[name]
        data = generate(folder / "data", **options)
        (data / "trial.yml").unlink()
        if change:
            change(data)
    else:
        data = reference.folder(name)
    assert main(["new", str(folder / "paper"), "--data", str(data), "--defaults"]) == 0
    copy = Copy(folder / "paper")
    said = copy.run("trialbook", "build")
    return SimpleNamespace(name=name, folder=copy.folder, said=said, site=copy.site, copy=copy)


def pages(site):
    return {page: " ".join(soup.select_one("article").get_text().split()) for page, soup in site.pages.items()}


def test_the_book_is_no_draft_and_says_how_much_is_to_be_written(made):
    assert "draft" not in made.said
    notes = sum(len(soup.select(".to-write")) for soup in made.site.pages.values())
    assert f"{notes} passages are still to be written" in made.said and notes > 10


def test_nothing_of_our_paper_or_untrue_of_this_one_stands_on_a_page(made):
    for page, text in pages(made.site).items():
        for pattern in (OURS, UNTRUE):
            assert not re.search(pattern, text, re.IGNORECASE), (page, re.search(pattern, text, re.IGNORECASE))
        assert not UNSAID.search(text) or page.startswith("executed"), page


def test_no_sentence_of_our_prose_that_has_a_result_stands_in_the_new_one(made):
    ours = {
        line for path in (ROOT / "book").glob("*.md") for line in path.read_text("utf8").splitlines() if "{num}" in line
    }
    theirs = {line for path in (made.folder / "book").glob("*.md") for line in path.read_text("utf8").splitlines()}
    methods = {line for line in ours if "trial." in line or "software." in line or "operating" in line}
    assert not {line for line in ours - methods if re.search(r"nk_art|cd4|cd8", line)} & theirs


def test_the_effects_of_the_trial_stand_in_its_abstract_and_are_those_of_r(made):
    abstract, results = pages(made.site)["book/index.html"], made.site.results
    trial = read_trial(made.folder / "data")
    for parameter in trial.parameters("efficacy"):
        effect = results[f"{parameter.id}.final.difference"]
        assert (
            f"difference, {effect['display']}; 95% CI, {results[f'{parameter.id}.final.difference.ci']['display']}"
            in abstract
        )
        if made.name in REAL:
            theirs = reference.answers(made.name)[f"{parameter.paramcd}.last_pooled"]["value"]
            p = results[f"{parameter.id}.final.difference.p"]["value"]
            assert p == pytest.approx(theirs["p"], rel=1e-6)


def test_a_wording_is_the_one_that_the_interval_bears_out(made):
    abstract, results = pages(made.site)["book/index.html"], made.site.results
    for parameter in read_trial(made.folder / "data").parameters("efficacy"):
        low, high = results[f"{parameter.id}.final.difference.ci"]["value"]
        words = "higher than" if low > 0 else "lower than" if high < 0 else "not shown to differ"
        assert re.search(rf"{re.escape(parameter.label)} at [^:]*: the mean with [^,]*{words}", abstract)


def test_a_release_is_refused_with_every_passage_that_is_to_be_written(made):
    said = made.copy.run("trialbook", "build", "--release", fails=True)
    assert re.search(r"\d+ passages are still to be written", said) and "book/introduction.md:" in said


def test_its_numbers_can_be_accepted(made):
    made.copy.run("trialbook", "accept")
    lock = json.loads((made.folder / "book/numbers.lock.json").read_text("utf8"))
    assert any(key.endswith(".final.difference") for key in lock["numbers"])


def test_what_a_person_stated_since_is_taken_up(made):
    text = (made.folder / "data/trial.yml").read_text("utf8")
    stated = text.replace("# design: such as", "design: randomised, double-blind #", 1)
    (made.folder / "data/trial.yml").write_text(stated, "utf8")
    said = made.copy.run("trialbook", "update")
    assert "wrote book/methods.md" in said
    methods = (made.folder / "book/methods.md").read_text("utf8")
    assert "Design: {num}`trial.design`." in methods


def test_a_table_with_faults_leaves_the_facts_in_which_they_are_mended(tmp_path):
    data = generate(tmp_path / "data")
    (data / "trial.yml").unlink()
    table = pd.read_csv(data / "adae.csv", dtype=str, keep_default_na=False)
    table.assign(AEREL="PERHAPS").to_csv(data / "adae.csv", index=False)
    assert main(["new", str(tmp_path / "paper"), "--data", str(data), "--defaults"]) == 1
    facts = tmp_path / "paper/data/trial.yml"
    facts.write_text(facts.read_text("utf8") + "\nterms: {AEREL: {PERHAPS: related}}\n", "utf8")
    assert main(["-C", str(tmp_path / "paper"), "update"]) == 0
    assert (tmp_path / "paper/book/index.md").exists()


def test_a_folder_that_is_there_is_not_touched(tmp_path):
    (tmp_path / "paper").mkdir()
    assert main(["new", str(tmp_path / "paper"), "--data", str(tmp_path), "--defaults"]) == 1
    assert list((tmp_path / "paper").iterdir()) == []


def test_our_notebooks_are_those_of_the_template():
    rendered = write.paper(read_trial(ROOT / "data/nk_inr"))
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        ours = json.loads(path.read_text("utf8").replace("../data/nk_inr", "../data"))
        assert json.loads(rendered[f"notebooks/{path.name}"]) == ours
    assert rendered["notebooks/scenarios.yml"] == (ROOT / "notebooks/scenarios.yml").read_text("utf8")
