"""The picture of the architecture shows every room, and the imports that the rules allow: no more and no fewer."""

import re
import xml.etree.ElementTree as ElementTree
from itertools import permutations
from pathlib import Path

import generated_tables
import pytest

import trialbook

pytestmark = pytest.mark.unit
ENGINE = Path(trialbook.__file__).parent
ROOMS = {path.parent.name for path in ENGINE.glob("*/__init__.py")} | {path.stem for path in ENGINE.glob("[!_]*.py")}
# whose imports the picture says without arrows
IN_WORDS = {"cli", "workflow", "template", "errors", "files", "yamlfile", "provenance"}


@pytest.fixture(scope="module")
def picture():
    return ElementTree.parse(Path(generated_tables.__file__).parent / "rooms.svg").getroot()


@pytest.fixture(scope="module")
def arrows(picture):
    return [path for path in picture.findall(".//{*}path") if "data-from" in path.attrib]


def allowed():
    """The pairs of rooms of which one may import the other, each with the modules that this is limited to, if any."""
    layers, *prohibitions = generated_tables.contracts()
    rank = {room.strip(" ()"): place for place, layer in enumerate(layers["layers"]) for room in layer.split("|")}
    found = {pair: "" for pair in permutations(rank, 2) if rank[pair[0]] < rank[pair[1]]}
    for rule in prohibitions:
        excepted = [[path.split(".")[1:] for path in line.split(" -> ")] for line in rule.get("ignore_imports", [])]
        for source in (module.split(".")[1] for module in rule["source_modules"] if module.count(".") == 1):
            for room, *part in (module.split(".")[1:] for module in rule["forbidden_modules"]):
                limits = [".".join(what) for who, what in excepted if (who[0], what[0]) == (source, room)]
                limits += [f"not {room}.{part[0]}"] if part else []
                if limits:
                    found[source, room] = limits[0]
                else:
                    found.pop((source, room), None)
    return found


def boxes(picture):
    """The box of each room that has one of its own."""
    groups = {group.get("id"): group.find("{*}rect") for group in picture.findall(".//{*}g[@id]")}
    return {room: [float(box.get(side)) for side in ("x", "y", "width", "height")] for room, box in groups.items()}


def corners(path):
    """The points of a path of horizontal and vertical lines."""
    x, y, *steps = re.findall(r"[HV]?[\d.]+", path)
    points = [(float(x), float(y))]
    for step in steps:
        x, y = points[-1]
        points.append((float(step[1:]), y) if step[0] == "H" else (x, float(step[1:])))
    return points


def test_every_room_stands_in_the_picture(picture):
    words = " ".join(picture.itertext())
    assert {room for room in ROOMS if room not in words} == set()
    assert boxes(picture).keys() - {"base"} == ROOMS - {"errors", "files", "yamlfile", "provenance"}


def test_there_is_an_arrow_for_every_import_that_the_rules_allow_and_for_no_other(arrows):
    drawn = {(arrow.get("data-from"), arrow.get("data-to")): arrow.get("data-only", "") for arrow in arrows}
    expected = {pair: only for pair, only in allowed().items() if not IN_WORDS & set(pair)}
    assert drawn.keys() == expected.keys()
    assert {pair: only for pair, only in drawn.items() if only != expected[pair]} == {
        ("sphinx", "displays"): "displays.tables"  # which the rules say the other way round: no figures
    }


def test_an_arrow_begins_at_the_room_that_imports_and_ends_at_the_one_imported(picture, arrows):
    for arrow in arrows:
        points = corners(arrow.get("d"))
        for room, point in ((arrow.get("data-from"), points[0]), (arrow.get("data-to"), points[-1])):
            x, y, width, height = boxes(picture)[room]
            assert x <= point[0] <= x + width and y <= point[1] <= y + height, (room, arrow.attrib)
    assert arrows
