"""Who took part: against R's summaries of real trials, and the flow's arithmetic."""

import numpy as np
import pandas as pd
import pytest
from reference import answers, facts, table

from trialbook.analysis import baseline, exposure, flow, follow_up, protocol
from trialbook.displays import figures, tables
from trialbook.errors import FaultsError
from trialbook.stats import balance
from trialbook.trial.model import read_trial

TRIALS = ["amitriptyline_hivsn", "actg175", "actg175_n20"]
pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def groups(request, real_trial):
    """The trial of the test's name, and R's group names for our group ids."""
    found = read_trial(real_trial(request.getfixturevalue("name")))
    return found, {arm.id: arm.value for arm in found.arms} | {"all": "All"}


# the baseline table: R's table1.<variable>.summary and table1.<variable>.counts


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
    allowed = {"count", "n (%)", "mean (SD)", "median (IQR)", "standardised mean difference", "text"}
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


# the flow


@pytest.fixture
def leavers(copy):
    """Five people who did not complete: two lost, one withdrawn, one without a reason, one still in the study."""
    for row, status, reason in (
        (2, "DISCONTINUED", "Lost to follow-up"),
        (3, "DISCONTINUED", "Lost to follow-up"),
        (4, "DISCONTINUED", "Withdrew consent"),
        (5, "DISCONTINUED", ""),
        (6, "ONGOING", ""),
    ):
        copy.cell("adsl", row, "EOSSTT", status)
        copy.cell("adsl", row, "DCSREAS", reason)
    return copy.read()


def test_flow_adds_up(leavers):
    counts = flow.flow(leavers)
    reasons = {}
    for arm in leavers.arms:
        n = {stage: counts[f"cohort.{stage}.{arm.id}.n"].value for stage in ("randomised", "completed", "left")}
        still = counts.get(f"cohort.ongoing.{arm.id}.n")
        assert n["randomised"] == n["completed"] + n["left"] + (still.value if still else 0)
        of_arm = [row for part, row in counts.under(f"cohort.left.{arm.id}").items() if part != "n"]
        assert sum(row.value for row in of_arm) == n["left"]
        for row in of_arm:
            reasons[row.label] = reasons.get(row.label, 0) + row.value
    randomised = [counts[f"cohort.randomised.{arm.id}.n"].value for arm in leavers.arms]
    assert sum(randomised) == counts["cohort.randomised.n"].value
    assert reasons == {"lost to follow-up": 2, "withdrew consent": 1, "reason not given": 1}


@pytest.mark.parametrize("name", TRIALS)
def test_flow_of_a_trial_without_disposition_does_not_invent_it(name, groups):
    found, _ = groups
    counts = flow.flow(found)
    assert not [row.key for row in counts if ".left." in row.key or ".completed." in row.key]
    assert counts["cohort.randomised.n"].value == len(table(name, "adsl"))


def test_received_and_sets_are_counted_by_allocation(copy):
    copy.table("adsl", lambda t: t.assign(TRT01A=t["TRT01A"].where(t.index != 0, "NK+ART")))
    copy.table("adsl", lambda t: t.assign(ITTFL=t["ITTFL"].where(t.index != 1, "N")))
    found = copy.read()
    counts, arms = flow.flow(found), found.adsl["TRT01P"]
    for arm in found.arms:
        allocated = arms == arm.value
        assert counts[f"cohort.received.{arm.id}.n"].value == sum(allocated & (found.adsl["TRT01A"] == arm.value))
        assert counts[f"cohort.efficacy.{arm.id}.n"].value == sum(allocated & (found.adsl.index != 1))
    assert counts["cohort.efficacy.n"].value == len(found.adsl) - 1


def test_a_flow_that_contradicts_itself_is_a_fault_in_words(leavers, copy):
    copy.cell("adsl", 7, "DCSREAS", "Lost to follow-up")
    with pytest.raises(FaultsError, match="1 of 20 participants are COMPLETED and have a reason to have left"):
        flow.flow(copy.read())


def test_more_randomised_than_screened_is_a_fault(copy):
    copy.facts(lambda given: given.update(screened=19))
    with pytest.raises(FaultsError, match="19 were screened but 20 randomised"):
        flow.flow(copy.read())


# balance: closed forms, and a simulation


def test_the_difference_of_two_levels_is_the_closed_form():
    p, q = 12 / 20, 5 / 25
    expected = abs(p - q) / np.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    assert balance.distribution_difference([12, 8], [5, 20]) == pytest.approx(expected, rel=1e-12)


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


def test_the_difference_expected_by_chance_is_that_of_simulated_trials():
    rng = np.random.default_rng(1)
    made = [abs(balance.mean_difference(rng.normal(size=6), rng.normal(size=9))) for _ in range(4000)]
    assert np.mean(made) == pytest.approx(balance.expected_by_chance(6, 9), abs=4 * np.std(made) / np.sqrt(4000))


# exposure


def test_exposure_is_counted_from_the_rows(nk):
    rows, planned = exposure.exposure(nk), nk.facts.intervention
    treated = nk.adex["USUBJID"].nunique()
    assert rows["exposure.nk_art.administrations"].value == len(nk.adex)
    assert rows["exposure.nk_art.treated.n_of"].value == [treated, treated]
    assert rows["exposure.nk_art.complete.n_of"].value == [treated, treated]
    assert rows["exposure.nk_art.dose.mean_sd"].value == [planned.courses * planned.dose, 0]
    assert rows["exposure.nk_art.dose.mean_sd"].unit == planned.dose_unit
    assert rows["exposure.art.administrations"].value == 0


def test_exposure_with_gaps(copy):
    """Someone stopped after the first course, a dose and a unit were not written down."""
    who = copy.read().adex["USUBJID"].iloc[0]
    copy.rows("adex", lambda t: (t["USUBJID"] != who) | (t["COURSE"] == "1"))
    copy.cell("adex", 2, "AVAL", "")
    copy.cell("adex", 3, "AVALU", "")
    rows = exposure.exposure(copy.read())
    complete, treated = rows["exposure.nk_art.complete.n_of"].value
    assert complete == treated - 1
    assert rows["exposure.nk_art.per_subject.min"].value == 1
    assert rows["exposure.nk_art.dose.mean_sd"].n == treated - 1
    assert rows["exposure.nk_art.dose.mean_sd"].unit == "10⁸ cells"


def test_facts_that_are_not_given_have_no_row(copy):
    copy.facts(lambda given: [given.pop(key) for key in ("registration", "intervention", "funding")])
    keys = {row.key for row in protocol.facts(copy.read())}
    assert not [key for key in keys if key.startswith(("trial.registration", "exposure", "trial.funding"))]
    assert {"trial.study", "visits.final", "cd4.unit"} <= keys
    assert "cd4cd8.unit" not in keys


def test_another_status_is_a_way_to_leave_and_its_own_reason(copy):
    copy.cell("adsl", 2, "EOSSTT", "Death")
    copy.cell("adsl", 3, "DCSREAS", "Completed")  # some write it for those who stayed
    found = copy.read()
    left = {row.label: row.value for row in flow.flow(found).under("cohort.left").values() if row.label}
    assert left == {"death": 1}


# follow-up and exposure


@pytest.mark.parametrize("name", TRIALS)
def test_attendance_equals_a_count_by_hand(name, groups):
    found, values = groups
    rows, lab = follow_up.attendance(found), table(name, "adlb")
    arms = table(name, "adsl").set_index("USUBJID")["TRT01P"]
    for arm in found.arms:
        of_arm = lab[lab["USUBJID"].map(arms) == values[arm.id]].dropna(subset=["AVAL"])
        every = {who: set(own["AVISITN"]) for who, own in of_arm.groupby("USUBJID")}
        visits = found.schedule
        for visit_id, visit in visits.items():
            present = sum(visit.avisitn in seen for seen in every.values())
            assert rows[f"cohort.attendance.{visit_id}.{arm.id}.n_of"].value == [
                present,
                int((arms == values[arm.id]).sum()),
            ]
        whole = sum({v.avisitn for v in visits.values()} <= seen for seen in every.values())
        assert rows[f"cohort.attendance.every_visit.{arm.id}.n_of"].value[0] == whole


def test_time_in_study_is_the_day_of_the_last_value(nk):
    rows = follow_up.time_in_study(nk)
    for arm, subjects in nk.subjects().items():
        days = [nk.adlb.loc[nk.adlb["USUBJID"] == who, "ADY"].max() for who in subjects["USUBJID"]]
        assert rows[f"cohort.time.{arm}.median"].value == np.median(days)
        assert rows[f"cohort.time.{arm}.range"].value == [min(days), max(days)]


def test_deviations_from_the_plan_are_counted(copy):
    """One course left out, one given twice as much, one more than planned."""

    def change(doses):
        doses.loc[1, "AVAL"] = "2"
        extra = doses.iloc[[2]].assign(COURSE="4", ASTDY="90")
        return pd.concat([doses.drop(index=[5]), extra])

    copy.table("adex", change)
    rows = exposure.exposure(copy.read())
    n = {part: rows[f"exposure.nk_art.courses.{part}.n_pct"].value for part in ("as_planned", "fewer", "none", "more")}
    assert n == {"as_planned": [8, 10], "fewer": [1, 10], "none": [0, 10], "more": [1, 10]}
    assert rows["exposure.nk_art.dose.other.n_of"].value == [1, 30]
    assert rows["exposure.nk_art.administrations"].value == 30


def test_a_distance_of_three_levels_is_that_of_yang_and_dalton():
    one, other = np.array([10, 6, 4]), np.array([5, 5, 10])
    p, q = one[1:] / one.sum(), other[1:] / other.sum()
    spread = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    assert balance.distribution_difference(one, other) == pytest.approx(
        np.sqrt((p - q) @ np.linalg.solve(spread, p - q))
    )
    assert balance.distribution_difference(one[::-1], other[::-1]) == pytest.approx(
        balance.distribution_difference(one, other)
    )


@pytest.mark.parametrize("name", [*TRIALS, "nk"])
def test_every_display_is_laid_out(name, real_trial, nk):
    found = nk if name == "nk" else read_trial(real_trial(name))
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
