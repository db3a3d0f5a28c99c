"""Toxicity grades: against the published cuts at, just below and just above each."""

import numpy as np
import pytest

from trialbook.stats import toxicity, units

pytestmark = pytest.mark.filterwarnings("error")

# As printed in the two tables, typed by hand from them and not from the product: the first value of each grade as the
# value gets worse. (value, grade) with a normal range of 40 to 100 (in the unit given), baseline normal.
CTCAE = {
    ("HGB", "g/dL", 12.0, 17.0): [(12.0, 0), (11.9, 1), (10.0, 1), (9.9, 2), (8.0, 2), (7.9, 3), (3, 3)],
    ("WBC", "10^9/L", 3.5, 9.5): [(3.5, 0), (3.4, 1), (3.0, 1), (2.9, 2), (2.0, 2), (1.9, 3), (1.0, 3), (0.9, 4)],
    ("NEUT", "/mm3", 1800, 6300): [(1800, 0), (1799, 1), (1500, 1), (1499, 2), (1000, 2), (999, 3), (500, 3), (499, 4)],
    ("LYM", "/mm3", 1100, 3200): [(1100, 0), (1099, 1), (800, 1), (799, 2), (500, 2), (499, 3), (200, 3), (199, 4)],
    ("PLAT", "G/L", 125, 350): [(125, 0), (124, 1), (75, 1), (74, 2), (50, 2), (49, 3), (25, 3), (24, 4)],
    ("ALT", "U/L", 7, 40): [(40, 0), (41, 1), (120, 1), (121, 2), (200, 2), (201, 3), (800, 3), (801, 4)],
    ("AST", "U/L", 7, 40): [(40, 0), (41, 1), (120, 1), (121, 2), (200, 2), (201, 3), (800, 3), (801, 4)],
    ("ALP", "U/L", 7, 40): [(40, 0), (41, 1), (100, 1), (101, 2), (200, 2), (201, 3), (800, 3), (801, 4)],
    ("BILI", "μmol/L", 3, 20): [(20, 0), (21, 1), (30, 1), (31, 2), (60, 2), (61, 3), (200, 3), (201, 4)],
    ("CREAT", "μmol/L", 40, 100): [(100, 0), (101, 1), (150, 1), (151, 2), (300, 2), (301, 3), (600, 3), (601, 4)],
    ("GLUC", "mmol/L", 3.9, 6.1): [(3.9, 0), (3.8, 1), (3.0, 1), (2.9, 2), (2.2, 2), (2.1, 3), (1.7, 3), (1.6, 4)],
    ("SODIUM", "mmol/L", 135, 145): [(135, 0), (134, 1), (130, 1), (129, 2), (125, 2), (124, 3), (120, 3), (119, 4)],
    ("K", "mmol/L", 3.5, 5.0): [(5.0, 0), (5.1, 1), (5.5, 1), (5.6, 2), (6.0, 2), (6.1, 3), (7.0, 3), (7.1, 4)],
    ("ALB", "g/dL", 3.5, 5.0): [(3.5, 0), (3.4, 1), (3.0, 1), (2.9, 2), (2.0, 2), (1.9, 3)],
    ("CK", "U/L", 20, 200): [(200, 0), (201, 1), (500, 1), (501, 2), (1000, 2), (1001, 3), (2000, 3), (2001, 4)],
}
DAIDS = {
    ("WBC", "/mm3", None, None): [
        (2500, 0),
        (2499, 1),
        (2000, 1),
        (1999, 2),
        (1500, 2),
        (1499, 3),
        (1000, 3),
        (999, 4),
    ],
    ("NEUT", "/mm3", None, None): [(1001, 0), (1000, 1), (800, 1), (799, 2), (600, 2), (599, 3), (400, 3), (399, 4)],
    ("PLAT", "/mm3", None, None): [
        *((125000, 0), (124999, 1), (100000, 1), (99999, 2)),
        *((50000, 2), (49999, 3), (25000, 3), (24999, 4)),
    ],
    ("ALT", "U/L", 7, 40): [(49, 0), (50, 1), (99, 1), (100, 2), (199, 2), (200, 3), (399, 3), (400, 4)],
    ("AST", "U/L", 7, 40): [(49, 0), (50, 1), (99, 1), (100, 2), (199, 2), (200, 3), (399, 3), (400, 4)],
    ("ALP", "U/L", 7, 40): [(49, 0), (50, 1), (99, 1), (100, 2), (199, 2), (200, 3), (399, 3), (400, 4)],
    ("BILI", "mg/dL", 0.2, 1.0): [(1.09, 0), (1.1, 1), (1.59, 1), (1.6, 2), (2.59, 2), (2.6, 3), (4.9, 3), (5.0, 4)],
    ("CREAT", "mg/dL", 0.5, 1.0): [(1.09, 0), (1.1, 1), (1.3, 1), (1.31, 2), (1.8, 2), (1.81, 3), (3.4, 3), (3.5, 4)],
    ("GLUC", "mmol/L", None, None): [
        (3.55, 0),
        (3.54, 1),
        (3.05, 1),
        (3.04, 2),
        (2.22, 2),
        (2.21, 3),
        (1.67, 3),
        (1.66, 4),
    ],
    ("SODIUM", "mmol/L", None, None): [(135, 0), (134, 1), (130, 1), (129, 2), (125, 2), (124, 3), (121, 3), (120, 4)],
    ("K", "mmol/L", None, None): [(5.5, 0), (5.6, 1), (5.9, 1), (6.0, 2), (6.4, 2), (6.5, 3), (6.9, 3), (7.0, 4)],
    ("LIPASE", "U/L", 10, 100): [(109, 0), (110, 1), (149, 1), (150, 2), (299, 2), (300, 3), (499, 3), (500, 4)],
}
PRINTED = [(scale, *key, cuts) for scale, table in (("ctcae", CTCAE), ("daids", DAIDS)) for key, cuts in table.items()]


@pytest.mark.parametrize(("scale", "paramcd", "unit", "lln", "uln", "cuts"), PRINTED)
def test_each_published_cut_divides_the_grades_it_divides(scale, paramcd, unit, lln, uln, cuts):
    values, expected = np.transpose(cuts)
    limits = [None if limit is None else np.full(values.shape, limit) for limit in (lln, uln)]
    assert toxicity.grade(scale, paramcd, values, unit, *limits).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("sex", "cuts"),
    [
        ("M", [(11.0, 0), (10.9, 1), (10.0, 1), (9.9, 2), (9.0, 2), (8.9, 3), (7.0, 3), (6.9, 4)]),
        ("F", [(10.5, 0), (10.4, 1), (9.5, 1), (9.4, 2), (8.5, 2), (8.4, 3), (6.5, 3), (6.4, 4)]),
    ],
)
def test_daids_grades_haemoglobin_by_sex(sex, cuts):
    values, expected = np.transpose(cuts)
    found = toxicity.grade("daids", "HGB", values, "g/dL", sex=[sex] * len(values))
    assert found.tolist() == expected.tolist()
    assert np.isnan(toxicity.grade("daids", "HGB", values, "g/dL")).all()


def test_ctcae_grades_a_raised_baseline_by_its_multiples():
    values = np.array([100, 149, 150, 300, 301, 500, 501, 2000, 2001.0])
    found = toxicity.grade(
        "ctcae", "ALT", values, "U/L", uln=np.full(9, 40), base=np.full(9, 100), raised=np.ones(9, bool)
    )
    assert found.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    assert toxicity.grade("ctcae", "ALT", values[:1], "U/L", uln=[40], base=[100], raised=[False]).tolist() == [1]


def test_creatinine_is_graded_by_limit_or_baseline_whichever_is_worse():
    values = np.array([90, 95, 120, 160, 190])
    limit, base = np.full(5, 100), np.full(5, 60)
    assert toxicity.grade("ctcae", "CREAT", values, "μmol/L", uln=limit, base=base).tolist() == [0, 2, 2, 2, 3]
    assert toxicity.grade("daids", "CREAT", values, "μmol/L", uln=limit, base=base).tolist() == [3, 3, 4, 4, 4]
    assert toxicity.grade("daids", "CREAT", [77, 78], "μmol/L", uln=[100, 100], base=[60, 60]).tolist() == [0, 2]


def test_a_missing_limit_leaves_open_only_what_it_decides():
    found = toxicity.grade("ctcae", "HGB", [120, 95, 75, np.nan], "g/L")
    assert found.tolist()[1:3] == [2, 3]
    assert np.isnan(found[[0, 3]]).all()
    assert np.isnan(toxicity.grade("ctcae", "K", [4.0], "mmol/L", uln=[5.0])).all()
    assert toxicity.grade("ctcae", "CREAT", [90], "μmol/L", uln=[100]).tolist() == [0]


def test_a_unit_that_cannot_be_converted_is_refused_only_where_it_matters():
    with pytest.raises(units.UnitError, match="'points' cannot be converted to 'g/L'"):
        toxicity.grade("ctcae", "HGB", [1.0], "points")
    assert toxicity.grade("ctcae", "ALT", [90.0], "points", uln=[40.0]).tolist() == [1]


def test_the_same_value_has_one_grade_in_every_unit():
    spellings = {"10⁹/L": 1, "10^9/L": 1, "G/L": 1, "/mm3": 1000, "cells/μL": 1000, "10*3/uL": 1}
    for value in (1.5, 1.0, 0.5, 0.1 + 0.2):
        found = {
            toxicity.grade("ctcae", "NEUT", [value * times], unit, lln=[2 * times]).item()
            for unit, times in spellings.items()
        }
        assert len(found) == 1


RANGES = {
    **{"ALB": (35, 50), "BICARB": (22, 29), "CD4": (0.5, 1.5), "CHOL": (3, 5.2), "GLUC": (3.9, 6.1), "HGB": (130, 175)},
    **{
        "K": (3.5, 5.1),
        "LYM": (1.1, 3.2),
        "MG": (0.75, 1.0),
        "NEUT": (1.8, 6.3),
        "PHOS": (0.85, 1.5),
        "URATE": (0.2, 0.4),
    },
    **{"PLAT": (125, 350), "SODIUM": (135, 145), "TRIG": (0.5, 1.7), "WBC": (3.5, 9.5)},
}


@pytest.mark.parametrize(("scale", "paramcd"), toxicity._criteria())
def test_grades_rise_as_values_leave_the_normal_range(scale, paramcd):
    low, high = RANGES.get(paramcd, (10, 40))
    unit = toxicity._criteria()[scale, paramcd][0].unit
    size = 3000
    ranges = {"lln": np.full(size, low), "uln": np.full(size, high), "base": np.full(size, high)}
    for values in (high * np.geomspace(1, 100, size), low * np.geomspace(1, 1e-3, size)):
        found = toxicity.grade(scale, paramcd, values, unit, **ranges, sex=np.full(size, "M"))
        assert set(found) <= {0, 1, 2, 3, 4}
        assert (np.diff(found) >= 0).all()
        assert found[0] == 0
