"""The command line: ``trialbook validate | run | book``; ``make`` calls it, step by step."""

import argparse
import sys
import time
from pathlib import Path

from trialbook.faults import SHOWN, UserError

# jsonschema tries to import it, for addresses that no file here has, and it takes longer than all the rest
sys.modules["rfc3987_syntax"] = None


def main(argv=None):
    """Run one step and say how long it took; a user's mistake is said in words and ends with status 1."""
    arguments = _parser().parse_args(argv)
    start = time.perf_counter()
    print(f"· {arguments.title(arguments)} …", flush=True)
    try:
        done = arguments.step(arguments)
    except UserError as error:
        print(f"\n{error}\n", file=sys.stderr)
        return 1
    print(f"✓ {done} ({time.perf_counter() - start:.1f} s)", flush=True)
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="trialbook", description="A trial paper whose every number is computed from the data."
    )
    steps = parser.add_subparsers(required=True, metavar="STEP")

    validate = steps.add_parser("validate", help="check a trial's files, and say every fault at once")
    validate.add_argument("folder", type=Path)
    validate.set_defaults(step=_validate, title=lambda a: f"validating {a.folder}")

    run = steps.add_parser("run", help="run one notebook with Papermill")
    run.add_argument("notebook", type=Path)
    run.add_argument("output", type=Path)
    run.add_argument("-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    run.set_defaults(step=_run, title=lambda a: f"running {a.notebook.stem}")

    book = steps.add_parser("book", help="build the book from its prose and the executed notebooks")
    book.add_argument("source", type=Path)
    book.add_argument("output", type=Path)
    book.add_argument("--builder", default="html")
    book.add_argument("--draft", action="store_true", help="show a missing result instead of failing")
    book.set_defaults(step=_book, title=lambda a: f"building the book ({a.builder})")
    return parser


def _validate(arguments):
    from trialbook import reconciliation, trial

    found = trial.read(arguments.folder)
    reconciliation.read(arguments.folder)
    return f"{found.facts.study} is valid: {len(found.adsl)} participants in two arms"


def _run(arguments):
    from trialbook import notebook

    notebook.run(arguments.notebook, arguments.output, dict(arguments.parameter))
    return f"ran {arguments.notebook.stem}"


def _book(arguments):
    from trialbook import book

    if arguments.source != Path("."):
        book.stage(Path("."), arguments.source)
    missing = book.build(arguments.source, arguments.output, arguments.builder, arguments.draft)
    if missing:
        listed = [f"    {line}" for line in missing[:SHOWN]] + ["    …"] * (len(missing) > SHOWN)
        print(f"  draft: {len(missing)} results are not available (all in {arguments.output}/not_available.txt):")
        print("\n".join(listed))
    return f"built {arguments.output}"
