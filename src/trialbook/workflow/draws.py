"""Draw a synthetic trial many times, analyse every draw, and keep what they say of each result as ``evidence.json``.

Drawing takes long, and its draws are kept by the digest of the generator, so that it can be done in shares, on several
machines that see the same folder; analysing takes a minute or two. A build of the book only reads the file.
"""

import gc
import json
import os
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.util import module_from_spec, spec_from_file_location
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from trialbook import files
from trialbook.analysis import evidence as analyses
from trialbook.analysis import reconciliation, scenarios
from trialbook.analysis.scenarios import Scenario
from trialbook.claims import claims as claims_file
from trialbook.errors import FaultsError, UserError
from trialbook.project import FILE, Project
from trialbook.results.evidence import Drawn, Draws
from trialbook.results.row import Result
from trialbook.trial import tables as schema
from trialbook.trial.config import FACTS, REQUIRED
from trialbook.trial.model import Trial, read_trial
from trialbook.workflow.evidence import digests, tables

DRAWS = 200
PERCENTILES = (5, 95)
DIGITS = 6  # significant, of what is kept of a draw
MODULE = "trialbook_generator"  # its name when it is imported, so that it stands in nobody's place


@dataclass(frozen=True)
class Task:
    """What a process needs to make or to analyse one draw."""

    generator: Path
    trial: Path
    folder: Path
    scenarios: Path
    published: list[str]


def draw(project: Project, number: int = DRAWS, share: tuple[int, int] = (1, 1), cores: int = 2) -> list[Path]:
    """Draw the trial of a project anew, as often as its folder of draws lacks, and check that each draw is valid.

    Parameters
    ----------
    project : Project
    number : int
        Of draws, of which the first is the trial that is committed.
    share : tuple of int
        Which of how many shares of the draws are made.
    cores : int

    Returns
    -------
    list of Path
        The folders of the draws of the share, in their order; each holds the tables that are analysed.

    Raises
    ------
    UserError
        If the project has no generator, or the data are real.
    """
    task = _task(project)
    part, parts = share
    wanted = range(part - 1, number, parts)
    folders = [task.folder / f"{draw:03d}" for draw in wanted]
    missing = [draw for draw, folder in zip(wanted, folders, strict=True) if not folder.exists()]
    _each(partial(_draw, task), missing, cores)
    return folders


def analyse(project: Project, folders: Sequence[Path], cores: int = 2) -> Draws:
    """Analyse draws, and say of each result how it varies over them.

    Parameters
    ----------
    project : Project
    folders : sequence of Path
        Of `draw`; the first is the trial itself.
    cores : int

    Returns
    -------
    Draws
        It keeps the values of the effects, and of what conditions of claims name.
    """
    task = _task(project)
    found = _each(partial(_analyse, task), [*folders], cores)
    trial = read_trial(project.trial)
    kept = {f"{parameter.id}.{part}" for parameter in trial.parameters("efficacy") for part in analyses.SHOWN}
    kept |= {f"{key}.p" for key in kept}
    kept |= {key for claim in claims_file.read(project.claims).values() for key in claim.keys}
    alpha = trial.facts.alpha
    rows = {key: _summary(row, [one.get(key) for one in found], alpha, kept) for key, row in found[0].items()}
    printed = reconciliation.read(project.published)
    figures = printed.figures if printed else []
    numeric = [f.key for f in figures if not reconciliation.NOT_SIGNIFICANT.fullmatch(f.printed.strip())]
    return Draws(**digests(project), data=tables(folders[0]), draws=len(folders), published=numeric, rows=rows)


def write(draws: Draws, path: Path) -> None:
    """Write ``evidence.json``, a result a line."""
    held = draws.model_dump(mode="json", exclude_defaults=True)
    rows = held.pop("rows")
    head = json.dumps(held, indent=1)[:-2]
    lines = (f"  {json.dumps(key)}: {json.dumps(rows[key], ensure_ascii=False)}" for key in sorted(rows))
    files.replace(path, f'{head},\n "rows": {{\n' + ",\n".join(lines) + "\n }\n}\n")


def _task(project: Project) -> Task:
    if project.generator is None:
        raise UserError(f"{project.root / FILE}: names no generator\n      → add the path of its module as `generator`")
    trial = read_trial(project.trial)
    if trial.facts.provenance != "synthetic":
        raise UserError(f"{project.trial / FACTS}: provenance: the data are real, and are not drawn")
    printed = reconciliation.read(project.published)
    if printed is None:
        raise UserError(
            f"{project.published}: nothing is published that draws could give\n      → write the figures down"
        )
    folder = project.output / "draws" / digests(project)["generator"]
    return Task(project.generator, project.trial, folder, project.scenarios, [f.key for f in printed.figures])


def _each(work: Any, items: Sequence[Any], cores: int) -> list[Any]:
    """Do something with each item, in processes of one thread; here, where one would do it all."""
    if min(cores, len(items)) <= 1:
        return [work(item) for item in items]
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with ProcessPoolExecutor(min(cores, len(items)), get_context("spawn")) as pool:
        return list(pool.map(work, items))


def load(path: Path) -> ModuleType:
    """Import a generator by the path of its file, or by that of its folder.

    Raises
    ------
    UserError
        If it is neither.
    """
    package = path.is_dir()
    file = path / "__init__.py" if package else path
    spec = spec_from_file_location(MODULE, file, submodule_search_locations=[str(path)] if package else None)
    if spec is None or spec.loader is None:
        raise UserError(f"{path}: no module of Python, and no folder that holds one")
    module = sys.modules[MODULE] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _draw(task: Task, number: int) -> None:
    """Make one draw: the first is that of the generator's own seed, any other has its number as seed."""
    generator = load(task.generator)
    tables = generator.draw(number) if number else generator.draw()
    made = task.folder / f".{number:03d}"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    shutil.copy2(task.trial / FACTS, made)
    for name, table in tables.items():
        table.to_csv(made / f"{name}.csv", index=False, lineterminator="\n")
    try:
        read_trial(made)
    except FaultsError as error:
        raise UserError(f"draw {number} of the generator is not valid: {error}") from None
    for name in tables.keys() - set(REQUIRED):
        (made / f"{name}.csv").unlink()
    made.rename(task.folder / f"{number:03d}")


def _analyse(task: Task, folder: Path) -> dict[str, Result]:
    trial, chosen = _asked(task.trial, task.scenarios)
    read = {
        name: pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False, na_values=[""]) for name in REQUIRED
    }
    numbers: Any = {name: schema.to_numbers(table, name, trial.facts) for name, table in read.items()}
    drawn = replace(trial, **numbers)
    return {row.key: row for row in analyses.analyse(drawn, chosen, task.published)}


@cache
def _asked(folder: Path, file: Path) -> tuple[Trial, list[Scenario]]:
    """Read once in each process what is the same for all draws; what is in memory then is not looked at for rubbish."""
    trial = read_trial(folder).only(REQUIRED, ["efficacy"])
    chosen = scenarios.read(file, trial)
    gc.freeze()
    return trial, chosen


def _summary(row: Result, drawn: list[Result | None], alpha: float, kept: set[str]) -> Drawn:
    """Say how one result varies over the draws."""
    values = [one.value if one else None for one in drawn]
    same = all(one is not None and one.display == row.display for one in drawn)
    found = Drawn(display=row.display, same=same)
    if any(value is None or isinstance(value, str) for value in values):
        return found
    low, high = np.percentile(np.array(values, float), PERCENTILES, axis=0)
    told = [_short(value) for value in values] if row.key in kept else None
    more = {"low": _short(low), "high": _short(high), "decides": analyses.decides(row, alpha), "values": told}
    return found.model_copy(update=more)


def _short(value: Any) -> Any:
    """A number, or each of several, to the digits that are kept."""
    if isinstance(value, list | np.ndarray):
        return [_short(part) for part in value]
    return float(f"{float(value):.{DIGITS}g}")
