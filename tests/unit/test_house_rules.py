"""Rules of the code: each prohibition of an import refuses one, and modules and functions stay short."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from builds import ROOT

ENGINE = ROOT / "src/trialbook"
CONTRACTS = [
    contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["tool"]["importlinter"]["contracts"]
]
# who imports whom against each contract, told apart by what its name begins with
FORBIDDEN = {
    "Rooms stand in layers": ("results", "trial.model"),
    "A trial takes from the statistics": ("trial", "stats.gee"),
    "Tables and figures lay out": ("displays.tables", "analysis.efficacy"),
    "Checks read a trial": ("checks", "analysis.efficacy"),
    "Claims and editions": ("editions", "trial.model"),
    "The project knows": ("project", "results.row"),
    "The Sphinx extension": ("sphinx", "displays.figures"),
    "The second programming": ("analysis.double_programming", "analysis.efficacy"),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """What import-linter says of each contract, where each of `FORBIDDEN` is imported."""
    folder = tmp_path_factory.mktemp("forbidden")
    shutil.copytree(ENGINE, folder / "trialbook", ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for importer, imported in FORBIDDEN.values():
        place = folder / "trialbook" / importer.replace(".", "/")
        with (place / "__init__.py" if place.is_dir() else place.with_suffix(".py")).open("a") as module:
            module.write(f"\nimport trialbook.{imported}\n")
    script = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir='cache'))"
    wide = {"PYTHONPATH": ".", "COLUMNS": "999"}
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, text=True, capture_output=True, env=wide)
    assert done.returncode == 1, done.stderr
    _, *broken = re.split(r"\n(.+)\n-+\n", done.stdout.partition("\nBroken contracts\n")[2])
    return dict(zip(broken[::2], broken[1::2], strict=True))


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_forbidden_import_is_refused(refused, contract):
    (edge,) = (edge for start, edge in FORBIDDEN.items() if contract.startswith(start))
    assert f"trialbook.{edge[0]} -> trialbook.{edge[1]} " in refused[contract]


@pytest.mark.parametrize("path", sorted(ENGINE.rglob("*.py")), ids=lambda path: str(path.relative_to(ENGINE)))
def test_a_module_has_at_most_400_lines_and_its_functions_60(path):
    text = path.read_text("utf8")
    assert len(text.splitlines()) <= 400
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert [node.name for node in functions if node.end_lineno - node.lineno + 1 > 60] == []
