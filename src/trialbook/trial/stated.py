"""The parts of ``trial.yml`` that say what was planned and how it is reported, beside the design of the data."""

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field, field_validator

from trialbook.yamlfile import Keys


class Estimand(Keys):
    """What is estimated, by the five attributes of ICH E9(R1)."""

    id: Literal["final", "follow_up", "course"]
    """The analysis that estimates it."""
    label: str
    """What tables call it."""
    population: str
    """Whom the question is about."""
    treatments: str
    """What is compared."""
    variable: str
    """What is measured of each participant."""
    intercurrent_events: str
    """What becomes of values after an event such as stopping treatment."""
    summary: str
    """What compares the arms over the population."""


class Family(Keys):
    """P values that are looked at together."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """Names the family in keys."""
    label: str
    """What tables call it."""
    members: list[str] = Field(min_length=1)
    """Keys of the effects whose P values make the family, such as `cd4.gee.effect`."""

    @field_validator("members")
    @classmethod
    def _each_once(cls, members):
        if repeated := {member for member in members if members.count(member) > 1}:
            raise ValueError(f"{sorted(repeated)[0]!r} stands twice")
        return members


class Registration(Keys):
    """Where the trial is registered."""

    registry: str
    """Name of the registry."""
    number: str
    """The number given there."""


class ProductClass(Keys):
    """A column of ADEX that classes the product given, such as how the donor matches the participant."""

    variable: str
    """The column of ADEX."""
    label: str
    """What tables call it."""


class Intervention(Keys):
    """The planned intervention of the test arm."""

    product: str = ""
    """What was given, for the prose."""
    given: Literal["courses", "daily"] | None = None
    """Whether a row of ADEX is an administration, or a period of daily treatment; if not given, as its days tell."""
    courses: int | None = None
    """How many courses were planned."""
    dose: float | None = Field(default=None, gt=0)
    """The planned dose of a course, or of a day of daily treatment."""
    dose_unit: str = ""
    """Its unit."""
    classes: list[ProductClass] = []
    """Columns of ADEX that class the product."""


class Harms(Keys):
    """How adverse events were looked for (CONSORT Harms 2022); what is left out is said not to be stated."""

    window: str = ""
    """Over which time."""
    assessed_by: str = ""
    """By whom."""
    collected: str = ""
    """How, and at which visits."""
    coding: str = ""
    """By which dictionary, with its version."""
    unlikely: Literal["related", "not related"] = "not related"
    """What an event counts as whose relation to treatment is unlikely or remote."""
    smallest_share: float = Field(0, ge=0, le=100)
    """Percentage of the participants of an arm who must have had a term for the table of events to list it."""


class AcceptedWarning(Keys):
    """A warning of `trialbook validate` that has been looked into."""

    name: str
    """The name that the warning ends with."""
    reason: str
    """Why the data are right as they are."""


class DisclosureException(Keys):
    """A disclosure that is meant."""

    kind: Literal["identifier", "date", "listing", "small cell"]
    """What the gate would refuse."""
    where: str
    """A `notebook/cell` or the key of a result, table or figure (`*` for any ending), or a text as `book/index.md`."""
    reason: str
    """Why it may be published."""

    @field_validator("where")
    @classmethod
    def _precise(cls, where):
        if set(where[:3]) & set("*?["):
            raise ValueError("must begin with the name of a notebook or of a key")
        return where


class Disclosure(Keys):
    """What the gate between notebooks and pages goes by."""

    quasi_identifiers: list[str] = []
    """Columns of ADSL that others may know of a participant; if not given, AGE and the like, and every category."""
    smallest_cell: int = Field(default=5, ge=1)
    """How many participants must share the quasi-identifiers of a number that is shown."""
    exceptions: list[DisclosureException] = []
    """What may be published all the same."""

    def allows_listing(self, key: str) -> bool:
        """Whether an exception lets a table or figure show the participants one by one."""
        return any(one.kind == "listing" and fnmatchcase(key, one.where) for one in self.exceptions)
