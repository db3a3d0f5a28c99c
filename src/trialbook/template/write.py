"""Write a paper from the template: what it says follows from the facts of a trial and from the results that it has."""

import json
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from trialbook.analysis import (
    adverse_events,
    baseline,
    efficacy,
    flow,
    follow_up,
    grading,
    hys_law,
    influence,
    longitudinal,
    missing_data,
    protocol,
)
from trialbook.project import FILE, REQUIREMENTS
from trialbook.results.row import Results
from trialbook.template import schemas, update, wheel
from trialbook.template.guess import Guess
from trialbook.template.sources import Sources, write
from trialbook.trial.config import FACTS, PUBLISHED, Arm, Parameter
from trialbook.trial.model import Trial, read_trial

FILES = Path(__file__).with_name("files")
SHARED = "sentences.j2"
ENDING = ".j2"
OF_PUBLISHED = "05_reconciliation"  # the notebook of a trial that has published figures
TRIAL_FOLDER = re.compile(r'^trial_folder = "([^"]+)"', re.MULTILINE)
CITED = re.compile(r"\{cite\}`([^`]+)`")
ENTRY = re.compile(r"^@\w+\{([^,\s]+),.*\n", re.MULTILINE)  # one stands on one line


@dataclass(frozen=True)
class Outcome:
    """An efficacy parameter as the prose names it: its part of keys, of labels of figures, and of ids of claims."""

    id: str
    name: str
    claim: str
    unit: str
    threshold: float | None

    @classmethod
    def of(cls, parameter: Parameter) -> "Outcome":
        plain = re.sub(r"[^a-z0-9]+", "-", parameter.id).strip("-")
        return cls(parameter.id, plain, f"of_{plain.replace('-', '_')}", parameter.unit, parameter.threshold)


def facts_file(guessed: Guess, title: str, provenance: str) -> str:
    """Write ``trial.yml``: the facts that were guessed with their evidence, and the questions."""
    told = {"facts": guessed.facts, "evidence": guessed.evidence, "asked": guessed.asked}
    return _environment().get_template(f"data/{FACTS}{ENDING}").render(**told, title=title, provenance=provenance)


def paper(trial: Trial) -> dict[str, str]:
    """Write a whole paper but for its data and the engine.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    dict of str to str
        The text of each file by its path in the project.
    """
    context = _context(trial)
    made: dict[str, str] = {}
    for path in sorted(FILES.rglob("*")):
        name = path.relative_to(FILES).as_posix()
        if path.is_dir() or name in (SHARED, REQUIREMENTS) or name.startswith("data/"):
            continue
        if path.suffix == ENDING:
            text = _environment().get_template(name).render(**context)
            made[name.removesuffix(ENDING)] = re.sub(r"\n{3,}", "\n\n", text).lstrip("\n")
        elif path.suffix == ".ipynb":
            if path.stem in context["notebooks"] or path.stem.startswith("00"):
                made[name] = _notebook(path, context)
        else:
            made[name] = path.read_text("utf8")
    cited = {key for text in made.values() for keys in CITED.findall(text) for key in keys.split(",")}
    made["book/references.bib"] = _entries(made["book/references.bib"], cited)
    made["book/consort.yml"] = _items(made["book/consort.yml"])
    made["notebooks/scenarios.yml"] = _scenarios(made["notebooks/scenarios.yml"], trial)
    return made | schemas.schemas()


def engine() -> dict[str, bytes]:
    """Take what a paper is built with: the wheel of this engine, and the lock that names it with its hash.

    Returns
    -------
    dict of str to bytes
        The content of each file by its path in the project.
    """
    name, content = wheel.of_this_engine()
    lock = (FILES / REQUIREMENTS).read_text("utf8") + f"./engine/{name} \\\n    --hash=sha256:{wheel.digest(content)}\n"
    return {f"engine/{name}": content, REQUIREMENTS: lock.encode()}


def results_of(trial: Trial) -> Results:
    """Compute what decides which sentences a paper of this trial can have."""
    found = Results(trial.facts.alpha)
    analyses: list[Callable[[Trial], Results]] = [
        *(protocol.facts, flow.flow, baseline.baseline, follow_up.attendance, follow_up.time_in_study),
        *(adverse_events.adverse_events, grading.marked_abnormalities),
        *(efficacy.by_visit, efficacy.final_difference, efficacy.standardised_difference, efficacy.gee),
        *(longitudinal.anova, influence.reached, missing_data.patterns),
    ]
    for analysis in analyses:
        found.update(analysis(trial))
    return found.update(hys_law.hys_law(trial)[0])


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FILES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown and YAML, not HTML
    )
    made.filters |= {"yaml": _as_yaml, "comment": _as_comment}
    return made


def _as_yaml(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")


def _as_comment(text: str) -> str:
    return textwrap.fill(text, 118, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False)


def _context(trial: Trial) -> dict[str, Any]:
    """What the files of the template may ask."""
    found = results_of(trial)
    available = {row.key for row in found if row.value is not None}
    test, reference = trial.arms
    published = (trial.folder / PUBLISHED).exists()
    told: dict[str, Any] = {
        "facts": trial.facts,
        "title": trial.facts.title,
        "folder": trial.folder.resolve().parent.name,
        "provenance": trial.facts.provenance,
        "test": test,
        "reference": reference,
        "outcomes": [Outcome.of(parameter) for parameter in trial.parameters("efficacy")],
        "laboratory": trial.parameters("laboratory"),
        "has": available.__contains__,
        "has_both": partial(_has_both, available, [test, reference]),
        "has_events": trial.adae is not None,
        "has_exposure": trial.adex is not None,
        "notebooks": [
            path.stem
            for path in sorted(FILES.glob("notebooks/*.ipynb"))
            if not path.stem.startswith("00") and (published or path.stem != OF_PUBLISHED)
        ],
        "published": published,
    }
    shared = _environment().get_template(SHARED).make_module(told)
    return told | {
        name: getattr(shared, name) for name in ("arm", "unit", "at_final", "over_follow_up", "harms_in_short")
    }


def _has_both(available: set[str], arms: list[Arm], prefix: str, statistic: str) -> bool:
    return all(f"{prefix}.{arm.id}.{statistic}" in available for arm in arms)


def _notebook(path: Path, context: dict[str, Any]) -> str:
    """Take a notebook without the cells that are about what this trial does not have."""
    content = json.loads(path.read_text("utf8"))
    content["cells"] = [cell for cell in content["cells"] if _is_wanted(cell, context)]
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    return text.replace(_folder_of_data(content), "../data")


def _folder_of_data(notebook: dict[str, Any]) -> str:
    """The folder of the trial that a notebook of the template names in its parameters."""
    for cell in notebook["cells"]:
        if found := TRIAL_FOLDER.search("".join(cell["source"])):
            return found[1]
    raise ValueError("a notebook of the template names no folder of a trial")


def _is_wanted(cell: dict[str, Any], context: dict[str, Any]) -> bool:
    return context["published"] or not str(cell.get("id", "")).startswith("published")


def _entries(bibliography: str, cited: set[str]) -> str:
    """Keep the entries of a bibliography that are cited."""
    return "".join(entry[0] for entry in ENTRY.finditer(bibliography) if entry[1] in cited)


def _items(consort: str) -> str:
    """Keep the topics of the items of CONSORT, without what our paper says of each."""
    topics = {str(item): {"topic": about["topic"]} for item, about in yaml.safe_load(consort).items()}
    lines = [f"{_as_yaml(item)}: {_as_yaml(about)}" for item, about in topics.items()]
    head = (
        "# The items of CONSORT 2025 (Hopewell et al., doi:10.1136/bmj-2024-081123), in our words.  {consort}`22a` in\n"
        "# the prose marks the passage that reports an item; `gap` says what the paper cannot tell.\n"
    )
    return head + "\n".join(lines) + "\n"


def _scenarios(text: str, trial: Trial) -> str:
    """Take the scenarios that this trial can have, the first of which nobody published."""
    if trial.facts.analysis_sets.per_protocol is None:
        text = re.sub(r"  - \{id: per_protocol,.*?\}\n", "", text, flags=re.DOTALL)
    return text if (trial.folder / PUBLISHED).exists() else text.replace("{id: published,", "{id: first,")


def _origins(sources: Sources) -> str:
    """Say from which files the tables came, and which were not read."""
    lines = ["# Where the tables came from", ""]
    lines += [f"- `{name}.csv`: {', '.join(f'`{file}`' for file in files)}" for name, files in sources.origins.items()]
    lines += [f"- `{file}` was not read: {reason}" for file, reason in sources.left.items()]
    return "\n".join([*lines, ""])


def create(folder: Path, sources: Sources, guessed: Guess, title: str, provenance: str) -> Path:
    """Make a project in a folder that is not there yet.

    Where the tables have faults, the folder holds them with ``trial.yml``, in which many faults are mended, such as
    what an unknown word means; `trialbook update` writes the rest then.

    Parameters
    ----------
    folder : Path
    sources : Sources
    guessed : Guess
    title : str
    provenance : str
        ``real`` or ``synthetic``.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    FaultsError
        If the tables have faults.
    """
    data = folder / "data"
    for place in (data, folder / "book", folder / "notebooks"):
        place.mkdir(parents=True)
    write(sources, data)
    (data / FACTS).write_text(facts_file(guessed, title, provenance), "utf8")
    (data / "README.md").write_text(_origins(sources), "utf8")
    (folder / update.KEPT).mkdir()
    (folder / FILE).write_text((FILES / f"{FILE}{ENDING}").read_text("utf8"), "utf8")
    update.update(folder, paper(read_trial(data)), engine())
    (folder / "postBuild").chmod(0o755)
    return folder
