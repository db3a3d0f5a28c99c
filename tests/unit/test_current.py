"""What is current is decided by content: no change is missed whatever its time says; a touch is none."""

import json
import os
import shutil
import subprocess

import pytest
from conftest import copy_of_paper

from trialbook.errors import UserError
from trialbook.project import Project
from trialbook.workflow import current, plan
from trialbook.workflow.current import Current

NOTEBOOKS = {
    "all": 'trial_folder = "../nk_inr"',
    "efficacy": 'trial_folder = "../nk_inr"\nread_tables = ["adsl", "adlb"]\nread_roles = ["efficacy"]',
    "later": 'executed_notebooks = ["../executed/efficacy.ipynb"]',
    "scenarios": 'scenarios_file = "./scenarios.yml"',
}
STEPS = {".validated", ".disclosed", ".built"}
PAST = 1_000_000_000  # in 2001


@pytest.fixture
def project(tmp_path):
    """A project all of whose steps are current, though nothing was run: each thing was signed as if it had been."""
    copy_of_paper(tmp_path)
    for folder in ("book", "notebooks", "executed", "_build/html"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "trialbook.yml").write_text("trial: nk_inr\n")
    chapters = "".join(f"  - file: executed/{name}\n" for name in NOTEBOOKS)
    (tmp_path / "_toc.yml").write_text(f"root: book/index\nentries:\n{chapters}")
    for name in ("_config.yml", "book/index.md", "notebooks/scenarios.yml", "requirements.txt", "_build/html/a.html"):
        (tmp_path / name).write_text("as it was\n")
    for name, told in NOTEBOOKS.items():
        cells = [{"cell_type": "code", "source": told, "metadata": {"tags": ["parameters"]}}]
        (tmp_path / f"notebooks/{name}.ipynb").write_text(json.dumps({"cells": cells}))
    found = Project.find(tmp_path)
    settle(found)
    assert due(found) == set()
    return found


def settle(project):
    """Sign everything as if it had just been made."""
    steps = Current(project)
    for name in steps.runs:
        path = steps.executed(name)
        path.write_text(json.dumps({"metadata": {current.MADE: current.signature(steps.of_notebook(name))}}))
        current.sign(path)
    steps.validated.write_text(steps.of_data)
    steps.disclosed.write_text(steps.of_gate)
    steps.built.write_text(f"{steps.of_pages}\n{steps.of_site()}")


def due(project):
    return {path.name.removesuffix(".ipynb") for path in Current(project).due()}


def edit(path, old, new):
    text = path.read_text("utf8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf8")


# ------------------------------------------------------------------------------------------------ no change is missed


def with_an_older_date(project):
    path = project.trial / "adlb.csv"
    edit(path, ",94,", ",95,")
    os.utime(path, (PAST, PAST))


def with_the_same_date_and_size(project):
    path = project.trial / "adlb.csv"
    stood = path.stat()
    edit(path, ",94,", ",95,")
    os.utime(path, ns=(stood.st_atime_ns, stood.st_mtime_ns))
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (stood.st_mtime_ns, stood.st_size)


def by_a_link_to_another_table(project):
    path = project.trial / "adlb.csv"
    other = project.root / "elsewhere.csv"
    shutil.copy2(path, other)
    edit(other, ",94,", ",95,")
    os.utime(other, (PAST, PAST))
    path.unlink()
    path.symlink_to(other)


def by_another_folder_in_its_place(project):
    old = project.trial.rename(project.root / "old")
    shutil.copytree(old, project.trial)
    edit(project.trial / "adlb.csv", ",94,", ",95,")
    for path in project.trial.iterdir():
        os.utime(path, (PAST, PAST))


CHANGES = [
    with_an_older_date,
    with_the_same_date_and_size,
    by_a_link_to_another_table,
    by_another_folder_in_its_place,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_value_is_seen_whatever_its_time_says(project, change):
    change(project)
    assert due(project) == {"all", "efficacy", "later", *STEPS}
    with pytest.raises(UserError, match=r"all\.ipynb, .*efficacy\.ipynb.*not made of the data.*\n.*trialbook build"):
        Current(project).refuse_old()


def test_an_engine_restored_from_a_backup_with_its_date_is_seen(project, tmp_path, monkeypatch):
    engine = tmp_path / "engine"
    shutil.copytree(plan.ENGINE, engine, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(plan, "ENGINE", engine)
    settle(project)
    path = engine / "stats/gee.py"
    path.write_text(path.read_text("utf8") + "\n# an older one\n", "utf8")
    os.utime(path, (PAST, PAST))
    assert due(project) == {*NOTEBOOKS, *STEPS}


def test_another_branch_and_back_is_as_before(project):
    def git(*arguments):
        own = ["-c", "user.name=N", "-c", "user.email=n@example.org"]
        subprocess.run(["git", "-C", project.root, *own, *arguments], check=True, capture_output=True)

    git("init", "--quiet", "--initial-branch", "one")
    (project.root / ".gitignore").write_text("_build\nexecuted\n")
    git("add", ".")
    git("commit", "--quiet", "--message", "one")
    settle(project)
    git("switch", "--quiet", "--create", "two")
    edit(project.trial / "adlb.csv", ",94,", ",95,")
    git("commit", "--quiet", "--all", "--message", "two")
    assert due(project) == {"all", "efficacy", "later", *STEPS}
    git("switch", "--quiet", "one")
    assert due(project) == set()


@pytest.mark.parametrize("name", ["all", "later"])
def test_an_executed_notebook_that_is_another_or_gone_is_run_again(project, name):
    path = project.executed / f"{name}.ipynb"
    content = path.read_bytes()
    for other in (content.replace(b"}", b" }", 1), content[:-9], (project.executed / "efficacy.ipynb").read_bytes()):
        path.write_bytes(other)
        assert due(project) == {name}
    path.unlink()
    assert due(project) == {name}
    path.write_bytes(content)
    assert due(project) == set()


@pytest.mark.parametrize("name", ["notebooks/all.ipynb", "_toc.yml"])
def test_a_deleted_source_is_said(project, name):
    (project.root / name).unlink()
    with pytest.raises(UserError, match=r"_toc\.yml"):
        due(project)


def test_deleted_scenarios_are_seen(project):
    project.scenarios.unlink()
    assert due(project) == {"scenarios", ".disclosed", ".built"}


def test_an_older_build_put_back_is_not_taken_for_the_new_one(project):
    backup = project.root / "backup"
    shutil.copytree(project.output, backup)
    edit(project.book / "index.md", "as it was", "as it is")
    settle(project)
    shutil.rmtree(project.output)
    shutil.copytree(backup, project.output)
    assert due(project) == {".built"}


# ----------------------------------------------------------------------------------- no wider than what is depended on


def test_a_touch_makes_nothing_due(project):
    for path in project.root.rglob("*"):
        os.utime(path)
    assert due(project) == set()


def test_a_folder_that_was_moved_stays_current(project, tmp_path_factory):
    moved = tmp_path_factory.mktemp("it's elsewhere") / "paper"
    shutil.copytree(project.root, moved)
    assert due(Project.find(moved)) == set()


def test_a_laboratory_value_or_an_event_does_not_concern_what_reads_neither(project):
    path = project.trial / "adlb.csv"
    line = next(line for line in path.read_text("utf8").splitlines() if ",UREA," in line)
    edit(path, line, line.replace(",Urea,", ",Urea ,"))
    edit(project.trial / "adae.csv", ",RELATED", ",NOT RELATED")
    assert due(project) == {"all", *STEPS}


def test_prose_concerns_its_pages_alone(project):
    edit(project.book / "index.md", "as it was", "as it is")
    assert due(project) == {".built"}


def test_a_code_of_the_pages_runs_no_notebook(project, tmp_path, monkeypatch):
    engine = tmp_path / "engine"
    shutil.copytree(plan.ENGINE, engine, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(plan, "ENGINE", engine)
    settle(project)
    for room in ("sphinx/cards.py", "editions/lock.py", "cli/build.py", "workflow/book.py"):
        path = engine / room
        path.write_text(path.read_text("utf8") + "\n# another\n", "utf8")
    assert due(project) == {".built"}
