"""Who took part: against R's summaries of real trials; what is not known is not estimable."""

import numpy as np
import pytest
from reference import answers, facts

from trialbook.analysis import baseline, exposure, flow, follow_up
from trialbook.displays import figures, tables

TRIALS = ["amitriptyline_hivsn", "actg175", "actg175_n20"]
pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def groups(request, real):
    """The trial of the test's name, and R's group names for our group ids."""
    found = real(request.getfixturevalue("name"))
    return found, {arm.id: arm.value for arm in found.arms} | {"all": "All"}


@pytest.mark.parametrize("name", TRIALS)
def test_arms_are_those_of_r(name, groups):
    found, values = groups
    test, reference = found.arms
    assert (values[test.id], values[reference.id]) == (facts(name)["test"], facts(name)["ref"])


@pytest.mark.parametrize("name", TRIALS)
def test_means_and_medians_equal_r(name, groups):
    found, values = groups
    rows, compared = baseline.baseline(found), 0
    for line in found.facts.baseline:
        variable = line.variable or f"{line.paramcd}BL"  # R took the baseline values of ADSL, we those of ADLB
        if line.type == "category":
            continue
        summary = answers(name)[f"table1.{variable}.summary"]["value"]
        for group, value in values.items():
            theirs = summary[value]
            key, total = f"baseline.{line.id}.{group}", sum(found.adsl["TRT01P"] == value) or len(found.adsl)
            if line.type == "mean":
                row, quantities = rows[f"{key}.mean_sd"], ("mean", "sd")
            else:
                row, quantities = rows[f"{key}.median_iqr"], ("median", "q1", "q3")
            assert row.value == pytest.approx([theirs[quantity] for quantity in quantities], rel=1e-9)
            assert row.n == theirs["n"]
            assert rows[f"{key}.missing"].value == total - theirs["n"]
            compared += 1
    assert compared >= 9


@pytest.mark.parametrize("name", TRIALS)
def test_counts_equal_r(name, groups):
    found, values = groups
    rows, compared = baseline.baseline(found), 0
    for line in found.facts.baseline:
        if line.type != "category":
            continue
        counts = answers(name)[f"table1.{line.variable}.counts"]["value"]
        for group, value in values.items():
            of_arms = list(counts.values()) if group == "all" else [counts[value]]
            of_line = [row for row in rows if (row.parameter, row.group) == (line.id, group)]
            ours = {row.label: row.value for row in of_line if row.statistic == "n (%)"}
            if isinstance(of_arms[0], list):  # R drops the name of a variable's only level
                total = sum(arm[0] for arm in of_arms)
                assert [count for count, _ in ours.values() if count] == [total]
            else:
                theirs = {level: sum(arm[level] for arm in of_arms) for level in of_arms[0]}
                total = sum(theirs.values())
                labels = {line.levels.get(level, level): count for level, count in theirs.items()}
                assert {label: count for label, (count, _) in ours.items()} == labels
            assert {of for _, of in ours.values()} == {total}
            compared += 1
    assert compared >= 15


def test_baseline_table_has_no_tests(nk):
    allowed = {"count", "n (%)", "mean (SD)", "median (IQR)", "standardised mean difference", "probability", "text"}
    assert {row.statistic for row in baseline.baseline(nk)} <= allowed


def test_a_line_with_too_few_values_is_not_estimable(copy):
    copy.table("adsl", lambda t: t.assign(AGE=["40", *[""] * (len(t) - 1)], HIVDUR=["5", *[""] * (len(t) - 1)]))
    rows = baseline.baseline(copy.read())
    arm = "nk_art" if copy.read().adsl.loc[0, "TRT01P"] == "NK+ART" else "art"
    for group in ("nk_art", "art", "all"):
        assert rows[f"baseline.age.{group}.mean_sd"].display == "not estimable"
        assert rows[f"baseline.age.{group}.mean_sd"].reason == "fewer than two values"
        has = group in (arm, "all")
        assert rows[f"baseline.hivdur.{group}.median_iqr"].value == ([5, 5, 5] if has else None)
        assert (rows[f"baseline.hivdur.{group}.median_iqr"].reason == "no value") != has


@pytest.mark.parametrize("name", TRIALS)
def test_cohens_d_follows_from_the_means_and_sds_of_r(name, groups):
    found, _ = groups
    rows = baseline.baseline(found)
    for line in found.facts.baseline:
        if line.type == "category":
            continue
        of = answers(name)[f"table1.{line.variable or f'{line.paramcd}BL'}.summary"]["value"]
        a, b = (of[arm.value] for arm in found.arms)
        pooled = ((a["n"] - 1) * a["sd"] ** 2 + (b["n"] - 1) * b["sd"] ** 2) / (a["n"] + b["n"] - 2)
        d = (a["mean"] - b["mean"]) / np.sqrt(pooled)
        assert rows[f"baseline.{line.id}.smd"].value == pytest.approx(d, rel=1e-9)


@pytest.mark.parametrize("name", [*TRIALS, "nk"])
def test_every_display_is_laid_out(name, real, nk):
    found = nk if name == "nk" else real(name)
    counts, rows, given = flow.flow(found), baseline.baseline(found), exposure.exposure(found)
    attended = follow_up.attendance(found).update(follow_up.time_in_study(found))
    for layout in (
        tables.baseline(found, rows, counts),
        tables.attendance(found, attended, counts),
        tables.exposure(found, given, counts),
    ):
        assert layout.rows or layout.notes
        assert {len(row.cells) for row in layout.rows} <= {0, len(layout.columns) - 1}
    assert figures.love(found, rows).alt
    assert f"n = {len(found.adsl)}" in figures.consort(found, counts).alt
    assert figures.attendance(found, attended).alt
