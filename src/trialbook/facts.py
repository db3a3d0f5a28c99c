"""The facts of a trial: what ``trial.yml`` may hold, and how to say what is wrong with it."""

import difflib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from yaml.constructor import ConstructorError

from trialbook.errors import Fault, TrialError
from trialbook.style import slug

RESERVED = {"all", "difference", "observations"}  # parts of keys that stand where an arm's id stands


class Keys(BaseModel):
    """A part of a YAML file: keys that are known, with values that are checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _given(cls, raw):
        """Take a known key without a value as not given."""
        if not isinstance(raw, dict):
            return raw
        return {key: value for key, value in raw.items() if value not in ("", "null") or key not in cls.model_fields}


class Arm(Keys):
    """One of the two arms; `value` is what TRT01P holds."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    value: str
    label: str
    role: Literal["test", "reference"]
    description: str = ""


class Visit(Keys):
    """A scheduled visit."""

    avisitn: float
    label: str


class Visits(Keys):
    """The visit schedule, which visit is the baseline, and the unit of AVISITN."""

    unit: str = ""
    baseline: float
    schedule: list[Visit] = Field(min_length=2)


class Parameter(Keys):
    """A measured parameter: `digits` are those of a mean, `model_digits` those of a model's estimate."""

    paramcd: str = Field(max_length=8)
    label: str
    unit: str = ""
    role: Literal["efficacy", "laboratory"]
    digits: int = Field(0, ge=0)
    model_digits: int = Field(2, ge=0)

    @property
    def id(self):
        """The part of a key that names this parameter."""
        return slug(self.paramcd)


class BaselineVariable(Keys):
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
        return slug(self.variable or self.paramcd)


class AnalysisSet(Keys):
    """Who is analysed: the flag of ADSL that holds Y."""

    flag: str
    label: str


class AnalysisSets(Keys):
    """The analysis set of each kind of analysis; that of the protocol's adherents is for sensitivity."""

    efficacy: AnalysisSet
    safety: AnalysisSet
    per_protocol: AnalysisSet | None = None

    @property
    def declared(self):
        """The sets that the trial has, by name."""
        return {name: chosen for name in type(self).model_fields if (chosen := getattr(self, name))}


class Estimand(Keys):
    """What is estimated, by the five attributes of ICH E9(R1); `id` is the analysis that estimates it."""

    id: Literal["final", "follow_up", "course"]
    label: str
    population: str
    treatments: str
    variable: str
    intercurrent_events: str
    summary: str


class Family(Keys):
    """P values that are looked at together: `members` are the keys of their effects, as in ``cd4.gee.effect``."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str
    members: list[str] = Field(min_length=1)

    @field_validator("members")
    @classmethod
    def _each_once(cls, members):
        if repeated := {member for member in members if members.count(member) > 1}:
            raise ValueError(f"{sorted(repeated)[0]!r} stands twice")
        return members


class Registration(Keys):
    """Where the trial is registered."""

    registry: str
    number: str


class ProductClass(Keys):
    """A column of ADEX that classes the product given, such as how the donor matches the participant."""

    variable: str
    label: str


class Intervention(Keys):
    """The planned intervention of the test arm; `dose` is that of a course."""

    product: str
    courses: int | None = None
    dose: float | None = None
    dose_unit: str = ""
    classes: list[ProductClass] = []


class Harms(Keys):
    """How adverse events were looked for: over which time, by whom, how, and coded by which dictionary."""

    window: str = ""
    assessed_by: str = ""
    collected: str = ""
    coding: str = ""


class DisclosureException(Keys):
    """A disclosure that is meant: its kind, where it is (``notebook/cell`` or a key; ``*`` for any ending), and why."""

    kind: Literal["identifier", "date", "listing", "small cell"]
    where: str
    reason: str

    @field_validator("where")
    @classmethod
    def _precise(cls, where):
        if set(where[:3]) & set("*?["):
            raise ValueError("must begin with the name of a notebook or of a key")
        return where


class Disclosure(Keys):
    """What the disclosure gate goes by; without `quasi_identifiers`, those that `disclosure` takes for such."""

    quasi_identifiers: list[str] = []
    smallest_cell: int = Field(5, ge=1)
    exceptions: list[DisclosureException] = []

    def allows_listing(self, key):
        """Whether an exception lets a table or figure show the participants one by one."""
        return any(one.kind == "listing" and fnmatchcase(key, one.where) for one in self.exceptions)


class Facts(Keys):
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
    estimands: list[Estimand] = []
    families: list[Family] = []
    harms: Harms | None = None
    disclosure: Disclosure = Disclosure()

    @model_validator(mode="after")
    def _coherent(self):
        if {arm.role for arm in self.arms} != {"test", "reference"}:
            raise ValueError("arms: one must have `role: test` and the other `role: reference`")
        _differ("arms", "id", [arm.id for arm in self.arms])
        _differ("arms", "value", [arm.value for arm in self.arms])
        if taken := RESERVED & {arm.id for arm in self.arms}:
            raise ValueError(f"arms: the `id` {taken.pop()!r} is taken by the book, give another")
        numbers = [visit.avisitn for visit in self.visits.schedule]
        if numbers != sorted(set(numbers)):
            raise ValueError("visits.schedule: `avisitn` must rise from one visit to the next")
        if self.visits.baseline not in numbers[:-1]:
            raise ValueError("visits.baseline: must be the `avisitn` of a scheduled visit that others follow")
        names = {numbers[-1]: "final", self.visits.baseline: "baseline"}
        later = [visit for visit in self.visits.schedule if visit.avisitn not in names]
        _differ("visits.schedule", "label", [*names.values(), *(visit.label for visit in later)])
        _differ("parameters", "paramcd", [parameter.paramcd for parameter in self.parameters])
        _differ("estimands", "id", [estimand.id for estimand in self.estimands])
        _differ("families", "id", [family.id for family in self.families])
        _differ("baseline", "variable or paramcd", [line.variable or line.paramcd for line in self.baseline])
        return self


def read_facts(folder):
    """Read and validate ``trial.yml`` alone; raises `TrialError` as `trial.read` does."""
    folder = Path(folder)
    if not folder.is_dir():
        rule = "this is a file, not a folder" if folder.exists() else "there is no such folder"
        remedy = "give the folder of a trial, one that holds trial.yml and the tables"
        raise TrialError(folder, [Fault(folder.name, rule, remedy)])
    return read_yaml(folder / "trial.yml", Facts)


def read_yaml(path, model):
    """Read a YAML file into a pydantic model.

    Parameters
    ----------
    path : Path
    model : type of BaseModel

    Returns
    -------
    BaseModel
        An instance of `model`.

    Raises
    ------
    TrialError
        With every fault found: line or key, rule, remedy.
    """

    def fail(rule, remedy, row=None):
        raise TrialError(path.parent, [Fault(path.name, rule, remedy, row)]) from None

    try:
        raw = yaml.load(path.read_text("utf-8-sig"), _AsTyped)
    except FileNotFoundError:
        fail("the file is missing", f"put {path.name} into this folder{_form(path.name)}")
    except OSError as error:
        fail(f"the file cannot be read: {error.strerror}", "mend that")
    except UnicodeDecodeError:
        fail("the file is not UTF-8", "save it as UTF-8")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        fail(f"not YAML: {error.problem}", "mend this line or the one before it", mark and mark.line + 1)
    except yaml.YAMLError:
        fail("not a text file: it holds characters that YAML does not allow", "save it as plain text, UTF-8")
    if not isinstance(raw, dict):
        fail("the file holds no keys", f"write them{_form(path.name)}")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise TrialError(path.parent, [_fault(path.name, problem, model) for problem in error.errors()]) from None


class _AsTyped(yaml.BaseLoader):
    """YAML whose values stay as they are typed: no ``Yes`` becomes true, no ``0.010`` loses a digit."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise ConstructorError(problem=f"the key `{key.value}` stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _fault(file, problem, model):
    """Say one of pydantic's problems in words, with the nearest known key for a misspelt one."""
    where = ".".join(str(part + 1) if isinstance(part, int) else part for part in problem["loc"])
    kind, limits = problem["type"], problem.get("ctx", {})
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(problem["loc"][-1]), sorted(_known_keys(model)), 1)
        remedy = f"did you mean `{near[0]}`?" if near else "take the key away, or correct its spelling"
        return Fault(file, "there is no such key", remedy, column=where)
    if kind == "missing":
        return Fault(file, "the key is missing or has no value", f"add it{_form(file)}", column=where)
    if kind == "value_error" and not where:
        return Fault(file, problem["msg"].removeprefix("Value error, "), "correct it")
    if kind in ("too_short", "too_long"):
        bound = f"at least {limits['min_length']}" if kind == "too_short" else f"at most {limits['max_length']}"
        return Fault(
            file, f"must have {bound} entries, has {limits['actual_length']}", "correct the list", column=where
        )
    words = {
        "list_type": "must be a list: one entry a line, each beginning with `- `",
        "dict_type": "must be keys with values",
        "model_type": "must be keys with values",
        "string_type": "must be a text",
        "int_parsing": "must be a whole number",
        "float_parsing": "must be a number",
        "finite_number": "must be a number",
        "string_pattern_mismatch": "must be lower-case letters, digits and underscores, a letter first",
    }
    rule = words.get(kind, problem["msg"].removeprefix("Value error, "))
    return Fault(file, f"{rule} (found {_short(problem['input'])})", "correct it", column=where)


def _form(file):
    """Say which file shows the form, for a file of a trial."""
    return f" (data/nk_inr/{file} shows the form)" if file in ("trial.yml", "published.yml") else ""


def _short(found):
    """Show what was found on one line, cut short."""
    text = str(found)
    return f"{text[:40]}…" if len(text) > 40 else text


def _known_keys(model):
    """All keys that stand in the file of a model."""
    return {key for part in Keys.__subclasses__() if part.__module__ == model.__module__ for key in part.model_fields}


def _differ(where, key, values):
    """Refuse two values that would make the same part of a key."""
    seen = {}
    for value in values:
        if slug(value) in seen:
            both = (
                f"{seen[slug(value)]!r} and {value!r}"
                if seen[slug(value)] != value
                else f"{value!r}, which stands twice"
            )
            raise ValueError(f"{where}: each needs its own `{key}`, not {both}")
        seen[slug(value)] = value
