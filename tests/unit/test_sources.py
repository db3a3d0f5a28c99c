"""The tables of a sponsor: any format gives the same tables, several are put together, nothing is left out unsaid."""

import datetime
import json

import pandas as pd
import pytest

from trialbook.errors import FaultsError
from trialbook.template import sources
from trialbook.trial.generate import generate

NUMERIC = {"AGE", "AVISITN", "ADY", "AVAL", "BASE", "CHG", "A1LO", "A1HI", "AETOXGR", "ASTDY", "AENDY", "COURSE"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A trial's tables as a program holds them: numbers, dates and texts."""
    folder = generate(tmp_path_factory.mktemp("sponsor") / "csv", laboratory=2)
    (folder / "trial.yml").unlink()
    read = {path.stem: pd.read_csv(path, dtype=str) for path in folder.glob("*.csv")}
    for table in read.values():
        for name in NUMERIC & set(table):
            table[name] = pd.to_numeric(table[name])
        for name in [name for name in table if name.endswith("DT")]:
            table[name] = [datetime.date.fromisoformat(day) if isinstance(day, str) else None for day in table[name]]
    return folder, read


def _xpt(version):
    def write(table, path):
        pyreadstat = pytest.importorskip("pyreadstat")
        pyreadstat.write_xport(table, str(path.with_suffix(".xpt")), file_format_version=version)

    return write


def _parquet(table, path):
    pytest.importorskip("pyarrow")
    table.to_parquet(path.with_suffix(".parquet"))


def _excel(table, path):
    pytest.importorskip("openpyxl")
    table.to_excel(path.with_suffix(".xlsx"), index=False)


def _rows(table):
    return json.loads(
        table.assign(**{n: table[n].map(str) for n in table if n.endswith("DT")}).to_json(orient="values")
    )


def _dataset_json(table, path):
    columns = [{"itemOID": name, "name": name, "label": f"Label of {name}"} for name in table]
    content = {"datasetJSONVersion": "1.1.0", "name": path.name.upper(), "columns": columns, "rows": _rows(table)}
    path.with_suffix(".json").write_text(json.dumps(content), "utf8")


def _dataset_ndjson(table, path):
    columns = [{"name": name} for name in table]
    lines = [{"datasetJSONVersion": "1.1.0", "name": path.name.upper(), "columns": columns}, *_rows(table)]
    path.with_suffix(".ndjson").write_text("\n".join(map(json.dumps, lines)) + "\n", "utf8")


FORMATS = {
    "xpt 5": _xpt(5),
    "xpt 8": _xpt(8),
    "parquet": _parquet,
    "excel": _excel,
    "dataset-json": _dataset_json,
    "ndjson": _dataset_ndjson,
}


@pytest.mark.parametrize("written", FORMATS)
def test_every_format_gives_the_same_tables(tables, tmp_path, written):
    folder, read = tables
    for name, table in read.items():
        FORMATS[written](table, tmp_path / name)
    found, expected = sources.collect(tmp_path), sources.collect(folder)
    assert found.tables.keys() == expected.tables.keys()
    for name, table in expected.tables.items():
        mine = found.tables[name]
        assert list(mine) == list(table)
        for column in table:
            if column in NUMERIC:
                pd.testing.assert_series_equal(
                    *(pd.to_numeric(one[column]).reset_index(drop=True) for one in (mine, table)), check_index=False
                )
            else:
                assert mine[column].fillna("").tolist() == table[column].fillna("").tolist(), (name, column)


def test_a_table_that_is_not_read_for_want_of_a_package_says_which(tables, tmp_path, monkeypatch):
    _parquet(tables[1]["adsl"], tmp_path / "adsl")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(FaultsError, match=r"adsl.parquet: .* read by pyarrow, which is not installed"):
        sources.collect(tmp_path)


@pytest.mark.parametrize("name", ["adsl.xpt", "adsl.sas7bdat", "adsl.parquet", "adsl.xlsx", "adsl.json", "adsl.ndjson"])
@pytest.mark.parametrize("content", [b"", b"no table at all, whatever its name says", b"{}", b"PK\x03\x04"])
def test_a_damaged_file_is_a_fault_in_words(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FaultsError, match=r"cannot be read|no table of participants"):
        sources.collect(tmp_path)


def test_findings_in_several_tables_are_put_together(tables, tmp_path):
    _, read = tables
    read["adsl"].to_csv(tmp_path / "adsl.csv", index=False)
    adlb = read["adlb"]
    is_score = adlb["PARAMCD"] == "SCORE"
    adlb[is_score].to_csv(tmp_path / "adqs.csv", index=False)
    adlb[~is_score].to_csv(tmp_path / "adlbc.csv", index=False)
    adlb[adlb["PARAMCD"] == "ALT"].head(5).to_csv(tmp_path / "adlbhy.csv", index=False)
    (tmp_path / "notes.docx").write_bytes(b"")
    (tmp_path / "about.json").write_text('{"name": "a list of these tables"}', "utf8")
    (tmp_path / "older").mkdir()
    found = sources.collect(tmp_path)
    assert len(found.tables["adlb"]) == len(adlb)
    assert set(found.tables["adlb"]["SRCDS"]) == {"ADQS", "ADLBC"}
    assert found.left == {
        "notes.docx": "it holds no table",
        "about.json": "it holds no table",
        "older": "a folder in the folder is not looked into",
        "ALT of adlbhy.csv": "adlbc.csv has the same parameters",
    }
    narrow = sources.narrowed(found, {"SCORE"})
    assert narrow.origins["adlb"] == ["adqs.csv"] and len(narrow.tables["adlb"]) == is_score.sum()
    assert narrow.left["adlbc.csv"] == "none of its parameters is analysed"


def test_ex_of_sdtm_takes_the_place_of_adex_where_that_is_not_there(tables, tmp_path):
    folder, read = tables
    for name in ("adsl", "adlb"):
        (tmp_path / f"{name}.csv").write_bytes((folder / f"{name}.csv").read_bytes())
    given = read["adex"]
    names = {"AVAL": "EXDOSE", "AVALU": "EXDOSU", "ASTDY": "EXSTDY", "ASTDT": "EXSTDTC"}
    ex = given.rename(columns=names)[["USUBJID", *names.values()]].assign(EXTRT="ACTIVE")
    ex["EXSTDTC"] = [f"{day}T08:30" for day in ex["EXSTDTC"]]
    ex.to_csv(tmp_path / "ex.csv", index=False)
    found = sources.collect(tmp_path).tables["adex"]
    for name in ("USUBJID", "PARAMCD", "AVALU", "ASTDT"):
        assert found[name].tolist() == given[name].map(str).tolist(), name
    for name in ("AVAL", "ASTDY"):
        assert pd.to_numeric(found[name]).tolist() == given[name].tolist(), name
    (tmp_path / "adex.csv").write_bytes((folder / "adex.csv").read_bytes())
    both = sources.collect(tmp_path)
    assert both.left == {"ex.csv": "ADEX is there"} and both.origins["adex"] == ["adex.csv"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "no table of participants"),
        (["adlb.csv"], "no table of participants"),
        (["adsl.csv"], "no table of findings"),
        (["adsl.csv", "ADSL.csv", "adlb.csv"], "adsl is also in"),
    ],
)
def test_what_no_paper_can_do_without_is_a_fault(tables, tmp_path, names, said):
    folder, _ = tables
    for name in names:
        (tmp_path / name).write_bytes((folder / name.lower()).read_bytes())
    with pytest.raises(FaultsError, match=said):
        sources.collect(tmp_path)


def test_a_folder_that_is_not_there_is_a_fault(tmp_path):
    with pytest.raises(FaultsError, match="there is no such folder"):
        sources.collect(tmp_path / "nowhere")
