"""Units of laboratory values: against hand arithmetic, and what does not fit is a fault."""

import numpy as np
import pandas as pd
import pytest
from conftest import NK_INR

from trialbook.analysis import grading
from trialbook.errors import FaultsError
from trialbook.stats import units
from trialbook.trial.model import read_trial

pytestmark = pytest.mark.filterwarnings("error")


def change(copy, paramcd, **columns):
    """Write columns into the rows of one parameter."""

    def write(table):
        chosen = table["PARAMCD"] == paramcd
        for column, value in columns.items():
            table.loc[chosen, column] = value(table.loc[chosen, column]) if callable(value) else value
        return table

    copy.table("adlb", write)


@pytest.mark.parametrize(
    ("value", "unit", "wanted", "paramcd", "expected"),
    [
        (1.0, "mg/dL", "μmol/L", "CREAT", 10 / 113.12 * 1000),
        (1.0, "mg/dL", "μmol/L", "BILI", 10 / 584.66 * 1000),
        (90.0, "mg/dL", "mmol/L", "GLUC", 900 / 180.16),
        (5.0, "mmol/L", "mg/dL", "GLUC", 5 * 180.16 / 10),
        (30.0, "mg/dL", "mmol/L", "UREA", 300 / 60.06),
        (14.0, "g/dL", "g/L", "HGB", 140),
        (4500, "cells/μL", "10⁹/L", "WBC", 4.5),
        (4500, "/mm3", "10^9/L", "WBC", 4.5),
        (4.5, "K/uL", "G/L", "WBC", 4.5),
        (4.5, "10*9/L", "x10e9/l", "WBC", 4.5),
        (4.5, "T/L", "10⁶/μL", "RBC", 4.5),
        (4.5, "M/μL", "T/L", "RBC", 4.5),
        (0.7, "ukat/L", "U/L", "ALT", 42),
        (0.45, "L/L", "%", "HCT", 45),
        (37.0, "degC", "degF", "TEMP", 98.6),
    ],
)
def test_conversions_equal_hand_arithmetic(value, unit, wanted, paramcd, expected):
    assert units.convert([value], unit, wanted, paramcd).item() == pytest.approx(expected, rel=1e-11)
    there = units.convert([value], unit, wanted, paramcd)
    assert units.convert(there, wanted, unit, paramcd).item() == pytest.approx(value, rel=1e-10)


@pytest.mark.parametrize("unit", ["foo", "g/", "(g", "9**9**9", "10**999999999", "0*g/L", "__import__('os')", "mg/dL/"])
def test_what_is_no_unit_is_refused_at_once(unit):
    with pytest.raises(units.UnitError, match="is not a known unit"):
        units.convert([1.0], unit, "g/L")


def test_no_unit_is_not_any_unit():
    with pytest.raises(units.UnitError, match=r"^no unit cannot be converted to 'g/L'$"):
        units.convert([1.0], "", "g/L")


def test_mass_and_amount_need_a_molar_mass():
    with pytest.raises(units.UnitError, match="'mg/dL' cannot be converted to 'mmol/L'"):
        units.convert([1.0], "mg/dL", "mmol/L", "XYZ")


def test_values_and_limits_are_converted_when_a_trial_is_read(copy, nk):
    def divided(values):
        return (values.astype(float) * 113.12 / 10_000).map(repr)

    change(copy, "CREAT", AVAL=divided, A1LO=divided, A1HI=divided, AVALU="mg/dL")
    change(
        copy,
        "WBC",
        AVAL=lambda values: (values.astype(float) * 1000).map(repr),
        AVALU="cells/mm3",
        A1LO="3500",
        A1HI="",
    )
    found = copy.read()
    for code, columns in (("CREAT", ["AVAL", "A1LO", "A1HI"]), ("WBC", ["AVAL", "A1LO"])):
        mine, theirs = (t.adlb[t.adlb["PARAMCD"] == code] for t in (found, nk))
        assert np.allclose(mine[columns], theirs[columns], rtol=1e-11, atol=0)
        assert set(mine["AVALU"]) == set(theirs["AVALU"])
    shifts = [grading.grade_shifts(t) for t in (found, nk)]
    assert [row for row in shifts[0] if row.parameter == "CREAT"] == [r for r in shifts[1] if r.parameter == "CREAT"]


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("mg/foo", "'mg/foo' is not a known unit (CREAT is declared in 'μmol/L')"),
        ("g", "'g' cannot be converted to 'μmol/L' (CREAT is declared in 'μmol/L')"),
    ],
)
def test_a_unit_that_does_not_fit_is_a_fault_with_its_row(copy, unit, said):
    table = pd.read_csv(copy.folder / "adlb.csv")
    row = int(table.index[table["PARAMCD"] == "CREAT"][0]) + 2
    copy.cell("adlb", row, "AVALU", unit)
    with pytest.raises(FaultsError) as refusal:
        copy.read()
    (fault,) = refusal.value.faults
    assert (fault.file, fault.row, fault.column, fault.rule) == ("adlb.csv", row, "AVALU", said)
    assert "correct the unit here or in trial.yml" in fault.remedy and f"`unit: {unit}`" in fault.remedy


def test_a_blank_unit_is_the_declared_one_and_words_need_not_be_units(copy, nk):
    change(copy, "CREAT", AVALU="")
    change(copy, "GLUC", AVALU="points")
    copy.facts(lambda facts: next(p for p in facts["parameters"] if p["paramcd"] == "GLUC").update(unit="points"))
    found = copy.read()
    assert found.adlb["AVAL"].equals(nk.adlb["AVAL"])
    graded = grading.grade_shifts(found)["gluc.graded_by"]
    assert graded.value == "normal range"
    assert graded.method == (
        "not graded by CTCAE v5.0: 'points' cannot be converted to 'mmol/L'; "
        "not graded by DAIDS v2.1: 'points' cannot be converted to 'mmol/L'"
    )


def test_without_a_declared_unit_the_rows_must_agree(copy):
    copy.facts(lambda facts: next(p for p in facts["parameters"] if p["paramcd"] == "UREA").pop("unit"))
    assert copy.read()
    table = pd.read_csv(copy.folder / "adlb.csv")
    row = int(table.index[table["PARAMCD"] == "UREA"][-1]) + 2
    copy.cell("adlb", row, "AVALU", "mg/dL")
    with pytest.raises(FaultsError, match="says no `unit`"):
        copy.read()


def test_one_unit_throughout_does_not_wait_for_pint(monkeypatch):
    monkeypatch.setattr(units, "_pint", lambda: pytest.fail("pint is loaded"))
    found = read_trial(NK_INR)
    grading.grade_shifts(found)


@pytest.mark.parametrize(
    ("unit", "usual"),
    [
        ("GI/L", "10⁹/L"),
        ("TI/L", "10¹²/L"),
        ("GM/DL", "g/dL"),
        ("MG/DL", "mg/dL"),
        ("UMOL/L", "μmol/L"),
        ("MMOL/L", "mmol/L"),
        ("THOU/UL", "10⁹/L"),
        ("NG/ML", "ng/mL"),
        ("GM/L", "g/L"),
        ("10^3/uL", "10⁹/L"),
    ],
)
def test_units_as_cdisc_writes_them_are_known(unit, usual):
    assert units.convert([1.0], unit, usual).tolist() == [1.0]


@pytest.mark.parametrize("unit", ["((((9**99)**99)**99)**99)**99", "9**9**9**9", "(2**60)**60", "1" * 500, "m" * 61])
def test_a_unit_that_would_be_computed_for_ever_is_not_known(unit):
    with pytest.raises(units.UnitError, match="is not a known unit"):
        units.convert([1.0], unit, "g/L")


def test_a_unit_that_nobody_knows_is_kept_where_trial_yml_names_it(copy, nk):
    change(copy, "CREAT", AVALU="furlongs/fortnight²")
    copy.facts(
        lambda facts: [p.update(unit="furlongs/fortnight²") for p in facts["parameters"] if p["paramcd"] == "CREAT"]
    )
    assert copy.read().adlb["AVAL"].equals(nk.adlb["AVAL"])
