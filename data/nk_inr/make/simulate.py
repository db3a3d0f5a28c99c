"""The synthetic trial: people who never were, calibrated so that the analyses give the published figures.

`draw` reads ``trial.yml`` and ``published.yml`` and gives the four tables. No published figure is typed here, and the
same seed gives the same cells on any machine (`calibrate` says how). ``trialbook simulate`` writes them.
"""

import random
from datetime import date, timedelta
from math import ceil, floor
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from .calibrate import RATIO_DECIMALS, draw_counts, normal, ratio, skewed, whole

FOLDER = Path(__file__).resolve().parents[1]
SEED = 34912
DAYS = [date(2018, 2, 1) + timedelta(day) for day in range(89)]  # the enrolment, until 30 April
HOLIDAYS = {date(2018, 2, day) for day in range(12, 22)} | {date(2018, 4, 5), date(2018, 4, 6)}
WORKING_DAYS = [day for day in DAYS if day.weekday() < 5 and day not in HOLIDAYS]
# PARAMCD: typical value, CV between and within people, decimals, normal range; pairs are (male, female)
LABORATORY = {
    "NEUT": ((3.2, 3.2), 0.20, 0.13, 2, ((1.8, 6.3), (1.8, 6.3))),
    "HGB": ((151, 133), 0.05, 0.025, 0, ((130, 175), (115, 150))),
    "PLAT": ((215, 225), 0.18, 0.08, 0, ((125, 350), (125, 350))),
    "ALT": ((24, 19), 0.26, 0.18, 0, ((9, 50), (7, 40))),
    "AST": ((24, 21), 0.18, 0.13, 0, ((15, 40), (13, 35))),
    "BILI": ((10.5, 9.0), 0.25, 0.17, 1, ((3.4, 17.1), (3.4, 17.1))),
    "CREAT": ((75, 57), 0.10, 0.05, 0, ((57, 97), (41, 73))),
    "UREA": ((5.0, 4.4), 0.17, 0.11, 1, ((3.1, 8.0), (2.6, 7.5))),
    "GLUC": ((5.1, 5.0), 0.07, 0.05, 1, ((3.9, 6.1), (3.9, 6.1))),
}
RANGES = {"WBC": ((3.5, 9.5),) * 2, "LYM": ((1.1, 3.2),) * 2}
RANGES |= {code: row[4] for code, row in LABORATORY.items()}
DECIMALS = {"CD4": 0, "CD8": 0, "CD4CD8": RATIO_DECIMALS, "WBC": 2, "LYM": 2}
DECIMALS |= {code: row[3] for code, row in LABORATORY.items()}
ADSL = """STUDYID USUBJID AGE AGEU SEX RACE ARM TRT01P TRT01A ITTFL SAFFL PPROTFL RANDDT TRTSDT TRTEDT
    EOSSTT DCSREAS TRANSMIS HIVDUR ARTDUR NADIRCD4 CD4BL CD8BL CD4CD8BL"""
ADLB = """STUDYID USUBJID TRTP TRTA PARAMCD PARAM AVISIT AVISITN ADY AVAL AVALU BASE CHG ABLFL ANL01FL
    A1LO A1HI"""
ADAE = """STUDYID USUBJID TRTA AETERM AEDECOD AEBODSYS AESEV AETOXGR AESER AEREL AEACN AEOUT ASTDY AENDY
    TRTEMFL"""
ADEX = "STUDYID USUBJID TRTA PARAMCD PARAM AVAL AVALU COURSE ASTDT ASTDY HLACGRP KIRMM"


def draw(seed: int = SEED) -> dict[str, pd.DataFrame]:
    """Draw the synthetic trial.

    Parameters
    ----------
    seed : int
        The default gives the tables of the paper.

    Returns
    -------
    dict of str to DataFrame
        ``adsl``, ``adlb``, ``adae`` and ``adex``, each cell as it is written.
    """
    rng = random.Random(seed)
    facts = yaml.safe_load((FOLDER / "trial.yml").read_text("utf8"))
    published = yaml.safe_load((FOLDER / "published.yml").read_text("utf8"))["figures"]
    figures = {figure["key"]: figure["printed"] for figure in published}
    arms = sorted(facts["arms"], key=lambda arm: arm["role"] == "reference")
    arm_of = allocate(rng, [int(figures[f"cohort.randomised.{arm['id']}.n"]) for arm in arms])
    cd4, cd8 = draw_counts(rng, arm_of, [arm["id"] for arm in arms], facts["visits"]["schedule"], figures)
    people = draw_people(rng, facts["study"], [arms[arm]["value"] for arm in arm_of], cd4, cd8)
    treated = [person for person, arm in zip(people, arm_of, strict=True) if arm == 0]
    infusions = draw_infusions(rng, facts["intervention"], treated, int(figures["exposure.courses.planned"]))
    febrile = int(figures[f"safety.pyrexia.{arms[0]['id']}.n_of"].split("/")[0])
    return {
        "adsl": table(ADSL, [list(person.values()) for person in people]),
        "adlb": table(ADLB, draw_laboratory(rng, facts, people, cd4, cd8)),
        "adae": table(ADAE, draw_fevers(rng, infusions, febrile)),
        "adex": table(ADEX, infusions),
    }


def table(columns: str, rows: list[list]) -> pd.DataFrame:
    """Make a table of rows of cells, none of which is changed."""
    return pd.DataFrame(rows, columns=columns.split(), dtype=object)


def allocate(rng, sizes):
    """Toss a coin for each person (0 test, 1 reference), all anew until both arms have their size."""
    while True:
        arm_of = np.array([whole(rng, 0, 1) for _ in range(sum(sizes))])
        if np.bincount(arm_of).tolist() == sizes:
            return arm_of


def draw_people(rng, study, treatments, cd4, cd8):
    """Draw one row of ADSL per person, a dict by column, in the order of randomisation."""
    randomised = sorted(WORKING_DAYS[whole(rng, 0, len(WORKING_DAYS) - 1)] for _ in treatments)
    people = []
    for i, (treatment, day) in enumerate(zip(treatments, randomised, strict=True)):
        sex = "F" if rng.random() < 0.12 else "M"
        route = "Sex between men" if rng.random() < 0.75 and sex == "M" else "Heterosexual contact"
        on_art = whole(rng, 22, 90)  # tenths of a year
        infected = on_art + floor(40 * rng.random() * rng.random())
        age = min(max(round(41 + 8 * float(normal(rng))), 25, 18 + ceil(infected / 10)), 59)
        nadir = cd4[i, 0] * whole(rng, 20, 80) // 100
        row = [study, f"NKINR-{i + 1:03d}", age, "YEARS", sex, "ASIAN", *[treatment] * 3, *["Y"] * 3]
        row += [day, "", "", "COMPLETED", "", route, written(infected, 1), written(on_art, 1), nadir]
        row += [cd4[i, 0], cd8[i, 0], written(ratio(cd4[i, 0], cd8[i, 0]), RATIO_DECIMALS)]
        people.append(dict(zip(ADSL.split(), row, strict=True)))
    return people


def draw_infusions(rng, intervention, treated, courses):
    """Draw one row of ADEX per infusion, four weeks apart, and note the first and last day in ADSL."""
    rows, lacks_c1 = [], whole(rng, 0, len(treated) - 1)  # all others lack C2
    for i, person in enumerate(treated):
        mismatch = ("C2/C2", "KIR2DL2/3 / C1") if i == lacks_c1 else ("C1/C1", "KIR2DL1 / C2")
        start = person["RANDDT"] + timedelta(whole(rng, 1, 4))
        days = [on_weekday(start + timedelta(28 * course)) for course in range(courses)]
        person["TRTSDT"], person["TRTEDT"] = days[0], days[-1]
        who = [person["STUDYID"], person["USUBJID"], person["TRT01A"]]
        dose = ["DOSE", "Dose", intervention["dose"], intervention["dose_unit"]]
        for course, day in enumerate(days, start=1):
            rows.append([*who, *dose, course, day, study_day(person, day), *mismatch])
    return rows


def draw_fevers(rng, infusions, febrile):
    """Draw one row of ADAE for each febrile person: mild, from the day of the first infusion or the next."""
    first = [row for row in infusions if row[ADEX.split().index("COURSE")] == 1]
    rows = []
    for row in sorted(first.pop(whole(rng, 0, len(first) - 1)) for _ in range(febrile)):
        start = row[ADEX.split().index("ASTDY")] + whole(rng, 0, 1)
        event = ["Fever", "Pyrexia", "General disorders and administration site conditions", "MILD", 1]
        event += ["N", "RELATED", "DOSE NOT CHANGED", "RECOVERED/RESOLVED"]
        rows.append([*row[:3], *event, start, start + whole(rng, 1, 2), "Y"])
    return rows


def draw_laboratory(rng, facts, people, cd4, cd8):
    """Draw the rows of ADLB, one per person, parameter and visit; CD4 and CD8 are as given."""
    visits, rows = facts["visits"]["schedule"], []
    for person, *counts in zip(people, cd4, cd8, strict=True):
        sex = "MF".index(person["SEX"])
        values = draw_panel(rng, sex, *counts)
        days = [visit_day(rng, person, visit["avisitn"]) for visit in visits]
        who = [person[column] for column in ("STUDYID", "USUBJID", "TRT01P", "TRT01A")]
        for parameter in facts["parameters"]:
            code, digits = parameter["paramcd"], DECIMALS[parameter["paramcd"]]
            low, high = RANGES[code][sex] if code in RANGES else ("", "")
            base = values[code][0]
            for visit, day, value in zip(visits, days, values[code], strict=True):
                first = visit["avisitn"] == facts["visits"]["baseline"]
                change, flag = ("", "Y") if first else (written(value - base, digits), "")
                row = [*who, code, parameter["label"], visit["label"], visit["avisitn"], day]
                row += [written(value, digits), parameter["unit"], written(base, digits), change]
                rows.append([*row, flag, "Y", low, high])
    return rows


def draw_panel(rng, sex, cd4, cd8):
    """Draw a person's laboratory values at all visits, by PARAMCD, in whole units of the last decimal."""
    values = {"CD4": cd4, "CD8": cd8, "CD4CD8": ratio(cd4, cd8)}
    for code, (typical, between, within, decimals, _) in LABORATORY.items():
        level = typical[sex] * 10**decimals * skewed(normal(rng), between)
        values[code] = np.rint(level * skewed(normal(rng, len(cd4)), within)).astype(int)
    share = 0.6 * skewed(normal(rng), 0.05) * skewed(normal(rng, len(cd4)), 0.03)  # CD4 or CD8
    values["LYM"] = np.rint((cd4 + cd8) / 10 / share).astype(int)
    others = np.rint(50 * skewed(normal(rng, len(cd4)), 0.2)).astype(int)  # monocytes, eosinophils, basophils
    values["WBC"] = values["LYM"] + values["NEUT"] + others
    return values


def visit_day(rng, person, month):
    """Draw the study day of a visit: a weekday near its month, the baseline not after randomisation."""
    jitter = whole(rng, -5, 0) if month == 0 else whole(rng, -3, 3) * (1 if month < 6 else 2)
    return study_day(person, on_weekday(person["RANDDT"] + timedelta(round(month * 30.4375) + jitter)))


def on_weekday(day):
    """Go back from a Saturday, on from a Sunday."""
    return day + timedelta({5: -1, 6: 1}.get(day.weekday(), 0))


def study_day(person, day):
    """Count days from randomisation, which is day 1; the day before it is day -1."""
    days = (day - person["RANDDT"]).days
    return days + 1 if days >= 0 else days


def written(units, decimals):
    """Write a whole number of units of the last decimal."""
    return f"{units / 10**decimals:.{decimals}f}"
