"""Choices that a trial states in trial.yml: each has a default that is right without being named."""

import pytest

from trialbook.analysis import (
    adverse_events,
    baseline,
    efficacy,
    flow,
    missing_data,
    operating_characteristics,
    protocol,
)
from trialbook.displays import tables
from trialbook.errors import FaultsError
from trialbook.trial.generate import generate
from trialbook.trial.model import read_trial


def choose_final(copy, month):
    copy.facts(lambda facts: facts["visits"].update(final=month))
    return copy.read()


def test_the_primary_time_point_need_not_be_the_last_visit(copy, nk):
    found = choose_final(copy, 12)
    rows, usual = efficacy.by_visit(found), efficacy.by_visit(nk)
    for arm in ("nk_art", "art"):
        assert rows[f"cd4.final.{arm}.mean"].value == usual[f"cd4.month_12.{arm}.mean"].value
        assert rows[f"cd4.month_24.{arm}.mean"].value == usual[f"cd4.final.{arm}.mean"].value
    test, reference = (usual[f"cd4.month_12.{arm}.mean"].value for arm in ("nk_art", "art"))
    assert efficacy.final_difference(found)["cd4.final.difference"].value == pytest.approx(test - reference)
    assert efficacy.final_difference(found)["cd4.final.difference"].visit == "Month 12"
    assert protocol.facts(found)["visits.final"].value == "month 12"
    imputed = missing_data.imputed(found)["cd4.missing.imputed.final.effect"]
    assert imputed.value == pytest.approx(test - reference)
    sds, usual_sds = (operating_characteristics.characteristics(trial, 100) for trial in (found, nk))
    assert sds["cd4.operating.sd"].value == pytest.approx(usual_sds["cd4.operating.month_12.sd"].value)
    follow_up = efficacy.gee(found)["cd4.gee.effect"].value
    assert follow_up == pytest.approx(efficacy.gee(nk)["cd4.gee.effect"].value)


@pytest.mark.parametrize("month", [0, 7, -1])
def test_the_primary_time_point_is_a_visit_after_the_baseline(copy, month):
    with pytest.raises(
        FaultsError, match=r"visits\.final: must be the `avisitn` of a scheduled visit after the baseline"
    ):
        choose_final(copy, month)


def test_a_flag_that_is_empty_means_no(copy):
    copy.table("adsl", lambda table: table.assign(DTHFL=["Y", *[""] * 19]))
    copy.facts(lambda facts: facts["baseline"].append({"variable": "DTHFL", "label": "Died", "type": "flag"}))
    found = copy.read()
    rows = baseline.baseline(found)
    assert rows["baseline.dthfl.all.y.n_pct"].value == [1, 20]
    assert rows["baseline.dthfl.all.missing"].value == 0
    assert rows["baseline.dthfl.smd"].value is not None
    shown = tables.baseline(found, rows, flow.flow(found))
    assert [row.label for row in shown.rows if "Died" in row.label] == ["Died, n (%)"]


def test_rare_terms_may_be_left_out_of_the_table(tmp_path):
    folder = generate(tmp_path / "trial", per_arm=20, events=150)
    found = read_trial(folder)
    events, stages = adverse_events.adverse_events(found), flow.flow(found)
    every = [row for row in tables.adverse_events(found, events, stages).rows if row.indent]
    text = (folder / "trial.yml").read_text("utf8")
    (folder / "trial.yml").write_text(f"{text}\nharms: {{smallest_share: 30}}\n", "utf8")
    found = read_trial(folder)
    shown = tables.adverse_events(found, adverse_events.adverse_events(found), stages)
    listed = [row for row in shown.rows if row.indent]
    assert 0 < len(listed) < len(every)
    said = "Terms that fewer than 30% of the participants of each arm had are not listed"
    assert any(said in note for note in shown.notes)
    in_appendix = tables.event_rates(found, adverse_events.adverse_events(found))
    assert [row.label for row in in_appendix.rows if row.indent] == [row.label for row in every]
    shares = {
        row.label: max(100 * cell.value[0] / cell.value[1] for cell in row.cells if cell.statistic == "n (%)")
        for row in listed
    }
    assert min(shares.values()) >= 30
