"""The grammar of keys: each key of a book matches one pattern."""

import re

import generated_tables
import pytest
import yaml

from trialbook.analysis import adverse_events, exposure, flow, missing_data, records
from trialbook.trial import config

pytestmark = pytest.mark.paper
TOPICS = yaml.safe_load(generated_tables.PATTERNS.read_text("utf8"))
PARTS = TOPICS.pop("parts")
PATTERNS = [pattern for topic in TOPICS.values() for pattern in topic]


class Grammar:
    """The patterns, with the arms, parameters and visits of one trial."""

    def __init__(self, keys):
        named = {"arm": r"arm\.(\w+)\.label", "parameter": r"(\w+)\.paramcd", "visit": r"visits\.(\w+)\.avisitn"}
        self.words = {
            what: [match[1] for key in keys if (match := re.fullmatch(pattern, key))] for what, pattern in named.items()
        }
        self.patterns = {pattern: re.compile(self.compiled(pattern)) for pattern in PATTERNS}

    def compiled(self, pattern):
        """A pattern as a regular expression."""
        pieces = re.split(r"<(\w+)>", pattern)
        return "".join(self.part(piece) if place % 2 else re.escape(piece) for place, piece in enumerate(pieces))

    def part(self, name):
        """What stands in angle brackets as a regular expression."""
        part = PARTS[name]
        if part.get("from") == "key":
            return "(?P<key>.+)"
        words = self.words[part["from"]] if "from" in part else part.get("any")
        if words:
            return f"(?:{'|'.join(self.compiled(word) for word in words)})"
        return rf"(?!(?:{'|'.join(part.get('but', ['$']))})(?:\.|$))\w+"

    def matching(self, key):
        """The patterns that a key matches; a key within it must match one too."""
        matches = {pattern: compiled.fullmatch(key) for pattern, compiled in self.patterns.items()}
        within = {pattern: match.groupdict().get("key") for pattern, match in matches.items() if match}
        return [pattern for pattern, inner in within.items() if inner is None or self.matching(inner)]


def test_each_key_of_the_book_matches_one_pattern(site):
    grammar = Grammar(site.results)
    assert {key: found for key in site.results if len(found := grammar.matching(key)) != 1} == {}


def test_each_pattern_is_that_of_a_key_of_some_trial(site, copy):
    copy.facts(lambda facts: facts.update(screened=25))
    copy.cell("adsl", 4, "SAFFL", "N")
    copy.rows("adlb", lambda table: (table["USUBJID"] != "NKINR-002") | (table["AVISITN"] != "24"))
    trial = copy.read()
    keys = {*site.results}
    for analysis in (flow.flow, exposure.exposure, missing_data.patterns, records.account):
        keys |= {row.key for row in analysis(trial)}
    copy.facts(lambda facts: facts["intervention"].update(given="daily"))
    keys |= {row.key for row in exposure.exposure(copy.read())}
    grammar = Grammar(keys)
    assert set(PATTERNS) - {pattern for key in keys for pattern in grammar.matching(key)} == set()


def test_a_key_of_no_pattern_is_found():
    grammar = Grammar(["arm.one.label", "cd4.paramcd", "visits.baseline.avisitn"])
    assert grammar.matching("cd4.baseline.one.mean") == ["<paramcd>.<visit>.<arm>.<summary>"]
    assert grammar.matching("cd4.baseline.two.mean") == grammar.matching("cd4.baseline.one.maen") == []
    assert grammar.matching("cd4.baseline.one.mean.second") == ["<key>.second"]
    assert grammar.matching("cd4.baseline.two.mean.second") == []


def test_no_parameter_may_be_called_as_keys_of_the_books_own_begin():
    assert {pattern.split(".")[0] for pattern in PATTERNS} - {"<key>", "<paramcd>"} == config.OWN


def test_no_preferred_term_takes_a_key_of_something_else():
    assert {*PARTS["term"]["but"]} == adverse_events.RESERVED - {*adverse_events.OVERALL}
