"""The items of the CONSORT 2025 checklist: topic, what can be checked by results, and what the paper cannot tell."""

from pathlib import Path

from pydantic import Field, RootModel, field_validator

from trialbook.claims.conditions import Condition
from trialbook.yamlfile import Keys, read_yaml


class Item(Keys):
    """One item: its topic, its conditions by what they say, and the gap that the paper leaves."""

    topic: str
    checks: dict[str, str] = Field(default_factory=dict)
    gap: str = ""

    @field_validator("checks")
    @classmethod
    def _readable(cls, checks: dict[str, str]) -> dict[str, str]:
        for text in checks.values():
            Condition(text)
        return checks

    @property
    def conditions(self) -> dict[str, Condition]:
        """What each check says, with its condition."""
        return {words: Condition(text) for words, text in self.checks.items()}


class Items(RootModel):
    """The contents of ``consort.yml``: items by number and letter."""

    root: dict[str, Item]


def read(path: Path) -> dict[str, Item]:
    """Read the items of the checklist.

    Parameters
    ----------
    path : Path
        ``consort.yml``; need not be there.

    Returns
    -------
    dict of str to Item
        By number and letter, in the order of the file.

    Raises
    ------
    FaultsError
        With every fault found: item, key, rule.
    """
    return read_yaml(path, Items).root if path.exists() else {}
