"""A catalogue of ways to write, split, hide and list what tells of a participant: each is found, and no number is."""

import json
from dataclasses import replace

import pytest

from notebooks import write
from trialbook.checks import disclosure
from trialbook.checks.disclosure import DisclosureError
from trialbook.checks.participants import Participants
from trialbook.checks.texts import told_by
from trialbook.trial.stated import Disclosure

IDENTIFIERS = [
    "NKINR-003",
    "The participant NKINR-003 had fever.",
    "nkinr_003",
    "NKINR 003",
    "NKINR.003",
    "NKINR/003",
    "NKINR\u2011003",
    "NKINR\u2013003",
    "NKINR\u200b-003",
    "NKI\u200bNR-003",
    "N\u200dKINR-0\u200c03",
    "NKI\u00adNR-003",
    "N\u2060KINR-003",
    "\ufeffNKINR-003",
    "ＮＫＩＮＲ－００３",
    "NKINR-\uff10\uff10\uff13",
    "NKINR<b>-003</b>",
    "NKI<span></span>NR-003",
    "N<!-- -->KINR-003",
    "<!-- NKINR-003 -->",
    '<a title="NKINR-003">here</a>',
    "<img alt='NKINR-003'>",
    "NKINR&#45;003",
    "NKINR&ndash;003",
    "&#78;KINR-003",
    "NKINR-**003**",
    "NK*INR*-003",
    "NKI__NR__-003",
    "`NKINR`-`003`",
    "~~NKINR~~-003",
    "NKINR\\-003",
    "[NKINR-003](#x)",
    "[here](NKINR-003.html)",
    "| 1 | NKINR-003 | Fever |",
    "% NKINR-003",
    "NKINR-\n003",
    "NKINR\t003",
    '{"id": "NKINR-003"}',
    "NKINR-003's fever",
]
DATES = [
    "2018-02-08",
    "2018/02/08",
    "2018.2.8",
    "20180208",
    "on 20180208.",
    "08.02.2018",
    "8/2/2018",
    "02/08/2018",
    "08.02.18",
    "8.2.18",
    "08/02/18",
    "02-08-18",
    "8 February 2018",
    "8th of February 2018",
    "February 8, 2018",
    "Feb 8th 2018",
    "08FEB2018",
    "8\u00a0February\u00a02018",
    "8 Feb<b>ruary</b> 2018",
    "2018\u201102\u201108",
    "２０１８-02-08",
    "2018&#45;02&#45;08",
    "<!-- 2018-02-08 -->",
]
LISTINGS = [
    "{0}, {1}, {2}",
    "{0};{1};{2}",
    "{0}\t{1}\t{2}",
    "| {0} | {1} | {2} |",
    "{0}  {1}  {2}",
    "{2},{1},{0}",
    "1, {0}, x, {1}, {2}",
    "* {0} | {1} | {2}",
]
HARMLESS = [
    "P = 0.024, 95% CI 10 to 124",
    "recruited from February to April 2018",
    "in 2018, 20 of 24",
    "Python 3.11.14, pandas 2.3.3",
    "doi 10.1097/CM9.0000000000001189, 133(23):2803-2807",
    "seed 20190622 of 40000",
    "NKINR is the study, with 003 pages",
    "a mean of 139, 144 and 243",
    "months 1, 3, 6, 9, 12 and 24",
    "sha256:20a180208c",
    "10/12/24 weeks",
    "ChiCTR1900020634",
]


@pytest.fixture(scope="module")
def participants(nk):
    return Participants(nk)


def kinds(participants, text):
    return {kind for kind, _ in told_by(participants, text)}


@pytest.mark.parametrize("text", IDENTIFIERS)
def test_an_identifier_is_found_however_it_is_written(participants, text):
    assert "identifier" in kinds(participants, text)


@pytest.mark.parametrize("text", DATES)
def test_a_day_of_the_tables_is_found_however_it_is_written(participants, nk, text):
    assert "2018-02-08" in set(nk.adex["ASTDT"])
    assert "date" in kinds(participants, text)


@pytest.mark.parametrize("line", LISTINGS)
def test_lines_of_participants_are_found_however_they_are_parted(participants, nk, line):
    own = nk.adsl[["AGE", "NADIRCD4", "HIVDUR"]].head(4).astype(str).to_numpy().tolist()
    assert "listing" in kinds(participants, "\n".join(line.format(*cells) for cells in own))


@pytest.mark.parametrize("text", HARMLESS)
def test_what_tells_of_nobody_passes(participants, text):
    assert kinds(participants, text) == set()


@pytest.mark.parametrize("text", ["NKINR-003", "NKI\u200bNR-003", "20180208"])
@pytest.mark.parametrize(
    "place", ["source", "Markdown cell", "metadata of a cell", "metadata of the notebook", "attachment"]
)
def test_no_place_of_a_notebook_is_left_out(nk, tmp_path, text, place):
    path = tmp_path / "02_safety.ipynb"
    write(path, {"shown": ["A line of words."]})
    notebook = json.loads(path.read_text("utf8"))
    cell = notebook["cells"][0]
    if place == "source":
        cell["source"] = f"# {text}\nshow()"
    elif place == "Markdown cell":
        notebook["cells"].append({"cell_type": "markdown", "id": "said", "metadata": {}, "source": f"Of {text}."})
    elif place == "metadata of a cell":
        cell["metadata"] = {"note": {"deep": [text]}}
    elif place == "metadata of the notebook":
        notebook["metadata"]["title"] = text
    else:
        said = {"cell_type": "markdown", "id": "said", "metadata": {}, "source": "x"}
        notebook["cells"].append({**said, "attachments": {f"{text}.png": {"image/png": ""}}})
    path.write_text(json.dumps(notebook), "utf8")
    with pytest.raises(DisclosureError, match=f"02_safety, .*{'date' if text.isdigit() else 'identifier'}"):
        disclosure.check(nk, tmp_path)


def test_prose_that_tells_of_a_participant_is_refused_with_its_file_and_line(nk):
    texts = {
        "book/index.md": "# Title\n\nThe participant NKINR-003 had fever.\n",
        "book/claims.yml": "a: on 8 February 2018\n",
    }
    with pytest.raises(DisclosureError) as refused:
        disclosure.check_texts(nk, texts)
    said = str(refused.value)
    assert "book/index.md, line 3: identifier (NKINR-003)" in said
    assert "book/claims.yml, line 1: date (8 February 2018)" in said


def test_a_listing_typed_into_prose_is_refused(nk):
    lines = nk.adsl[["AGE", "NADIRCD4", "HIVDUR"]].head(4).astype(str).to_numpy().tolist()
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    with pytest.raises(DisclosureError, match="listing"):
        disclosure.check_texts(nk, {"book/cohort.md": text})


def test_prose_may_be_excepted_with_a_reason(nk):
    excepted = {"kind": "identifier", "where": "book/index.md", "reason": "the case report is published"}
    facts = nk.facts.model_copy(update={"disclosure": Disclosure(exceptions=[excepted])})
    disclosure.check_texts(replace(nk, facts=facts), {"book/index.md": "NKINR-003"})


def test_an_exception_of_prose_is_none_of_the_notebooks_and_must_except_something(nk, tmp_path):
    excepted = {"kind": "identifier", "where": "book/index.md", "reason": "the case report is published"}
    facts = nk.facts.model_copy(update={"disclosure": Disclosure(exceptions=[excepted])})
    trial = replace(nk, facts=facts)
    assert "nothing published tells of a participant" in disclosure.check(trial, tmp_path)
    with pytest.raises(DisclosureError, match=r"nothing at 'book/index\.md' is of the kind 'identifier'"):
        disclosure.check_texts(trial, {"book/index.md": "Nobody."})
