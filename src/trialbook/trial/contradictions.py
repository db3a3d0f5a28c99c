"""What contradicts itself within a trial's tables: faults where one of two values must be wrong, warnings where it may.

The tables are text, of the records to be analysed; the index is the line of the file.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from trialbook.errors import Fault
from trialbook.trial import dates, words
from trialbook.trial.config import Facts
from trialbook.trial.unique import by_unique, to_floats

Tables = dict[str, pd.DataFrame]
OLDEST = 120  # years
FAR = 100  # times the median of a parameter, or less than the median by as much
ENOUGH = 5  # values of a parameter, to have a median
_SAME = "correct one of the two"
_LOOK = "correct it if it is wrong"


def check(tables: Tables, facts: Facts) -> list[Fault]:
    """Say where a derived or repeated value is not what its source gives.

    Parameters
    ----------
    tables : dict of str to DataFrame
    facts : Facts

    Returns
    -------
    list of Fault
    """
    people, faults = tables["adsl"].set_index("USUBJID", drop=False), _ages(tables["adsl"])
    for name, table in tables.items():
        faults += [*_treatments(name, table, people), *_days(name, table), *_dates(name, table, people)]
    adlb = tables["adlb"]
    return [*faults, *_names_of_visits(adlb), *_baselines(adlb, facts), *_changes(adlb), *_ranges(adlb)]


def warn(tables: Tables, facts: Facts, read: Tables) -> list[Fault]:
    """Say what is unusual enough to be looked at.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Of a trial without faults.
    facts : Facts
    read : dict of str to DataFrame
        The tables with the records that are not analysed.

    Returns
    -------
    list of Fault
        Each with the name by which it is accepted.
    """
    warnings = [*_far_values(tables["adlb"], facts), *_without_records(tables, facts), *_visits(tables["adlb"], facts)]
    warnings += [
        *_flags(tables["adlb"], facts),
        *_few_flagged(tables, facts, read["adlb"]),
        *_day_nought(tables["adlb"]),
    ]
    if "adae" in tables:
        warnings += _events(tables["adae"], facts)
    warnings += _disposition(tables, facts)
    accepted = {one.name for one in facts.accepted_warnings}
    names = {warning.name for warning in warnings}
    warnings = [warning for warning in warnings if warning.name not in accepted]
    for name in sorted(accepted - names):
        rule, remedy = f"there is no warning {name!r}", "take it out"
        warnings.append(Fault("trial.yml", rule, remedy, column="accepted_warnings", name="accepted"))
    return warnings


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    return table[name] if name in table else pd.Series(np.nan, index=table.index, dtype=object)


def _numbers(table: pd.DataFrame, name: str) -> pd.Series:
    return by_unique(_column(table, name), to_floats)


def _cell(table: pd.DataFrame, row: int, column: str) -> str:
    return str(table.at[row, column])


def _treatments(name: str, table: pd.DataFrame, people: pd.DataFrame) -> Iterator[Fault]:
    """TRTP and TRTA, which ADSL has too."""
    for own, known in (("TRTP", "TRT01P"), ("TRTA", "TRT01A")):
        if own in table and known in people:
            there = table["USUBJID"].map(people[known])
            for row in table.index[table[own].notna() & there.notna() & (table[own] != there)]:
                rule = f"{_cell(table, row, own)!r} is {known} {there[row]!r} in adsl.csv"
                yield Fault(f"{name}.csv", rule, "give the participant the same treatment in both", row, own)


def _days(name: str, table: pd.DataFrame) -> Iterator[Fault]:
    """Days relative to the start, of which none is 0."""
    for day in ("ASTDY", "AENDY"):
        for row in table.index[_numbers(table, day) == 0]:
            yield Fault(f"{name}.csv", "there is no day 0: the day before day 1 is −1", "correct it", row, day)
    for row in table.index[_numbers(table, "AENDY") < _numbers(table, "ASTDY")]:
        rule = f"it ends on day {_cell(table, row, 'AENDY')}, before it starts, on day {_cell(table, row, 'ASTDY')}"
        yield Fault(f"{name}.csv", rule, _SAME, row, "AENDY")


ORDER = (("ASTDT", "AENDT"), ("TRTSDT", "TRTEDT"), ("RANDDT", "EOSDT"), ("TRTSDT", "EOSDT"), ("RANDDT", "DTHDT"))
LATER = ("DTHDT", "LSTALVDT")  # which may be after the end of the study


def _dates(name: str, table: pd.DataFrame, people: pd.DataFrame) -> Iterator[Fault]:
    """Dates in an order that is not possible: the end before the start, before birth, after the end of the study."""

    def read(rows: pd.DataFrame, column: str) -> pd.Series:
        return pd.to_datetime(rows[column], format="%Y-%m-%d")

    when = {column: read(table, column) for column in dates.USED if column in table}
    whole = {c: table["USUBJID"].map(read(people, c)) for c in ("BRTHDT", "EOSDT") if c in people}
    pairs = [(first, when[first], then, when[then]) for first, then in ORDER if first in when and then in when]
    if "BRTHDT" in whole:
        pairs += [("BRTHDT", whole["BRTHDT"], column, late) for column, late in when.items() if column != "BRTHDT"]
    if "EOSDT" in whole and name != "adsl":
        pairs += [(column, early, "EOSDT", whole["EOSDT"]) for column, early in when.items() if column not in LATER]
    for first, early, then, late in pairs:
        for row in table.index[early > late]:
            rule = f"{then} ({late[row]:%Y-%m-%d}) is before {first} ({early[row]:%Y-%m-%d})"
            yield Fault(f"{name}.csv", rule, _SAME, row, then if then in when else first)


def _names_of_visits(table: pd.DataFrame) -> Iterator[Fault]:
    """AVISIT and AVISITN, which name each other: the rarer pair is the fault."""
    pairs = pd.DataFrame({"AVISITN": _numbers(table, "AVISITN"), "AVISIT": _column(table, "AVISIT")}).dropna()
    often = pairs.groupby(["AVISITN", "AVISIT"])["AVISIT"].transform("size")
    ranked = pairs.assign(often=often).sort_values("often", ascending=False, kind="stable")
    for what, other in (("AVISITN", "AVISIT"), ("AVISIT", "AVISITN")):
        usual = pairs[what].map(ranked.drop_duplicates(what).set_index(what)[other])
        wrong = pairs.index[pairs[other] != usual]
        for row in wrong:
            here = f"{what} {_cell(table, row, what)} is with {_cell(table, row, other)} here"
            rule = f"{here} and with {usual[row]} elsewhere"
            yield Fault("adlb.csv", rule, "let each AVISITN have one AVISIT, and the other way", row, what)
        if len(wrong):
            return


def _ages(adsl: pd.DataFrame) -> list[Fault]:
    age = _numbers(adsl, "AGE").where(_column(adsl, "AGEU").fillna("YEARS").str.upper() == "YEARS")
    wrong = adsl.index[(age < 0) | (age > OLDEST)]
    return [
        Fault("adsl.csv", f"nobody is {_cell(adsl, row, 'AGE')} years old", "correct it", row, "AGE") for row in wrong
    ]


def _decimals(text: pd.Series) -> pd.Series:
    """The half of the last decimal with which each number is written."""

    def half(text: pd.Series) -> pd.Series:
        return 0.5 * 10.0 ** -text.fillna("").astype(str).str.extract(r"\.(\d+)$", expand=False).str.len().fillna(0)

    return by_unique(text, half)


def _baselines(adlb: pd.DataFrame, facts: Facts) -> list[Fault]:
    """BASE and ABLFL, which belong to the record at the baseline visit."""
    visit, start = _numbers(adlb, "AVISITN"), facts.visits.baseline
    declared = adlb["PARAMCD"].isin([parameter.paramcd for parameter in facts.parameters])
    faults = [
        Fault(
            "adlb.csv",
            f"ABLFL is Y at AVISITN {_cell(adlb, row, 'AVISITN')}, and trial.yml says `baseline: {start:g}`",
            "correct one of the two",
            row,
            "ABLFL",
        )
        for row in adlb.index[declared & (_column(adlb, "ABLFL") == "Y") & (visit != start)]
    ]
    if "BASE" not in adlb:
        return faults
    keys = ["USUBJID", "PARAMCD"]
    first = adlb[(visit == start) & adlb["AVAL"].notna()].drop_duplicates(keys).set_index(keys)
    own = pd.MultiIndex.from_frame(adlb[keys])
    there = pd.Series(first["AVAL"].reindex(own).to_numpy(), index=adlb.index)
    unit = pd.Series(_column(first, "AVALU").reindex(own).to_numpy(), index=adlb.index)
    alike = (unit == _column(adlb, "AVALU")) | unit.isna() | _column(adlb, "AVALU").isna()
    allowed = np.maximum(_decimals(adlb["BASE"]), _decimals(there)) + 1e-9 * pd.to_numeric(there).abs()
    allowed = allowed.where(adlb["BASE"] != there, np.inf)
    differ = (_numbers(adlb, "BASE") - pd.to_numeric(there)).abs() > allowed
    return faults + [
        Fault(
            "adlb.csv",
            f"BASE is {_cell(adlb, row, 'BASE')}, and the value at baseline {there[row]}",
            _SAME,
            row,
            "BASE",
        )
        for row in adlb.index[declared & alike & differ]
    ]


def _changes(adlb: pd.DataFrame) -> list[Fault]:
    """CHG, which is AVAL less BASE up to rounding."""
    if not {"BASE", "CHG"} <= set(adlb):
        return []
    value, base, change = (_numbers(adlb, name) for name in ("AVAL", "BASE", "CHG"))
    allowed = sum((_decimals(adlb[name]) for name in ("AVAL", "BASE", "CHG")), 1e-9 * value.abs())
    differ = (value - base - change).abs() > allowed
    text = adlb[["AVAL", "BASE", "CHG"]]
    return [
        Fault("adlb.csv", "CHG is {CHG}, and AVAL − BASE is {AVAL} − {BASE}".format(**text.loc[row]), _SAME, row, "CHG")
        for row in adlb.index[differ]
    ]


def _ranges(adlb: pd.DataFrame) -> list[Fault]:
    low, high = _numbers(adlb, "A1LO"), _numbers(adlb, "A1HI")
    return [
        Fault(
            "adlb.csv", f"A1LO {_cell(adlb, row, 'A1LO')} is above A1HI {_cell(adlb, row, 'A1HI')}", _SAME, row, "A1LO"
        )
        for row in adlb.index[low > high]
    ]


def _far_values(adlb: pd.DataFrame, facts: Facts) -> Iterator[Fault]:
    """Values a hundredfold from the median of their parameter, or negative, where hardly any is."""
    values, declared = _numbers(adlb, "AVAL"), {parameter.paramcd for parameter in facts.parameters}
    for (code, _), known in values.dropna().groupby([adlb["PARAMCD"], _column(adlb, "AVALU").fillna("")]):
        if code not in declared or len(known) < ENOUGH:
            continue
        size, middle = known.abs(), known.abs().median()
        far = ((size > FAR * middle) | ((size * FAR < middle) & (known != 0))) & (middle > 0)
        for these in (far, known < 0):
            if these.sum() <= max(1, len(known) / FAR):  # what is frequent is not unusual
                for row in known.index[these]:
                    rule = f"{code} is {_cell(adlb, row, 'AVAL')} here, and {known.median():g} in the median"
                    remedy = "correct it if it is a slip of the point, the sign or the unit"
                    yield Fault("adlb.csv", rule, remedy, row, "AVAL", "far value")


def _without_records(tables: Tables, facts: Facts) -> Iterator[Fault]:
    """Participants of whom nothing was measured: a table may have been cut."""
    adsl, adlb = tables["adsl"], tables["adlb"]
    seen = adlb["USUBJID"].groupby(adlb["PARAMCD"]).unique()
    for parameter in facts.parameters:
        have = set(seen.get(parameter.paramcd, ()))
        without = adsl.loc[~adsl["USUBJID"].isin(have), "USUBJID"]
        if len(without) and have:
            many = f"{len(without)} of {len(adsl)} participants, such as {without.iloc[0]}"
            rule = f"no record of {parameter.paramcd} of {many}"
            remedy = "look whether the table is whole"
            yield Fault("adlb.csv", rule, remedy, column="PARAMCD", name="no record")


def _visits(adlb: pd.DataFrame, facts: Facts) -> Iterator[Fault]:
    """Visits of declared parameters that are not scheduled."""
    declared = adlb["PARAMCD"].isin([parameter.paramcd for parameter in facts.parameters])
    visit, known = _numbers(adlb, "AVISITN"), [one.avisitn for one in facts.visits.schedule]
    for number, same in visit[declared & ~visit.isin(known)].groupby(visit):
        rule = f"{len(same)} records at AVISITN {number:g}, which trial.yml does not schedule"
        remedy = "correct it, or add the visit to the schedule; as it is, no analysis by visit uses them"
        yield Fault("adlb.csv", rule, remedy, int(same.index[0]), "AVISITN", "unscheduled visit")


def _day_nought(adlb: pd.DataFrame) -> Iterator[Fault]:
    rows = adlb.index[_numbers(adlb, "ADY") == 0]
    if len(rows):
        rule = f"ADY is 0 in {len(rows)} records, and there is no day 0: the first day is day 1"
        yield Fault("adlb.csv", rule, "add 1 to the days from 0 on", int(rows[0]), "ADY", "day 0")


def _flags(adlb: pd.DataFrame, facts: Facts) -> Iterator[Fault]:
    """Parameters without any flag of analysis in a table where others have it."""
    for parameter in facts.parameters:
        filled = _column(adlb, parameter.analysis_flag).notna()
        own = filled[adlb["PARAMCD"] == parameter.paramcd]
        if filled.any() and len(own) and not own.any():
            rule = (
                f"{parameter.analysis_flag} is empty in all {len(own)} records of {parameter.paramcd}: all are analysed"
            )
            remedy = "fill it as for the others"
            yield Fault("adlb.csv", rule, remedy, column=parameter.analysis_flag, name="no flag")


def _few_flagged(tables: Tables, facts: Facts, read: pd.DataFrame) -> Iterator[Fault]:
    """Parameters of which the flag of analysis leaves out more than half: it may be meant for something else."""
    own = read[read["USUBJID"].isin(tables["adsl"]["USUBJID"])]
    before, after = own["PARAMCD"].value_counts(), tables["adlb"]["PARAMCD"].value_counts()
    for parameter in facts.parameters:
        had, kept = before.get(parameter.paramcd, 0), after.get(parameter.paramcd, 0)
        if parameter.analysis_flag in own and 2 * kept < had:
            rule = f"{parameter.analysis_flag} keeps {kept} of {had} records of {parameter.paramcd}"
            remedy = (
                "name another flag as the parameter's `analysis_flag` in trial.yml, or none (`analysis_flag: none`)"
            )
            yield Fault("adlb.csv", rule, remedy, column=parameter.analysis_flag, name="few flagged")


def _events(adae: pd.DataFrame, facts: Facts) -> Iterator[Fault]:
    """Events of which two columns tell different things."""

    def said(column: str) -> pd.Series:
        return words.understood(_column(adae, column), column, facts.terms)

    emergent, day, serious = _column(adae, "TRTEMFL"), _numbers(adae, "ASTDY"), said("AESER")
    grade, severity, outcome = said("AETOXGR"), said("AESEV"), said("AEOUT")
    graded = grade.notna() & severity.notna() & (grade != words.UNKNOWN) & (severity != words.UNKNOWN)
    fatal = (grade == "5") | (outcome == words.FATAL)
    found: list[tuple[str, str, str, pd.Series]] = [
        ("emergent before day 1", "TRTEMFL", "ASTDY", (emergent == "Y") & (day < 1)),
        ("not emergent from day 1", "TRTEMFL", "ASTDY", (emergent == "N") & (day >= 1)),
        ("fatal and not serious", "AESER", "AEOUT" if "AEOUT" in adae else "AETOXGR", fatal & (serious == words.NO)),
        ("grade 5 and not fatal", "AETOXGR", "AEOUT", (grade == "5") & (outcome == words.NOT_FATAL)),
        ("fatal and not grade 5", "AETOXGR", "AEOUT", (outcome == words.FATAL) & grade.isin(list("1234"))),
        (
            "two severities",
            "AETOXGR",
            "AESEV",
            graded & (grade != severity) & ~(grade.isin(["4", "5"]) & (severity == "3")),
        ),
    ]
    for name, column, other, wrong in found:
        for row in adae.index[wrong]:
            rule = f"{column} is {_cell(adae, row, column)!r} and {other} {_cell(adae, row, other)!r}"
            yield Fault("adae.csv", rule, _LOOK, row, column, name)


def _disposition(tables: Tables, facts: Facts) -> Iterator[Fault]:
    """Participants whose disposition and records tell different things."""
    adsl, adlb = tables["adsl"], tables["adlb"]
    died = _column(adsl, "DTHFL") == "Y"
    ended = words.understood(_column(adsl, "EOSSTT"), "EOSSTT", facts.terms)
    last = _numbers(adlb, "AVISITN")[adlb["AVAL"].notna()].groupby(adlb["USUBJID"]).max()
    latest = adsl["USUBJID"].map(last).astype(float)
    final = facts.visits.schedule[-1].avisitn
    found: list[tuple[str, str, Callable[[int], str], pd.Series]] = [
        (
            "died and completed",
            "DTHFL",
            lambda row: "DTHFL is Y and EOSSTT COMPLETED",
            died & (ended == words.COMPLETED),
        ),
        (
            "completed without the last visit",
            "EOSSTT",
            lambda row: f"completed, and the last value is at AVISITN {latest[row]:g}, not {final:g}",
            (ended == words.COMPLETED) & (latest < final),
        ),
    ]
    for name, column, rule, wrong in found:
        for row in adsl.index[wrong]:
            yield Fault("adsl.csv", rule(row), _LOOK, row, column, name)
