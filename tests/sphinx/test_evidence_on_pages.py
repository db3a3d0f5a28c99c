"""Evidence on the pages: numbers that were made up are said to be, claims hold in most draws, cards say the class."""

import json

import pytest
from tiny import analysed, code

from trialbook.results.row import Results

CONSORT = "30: {topic: Limitations}\n25: {topic: Baseline}\n"
ROW = {
    "cd4.final.difference": {"display": "67", "same": True},
    "cd4.final.difference.p": {"display": "0.024", "same": False, "low": 0.01, "high": 0.2, "decides": 0.05},
}


def paper(folder, text, values=(0.0237, 0.2, 0.04, 0.01), **files):
    """A paper whose P value varies over four draws, and whose difference does not."""
    rows = {key: dict(row) for key, row in ROW.items()}
    rows["cd4.final.difference.p"]["values"] = list(values)
    held = {"generator": "g", "analyses": "a", "data": "d", "draws": 4, "published": [], "rows": rows}
    told = Results(dataset="simulated")
    told.add("draws.cd4.final.difference.p.clear.n_of", [3, 4], "n of N")
    files |= {"evidence.json": json.dumps(held), "book/consort.yml": CONSORT}
    return analysed(folder, f"# Paper\n\n{text}\n", code(told, id="draws"), **files)


def said(folder, text, **files):
    return paper(folder, text, **files).build(faulty=True, evidence="evidence.json").said


@pytest.mark.parametrize(
    "sentence",
    [
        "{consort}`30`\nThe test gives {p}`cd4.final.difference.p`.",
        "{consort}`30`\nThe interval is {num}`cd4.final.difference.ci`.",  # which the draws do not hold
        "{consort}`30`\nOf the synthetic data, this.\nThe test gives {num}`cd4.final.difference.p`.",
    ],
)
def test_a_number_that_was_made_up_is_said_to_be_where_the_paper_concludes(tmp_path, sentence):
    (fault,) = said(tmp_path, sentence)
    assert "was made up with the data, and the sentence does not say so" in fault
    assert "say that it is synthetic, made up or invented, or leave it out" in fault


@pytest.mark.parametrize(
    "sentence",
    [
        "{consort}`30`\nIn the synthetic data the test gives {p}`cd4.final.difference.p`.",
        "{consort}`30`\nThe difference was {num}`cd4.final.difference`.",
        "{consort}`25`\nThe test gives {p}`cd4.final.difference.p`.",
        "The test gives {p}`cd4.final.difference.p`.",
    ],
)
def test_elsewhere_or_where_it_is_said_a_number_may_be_made_up(tmp_path, sentence):
    paper(tmp_path, sentence).build(evidence="evidence.json")


CLAIM = {"book/claims.yml": "small:\n  says: smaller\n  holds: cd4.final.difference.p < 0.05\n"}


def test_a_claim_that_some_draws_do_not_bear_out_says_in_how_many_it_holds(tmp_path):
    (fault,) = said(tmp_path / "one", "It is {claim}`small`.", **CLAIM)
    assert "the claim 'small' is true in 3 of 4 draws" in fault and "“It is smaller.”" in fault
    told = "It is {claim}`small` in {num}`draws.cd4.final.difference.p.clear.n_of` data sets."
    built = paper(tmp_path / "two", told, **CLAIM).build(evidence="evidence.json")
    assert "true in 3 of 4 draws" in built.pages["index"].select_one(".claim")["title"]


def test_a_claim_that_the_draws_bear_out_stands(tmp_path):
    built = paper(tmp_path, "It is {claim}`small`.", values=[0.0237, 0.02, 0.04, 0.01], **CLAIM)
    assert "true in 4 of 4" in built.build(evidence="evidence.json").pages["index"].select_one(".claim")["title"]


def test_a_claim_on_results_that_the_draws_do_not_hold_is_marked(tmp_path):
    claims = {"book/claims.yml": "wide:\n  says: wide\n  holds: max(cd4.final.difference.ci) > 100\n"}
    built = paper(tmp_path, "It is {claim}`wide`.", **claims).build(evidence="evidence.json")
    assert "on results that were made up with the data" in built.pages["index"].select_one(".claim")["title"]


def test_numbers_cards_and_results_say_the_class(tmp_path):
    text = "{num}`cd4.final.difference`, {num}`cd4.final.difference.p` and {num}`trial.title`."
    built = paper(tmp_path, text).build(evidence="evidence.json")
    classes = {a["data-key"]: a["data-evidence"] for a in built.pages["index"].select("a[data-evidence]")}
    assert classes == {"cd4.final.difference": "determined", "cd4.final.difference.p": "free", "trial.title": "stated"}
    held = json.loads(built.pages["index"].select_one("#passports").string)
    card = "".join(held["parts"][part] for part in held["cards"]["cd4.final.difference.p"])
    assert (
        "free: made up; the published figures do not decide it; from 0.01 to 0.2 in nine of ten of 4 data sets" in card
    )
    rows = {row["key"]: row for row in json.loads(built.read("results.json"))}
    assert rows["cd4.final.difference.p"]["draws"] == [0.01, 0.2]
    assert "evidence.js" in built.read("index.html")


def test_without_draws_nothing_of_it_appears(tmp_path):
    built = paper(tmp_path, "{consort}`30`\nIt is {claim}`small`: {num}`cd4.final.difference.p`.", **CLAIM).build()
    assert "data-evidence" not in built.read("index.html") and "evidence.js" not in built.read("index.html")
    assert "draws" not in built.pages["index"].select_one(".claim")["title"]
    assert all("evidence" not in row and "draws" not in row for row in json.loads(built.read("results.json")))


def test_draws_of_other_results_fail_the_build_but_not_a_draft(tmp_path):
    other = paper(tmp_path, "Text.", **{"evidence.json": ""})
    rows = {"cd4.final.difference": {"display": "66", "same": True}}
    held = {"generator": "g", "analyses": "a", "data": "d", "draws": 4, "published": [], "rows": rows}
    other.write({"evidence.json": json.dumps(held)})
    with pytest.raises(Exception, match=r"cd4\.final\.difference is 67 in the results, and 66 in the first draw"):
        other.build(evidence="evidence.json")
    assert "data-evidence" not in other.build(evidence="evidence.json", draft=True).read("index.html")


# -------------------------------------------------------------------------------------- what synthetic data alone have


@pytest.mark.parametrize(("provenance", "shown"), [("synthetic", True), ("real", False)])
def test_what_is_said_of_synthetic_data_is_not_said_of_real_ones(tmp_path, provenance, shown):
    from tiny import Paper, results

    text = "# Paper\n\n```{synthetic}\nSomething of draws.\n```\n\n```{toctree}\nexecuted/one\n```\n"
    made = Paper(tmp_path).notebook("one", code(results(provenance=provenance), id="results")).write({"index.md": text})
    assert ("Something of draws." in made.build().text()) == shown


# --------------------------------------------------------------------------------------------------------- the authors


def test_the_authors_are_those_of_the_citation_file(tmp_path):
    cff = "authors:\n  - {given-names: A., family-names: Person, affiliation: A place, orcid: 'https://orcid.org/0000-0001'}\n"
    built = analysed(tmp_path, "# Paper\n\n```{authors}\nNothing.\n```\n", **{"CITATION.cff": cff}).build()
    assert "A. Person, A place, ORCID 0000-0001." in built.text() and "Nothing." not in built.text()


def test_a_citation_file_that_names_nobody_is_said_to(tmp_path):
    cff = "authors:\n  - name: The authors of a paper\n"
    built = analysed(tmp_path, "# Paper\n\n```{authors}\nSo it is.\n```\n", **{"CITATION.cff": cff}).build()
    assert "names no persons. So it is." in built.text()


@pytest.mark.parametrize("cff", ["", "A. Person", "authors: A. Person", "authors: [A. Person]", "authors: {a: b}"])
def test_a_citation_file_without_a_list_of_authors_is_a_fault(tmp_path, cff):
    made = analysed(tmp_path, "# Paper\n\n```{authors}\n```\n", **{"CITATION.cff": cff}).build(faulty=True)
    assert "CITATION.cff: it needs `authors:` with a list of persons" in made.said[0]


def test_a_citation_file_that_is_not_there_is_a_fault(tmp_path):
    made = analysed(tmp_path, "# Paper\n\n```{authors}\n```\n").build(faulty=True)
    assert "the authors cannot be read from CITATION.cff" in made.said[0]
