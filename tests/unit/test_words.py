"""Words of coded columns: what each means, by CDISC's lists and CTCAE, and that an unknown one is refused by name."""

import itertools

import pytest

from trialbook.analysis.adverse_events import adverse_events
from trialbook.errors import FaultsError
from trialbook.trial import words

MEANINGS = [
    ("AEREL", "REMOTE", "unlikely"),
    ("AEREL", "Unlikely related", "unlikely"),
    ("AEREL", "Doubtful", "unlikely"),
    ("AEREL", "UNKNOWN", "unknown"),
    ("AEREL", "NOT APPLICABLE", "unknown"),
    ("AEREL", "Not assessable", "unknown"),
    ("AEREL", "NOT TREATMENT RELATED", "not related"),
    ("AEREL", "NO REASONABLE POSSIBILITY", "not related"),
    ("AEREL", "NONE", "not related"),
    ("AEREL", "Possible", "related"),
    ("AEREL", "PROBABLE", "related"),
    ("AEREL", "reasonable possibility", "related"),
    ("AESEV", "GRADE 3", "3"),
    ("AESEV", "3", "3"),
    ("AESEV", "Severe or medically significant", "3"),
    ("AESEV", "life-threatening", "4"),
    ("AETOXGR", "Grade 4", "4"),
    ("AETOXGR", "5", "5"),
    ("AESER", "Yes", "yes"),
    ("AESER", "N", "no"),
    ("AEACN", "WITHDRAWN, NOT RESTARTED", "withdrawn"),
    ("AEACN", "DOSE NOT REDUCED, DRUG WITHDRAWN", "withdrawn"),
    ("AEACN", "DRUG INTERRUPTED; DOSE REDUCED", "kept"),
    ("AEACN", "Drug not withdrawn", "kept"),
    ("AEACN", "Temporarily discontinued", "kept"),
    ("AEACN", "NOT APPLICABLE", "unknown"),
    ("AEOUT", "NON-FATAL", "not fatal"),
    ("AEOUT", "Not fatal", "not fatal"),
    ("AEOUT", "DEATH - NO AUTOPSY", "fatal"),
    ("AEOUT", "RECOVERED/RESOLVED WITH SEQUELAE", "not fatal"),
    ("AEOUT", "NOT RECOVERED/NOT RESOLVED", "not fatal"),
    ("EOSSTT", "Completed", "completed"),
    ("EOSSTT", "LOST TO FOLLOW-UP", "discontinued"),
    ("DCSREAS", "Withdrawal by Subject", "discontinued"),
    ("DCDECOD", "COMPLETED", "completed"),
    ("DCREASCD", "Lack of Efficacy", "discontinued"),
]
STRANGE = [
    "MAYBE",
    "RELATED?",
    "NOT QUITE RELATED",
    "GRADE 6",
    "WITHDRAWN, SOMEHOW",
    "FATALITY AVERTED",
    "unrelatedness",
]


@pytest.mark.parametrize(("column", "word", "meant"), MEANINGS)
def test_a_known_word_means_what_its_list_says(column, word, meant):
    assert words.meaning(column, word, {}) == meant


@pytest.mark.parametrize("column", words.COLUMNS)
@pytest.mark.parametrize("word", STRANGE)
def test_a_word_that_is_in_no_list_is_not_guessed(column, word):
    assert words.meaning(column, word, {}) is None


def test_no_word_means_two_things():
    for column, meanings in words._WORDS.items():
        for word in {words.plain(word) for own in meanings.values() for word in own}:
            meant = {meaning for meaning, own in meanings.items() if word in map(words.plain, own)}
            assert len(meant) == 1, (column, word, meant)


@pytest.mark.parametrize(
    ("column", "word"), [("AEREL", "Maybe"), ("AESEV", "Awful"), ("AEACN", "Shrugged"), ("AEOUT", "Vanished")]
)
def test_an_unknown_word_is_a_fault_with_its_row_and_the_key_that_mends_it(copy, column, word):
    copy.cell("adae", 3, column, word)
    with pytest.raises(FaultsError) as refusal:
        copy.read()
    said = str(refusal.value)
    assert f"adae.csv, row 3, {column}: " in said and repr(word) in said
    assert f"terms: {{{column}:" in said and all(meaning in said for meaning in words.meanings(column))
    copy.facts(lambda facts: facts.update(terms={column: {word: words.meanings(column)[0]}}))
    copy.read()


@pytest.mark.parametrize(("column", "word"), [("EOSSTT", "Gone fishing"), ("DCSREAS", "Gone fishing")])
def test_an_unknown_way_to_leave_is_a_fault(copy, column, word):
    copy.cell("adsl", 3, column, word)
    with pytest.raises(FaultsError, match=f"adsl.csv, row 3, {column}: the meaning of this word"):
        copy.read()


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"AETERM": {"Fever": "related"}}, "has no words that are looked up"),
        ({"AEREL": {"Maybe": "perhaps"}}, "a word cannot mean 'perhaps'"),
    ],
)
def test_terms_that_mean_nothing_are_refused(copy, terms, said):
    copy.facts(lambda facts: facts.update(terms=terms))
    with pytest.raises(FaultsError, match=said):
        copy.read()


def counted(copy, line):
    rows = adverse_events(copy.read())
    return sum(rows[f"safety.{line}.{arm}.events"].value for arm in ("nk_art", "art"))


@pytest.mark.parametrize(
    ("said", "related"),
    [("REMOTE", 0), ("UNKNOWN", 0), ("NOT ASSESSABLE", 0), ("POSSIBLE", 2), ("NO REASONABLE POSSIBILITY", 0), ("Y", 2)],
)
def test_related_is_only_what_is_said_to_be(copy, said, related):
    copy.table("adae", lambda table: table.assign(AEREL=said))
    assert counted(copy, "related") == related


def test_what_unlikely_counts_as_is_a_choice_that_is_stated(copy):
    copy.table("adae", lambda table: table.assign(AEREL="UNLIKELY"))
    assert counted(copy, "related") == 0
    copy.facts(lambda facts: facts["harms"].update(unlikely="related"))
    assert counted(copy, "related") == 2
    assert "unlikely" in adverse_events(copy.read())["safety.related.art.n_pct"].method


@pytest.mark.parametrize(
    ("column", "word", "line", "events"),
    [
        ("AEOUT", "NON-FATAL", "fatal", 0),
        ("AEOUT", "DEATH - NO AUTOPSY", "fatal", 2),
        ("AEACN", "WITHDRAWN, NOT RESTARTED", "withdrawal", 2),
        ("AEACN", "DOSE NOT REDUCED, DRUG WITHDRAWN", "withdrawal", 2),
        ("AEACN", "DRUG NOT WITHDRAWN", "withdrawal", 0),
        ("AESER", "yes", "serious", 2),
        ("AESEV", "Severe or medically significant", "severe", 2),
        ("AESEV", "GRADE 3", "severe", 2),
    ],
)
def test_a_line_counts_what_the_words_mean(copy, column, word, line, events):
    copy.table("adae", lambda table: table.drop(columns="AETOXGR").assign(**{column: word}))
    assert counted(copy, line) == events


MISSING = ["NA", "N/A", "None", ".", "NULL", "nan", "#N/A"]


CODED = [
    *(("adsl", column) for column in ("TRT01P", "TRT01A", "SEX", "EOSSTT", "DCSREAS", "TRANSMIS")),
    *(("adae", column) for column in ("AESEV", "AEOUT", "AEBODSYS")),
    ("adlb", "TRTP"),
]


@pytest.mark.parametrize(
    ("place", "word"), [*zip(CODED, itertools.cycle(MISSING)), *zip(itertools.repeat(CODED[3]), MISSING)]
)
def test_what_programs_write_for_a_missing_value_is_no_value(copy, place, word):
    table, column = place
    copy.cell(table, 3, column, word)
    with pytest.raises(FaultsError, match=f"{table}.csv, row 3, {column}"):
        copy.read()


def test_a_level_may_be_called_na_where_it_is_declared(copy):
    copy.table("adsl", lambda table: table.assign(REGION=["NA", "EU"] * 10))
    line = {
        "variable": "REGION",
        "label": "Region",
        "type": "category",
        "levels": {"NA": "North America", "EU": "Europe"},
    }
    copy.facts(lambda facts: facts["baseline"].append(line))
    assert set(copy.read().adsl["REGION"]) == {"NA", "EU"}
