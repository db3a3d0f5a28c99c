"""Verdicts that a result may be: each renders its own words, and is compared as a member, never as a sentence."""

from enum import StrEnum


class Level(StrEnum):
    """Whether a test keeps its nominal level."""

    KEPT = "keeps its level"
    TOO_OFTEN = "rejects too often"
    TOO_SELDOM = "rejects too seldom"
    UNKNOWN = "cannot be told from this many trials"


def leaves_out_zero(interval: list[float]) -> bool:
    """Tell whether zero lies outside an interval."""
    return interval[0] > 0 or interval[1] < 0


class Finding(StrEnum):
    """What a check of published figures among themselves finds."""

    POSSIBLE = "possible"
    NOT_POSSIBLE = "not possible"
    CONSISTENT = "consistent"
    NOT_CONSISTENT = "not consistent"
