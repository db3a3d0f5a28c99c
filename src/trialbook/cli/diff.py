"""Tell which numbers and sentences changed between two editions of the paper.

An edition is a revision of git, a results.json or a numbers lock.
Without any, the numbers as accepted are compared with those of the book, brought up to date.
"""

from argparse import ArgumentParser, Namespace
from os.path import relpath
from pathlib import Path

from trialbook import files
from trialbook.cli import options

TITLE = "comparing two editions"
EXAMPLE = """trialbook diff
  trialbook diff v1 HEAD"""


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.of_build(parser)
    parser.add_argument("before", nargs="?", help="an edition (default: the numbers lock)")
    parser.add_argument("now", nargs="?", help="another (default: the book, brought up to date)")
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="gets diff.html and diff.md")


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.editions import report
    from trialbook.editions.changes import compare
    from trialbook.workflow.edition import edition

    project = options.project(given) if given.now else options.built(given)
    before, now = given.before or str(project.lock), given.now or str(project.site / "results.json")
    found = compare(edition(project, before), edition(project, now))
    folder = given.report or project.output
    folder.mkdir(parents=True, exist_ok=True)
    site = relpath(Path(now).parent, folder)  # of the sentences that have an anchor
    for name in ("diff.html", "diff.md"):
        files.replace(folder / name, report.page(name, changes=found, site=site))
    print("\n".join(report.lines(found)))
    return f"wrote {folder}/diff.html and diff.md"
