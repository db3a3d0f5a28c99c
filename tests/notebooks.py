"""Executed notebooks as tests want them: without a kernel, each cell showing what it is given."""

import json


def output(thing):
    """What a notebook keeps of a thing that is shown; of a text, that it was printed; of a dict, the dict itself."""
    if isinstance(thing, dict):
        return thing
    if isinstance(thing, str):
        return {"output_type": "stream", "name": "stdout", "text": thing}
    if hasattr(thing, "_repr_mimebundle_"):
        bundle = thing._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    else:
        data, metadata = {"text/plain": repr(thing), "text/html": thing._repr_html_()}, {}
    return {"output_type": "display_data", "data": data, "metadata": metadata}


def write(path, cells, source=""):
    """Write an executed notebook; `cells` has what each shows by its id, after a cell of prose."""
    made = [{"cell_type": "markdown", "id": "prose", "source": ["# A title\n", "\n", "Prose."], "metadata": {}}]
    for name, shown in cells.items():
        outputs = [output(thing) for thing in shown]
        common = {"cell_type": "code", "id": name, "source": source, "metadata": {}, "execution_count": 1}
        made.append({**common, "outputs": outputs})
    path.write_text(json.dumps({"cells": made, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}), "utf8")
    return path
