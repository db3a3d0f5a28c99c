"""A trial: the facts of ``trial.yml`` and the ADaM tables, read from a folder and validated as one."""

import difflib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from trialbook import schema, style
from trialbook.faults import Fault, TrialError

TABLES = ("adsl", "adlb", "adae", "adex")
REQUIRED = ("adsl", "adlb")


class _Fact(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Arm(_Fact):
    """One of the two arms; `value` is what TRT01P holds."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    value: str
    label: str
    role: Literal["test", "reference"]
    description: str = ""


class Visit(_Fact):
    """A scheduled visit."""

    avisitn: float
    label: str


class Visits(_Fact):
    """The visit schedule, which visit is the baseline, and the unit of AVISITN."""

    unit: str = ""
    baseline: float
    schedule: list[Visit] = Field(min_length=2)


class Parameter(_Fact):
    """A measured parameter: `digits` are those of a mean, `model_digits` those of a model's estimate."""

    paramcd: str = Field(max_length=8)
    label: str
    unit: str = ""
    role: Literal["efficacy", "laboratory"]
    digits: int = Field(0, ge=0)
    model_digits: int | None = Field(None, ge=0)

    @property
    def id(self):
        """The part of a key that names this parameter."""
        return style.slug(self.paramcd)


class BaselineVariable(_Fact):
    """A line of the baseline table: a variable of ADSL, or the baseline value of a parameter."""

    variable: str | None = None
    paramcd: str | None = None
    label: str
    unit: str = ""
    type: Literal["mean", "median", "category"]
    digits: int = Field(0, ge=0)
    levels: dict[str, str] = {}

    @model_validator(mode="after")
    def _one_source(self):
        if (self.variable is None) == (self.paramcd is None):
            raise ValueError("give either `variable` (of ADSL) or `paramcd` (of ADLB)")
        return self

    @property
    def id(self):
        """The part of a key that names this variable."""
        return style.slug(self.variable or self.paramcd)


class AnalysisSet(_Fact):
    """Who is analysed: the flag of ADSL that holds Y."""

    flag: str
    label: str


class AnalysisSets(_Fact):
    """The analysis set of each kind of analysis."""

    efficacy: AnalysisSet
    safety: AnalysisSet


class Registration(_Fact):
    """Where the trial is registered."""

    registry: str
    number: str


class Intervention(_Fact):
    """The planned intervention of the test arm."""

    product: str
    courses: int | None = None
    dose: float | None = None
    dose_unit: str = ""


class Facts(_Fact):
    """All that is a fact of the trial and nothing that is a result: the contents of ``trial.yml``."""

    study: str
    title: str
    short_title: str = ""
    provenance: Literal["real", "synthetic"]
    registration: Registration | None = None
    funding: str = ""
    site: str = ""
    enrolment: str = ""
    design: str = ""
    allocation: str = ""
    screened: int | None = None
    randomised: int | None = None
    alpha: float = Field(0.05, gt=0, lt=0.5)
    arms: list[Arm] = Field(min_length=2, max_length=2)
    intervention: Intervention | None = None
    visits: Visits
    analysis_sets: AnalysisSets
    parameters: list[Parameter] = Field(min_length=1)
    baseline: list[BaselineVariable] = []

    @model_validator(mode="after")
    def _coherent(self):
        if {arm.role for arm in self.arms} != {"test", "reference"}:
            raise ValueError("arms: one must have `role: test` and the other `role: reference`")
        if len({arm.id for arm in self.arms}) < 2 or len({arm.value for arm in self.arms}) < 2:
            raise ValueError("arms: the two need different `id` and `value`")
        numbers = [visit.avisitn for visit in self.visits.schedule]
        if numbers != sorted(set(numbers)):
            raise ValueError("visits.schedule: `avisitn` must rise from one visit to the next")
        if self.visits.baseline not in numbers[:-1]:
            raise ValueError("visits.baseline: must be the `avisitn` of a scheduled visit that others follow")
        codes = [parameter.paramcd for parameter in self.parameters]
        if repeated := {code for code in codes if codes.count(code) > 1}:
            raise ValueError(f"parameters: {', '.join(sorted(repeated))} stands twice")
        return self


@dataclass(frozen=True)
class Trial:
    """A validated trial: its facts, and one DataFrame per table (None where the trial does not have it)."""

    folder: Path
    facts: Facts
    adsl: pd.DataFrame
    adlb: pd.DataFrame
    adae: pd.DataFrame | None
    adex: pd.DataFrame | None

    @cached_property
    def arms(self):
        """The two arms, test before reference."""
        return sorted(self.facts.arms, key=lambda arm: arm.role == "reference")

    @property
    def ci_level(self):
        """The confidence level as it is written: ``95%``."""
        return f"{100 * (1 - self.facts.alpha):g}%"

    def subjects(self, analysis_set=None):
        """Select the subjects of an analysis set.

        Parameters
        ----------
        analysis_set : AnalysisSet, optional
            All randomised subjects when not given.

        Returns
        -------
        dict of str to DataFrame
            Rows of ADSL by arm id, test before reference.
        """
        chosen = self.adsl if analysis_set is None else self.adsl[self.adsl[analysis_set.flag] == "Y"]
        return {arm.id: chosen[chosen["TRT01P"] == arm.value] for arm in self.arms}

    def parameters(self, role):
        """List the declared parameters of one role, in the order of ``trial.yml``."""
        return [parameter for parameter in self.facts.parameters if parameter.role == role]

    def visits(self, paramcd):
        """List the scheduled visits, from the baseline on, at which a parameter was measured."""
        seen = set(self.adlb.loc[(self.adlb["PARAMCD"] == paramcd) & self.adlb["AVAL"].notna(), "AVISITN"])
        return [v for v in self.facts.visits.schedule if v.avisitn >= self.facts.visits.baseline and v.avisitn in seen]

    def visit_id(self, visit, paramcd):
        """Name a visit in a key: ``baseline``, ``final`` for the last one of the parameter, or its label."""
        if visit.avisitn == self.facts.visits.baseline:
            return "baseline"
        return "final" if visit == self.visits(paramcd)[-1] else style.slug(visit.label)

    def values(self, paramcd, analysis_set=None):
        """Spread a parameter over subjects and scheduled visits.

        Parameters
        ----------
        paramcd : str
        analysis_set : AnalysisSet, optional

        Returns
        -------
        dict of str to DataFrame
            By arm id: one row per subject of the set, one column per visit (its AVISITN), NaN where missing.
        """
        rows = self.adlb[self.adlb["PARAMCD"] == paramcd]
        wide = rows.pivot(index="USUBJID", columns="AVISITN", values="AVAL")
        columns = [visit.avisitn for visit in self.visits(paramcd)]
        return {
            arm: wide.reindex(index=subjects["USUBJID"], columns=columns)
            for arm, subjects in self.subjects(analysis_set).items()
        }


def read(folder):
    """Read a trial from its folder and validate it as a whole.

    Parameters
    ----------
    folder : str or Path
        Holds ``trial.yml``, ``adsl.csv``, ``adlb.csv`` and, where collected, ``adae.csv`` and ``adex.csv``.

    Returns
    -------
    Trial

    Raises
    ------
    TrialError
        With every fault found: file, row, column, rule, remedy.
    """
    folder = Path(folder)
    facts = read_facts(folder)
    faults, tables = [], {}
    for name in TABLES:
        path = folder / f"{name}.csv"
        if path.exists():
            tables[name], found = schema.read_table(path)
            faults += found
        elif name in REQUIRED:
            faults.append(Fault(path.name, "the file is missing", f"put {path.name} beside trial.yml"))
    if not faults:
        faults = schema.check(tables, facts)
    if faults:
        raise TrialError(folder, faults)
    numbered = {name: schema.to_numbers(table, name, facts) for name, table in tables.items()}
    return Trial(folder, facts, *(numbered.get(name) for name in TABLES))


def read_facts(folder):
    """Read and validate ``trial.yml`` alone; raises `TrialError` as `read` does."""
    path = Path(folder) / "trial.yml"
    try:
        raw = yaml.safe_load(path.read_text("utf8"))
    except FileNotFoundError:
        remedy = "give the folder of a trial, one that holds trial.yml and the tables"
        raise TrialError(folder, [Fault("trial.yml", "the file is missing", remedy)]) from None
    except UnicodeDecodeError:
        raise TrialError(folder, [Fault("trial.yml", "the file is not UTF-8", "save it as UTF-8")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        fault = Fault("trial.yml", f"not YAML: {getattr(error, 'problem', error)}", "mend the line", mark and mark.line + 1)
        raise TrialError(folder, [fault]) from None
    if not isinstance(raw, dict):
        raise TrialError(folder, [Fault("trial.yml", "holds no keys", "see data/nk_inr/trial.yml for the form")])
    try:
        return Facts.model_validate(raw)
    except ValidationError as error:
        raise TrialError(folder, [_fact_fault(problem) for problem in error.errors()]) from None


def _fact_fault(problem):
    """Say one of pydantic's problems in words, with the nearest known key for a misspelt one."""
    where = ".".join(str(part + 1) if isinstance(part, int) else part for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = {name for model in [Facts, *_Fact.__subclasses__()] for name in model.model_fields}
        near = difflib.get_close_matches(str(problem["loc"][-1]), sorted(known), 1)
        remedy = f"did you mean `{near[0]}`?" if near else "take the key away, or correct its spelling"
        return Fault("trial.yml", "no such key", remedy, column=where)
    if problem["type"] == "missing":
        return Fault("trial.yml", "the key is missing", "add it (data/nk_inr/trial.yml shows the form)", column=where)
    message = problem["msg"].removeprefix("Value error, ")
    return Fault("trial.yml", f"{message} (found {str(problem['input'])[:60]!r})" if where else message, "correct it", column=where)
