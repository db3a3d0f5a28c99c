"""R's answers on real trials, and the trials: outside the repository, so tests that need them may skip."""

import json
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

PARAMETERS = [
    ("amitriptyline_hivsn", "PAIN"),
    *((name, code) for name in ("actg175", "actg175_n20") for code in ("CD4", "CD8", "CD4CD8")),
]
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
