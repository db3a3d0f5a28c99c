"""A verification where the data are not those of the numbers accepted: everything is computed anew."""

import json

import pandas as pd
import pytest


@pytest.fixture(scope="module")
def changed(book, tmp_path_factory):
    """What a verification says, and its receipt, where two CD4 counts are lower than when the numbers were accepted."""
    copy = book.clone(tmp_path_factory.mktemp("changed") / "copy")
    copy.run("trialbook", "accept")
    path = copy.folder / "data/nk_inr/adlb.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    last = table.index[table[["PARAMCD", "AVISITN", "TRTP"]].eq(["CD4", "24", "NK+ART"]).all(axis=1)][:2]
    table.loc[last, "AVAL"] = [str(int(value) - 150) for value in table.loc[last, "AVAL"]]
    table.loc[last, "CHG"] = [str(int(v) - int(b)) for v, b in table.loc[last, ["AVAL", "BASE"]].to_numpy()]
    table.to_csv(path, index=False, lineterminator="\n")
    said = copy.run("trialbook", "verify", fails=True)
    return said, json.loads((copy.folder / "_build/receipt.json").read_text("utf8"))


def test_changed_data_fail_with_what_crossed_and_its_sentences(changed):
    """Though a claim of the paper is false with these data: that is said beside the numbers that made it so."""
    said, found = changed
    verdicts = {change["key"]: change["verdict"] for change in found["changes"]}
    assert verdicts["cd4.final.difference.ci"] == "interval now includes 0"
    assert verdicts["cd4.final.difference.p"] == "P now not below 0.05"
    assert verdicts["cd4.final.difference"].startswith("moved by −30")
    assert "cd4.baseline.nk_art.mean" not in verdicts and "cd8.final.difference" not in verdicts
    assert "book/index: The mean CD4 count" in said and "(difference [67 → 37]" in said
    assert "a claim does not hold: cd4_higher: book/discussion, book/index" in said and "Traceback" not in said
    assert [file["file"] for file in found["data"] if file["state"] == "changed"] == ["adlb.csv"]
    assert 0 < found["reproduced"] == found["numbers"] - len(verdicts)
