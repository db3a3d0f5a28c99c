"""The facts of a trial: what ``trial.yml`` may hold, and how to say what is wrong with it."""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from trialbook.errors import Fault, TrialError
from trialbook.results.formats import slug
from trialbook.yamlfile import Keys, read_yaml

RESERVED = {"all", "difference", "observations"}  # parts of keys that stand where an arm's id stands


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
    return read_yaml(folder / "trial.yml", Facts, "docs/trial_yml.md")


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
