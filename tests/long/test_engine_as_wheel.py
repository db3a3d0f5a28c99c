"""The engine as a wheel, in an environment of its own and without the repository: it makes a paper and builds it."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from trialbook.cli import main
from trialbook.trial.generate import generate

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = generate(tmp_path_factory.mktemp("tables") / "tables")
    (folder / "trial.yml").unlink()
    return folder


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """Run a command in a folder, with an environment that holds what the lock of a new paper names and no more."""
    paper = tmp_path_factory.mktemp("first") / "paper"
    assert main(["new", str(paper), "--data", str(data), "--defaults"]) == 0
    place = tmp_path_factory.mktemp("environment") / "env"
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    if (uv := shutil.which("uv")) is None:
        pytest.skip("no uv here")
    install = [uv, "pip", "install", "--quiet", "--python", place / "bin/python", "--require-hashes"]
    subprocess.run([*install, "--requirement", "requirements.txt"], cwd=paper, check=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL"))}
    environment = kept | {"PATH": f"{place / 'bin'}:/usr/bin:/bin"}

    def run(*command, at):
        done = subprocess.run(list(map(str, command)), cwd=at, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_it_makes_and_builds_a_paper_without_the_repository(run, data, tmp_path):
    where = run("python", "-c", "import trialbook; print(trialbook.__file__)", at=tmp_path)
    assert "site-packages" in where
    run("trialbook", "new", "other", "--data", data, "--defaults", at=tmp_path)
    said = run("trialbook", "build", at=tmp_path / "other")
    assert "the book is _build/html/index.html" in said
    results = json.loads((tmp_path / "other/_build/html/results.json").read_text("utf8"))
    assert any(row["key"] == "score.final.difference" for row in results)
    (carried,) = (tmp_path / "other/engine").glob("*.whl")
    assert f"./engine/{carried.name}" in (tmp_path / "other/requirements.txt").read_text("utf8")
