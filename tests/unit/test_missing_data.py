"""Behaviour of the missing-data analyses: what is counted, what is imputed, and when the conclusion tips."""

import math
import re
from functools import cache

import numpy as np
import pytest
from reference import answers, table

from trialbook.analysis import estimators, missing_data
from trialbook.displays import figures, tables
from trialbook.stats import imputation
from trialbook.trial.model import read_trial

LACKING = {  # participant: follow-up and baseline visits of CD4 that are taken away
    "NKINR-001": [0],
    "NKINR-002": [12, 24],
    "NKINR-003": [24],
    "NKINR-004": [3],
    "NKINR-005": [1, 24],
    "NKINR-006": [0, 1, 3, 6, 9, 12, 24],
    "NKINR-007": [1, 3, 6, 9, 12, 24],
}


def lose(copy, lacking):
    """Take values of CD4 away: half of the rows go, of the others the value is blank."""

    def drop(rows):
        gone = [
            code == "CD4" and float(visit) in lacking.get(subject, [])
            for code, subject, visit in zip(rows["PARAMCD"], rows["USUBJID"], rows["AVISITN"], strict=True)
        ]
        rows.loc[gone, "AVAL"] = ""
        return rows[~np.array(gone) | (np.arange(len(rows)) % 2 == 0)]

    copy.table("adlb", drop)
    return copy


def cd4(study):
    """The CD4 counts of the efficacy set."""
    return study.values("CD4", study.facts.analysis_sets.efficacy)


@pytest.fixture(scope="module")
def real(real):
    """Give a real trial, read once."""
    return cache(lambda name: real(name))


@pytest.fixture
def gappy(copy):
    """The trial of the paper with some of CD4 missing."""
    return lose(copy, LACKING).read()


@pytest.mark.parametrize(("name", "code"), [("actg175", "CD4"), ("amitriptyline_hivsn", "PAIN")])
def test_counts_equal_those_of_the_tables_read_line_by_line(real, name, code):
    study = real(name)
    rows = missing_data.patterns(study)
    adsl, adlb = table(name, "adsl"), table(name, "adlb")
    values = {
        (row.USUBJID, row.AVISITN) for row in adlb.itertuples() if code == row.PARAMCD and not math.isnan(row.AVAL)
    }
    visits = sorted({row.AVISITN for row in adlb.itertuples() if code == row.PARAMCD})
    key, total = f"{code.lower()}.missing", 0
    for arm in study.arms:
        counts = dict.fromkeys(missing_data.PATTERNS, 0)
        subjects = [row.USUBJID for row in adsl.itertuples() if arm.value == row.TRT01P and row.ITTFL == "Y"]
        for subject in subjects:
            said = "".join("x" if (subject, visit) in values else "." for visit in visits)
            total += said.count(".")
            if "." not in said:
                counts["complete"] += 1
            elif "x" not in said[1:]:
                counts["no_follow_up"] += 1
            elif said[0] == ".":
                counts["no_baseline"] += 1
            else:
                counts["gap" if ".x" in said else "stopped_early"] += 1
        assert {p: rows[f"{key}.{arm.id}.{p}.n"].value for p in counts} == counts
        at_last = sum((subject, visits[-1]) not in values for subject in subjects)
        assert rows[f"{key}.final.{arm.id}.n"].value == at_last
    assert rows[f"{key}.n_of"].value == [total, len(visits) * (adsl["ITTFL"] == "Y").sum()]


def test_each_pattern_is_told_from_the_others(copy):
    expected = {"no_baseline": 1, "stopped_early": 2, "gap": 2, "no_follow_up": 2, "complete": 13}
    study = lose(copy, LACKING).read()
    rows = missing_data.patterns(study)
    for pattern, n in expected.items():
        assert sum(rows[f"cd4.missing.{arm.id}.{pattern}.n"].value for arm in study.arms) == n
    assert rows["cd4.missing.n_of"].display == "20 of 140"
    assert rows["cd8.missing.n_of"].display == "0 of 140"


def test_reasons_are_those_of_the_disposition(copy):
    def dispose(rows):
        said = rows.set_index("USUBJID")
        said["EOSSTT"], said["DCSREAS"] = "COMPLETED", ""
        said.loc["NKINR-001":"NKINR-003", "EOSSTT"] = "DISCONTINUED"
        said.loc["NKINR-001":"NKINR-002", "DCSREAS"] = "Lost to follow-up"
        said.loc["NKINR-004", "EOSSTT"] = "ONGOING"
        said.loc["NKINR-005", "EOSSTT"] = ""
        return said.reset_index()[rows.columns]

    copy.table("adsl", dispose)
    study = lose(copy, LACKING).read()
    rows = missing_data.patterns(study)
    found = {}
    for row in rows:
        if row.key.startswith("cd4.") and ".reason." in row.key:
            found[row.label] = found.get(row.label, 0) + row.value
    assert found == {
        "lost to follow-up": 2,
        "reason not given": 1,
        "still in the study": 1,
        "reason not recorded": 1,
        "completed the trial": 2,
    }
    by_arm = {arm.id: [row.value for row in rows if f".missing.{arm.id}.reason." in row.key] for arm in study.arms}
    assert len({len(values) for values in by_arm.values()}) == 1


def test_with_nothing_missing_the_answers_are_those_of_the_data(real):
    """R's GEE with CR2 and pooled t test on a trial without a missing value."""
    expected = answers("amitriptyline_hivsn")
    rows = missing_data.imputed(real("amitriptyline_hivsn"))
    effect = expected["PAIN.gee.adj.exchangeable.tight"]["value"]["coef"]
    small = expected["PAIN.gee.adj.exchangeable.CR2_satt"]["value"]
    assert rows["pain.missing.imputed.follow_up.effect"].value == pytest.approx(effect, rel=1e-6)
    for part in ("se", "df", "p"):
        assert rows[f"pain.missing.imputed.follow_up.{part}"].value == pytest.approx(small[part], rel=1e-6)
    last = expected["PAIN.last_pooled"]["value"]
    assert rows["pain.missing.imputed.final.effect"].value == pytest.approx(last["diff"], rel=1e-6)
    assert rows["pain.missing.imputed.final.se"].value == pytest.approx(last["diff"] / last["t"], rel=1e-6)
    for part in ("df", "p"):
        assert rows[f"pain.missing.imputed.final.{part}"].value == pytest.approx(last[part], rel=1e-6)
    assert rows["pain.missing.imputed.final.fmi"].value == 0
    assert "nothing is missing" in rows["pain.missing.imputed.final.p"].method


def test_imputed_answers_are_those_of_each_data_set_pooled(gappy):
    wide = cd4(gappy)
    rows = missing_data.imputed(gappy, draws=10)
    datasets = imputation.completed(wide, draws=10)
    model = estimators.Model(covariance="CR2", reference="satterthwaite")
    for estimand, found in (
        ("follow_up", [estimators.over_follow_up(data, 0, model) for data in datasets]),
        ("final", [estimators.at_final_visit(data, 0, 24) for data in datasets]),
    ):
        pooled = imputation.pool(
            [one.estimate for one in found], [one.se**2 for one in found], np.mean([one.df for one in found])
        )
        key = f"cd4.missing.imputed.{estimand}"
        assert rows[f"{key}.effect"].value == pytest.approx(pooled.estimate, rel=1e-9)
        assert rows[f"{key}.ci"].value == pytest.approx([pooled.lower, pooled.upper], rel=1e-9)
        for part in ("se", "df", "p"):
            assert rows[f"{key}.{part}"].value == pytest.approx(getattr(pooled, part), rel=1e-9)
        assert rows[f"{key}.effect"].estimand == estimand
        assert rows[f"{key}.effect"].n == 20
        assert rows[f"{key}.fmi"].value > 0


def test_the_first_shift_is_none(gappy):
    imputed, tipped = missing_data.imputed(gappy, draws=5), missing_data.tipping(gappy, draws=5)
    for part in ("effect", "ci", "p"):
        expected = imputed[f"cd4.missing.imputed.follow_up.{part}"].value
        assert tipped[f"cd4.tipping.0.{part}"].value == pytest.approx(expected, rel=1e-12)


def test_a_shift_moves_the_effect_by_the_share_imputed(real):
    """The effect of what is added, the shift times the share imputed, is its regression on arm and baseline."""
    study = real("actg175")
    wide = cd4(study)
    test, values = imputation.stacked(wide)
    design = np.column_stack([np.ones(len(test)), test, values[:, 0]])
    per_unit = np.linalg.lstsq(design, test * np.isnan(values[:, 1:]).mean(axis=1), rcond=None)[0][1]
    assert per_unit == pytest.approx(np.isnan(values[test][:, 1:]).mean(), abs=0.01)
    rows = missing_data.tipping(study, draws=5)
    start = rows["cd4.tipping.0.effect"].value
    for k in range(1, 7):
        moved = rows[f"cd4.tipping.{k}.effect"].value - start
        assert moved == pytest.approx(per_unit * rows[f"cd4.tipping.{k}.delta"].value, rel=1e-9)


def test_shifts_are_multiples_of_the_standard_deviation_against_the_effect(real):
    study = real("actg175")
    rows = missing_data.tipping(study, draws=2)
    adlb = table("actg175", "adlb").merge(table("actg175", "adsl")[["USUBJID", "TRT01P"]])
    follow_up = adlb[(adlb["PARAMCD"] == "CD4") & (adlb["AVISITN"] > 0)]
    groups = follow_up.dropna(subset="AVAL").groupby(["AVISITN", "TRT01P"])["AVAL"]
    sd = np.sqrt((groups.var() * (groups.count() - 1)).sum() / (groups.count() - 1).sum())
    assert rows["cd4.tipping.0.effect"].value > 0
    assert rows["cd4.tipping.6.delta"].value == pytest.approx(-3 * sd)
    assert rows["cd4.tipping.6.sds"].display == "−3.0"


def test_at_the_tipping_point_p_is_alpha(gappy):
    """Shift the imputed data sets by hand and analyse each by GEE."""
    rows = missing_data.tipping(gappy, draws=20)
    point = rows["cd4.tipping.point"]
    assert rows["cd4.tipping.0.p"].value < 0.05 < rows["cd4.tipping.6.p"].value
    wide = cd4(gappy)
    test, lacking = next(iter(wide)), next(iter(wide.values())).isna()
    lacking[0.0] = False
    found = []
    for data in imputation.completed(wide, draws=20):
        shifted = data | {test: data[test] + point.value * lacking}
        found.append(
            estimators.over_follow_up(shifted, 0, estimators.Model(covariance="CR2", reference="satterthwaite"))
        )
    pooled = imputation.pool(
        [one.estimate for one in found], [one.se**2 for one in found], np.mean([one.df for one in found])
    )
    assert pooled.p == pytest.approx(0.05, abs=1e-6)
    assert point.unit == "cells/μL"


def test_why_there_is_no_tipping_point_is_said(nk, copy, real):
    assert missing_data.tipping(nk)["cd4.tipping.point"].display == "none (nothing is missing)"
    first = missing_data.tipping(real("actg175_n20"), draws=5)["cd4.tipping.point"]
    assert first.display.startswith("none (P is 0.")
    reference = read_trial(copy.folder).subjects()["art"]["USUBJID"].iloc[0]
    rows = missing_data.tipping(lose(copy, {reference: [24]}).read(), draws=5)
    assert rows["cd4.tipping.point"].display == "none (no follow-up value of NK+ART is missing)"
    assert "cd4.tipping.1.delta" not in rows


def test_a_conclusion_that_never_tips_says_how_far_it_was_shifted(copy):
    subject = read_trial(copy.folder).subjects()["nk_art"]["USUBJID"].iloc[0]
    rows = missing_data.tipping(lose(copy, {subject: [24]}).read(), draws=5)
    assert rows["cd4.tipping.6.p"].value < 0.05
    furthest = rows["cd4.tipping.6.delta"].display
    expected = f"none (P stays below 0.05 up to a shift of {furthest} cells/μL)"
    assert rows["cd4.tipping.point"].display == expected


def _blank(chosen):
    """Take away the values of the rows that are chosen."""

    def change(rows):
        rows.loc[chosen(rows) & (rows["PARAMCD"] == "CD4"), "AVAL"] = ""
        return rows

    return change


def _constant(rows):
    rows.loc[rows["PARAMCD"] == "CD4", "AVAL"] = "400"
    return rows


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_blank(lambda rows: rows["AVISITN"] == "24"), "nobody in the test arm has a value at visit 7 of 7"),
        (_blank(lambda rows: (rows["AVISITN"] == "0") & (rows["TRTP"] == "ART")), "the reference arm .* visit 1 of 7"),
        (_blank(lambda rows: rows["TRTP"] == "NK+ART"), "nobody in the test arm has a value at visit 1 of 7"),
        (_constant, "baseline value does not vary"),
    ],
)
def test_what_cannot_be_estimated_is_said(copy, spoil, words):
    copy.table("adlb", spoil)
    study = copy.read()
    rows = (
        missing_data.imputed(study, draws=2)
        .update(missing_data.tipping(study, draws=2))
        .update(missing_data.patterns(study))
    )
    for key in ("cd4.missing.imputed.follow_up.p", "cd4.tipping.0.p", "cd4.tipping.point"):
        assert rows[key].display == "not estimable"
        assert re.search(words, rows[key].reason)
    assert rows["cd8.missing.imputed.follow_up.p"].value is not None
    drawn = figures.tipping(study, rows, study.parameters("efficacy")[0])
    assert "not estimable" in drawn.alt


def test_one_follow_up_visit_is_enough(copy):
    copy.table("adlb", lambda rows: rows[(rows["PARAMCD"] != "CD4") | rows["AVISITN"].isin(["0", "24"])])
    rows = missing_data.imputed(lose(copy, {"NKINR-001": [24], "NKINR-012": [24]}).read(), draws=5)
    assert 0 < rows["cd4.missing.imputed.follow_up.p"].value < 1


def test_two_and_two_participants_are_answered_in_words(copy):
    arms = read_trial(copy.folder).subjects()
    few = [name for rows in arms.values() for name in rows["USUBJID"].iloc[:2]]
    for name in ("adsl", "adlb", "adae", "adex"):
        copy.rows(name, lambda rows: rows["USUBJID"].isin(few))
    copy.facts(lambda facts: facts.update(randomised=4))
    study = lose(copy, {few[0]: [24]}).read()
    rows = missing_data.imputed(study).update(missing_data.tipping(study))
    assert "only 3 participants" in rows["cd4.missing.imputed.final.p"].reason
    assert rows["cd4.tipping.point"].value is None


@pytest.mark.parametrize("name", ["nk", "gappy"])
def test_tables_and_figures_show_what_was_found(name, request):
    study = request.getfixturevalue(name)
    counts, imputed, tipped = (
        missing_data.patterns(study),
        missing_data.imputed(study, draws=5),
        missing_data.tipping(study, draws=5),
    )
    visits, patterns = tables.missing_visits(study, counts), tables.missing_patterns(study, counts)
    assert [row.label for row in patterns.rows if row.indent == 0] == ["CD4 count", "CD8 count", "CD4/CD8 ratio"]
    if name == "gappy":
        shown = sum(cell.value for row in visits.rows[1:8] for cell in row.cells)
        assert shown == counts["cd4.missing.n_of"].value[0] > 0
    assert len(tables.imputed(study, imputed).rows) == 9
    parameter = study.parameters("efficacy")[0]
    laid, drawn = tables.tipping(study, tipped, parameter), figures.tipping(study, tipped, parameter)
    assert laid.rows[-1].cells[0] is tipped["cd4.tipping.point"]
    assert len(laid.rows) == (2 if name == "nk" else 8)
    assert tipped["cd4.tipping.point"].display in drawn.alt
    assert all(tipped[f"cd4.tipping.{k}.ci"].display in drawn.alt for k in range(len(laid.rows) - 1))


def test_visits_at_which_nothing_is_missing_are_one_line_of_each_parameter(nk, copy):
    """And all visits are shown of a parameter that lacks one value."""
    rows = tables.missing_visits(nk, missing_data.patterns(nk)).rows
    assert [row.label for row in rows] == [one.label for one in nk.parameters("efficacy")]
    copy.rows("adlb", lambda table: ~(table.index == table.index[table["PARAMCD"] == "CD8"][3]))
    trial = copy.read()
    labels = [row.label for row in tables.missing_visits(trial, missing_data.patterns(trial)).rows]
    assert labels.count("All visits") == 1 and len(labels) == 2 + 2 + len(trial.schedule)
