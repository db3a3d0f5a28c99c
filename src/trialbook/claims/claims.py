"""The claims of the paper: words of its prose that are bound to a condition on the results."""

from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import Field, RootModel, field_validator, model_validator

from trialbook.claims.conditions import Condition
from trialbook.yamlfile import Keys, read_yaml


class Claim(Keys):
    """Words that hold only while a condition does, or that state nothing on these data, with the reason."""

    says: str = ""
    holds: str = ""
    because: str = ""

    @field_validator("holds")
    @classmethod
    def _readable(cls, text: str) -> str:
        Condition(text)
        return text

    @model_validator(mode="after")
    def _either(self) -> Self:
        if bool(self.holds) == bool(self.because):
            raise ValueError("a claim has either `holds`, its condition, or `because`, why it needs none")
        return self

    @property
    def keys(self) -> list[str]:
        """The results that its condition names."""
        return self.condition.keys if self.condition else []

    @property
    def condition(self) -> Condition | None:
        """The condition; None for words that need none."""
        return Condition(self.holds) if self.holds else None


class _File(RootModel):
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
    return read_yaml(path, _File).root if path.exists() else {}


def wording(text: str) -> dict[str, str]:
    """Take from the text of a ``claims.yml`` of any time the usual words of each claim that has some, by its id."""
    try:
        declared = yaml.safe_load(text) or {}
    except yaml.YAMLError:
        return {}
    return {name: claim["says"] for name, claim in declared.items() if "says" in claim}
