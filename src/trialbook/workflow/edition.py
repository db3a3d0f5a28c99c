"""An edition of a project's paper, by what names it."""

from pathlib import Path

from trialbook import provenance
from trialbook.editions import changes
from trialbook.editions.changes import Edition
from trialbook.errors import UserError
from trialbook.project import Project


def edition(project: Project, name: str) -> Edition:
    """Find an edition of a paper.

    Parameters
    ----------
    project : Project
    name : str
        A ``results.json``, a numbers lock, whose sentences are those of the project as it stands, or a revision of git,
        whose lock and prose are read.

    Returns
    -------
    Edition

    Raises
    ------
    UserError
        If it is none of these, or the revision has no lock.
    """
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
