"""Tell which numbers and sentences changed between two editions of the paper.

An edition is a revision of git, a results.json or a numbers lock.
Without any, the numbers as accepted are compared with those of the book, brought up to date.
"""

from argparse import ArgumentParser, Namespace
from os.path import relpath
from pathlib import Path

from trialbook import provenance
from trialbook.cli import options
from trialbook.editions import changes, report
from trialbook.editions.changes import Edition
from trialbook.errors import UserError
from trialbook.project import Project

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
    project = options.project(given) if given.now else options.built(given)
    before, now = given.before or str(project.lock), given.now or str(project.site / "results.json")
    found = changes.compare(edition(project, before), edition(project, now))
    folder = given.report or project.output
    folder.mkdir(parents=True, exist_ok=True)
    site = relpath(Path(now).parent, folder)  # of the sentences that have an anchor
    for name in ("diff.html", "diff.md"):
        (folder / name).write_text(report.page(name, changes=found, site=site), "utf8")
    print("\n".join(report.lines(found)))
    return f"wrote {folder}/diff.html and diff.md"


def edition(project: Project, name: str) -> Edition:
    """Find an edition of a paper by what names it."""
    if name.endswith(".lock.json"):
        return changes.of_lock(name, Path(name), project.texts(), project.claims)
    if name.endswith(".json"):
        return changes.of_site(name, Path(name))
    commit = provenance.commit(project.root, name)
    if not commit:
        raise UserError(f"{name}: neither a file (results.json or a numbers lock) nor a revision that git knows")
    with provenance.checkout(project.root, commit) as folder:
        then = project.moved(folder)
        if not then.lock.exists():
            lock = then.lock.relative_to(folder)
            raise UserError(f"{name}: this revision has no {lock}, so its numbers are not known")
        return changes.of_lock(f"{name} ({commit[:12]})", then.lock, then.texts(), then.claims)
