"""What a valid ADaM table is (pandera), and how to say what is wrong with one that is not."""

import pandas as pd
import pandera.pandas as pa

from trialbook.faults import Fault

NUMERIC = {
    "adsl": ("AGE",),
    "adlb": ("AVISITN", "AVAL", "ADY", "A1LO", "A1HI"),
    "adae": ("ASTDY", "AENDY", "AETOXGR"),
    "adex": ("AVAL", "ASTDY", "COURSE"),
}


def read_table(path):
    """Read one CSV as text.

    Parameters
    ----------
    path : Path

    Returns
    -------
    table : DataFrame or None
        All columns as strings, an empty cell as missing.
    faults : list of Fault
        Of a file that cannot be read as a table at all.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1 if error.start is not None else None
        return None, [Fault(path.name, "the file is not UTF-8", "save it as “CSV UTF-8”", line)]
    except pd.errors.EmptyDataError:
        return None, [Fault(path.name, "the file is empty", "put a header line and the rows in it, or remove the file")]
    except pd.errors.ParserError as error:
        return None, [Fault(path.name, f"not a CSV table: {error}", "give every row as many cells as the header")]
    if table.empty:
        return None, [Fault(path.name, "the file has a header and no rows", "add the rows, or remove the file")]
    return table, []


def check(tables, facts):
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
    if not faults:
        faults += _check_arms(tables["adsl"], facts) + _check_parameters(tables["adlb"], facts)
    return faults


def to_numbers(table, name, facts):
    """Turn the numeric columns of a valid text table into floats."""
    wanted = [column for column in _numeric(name, facts) if column in table]
    return table.assign(**{column: pd.to_numeric(table[column]) for column in wanted})


def _numeric(name, facts):
    extra = [line.variable for line in facts.baseline if line.variable and line.type != "category"] if name == "adsl" else []
    return dict.fromkeys([*NUMERIC[name], *extra])


def _schema(name, facts, subjects):
    """Build the pandera schema of one text table; each check's name is the rule, its description the remedy."""
    columns = {column: pa.Column(nullable=True, required=False, checks=_IS_NUMBER) for column in _numeric(name, facts)}
    if name == "adsl":
        arms = [arm.value for arm in facts.arms]
        columns["USUBJID"] = pa.Column(checks=_rule("a subject stands once", "remove the repeated row", _unique))
        columns["TRT01P"] = pa.Column(checks=_one_of("an arm of trial.yml", arms))
        for flag in {facts.analysis_sets.efficacy.flag, facts.analysis_sets.safety.flag}:
            columns[flag] = pa.Column(nullable=True, checks=_one_of("a flag", ["Y", "N"]))
        for line in facts.baseline:
            if line.variable and line.type == "category":
                columns[line.variable] = pa.Column(nullable=True)
    else:
        columns["USUBJID"] = pa.Column(
            checks=_rule("the subject is in adsl.csv", "add the subject there or correct the identifier", lambda s: s.isin(subjects))
        )
    whole = None
    if name == "adlb":
        columns |= {
            "PARAMCD": pa.Column(),
            "AVISITN": pa.Column(checks=_IS_NUMBER),
            "AVAL": pa.Column(nullable=True, checks=_IS_NUMBER),
        }
        whole = _rule("one row per subject, parameter and visit", "keep the record to be analysed", _unique_record)
    if name == "adae":
        columns["AEDECOD"] = pa.Column()
        columns["TRTEMFL"] = pa.Column(nullable=True, required=False, checks=_one_of("a flag", ["Y", "N"]))
        columns["AESER"] = pa.Column(nullable=True, required=False, checks=_one_of("a flag", ["Y", "N"]))
    return pa.DataFrameSchema(columns, checks=whole)


def _rule(rule, remedy, holds):
    return pa.Check(holds, name=rule, description=remedy)


def _one_of(what, values):
    return _rule(f"is {what}", f"use one of: {', '.join(values)}", lambda column: column.isin(values))


def _unique(column):
    return ~column.duplicated()


def _unique_record(table):
    repeated = table.assign(AVISITN=pd.to_numeric(table["AVISITN"], errors="coerce"))
    return ~repeated.duplicated(["USUBJID", "PARAMCD", "AVISITN"])


_IS_NUMBER = _rule(
    "is a number", "write a number, or leave the cell empty if it is missing", lambda c: pd.to_numeric(c, errors="coerce").notna()
)


def _validate(file, table, schema):
    try:
        schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        remedies = {check.name: check.description for column in schema.columns.values() for check in column.checks}
        remedies |= {check.name: check.description for check in schema.checks}
        faults = (_fault(file, case, remedies) for case in errors.failure_cases.to_dict("records"))
        return list(dict.fromkeys(faults))
    return []


def _fault(file, case, remedies):
    """Say one of pandera's failure cases as a fault; the row is the line of the file."""
    row = None if pd.isna(case["index"]) else int(case["index"]) + 2
    check = str(case["check"])
    if check == "column_in_dataframe":
        return Fault(file, f"the column {case['failure_case']} is missing", "add it to the header and fill it")
    column = "" if case["schema_context"] == "DataFrameSchema" else str(case["column"])
    if check == "not_nullable":
        return Fault(file, "the cell is empty", "fill it", row, column)
    found = f" (found {str(case['failure_case'])[:40]!r})" if column else ""
    return Fault(file, f"broken rule: {check}{found}", remedies.get(check, "correct it"), row, column)


def _check_arms(adsl, facts):
    """Say which arm has nobody in it."""
    return [
        Fault("adsl.csv", f"nobody is in the arm {arm.value!r}", "a comparison needs two arms: add its subjects", column="TRT01P")
        for arm in facts.arms
        if not (adsl["TRT01P"] == arm.value).any()
    ]


def _check_parameters(adlb, facts):
    """Say which declared parameter has no value at any scheduled visit, or none after the baseline."""
    numbers = {visit.avisitn for visit in facts.visits.schedule}
    measured = adlb[adlb["AVAL"].notna() & pd.to_numeric(adlb["AVISITN"]).isin(numbers)]
    declared = [(p.paramcd, "parameters") for p in facts.parameters]
    declared += [(line.paramcd, "baseline") for line in facts.baseline if line.paramcd]
    remedy = "add its rows, or take it out of trial.yml"
    return [
        Fault("adlb.csv", f"no value of {code} (declared in trial.yml, {where}) at any scheduled visit", remedy, column="PARAMCD")
        for code, where in declared
        if not (measured["PARAMCD"] == code).any()
    ]
