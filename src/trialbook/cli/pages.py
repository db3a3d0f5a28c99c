"""Write the pages of the book from its prose and from the executed notebooks as they stand.

The last step of `trialbook build`, which checks first that the notebooks are up to date and disclose nothing.
"""

from argparse import ArgumentParser, Namespace

from trialbook import files
from trialbook.cli import options
from trialbook.errors import SHOWN

TITLE = "writing the pages"
EXAMPLE = "trialbook pages"
LACKS = {"not_available": "results are not available", "false_claims": "claims do not hold"}


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.of_project(parser)
    options.of_output(parser)
    options.of_draft(parser)
    parser.add_argument("--builder", choices=("html", "latex"), default="html", help="for a browser, or for TeX")


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.workflow import book
    from trialbook.workflow.current import Current

    project = options.project(given)
    current = Current(project, given.draft)
    current.refuse_old()
    made_of = current.of_pages  # before they are read: what changes meanwhile makes them due again
    folder = project.output / given.builder
    lists = book.build(project, folder, given.builder, draft=given.draft)
    for name, lines in lists.items():
        if lines:
            print(f"  draft: {len(lines)} {LACKS[name]} (all in {folder}/{name}.txt):")
            print("\n".join([f"    {line}" for line in lines[:SHOWN]] + ["    …"] * (len(lines) > SHOWN)))
    if given.builder == "html":
        files.replace(current.built, f"{made_of}\n{current.of_site()}\n")
    return f"built {folder}"
