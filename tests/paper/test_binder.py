"""Binder: what repo2docker makes of the repository, and its steps done here, in a new environment."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from builds import NOTEBOOKS, ROOT, Copy

ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text("utf8"))
RUN = """
import sys, nbclient, nbformat
for name in sys.argv[1:]:
    notebook = nbformat.read(name, as_version=4)
    nbclient.NotebookClient(notebook).execute()
    nbformat.write(notebook, name)
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Copy.of_sources(tmp_path_factory.mktemp("binder") / "copy")


@pytest.fixture(scope="module")
def dockerfile(copy):
    """What repo2docker says that it would do."""
    tool = Path(sys.executable).with_name("jupyter-repo2docker")
    if not tool.exists():
        pytest.skip("repo2docker is not here")
    done = subprocess.run([tool, "--no-build", "--debug", "."], cwd=copy.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_repo2docker_takes_conda_and_the_python_of_environment_yml(dockerfile):
    python = next(line for line in ENVIRONMENT["dependencies"] if str(line).startswith("python="))
    assert f"Building conda environment for {python}" in dockerfile
    assert f"environment.py-{python.partition('=')[2]}" in dockerfile.replace("-2d", "-").replace("-2e", ".")
    assert re.search(r"env update .*--file \"environment.yml\"", dockerfile)


def test_repo2docker_runs_postbuild(dockerfile):
    assert "RUN ./postBuild" in dockerfile
    assert os.access(ROOT / "postBuild", os.X_OK)


def test_environment_yml_pins_python_and_leaves_the_rest_to_the_lock():
    *conda, pip = ENVIRONMENT["dependencies"]
    assert [line for line in conda if re.search("[=<>]", line)] == ["python=3.11"]
    assert {re.split("[=<>]", line)[0] for line in conda} == {"python", "pip"}
    assert pip == {"pip": ["-r requirements.txt"]}


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-test.txt"])
def test_a_lock_has_a_hash_for_every_package_and_no_index_address(lock):
    lines = (ROOT / lock).read_text("utf8").replace("\\\n", " ").splitlines()
    packages = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert len(packages) > 40
    for line in packages:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,-]+\])?==[^ ]+ ", line) and "--hash=sha256:" in line, line[:80]
    assert not re.search(r"--(extra-)?index-url|--find-links|https?://", "\n".join(packages))


@pytest.fixture(scope="module")
def binder(copy):
    """Binder's environment: the pip step of environment.yml, then postBuild; its programs come first."""
    folder = copy.folder.parent / "environment"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment = clean | {"PATH": os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])}
    pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    for command in ([*pip, "--require-hashes", *ENVIRONMENT["dependencies"][-1]["pip"][0].split()], ["./postBuild"]):
        done = subprocess.run(command, cwd=copy.folder, env=environment, capture_output=True, text=True)
        if "No matching distribution" in done.stderr or "Failed to establish a new connection" in done.stderr:
            pytest.skip(f"the packages cannot be had here: {done.stderr[-300:]}")
        assert done.returncode == 0, done.stderr
    return folder / "bin", environment


@pytest.mark.long
def test_every_source_notebook_runs_in_binders_environment(binder, copy):
    programs, environment = binder
    names = [f"{name}.ipynb" for name in NOTEBOOKS]
    command = [programs / "python", "-c", RUN, *names]
    done = subprocess.run(command, cwd=copy.folder / "notebooks", env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in names:
        code = [c for c in nbformat.read(copy.folder / "notebooks" / name, as_version=4).cells if c.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


@pytest.mark.long
def test_binders_environment_has_the_engine_of_the_repository_and_jupyterlab(binder, copy):
    programs, environment = binder
    where = "import trialbook, jupyterlab; print(trialbook.__file__)"
    found = subprocess.check_output(
        [programs / "python", "-c", where], env=environment, cwd=copy.folder.parent, text=True
    )
    assert Path(found.strip()).resolve().is_relative_to(copy.folder.resolve())
