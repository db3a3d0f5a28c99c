"""The files of a paper as an editor checks them while they are written: a JSON schema for each."""

import json

from pydantic import BaseModel

from trialbook.analysis.reconciliation import Published
from trialbook.analysis.scenarios import Scenarios
from trialbook.claims.claims import Claims
from trialbook.claims.consort import Items
from trialbook.trial.config import Facts

FOLDER = "schemas"
OF: dict[str, type[BaseModel]] = {
    "data/trial.yml": Facts,
    "data/published.yml": Published,
    "book/claims.yml": Claims,
    "book/consort.yml": Items,
    "notebooks/scenarios.yml": Scenarios,
}


def schemas() -> dict[str, str]:
    """Write the schemas, and the settings by which an editor finds them.

    Returns
    -------
    dict of str to str
        The text of each file by its path in the project.
    """
    made, found = {}, {}
    for file, model in OF.items():
        name = f"{FOLDER}/{file.rpartition('/')[2].removesuffix('.yml')}.json"
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
        made[name] = json.dumps(schema, ensure_ascii=False, indent=1) + "\n"
        found[f"./{name}"] = file
    return made | {".vscode/settings.json": json.dumps({"yaml.schemas": found}, indent=2) + "\n"}
