"""The words that tables and figures share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialbook.results.formats import NOT_ESTIMABLE

if TYPE_CHECKING:
    from trialbook.results.row import Result
    from trialbook.trial.config import BaselineVariable, Parameter
    from trialbook.trial.model import Trial

SPANS = {"final": "Final visit", "follow_up": "All follow-up visits"}
NOT_COLLECTED = "not collected"


def sentence(text: str) -> str:
    """Begin a sentence: the first letter large, the others as they are."""
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """Go on in a sentence: the first letter small, the others as they are."""
    return text[:1].lower() + text[1:]


def said_p(display: str) -> str:
    """Write a P value as in a sentence."""
    return display if display == NOT_ESTIMABLE else f"P {'' if display[0] in '<>' else '= '}{display}"


def how(row: Result) -> str:
    """Say how a result was computed, or why there is none."""
    return f"{row.display}: {row.reason}" if row.reason else row.method


def measured(row: Result) -> str:
    """Write a result with its unit; one that there is not has none."""
    return row.display if row.value is None else f"{row.display} {row.unit}".rstrip()


def named(parameter: Parameter | BaselineVariable) -> str:
    """Name what was measured with its unit: ``CD4 count, cells/μL``."""
    return f"{parameter.label}, {parameter.unit}" if parameter.unit else parameter.label


def contrast(trial: Trial) -> str:
    """Say which way differences go: ``NK + ART minus ART``."""
    test, reference = trial.arms
    return f"{test.label} minus {reference.label}"
