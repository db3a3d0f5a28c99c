"""Compute everything anew from the data, compare the numbers with those accepted, and leave a receipt."""

from argparse import ArgumentParser, Namespace

from trialbook.cli import options

TITLE = "computing the paper anew"
EXAMPLE = "trialbook verify"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.of_build(parser)


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.workflow.verify import verify

    project = options.project(given)
    receipt = verify(project, cores=given.cores, draft=given.draft)
    print(f"  the receipt is {project.output}/receipt.html")
    receipt.check()
    return receipt.changes.summary
