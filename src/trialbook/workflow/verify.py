"""A verification: the paper is computed anew from its data, and its numbers are compared with those accepted."""

import shutil
import time
from dataclasses import replace

from trialbook import provenance
from trialbook.editions import changes, lock
from trialbook.editions.receipt import Receipt
from trialbook.project import Project
from trialbook.workflow import plan
from trialbook.workflow.make import make


def verify(project: Project, cores: int = 2, draft: bool = False) -> Receipt:
    """Compute a paper anew, compare its numbers with those that were accepted, and write the receipt.

    What is computed is a draft: a claim that does not hold must not keep from us which numbers made it so.

    Parameters
    ----------
    project : Project
        Its output gets the receipt, and under ``verify`` all that is computed; nothing from before is used.
    cores : int
    draft : bool
        Whether the paper may lack results.

    Returns
    -------
    Receipt

    Raises
    ------
    WorkflowError
        If the book cannot be built.
    LockError
        If there is no lock to compare with.
    """
    start = time.perf_counter()
    lock.read(project.lock)  # before all that takes time
    anew = replace(project, output=project.output / "verify")
    shutil.rmtree(anew.output, ignore_errors=True)
    make(anew, cores=cores, draft=True)
    found = compare(anew, draft, time.perf_counter() - start)
    found.write(project.output)
    return found


def compare(project: Project, draft: bool = False, seconds: float = 0.0) -> Receipt:
    """Compare the numbers of a built book with those that were accepted.

    Parameters
    ----------
    project : Project
        Its book is a draft.
    draft : bool
        Whether the paper may lack results.
    seconds : float
        That it took to compute.

    Returns
    -------
    Receipt
    """
    before = changes.of_lock(project.lock.name, project.lock, project.texts(), project.claims)
    now = changes.of_site("the paper computed anew", project.site / "results.json", project.data)
    revision = provenance.revision(project.root, plan.code(project))
    return Receipt.of(before, now, None if draft else project.site, project.requirements, revision, seconds)
