"""The facts of the protocol: those that are given, and no others."""

import pytest

from trialbook.analysis import protocol

pytestmark = pytest.mark.filterwarnings("error")


def test_facts_that_are_not_given_have_no_row(copy):
    copy.facts(lambda given: [given.pop(key) for key in ("registration", "intervention", "funding")])
    keys = {row.key for row in protocol.facts(copy.read())}
    assert not [key for key in keys if key.startswith(("trial.registration", "exposure", "trial.funding"))]
    assert {"trial.study", "visits.final", "cd4.unit"} <= keys
    assert "cd4cd8.unit" not in keys
