"""Mutants of a trial: copies whose data are changed on purpose, so that what is computed from them must change.

Each mutant is a valid trial of the records that are analysed, and the same for the same data:

- ``arms_permuted``: half of the smaller arm changes places with as many of the other. A place keeps its identifier,
  arm, treatment, doses and dates; who takes it brings characteristics, flags, disposition, values and events.
- ``without_one_<arm>``, one for each arm: a participant is removed from all tables, and from the number randomised.
- ``values_shifted``: every value of every parameter, its baseline and its change are 1.4-fold in the test arm and
  1.1-fold in the reference arm, and visits and the end of study are 20 and 10 days later; in each arm somebody who had
  not has each adverse event that anybody had, and the first of these is serious, severe, fatal and a reason to stop
  treatment; the first dose in the table is halved, the last left out, and the days from each to the next are doubled.

They need not be believable: normal ranges and the bounds of a scale stay where they were, and so does a ratio's
relation to its parts.
"""

import re
import shutil
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from trialbook.trial.config import FACTS, Arm
from trialbook.trial.model import Trial, read_texts, read_trial

Tables = dict[str, pd.DataFrame]  # by name, each cell as it is written
Mutation = Callable[[Tables, Trial, np.random.Generator], None]
SEED = 20190622
TIMES = {"test": Decimal("1.4"), "reference": Decimal("1.1")}
LATER = {"test": 20, "reference": 10}  # days
GRAVE = {"AESER": "Y", "AESEV": "SEVERE", "AETOXGR": "5", "AEACN": "DRUG WITHDRAWN", "AEOUT": "FATAL"}
_OF_A_PLACE = re.compile(r"USUBJID|SUBJID|(ACT)?ARM(CD)?|TRT\w+|\w+DTM?")  # columns of ADSL that no one takes along
_IN_ADSL = re.compile(r"^TRT([PA]N?)$")  # the arm, which ADSL calls TRT01P, TRT01A


def write(folder: Path, output: Path) -> dict[str, Path]:
    """Write every mutant of a trial.

    Parameters
    ----------
    folder : Path
        Of the trial.
    output : Path
        Gets ``<name>/trial`` for each mutant; what was in ``<name>`` is removed.

    Returns
    -------
    dict of str to Path
        The folder of each mutant's trial by its name.

    Raises
    ------
    FaultsError
        If the trial is not valid, or so small that a mutant of it is not.
    """
    study, texts = read_trial(folder), read_texts(folder)
    made = {}
    for name, mutate in _mutations(study).items():
        tables = {table: rows.copy() for table, rows in texts.items()}
        mutate(tables, study, np.random.default_rng(SEED))
        _settle(tables)
        made[name] = output / name / "trial"
        shutil.rmtree(output / name, ignore_errors=True)
        shutil.copytree(folder, made[name])
        _write(tables, made[name])
        read_trial(made[name])
    return made


def _mutations(study: Trial) -> dict[str, Mutation]:
    """Name what is done to the tables of a trial; each changes them in place."""
    without = {f"without_one_{arm.id}": partial(_remove_one, arm=arm) for arm in study.arms}
    return {"arms_permuted": _permute_arms, **without, "values_shifted": _shift_values}


def _permute_arms(tables: Tables, study: Trial, rng: np.random.Generator) -> None:
    arms = [list(rng.permutation(own["USUBJID"])) for own in study.subjects().values()]
    half = (min(map(len, arms)) + 1) // 2
    test, reference = (arm[:half] for arm in arms)
    place = dict(zip(test + reference, reference + test, strict=True))
    for name in tables.keys() - {"adsl", "adex"}:
        tables[name] = tables[name].replace({"USUBJID": place})
    places = tables["adsl"]
    comes = (
        places.set_index("USUBJID", drop=False).loc[places["USUBJID"].replace(place).tolist()].reset_index(drop=True)
    )
    for column in places:
        if _OF_A_PLACE.fullmatch(str(column)):
            comes[column] = places[column].to_numpy()
    tables["adsl"] = comes


def _remove_one(tables: Tables, study: Trial, rng: np.random.Generator, arm: Arm) -> None:
    gone = rng.choice(study.subjects()[arm.id]["USUBJID"])
    for name, table in tables.items():
        tables[name] = table[table["USUBJID"] != gone]


def _shift_values(tables: Tables, study: Trial, rng: np.random.Generator) -> None:
    roles = {who: arm.role for arm in study.arms for who in study.subjects()[arm.id]["USUBJID"]}
    measured = {f"{parameter.paramcd}BL" for parameter in study.facts.parameters}
    for name, values in {"adlb": {"AVAL", "BASE", "CHG"}, "adsl": measured}.items():
        table = tables[name]
        role = table["USUBJID"].map(roles)
        for column in values & set(table):
            table[column] = _product(table[column], role.map(TIMES))
        if "ADY" in table:
            table["ADY"] = pd.to_numeric(table["ADY"]) + role.map(LATER)
        if "EOSDT" in table:
            table["EOSDT"] = _dates(pd.to_datetime(table["EOSDT"]) + pd.to_timedelta(role.map(LATER), "D"))
    if "adae" in tables:
        tables["adae"] = _with_events(tables["adae"], study, rng)
    if "adex" in tables:
        tables["adex"] = _with_other_doses(tables["adex"])


def _with_events(adae: pd.DataFrame, study: Trial, rng: np.random.Generator) -> pd.DataFrame:
    """Give somebody in each arm each event that anybody had, and make the first of them grave."""
    had = adae.groupby("AEDECOD")["USUBJID"].agg(set)
    added = [adae]
    for members in study.treated().values():
        new = adae.drop_duplicates("AEDECOD")
        free = [sorted(set(members["USUBJID"]) - had[term]) for term in new["AEDECOD"]]
        chosen = pd.Series([rng.choice(who) if who else None for who in free], new.index)
        new = new.assign(USUBJID=chosen).dropna(subset="USUBJID")
        for column in {"TRTEMFL", *GRAVE} & set(new):
            if adae[column].notna().any():
                new.loc[new.index[:1], column] = GRAVE.get(column, "Y")
        added.append(new)
    return pd.concat(added)


def _with_other_doses(adex: pd.DataFrame) -> pd.DataFrame:
    """Halve the first dose, leave out the last, and double the days in between."""
    given = adex.iloc[: max(len(adex) - 1, 1)].copy()
    if "AVAL" in given:
        given["AVAL"] = _product(given["AVAL"], [Decimal("0.5")] + [Decimal(1)] * (len(given) - 1))
    who = given["USUBJID"]
    if "ASTDY" in given:
        day = pd.to_numeric(given["ASTDY"])
        given["ASTDY"] = day + (day - day.groupby(who).transform("min"))
    if "ASTDT" in given:
        date = pd.to_datetime(given["ASTDT"])
        given["ASTDT"] = _dates(date + (date - date.groupby(who).transform("min")))
    return given


def _product(cells: Iterable[str], factors: Iterable[Decimal]) -> list[str]:
    """Multiply typed numbers without rounding."""
    pairs = zip(cells, factors, strict=True)
    return [cell if pd.isna(cell) else f"{Decimal(cell) * factor:f}" for cell, factor in pairs]


def _dates(days: pd.Series) -> pd.Series:
    return days.dt.strftime("%Y-%m-%d")


def _settle(tables: Tables) -> None:
    """Give what stands in ADSL too the participant's value there, in all tables."""
    adsl = tables["adsl"].set_index("USUBJID", drop=False)
    for name in tables.keys() - {"adsl"}:
        table = tables[name] = tables[name].copy()
        for column in table:
            if (source := _IN_ADSL.sub(r"TRT01\1", str(column))) in adsl:
                table[column] = table["USUBJID"].map(adsl[source])


def _write(tables: Tables, folder: Path) -> None:
    """Write the tables, and in ``trial.yml`` how many they hold."""
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    path = folder / FACTS
    facts = yaml.load(path.read_text("utf-8-sig"), yaml.BaseLoader)
    if facts.get("randomised"):
        facts["randomised"] = str(len(tables["adsl"]))
        path.write_text(yaml.safe_dump(facts, allow_unicode=True, sort_keys=False), "utf8")
