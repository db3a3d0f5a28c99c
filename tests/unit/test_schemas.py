"""The schemas for editors: they take every file that the engine takes, and refuse what it refuses of the keys."""

import json

import pytest
import yaml
from builds import ROOT
from conftest import TRIALS
from jsonschema import Draft202012Validator

from trialbook.template import schemas

MADE = schemas.schemas()


class Loader(yaml.SafeLoader):
    """Reads YAML 1.2, as editors do: yes and no are texts."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in known if not (tag.endswith(":bool") and first in "yYnNoO")]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
OURS = {
    "trial": [ROOT / "data/nk_inr/trial.yml", *sorted(TRIALS.glob("*/trial.yml"))],
    "published": [ROOT / "data/nk_inr/published.yml"],
    "claims": [ROOT / "book/claims.yml"],
    "consort": [ROOT / "book/consort.yml"],
    "scenarios": [ROOT / "notebooks/scenarios.yml"],
}


def faults(name, content):
    plain = json.loads(json.dumps(content))  # keys are texts
    return [
        error.message for error in Draft202012Validator(json.loads(MADE[f"schemas/{name}.json"])).iter_errors(plain)
    ]


@pytest.mark.parametrize("name", OURS)
def test_the_files_that_there_are_are_taken(name):
    for path in OURS[name]:
        assert faults(name, yaml.load(path.read_text("utf8"), Loader)) == [], path


@pytest.mark.parametrize("name", ["trial", "published", "scenarios"])
def test_an_unknown_key_is_refused(name):
    content = yaml.safe_load(OURS[name][0].read_text("utf8")) | {"colour": "red"}
    assert any("colour" in fault for fault in faults(name, content))


def test_every_key_of_trial_yml_is_described():
    schema = json.loads(MADE["schemas/trial.json"])
    parts = [schema, *schema["$defs"].values()]
    assert all(
        "description" in about or "$ref" in about or "allOf" in about
        for part in parts
        for about in part["properties"].values()
    )


def test_an_editor_is_told_which_schema_is_whose():
    told = json.loads(MADE[".vscode/settings.json"])["yaml.schemas"]
    assert {path.removeprefix("./") for path in told} == {name for name in MADE if name.startswith("schemas/")}
