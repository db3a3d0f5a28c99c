"""The units of ADLB: known, and converted to those that ``trial.yml`` declares."""

import pandas as pd

from trialbook.errors import Fault
from trialbook.stats import units
from trialbook.trial.config import Facts


def _other_units(adlb, facts):
    """Yield each declared parameter, and a unit other than the declared one, with the rows that are in it."""
    if "AVALU" not in adlb:
        return
    rows = adlb.groupby(["PARAMCD", "AVALU"]).groups
    for parameter in facts.parameters:
        for code, unit in rows:
            if code == parameter.paramcd and unit != parameter.unit:
                yield parameter, unit, rows[code, unit]


def check(adlb: pd.DataFrame, facts: Facts) -> list[Fault]:
    """Say which rows are in a unit that is not known, or that cannot be converted to the declared one."""
    faults: list[Fault] = []
    seen: dict[str, str] = {}
    for parameter, unit, rows in _other_units(adlb, facts):
        wanted = parameter.unit or seen.setdefault(parameter.paramcd, unit)  # one unit throughout need not be declared
        if not parameter.unit and units.spelling(unit) != units.spelling(wanted):
            rule = f"{parameter.paramcd} is in {unit!r} here and in {wanted!r} elsewhere, and trial.yml says no `unit`"
            remedy = "write the parameter's `unit` in trial.yml, to which the values are then converted"
            faults += [Fault("adlb.csv", rule, remedy, row, "AVALU") for row in rows]
            continue
        try:
            units.convert([], unit, wanted, parameter.paramcd)
        except units.UnitError as error:
            rule = f"{error} ({parameter.paramcd} is declared in {wanted!r})"
            remedy = f"correct the unit here or in trial.yml; where both say `unit: {unit}`, it need not be known"
            faults += [Fault("adlb.csv", rule, remedy, row, "AVALU") for row in rows]
    return faults


def convert(adlb: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Convert the values and normal ranges that are in another unit than the declared one."""
    converted = adlb.copy()
    for parameter, unit, rows in _other_units(adlb, facts):
        if parameter.unit:
            for column in [column for column in ("AVAL", "A1LO", "A1HI") if column in adlb]:
                converted.loc[rows, column] = units.convert(
                    adlb.loc[rows, column], unit, parameter.unit, parameter.paramcd
                )
            converted.loc[rows, "AVALU"] = parameter.unit
    return converted
