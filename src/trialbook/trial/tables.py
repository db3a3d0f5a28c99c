"""What a valid ADaM table is (pandera), and how to say what is wrong with one that is not."""

import re

import numpy as np
import pandas as pd
import pandera.pandas as pa

from trialbook.errors import Fault
from trialbook.results.formats import slug
from trialbook.trial import contradictions, dates, declared_units, records, words
from trialbook.trial.config import Facts
from trialbook.trial.likely import likely, skeleton
from trialbook.trial.unique import by_unique, to_floats

Tables = dict[str, pd.DataFrame]

NUMERIC = {
    "adsl": ("AGE",),
    "adlb": ("AVISITN", "AVAL", "ADY", "A1LO", "A1HI", "BASE", "CHG"),
    "adae": ("ASTDY", "AENDY"),
    "adex": ("AVAL", "ASTDY", "AENDY", "COURSE"),
}
RECORD = {"adsl": ["USUBJID"], "adlb": ["USUBJID", "PARAMCD", "AVISITN"]}  # what only one row may hold


def check(tables: Tables, facts: Facts) -> tuple[Tables, list[records.Line], list[Fault]]:
    """Check all tables of a trial against its facts and against each other, and take the records to be analysed.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Text tables of `reading.read_tables`, by name; ``adsl`` and ``adlb`` are there.
    facts : Facts

    Returns
    -------
    tables : dict of str to DataFrame
        The records to be analysed, as text; empty where there are faults.
    account : list of Line
        What becomes of every row read.
    faults : list of Fault
        Empty for a valid trial.
    """
    faults = _check_participants(tables["adsl"], facts)
    subjects = set(tables["adsl"].get("USUBJID", pd.Series(dtype=str)).dropna())
    for name, table in tables.items():
        faults += _validate(f"{name}.csv", table, _schema(name, facts, subjects))
    faults += _check_codes(tables["adlb"], facts)
    if faults:
        return {}, [], faults
    selection = records.select({name: _with_dates(table, facts) for name, table in tables.items()}, facts)
    chosen = selection.tables
    for name, table in chosen.items():
        analysed = table[table["PARAMCD"].isin(_codes(facts))] if name == "adlb" else table
        faults += _check_repeats(f"{name}.csv", analysed, RECORD.get(name, []))
    if faults:
        return {}, [], faults
    for name, table in chosen.items():
        faults += _check_shared(f"{name}.csv", table, chosen["adsl"]) if name != "adsl" else []
    faults += _check_arms(chosen["adsl"], facts, selection.account) + _check_parameters(chosen["adlb"], facts)
    faults += declared_units.check(chosen["adlb"], facts) + contradictions.check(chosen, facts)
    return ({} if faults else chosen), selection.account, faults


def to_numbers(table: pd.DataFrame, name: str, facts: Facts) -> pd.DataFrame:
    """Turn numeric columns of a valid text table into floats, in the units of ``trial.yml``, and AESER into Y and N."""
    wanted = [column for column in _numeric(name, facts) if column in table]
    read = {column: by_unique(table[column], to_floats) for column in wanted}
    if "AETOXGR" in table:
        grades = words.understood(table["AETOXGR"], "AETOXGR", facts.terms)
        read["AETOXGR"] = pd.to_numeric(grades.mask(grades == words.UNKNOWN)).astype(float)
    if "AESER" in table:
        serious = words.understood(table["AESER"], "AESER", facts.terms)
        read["AESER"] = serious.map({words.YES: "Y", words.NO: "N"}).fillna(table["AESER"])
    numbers = table.assign(**read)
    return (declared_units.convert(numbers, facts) if name == "adlb" else numbers).reset_index(drop=True)


def _with_dates(table: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Write the dates of a valid text table as ISO 8601 does."""
    return table.assign(**{column: dates.iso(table[column], facts.dates) for column in dates.USED if column in table})


def _numeric(name, facts):
    extra = (
        [line.variable for line in facts.baseline if line.variable and line.type in ("mean", "median")]
        if name == "adsl"
        else []
    )
    return dict.fromkeys([*NUMERIC[name], *extra])


def _schema(name, facts, subjects):
    """Build the pandera schema of one text table; each check's name is the rule, its description the remedy."""
    columns = {column: _optional(_IS_NUMBER) for column in _numeric(name, facts)}
    columns |= {column: _optional(_is_date(facts.dates)) for column in dates.USED}
    columns |= {column: _optional(_not_missing()) for column in ("TRTP", "TRTA", "TRT01A", "SEX", "AEBODSYS")}
    columns |= {column: _optional([_not_missing(column), _known(column, facts)]) for column in words.COLUMNS}
    flags = {"ABLFL", "TRTEMFL", records.FLAG, *(parameter.analysis_flag for parameter in facts.parameters)}
    columns |= {column: _optional(_FLAG) for column in flags}
    columns["DTYPE"] = _optional(_SPELT_ALIKE)
    if name == "adsl":
        for line in facts.baseline:
            if line.variable:
                columns[line.variable] = pa.Column(nullable=True, checks=_of_baseline(line))
        columns["DCSREAS"] = _optional([_not_missing("DCSREAS"), _SPELT_ALIKE, _known("DCSREAS", facts)])
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
        columns["AVISITN"] = pa.Column(nullable=True, checks=_IS_NUMBER)
        columns["AVAL"] = pa.Column(nullable=True, checks=[_IS_NUMBER, _IS_COMPUTABLE])
    if name == "adae":
        columns["AEDECOD"] = pa.Column(checks=_SPELT_ALIKE)
        columns["AEBODSYS"] = _optional([_not_missing(), _SPELT_ALIKE])
    return pa.DataFrameSchema(columns)


def _rule(rule, remedy, holds, alone=True):
    """Make a check of pandera; `alone` says that it judges each cell whatever the others are."""
    return pa.Check((lambda cells: by_unique(cells, holds)) if alone else holds, name=rule, description=remedy)


def _one_of(what, values):
    return _rule(f"must be {what}", f"use one of: {', '.join(values)}", lambda column: column.isin(values))


def _optional(checks):
    return pa.Column(nullable=True, required=False, checks=checks)


def _codes(facts):
    return [*(parameter.paramcd for parameter in facts.parameters), *(b.paramcd for b in facts.baseline if b.paramcd)]


def _of_baseline(line):
    """Say what the variable of a line of the baseline table must be."""
    if line.type == "category":
        return _one_of("a level of trial.yml", list(line.levels)) if line.levels else [_not_missing(), _SPELT_ALIKE]
    return _FLAG if line.type == "flag" else _IS_NUMBER


def _known(column, facts):
    """Let a column hold words of which it is known what they mean."""
    means = ", ".join(words.meanings(column))
    return _rule(
        "must be a grade from 1 to 5" if column == "AETOXGR" else f"the meaning of this word in {column} is not known",
        f"use a known word: {words.examples(column)}\n"
        f"        or say in trial.yml what it means ({means}): `terms: {{{column}: {{the word: its meaning}}}}`",
        lambda said: ~said.isin(words.unknown(said.dropna().unique(), column, facts.terms)),
    )


def _not_missing(column=""):
    """Refuse the words with which programs write that a value is missing, where they are no known words of a column."""
    missing = MISSING - words.KNOWN.get(column, {}).keys()
    remedy = "leave the cell empty if it is missing, or declare the value under `levels` in trial.yml if it is one"
    return _rule("is what programs write for a missing value", remedy, lambda cells: ~cells.str.upper().isin(missing))


def _not_nearly(what, known):
    """Refuse a text that is probably a misspelt known one."""
    remedy = f"correct it; those of trial.yml are {', '.join(dict.fromkeys(known))}"
    return _rule(f"is nearly, but not quite, {what}", remedy, lambda said: ~said.isin(_slips(said, known)))


def _slips(said, known):
    return [text for text in said.dropna().unique() if text not in known and likely(text, known)]


def _is_date(counted):
    return _rule(
        "must be a full date",
        "write it as 2021-02-10; a number of days is one where trial.yml says `dates: sas` or `dates: excel`",
        lambda cells: dates.iso(cells, counted).notna(),
    )


def _is_number(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column, errors="coerce").abs() < np.inf


def _is_spelt_alike(column: pd.Series) -> pd.Series:
    return column == column.groupby(column.map(slug)).transform("first")


def _spelt_alike(but=()):
    """Refuse a second spelling of a value, of those that no other rule judges."""
    judged = {slug(word) for word in but}
    return _rule(
        "differs from an earlier row only in case or punctuation",
        "spell it alike in all rows",
        lambda column: _is_spelt_alike(column) | column.map(slug).isin(judged),
        alone=False,
    )


MISSING = {"NA", "N/A", "#N/A", "NAN", "<NA>", "NULL", "NONE", "."}  # what programs write for a missing value
TOO_LARGE = 1e15

_IS_NUMBER = _rule(
    "must be a number", "write it with a decimal point, or leave the cell empty if it is missing", _is_number
)
_IS_COMPUTABLE = _rule(
    "must be a number that can be measured",
    "correct it",
    lambda column: ~(pd.Series(pd.to_numeric(column, errors="coerce")).abs() >= TOO_LARGE),
)
_FLAG = _one_of("a flag", ["Y", "N"])
_SPELT_ALIKE = _spelt_alike()


def _check_participants(adsl, facts):
    """Say whose row or arm is not to be found: who is in the trial decides what the other tables must hold."""
    arms = [arm.value for arm in facts.arms]
    of_others = _spelt_alike(but=[*arms, *records.SCREEN_FAILURE])
    columns = {
        "USUBJID": pa.Column(),
        "TRT01P": pa.Column(
            nullable=True, checks=[_not_missing(), _not_nearly("an arm of trial.yml", arms), of_others]
        ),
    }
    for flag in {chosen.flag for chosen in facts.analysis_sets.declared.values()}:
        columns[flag] = pa.Column(nullable=True, checks=_FLAG)
    if faults := _validate("adsl.csv", adsl, pa.DataFrameSchema(columns)) + _check_repeats(
        "adsl.csv", adsl, RECORD["adsl"]
    ):
        return faults
    allocated = ~records.are_screen_failures(adsl)
    if "RANDFL" in adsl:
        allocated &= adsl["RANDFL"] == "Y"
    if "RANDDT" in adsl:
        allocated &= adsl["RANDDT"].notna()
    remedy = "write the arm; of a participant who was not randomised, let ARM say `Screen Failure`"
    return [
        Fault("adsl.csv", "the cell is empty", remedy, row, "TRT01P")
        for row in adsl.index[adsl["TRT01P"].isna() & allocated]
    ]


def _validate(file, table, schema):
    try:
        schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        remedies = {check.name: check.description for column in schema.columns.values() for check in column.checks}
        cases, with_commas = _with_commas(file, errors.failure_cases.to_dict("records"))
        return with_commas + sorted((_fault(file, case, remedies) for case in cases), key=lambda fault: fault.row or 0)
    return []


def _with_commas(file, cases):
    """Take out the numbers that only have a decimal comma, and say so once of each column."""
    others: list[dict] = []
    found: dict[str, list[dict]] = {}
    for case in cases:
        is_comma = case["check"] == _IS_NUMBER.name and re.fullmatch(r"[+-]?\d+,\d+", str(case["failure_case"]))
        (found.setdefault(str(case["column"]), []) if is_comma else others).append(case)
    said = "the decimals are written with a comma (found {failure_case!r})"
    return others, [
        Fault(
            file,
            said.format(**own[0]),
            f"write decimals with a point ({len(own)} such cells)",
            int(own[0]["index"]),
            column,
        )
        for column, own in found.items()
    ]


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
        records = records.assign(AVISITN=by_unique(records["AVISITN"], to_floats))
    records = records[records.duplicated(columns, keep=False)]
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


def _check_arms(adsl, facts, account):
    """Say where the number randomised is not that of trial.yml, and which arm has nobody to analyse."""
    faults = []
    if facts.randomised not in (None, len(adsl)):
        left_out = [line for line in account if line.table == "adsl" and line.fate != records.ANALYSED]
        others = "".join(f", {line.rows} {line.fate}" for line in left_out)
        rule = f"{len(adsl)} participants in the two arms{others}, but trial.yml says `randomised: {facts.randomised}`"
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


def _check_codes(adlb, facts):
    """Refuse a PARAMCD that is probably a misspelt one of trial.yml.

    One that differs in a letter is another parameter where both were measured of a participant at a visit.
    """
    if not {"PARAMCD", "USUBJID", "AVISITN"} <= set(adlb):  # which is a fault of its own
        return []
    known, faults = _codes(facts), []
    remedy = f"correct it; those of trial.yml are {', '.join(dict.fromkeys(known))}"
    for code in _slips(adlb["PARAMCD"], known):
        meant = likely(code, known)
        rows, right = (adlb["PARAMCD"] == one for one in (code, meant))
        when = [set(zip(adlb.loc[of, "USUBJID"], adlb.loc[of, "AVISITN"], strict=True)) for of in (rows, right)]
        if skeleton(code) != skeleton(meant) and when[0] & when[1]:
            continue
        rule = f"is nearly, but not quite, a PARAMCD of trial.yml (found {code[:40]!r})"
        faults += [Fault("adlb.csv", rule, remedy, int(row), "PARAMCD") for row in adlb.index[rows]]
    return faults


def _check_parameters(adlb, facts):
    """Say which parameter of trial.yml has no value at the visits where it needs one."""
    visits = by_unique(adlb["AVISITN"], to_floats).where(adlb["AVAL"].notna())
    seen = {str(code): set(own) for code, own in visits.groupby(adlb["PARAMCD"])}
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
        if not seen.get(code, set()) & set(wanted)
    ]
