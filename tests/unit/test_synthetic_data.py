"""The synthetic trial: reproducible, coherent, and calibrated to every published figure."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import yaml
from make import calibrate
from scipy import stats

from trialbook.cli import main

NK_INR = Path(__file__).resolve().parents[2] / "data" / "nk_inr"
TABLES = ("adsl", "adlb", "adae", "adex")
PUBLISHED = yaml.safe_load((NK_INR / "published.yml").read_text("utf8"))["figures"]
PRINTED = {figure["key"]: figure["printed"] for figure in PUBLISHED}
FACTS = yaml.safe_load((NK_INR / "trial.yml").read_text("utf8"))
VALUE = {arm["role"]: arm["value"] for arm in FACTS["arms"]}
MONTHS = [visit["avisitn"] for visit in FACTS["visits"]["schedule"]]


def make(folder, *seed):
    """The tables as the command writes them, with the seed of the paper or another."""
    assert main(["-C", str(NK_INR), "simulate", "--output", str(folder), *seed]) == 0
    return folder


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    return make(tmp_path_factory.mktemp("again"))


@pytest.fixture(scope="module", params=["published seed", "another seed"])
def data(request, tmp_path_factory):
    folder = NK_INR if request.param == "published seed" else make(tmp_path_factory.mktemp("other"), "--seed", "7")
    paths = {name: folder / f"{name}.csv" for name in TABLES}
    return {name: pd.read_csv(path, keep_default_na=False, na_values=[""]) for name, path in paths.items()}


def wide(data, code):
    rows = data["adlb"][data["adlb"]["PARAMCD"] == code]
    return rows.pivot(index="USUBJID", columns="AVISITN", values="AVAL")[MONTHS]


def arm_rows(data, code, role):
    people = data["adsl"].loc[data["adsl"]["TRT01P"] == VALUE[role], "USUBJID"]
    return wide(data, code).loc[people].to_numpy()


def gee(data, code):
    """Effect and robust P of the arm in the published model, from statsmodels."""
    values = wide(data, code)
    arm = data["adsl"].set_index("USUBJID").loc[values.index, "TRT01P"] == VALUE["test"]
    followup = len(MONTHS) - 1
    visits = np.tile(np.eye(followup)[:, 1:], (len(values), 1))
    constant = (np.ones(len(values)), arm.astype(float), values[MONTHS[0]])
    repeated = [np.repeat(column, followup) for column in constant]
    design = np.column_stack([*repeated, visits])
    y, people = values[MONTHS[1:]].to_numpy().ravel(), np.repeat(np.arange(len(values)), followup)
    model = sm.GEE(y, design, groups=people, cov_struct=sm.cov_struct.Exchangeable())
    fit = model.fit(ddof_scale=0, maxiter=500, ctol=1e-10)
    return fit.params[1], fit.pvalues[1]


def prints(value, printed):
    """Say whether the value is printed so, at the printed number of decimals."""
    return f"{value:.{-Decimal(printed).as_tuple().exponent}f}" == printed


@pytest.mark.parametrize("name", TABLES)
def test_running_it_again_gives_the_same_bytes(again, name):
    assert (again / f"{name}.csv").read_bytes() == (NK_INR / f"{name}.csv").read_bytes()


@pytest.mark.parametrize("name", TABLES)
def test_files_are_plain_csv(name):
    content = (NK_INR / f"{name}.csv").read_bytes()
    assert b"\r" not in content and b'"' not in content
    assert content.decode("utf8").endswith("\n") and "\u00b5" not in content.decode("utf8")


def test_arms_have_their_published_size(data):
    counts = data["adsl"]["TRT01P"].value_counts()
    assert counts.sum() == int(PRINTED["cohort.randomised.n"])
    for arm in FACTS["arms"]:
        assert counts[arm["value"]] == int(PRINTED[f"cohort.randomised.{arm['id']}.n"])


def test_cd4_means(data):
    for arm in FACTS["arms"]:
        rows = arm_rows(data, "CD4", arm["role"])
        assert prints(rows[:, 0].mean(), PRINTED[f"cd4.baseline.{arm['id']}.mean"])
        assert prints(rows[:, -1].mean(), PRINTED[f"cd4.final.{arm['id']}.mean"])


def test_final_difference(data):
    test, reference = (arm_rows(data, "CD4", role)[:, -1] for role in ("test", "reference"))
    answer = stats.ttest_ind(test, reference)
    limits = answer.confidence_interval(1 - FACTS["alpha"])
    assert prints(test.mean() - reference.mean(), PRINTED["cd4.final.difference"])
    for limit, printed in zip(limits, PRINTED["cd4.final.difference.ci"].split(" to "), strict=True):
        assert prints(limit, printed)
    assert prints(answer.pvalue, PRINTED["cd4.final.difference.p"])


@pytest.mark.parametrize("code", ["CD4", "CD8"])
def test_gee(data, code):
    effect, p = gee(data, code)
    assert prints(effect, PRINTED[f"{code.lower()}.gee.effect"])
    assert prints(p, PRINTED[f"{code.lower()}.gee.effect.p"])


def test_ratio_is_not_significant(data):
    assert PRINTED["cd4cd8.gee.effect.p"] == "not significant"
    assert gee(data, "CD4CD8")[1] > 0.2


@pytest.mark.parametrize("code", ["CD4", "CD8", "CD4CD8"])
def test_closed_form_is_the_gee(data, code):
    values = wide(data, code)
    arm_of = (data["adsl"].set_index("USUBJID").loc[values.index, "TRT01P"] != VALUE["test"]).to_numpy(int)
    effect, z = calibrate.gee_effect(values.to_numpy(), arm_of)
    assert (effect, 2 * stats.norm.sf(abs(z))) == pytest.approx(gee(data, code), rel=1e-6)


def test_laboratory_is_complete(data):
    adlb = data["adlb"]
    codes = [parameter["paramcd"] for parameter in FACTS["parameters"]]
    people = data["adsl"]["USUBJID"]
    assert len(adlb) == len(people) * len(codes) * len(MONTHS)
    assert set(zip(adlb["USUBJID"], adlb["PARAMCD"], adlb["AVISITN"], strict=True)) == {
        (person, code, month) for person in people for code in codes for month in MONTHS
    }
    assert adlb["AVAL"].notna().all() and (adlb["AVAL"] > 0).all()
    labels = {given["paramcd"]: (given["label"], given["unit"]) for given in FACTS["parameters"]}
    written = adlb[["PARAMCD", "PARAM", "AVALU"]].fillna("").drop_duplicates()
    assert {code: tuple(rest) for code, *rest in written.to_numpy()} == labels


def test_base_and_change(data):
    adlb = data["adlb"]
    first = adlb["AVISITN"] == FACTS["visits"]["baseline"]
    keys = ["USUBJID", "PARAMCD"]
    base = adlb.loc[first, [*keys, "AVAL"]].rename(columns={"AVAL": "WANTED"})
    assert (adlb.merge(base, on=keys, how="left")["WANTED"] == adlb["BASE"]).all()
    assert np.allclose(adlb.loc[~first, "CHG"], (adlb["AVAL"] - adlb["BASE"])[~first], atol=1e-9)
    assert adlb.loc[first, "CHG"].isna().all()
    assert (adlb["ABLFL"].eq("Y") == first).all()


def test_counts_and_ratio(data):
    cd4, cd8, ratio = (wide(data, code) for code in ("CD4", "CD8", "CD4CD8"))
    assert (cd4 % 1 == 0).all(axis=None) and (cd8 % 1 == 0).all(axis=None)
    assert np.abs(ratio - cd4 / cd8).max(axis=None) <= 0.5 * 10**-calibrate.RATIO_DECIMALS + 1e-12
    assert (cd4[MONTHS[0]] < calibrate.CD4_CRITERION).all()
    within = np.corrcoef(cd4[MONTHS[-2]], cd4[MONTHS[-1]])[0, 1]
    assert within > 0.7


def test_white_cells_are_coherent(data):
    lym, neut, wbc = (wide(data, code) for code in ("LYM", "NEUT", "WBC"))
    share = (wide(data, "CD4") + wide(data, "CD8")) / 1000 / lym
    assert share.min(axis=None) > 0.45 and share.max(axis=None) < 0.8
    others = wbc - lym - neut
    assert others.min(axis=None) > 0.15 and others.max(axis=None) < 1.2


def test_laboratory_is_mostly_normal(data):
    adlb = data["adlb"].dropna(subset=["A1LO", "A1HI"])
    laboratory = {given["paramcd"] for given in FACTS["parameters"] if given["role"] == "laboratory"}
    assert set(adlb["PARAMCD"]) == laboratory
    outside = (adlb["AVAL"] < adlb["A1LO"]) | (adlb["AVAL"] > adlb["A1HI"])
    assert 0 < outside.mean() < 0.1
    assert (adlb["AVAL"] > adlb["A1LO"] / 2.5).all() and (adlb["AVAL"] < 2.5 * adlb["A1HI"]).all()
    assert (adlb.groupby("PARAMCD")[["A1LO", "A1HI"]].nunique() <= 2).all(axis=None)


def test_study_days(data):
    adlb = data["adlb"]
    assert (adlb["ADY"] != 0).all()
    assert (adlb.loc[adlb["AVISITN"] == MONTHS[0], "ADY"] <= 1).all()
    later = adlb[adlb["AVISITN"] != MONTHS[0]]
    assert (later["ADY"] - later["AVISITN"] * 365.25 / 12).abs().max() <= 9


def test_people(data):
    adsl = data["adsl"]
    assert adsl["USUBJID"].is_unique and adsl["AGE"].between(25, 60).all()
    assert (adsl["SEX"] == "M").mean() > 0.5 and (adsl["RACE"] == "ASIAN").all()
    assert (adsl["HIVDUR"] >= adsl["ARTDUR"]).all() and (adsl["ARTDUR"] >= 2).all()
    assert (adsl["AGE"] - adsl["HIVDUR"] >= 18).all()
    assert (adsl["NADIRCD4"] <= adsl["CD4BL"]).all() and (adsl["NADIRCD4"] > 0).all()
    assert adsl["RANDDT"].between("2018-02-01", "2018-04-30").all() and adsl["RANDDT"].is_monotonic_increasing
    assert (adsl["EOSSTT"] == "COMPLETED").all() and adsl["DCSREAS"].isna().all()
    for code, column in (("CD4", "CD4BL"), ("CD8", "CD8BL"), ("CD4CD8", "CD4CD8BL")):
        assert (wide(data, code)[MONTHS[0]].loc[adsl["USUBJID"]].to_numpy() == adsl[column]).all()


def test_infusions(data):
    adsl, adex = data["adsl"].set_index("USUBJID"), data["adex"]
    treated = adsl.index[adsl["TRT01A"] == VALUE["test"]]
    courses = list(range(1, int(PRINTED["exposure.courses.planned"]) + 1))
    assert adex.groupby("USUBJID")["COURSE"].agg(list).to_dict() == dict.fromkeys(treated, courses)
    assert (adex["AVAL"] == FACTS["intervention"]["dose"]).all()
    assert (adex["AVALU"] == FACTS["intervention"]["dose_unit"]).all()
    days = adex.groupby("USUBJID")["ASTDT"].agg(["min", "max"])
    assert (days.to_numpy() == adsl.loc[days.index, ["TRTSDT", "TRTEDT"]].to_numpy()).all()
    assert adsl.loc[~adsl.index.isin(treated), ["TRTSDT", "TRTEDT"]].isna().all(axis=None)
    since = pd.to_datetime(adex["ASTDT"]) - pd.to_datetime(adex["USUBJID"].map(adsl["RANDDT"]))
    assert (adex["ASTDY"] == since.dt.days + 1).all()
    assert (adex["ASTDY"] > 1).all()
    assert set(zip(adex["HLACGRP"], adex["KIRMM"], strict=True)) == {
        ("C1/C1", "KIR2DL1 / C2"),
        ("C2/C2", "KIR2DL2/3 / C1"),
    }


def test_fevers(data):
    adae, adex = data["adae"], data["adex"]
    febrile, of = map(int, PRINTED["safety.pyrexia.nk_art.n_of"].split("/"))
    assert len(adae) == adae["USUBJID"].nunique() == febrile
    assert adex["USUBJID"].nunique() == of
    first = adex[adex["COURSE"] == 1].set_index("USUBJID")["ASTDY"].loc[adae["USUBJID"]].to_numpy()
    assert ((adae["ASTDY"] - first).isin([0, 1])).all() and (adae["AENDY"] - adae["ASTDY"]).isin([1, 2]).all()
    fixed = {"AETERM": "Fever", "AEDECOD": "Pyrexia", "AESER": "N", "AEREL": "RELATED", "AESEV": "MILD"}
    fixed |= {"AETOXGR": 1, "TRTEMFL": "Y", "AEOUT": "RECOVERED/RESOLVED", "TRTA": VALUE["test"]}
    for column, value in fixed.items():
        assert (adae[column] == value).all()


def test_shared_variables_agree(data):
    arm = data["adsl"].set_index("USUBJID")["TRT01A"]
    for name in ("adlb", "adae", "adex"):
        assert (data[name]["TRTA"] == data[name]["USUBJID"].map(arm)).all()
        assert (data[name]["STUDYID"] == FACTS["study"]).all()
