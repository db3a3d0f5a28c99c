"""The tables of a trial as its sponsor has them, in any of the usual formats, brought into the form that is read."""

import csv
import datetime
import json
import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pandas as pd

from trialbook.errors import Fault, FaultsError
from trialbook.trial import reading
from trialbook.trial.config import TABLES

EXTRA = "install what reads it: pip install 'trialbook[tables]', or save the table as CSV"
OF_EX = {  # what ADEX calls the variables of EX
    "AVALU": "EXDOSU",
    "ASTDT": "EXSTDTC",
    "AENDT": "EXENDTC",
    "ASTDY": "EXSTDY",
    "AENDY": "EXENDY",
}
ORIGIN = "SRCDS"  # the column that says from which table of the sponsor a finding is
FINDINGS = {"PARAMCD", "AVAL"}  # the columns by which a table of findings is known


@dataclass(frozen=True)
class Source:
    """A table of a sponsor: its name in lower case, its file, its cells as text, and the labels of its columns."""

    name: str
    file: str
    table: pd.DataFrame
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sources:
    """The tables of a trial by the names that are read, from which file each came, and the files that are not read."""

    tables: dict[str, pd.DataFrame]
    labels: dict[str, str]
    origins: dict[str, list[str]]
    left: dict[str, str]


def collect(folder: Path) -> Sources:
    """Read the tables of a folder, and bring them into the form that is read.

    Tables of findings (those with ``PARAMCD`` and ``AVAL``) are put one below the other into one, with a column
    ``SRCDS`` that says from which; a table of exposure is ``adex`` or, where that is not there, ``ex`` of SDTM.

    Parameters
    ----------
    folder : Path
        Holds CSV, XPT (versions 5 and 8), sas7bdat, Parquet, Excel or Dataset-JSON files, one a table.

    Returns
    -------
    Sources

    Raises
    ------
    FaultsError
        If there is no table of participants, a file cannot be read, or the same table stands there twice.
    """
    if not folder.is_dir():
        raise FaultsError(folder, [Fault(folder.name, "there is no such folder", "give the folder of the tables")])
    found: dict[str, Source] = {}
    left: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "~$")):
            continue
        read = READERS.get(path.suffix.lower()) if path.is_file() else None
        tables = list(read(path)) if read else []
        if not tables:
            left[path.name] = "a folder in the folder is not looked into" if path.is_dir() else "it holds no table"
        for source in tables:
            if source.name in found:
                rule = f"{source.name} is also in {found[source.name].file}"
                raise FaultsError(folder, [Fault(path.name, rule, "leave one of the two in the folder")])
            found[source.name] = source
    if "adsl" not in found:
        have = f" (found: {', '.join(found)})" if found else ""
        rule = f"there is no table of participants, ADSL{have}"
        raise FaultsError(folder, [Fault("adsl", rule, "put it there: adsl.csv, adsl.xpt, …")])
    return _sorted(folder, found, left)


def _sorted(folder: Path, found: dict[str, Source], left: dict[str, str]) -> Sources:
    """Give each table its place among those that are read."""
    places: dict[str, list[Source]] = {name: [] for name in TABLES}
    for source in found.values():
        place = _place(source)
        if place is None:
            left[source.file] = "it is none of: participants, findings with PARAMCD, AVAL and AVISITN, events, exposure"
        else:
            places[place].append(source)
    if not places["adlb"]:
        rule = "there is no table of findings, one with the columns PARAMCD, AVAL and AVISITN"
        raise FaultsError(folder, [Fault("adlb", rule, "put it there: adlb.csv, adlb.xpt, …")])
    tables: dict[str, pd.DataFrame] = {}
    origins: dict[str, list[str]] = {}
    labels: dict[str, str] = {}
    if len(places["adex"]) > 1:
        left |= {source.file: "ADEX is there" for source in places["adex"] if source.name == "ex"}
        places["adex"] = [source for source in places["adex"] if source.name != "ex"]
    for place, sources in places.items():
        for source in sources:
            labels |= source.labels
        if sources:
            tables[place] = _stacked(place, sources, left)
            origins[place] = [source.file for source in sources]
    return Sources(tables, labels, origins, left)


def _place(source: Source) -> str | None:
    columns = {column.upper() for column in map(str, source.table)}
    if source.name in ("adsl", "adae"):
        return source.name
    if source.name.startswith("adex"):
        return "adex" if source.name == "adex" else None
    if source.name == "ex" and columns >= {"USUBJID", "EXDOSE"}:
        return "adex"
    return "adlb" if columns >= FINDINGS | {"AVISITN"} else None


def _stacked(place: str, sources: list[Source], left: dict[str, str]) -> pd.DataFrame:
    """Put tables of findings one below the other; a parameter that several hold is taken from the longest of them."""
    if len(sources) == 1:
        return _as_adex(sources[0].table) if sources[0].name == "ex" else sources[0].table
    known = {*reading.USED[place].split(), *reading.dates.USED}
    taken: dict[str, str] = {}
    parts = []
    for source in sorted(sources, key=lambda one: -len(one.table)):
        table = source.table.rename(columns=str.upper)
        codes = table["PARAMCD"].dropna().unique()
        twice = [code for code in codes if code in taken]
        if twice:
            left[f"{', '.join(twice)} of {source.file}"] = f"{taken[twice[0]]} has the same parameters"
        taken |= dict.fromkeys(set(codes) - set(twice), source.file)
        kept = [name for name in map(str, table) if name in known or name.startswith(("PARAM", "ANL"))]
        parts.append(
            (source.file, table.loc[~table["PARAMCD"].isin(twice), kept].assign(**{ORIGIN: source.name.upper()}))
        )
    return pd.concat([table for _, table in sorted(parts, key=lambda part: part[0])], ignore_index=True)


def _as_adex(table: pd.DataFrame) -> pd.DataFrame:
    """Bring EX of SDTM into the form of ADEX: a row is an administration, or a period of daily treatment."""
    table = table.rename(columns=str.upper)
    made = table[["USUBJID"]].assign(PARAMCD="DOSE", AVAL=table["EXDOSE"])
    for name, source in OF_EX.items():
        if source in table:
            made[name] = table[source].str[:10] if source.endswith("DTC") else table[source]
    return made


def narrowed(sources: Sources, codes: Collection[str]) -> Sources:
    """Leave out the tables of findings that hold none of the parameters that are analysed.

    Parameters
    ----------
    sources : Sources
    codes : collection of str
        PARAMCD of each parameter that is analysed.

    Returns
    -------
    Sources
        With those tables among the files that are not read.
    """
    findings = sources.tables["adlb"]
    if ORIGIN not in findings:
        return sources
    used = set(findings.loc[findings["PARAMCD"].isin(codes), ORIGIN])
    files = {file: Path(file).stem.upper() in used for file in sources.origins["adlb"]}
    left = {file: "none of its parameters is analysed" for file, is_used in files.items() if not is_used}
    tables = sources.tables | {"adlb": findings[findings[ORIGIN].isin(used)]}
    origins = sources.origins | {"adlb": [file for file, is_used in files.items() if is_used]}
    return Sources(tables, sources.labels, origins, sources.left | left)


# ------------------------------------------------------------------------------------------------------- the formats


def _csv(path: Path) -> Iterator[Source]:
    table, faults = reading.read_table(path)
    if table is None:
        raise FaultsError(path.parent, faults)
    yield Source(path.stem.lower(), path.name, table)


def _sas(read: str) -> Callable[[Path], Iterator[Source]]:
    def reader(path: Path) -> Iterator[Source]:
        pyreadstat = _needed("pyreadstat", path)
        with _said(path, pyreadstat.ReadstatError, UnicodeDecodeError):
            try:
                table, about = getattr(pyreadstat, read)(str(path))
            except UnicodeDecodeError:  # version 5 does not say how its letters are written
                table, about = getattr(pyreadstat, read)(str(path), encoding="WINDOWS-1252")
        labels = {str(name).upper(): label for name, label in about.column_names_to_labels.items() if label}
        yield Source(path.stem.lower(), path.name, _as_text(table), labels)

    return reader


def _parquet(path: Path) -> Iterator[Source]:
    arrow = _needed("pyarrow.parquet", path)
    with _said(path, _needed("pyarrow", path).ArrowException):
        table = arrow.read_table(path).to_pandas()
    yield Source(path.stem.lower(), path.name, _as_text(table))


def _excel(path: Path) -> Iterator[Source]:
    book = _needed("openpyxl", path)
    with _said(path, book.utils.exceptions.InvalidFileException, BadZipFile, KeyError, OSError):
        sheets = book.load_workbook(path, read_only=True, data_only=True)
    whole = len(sheets.sheetnames) == 1
    for sheet in sheets:
        rows = [list(row) for row in sheet.iter_rows(values_only=True) if any(cell is not None for cell in row)]
        if rows:
            header = [str(cell).strip() if cell is not None else f"UNNAMED{i}" for i, cell in enumerate(rows[0])]
            name = path.stem if whole else sheet.title
            yield Source(name.lower(), path.name, _as_text(pd.DataFrame(rows[1:], columns=header, dtype=object)))


def _dataset_json(path: Path) -> Iterator[Source]:
    """Read a Dataset-JSON 1.1 file, or its form with a line for each row."""
    with _said(path, ValueError, KeyError, TypeError):
        text = path.read_text("utf8")
        if path.suffix.lower() == ".ndjson":
            first, *rows = map(json.loads, filter(None, text.splitlines()))
            about = first
        else:
            about = json.loads(text)
            if not isinstance(about, dict) or not {"columns", "rows"} <= about.keys():  # some other JSON
                return
            rows = about["rows"]
        columns = about["columns"]
        table = pd.DataFrame(rows, columns=[column["name"] for column in columns], dtype=object)
        labels = {column["name"].upper(): column.get("label", "") for column in columns}
        yield Source(str(about.get("name") or path.stem).lower(), path.name, _as_text(table), labels)


READERS: dict[str, Callable[[Path], Iterator[Source]]] = {
    ".csv": _csv,
    ".xpt": _sas("read_xport"),
    ".sas7bdat": _sas("read_sas7bdat"),
    ".parquet": _parquet,
    ".xlsx": _excel,
    ".json": _dataset_json,
    ".ndjson": _dataset_json,
}


def _needed(module: str, path: Path) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError:
        rule = f"a file of this format is read by {module.split('.')[0]}, which is not installed"
        raise FaultsError(path.parent, [Fault(path.name, rule, EXTRA)]) from None


class _said:
    """Say in words that a file cannot be read, whatever its reader raises of these."""

    def __init__(self, path: Path, *errors: type[BaseException]):
        self.path, self.errors = path, errors

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is not None and issubclass(kind, self.errors):
            rule = f"the file cannot be read: {str(error)[:200]}"
            raise FaultsError(self.path.parent, [Fault(self.path.name, rule, "save it anew")]) from None


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Write every cell as a CSV would hold it: whole numbers without a point, dates by ISO 8601, nothing as empty."""
    written = {}
    for name in table:
        codes, unique = pd.factorize(table[name], use_na_sentinel=False)
        written[str(name)] = pd.array([_cell(value) for value in unique], dtype="str").take(codes)
    return pd.DataFrame(written)


def _cell(value: object) -> str | float:
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return math.nan
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, bytes):
        value = value.decode("utf8", "replace")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
    return str(value).strip() or math.nan


def write(sources: Sources, folder: Path) -> list[Path]:
    """Write the tables into a trial's folder as CSV.

    Parameters
    ----------
    sources : Sources
    folder : Path

    Returns
    -------
    list of Path
        The files.
    """
    written = []
    for name, table in sources.tables.items():
        path = folder / f"{name}.csv"
        table.to_csv(path, index=False, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
        written.append(path)
    return written
