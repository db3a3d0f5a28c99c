"""The tables of a trial's folder as text: every file that is there is read, refused, or named."""

import csv
import gc
import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd

from trialbook.errors import Fault, FaultsError
from trialbook.trial import dates
from trialbook.trial.config import REQUIRED, TABLES, Facts
from trialbook.trial.likely import likely, skeleton

# the variables that the engine uses
USED = {
    "adsl": "USUBJID SUBJID TRT01P TRT01A AGE SEX RACE ETHNIC COUNTRY ARM ARMCD EOSSTT DCSREAS",
    "adlb": "USUBJID PARAMCD AVISIT AVISITN AVAL AVALU ADY BASE CHG ABLFL ANL01FL DTYPE A1LO A1HI TRTP TRTA",
    "adae": "USUBJID AETERM AEDECOD AEBODSYS AESEV AETOXGR AESER AEREL AEACN AEOUT ASTDY AENDY TRTEMFL TRTA",
    "adex": "USUBJID PARAMCD AVAL AVALU COURSE ASTDY AENDY ANL01FL DTYPE TRTA",
}
# no slips of those, only like them
ADAM = r"(ANL|AVALCA|CHGCAT|AGEGR)\d+(FL|N)?|TRT\d\d[PA]N?|A2(LO|HI)|AE(SOC|HLT|LLT)|\w+(N|C|TM|U)|P?CHG|BASETYPE"
OTHER_NAMES = {
    "adlb": {
        **dict.fromkeys(("UNIT", "UNITS", "LBSTRESU", "LBORRESU"), "AVALU"),
        **dict.fromkeys(("VALUE", "RESULT", "LBSTRESN"), "AVAL"),
        **{"VISITNUM": "AVISITN", "VISIT": "AVISIT", "LBTESTCD": "PARAMCD", "ANRLO": "A1LO", "ANRHI": "A1HI"},
    },
    "adae": {"AEGRADE": "AETOXGR", "GRADE": "AETOXGR", "SEVERITY": "AESEV", "SERIOUS": "AESER"},
    "adex": dict.fromkeys(("UNIT", "UNITS", "DOSEU", "EXDOSU"), "AVALU"),
    "adsl": {},
}
LARGEST = 4 * 2**30  # bytes of a file
LONGEST = 10_000  # characters of a cell
csv.field_size_limit(2**31 - 1)  # the bound is ours, with a message of ours


def read_tables(folder: Path, facts: Facts) -> tuple[dict[str, pd.DataFrame], list[Fault], list[Fault]]:
    """Read the tables of a trial's folder as text.

    Parameters
    ----------
    folder : Path
    facts : Facts

    Returns
    -------
    tables : dict of str to DataFrame
        As of `read_table`, by name; the columns by the names that ADaM gives them.
    faults : list of Fault
    warnings : list of Fault
        Of files that are not read.
    """
    faults, warnings, tables = [], [], {}
    there = sorted(os.listdir(folder))
    for name in TABLES:
        file = f"{name}.csv"
        if file in there:
            table, found = read_table(folder / file)
            faults += found
            if table is not None:
                tables[name], found = _named(table, name, facts)
                faults += found
        elif name in REQUIRED and not any(_is_meant(other, name) for other in there):
            faults.append(Fault(file, "the file is missing", f"put {file} beside trial.yml"))
    for file in there:
        meant = next((name for name in TABLES if _is_meant(file, name)), None)
        if meant:
            rule = f"this is probably {meant}.csv, which is not read by this name"
            faults.append(Fault(file, rule, f"call it {meant}.csv and save it as CSV, or take it out of the folder"))
        elif Path(file).suffix.lower() == ".csv" and file.removesuffix(".csv") not in TABLES:
            rule = f"this table is not read: the tables of a trial are {', '.join(TABLES)}"
            warnings.append(
                Fault(file, rule, "take it out of the folder, or add its rows to one of these", name="file")
            )
    return tables, faults, warnings


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Look for no garbage: of as many lists as a table has rows none is, and looking takes half the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _is_meant(file: str, name: str) -> bool:
    """Whether a file is a table of ours by another name, such as ``ADAE.csv`` or ``adae.csv.txt``."""
    endings = ("csv", "csvtxt", "txt", "xlsx", "xls", "xpt", "sas7bdat", "csvgz", "csvzip", "tsv", "parquet")
    return file != f"{name}.csv" and skeleton(file) in {f"{name}{ending}" for ending in endings}


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
    try:
        with _without_collecting():
            rows, lines = _cells(path, _text(path))
            header, lines = [name.strip() for name in rows.pop(0)], lines[1:]
            _check_shape(path, header, rows, lines)
            return _columns(path, header, rows, lines), []
    except FaultsError as error:
        return None, error.faults


def _refuse(path: Path, rule: str, remedy: str, line: int | None = None) -> NoReturn:
    raise FaultsError(path.parent, [Fault(path.name, rule, remedy, line)])


def _text(path: Path) -> str:
    """The text of a file, if it is one and of a bearable size."""
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            _refuse(path, "this is not a file", "put the table itself there")
        if state.st_size > LARGEST:
            _refuse(path, f"the file is larger than {LARGEST // 2**30} GB", "leave out what is not analysed")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        _refuse(path, f"the file cannot be read: {error.strerror}", "mend that")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        _refuse(path, "the file is not UTF-8", "save it as “CSV UTF-8”", line)
    if "\0" in text:
        _refuse(path, "the file is not UTF-8", "save it as “CSV UTF-8”")
    return text


def _cells(path: Path, text: str) -> tuple[list[list[str]], list[int]]:
    """Part a CSV into rows of cells, without empty ones and a hint for Excel, with the line of each."""
    rows: list[list[str]] = []
    lines: list[int] = []
    line, reader = 1, csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if any(cells) and not "".join(cells).isspace():
                rows.append(cells)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        _refuse(path, f"not a CSV table: {error}", "mend the quotation marks from this row on", line)
    if rows and rows[0][0].strip().lower() == "sep=":
        rows, lines = rows[1:], lines[1:]
    if not rows:
        _refuse(path, "the file is empty", "put a header line and the rows in it, or remove the file")
    return rows, lines


def _check_shape(path: Path, header: list[str], rows: list[list[str]], lines: list[int]) -> None:
    """Refuse what is no table of cells under different names."""
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        remedy = "save it as CSV with commas, and decimals with points"
        _refuse(path, "the cells are not separated by commas", remedy)
    if repeated := sorted({name for name in header if name and header.count(name) > 1}):
        _refuse(path, f"the column {repeated[0][:40]} stands twice", "keep one of the two", 1)
    if not rows:
        _refuse(path, "the file has a header and no rows", "add the rows, or remove the file")
    remedy = "give every row as many cells"
    if ragged := [
        Fault(path.name, f"the row has {len(cells)} cells, the header {len(header)}", remedy, row)
        for row, cells in zip(lines, rows, strict=True)
        if len(cells) != len(header)
    ]:
        raise FaultsError(path.parent, ragged)


def _columns(path: Path, header: list[str], rows: list[list[str]], lines: list[int]) -> pd.DataFrame:
    """The columns that have a name; one without must be empty."""
    columns: dict[str, pd.Series] = {}
    index = pd.Index(lines)
    for number, (name, cells) in enumerate(zip(header, zip(*rows, strict=True), strict=True), start=1):
        codes, unique = pd.factorize(np.array(cells, dtype=object))
        if (longest := max(map(len, unique))) > LONGEST:
            remedy = "no cell holds more than a few lines: mend the quotation marks"
            _refuse(path, f"a cell of {longest:,} characters in the column {name[:40]}", remedy)
        text = pd.array([cell.strip() or np.nan for cell in unique], dtype="str")
        if name:
            columns[name] = pd.Series(text.take(codes), index=index)
        elif not pd.isna(text).all():
            _refuse(path, f"the column {number} has values and no name", "name it in the header, or empty it", 1)
    return pd.DataFrame(columns)


def _named(table: pd.DataFrame, name: str, facts: Facts) -> tuple[pd.DataFrame, list[Fault]]:
    """Call the columns as ADaM does where they differ in case alone; say which are probably misspelt."""
    known = [
        *USED[name].split(),
        *dates.USED,
        *(facts.variables if name == "adsl" else facts.classes if name == "adex" else []),
    ]
    columns = [str(column) for column in table]
    upper = {column: column.upper() for column in columns if column.upper() in known and column.upper() not in columns}
    if clash := next((one for one in upper.values() if list(upper.values()).count(one) > 1), None):
        return table, [Fault(f"{name}.csv", f"the column {clash} stands twice", "keep one of the two", 1)]
    table = table.rename(columns=upper)
    absent = [column for column in known if column not in table]
    faults = []
    for column in sorted(set(map(str, table)) - set(known)):
        meant = OTHER_NAMES[name].get(column.upper()) or likely(column, known)
        if meant in absent and not (re.fullmatch(ADAM, column) and skeleton(column) != skeleton(meant)):
            rule = f"the column {column[:40]!r} is not known, and there is no {meant}"
            faults.append(Fault(f"{name}.csv", rule, f"call it {meant} if it is that, or else take it out", 1))
    return table, faults
