"""The facts of a trial as far as its tables tell them, each with its evidence, and what they cannot tell."""

import math
import re
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trialbook.errors import Fault, FaultsError
from trialbook.results.formats import slug
from trialbook.template.sources import ORIGIN, Sources
from trialbook.trial.config import RESERVED

REFERENCE = re.compile(r"placebo|control|standard|usual|sham|alone|vehicle|no treatment|observation|soc\b", re.I)
NO_ARM = re.compile(r"screen\w* fail|not (assigned|randomi[sz]ed|treated)|unassigned", re.I)
NO_VISIT = re.compile(
    r"unsched|end of|early (term|disc|with)|terminat|\blast\b|worst|average"
    r"|^(\w+ )?follow-?up( visit)?$|\d ?([-–]|to) ?\d",
    re.IGNORECASE,
)
UNITS = re.compile(r"\b(hour|day|week|month|year|cycle)s?\b", re.I)
IN_PARAM = re.compile(r"\s*\(([^()]*(?:\([^()]*\))?[^()]*)\)\s*$")
CHANGES = re.compile(r"change from|shift|relative to", re.I)
TOTALS = re.compile(r"total|overall|composite|global|summary|score\b|subscore", re.I)
EFFICACY_SETS = {
    "ITTFL": "intention to treat",
    "FASFL": "full analysis set",
    "EFFFL": "efficacy",
    "RANDFL": "all randomised",
    "MITTFL": "modified intention to treat",
}
PER_PROTOCOL = ("PPROTFL", "PPFL", "PERPRTFL")
BASELINE = {"AGE": ("Age", "years"), "SEX": ("Sex", ""), "RACE": ("Race", ""), "ETHNIC": ("Ethnicity", "")}
LABELS = {
    "WEIGHTBL": ("Weight", "kg"),
    "HEIGHTBL": ("Height", "cm"),
    "BMIBL": ("Body mass index", "kg/m²"),
}
SEXES = {"F": "Female", "M": "Male", "U": "Unknown"}
SAS_DAYS, EXCEL_DAYS = (7_300, 29_000), (29_001, 55_000)  # 1980 to 2039; 1979 to 2050
MOST_EFFICACY, MOST_LINES, MOST_TERMS = 3, 12, 60
LEAST_SHARE = 5  # percent of an arm who had a term


@dataclass
class Guess:
    """What was guessed: the facts of ``trial.yml``, the evidence of each by its key, and what must be asked."""

    facts: dict
    evidence: dict[str, str] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)


def guess(sources: Sources) -> Guess:
    """Guess the facts of a trial from its tables.

    Parameters
    ----------
    sources : Sources

    Returns
    -------
    Guess

    Raises
    ------
    FaultsError
        If the tables lack what no trial can be read without: two arms, an analysis set, numbered visits.
    """
    adsl, adlb = (_named(sources.tables[name]) for name in ("adsl", "adlb"))
    found = Guess({"more": {}})
    _study(found, adsl)
    _arms(found, adsl)
    chosen = adsl[adsl["TRT01P"].isin([arm["value"] for arm in found.facts["arms"]])]
    mine = adlb[adlb["USUBJID"].isin(chosen["USUBJID"])].copy()
    mine["AVISITN"] = pd.to_numeric(mine["AVISITN"], errors="coerce")
    mine["AVAL"] = pd.to_numeric(mine["AVAL"], errors="coerce")
    _sets(found, chosen)
    _parameters(found, mine)
    _visits(found, mine)
    _baseline(found, chosen, sources.labels)
    _dates(found, sources)
    _events(found, sources)
    return found


def _dates(found: Guess, sources: Sources) -> None:
    """Tell by its size which days a number in a column of dates counts: SAS counts from 1960, Excel from 1900."""
    for name, table in sources.tables.items():
        for column in map(str, table):
            if not column.upper().endswith("DT"):
                continue
            days = pd.to_numeric(table[column], errors="coerce").dropna()
            if len(days) and days.between(*SAS_DAYS).all():
                found.facts["more"]["dates"], program = "sas", "SAS"
            elif len(days) and days.between(*EXCEL_DAYS).all():
                found.facts["more"]["dates"], program = "excel", "Excel"
            else:
                continue
            found.evidence["dates"] = (
                f"{column} of {name.upper()} holds numbers such as {days.iloc[0]:.0f}, as {program} counts days"
            )
            return


def _events(found: Guess, sources: Sources) -> None:
    """Leave rare terms of a long list to the appendix."""
    if "adae" not in sources.tables:
        return
    events = _named(sources.tables["adae"])
    terms = events["AEDECOD"].nunique() if "AEDECOD" in events else 0
    if terms > MOST_TERMS:
        found.facts["more"]["harms"] = {"smallest_share": LEAST_SHARE}
        rule = f"the text lists those that {LEAST_SHARE}% of the participants of an arm had, the appendix all"
        found.evidence["harms"] = f"ADAE holds {terms} preferred terms: {rule}"


def _named(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns=lambda name: str(name).upper())


def _lack(table: str, rule: str, remedy: str) -> FaultsError:
    return FaultsError(table, [Fault(table, rule, remedy)])


def _study(found: Guess, adsl: pd.DataFrame) -> None:
    studies = list(adsl["STUDYID"].dropna().unique()) if "STUDYID" in adsl else []
    found.facts["study"] = str(studies[0]) if len(studies) == 1 else "STUDY"
    found.evidence["study"] = "STUDYID of ADSL" if len(studies) == 1 else "not told by the tables"
    if len(studies) != 1:
        found.asked["study"] = "the name or number of the study"


def _arms(found: Guess, adsl: pd.DataFrame) -> None:
    """Choose two arms: the reference by its name or number, the other by its name, or the last."""
    for column in ("USUBJID", "TRT01P"):
        if column not in adsl:
            raise _lack("adsl", f"the column {column} is missing", "add it: who, and the treatment allocated")
    counts = adsl["TRT01P"].value_counts()
    values = [value for value in counts.index if not NO_ARM.search(value)]
    if len(values) < 2:
        told = ", ".join(map(str, counts.index)) or "none"
        raise _lack("adsl", f"TRT01P names fewer than two arms ({told})", "a paper compares two: add the other arm")
    values.sort(key=lambda value: (_number(adsl, value), value))
    named = [value for value in values if REFERENCE.search(value)]
    reference = named[0] if named else values[0]
    test = [value for value in values if value != reference][-1]
    others = [value for value in values if value not in (test, reference)]
    ids = {value: slug(value).strip("_") or "arm" for value in (test, reference)}
    ids = {value: f"arm_{id}" if not id[0].isalpha() or id in RESERVED else id for value, id in ids.items()}
    found.facts["arms"] = [
        {"id": ids[value], "value": value, "label": value, "role": role}
        for value, role in ((test, "test"), (reference, "reference"))
    ]
    told = ", ".join(f"{value} ({counts[value]})" for value in values)
    found.evidence["arms"] = f"TRT01P of ADSL holds {told}"
    if others:
        found.evidence["arms"] += f"; left out: {', '.join(others)}"
        found.asked["arms"] = "which of the arms are compared, and which of the two is the reference"
    elif not named:
        found.asked["arms"] = "which arm is the reference: no name tells"


def _number(adsl: pd.DataFrame, value: str) -> float:
    if "TRT01PN" not in adsl:
        return math.inf
    return float(pd.to_numeric(adsl.loc[adsl["TRT01P"] == value, "TRT01PN"], errors="coerce").min())


def _sets(found: Guess, adsl: pd.DataFrame) -> None:
    flags = [name for name in EFFICACY_SETS if name in adsl and (adsl[name] == "Y").any()]
    if not flags:
        rule = f"there is no flag of an efficacy analysis set, one of {', '.join(EFFICACY_SETS)}"
        raise _lack("adsl", rule, "add the one by which efficacy was analysed: Y for those in it")
    safety = next(name for name in ("SAFFL", *flags) if name in adsl and (adsl[name] == "Y").any())
    sets = {
        "efficacy": {"flag": flags[0], "label": EFFICACY_SETS[flags[0]]},
        "safety": {"flag": safety, "label": "safety" if safety == "SAFFL" else EFFICACY_SETS[safety]},
    }
    if protocol := next((name for name in PER_PROTOCOL if name in adsl and (adsl[name] == "Y").any()), None):
        sets["per_protocol"] = {"flag": protocol, "label": "per protocol"}
    found.facts["analysis_sets"] = sets
    counted = ", ".join(f"{one['flag']} is Y for {(adsl[one['flag']] == 'Y').sum()}" for one in sets.values())
    found.evidence["analysis_sets"] = f"of {len(adsl)} participants of the two arms, {counted}"
    if safety != "SAFFL":
        found.asked["analysis_sets"] = "who is in the safety set: there is no SAFFL"


def _parameters(found: Guess, adlb: pd.DataFrame) -> None:
    """Take every parameter that is measured at visits; efficacy is what has no normal range and is no laboratory's."""
    lines: list[dict] = []
    left: dict[str, list[str]] = {}
    for code, rows in adlb.groupby("PARAMCD", sort=False):
        if reason := _unfit(str(code), rows):
            left.setdefault(reason, []).append(str(code))
        else:
            lines.append(_parameter(str(code), rows))
    if not lines:
        raise _lack("adlb", "no parameter has values at a baseline and at later visits", "add its records")
    efficacy = [line for line in lines if line["role"] == "efficacy"]
    found.asked["parameters"] = "which parameters are the outcomes: those without limits of normal are taken"
    if not efficacy:
        lines[0]["role"] = "efficacy"
        found.asked["parameters"] = (
            f"which parameter is the outcome: none looks like one, {lines[0]['paramcd']} is taken"
        )
    elif len(efficacy) > MOST_EFFICACY:
        totals = [
            line for line in efficacy if TOTALS.search(line["label"]) and not re.search("item", line["label"], re.I)
        ]
        kept = (totals or efficacy)[:MOST_EFFICACY]
        left["no total of a scale"] = [line["paramcd"] for line in efficacy if line not in kept]
        lines = [line for line in lines if line["role"] == "laboratory" or line in kept]
        found.asked["parameters"] = "which parameters are the outcomes, and in which order"
    lines.sort(key=lambda line: line["role"] == "laboratory")
    found.facts["parameters"] = lines
    found.evidence["parameters"] = (
        "PARAMCD of ADLB; laboratory is what has limits of normal or comes from a table of tests"
    )
    for reason, codes in left.items():
        found.evidence["parameters"] += f"; left out, {reason}: {', '.join(codes)}"


def _unfit(code: str, rows: pd.DataFrame) -> str:
    """Say why a parameter cannot be analysed by visit, if it cannot."""
    label = _label(code, rows)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,7}", code) or CHANGES.search(label):
        return "derived from another"
    valued = rows[rows["AVAL"].notna() & rows["AVISITN"].notna()]
    if valued["AVISITN"].nunique() < 2 or valued["AVAL"].nunique() < 3:
        return "not measured at several visits"
    analysed = _analysed(valued)
    if "ABLFL" in rows and not (analysed["ABLFL"] == "Y").any():
        return "without a baseline"
    if len(analysed) < len(valued) / 10:
        return "seldom measured"
    if analysed.duplicated(["USUBJID", "AVISITN"]).sum() > 0:
        return "several values of a participant at a visit"
    return ""


def _flag(rows: pd.DataFrame) -> str:
    """The flag of analysed records: none where it marks few of those of a parameter, such as the worst value."""
    if "ANL01FL" not in rows or not rows["ANL01FL"].notna().any():
        return "ANL01FL"
    return "ANL01FL" if (rows["ANL01FL"] == "Y").mean() > 0.5 else "none"


def _analysed(rows: pd.DataFrame) -> pd.DataFrame:
    if "ANL01FL" in rows and rows["ANL01FL"].notna().any() and _flag(rows) != "none":
        rows = rows[rows["ANL01FL"] == "Y"]
    return rows[rows["DTYPE"].isna()] if "DTYPE" in rows else rows


def _parameter(code: str, rows: pd.DataFrame) -> dict:
    text = _label(code, rows)
    unit = next(iter(rows["AVALU"].dropna()), "") if "AVALU" in rows else ""
    label = text
    if inside := IN_PARAM.search(text):
        label, unit = text[: inside.start()], unit or inside[1]
        if not _is_unit(unit):
            label, unit = text, ""
    digits = _digits(_analysed(rows)["AVAL"])
    source = str(rows[ORIGIN].iloc[0]) if ORIGIN in rows else ""
    ranged = any(name in rows and rows[name].notna().any() for name in ("A1LO", "A1HI"))
    is_test = ranged or source.startswith(("ADLB", "ADVS", "ADEG"))
    line: dict[str, Any] = {
        "paramcd": code,
        "label": label.strip(),
        "unit": str(unit),
        "role": "laboratory" if is_test else "efficacy",
    }
    line |= {"digits": digits} if is_test else {"digits": digits, "model_digits": min(digits + 1, 5)}
    return line | ({"analysis_flag": "none"} if _flag(rows[rows["AVISITN"].notna()]) == "none" else {})


def _is_unit(text: str) -> bool:
    return bool(re.fullmatch(r"[^\d\s]\S*|10\S+|%|\w+ ?/ ?\w+", text))


def _visits(found: Guess, adlb: pd.DataFrame) -> None:
    """Take as scheduled the numbered visits whose name is no other time's, that many attended."""
    codes = [line["paramcd"] for line in found.facts["parameters"]]
    rows = adlb[adlb["PARAMCD"].isin(codes) & adlb["AVAL"].notna() & adlb["AVISITN"].notna()]
    rows = rows.assign(AVISIT=rows["AVISIT"] if "AVISIT" in rows else rows["AVISITN"].map("{:g}".format))
    table = rows.groupby("AVISITN").agg(label=("AVISIT", "first"), n=("USUBJID", "nunique")).reset_index()
    if "ABLFL" in rows and (rows["ABLFL"] == "Y").any():
        baseline = float(rows.loc[rows["ABLFL"] == "Y", "AVISITN"].mode().iloc[0])
    else:
        baseline = float(table["AVISITN"].min())
    table = table[table["AVISITN"] >= baseline]
    kept: list[tuple[float, str, int]] = []
    left: list[tuple[float, str, int]] = []
    for number, label, n in table.itertuples(index=False):
        many = n >= 0.05 * table["n"].max()
        usual = number == baseline or not NO_VISIT.search(str(label))
        (kept if many and usual else left).append((float(number), str(label), int(n)))
    if len(kept) < 2:
        raise _lack("adlb", "there are not two scheduled visits, by AVISITN and AVISIT", "number the visits")
    unit = next((UNITS.search(label)[1].lower() for _, label, _ in kept if UNITS.search(label)), "")  # type: ignore[index]
    schedule = [{"avisitn": _plain(number), "label": label} for number, label, _ in kept]
    found.facts["visits"] = {"unit": unit, "baseline": _plain(baseline), "schedule": schedule}
    first = rows[rows["PARAMCD"] == codes[0]]
    last = max((number for number, *_ in kept if (first["AVISITN"] == number).any()), default=kept[-1][0])
    if last != kept[-1][0] and last > baseline:
        found.facts["visits"]["final"] = _plain(last)
    found.evidence["visits"] = "participants with a value: " + ", ".join(f"{label} {n}" for _, label, n in kept)
    if left:
        found.evidence["visits"] += f"; left out: {', '.join(f'{label} ({number:g})' for number, label, _ in left)}"
    found.asked["visits"] = "which visit is the primary time point, if it is not the last"


def _plain(number: float) -> float | int:
    return int(number) if float(number).is_integer() else number


def _baseline(found: Guess, adsl: pd.DataFrame, labels: dict[str, str]) -> None:
    """Describe age, sex and the like, what is named as of the baseline, and the outcomes."""
    lines: list[dict[str, Any]] = []
    left: list[str] = []
    measured = {parameter["paramcd"] for parameter in found.facts["parameters"]}
    for name in adsl.columns:
        own = name in BASELINE or name in LABELS or (name.endswith("BL") and name[:-2] not in measured)
        if not own or not adsl[name].notna().any():
            continue
        label, unit = BASELINE.get(name) or LABELS.get(name) or (labels.get(name) or name, "")
        numbers = pd.to_numeric(adsl[name], errors="coerce")
        if numbers.notna().sum() == adsl[name].notna().sum() and numbers.nunique() > 2:
            about = {"variable": name, "label": label, "unit": unit, "type": "mean"}
            lines.append(about | {"digits": _digits(numbers)})
        elif 1 < adsl[name].nunique() <= 8:
            line: dict[str, Any] = {"variable": name, "label": label, "type": "category"}
            if name == "SEX" and set(adsl[name].dropna()) <= SEXES.keys():
                line["levels"] = {code: said for code, said in SEXES.items() if code in set(adsl[name])}
            lines.append(line)
        else:
            left.append(name)
    left += [line["variable"] for line in lines[MOST_LINES:]]
    lines = lines[:MOST_LINES]
    codes = {slug(line["variable"]) for line in lines}
    for parameter in found.facts["parameters"]:
        if parameter["role"] == "efficacy" and slug(parameter["paramcd"]) not in codes:
            lines.append({key: parameter[key] for key in ("paramcd", "label", "unit", "digits")} | {"type": "mean"})
    found.facts["baseline"] = lines
    found.evidence["baseline"] = "columns of ADSL that are known or end in BL, and the outcomes"
    if left:
        found.evidence["baseline"] += f"; left out: {', '.join(left)}"


def _digits(values: pd.Series) -> int:
    """The decimals of a mean that show two digits of the standard deviation."""
    spread = float(values.std())
    return min(max(0, 1 - math.floor(math.log10(spread))), 4) if spread > 0 else 0


def _label(code: str, rows: pd.DataFrame) -> str:
    """What PARAM calls a parameter, or its code."""
    return str(next(iter(rows["PARAM"].dropna()), code)) if "PARAM" in rows else code
