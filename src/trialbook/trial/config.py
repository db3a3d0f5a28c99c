"""The facts of a trial: what ``trial.yml`` may hold, and how to say what is wrong with it."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from trialbook.errors import Fault, FaultsError
from trialbook.results.formats import slug
from trialbook.trial import words
from trialbook.trial.stated import AcceptedWarning, Disclosure, Estimand, Family, Harms, Intervention, Registration
from trialbook.yamlfile import Keys, read_yaml

TABLES, REQUIRED = ("adsl", "adlb", "adae", "adex"), ("adsl", "adlb")
FACTS, PUBLISHED, EVIDENCE = "trial.yml", "published.yml", "evidence.json"  # the other files of a trial's folder
RESERVED = {"all", "difference", "observations"}  # parts of keys that stand where an arm's id stands
# what keys begin with that are of no parameter
OWN = {
    *("arm", "baseline", "cohort", "double", "draws", "estimand", "exposure", "missing", "multiplicity"),
    *("reconciliation", "records", "safety", "software", "trial", "visits"),
}


class Arm(Keys):
    """One of the two arms."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """Names the arm in keys."""
    value: str
    """What TRT01P holds for the arm."""
    label: str
    """What tables and figures call it."""
    role: Literal["test", "reference"]
    """The test arm stands first, and differences are test minus reference."""
    description: str = ""
    """What was given, for the prose."""


class Visit(Keys):
    """A scheduled visit."""

    avisitn: float
    """The visit's AVISITN, in the unit of the schedule."""
    label: str
    """What tables and figures call it; names the visit in keys, as in `month_3`."""


class Visits(Keys):
    """The visit schedule."""

    unit: str = ""
    """The unit of AVISITN, such as month."""
    baseline: float
    """The AVISITN of the baseline visit; it is `baseline` in keys."""
    schedule: list[Visit] = Field(min_length=2)
    """The visits in their order."""
    final: float | None = None
    """The AVISITN of the primary time point, `final` in keys; the last visit with values if not given."""


class Parameter(Keys):
    """A measured parameter."""

    paramcd: str = Field(max_length=8)
    """PARAMCD of the parameter; in lower case it begins its keys."""
    label: str
    """What tables and figures call it."""
    unit: str = ""
    """The unit of AVAL; empty for a ratio."""
    role: Literal["efficacy", "laboratory"]
    """What analyses it has."""
    group: str = ""
    """What it is drawn with, such as haematology: a figure of laboratory values is of one group."""
    digits: int = Field(0, ge=0)
    """Decimals of a mean."""
    model_digits: int = Field(2, ge=0)
    """Decimals of a model's estimate."""
    threshold: float | None = None
    """A value to be reached: participants at it or above are counted at the final visit."""
    analysis_flag: str = "ANL01FL"
    """The flag of ADLB whose Y says which records are analysed, where it is filled; `none` for all records."""

    @property
    def id(self) -> str:
        """The part of a key that names this parameter."""
        return slug(self.paramcd)


class BaselineVariable(Keys):
    """A line of the baseline table: a variable of ADSL, or the baseline value of a parameter."""

    variable: str | None = None
    """The column of ADSL; or give `paramcd`."""
    paramcd: str | None = None
    """The parameter of ADLB whose baseline value is shown; or give `variable`."""
    label: str
    """What the table calls it."""
    unit: str = ""
    """Its unit."""
    type: Literal["mean", "median", "category", "flag"]
    """Shown as mean (SD), as median (quartiles), as counts of each level, or as the count of Y (empty is N)."""
    digits: int = Field(0, ge=0)
    """Decimals shown."""
    levels: dict[str, str] = {}
    """Labels of the values of a category, in their order; as they are found if not given."""

    @model_validator(mode="after")
    def _one_source(self):
        if (self.variable is None) == (self.paramcd is None):
            raise ValueError("give either `variable` (of ADSL) or `paramcd` (of ADLB)")
        return self

    @property
    def id(self) -> str:
        """The part of a key that names this variable."""
        return slug(self.variable or self.paramcd)


class AnalysisSet(Keys):
    """Who is analysed."""

    flag: str
    """The flag column of ADSL; who has Y there is in the set."""
    label: str
    """What tables and prose call the set."""


class AnalysisSets(Keys):
    """The analysis set of each kind of analysis."""

    efficacy: AnalysisSet
    """Of the efficacy analyses."""
    safety: AnalysisSet
    """Of adverse events and laboratory values."""
    per_protocol: AnalysisSet | None = None
    """Those who kept to the protocol, for a scenario."""

    @property
    def declared(self) -> dict[str, AnalysisSet]:
        """The sets that the trial has, by name."""
        return {name: chosen for name in type(self).model_fields if (chosen := getattr(self, name))}


class Facts(Keys):
    """All that is a fact of the trial and nothing that is a result: the contents of ``trial.yml``."""

    study: str
    """Name or number of the study."""
    title: str
    """Title of the paper."""
    short_title: str = ""
    """Title in the browser and in the running head."""
    provenance: Literal["real", "synthetic"]
    """`synthetic` puts a banner on every page, `real` does not."""
    registration: Registration | None = None
    """Where the trial is registered."""
    funding: str = ""
    """Who paid."""
    site: str = ""
    """Where it took place."""
    enrolment: str = ""
    """When participants were enrolled."""
    design: str = ""
    """Such as: randomised, open-label, parallel-group."""
    allocation: str = ""
    """How participants were allocated."""
    screened: int | None = None
    """How many were assessed for eligibility."""
    randomised: int | None = None
    """How many were randomised, checked against the rows of ADSL."""
    alpha: float = Field(0.05, gt=0, lt=0.5)
    """Two-sided significance level; intervals are at 1 − alpha."""
    arms: list[Arm] = Field(min_length=2, max_length=2)
    """The two arms."""
    intervention: Intervention | None = None
    """What the test arm was to be given."""
    visits: Visits
    """The visit schedule."""
    analysis_sets: AnalysisSets
    """Who is analysed."""
    parameters: list[Parameter] = Field(min_length=1)
    """What was measured."""
    baseline: list[BaselineVariable] = []
    """The lines of the baseline table."""
    estimands: list[Estimand] = []
    """What is estimated."""
    families: list[Family] = []
    """P values that are looked at together."""
    harms: Harms | None = None
    """How adverse events were looked for."""
    disclosure: Disclosure = Disclosure()
    """What may be published of single participants."""
    terms: dict[str, dict[str, str]] = {}
    """What words of coded columns mean that are not known, such as `{AEREL: {Maybe: related}}`."""
    derived: list[str] = []
    """Values of DTYPE whose records are analysed although they are derived, such as LOCF; none if not given."""
    dates: Literal["iso", "sas", "excel"] = "iso"
    """What a number in a column of dates is: not a date, or the days that SAS or Excel count."""
    accepted_warnings: list[AcceptedWarning] = []
    """Warnings that are not to be shown again."""

    @property
    def variables(self) -> list[str]:
        """The variables of ADSL that these facts name."""
        flags = [chosen.flag for chosen in self.analysis_sets.declared.values()]
        return list(dict.fromkeys([*flags, *(line.variable for line in self.baseline if line.variable)]))

    @property
    def classes(self) -> list[str]:
        """The columns of ADEX that class the product."""
        return [named.variable for named in self.intervention.classes] if self.intervention else []

    @field_validator("terms")
    @classmethod
    def _known_meanings(cls, terms):
        for column, meant in terms.items():
            if column not in words.COLUMNS:
                raise ValueError(f"{column!r} has no words that are looked up; use one of: {', '.join(words.COLUMNS)}")
            if wrong := sorted(set(meant.values()) - set(words.meanings(column))):
                known = ", ".join(words.meanings(column))
                raise ValueError(f"{column}: a word cannot mean {wrong[0]!r}; it can mean: {known}")
        return terms

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
        if (
            self.visits.final is not None
            and self.visits.final not in numbers[numbers.index(self.visits.baseline) + 1 :]
        ):
            raise ValueError("visits.final: must be the `avisitn` of a scheduled visit after the baseline")
        final = numbers[-1] if self.visits.final is None else self.visits.final
        names = {final: "final", self.visits.baseline: "baseline"}
        later = [visit for visit in self.visits.schedule if visit.avisitn not in names]
        _differ("visits.schedule", "label", [*names.values(), *(visit.label for visit in later)])
        _differ("parameters", "paramcd", [parameter.paramcd for parameter in self.parameters])
        for parameter in self.parameters:
            if parameter.id in OWN:
                raise ValueError(
                    f"parameters: the `paramcd` {parameter.paramcd!r} begins keys of the book's own, recode it"
                )
        for line in self.baseline:
            _differ(f"baseline, {line.label}", "levels", list(line.levels))
            if line.id == "smd":
                raise ValueError("baseline: a line called `SMD` has keys of the book's own, recode it")
        _differ("estimands", "id", [estimand.id for estimand in self.estimands])
        _differ("families", "id", [family.id for family in self.families])
        _differ("baseline", "variable or paramcd", [str(line.variable or line.paramcd) for line in self.baseline])
        return self


def read_facts(folder: str | Path) -> Facts:
    """Read and validate ``trial.yml`` alone; raises `FaultsError` as `read_trial` does."""
    folder = Path(folder)
    if not folder.is_dir():
        rule = "this is a file, not a folder" if folder.exists() else "there is no such folder"
        remedy = "give the folder of a trial, one that holds trial.yml and the tables"
        raise FaultsError(folder, [Fault(folder.name, rule, remedy)])
    return read_yaml(folder / FACTS, Facts, "docs/trial_yml.md")


def _differ(where: str, key: str, values: list[str]) -> None:
    """Refuse two values that would make the same part of a key."""
    seen: dict[str, str] = {}
    for value in values:
        if slug(value) in seen:
            both = (
                f"{seen[slug(value)]!r} and {value!r}"
                if seen[slug(value)] != value
                else f"{value!r}, which stands twice"
            )
            raise ValueError(f"{where}: each needs its own `{key}`, not {both}")
        seen[slug(value)] = value
