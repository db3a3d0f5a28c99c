"""Harms: against R's counts, intervals and tests, and what is said of what was not recorded."""

import html
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import costly
from hypothesis import given
from hypothesis import strategies as st
from reference import answers, table

from trialbook.analysis import adverse_events, flow, harms, timeline
from trialbook.displays import figures, tables
from trialbook.errors import FaultsError
from trialbook.results.formats import slug

pytestmark = pytest.mark.filterwarnings("error")
OVERALL = ("any", "serious", "severe", "related", "withdrawal", "fatal")


@pytest.fixture
def amitriptyline(real):
    return real("amitriptyline_hivsn")


@pytest.fixture
def treated(copy):
    """Two people of the test arm."""
    return copy.read().adex["USUBJID"].unique()[:2]


@pytest.fixture
def events(copy, treated):
    """A function that replaces ADAE by rows given as columns."""

    def write(**columns):
        def rows(_):
            size = max(len(values) for values in columns.values() if isinstance(values, list))
            made = {"USUBJID": [treated[i % 2] for i in range(size)], "AEDECOD": ["Fever"] * size, **columns}
            return pd.DataFrame(made)

        copy.table("adae", rows)
        return adverse_events.adverse_events(copy.read())

    return write


def lines(results):
    return {row.key.split(".")[1] for row in results if row.key.endswith(".fisher.p")}


# R's AE.ANY.* and AE.PT:<term>.*


def r_lines():
    found = answers("amitriptyline_hivsn")
    names = sorted({key.rsplit(".", 1)[0] for key in found if key.startswith("AE.")})
    return {name: slug(name.split(":")[-1].removeprefix("AE.")) for name in names}


def test_every_line_of_r_is_compared(amitriptyline):
    assert set(r_lines().values()) == lines(adverse_events.adverse_events(amitriptyline))


def test_counts_intervals_and_fisher_equal_r(amitriptyline):
    found, rows = answers("amitriptyline_hivsn"), adverse_events.adverse_events(amitriptyline)
    for name, part in r_lines().items():
        counts = found[f"{name}.count"]["value"]
        for arm, role in (("amitriptyline", "test"), ("placebo", "ref")):
            exact = found[f"{name}.cp_{role}"]["value"]
            value = amitriptyline.arms[0 if role == "test" else 1].value
            count, total = rows[f"safety.{part}.{arm}.n_of"].value
            assert count == counts[value]
            assert rows[f"safety.{part}.{arm}.pct"].value == pytest.approx(exact["pct"], rel=1e-9)
            assert rows[f"safety.{part}.{arm}.ci"].value == pytest.approx([exact["lo"], exact["hi"]], rel=1e-9)
            assert rows[f"safety.{part}.{arm}.n_pct"].value == [count, total]
        newcombe = found[f"{name}.newcombe"]["value"]
        assert rows[f"safety.{part}.difference"].value == pytest.approx(newcombe["rd"], rel=1e-9)
        interval = [newcombe["lo"], newcombe["hi"]]
        assert rows[f"safety.{part}.difference.ci"].value == pytest.approx(interval, rel=1e-9)
        p = found[f"{name}.fisher"]["value"]["p"]
        assert rows[f"safety.{part}.fisher.p"].value == pytest.approx(p, rel=1e-9)


def test_events_and_participants_are_told_apart(events):
    rows = events(AEDECOD=["Fever", "Rash", "Fever", "Fever"], TRTEMFL=["Y"] * 4)
    assert [rows[f"safety.fever.nk_art.{count}"].value for count in ("n", "events")] == [2, 3]
    assert rows["safety.any.nk_art.n"].value == 2
    assert rows["safety.any.nk_art.events"].value == 4


# what counts, and what was not recorded


def test_only_treatment_emergent_events_are_tabulated(events):
    rows = events(AEDECOD=["Fever", "Cough", "Rash"], TRTEMFL=["Y", "N", ""])
    assert lines(rows) & {"fever", "cough", "rash"} == {"fever"}
    assert rows["safety.events.recorded"].value == 3
    assert rows["safety.events.emergent"].value == 1
    assert rows["safety.events.emergent"].method == "TRTEMFL is Y"


@pytest.mark.parametrize("columns", [{}, {"TRTEMFL": ["", "", ""]}])
def test_without_the_flag_all_events_count_and_it_is_said(events, columns):
    rows = events(AEDECOD=["Fever", "Cough", "Rash"], **columns)
    assert {"fever", "cough", "rash"} <= lines(rows)
    assert rows["safety.events.emergent"].value == 3
    assert rows["safety.events.emergent"].method == "all events: neither TRTEMFL nor ASTDY is recorded"


@pytest.mark.parametrize("day", ["", "-3", "-1", "12"])
def test_the_day_of_an_event_does_not_drop_it(events, day):
    rows = events(AEDECOD=["Fever"], TRTEMFL=["Y"], ASTDY=[day])
    assert rows["safety.fever.nk_art.events"].value == 1


def test_an_overall_line_not_recorded_is_absent(events, amitriptyline):
    assert lines(events(AEDECOD=["Fever"])) == {"any", "fever"}
    assert lines(adverse_events.adverse_events(amitriptyline)) & set(OVERALL) == {"any"}


def test_an_overall_line_recorded_is_there_with_its_zero(nk):
    rows = adverse_events.adverse_events(nk)
    assert set(OVERALL) <= lines(rows)
    assert rows["safety.serious.nk_art.n_of"].value == [0, 10]
    assert rows["safety.serious.nk_art.n_pct"].display == "0 (0%)"
    bounds = rows["safety.serious.nk_art.ci"].value
    assert bounds == pytest.approx([0, 100 * (1 - 0.025 ** (1 / 10))])  # closed form of Clopper and Pearson at zero
    assert rows["safety.serious.fisher.p"].display == ">0.99"


def test_severe_and_related(events):
    rows = events(
        AEDECOD=["Fever", "Rash", "Cough", "Chill"],
        AETOXGR=["3", "2", "", "4"],
        AEREL=["NOT RELATED", "Related", "", "N"],
        AESER=["Y", "N", "N", ""],
    )
    counted = {part: rows[f"safety.{part}.nk_art.events"].value for part in ("any", "serious", "severe", "related")}
    assert counted == {"any": 4, "serious": 1, "severe": 2, "related": 1}
    assert rows["safety.relation.not_given.nk_art.events"].value == 1


@pytest.mark.parametrize(
    ("column", "line", "words"),
    [
        ("AEACN", "withdrawal", {"DRUG WITHDRAWN": 1, "Drug discontinued": 1, "DOSE NOT CHANGED": 0, "": 0}),
        ("AEACN", "withdrawal", {"permanently discontinued": 1, "Not discontinued": 0, "TEMPORARILY STOPPED": 0}),
        ("AEOUT", "fatal", {"FATAL": 1, "Death": 1, "RECOVERED/RESOLVED": 0, "NOT FATAL": 0, "": 0}),
        ("AESEV", "severe", {"MILD": 0, "Severe": 1, "LIFE-THREATENING": 1, "MODERATE": 0, "": 0}),
        ("AEREL", "related", {"Y": 1, "POSSIBLY RELATED": 1, "NOT RELATED TO DRUG": 0, "UNLIKELY": 0, "N": 0}),
        ("AETOXGR", "fatal", {"5": 1, "4": 0, "": 0}),
    ],
)
def test_the_spellings_of_what_makes_an_event_important(events, column, line, words):
    rows = events(AEDECOD=["Fever"] * len(words), **{column: list(words)})
    assert rows[f"safety.{line}.nk_art.events"].value == sum(words.values())


def test_each_participant_stands_once_by_the_worst_grade(events):
    rows = events(AEDECOD=["Fever", "Rash", "Fever", "Fever"], AETOXGR=["1", "", "3", ""])
    counts = {grade: rows[f"safety.grade.{grade}.nk_art.n"].value for grade in ("1", "2", "3", "4", "5", "not_given")}
    assert counts == {"1": 0, "2": 0, "3": 1, "4": 0, "5": 0, "not_given": 1}


def test_events_of_people_outside_the_safety_set_do_not_count(copy, treated):
    copy.table(
        "adae", lambda _: pd.DataFrame({"USUBJID": [*treated, treated[0]], "AEDECOD": ["Fever", "Rash", "Cough"]})
    )
    copy.table("adsl", lambda t: t.assign(SAFFL=["N" if who == treated[0] else "Y" for who in t["USUBJID"]]))
    rows = adverse_events.adverse_events(copy.read())
    assert lines(rows) == {"any", "rash"}
    assert rows["safety.events.recorded"].value == 3
    assert rows["safety.events.emergent"].value == 1
    assert rows["safety.any.nk_art.n_of"].value == [1, 9]


def test_no_adverse_events_collected(real):
    assert len(adverse_events.adverse_events(real("actg175_n20"))) == 0


def test_real_trials_have_the_columns_that_the_lines_need():
    adae = table("amitriptyline_hivsn", "adae")
    assert adae[["AESER", "AETOXGR", "AEREL"]].isna().all(axis=None)
    assert adae["TRTEMFL"].eq("Y").all()


@pytest.mark.parametrize("grade", ["0", "6", "2.5"])
def test_a_grade_other_than_one_to_five_is_refused_with_its_row(copy, grade):
    copy.cell("adae", 2, "AETOXGR", grade)
    with pytest.raises(FaultsError, match=r"adae.csv, row 2, AETOXGR: must be a grade from 1 to 5"):
        copy.read()


# every recorded event is accounted for


def test_every_event_is_tabulated_or_its_reason_is_counted(copy, treated):
    who = [treated[0], *[treated[1]] * 5]
    columns = {"USUBJID": who, "AEDECOD": "Fever", "ASTDY": ["5", "", "-3", "4", "5", "6"]}
    copy.table("adae", lambda _: pd.DataFrame({**columns, "TRTEMFL": ["Y", "Y", "Y", "N", "", "Y"]}))
    copy.table("adsl", lambda t: t.assign(SAFFL=["N" if w == treated[0] else "Y" for w in t["USUBJID"]]))
    rows = adverse_events.adverse_events(copy.read())
    kinds = ("recorded", "outside_set", "not_emergent", "unflagged", "emergent", "undated", "before")
    assert [rows[f"safety.events.{kind}"].value for kind in kinds] == [6, 1, 1, 1, 3, 1, 1]
    assert [rows[f"safety.events.{kind}.nk_art.n"].value for kind in kinds] == [6, 1, 1, 1, 3, 1, 1]


def test_without_the_flag_the_start_day_decides(events):
    rows = events(AEDECOD=["Fever"] * 4, ASTDY=["-1", "1", "", "9"])
    assert rows["safety.events.emergent"].value == 3
    assert "start on day 1 or later" in rows["safety.events.emergent"].method
    assert rows["safety.events.not_emergent"].value == 1
    assert rows["safety.events.not_emergent"].method.startswith("start day before 1")


# any valid ADAE

texts = st.sampled_from(
    ["Fever", "<script>alert(1)</script>", "A & B", "50%", "$x_1$", "%", "Any", "events", "soc", "Éclat"]
)
cells = st.fixed_dictionaries(
    {
        "USUBJID": st.integers(0, 19),
        "AEDECOD": texts,
        "AEBODSYS": st.sampled_from(["Blood", "<b>", "Any", None]),
        "AESER": st.sampled_from(["Y", "N", None]),
        "AETOXGR": st.sampled_from([1.0, 2.0, 3.0, 5.0, None]),
        "AEREL": st.sampled_from(["RELATED", "not given", "NONE", None]),
        "AEACN": st.sampled_from(["DRUG WITHDRAWN", "x", None]),
        "TRTEMFL": st.sampled_from(["Y", "N", None]),
        "ASTDY": st.sampled_from([-4.0, 1.0, 30.0, None]),
    }
)


def adae_of(nk, rows, columns):
    """Rows of ADAE whose people are named by their number; the columns beyond the first two may be left out."""
    adae = pd.DataFrame(rows)[["USUBJID", "AEDECOD", *sorted(columns)]]
    adae["USUBJID"] = nk.adsl["USUBJID"].to_numpy()[adae["USUBJID"]]
    numbers = {column: float for column in ("AETOXGR", "ASTDY") if column in adae}
    return adae.astype(numbers)


OPTIONAL = ("AEBODSYS", "AESER", "AETOXGR", "AEREL", "AEACN", "TRTEMFL", "ASTDY")


@costly
@given(st.lists(cells, min_size=1, max_size=12), st.sets(st.sampled_from(OPTIONAL)), st.randoms(use_true_random=False))
def test_any_adae_gives_counts_that_hold_together_and_equal_a_brute_force_count(nk, rows, columns, random):
    adae = adae_of(nk, rows, columns)
    found = adverse_events.adverse_events(replace(nk, adae=adae))
    shuffled = list(range(len(adae)))
    random.shuffle(shuffled)
    again = adverse_events.adverse_events(replace(nk, adae=adae.iloc[shuffled].reset_index(drop=True)))
    assert [(row.key, row.value, row.display) for row in found] == [(row.key, row.value, row.display) for row in again]
    kept = []
    for line in adae.to_dict("records"):
        if "TRTEMFL" in line and adae["TRTEMFL"].notna().any():
            kept += [line] if line["TRTEMFL"] == "Y" else []
        elif not line.get("ASTDY", np.nan) < 1:
            kept.append(line)
    arms = {arm: set(subjects["USUBJID"]) for arm, subjects in nk.subjects(nk.facts.analysis_sets.safety).items()}
    assert found["safety.events.emergent"].value == len(kept)
    untabulated = sum(found[f"safety.events.{kind}"].value for kind in ("outside_set", "not_emergent", "unflagged"))
    assert untabulated + len(kept) == len(adae)
    wanted = {"any": kept} | {
        (slug(term) or "unnamed") + "_term" * (slug(term) in adverse_events.RESERVED): [
            x for x in kept if x["AEDECOD"] == term
        ]
        for term in {x["AEDECOD"] for x in kept}
    }
    for arm, members in arms.items():
        for part, lines_ in wanted.items():
            mine = [x for x in lines_ if x["USUBJID"] in members]
            assert found[f"safety.{part}.{arm}.events"].value == len(mine)
            assert found[f"safety.{part}.{arm}.n"].value == len({x["USUBJID"] for x in mine})
    for row in found:
        if row.key.endswith(".n_of"):
            events_ = found[row.key.replace(".n_of", ".events")].value
            assert 0 <= row.value[0] <= row.value[1] == 10
            assert row.value[0] <= events_
    if "AETOXGR" in columns and adae["AETOXGR"].notna().any():
        for arm in arms:
            by_grade = [r.value for r in found if r.key.startswith("safety.grade.") and r.key.endswith(f".{arm}.n")]
            assert sum(by_grade) == found[f"safety.any.{arm}.n"].value
    layout = tables.adverse_events(nk, found, flow.flow(nk))
    assert all(len(row.cells) in (0, len(layout.columns) - 1) for row in layout.rows)


def test_what_data_write_as_a_term_comes_out_as_text(nk, tmp_path):
    terms = ["<script>alert(1)</script>", "A & B_c", "50% $x$"]
    adae = pd.DataFrame({"USUBJID": nk.adsl["USUBJID"][:3], "AEDECOD": terms, "AEBODSYS": "<i>$&_%"})
    layout = tables.adverse_events(nk, adverse_events.adverse_events(replace(nk, adae=adae)), flow.flow(nk))
    assert {row.label for row in layout.rows} >= {*terms, "<i>$&_%"}
    shown = layout._repr_mimebundle_()["text/html"]
    assert "<script>" not in shown
    assert html.escape(terms[0]) in shown


def test_classes_and_terms_stand_by_frequency_and_then_by_the_alphabet(nk):
    who = nk.adsl["USUBJID"].to_numpy()
    lines_ = [
        ("Zoster", "B"),
        ("Zoster", "B"),
        ("Ache", "A"),
        ("Cough", "A"),
        ("Cough", "A"),
        ("Itch", "C"),
        ("Burn", None),
    ]
    adae = pd.DataFrame(lines_, columns=["AEDECOD", "AEBODSYS"]).assign(USUBJID=who[[0, 1, 2, 3, 4, 5, 6]])
    layout = tables.adverse_events(nk, adverse_events.adverse_events(replace(nk, adae=adae)), flow.flow(nk))
    shown = [row.label for row in layout.rows][len(OVERALL) :]
    assert shown == ["A", "Cough", "Ache", "B", "Zoster", "C", "Itch", "No system organ class given", "Burn"]


# what reads well when there is nothing


def test_without_adae_every_display_says_that_nothing_was_collected(real):
    found = real("actg175_n20")
    none = adverse_events.adverse_events(found)
    participants = flow.flow(found)
    layouts = [tables.adverse_events(found, none, participants), tables.event_rates(found, none)]
    layouts += [tables.event_grades(found, none, participants), tables.event_account(found, none)]
    layouts.append(tables.harms(found, harms.answers(found)))
    assert all("Adverse events were not collected in this trial." in layout.notes for layout in layouts)
    assert figures.timeline(found, *timeline.courses(found)).alt == "Adverse events: not collected."
