"""Write anew what `trialbook new` wrote, with the facts of trial.yml as they are now and the template of this engine.

Changes of the authors stay: each file is merged, and where both changed the same passage both stand, with marks.
"""

from argparse import ArgumentParser, Namespace

from trialbook.errors import UserError

TITLE = "taking up facts and template"
EXAMPLE = "trialbook update"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command, of which there are none."""


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.project import Project
    from trialbook.template import update, write
    from trialbook.trial.model import read_trial

    project = Project.find()
    if not (project.root / update.KEPT).exists():
        remedy = "only a paper that trialbook new has written can be updated"
        raise UserError(f"{project.root}: holds no {update.KEPT}\n      → {remedy}")
    changed = update.update(project.root, write.paper(read_trial(project.trial)), write.engine())
    told = {"wrote": changed.written, "merged": changed.merged, "removed": changed.removed}
    for what, names in told.items():
        for name in names:
            print(f"  {what} {name}")
    if changed.conflicts:
        listed = "\n".join(f"  {name}" for name in changed.conflicts)
        remedy = "look for <<<<<<< in each, keep what is right, and take the marks out"
        raise UserError(
            f"you and the template changed the same passages, and both stand now:\n{listed}\n      → {remedy}"
        )
    return "the paper is up to date" if not any(told.values()) else "took up what changed"
