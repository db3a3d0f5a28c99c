"""Draw the synthetic data many times, analyse every draw, and write what they say of each result as evidence.json.

Draws are kept below the output folder until the generator or a published figure changes. On several machines that see
this folder, each makes a share of them first.
"""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from time import perf_counter

from trialbook.cli import options
from trialbook.project import Project

TITLE = "drawing the synthetic data many times"
EXAMPLE = "trialbook draws --share 2/8"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.of_cores(parser, "processes at once")
    share = "make this share of the draws and stop, such as 2/8, the second of eight"
    parser.add_argument("--share", type=_share, metavar="PART/PARTS", help=share)


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.workflow import draws

    project = Project.find()
    start = perf_counter()
    folders = draws.draw(project, share=given.share or (1, 1), cores=given.cores)
    if given.share:
        return f"{len(folders)} draws stand in {folders[0].parent}"
    drawn = perf_counter()
    found = draws.analyse(project, folders, cores=given.cores)
    draws.write(found, project.evidence)
    print(f"· drawn in {drawn - start:.0f} s, analysed in {perf_counter() - drawn:.0f} s")
    return f"wrote {project.evidence}: {len(found.rows):,} results of {found.draws} draws"


def _share(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise ArgumentTypeError(f"{text!r} is not a share such as 2/8")
    return int(part), int(parts)
