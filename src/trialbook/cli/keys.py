"""List the results of the book as it stands: key, value, and the words to place it by.

A pattern such as `cd4.final.*` takes those that match; a word without a star, those whose key or label holds it.
"""

import json
from argparse import ArgumentParser, Namespace
from fnmatch import fnmatchcase
from typing import Any

from trialbook.cli import options
from trialbook.errors import UserError

TITLE = "listing results"
EXAMPLE = "trialbook keys 'cd4.final.*'"
OWN_ROLES = {"p", "ci"}  # statistics that have a role of their name; any other is placed as a number


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.of_project(parser)
    parser.add_argument("pattern", nargs="?", default="*", help="which keys (default: all)")


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    project = options.project(given)
    results = project.site / "results.json"
    if not results.exists():
        raise UserError(f"{results}: there is no book yet\n      → build it: trialbook build")
    rows = json.loads(results.read_text("utf8"))
    found = [row for row in rows if _matches(row, given.pattern)]
    if not found:
        raise UserError(
            f"no result matches {given.pattern!r}\n      → look for a part of its name: trialbook keys final"
        )
    widths = [max(len(part) for part in parts) for parts in zip(*map(_parts, found), strict=True)]
    for row in found:
        print("  " + "  ".join(part.ljust(width) for part, width in zip(_parts(row), widths, strict=True)).rstrip())
    return f"{len(found)} of {len(rows)} results"


def _matches(row: dict[str, Any], pattern: str) -> bool:
    if "*" in pattern or "?" in pattern:
        return fnmatchcase(row["key"], pattern)
    return pattern.casefold() in f"{row['key']} {row.get('label') or ''} {row.get('parameter') or ''}".casefold()


def _parts(row: dict[str, Any]) -> tuple[str, str, str]:
    """The key of a result, its value with unit, and the role that places it."""
    value = " ".join(filter(None, [row["display"], row.get("unit") if row.get("value") is not None else ""]))
    role = row["statistic"] if row["statistic"] in OWN_ROLES else "num"
    placed = row["key"].removesuffix(".ci") if role == "ci" else row["key"]  # an interval, by the key of its estimate
    return row["key"], value[:60], f"{{{role}}}`{placed}`"
