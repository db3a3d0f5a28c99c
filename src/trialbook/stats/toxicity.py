"""Toxicity grades of laboratory values: the published thresholds as data, and the grade of a value by them."""

import operator
import re
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from trialbook.stats import units

SCALES = {"ctcae": "CTCAE v5.0", "daids": "DAIDS v2.1"}
HIGHEST, SEVERE = 4, 3
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}

# Adult values; PARAMCD as in CDISC's list of laboratory tests; `unit` is that of bare numbers; what is grade 1 to 4.
# LLN, ULN: the limits of the normal range; BASE: the participant's baseline; | : either; a dash: no such grade.
# `who`: all; M or F; normal or raised, by whether the baseline value was above the ULN.
# Left out is what cannot be graded by the value alone: what needs symptoms (amylase and lipase in CTCAE), fasting
# (glucose, lipids in DAIDS), albumin (calcium), anticoagulation (clotting), or no HIV infection (lymphocytes in DAIDS).
_TABLE = """
scale PARAMCD who    unit    1           2                    3                    4
ctcae ALB     all    g/L     <LLN        <30                  <20                  -
ctcae ALP     normal -       >ULN        >2.5ULN              >5ULN                >20ULN
ctcae ALP     raised -       >=2BASE     >2.5BASE             >5BASE               >20BASE
ctcae ALT     normal -       >ULN        >3ULN                >5ULN                >20ULN
ctcae ALT     raised -       >=1.5BASE   >3BASE               >5BASE               >20BASE
ctcae AST     normal -       >ULN        >3ULN                >5ULN                >20ULN
ctcae AST     raised -       >=1.5BASE   >3BASE               >5BASE               >20BASE
ctcae BILI    normal -       >ULN        >1.5ULN              >3ULN                >10ULN
ctcae BILI    raised -       >BASE       >1.5BASE             >3BASE               >10BASE
ctcae CD4     all    10⁹/L   <LLN        <0.5                 <0.2                 <0.05
ctcae CHOL    all    mmol/L  >ULN        >7.75                >10.34               >12.92
ctcae CK      all    -       >ULN        >2.5ULN              >5ULN                >10ULN
ctcae CREAT   all    -       >ULN        >1.5ULN|>1.5BASE     >3ULN|>3BASE         >6ULN
ctcae GGT     normal -       >ULN        >2.5ULN              >5ULN                >20ULN
ctcae GGT     raised -       >=2BASE     >2.5BASE             >5BASE               >20BASE
ctcae GLUC    all    mmol/L  <LLN        <3.0                 <2.2                 <1.7
ctcae HGB     all    g/L     <LLN        <100                 <80                  -
ctcae K       all    mmol/L  <LLN        -                    <3.0                 <2.5
ctcae K       all    mmol/L  >ULN        >5.5                 >6.0                 >7.0
ctcae LYM     all    10⁹/L   <LLN        <0.8                 <0.5                 <0.2
ctcae LYM     all    10⁹/L   -           >4                   >20                  -
ctcae MG      all    mmol/L  <LLN        <0.5                 <0.4                 <0.3
ctcae MG      all    mmol/L  >ULN        -                    >1.23                >3.30
ctcae NEUT    all    10⁹/L   <LLN        <1.5                 <1.0                 <0.5
ctcae PLAT    all    10⁹/L   <LLN        <75                  <50                  <25
ctcae SODIUM  all    mmol/L  <LLN        <130                 <125                 <120
ctcae SODIUM  all    mmol/L  >ULN        >150                 >155                 >160
ctcae TRIG    all    mmol/L  >=1.71      >3.42                >5.7                 >11.4
ctcae WBC     all    10⁹/L   <LLN        <3.0                 <2.0                 <1.0
ctcae WBC     all    10⁹/L   -           -                    >100                 -
daids ALB     all    g/L     <LLN        <30                  <20                  -
daids ALP     all    -       >=1.25ULN   >=2.5ULN             >=5ULN               >=10ULN
daids ALT     all    -       >=1.25ULN   >=2.5ULN             >=5ULN               >=10ULN
daids AMYLASE all    -       >=1.1ULN    >=1.5ULN             >=3ULN               >=5ULN
daids AST     all    -       >=1.25ULN   >=2.5ULN             >=5ULN               >=10ULN
daids BICARB  all    mmol/L  <LLN        <16                  <11                  <8
daids BILI    all    -       >=1.1ULN    >=1.6ULN             >=2.6ULN             >=5ULN
daids CK      all    -       >=3ULN      >=6ULN               >=10ULN              >=20ULN
daids CREAT   all    -       >=1.1ULN    >1.3ULN|>=1.3BASE    >1.8ULN|>=1.5BASE    >=3.5ULN|>=2BASE
daids GLUC    all    mmol/L  <3.55       <3.05                <2.22                <1.67
daids HGB     F      g/L     <=104       <95                  <85                  <65
daids HGB     M      g/L     <=109       <100                 <90                  <70
daids K       all    mmol/L  <3.4        <3.0                 <2.5                 <2.0
daids K       all    mmol/L  >=5.6       >=6.0                >=6.5                >=7.0
daids LIPASE  all    -       >=1.1ULN    >=1.5ULN             >=3ULN               >=5ULN
daids MG      all    mmol/L  <0.70       <0.60                <0.45                <0.30
daids NEUT    all    10⁹/L   <=1.0       <0.8                 <0.6                 <0.4
daids PHOS    all    mmol/L  <LLN        <0.65                <0.45                <0.32
daids PLAT    all    10⁹/L   <125        <100                 <50                  <25
daids SODIUM  all    mmol/L  <135        <130                 <125                 <=120
daids SODIUM  all    mmol/L  >=146       >=150                >=154                >=160
daids URATE   all    mmol/L  >=0.45      >=0.59               >=0.71               >=0.89
daids WBC     all    10⁹/L   <2.5        <2.0                 <1.5                 <1.0
"""


@dataclass(frozen=True)
class Bound:
    """One threshold: a number, or a multiple of the normal range's limit or of the baseline value."""

    comparison: str
    number: float
    of: str = ""


@dataclass(frozen=True)
class Criteria:
    """The thresholds of one parameter on one scale in one direction; `bounds` holds those of grades 1 to 4."""

    who: str
    unit: str
    bounds: tuple[tuple[Bound, ...], ...]


def covers(scale: str, paramcd: str) -> bool:
    """Tell whether a scale grades a parameter by its value."""
    return (scale, paramcd) in _criteria()


def grade(
    scale: str,
    paramcd: str,
    values: ArrayLike,
    unit: str = "",
    lln: ArrayLike | None = None,
    uln: ArrayLike | None = None,
    base: ArrayLike | None = None,
    raised: ArrayLike | None = None,
    sex: ArrayLike | None = None,
) -> np.ndarray:
    """Grade values of one parameter.

    Parameters
    ----------
    scale : {"ctcae", "daids"}
    paramcd : str
    values : array_like
        In `unit`, as are the next three.
    unit : str
    lln, uln : array_like, optional
        The limits of the normal range of each value.
    base : array_like, optional
        The participant's baseline value; NaN for a value that is the baseline itself.
    raised : array_like of bool, optional
        Whether that baseline value was above its own upper limit.
    sex : array_like of str, optional
        ``M`` or ``F``.

    Returns
    -------
    ndarray
        0 to 4; NaN where the value is missing or a limit that could decide the grade is.

    Raises
    ------
    units.UnitError
        Where the scale's thresholds are numbers in a unit to which `unit` cannot be converted.

    References
    ----------
    Common Terminology Criteria for Adverse Events (CTCAE) v5.0, US National Cancer Institute, November 2017.
    Division of AIDS Table for Grading the Severity of Adult and Pediatric Adverse Events, corrected version 2.1,
    US National Institute of Allergy and Infectious Diseases, July 2017.
    """
    given = {"": values, "LLN": lln, "ULN": uln, "BASE": base}
    size = np.shape(values)
    numbers = {of: np.full(size, np.nan) if given[of] is None else np.asarray(given[of], float) for of in given}
    raised = np.zeros(size, bool) if raised is None else np.asarray(raised, bool)
    sex = np.full(size, "") if sex is None else np.asarray(sex, str)
    groups = {"all": np.ones(size, bool), "M": sex == "M", "F": sex == "F", "raised": raised, "normal": ~raised}
    worst, doubtful, covered = np.zeros(size), np.zeros(size, bool), np.zeros(size, bool)
    for criteria in _criteria()[scale, paramcd]:
        wanted = criteria.unit or unit
        known = {of: units.significant(units.convert(found, unit, wanted, paramcd)) for of, found in numbers.items()}
        who, (found, unknown) = groups[criteria.who], _grade(criteria.bounds, known)
        worst = np.where(who, np.maximum(worst, found), worst)
        doubtful |= who & unknown
        covered |= who
    return np.where(np.isnan(numbers[""]) | ~covered | (doubtful & (worst == 0)), np.nan, worst)


def _grade(bounds: tuple[tuple[Bound, ...], ...], known: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The highest grade whose bound is met, and whether one of the bounds is not known."""
    worst, doubtful = np.zeros(known[""].shape), np.zeros(known[""].shape, bool)
    for level, alternatives in enumerate(bounds, 1):
        limits = [
            units.significant(bound.number * known[bound.of]) if bound.of else bound.number for bound in alternatives
        ]
        for bound, limit in zip(alternatives, limits, strict=True):
            worst = np.where(_COMPARE[bound.comparison](known[""], limit), level, worst)
        if limits:
            doubtful |= np.all([np.isnan(limit) & np.ones(worst.shape, bool) for limit in limits], axis=0)
    return worst, doubtful


@cache
def _criteria() -> dict[tuple[str, str], list[Criteria]]:
    """The table by scale and parameter."""
    found: dict[tuple[str, str], list[Criteria]] = {}
    for line in _TABLE.strip().splitlines()[1:]:
        scale, paramcd, who, unit, *levels = line.split()
        bounds = tuple(tuple(_bound(text) for text in level.split("|") if text != "-") for level in levels)
        found.setdefault((scale, paramcd), []).append(Criteria(who, unit.removeprefix("-"), bounds))
    return found


def _bound(text: str) -> Bound:
    ((comparison, number, of),) = re.findall(r"^([<>]=?)([\d.]*)([A-Z]*)$", text)
    return Bound(comparison, float(number or 1), of)
