"""Laboratory values: every mean against the rows, and every count against one made by brute force."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import costly
from hypothesis import given
from hypothesis import strategies as st

from trialbook.analysis import grading, hys_law, laboratory
from trialbook.displays import figures, tables
from trialbook.stats import toxicity
from trialbook.trial.generate import generate
from trialbook.trial.model import read_trial

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return read_trial(generate(tmp_path_factory.mktemp("many") / "trial", laboratory=12, weeks=(2, 8)))


@pytest.fixture(scope="module")
def none(tmp_path_factory):
    return read_trial(generate(tmp_path_factory.mktemp("none") / "trial", laboratory=0))


def all_results(found):
    rows = [*laboratory.by_visit(found), *grading.grade_shifts(found), *grading.marked_abnormalities(found)]
    return [*rows, *hys_law.hys_law(found)[0]]


def all_displays(found):
    values, shifts = laboratory.by_visit(found), grading.grade_shifts(found)
    made = [
        tables.laboratory(found, values),
        tables.marked_abnormalities(found, grading.marked_abnormalities(found)),
    ]
    made += [tables.grade_shifts(found, shifts, *scale) for scale in grading.SCALES.items()]
    return made, [*figures.laboratory(found, values), figures.edish(found, *hys_law.hys_law(found))]


# values by visit


def test_laboratory_means_are_those_of_the_rows(nk):
    rows, adlb = laboratory.by_visit(nk), nk.adlb.merge(nk.adsl[["USUBJID", "TRT01P"]], on="USUBJID")
    compared = 0
    for parameter in nk.parameters("laboratory"):
        for arm in nk.arms:
            mine = adlb[(adlb["PARAMCD"] == parameter.paramcd) & (adlb["TRT01P"] == arm.value)]
            wide = mine.pivot(index="USUBJID", columns="AVISITN", values="AVAL")
            for visit, part in ((0, "baseline"), (6, "month_6"), (24, "final")):
                values, key = wide[visit].to_numpy(), f"{parameter.id}.{part}.{arm.id}"
                row = rows[f"{key}.mean_sd"]
                assert row.value == pytest.approx([values.mean(), values.std(ddof=1)])
                assert (row.n, row.unit) == (len(values), parameter.unit)
                assert rows[f"{key}.n"].value == len(values)
                half = 2.262157162740992 * values.std(ddof=1) / 10**0.5  # t, 9 degrees of freedom, 97.5%
                assert rows[f"{key}.ci"].value == pytest.approx([values.mean() - half, values.mean() + half])
                quartiles = np.percentile(values, [50, 25, 75])
                assert rows[f"{key}.median_iqr"].value == pytest.approx(list(quartiles))
                if visit:
                    moved = (wide[visit] - wide[0]).to_numpy()
                    expected = [moved.mean(), moved.std(ddof=1)]
                    assert rows[f"{key}.change.mean_sd"].value == pytest.approx(expected)
                compared += 1
    assert compared == 66


def test_values_outside_the_range_count_people_after_baseline(nk):
    who = nk.adsl.loc[nk.adsl["TRT01P"] == "NK+ART", "USUBJID"].iloc[0]
    code = nk.adlb["PARAMCD"] == "HGB"
    adlb = nk.adlb.assign(A1LO=nk.adlb["A1LO"].where(~code, 0), A1HI=nk.adlb["A1HI"].where(~code, 999))

    def high(visits):
        chosen = code & (adlb["USUBJID"] == who) & adlb["AVISITN"].isin(visits)
        found = replace(nk, adlb=adlb.assign(AVAL=adlb["AVAL"].mask(chosen, 1000)))
        return laboratory.by_visit(found)["hgb.outside.nk_art.n_of"].value

    assert high([]) == [0, 10]
    assert high([0]) == [0, 10]
    assert high([1, 3]) == [1, 10]


def test_a_parameter_without_ranges_has_no_such_row(nk):
    found = replace(nk, adlb=nk.adlb.assign(A1LO=np.nan, A1HI=np.nan))
    assert not [row.key for row in laboratory.by_visit(found) if ".outside." in row.key]
    shifts = grading.grade_shifts(found)
    assert shifts["urea.graded_by"].value == "none"
    assert "urea" not in {row.key.split(".")[0] for row in grading.marked_abnormalities(found)}
    assert shifts["alt.graded_by"].method.startswith("not graded by CTCAE v5.0: no value with the limits")
    note = tables.marked_abnormalities(found, grading.marked_abnormalities(found)).notes[-1]
    assert note.startswith("Without grades and without a normal range: Lymphocytes, Alanine aminotransferase, ")


def test_a_visit_with_one_value_is_not_estimable(nk):
    others = nk.adsl.loc[nk.adsl["TRT01P"] == "ART", "USUBJID"].iloc[1:]
    lost = (nk.adlb["PARAMCD"] == "ALT") & (nk.adlb["AVISITN"] == 24) & nk.adlb["USUBJID"].isin(others)
    found = replace(nk, adlb=nk.adlb.assign(AVAL=nk.adlb["AVAL"].mask(lost)))
    row = laboratory.by_visit(found)["alt.final.art.mean_sd"]
    assert (row.display, row.reason, row.n) == ("not estimable", "fewer than two values", 1)


# grades, shifts and marked abnormalities


def drawn(nk, seed):
    """The trial with laboratory values far outside the ranges, some missing, and the chosen visits of some people."""
    rng = np.random.default_rng(seed)
    adlb = nk.adlb.copy()
    codes = [parameter.paramcd for parameter in nk.parameters("laboratory")]
    chosen = adlb["PARAMCD"].isin(codes)
    factor = np.exp(rng.normal(0, 0.9, chosen.sum()))
    adlb.loc[chosen, "AVAL"] = (adlb.loc[chosen, "AVAL"] * factor).where(rng.random(chosen.sum()) > 0.3)
    return replace(nk, adlb=adlb)


def written(found, values):
    """The trial with values of single people, parameters and visits put in."""
    at = zip(*(found.adlb[column] for column in ("USUBJID", "PARAMCD", "AVISITN")), strict=True)
    new = [values.get(place, old) for place, old in zip(at, found.adlb["AVAL"], strict=True)]
    return replace(found, adlb=found.adlb.assign(AVAL=new))


def ctcae_by_hand(code, value, low, high):
    """Grades of three parameters as one reads them from the table, in the units of our trial."""
    cuts = {"HGB": [low, 100, 80], "NEUT": [low, 1.5, 1.0, 0.5], "PLAT": [low, 75, 50, 25]}[code]
    return max([grade for grade, cut in enumerate(cuts, 1) if value < cut], default=0)


@costly
@given(seed=st.integers(0, 2**32 - 1))
def test_shifts_and_marks_equal_a_count_by_brute_force(nk, seed):
    found = drawn(nk, seed)
    shifts, marked = grading.grade_shifts(found), grading.marked_abnormalities(found)
    for arm in found.arms:
        members = found.adsl.loc[found.adsl["TRT01P"] == arm.value, "USUBJID"]
        for code in ("HGB", "NEUT", "PLAT"):
            counts, severe, judged = {}, 0, 0
            for who in members:
                rows = found.adlb[(found.adlb["USUBJID"] == who) & (found.adlb["PARAMCD"] == code)]
                by = {
                    row.AVISITN: ctcae_by_hand(code, row.AVAL, row.A1LO, row.A1HI)
                    for row in rows.itertuples()
                    if row.AVAL == row.AVAL
                }
                after = [grade for visit, grade in by.items() if visit > 0]
                pair = (f"grade_{by[0]}" if 0 in by else "missing", f"grade_{max(after)}" if after else "missing")
                counts[pair] = counts.get(pair, 0) + 1
                judged += bool(after)
                severe += bool(after) and max(after) >= 3
            mine = [row for row in shifts if row.key.startswith(f"{code.lower()}.shift.ctcae.{arm.id}.")]
            assert {tuple(row.key.split(".")[4:6]): row.value for row in mine if row.value} == counts
            assert sum(row.value for row in mine) == len(members)
            assert marked[f"{code.lower()}.marked.ctcae.{arm.id}.n_pct"].value == [severe, judged]


@pytest.mark.parametrize("seed", range(3))
def test_the_margins_of_every_shift_table_are_the_arm(nk, seed):
    found = drawn(nk, seed)
    totals = {}
    for row in grading.grade_shifts(found):
        if ".shift." in row.key:
            parameter, _, scale, arm, *_ = row.key.split(".")
            totals[parameter, scale, arm] = totals.get((parameter, scale, arm), 0) + row.value
    assert set(totals.values()) == {10}
    assert {scale for _, scale, _ in totals} == {"ctcae", "daids", "range"}


def test_positions_to_the_range_by_hand(nk):
    """Urea, 3.1 to 8.0 (or 2.6 to 7.5): six people of one arm, each with a course of their own."""
    people = nk.adsl.loc[nk.adsl["TRT01P"] == "ART", "USUBJID"]
    nan = np.nan
    courses = [(5, 5, 5), (5, 9, 5), (2, 5, 5), (9, 1.2, 9), (5, 17, 5), (nan, 5, 5), (5, nan, nan), *[(5, 5, 5)] * 3]
    lookup = {
        (who, "UREA", visit): value
        for who, course in zip(people, courses, strict=True)
        for visit, value in zip((0, 1, 24), course, strict=True)
    }
    mine = (nk.adlb["PARAMCD"] == "UREA") & nk.adlb["USUBJID"].isin(people)
    found = written(replace(nk, adlb=nk.adlb.assign(AVAL=nk.adlb["AVAL"].mask(mine))), lookup)
    shifts = grading.grade_shifts(found)
    counted = {
        tuple(row.key.split(".")[4:6]): row.value
        for row in shifts
        if row.key.startswith("urea.shift.range.art.") and row.value
    }
    assert counted == {
        ("normal", "normal"): 4,
        ("normal", "high"): 2,
        ("low", "normal"): 1,
        ("high", "low_high"): 1,
        ("missing", "normal"): 1,
        ("normal", "missing"): 1,
    }
    marked = grading.marked_abnormalities(found)
    assert marked["urea.marked.range.art.n_pct"].value == [2, 9]  # 1.2 is below half of either limit, 17 above twice
    assert marked["urea.marked.range.nk_art.n_pct"].display == "0 (0%)"


def test_any_marked_abnormality_counts_each_person_once(nk):
    one, other = nk.adsl.loc[nk.adsl["TRT01P"] == "ART", "USUBJID"].iloc[:2]
    new = {(one, "HGB", 1): 50, (one, "PLAT", 3): 20, (other, "UREA", 6): 17, (other, "ALT", 0): 9999}
    rows = grading.marked_abnormalities(written(nk, new))
    assert rows["safety.marked.art.n_of"].value == [2, 10]
    assert rows["safety.marked.nk_art.n_of"].value == [0, 10]


def test_every_parameter_says_what_grades_it(nk):
    said = {row.parameter: row.value for row in grading.grade_shifts(nk) if row.key.endswith(".graded_by")}
    for code, scales in said.items():
        names = [name for scale, name in toxicity.SCALES.items() if (scale, code) in toxicity._criteria()]
        assert scales == (" and ".join(names) or "normal range")
    assert said["LYM"] == "CTCAE v5.0"
    assert said["UREA"] == "normal range"


# Hy's law


@costly
@given(seed=st.integers(0, 2**32 - 1))
def test_hys_law_equals_a_count_by_brute_force(nk, seed):
    found = drawn(nk, seed)
    rows, peaks = hys_law.hys_law(found)
    for arm in found.arms:
        met, both, points = 0, 0, []
        for who in found.adsl.loc[found.adsl["TRT01P"] == arm.value, "USUBJID"]:
            highest = {}
            for row in found.adlb[found.adlb["USUBJID"] == who].itertuples():
                if row.AVISITN > 0 and row.AVAL == row.AVAL and row.PARAMCD in ("ALT", "AST", "BILI"):
                    name = "bilirubin" if row.PARAMCD == "BILI" else "transaminase"
                    highest[name] = max(highest.get(name, 0), row.AVAL / row.A1HI)
            if len(highest) == 2:
                both += 1
                met += highest["transaminase"] >= 3 and highest["bilirubin"] > 2
                points.append((highest["transaminase"], highest["bilirubin"]))
        assert rows[f"safety.hy.{arm.id}.n_of"].value == [met, both]
        assert [tuple(point) for point in peaks.by_arm[arm.id]] == sorted(points)


@pytest.mark.parametrize("lost", ["BILI", "A1HI", "ALT and AST"])
def test_what_hys_law_needs_and_has_not_is_said_to_be_not_collected(nk, lost):
    adlb = nk.adlb.assign(A1HI=np.nan) if lost == "A1HI" else nk.adlb[~nk.adlb["PARAMCD"].isin(lost.split(" and "))]
    found = replace(nk, adlb=adlb)
    rows, peaks = hys_law.hys_law(found)
    assert {row.display for row in rows} == {"not collected"}
    assert not peaks.by_arm
    assert "Not collected: " in figures.edish(found, rows, peaks).alt


def test_one_transaminase_is_enough(nk):
    found = replace(nk, adlb=nk.adlb[nk.adlb["PARAMCD"] != "AST"])
    assert hys_law.hys_law(found)[0]["safety.hy.art.n_of"].value == [0, 10]


# any trial


def test_many_parameters_fill_pages_of_few_panels(unsaved, many):
    made, drawings = all_displays(many)
    parameters = many.parameters("laboratory")
    assert len(parameters) == 12
    labels = [row.label for row in made[0].rows]
    assert all(any(label.startswith(parameter.label) for label in labels) for parameter in parameters)
    *pages, _ = drawings
    said = " ".join(page.alt for page in pages)
    assert [page.key for page in pages] == [f"safety.laboratory.{i}" for i in range(1, 4)]
    assert all(parameter.label in said for parameter in parameters)


def test_a_page_is_of_parameters_of_one_group(unsaved, copy):
    """The groups in the order in which trial.yml first names each; those without one together."""
    groups = {"WBC": "Haematology", "ALT": "Liver", "NEUT": "Haematology", "LYM": "Haematology", "AST": "Liver"}

    def grouped(facts):
        for parameter in facts["parameters"]:
            parameter["group"] = groups.get(parameter["paramcd"], "")

    copy.facts(grouped)
    trial = copy.read()
    pages = figures.laboratory(trial, laboratory.by_visit(trial))
    collected = trial.parameters("laboratory")
    shown = [{one.group for one in collected if f"{one.label} (" in page.alt} for page in pages]
    assert all(len(group) == 1 for group in shown)
    assert pages[0].alt.startswith("Haematology by visit")
    assert {group or "Laboratory values" for (group,) in shown} == {
        page.alt.partition(" by visit")[0] for page in pages
    }


def test_no_parameter_is_said_to_be_none(unsaved, none):
    made, drawings = all_displays(none)
    assert all(not table.rows and table.notes for table in made)
    assert [drawing.alt for drawing in drawings] == [
        "Laboratory values: not collected.",
        "Hy's law. Not collected: ALT or AST and bilirubin after baseline with the upper limit of normal.",
    ]


@pytest.mark.parametrize("name", ["actg175_n20", "amitriptyline_hivsn"])
def test_real_trials_without_laboratory_values_are_displayed(unsaved, real, name):
    made, drawings = all_displays(real(name))
    assert len(made) == 5
    assert len(drawings) == 2


def test_two_people_an_arm_without_baseline_or_change(unsaved, tmp_path):
    found = read_trial(generate(tmp_path / "two", per_arm=2, laboratory=8, weeks=(0, 4)))
    first = found.facts.visits.baseline
    adlb = found.adlb[(found.adlb["AVISITN"] != first) | ~found.adlb["PARAMCD"].isin(["ALT", "HGB"])]
    flat = adlb.assign(AVAL=adlb["AVAL"].where(adlb["PARAMCD"] != "PLAT", 200.0))
    odd = replace(found, adlb=flat)
    assert all(row.value is not None or row.reason for row in all_results(odd))
    made, drawings = all_displays(odd)
    assert len(made) == 5
    assert len(drawings) == 3


def test_no_display_names_a_participant(unsaved, nk):
    made, drawings = all_displays(drawn(nk, 1))
    said = "".join(table._repr_mimebundle_()["text/html"] for table in made) + "".join(d.alt for d in drawings)
    assert not [who for who in nk.adsl["USUBJID"] if who in said]
