"""Harms: against R's counts, intervals and tests, and what is said of what was not recorded."""

import pandas as pd
import pytest
from reference import answers, table

from trialbook import safety, trial
from trialbook.style import slug

pytestmark = pytest.mark.filterwarnings("error")
OVERALL = ("any", "serious", "severe", "related")


@pytest.fixture
def amitriptyline(real_trial):
    return trial.read(real_trial("amitriptyline_hivsn"))


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
        return safety.adverse_events(copy.read())

    return write


def lines(results):
    return {row.key.split(".")[1] for row in results if row.key.endswith(".fisher.p")}


# R's AE.ANY.* and AE.PT:<term>.*


def r_lines():
    found = answers("amitriptyline_hivsn")
    names = sorted({key.rsplit(".", 1)[0] for key in found if key.startswith("AE.")})
    return {name: slug(name.split(":")[-1].removeprefix("AE.")) for name in names}


def test_every_line_of_r_is_compared(amitriptyline):
    assert set(r_lines().values()) == lines(safety.adverse_events(amitriptyline))


def test_counts_intervals_and_fisher_equal_r(amitriptyline):
    found, rows = answers("amitriptyline_hivsn"), safety.adverse_events(amitriptyline)
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
    assert rows["safety.events.emergent"].method == "all events: TRTEMFL is not recorded"


@pytest.mark.parametrize("day", ["", "-3", "0", "12"])
def test_the_day_of_an_event_does_not_drop_it(events, day):
    rows = events(AEDECOD=["Fever"], TRTEMFL=["Y"], ASTDY=[day])
    assert rows["safety.fever.nk_art.events"].value == 1


def test_an_overall_line_not_recorded_is_absent(events, amitriptyline):
    assert lines(events(AEDECOD=["Fever"])) == {"any", "fever"}
    assert lines(safety.adverse_events(amitriptyline)) & set(OVERALL) == {"any"}


def test_an_overall_line_recorded_is_there_with_its_zero(nk):
    rows = safety.adverse_events(nk)
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
    counted = {part: rows[f"safety.{part}.nk_art.events"].value for part in OVERALL}
    assert counted == {"any": 4, "serious": 1, "severe": 2, "related": 1}


def test_events_of_people_outside_the_safety_set_do_not_count(copy, treated):
    copy.table(
        "adae", lambda _: pd.DataFrame({"USUBJID": [*treated, treated[0]], "AEDECOD": ["Fever", "Rash", "Cough"]})
    )
    copy.table("adsl", lambda t: t.assign(SAFFL=["N" if who == treated[0] else "Y" for who in t["USUBJID"]]))
    rows = safety.adverse_events(copy.read())
    assert lines(rows) == {"any", "rash"}
    assert rows["safety.events.recorded"].value == 3
    assert rows["safety.events.emergent"].value == 1
    assert rows["safety.any.nk_art.n_of"].value == [1, 9]


def test_no_adverse_events_collected(real_trial):
    assert len(safety.adverse_events(trial.read(real_trial("actg175_n20")))) == 0


# laboratory


def test_laboratory_means_are_those_of_the_rows(nk):
    rows, adlb = safety.laboratory(nk), nk.adlb.merge(nk.adsl[["USUBJID", "TRT01P"]], on="USUBJID")
    compared = 0
    for parameter in nk.parameters("laboratory"):
        for arm in nk.arms:
            for visit, part in ((0, "baseline"), (6, "month_6"), (24, "final")):
                chosen = (
                    (adlb["PARAMCD"] == parameter.paramcd) & (adlb["AVISITN"] == visit) & (adlb["TRT01P"] == arm.value)
                )
                values = adlb.loc[chosen, "AVAL"].to_numpy()
                row = rows[f"{parameter.id}.{part}.{arm.id}.mean_sd"]
                assert row.value == pytest.approx([values.mean(), values.std(ddof=1)])
                assert (row.n, row.unit) == (len(values), parameter.unit)
                compared += 1
    assert compared == 66


def test_values_outside_the_range_count_people_after_baseline(copy):
    rows = copy.folder / "adlb.csv"
    arm = copy.read().adsl.set_index("USUBJID")["TRT01P"]
    copy.table(
        "adlb",
        lambda t: t.assign(
            A1LO=t["A1LO"].where(t["PARAMCD"] != "HGB", "0"), A1HI=t["A1HI"].where(t["PARAMCD"] != "HGB", "999")
        ),
    )
    before = rows.read_text("utf8")
    who = arm.index[arm == "NK+ART"][0]

    def high(visits):
        rows.write_text(before, "utf8")
        chosen = lambda t: (t["PARAMCD"] == "HGB") & (t["USUBJID"] == who) & t["AVISITN"].isin(visits)  # noqa: E731
        copy.table("adlb", lambda t: t.assign(AVAL=t["AVAL"].where(~chosen(t), "1000")))
        return safety.laboratory(copy.read())["hgb.outside.nk_art.n_of"].value

    assert high([]) == [0, 10]
    assert high(["0"]) == [0, 10]
    assert high(["1", "3"]) == [1, 10]


def test_a_parameter_without_ranges_has_no_such_row(copy):
    copy.table("adlb", lambda t: t.assign(A1LO="", A1HI=""))
    assert not [row.key for row in safety.laboratory(copy.read()) if ".outside." in row.key]


def test_a_visit_with_one_value_is_not_estimable(copy):
    arm = copy.read().adsl.set_index("USUBJID")["TRT01P"]
    first = arm.index[arm == "ART"][0]
    lost = lambda t: (t["PARAMCD"] == "ALT") & (t["AVISITN"] == "24") & t["USUBJID"].map(arm).eq("ART")  # noqa: E731
    copy.table("adlb", lambda t: t.assign(AVAL=t["AVAL"].where(~lost(t) | (t["USUBJID"] == first), "")))
    row = safety.laboratory(copy.read())["alt.final.art.mean_sd"]
    assert (row.display, row.method, row.n) == ("not estimable", "not estimable: fewer than two values", 1)


def test_real_trials_have_the_columns_that_the_lines_need():
    adae = table("amitriptyline_hivsn", "adae")
    assert adae[["AESER", "AETOXGR", "AEREL"]].isna().all(axis=None)
    assert adae["TRTEMFL"].eq("Y").all()
