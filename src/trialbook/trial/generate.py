"""Made-up trials: as large, as small and as odd as wanted, and always valid."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from trialbook.trial.config import FACTS

ARMS = {"ACTIVE": "Active", "CONTROL": "Control"}
ODD = "<b>&_%$"  # what HTML and LaTeX would take for their own
Analyte = tuple[str, str, float, float]  # label, unit, lower and upper limit of normal
LABORATORY: dict[str, Analyte] = {
    "ALT": ("Alanine aminotransferase", "U/L", 7, 40),
    "AST": ("Aspartate aminotransferase", "U/L", 8, 40),
    "BILI": ("Total bilirubin", "μmol/L", 3, 21),
    "HGB": ("Haemoglobin", "g/L", 120, 165),
    "NEUT": ("Neutrophils", "10⁹/L", 1.8, 7.5),
    "PLAT": ("Platelets", "10⁹/L", 150, 400),
    "CREAT": ("Creatinine", "μmol/L", 45, 105),
    "GLUC": ("Glucose", "mmol/L", 3.9, 6.1),
}
SYSTEMS = {
    "Blood and lymphatic system disorders": ["Anaemia", "Neutropenia", "Leukopenia", "Lymphadenopathy", f"Low {ODD}"],
    "Cardiac disorders": ["Palpitations", "Tachycardia", "Bradycardia", "Atrial fibrillation", "Angina pectoris"],
    "Ear and labyrinth disorders": ["Vertigo", "Tinnitus", "Ear pain", "Deafness", "Motion sickness"],
    "Eye disorders": ["Dry eye", "Conjunctivitis", "Blurred vision", "Eye pain", "Photophobia"],
    "Gastrointestinal disorders": ["Nausea", "Vomiting", "Diarrhoea", "Constipation", "Abdominal pain"],
    "General disorders and administration site conditions": ["Fever", "Fatigue", "Chills", f"Pain {ODD}", "Oedema"],
    "Infections and infestations": ["Nasopharyngitis", "Influenza", "Bronchitis", "Urinary tract infection", "Sepsis"],
    "Metabolism and nutrition disorders": ["Decreased appetite", "Hypokalaemia", "Hyperglycaemia", "Gout", "Thirst"],
    "Musculoskeletal and connective tissue disorders": ["Arthralgia", "Myalgia", "Back pain", "Neck pain", "Cramps"],
    "Nervous system disorders": ["Headache", "Dizziness", "Paraesthesia", "Syncope", "Somnolence"],
    "Respiratory, thoracic and mediastinal disorders": ["Cough", "Dyspnoea", "Epistaxis", "Wheezing", "Dysphonia"],
    "Skin and subcutaneous tissue disorders": ["Rash", "Pruritus", "Urticaria", "Dry skin", "Alopecia"],
}
FATAL = "FATAL"


def generate(
    folder: Path,
    per_arm: int = 12,
    weeks: Sequence[float] = (0, 4, 12, 24),
    laboratory: int = 3,
    events: int = 30,
    exposure: bool = True,
    disposition: bool = True,
    missing: float = 0.05,
    age: bool = True,
    seed: int = 20261122,
) -> Path:
    """Write a valid trial.

    Parameters
    ----------
    folder : Path
        Is made; gets ``trial.yml`` and the tables.
    per_arm : int
        Participants of each arm.
    weeks : sequence of float
        AVISITN of the visits, the first of them the baseline.
    laboratory : int
        Laboratory parameters; the first eight are those of everyday, with their units and limits.
    events : int
        Rows of ``adae.csv``, which is not written for none. Of many, some have no start day, a negative one, or are
        not treatment-emergent; some terms hold `ODD`.
    exposure, disposition, age : bool
        Whether there is ``adex.csv``, whether EOSSTT and DCSREAS are filled, and AGE.
    missing : float
        The share of values after the baseline that are missing.
    seed : int

    Returns
    -------
    Path
        The folder.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    codes: dict[str, Analyte] = dict(list(LABORATORY.items())[:laboratory])
    codes |= {f"LAB{i:02}": (f"Analyte {i}", "mmol/L", 2, 8) for i in range(len(codes) + 1, laboratory + 1)}
    adsl = _adsl(rng, per_arm, disposition, age)
    tables = {"adsl": adsl, "adlb": _adlb(rng, adsl, weeks, codes, missing)}
    if events:
        tables["adae"] = _adae(rng, adsl, events, weeks[-1])
    if exposure:
        tables["adex"] = _adex(adsl)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    drawn = {"safety.timeline": bool(events), "safety.edish": {"ALT", "BILI"} <= codes.keys()}
    facts = yaml.safe_dump(
        _facts(per_arm, weeks, codes, [key for key in drawn if drawn[key]]), allow_unicode=True, sort_keys=False
    )
    (folder / FACTS).write_text(facts, "utf8")
    return folder


def _facts(per_arm, weeks, codes, listings):
    arms = [
        {"id": value.lower(), "value": value, "label": label, "role": role, "description": f"{label.lower()} treatment"}
        for (value, label), role in zip(ARMS.items(), ("test", "reference"), strict=True)
    ]
    laboratory = [
        {"paramcd": code, "label": label, "unit": unit, "role": "laboratory", "digits": 1}
        for code, (label, unit, *_) in codes.items()
    ]
    return {
        "study": "GEN-1",
        "title": "A generated trial",
        "short_title": "Generated",
        "provenance": "synthetic",
        "design": "randomised, parallel-group",
        "randomised": 2 * per_arm,
        "arms": arms,
        "intervention": {"product": "doses of the active treatment", "courses": 3, "dose": 2, "dose_unit": "mg"},
        "visits": {
            "unit": "week",
            "baseline": weeks[0],
            "schedule": [{"avisitn": week, "label": f"Week {week}"} for week in weeks],
        },
        "analysis_sets": {
            "efficacy": {"flag": "ITTFL", "label": "intention to treat"},
            "safety": {"flag": "SAFFL", "label": "safety"},
        },
        "parameters": [
            {"paramcd": "SCORE", "label": "Symptom score", "unit": "points", "role": "efficacy", "digits": 1},
            *laboratory,
        ],
        "baseline": [
            {"variable": "AGE", "label": "Age", "unit": "years", "type": "mean", "digits": 0},
            {"variable": "SEX", "label": "Sex", "type": "category", "levels": {"F": "Female", "M": "Male"}},
            {"variable": "REGION", "label": "Region", "type": "category"},
            {"paramcd": "SCORE", "label": "Symptom score", "unit": "points", "type": "median", "digits": 1},
        ],
        "disclosure": {
            "exceptions": [{"kind": "listing", "where": key, "reason": "generated data"} for key in listings]
        },
    }


def _adsl(rng, per_arm, disposition, age):
    count = 2 * per_arm
    arms = rng.permutation(np.repeat(list(ARMS), per_arm))
    start = pd.Timestamp("2021-03-01") + pd.to_timedelta(np.sort(rng.integers(0, 200, count)), unit="D")
    left = rng.random(count) < 0.2
    table = pd.DataFrame(
        {
            "STUDYID": "GEN-1",
            "USUBJID": [f"GEN-{i:04}" for i in range(1, count + 1)],
            "AGE": rng.integers(19, 80, count).astype(str) if age else "",
            "AGEU": "YEARS",
            "SEX": rng.choice(["F", "M"], count),
            "REGION": rng.choice(["North & East", "South_West", "Islands <5%"], count, p=[0.6, 0.3, 0.1]),
            "ARM": arms,
            "TRT01P": arms,
            "TRT01A": arms,
            "ITTFL": "Y",
            "SAFFL": "Y",
            "RANDDT": start.strftime("%Y-%m-%d"),
            "TRTSDT": (start + pd.Timedelta(days=1)).strftime("%Y-%m-%d"),
            "TRTEDT": (start + pd.Timedelta(days=57)).strftime("%Y-%m-%d"),
            "EOSSTT": np.where(left, "DISCONTINUED", "COMPLETED") if disposition else "",
        }
    )
    reasons = rng.choice(["ADVERSE EVENT", "LOST TO FOLLOW-UP", "WITHDRAWAL BY SUBJECT"], count)
    return table.assign(DCSREAS=np.where(left, reasons, "") if disposition else "")


def _adlb(rng, adsl, weeks, codes, missing):
    rows = []
    measured = {"SCORE": ("Symptom score", "points", None, None)} | codes
    for code, (label, unit, low, high) in measured.items():
        centre, spread = (30, 8) if low is None else ((low + high) / 2, (high - low) / 4)
        for subject, arm in zip(adsl["USUBJID"], adsl["ARM"], strict=True):
            own, base = rng.normal(centre, spread), 0.0
            for week in weeks:
                first = week == weeks[0]
                effect = -4 if low is None and arm == "ACTIVE" and not first else 0
                value = max(round(own + effect + rng.normal(0, spread / 2), 1), 0.1)
                value *= 4 if low is not None and not first and rng.random() < 0.01 else 1  # marked
                base = value if first else base
                gone = not first and rng.random() < missing
                rows.append(
                    {
                        "STUDYID": "GEN-1",
                        "USUBJID": subject,
                        "TRTP": arm,
                        "TRTA": arm,
                        "PARAMCD": code,
                        "PARAM": label,
                        "AVISIT": f"Week {week}",
                        "AVISITN": week,
                        "ADY": 7 * (week - weeks[0]) + 1,
                        "AVAL": "" if gone else round(value, 1),
                        "AVALU": unit,
                        "BASE": round(base, 1),
                        "CHG": "" if gone or first else round(value - base, 1),
                        "ABLFL": "Y" if first else "",
                        "ANL01FL": "Y",
                        "A1LO": "" if low is None else low,
                        "A1HI": "" if high is None else high,
                    }
                )
    return pd.DataFrame(rows)


def _adae(rng, adsl, events, last_week):
    terms = [(system, term) for system, own in SYSTEMS.items() for term in own]
    common = rng.dirichlet(np.full(len(terms), 0.6))
    chosen = [terms[i] for i in rng.choice(len(terms), events, p=common)]
    chosen[: len(terms)] = terms[: min(len(terms), events)]  # with enough events, each term at least once
    who = adsl.iloc[rng.integers(0, len(adsl), events)]
    start = rng.integers(1, 7 * max(last_week, 2), events).astype(float)
    odd = rng.random(events)
    start = np.where(odd < 0.04, np.nan, np.where(odd < 0.08, -rng.integers(1, 14, events), start))
    emergent, end = (start > 0) | np.isnan(start), start + rng.integers(0, 20, events)
    grade = rng.choice([1, 2, 3, 4], events, p=[0.55, 0.3, 0.12, 0.03])
    outcome = rng.choice(["RECOVERED/RESOLVED", "RECOVERING/RESOLVING", "NOT RECOVERED/NOT RESOLVED"], events)
    fatal = np.arange(events) == events - 1 if events > 100 else np.zeros(events, bool)
    return pd.DataFrame(
        {
            "STUDYID": "GEN-1",
            "USUBJID": who["USUBJID"].to_numpy(),
            "TRTA": who["TRT01A"].to_numpy(),
            "AETERM": [f"{term.lower()}, {ODD}" if i % 9 == 0 else term.lower() for i, (_, term) in enumerate(chosen)],
            "AEDECOD": [term for _, term in chosen],
            "AEBODSYS": [system for system, _ in chosen],
            "AESEV": np.array(["MILD", "MODERATE", "SEVERE", "SEVERE"])[grade - 1],
            "AETOXGR": np.where(fatal, 5, grade),
            "AESER": np.where(fatal | (grade > 2) & (rng.random(events) < 0.4), "Y", "N"),
            "AEREL": rng.choice(["RELATED", "NOT RELATED"], events),
            "AEACN": rng.choice(["DOSE NOT CHANGED", "DRUG WITHDRAWN"], events, p=[0.95, 0.05]),
            "AEOUT": np.where(fatal, FATAL, outcome),
            "ASTDY": pd.array(start, dtype="Float64").astype("Int64"),
            "AENDY": pd.array(np.where(end == 0, 1, end), dtype="Float64").astype("Int64"),  # there is no day 0
            "TRTEMFL": np.where(emergent, "Y", "N"),
        }
    )


def _adex(adsl):
    treated = adsl[adsl["TRT01A"] == "ACTIVE"]
    rows = []
    for number, (_, row) in enumerate(treated.iterrows()):
        for course in range(1, 4 if number % 5 else 3):
            day = 2 + 28 * (course - 1)
            date = pd.Timestamp(row["RANDDT"]) + pd.Timedelta(days=day - 1)
            rows.append(
                {
                    "STUDYID": "GEN-1",
                    "USUBJID": row["USUBJID"],
                    "TRTA": row["TRT01A"],
                    "PARAMCD": "DOSE",
                    "PARAM": "Dose",
                    "AVAL": 2,
                    "AVALU": "mg",
                    "COURSE": course,
                    "ASTDT": date.strftime("%Y-%m-%d"),
                    "ASTDY": day,
                }
            )
    return pd.DataFrame(rows)
