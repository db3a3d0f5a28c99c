"""What a valid ADaM table is (pandera), and how to say what is wrong with one that is not."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from trialbook.errors import Fault
from trialbook.results.formats import slug
from trialbook.stats import units
from trialbook.trial.config import Facts

NUMERIC = {
    "adsl": ("AGE",),
    "adlb": ("AVISITN", "AVAL", "ADY", "A1LO", "A1HI"),
    "adae": ("ASTDY", "AENDY", "AETOXGR"),
    "adex": ("AVAL", "ASTDY", "COURSE"),
}
RECORD = {"adsl": ["USUBJID"], "adlb": ["USUBJID", "PARAMCD", "AVISITN"]}  # what only one row may hold


def read_table(path: Path) -> tuple[pd.DataFrame | None, list[Fault]]:
    """Read one CSV as text.

    Parameters
    ----------
    path : Path

    Returns
    -------
    table : DataFrame or None
        All columns as strings without blanks around them, an empty cell as missing; the index is the file's line.
    faults : list of Fault
        Of a file that cannot be read as a table at all.
    """

    def fail(rule, remedy, line=None):
        return None, [Fault(path.name, rule, remedy, line)]

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        return fail(f"the file cannot be read: {error.strerror}", "mend that")
    except UnicodeDecodeError as error:
        return fail("the file is not UTF-8", "save it as “CSV UTF-8”", error.object[: error.start].count(b"\n") + 1)
    if "\0" in text:
        return fail("the file is not UTF-8", "save it as “CSV UTF-8”")
    rows, line, reader = {}, 1, csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows[line] = [cell.strip() or np.nan for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        return fail(f"not a CSV table: {error}", "mend the quotation marks from this row on", line)
    if not rows:
        return fail("the file is empty", "put a header line and the rows in it, or remove the file")
    header = rows.pop(next(iter(rows)))
    names = [name for name in header if isinstance(name, str)]
    if len(header) == 1 and any(mark in name for name in names for mark in ";\t"):
        return fail("the cells are not separated by commas", "save it as CSV with commas, and decimals with points")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        return fail(f"the column {repeated[0]} stands twice", "keep one of the two", 1)
    if not rows:
        return fail("the file has a header and no rows", "add the rows, or remove the file")
    ragged = [
        Fault(
            path.name, f"the row has {len(cells)} cells, the header {len(header)}", "give every row as many cells", row
        )
        for row, cells in rows.items()
        if len(cells) != len(header)
    ]
    if ragged:
        return None, ragged
    return pd.DataFrame(rows.values(), index=list(rows), columns=header, dtype="str")[names], []


def check(tables: dict[str, pd.DataFrame], facts: Facts) -> list[Fault]:
    """Check all tables of a trial against its facts and against each other.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Text tables of `read_table`, by name; ``adsl`` and ``adlb`` are there.
    facts : Facts

    Returns
    -------
    list of Fault
        Empty for a valid trial.
    """
    subjects = set(tables["adsl"].get("USUBJID", pd.Series(dtype=str)).dropna())
    faults = []
    for name, table in tables.items():
        faults += _validate(f"{name}.csv", table, _schema(name, facts, subjects))
        faults += _check_repeats(f"{name}.csv", table, RECORD.get(name, []))
    if faults:
        return faults
    adsl, adlb = tables["adsl"], tables["adlb"]
    for name, table in tables.items():
        faults += _check_shared(f"{name}.csv", table, adsl) if name != "adsl" else []
    return faults + _check_arms(adsl, facts) + _check_parameters(adlb, facts) + _check_units(adlb, facts)


def to_numbers(table: pd.DataFrame, name: str, facts: Facts) -> pd.DataFrame:
    """Turn the numeric columns of a valid text table into floats, those of ADLB in the units of ``trial.yml``."""
    wanted = [column for column in _numeric(name, facts) if column in table]
    numbers = table.assign(**{column: pd.to_numeric(table[column]).astype(float) for column in wanted})
    return (_in_declared_units(numbers, facts) if name == "adlb" else numbers).reset_index(drop=True)


def _numeric(name, facts):
    extra = (
        [line.variable for line in facts.baseline if line.variable and line.type != "category"]
        if name == "adsl"
        else []
    )
    return dict.fromkeys([*NUMERIC[name], *extra])


def _schema(name, facts, subjects):
    """Build the pandera schema of one text table; each check's name is the rule, its description the remedy."""
    columns = {column: pa.Column(nullable=True, required=False, checks=_IS_NUMBER) for column in _numeric(name, facts)}
    if name == "adsl":
        columns["USUBJID"] = pa.Column()
        columns["TRT01P"] = pa.Column(checks=_one_of("an arm of trial.yml", [arm.value for arm in facts.arms]))
        for flag in {chosen.flag for chosen in facts.analysis_sets.declared.values()}:
            columns[flag] = pa.Column(nullable=True, checks=_FLAG)
        for line in facts.baseline:
            if line.variable:
                known = _one_of("a level of trial.yml", list(line.levels)) if line.levels else _SPELT_ALIKE
                columns[line.variable] = pa.Column(
                    nullable=True, checks=known if line.type == "category" else _IS_NUMBER
                )
        columns["DCSREAS"] = pa.Column(nullable=True, required=False, checks=_SPELT_ALIKE)
    else:
        columns["USUBJID"] = pa.Column(
            checks=_rule(
                "must be in adsl.csv",
                "add the participant there, or correct the identifier",
                lambda s: s.isin(subjects),
            )
        )
    if name == "adlb":
        columns["PARAMCD"] = pa.Column()
        columns["AVISITN"] = pa.Column(checks=_IS_NUMBER)
        columns["AVAL"] = pa.Column(nullable=True, checks=_IS_NUMBER)
    if name == "adae":
        columns["AEDECOD"] = pa.Column(checks=_SPELT_ALIKE)
        columns["AEBODSYS"] = pa.Column(nullable=True, required=False, checks=_SPELT_ALIKE)
        columns["AETOXGR"] = pa.Column(nullable=True, required=False, checks=[_IS_NUMBER, _IS_GRADE])
        for flag in ("TRTEMFL", "AESER"):
            columns[flag] = pa.Column(nullable=True, required=False, checks=_FLAG)
    return pa.DataFrameSchema(columns)


def _rule(rule, remedy, holds):
    return pa.Check(holds, name=rule, description=remedy)


def _one_of(what, values):
    return _rule(f"must be {what}", f"use one of: {', '.join(values)}", lambda column: column.isin(values))


def _is_number(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column, errors="coerce").abs() < np.inf


def _is_grade(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column, errors="coerce").isin([1, 2, 3, 4, 5]) | ~_is_number(column)


def _is_spelt_alike(column: pd.Series) -> pd.Series:
    return column == column.groupby(column.map(slug)).transform("first")


_IS_NUMBER = _rule(
    "must be a number", "write it with a decimal point, or leave the cell empty if it is missing", _is_number
)
_IS_GRADE = _rule(
    "must be a grade from 1 to 5",
    "write the grade as a digit, or leave the cell empty if it is missing",
    _is_grade,
)
_FLAG = _one_of("a flag", ["Y", "N"])
_SPELT_ALIKE = _rule(
    "differs from an earlier row only in case or punctuation", "spell it alike in all rows", _is_spelt_alike
)


def _validate(file, table, schema):
    try:
        schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        remedies = {check.name: check.description for column in schema.columns.values() for check in column.checks}
        faults = [_fault(file, case, remedies) for case in errors.failure_cases.to_dict("records")]
        return sorted(faults, key=lambda fault: fault.row or 0)
    return []


def _fault(file, case, remedies):
    """Say one of pandera's failure cases as a fault; the row is the line of the file."""
    check, row = str(case["check"]), None if pd.isna(case["index"]) else int(case["index"])
    if check == "column_in_dataframe":
        remedy = "add it to the header and fill it, or correct trial.yml if that names it"
        return Fault(file, f"the column {case['failure_case']} is missing", remedy)
    column = str(case["column"])
    if check == "not_nullable":
        return Fault(file, "the cell is empty", "fill it", row, column)
    return Fault(file, f"{check} (found {str(case['failure_case'])[:40]!r})", remedies[check], row, column)


def _check_repeats(file, table, columns):
    """Say which rows repeat the record of an earlier one."""
    if not columns or not set(columns) <= set(table):
        return []
    records = table[columns].dropna()
    if "AVISITN" in columns:
        records = records.assign(AVISITN=pd.to_numeric(records["AVISITN"], errors="coerce")).dropna()
    first = records.index.to_series().groupby([records[column] for column in columns]).transform("first")
    what = "participant" if len(columns) == 1 else "participant, parameter and visit"
    remedy = "keep the row that is to be analysed"
    return [
        Fault(file, f"the same {what} as in row {first[row]} ({', '.join(table.loc[row, columns])})", remedy, row)
        for row in records.index[records.duplicated(columns)]
    ]


def _check_shared(file, table, adsl):
    """Say where a variable that stands in ADSL too has another value there."""
    faults, adsl = [], adsl.set_index("USUBJID", drop=False)
    for column in [column for column in table if column in adsl]:
        there = table["USUBJID"].map(adsl[column])
        differ = table.index[table[column].notna() & there.notna() & (table[column] != there)]
        if differ.empty:
            continue
        here, known = (pd.to_numeric(values[differ], errors="coerce") for values in (table[column], there))
        for row in differ[here != known]:
            rule = f"{table.at[row, column]!r} is {there[row]!r} in adsl.csv"
            faults.append(Fault(file, rule, "give the participant the same value in both", row, column))
    return faults


def _check_arms(adsl, facts):
    """Say where the number randomised is not that of trial.yml, and which arm has nobody to analyse."""
    faults = []
    if facts.randomised not in (None, len(adsl)):
        rule = f"{len(adsl)} participants, but trial.yml says `randomised: {facts.randomised}`"
        faults.append(Fault("adsl.csv", rule, "give one row to everybody randomised, or correct trial.yml"))
    sets = {chosen.flag: chosen.label for chosen in facts.analysis_sets.declared.values()}
    for arm in facts.arms:
        members = adsl[adsl["TRT01P"] == arm.value]
        if members.empty:
            remedy = "a comparison needs two arms: add its participants"
            faults.append(Fault("adsl.csv", f"nobody is in the arm {arm.value!r}", remedy, column="TRT01P"))
            continue
        faults += [
            Fault(
                "adsl.csv",
                f"nobody of the arm {arm.value!r} is in the {label} set",
                "write Y for those who are",
                column=flag,
            )
            for flag, label in sets.items()
            if not (members[flag] == "Y").any()
        ]
    return faults


def _check_parameters(adlb, facts):
    """Say which parameter of trial.yml has no value at the visits where it needs one."""
    visits = pd.to_numeric(adlb["AVISITN"]).where(adlb["AVAL"].notna())
    scheduled = [visit.avisitn for visit in facts.visits.schedule if visit.avisitn >= facts.visits.baseline]
    after = scheduled[1:]
    needs = [(p.paramcd, "parameters", scheduled, "at any scheduled visit") for p in facts.parameters]
    needs += [(p.paramcd, "parameters", after, "after the baseline") for p in facts.parameters if p.role == "efficacy"]
    needs += [
        (b.paramcd, "baseline", [facts.visits.baseline], "at the baseline visit") for b in facts.baseline if b.paramcd
    ]
    remedy = "add its rows, or take it out of trial.yml"
    return [
        Fault("adlb.csv", f"no value of {code} {when} (declared in trial.yml, {where})", remedy, column="PARAMCD")
        for code, where, wanted, when in needs
        if not ((adlb["PARAMCD"] == code) & visits.isin(wanted)).any()
    ]


def _other_units(adlb, facts):
    """Yield each declared parameter, and a unit other than the declared one, with the rows that are in it."""
    if "AVALU" not in adlb:
        return
    rows = adlb.groupby(["PARAMCD", "AVALU"]).groups
    for parameter in facts.parameters:
        for code, unit in rows:
            if code == parameter.paramcd and unit != parameter.unit:
                yield parameter, unit, rows[code, unit]


def _check_units(adlb, facts):
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
            remedy = "correct the unit here, or that of the parameter in trial.yml"
            faults += [Fault("adlb.csv", rule, remedy, row, "AVALU") for row in rows]
    return faults


def _in_declared_units(adlb, facts):
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
