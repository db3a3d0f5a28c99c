"""Mutants of any trial are valid, coherent and changed as they say, and the same each time."""

import pandas as pd
import pytest
from builds import digests
from conftest import NK_INR

from trialbook.checks import mutants
from trialbook.errors import FaultsError
from trialbook.trial.generate import generate
from trialbook.trial.model import read_trial

TRIALS = ("ours", "amitriptyline_hivsn", "generated")
EVERY = ("adsl", "adlb", "adae", "adex")


@pytest.fixture(scope="module", params=TRIALS)
def made(request, real_trial, tmp_path_factory):
    """A trial, and its mutants by name."""
    folder = tmp_path_factory.mktemp("mutants")
    if request.param == "generated":
        original = generate(folder / "gen", events=200)
    else:
        original = NK_INR if request.param == "ours" else real_trial(request.param)
    return read_trial(original), {name: read_trial(path) for name, path in mutants.write(original, folder).items()}


def arms(study):
    return study.adsl.set_index("USUBJID")["TRT01P"]


def test_every_mutant_is_another_trial_and_coherent(made):
    study, own = made
    assert list(own) == ["arms_permuted", *(f"without_one_{arm.id}" for arm in study.arms), "values_shifted"]
    for mutant in own.values():
        assert any(not t.equals(getattr(study, name)) for name in EVERY if (t := getattr(mutant, name)) is not None)
        for table in (mutant.adlb, mutant.adae, mutant.adex):
            for column in {"TRTP", "TRTA"} & set(() if table is None else table):
                assert (table[column] == table["USUBJID"].map(arms(mutant))).all()
        changed = mutant.adlb.dropna(subset=["AVAL", "BASE", "CHG"])
        value, base, change = (changed[column].astype(float) for column in ("AVAL", "BASE", "CHG"))
        assert (
            len(changed) and (value - base - change).abs().max() < 0.002
        )  # as in the original, where a ratio is rounded


def test_permuted_arms_are_as_large_and_other_people_are_in_them(made):
    study, own = made
    mutant = own["arms_permuted"]
    assert arms(mutant).equals(arms(study))
    people = [column for column in ("AGE", "SEX", "ITTFL", "EOSSTT") if column in study.adsl]
    before, after = (t.adsl.set_index("USUBJID")[people] for t in (study, mutant))
    assert sorted(map(str, before.to_numpy().tolist())) == sorted(map(str, after.to_numpy().tolist()))
    blocks = [t.adlb.groupby("USUBJID")["AVAL"].agg(lambda v: tuple(v.dropna())) for t in (study, mutant)]
    assert sorted(blocks[0]) == sorted(blocks[1])
    moved = (blocks[0] != blocks[1].reindex(blocks[0].index)).groupby(arms(study)).sum()
    assert (moved == (arms(study).value_counts().min() + 1) // 2).all()
    assert (study.adex is None and mutant.adex is None) or study.adex.equals(mutant.adex)


def test_one_participant_is_removed_everywhere_and_the_others_stay(made):
    study, own = made
    for arm in study.arms:
        mutant = own[f"without_one_{arm.id}"]
        (gone,) = set(study.adsl["USUBJID"]) - set(mutant.adsl["USUBJID"])
        assert arms(study)[gone] == arm.value
        assert mutant.facts.randomised in (None, len(study.adsl) - 1)
        for name in EVERY:
            if (table := getattr(study, name)) is not None:
                stayed = table[table["USUBJID"] != gone].reset_index(drop=True)
                pd.testing.assert_frame_equal(getattr(mutant, name), stayed, check_dtype=False)


def test_values_are_shifted_by_another_factor_in_each_arm(made):
    study, own = made
    mutant = own["values_shifted"]
    for arm, factor in zip(study.arms, (1.4, 1.1), strict=True):
        rows = study.adlb["USUBJID"].map(arms(study)) == arm.value
        assert mutant.adlb.loc[rows, "AVAL"].to_numpy() == pytest.approx(
            factor * study.adlb.loc[rows, "AVAL"].to_numpy(), nan_ok=True
        )
        events = None if study.adae is None else mutant.adae[mutant.adae["USUBJID"].map(arms(study)) == arm.value]
        if events is not None:
            assert len(events) > (study.adae["USUBJID"].map(arms(study)) == arm.value).sum()
            assert set(events["AEDECOD"]) == set(study.adae["AEDECOD"])
            if study.adae["AESER"].notna().any():
                assert (events["AESER"] == "Y").any() and (events["AEOUT"] == "FATAL").any()
    if study.adex is not None:
        assert len(mutant.adex) == len(study.adex) - 1
        between = [t.adex.groupby("USUBJID")["ASTDY"].diff().dropna().median() for t in (study, mutant)]
        assert between[1] == 2 * between[0]


def test_mutants_are_the_same_each_time(tmp_path):
    small = generate(tmp_path / "gen", per_arm=3, laboratory=1, missing=0)
    for name in ("one", "other"):
        mutants.write(small, tmp_path / name)
    assert digests(tmp_path / "one") == digests(tmp_path / "other")


def test_a_trial_too_small_to_lose_a_participant_is_a_fault_in_words(tmp_path):
    with pytest.raises(FaultsError, match="nobody is in the arm 'ACTIVE'"):
        mutants.write(generate(tmp_path / "gen", per_arm=1, missing=0), tmp_path / "made")


def test_a_trial_with_a_third_arm_dates_of_sas_and_other_headers_has_mutants_of_the_chosen_arms(copy, tmp_path):
    def with_a_third(table):
        other = table.head(1).assign(USUBJID="NKINR-901", TRT01P="NK twice", TRT01A="NK twice", ARM="NK twice")
        days = (pd.to_datetime(table["RANDDT"]) - pd.Timestamp("1960-01-01")).dt.days.astype(str)
        return pd.concat([table.assign(RANDDT=days), other.assign(RANDDT=days[:1])]).rename(columns=str.lower)

    copy.facts(lambda facts: facts.update(dates="sas"))
    copy.table("adsl", with_a_third)
    study = read_trial(copy.folder)
    for path in mutants.write(copy.folder, tmp_path / "made").values():
        mutant = read_trial(path)
        assert set(mutant.adsl["TRT01P"]) == set(study.adsl["TRT01P"])
        assert set(mutant.adsl["RANDDT"]) <= set(study.adsl["RANDDT"])
