"""R's answers on real trials, and the trials as R read them: outside the repository, so tests may skip."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

PARAMETERS = [
    ("amitriptyline_hivsn", "PAIN"),
    *((name, code) for name in ("actg175", "actg175_n20") for code in ("CD4", "CD8", "CD4CD8")),
]
REFERENCE_ARM = {"nk_inr": "ART", "actg175": "ZDV", "actg175_n20": "ZDV", "amitriptyline_hivsn": "Placebo"}
OURS = Path(__file__).resolve().parents[1] / "data"
SHARED = Path(__file__).resolve().parents[1].parent / "shared"


@cache
def _document(name: str) -> dict:
    path = SHARED / "reference" / f"{name}.json"
    if not path.exists():
        pytest.skip(f"R's answers are not here: {path}")
    return json.loads(path.read_text())


def answers(name: str) -> dict:
    """R's answers on one trial: id -> {value, r_call, extract}."""
    return _document(name)["results"]


def facts(name: str) -> dict:
    """The trial's arms (ref, test), baseline and follow-up visits of each parameter, as R used them."""
    return _document(name)["meta"]


def table(name: str, dataset: str) -> pd.DataFrame:
    """One of the trial's tables, e.g. "adlb"."""
    path = SHARED / "real" / name / f"{dataset}.csv"
    if not path.exists():
        pytest.skip(f"the real trial is not here: {path}")
    return pd.read_csv(path, dtype={"USUBJID": str})


def need_r(*packages: str):
    """Skip a test where R or one of its packages is not installed."""
    wanted = ", ".join(f'"{package}"' for package in packages)
    check = ["Rscript", "-e", f"stopifnot(all(sapply(c({wanted}), requireNamespace)))"]
    if not shutil.which("Rscript") or subprocess.run(check, capture_output=True).returncode:
        pytest.skip(f"R with {wanted} is not installed")


def folder(name: str) -> Path:
    """The folder of our trial or of a real one, which may not be here."""
    place = OURS / name if (OURS / name).exists() else SHARED / "real" / name
    if not place.exists():
        pytest.skip(f"the real trial is not here: {place}")
    return place


@cache
def follow_up(key: str) -> pd.DataFrame:
    """The data frame of reference/trials.R: follow-up records of ``trial.parameter[.holes]``, the arm as 0/1."""
    name, parameter, *holes = key.split(".")
    adlb, adsl = (pd.read_csv(folder(name) / f"{table}.csv", dtype={"USUBJID": str}) for table in ("adlb", "adsl"))
    rows = adlb[(adlb["PARAMCD"] == parameter) & (adlb["AVISITN"] > 0)].dropna(subset=["AVAL", "BASE"])
    arm = adsl.set_index("USUBJID")["TRT01P"]
    rows = rows.assign(test=(rows["USUBJID"].map(arm) != REFERENCE_ARM[name]).astype(float))
    return with_holes(rows) if holes else rows


def with_holes(rows: pd.DataFrame) -> pd.DataFrame:
    """Leave out the j-th visit of the i-th subject if 13 divides 2i² + 5i + 3j, as reference/trials.R does."""
    i, j = (rows[column].rank(method="dense").astype(int) for column in ("USUBJID", "AVISITN"))
    return rows[(2 * i**2 + 5 * i + 3 * j) % 13 != 0]
