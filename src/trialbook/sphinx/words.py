"""The words that judge, the digits that may be typed and the pages that are exempt, as a paper and the engine say."""

import re
from functools import cached_property
from pathlib import Path

from pydantic import Field, field_validator

from trialbook.yamlfile import Keys, read_yaml

SIGNS = "¼-¾⅐-ↈ①-⓿❶-➓㉈-㊿"  # fractions, Roman and circled numerals; superscripts belong to names
USUAL = Path(__file__).with_name("words.yml")


class Words(Keys):
    """The contents of ``words.yml``; its comments say what each key holds."""

    judging: dict[str, str] = Field(default_factory=dict)
    digits: dict[str, str] = Field(default_factory=dict)
    exempt: list[str] = Field(default_factory=list)
    why: dict[str, str] = Field(default_factory=dict)
    numerals: str = ""

    @field_validator("numerals")
    @classmethod
    def _readable_numerals(cls, pattern: str) -> str:
        return next(iter(cls._readable({"": pattern}).values()))

    @field_validator("judging", "digits")
    @classmethod
    def _readable(cls, patterns: dict[str, str]) -> dict[str, str]:
        for pattern in patterns.values():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from None
        return patterns

    def reason(self, word: str) -> str:
        """Say why a word that judges does."""
        for kind, stems in self.judging.items():
            if re.fullmatch("|".join(stems.split()), word, re.IGNORECASE):
                return self.why.get(kind, f"it is listed as {kind}")
        raise KeyError(word)

    def typed(self, text: str) -> str | None:
        """Find the first number in a text that is neither a result nor may be typed: in digits, signs or words."""
        left = self.without_typed(text)
        words = "|".join(self.numerals.split())
        written = rf"(?<![\w-])(?i:{words})(?![\w-])" if words else r"(?!)"
        found = re.search(rf"\S*\d\S*|[{SIGNS}]|{written}", left)
        return found and found[0]

    @cached_property
    def judges(self) -> re.Pattern[str]:
        """Finds a word that judges, whole."""
        stems = " ".join(self.judging.values()).split()
        return re.compile(rf"(?<![\w-])({'|'.join(stems)})(?![\w-])" if stems else r"(?!)", re.IGNORECASE)

    def without_typed(self, text: str) -> str:
        """Take out of a text the digits that may be typed."""
        for pattern in self.digits.values():
            text = re.sub(pattern, "", text)
        return text


def read(path: Path) -> Words:
    """Read the words of a paper, beside those of the engine.

    Parameters
    ----------
    path : Path
        The paper's ``words.yml``; need not be there. A kind in it takes the place of the engine's kind of that name.

    Returns
    -------
    Words

    Raises
    ------
    FaultsError
        With every fault found: key, rule.
    """
    usual = read_yaml(USUAL, Words)
    if not path.exists():
        return usual
    own = read_yaml(path, Words)
    return Words(
        judging=usual.judging | own.judging,
        digits=usual.digits | own.digits,
        exempt=own.exempt,
        why=usual.why | own.why,
        numerals=own.numerals or usual.numerals,
    )
