"""What the published figures determine: the classes, the draws that stand in the repository, and when they are old."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from trialbook.analysis import evidence as analyses
from trialbook.analysis import scenarios
from trialbook.claims.conditions import Condition
from trialbook.errors import UserError
from trialbook.project import Project
from trialbook.results import evidence
from trialbook.results.evidence import Drawn, Draws, Evidence, EvidenceError
from trialbook.results.row import Results
from trialbook.sphinx.claims import held_in
from trialbook.workflow import draws as drawing
from trialbook.workflow import evidence as current

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "data" / "nk_inr" / "evidence.json"


def drawn(display="1", same=False, **more):
    return Drawn(display=display, same=same, **more)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (drawn(same=True), Evidence.DETERMINED),
        (drawn(low=1.0, high=3.0), Evidence.FREE),  # nothing decides its use
        (drawn(low=1.0, high=3.0, decides=0.0), Evidence.STABLE),
        (drawn(low=-1.0, high=3.0, decides=0.0), Evidence.FREE),
        (drawn(low=-3.0, high=-1.0, decides=0.0), Evidence.STABLE),
        (drawn(low=0.01, high=0.049, decides=0.05), Evidence.STABLE),
        (drawn(low=0.01, high=0.05, decides=0.05), Evidence.FREE),  # a P value at the level is not below it
        (drawn(low=[1.0, 5.0], high=[2.0, 9.0], decides=0.0), Evidence.STABLE),
        (drawn(low=[-1.0, 5.0], high=[2.0, 9.0], decides=0.0), Evidence.FREE),  # an end that crosses zero
        (drawn(low=[-2.0, 5.0], high=[-1.0, 9.0], decides=0.0), Evidence.STABLE),  # zero is in all of them
        (drawn(decides=0.0), Evidence.FREE),  # not estimable in some
    ],
)
def test_the_class_follows_from_the_draws(row, expected):
    assert row.evidence is expected


def rows():
    found = Results(dataset="adlb")
    found.add("cd4.final.difference", 67.2, "difference", group="difference")
    found.add("cd4.final.difference.p", 0.03, "p", group="difference")
    found.add("cd4.final.g", 1.1, "g", 2, group="difference")
    found.add("alt.final.art.mean", 30.0, "mean")
    found.add("trial.alpha", 0.05, "level", dataset="trial.yml")
    found.add("reconciliation.cd4.final.difference.match", "yes", "text", dataset="published.yml")
    found.add("reconciliation.cd4.final.difference.p.match", "no", "text", dataset="published.yml")
    found.add("reconciliation.granularity.cd4.gee.effect.step", 60, "count", dataset="published.yml")
    return {row.key: row for row in found}


def held(**more):
    given = {
        "cd4.final.difference": drawn("67", same=True),
        "cd4.final.difference.p": drawn("0.030", low=0.02, high=0.2, decides=0.05, values=[0.03, 0.2, 0.04, 0.01]),
        "cd4.final.g": drawn("1.10", low=0.2, high=1.2, decides=0.0),
    }
    published = ["cd4.final.difference", "cd4.final.difference.p"]
    return Draws(generator="g", analyses="a", data="d", draws=4, published=published, rows=given | more)


def test_each_result_is_marked():
    marked = evidence.mark(rows(), held())
    assert {key: row.evidence for key, row in marked.items()} == {
        "cd4.final.difference": "published",
        "cd4.final.difference.p": "free",  # what is printed does not come out
        "cd4.final.g": "stable",
        "alt.final.art.mean": "free",  # nothing published bears on it
        "trial.alpha": "stated",
        "reconciliation.cd4.final.difference.match": "free",
        "reconciliation.cd4.final.difference.p.match": "free",
        "reconciliation.granularity.cd4.gee.effect.step": "published",
    }
    assert marked["cd4.final.g"].draws == [0.2, 1.2]


def test_draws_of_other_analyses_are_refused():
    other = held(**{"cd4.final.g": drawn("1.00", low=0.2, high=1.2, decides=0.0)})
    with pytest.raises(EvidenceError, match=r"cd4\.final\.g is 1\.10 in the results, and 1\.00 in the first draw"):
        evidence.mark(rows(), other)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("cd4.final.difference > 0", 4),  # determined: as in the trial
        ("cd4.final.difference.p < trial.alpha", 3),
        ("cd4.final.difference.p < trial.alpha and cd4.final.g > 0", None),  # whose values were not kept
        ("alt.final.art.mean > 0", None),
    ],
)
def test_a_condition_holds_in_as_many_draws_as_it_is_true_in(condition, expected):
    given = held(**{"cd4.final.difference.p": held().rows["cd4.final.difference.p"]})
    known = rows() | {"reconciliation.cd4.final.difference.p.match": rows()["trial.alpha"]}
    assert held_in(Condition(condition), known, given) == expected


def test_what_the_command_did_not_write_is_refused(tmp_path):
    path = tmp_path / "evidence.json"
    path.write_text('{"generator": "g"}')
    with pytest.raises(EvidenceError, match=r"evidence\.json: analyses: Field required\n.*: trialbook draws"):
        evidence.read(path)


# ----------------------------------------------------------------------------------- the draws that stand in the paper


@pytest.fixture(scope="module")
def committed():
    return evidence.read(COMMITTED)


def test_the_draws_say_what_an_independent_set_of_draws_said(committed):
    """Of 680 other draws of the CD4 counts, analysed by other code: statistics.md."""
    assert committed.draws == 200
    adjusted, unadjusted = (committed.rows[f"cd4.gee.effect{name}.p"] for name in (".cr2", ".under.unadjusted"))
    assert (round(adjusted.low, 3), round(adjusted.high, 3)) == (0.020, 0.025)
    assert min(unadjusted.values) > 0.010 and max(unadjusted.values) < 0.16
    share = np.mean(np.array(unadjusted.values) < 0.05)
    assert share == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / 200))


def test_every_draw_gives_the_published_figures(committed):
    for key in committed.published:
        if key in committed.rows:
            assert committed.rows[key].same, key


def test_the_first_draw_is_the_trial(nk, committed):
    chosen = scenarios.read(ROOT / "notebooks" / "scenarios.yml", nk)[:2]
    found = analyses.analyse(nk, chosen, committed.published)
    assert len(found) > 200
    for row in found:
        if ".under." not in row.key:  # the summaries are of all scenarios
            assert committed.rows[row.key].display == row.display, row.key


def test_the_file_is_not_old():
    assert current.check(Project.find(ROOT)).draws == 200


# -------------------------------------------------------------------------------------------- drawing, and what is old

GENERATOR = '''"""A generator whose draws differ in one CD4 count."""

from pathlib import Path

import pandas as pd


def draw(seed=0):
    """Draw the tables."""
    folder = Path(__file__).with_name("data")
    tables = {name: pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False) for name in ("adsl", "adlb")}
    adlb = tables["adlb"].drop(columns=["BASE", "CHG"], errors="ignore")
    at = adlb.index[(adlb["PARAMCD"] == "CD4") & (adlb["AVISITN"] == "12")][0]
    adlb.loc[at, "AVAL"] = str(int(adlb.loc[at, "AVAL"]) + seed)  # beside the published figures
    return tables | {"adlb": adlb}
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project whose generator takes no time, and its draws."""
    root = tmp_path_factory.mktemp("paper")
    shutil.copytree(ROOT / "data" / "nk_inr", root / "data", ignore=shutil.ignore_patterns("make", "evidence.json"))
    (root / "data" / "adae.csv").unlink()
    (root / "data" / "adex.csv").unlink()
    shutil.copytree(ROOT / "book", root / "book")
    (root / "notebooks").mkdir()
    (root / "notebooks" / "scenarios.yml").write_text("scenarios:\n  - {id: cr2, follow_up: CR2, covariance: CR2}\n")
    (root / "make.py").write_text(GENERATOR)
    (root / "trialbook.yml").write_text("generator: make.py\n")
    found = Project.find(root)
    for name, table in drawing.load(found.generator).draw().items():
        table.to_csv(root / "data" / f"{name}.csv", index=False, lineterminator="\n")
    second = drawing.draw(found, 3, (2, 2), cores=1)
    assert [folder.name for folder in second] == ["001"]
    folders = drawing.draw(found, 3, cores=2)
    drawing.write(drawing.analyse(found, folders, cores=1), found.evidence)
    return found


def test_a_share_makes_its_draws_alone_and_the_whole_only_what_is_missing(project):
    folders = drawing.draw(project, 3)
    assert [folder.name for folder in folders] == ["000", "001", "002"]
    assert not [path for path in folders[0].parent.iterdir() if path.name.startswith(".")]


def test_draws_that_stand_are_read(project):
    found = current.check(project)
    assert found.draws == 3
    assert found.rows["cd4.final.difference"].evidence is Evidence.DETERMINED
    moved = found.rows["cd4.month_12.nk_art.mean"], found.rows["cd4.month_12.art.mean"]
    assert any(row.low != row.high for row in moved)
    lines = [line for line in project.evidence.read_text("utf8").splitlines() if '"display"' in line]
    assert len(lines) == len(found.rows)  # a result a line


def edited(project, tmp_path, name, change):
    """A copy of a project with one file edited."""
    root = tmp_path / "copy"
    shutil.copytree(project.root, root)
    path = root / name
    path.write_text(change(path.read_text("utf8")), "utf8")
    return Project.find(root)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("make.py", "+ seed", "+ 2 * seed", "draws of another generator"),
        ("data/published.yml", '"0.024"', '"0.025"', "draws of another generator"),
        ("notebooks/scenarios.yml", "covariance: CR2", "covariance: MD", "results of other analyses"),
    ],
)
def test_draws_of_another_generator_or_of_other_analyses_are_refused(project, tmp_path, name, old, new, said):
    other = edited(project, tmp_path, name, lambda text: text.replace(old, new, 1))
    with pytest.raises(EvidenceError, match=rf"evidence\.json: holds {said}.*\n.*trialbook draws"):
        current.check(other)


@pytest.mark.parametrize(
    ("old", "new"), [("# beside the published figures", "# elsewhere"), ('"""Draw the tables."""', '"""Draw."""')]
)
def test_what_a_generator_says_of_itself_is_not_what_it_draws(project, tmp_path, old, new):
    assert current.check(edited(project, tmp_path, "make.py", lambda text: text.replace(old, new))).draws == 3


def test_tables_that_an_author_edited_have_no_evidence(project, tmp_path, capsys):
    other = edited(project, tmp_path, "data/adsl.csv", lambda text: text.replace(",COMPLETED,", ",COMPLETED, ", 1))
    assert current.check(other) is None
    assert "are not those that the generator gives" in capsys.readouterr().out


def test_real_data_have_no_evidence_and_are_not_drawn(project, tmp_path):
    other = edited(
        project, tmp_path, "data/trial.yml", lambda text: text.replace("provenance: synthetic", "provenance: real")
    )
    assert current.check(other) is None
    with pytest.raises(UserError, match="the data are real, and are not drawn"):
        drawing.draw(other, 2)


def test_a_draw_that_is_not_a_valid_trial_is_refused(project, tmp_path):
    other = edited(project, tmp_path, "make.py", lambda text: text.replace("+ seed)", "+ seed) + ' cells'"))
    with pytest.raises(UserError, match=r"draw 0 of the generator is not valid"):
        drawing.draw(other, 1)


def test_the_modules_of_the_analyses_are_those_that_they_import():
    names = {path.stem for path in current._imported(current.ANALYSES)}
    assert {"efficacy", "estimators", "scenarios", "gee", "cr2", "anova", "permutation"} <= names
    assert not {"harms", "grading", "toxicity"} & names
