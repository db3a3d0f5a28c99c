"""The claims of the paper: words of its prose that are bound to a condition on the results."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import AfterValidator, Field, RootModel, model_validator

from trialbook.claims.conditions import Condition
from trialbook.results.row import Result
from trialbook.yamlfile import Keys, read_yaml


def _readable(text: str) -> str:
    Condition(text)
    return text


Holds = Annotated[str, AfterValidator(_readable)]  # the text of a condition


class Wording(Keys):
    """One of several wordings of a claim: the words, and the condition under which they are true."""

    says: str = Field(min_length=1)
    holds: Holds


class Claim(Keys):
    """Words that hold only while a condition does, or that state nothing on these data, with the reason.

    Of `either`, several wordings, the first whose condition holds is said, or `otherwise` where none does.
    """

    says: str = ""
    holds: Holds = ""
    because: str = ""
    either: list[Wording] = Field(default_factory=list)
    otherwise: str = ""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if [bool(self.holds), bool(self.because), bool(self.either)].count(True) != 1:
            raise ValueError(
                "a claim has either `holds`, its condition, or `because`, why it needs none, or `either`, several "
                "wordings, each with its condition"
            )
        if (self.either and self.says) or (self.otherwise and not self.either):
            raise ValueError("`says` goes with `holds` or `because`, and `otherwise` with `either`")
        return self

    @property
    def keys(self) -> list[str]:
        """The results that its conditions name."""
        if self.either:
            return list(dict.fromkeys(key for one in self.either for key in Condition(one.holds).keys))
        return self.condition.keys if self.condition else []

    @property
    def conditions(self) -> list[str]:
        """The conditions of its several wordings, as they are written."""
        return [one.holds for one in self.either]

    @property
    def condition(self) -> Condition | None:
        """The condition; None for words that need none, or that have several."""
        return Condition(self.holds) if self.holds else None

    def worded(self, results: Mapping[str, Result]) -> Wording | None:
        """Choose among several wordings by the results; None where no condition holds or can be judged."""
        return next((one for one in self.either if Condition(one.holds).is_true(results)), None)


class Claims(RootModel):
    """The contents of ``claims.yml``: claims by their ids."""

    root: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]*$")], Claim]


def read(path: Path) -> dict[str, Claim]:
    """Read the claims of a paper.

    Parameters
    ----------
    path : Path
        ``claims.yml``; need not be there.

    Returns
    -------
    dict of str to Claim
        By id.

    Raises
    ------
    FaultsError
        With every fault found: id, key, rule.
    """
    return read_yaml(path, Claims).root if path.exists() else {}


def wording(text: str) -> dict[str, str]:
    """Take from the text of a ``claims.yml`` of any time the usual words of each claim that has some, by its id.

    Of several wordings, which only the results choose from, all are given.
    """
    try:
        declared = yaml.safe_load(text) or {}
    except yaml.YAMLError:
        return {}
    several = {
        name: " / ".join([*(one["says"] for one in claim["either"]), *filter(None, [claim.get("otherwise")])])
        for name, claim in declared.items()
        if claim.get("either")
    }
    return several | {name: claim["says"] for name, claim in declared.items() if "says" in claim}
