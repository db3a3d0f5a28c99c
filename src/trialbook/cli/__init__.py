"""The command line, one step a command: ``trialbook --help`` lists them, and ``make`` calls them in turn."""

import argparse
import sys
import time
from os.path import relpath
from pathlib import Path

from trialbook.errors import SHOWN, UserError

NOTEBOOKS, OWN = Path("notebooks"), Path("data/nk_inr")


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

    disclose = steps.add_parser("disclose", help="check that nothing to be published tells of a participant")
    disclose.add_argument("trial", type=Path)
    disclose.add_argument("executed", type=Path)
    disclose.set_defaults(step=_disclose, title=lambda a: f"checking what {a.executed} discloses")

    book = steps.add_parser("book", help="build the book from its prose and the executed notebooks")
    book.add_argument("source", type=Path)
    book.add_argument("output", type=Path)
    book.add_argument("--builder", default="html")
    book.add_argument("--trial", type=Path, default=OWN, help="the folder of its data, of which it gives the hash")
    book.add_argument("--draft", action="store_true", help="show a missing result instead of failing")
    book.set_defaults(step=_book, title=lambda a: f"building the book ({a.builder})")

    word = steps.add_parser("word", help="build the paper as a Word document")
    word.add_argument("source", type=Path)
    word.add_argument("output", type=Path)
    word.set_defaults(step=_word, title=lambda a: "building the paper for Word")

    accept = steps.add_parser("accept", help="lock the numbers of a built book as they are")
    accept.add_argument("trial", type=Path)
    accept.add_argument("site", type=Path)
    accept.add_argument("lock", type=Path)
    accept.set_defaults(step=_accept, title=lambda a: f"accepting the numbers of {a.site}")

    diff = steps.add_parser("diff", help="tell which numbers and sentences changed between two editions of the paper")
    diff.add_argument("before", help="a revision of git, a results.json or a numbers lock")
    diff.add_argument("now", help="another of these")
    diff.add_argument("--output", type=Path, default=Path("_build"), help="gets diff.html and diff.md")
    diff.set_defaults(step=_diff, title=lambda a: f"comparing {a.before} with {a.now}")

    verify = steps.add_parser("verify", help="compute the paper anew, and compare its numbers with the lock")
    verify.add_argument("trial", type=Path)
    verify.add_argument("lock", type=Path)
    verify.add_argument("output", type=Path, help="gets receipt.html and receipt.json")
    verify.add_argument("--trials", type=int, help="to simulate, of each parameter; else as many as a book has")
    verify.add_argument("--draft", action="store_true", help="the paper may lack results")
    verify.set_defaults(step=_verify, title=lambda a: f"computing the paper of {a.trial} anew")

    mutate = steps.add_parser("mutate", help="find the numbers of the results that no change of the data moves")
    mutate.add_argument("trial", type=Path)
    mutate.add_argument("site", type=Path)
    mutate.add_argument("--cores", type=int, default=2)
    mutate.add_argument("--mutant", action="append", help="only this one, or several: arms_permuted, values_shifted …")
    mutate.add_argument("--notebook", action="append", help="only the numbers of this one, or of several")
    mutate.set_defaults(step=_mutate, title=lambda a: f"running the notebooks on mutants of {a.trial}")
    return parser


def _validate(arguments):
    from trialbook.analysis import reconciliation
    from trialbook.trial.model import read_trial

    found = read_trial(arguments.folder)
    reconciliation.read(arguments.folder)
    return f"{found.facts.study} is valid: {len(found.adsl)} participants in two arms"


def _run(arguments):
    import yaml

    from trialbook.workflow import notebook

    given = {name: yaml.safe_load(value) for name, value in arguments.parameter}
    notebook.run(arguments.notebook, arguments.output, given)
    return f"ran {arguments.notebook.stem}"


def _disclose(arguments):
    from trialbook.checks import disclosure
    from trialbook.trial.model import read_trial

    return disclosure.check(read_trial(arguments.trial), arguments.executed)


def _book(arguments):
    from trialbook.workflow import book

    if arguments.source != Path("."):
        book.stage(Path("."), arguments.source)
    lists = book.build(
        arguments.source, arguments.output, arguments.builder, draft=arguments.draft, trial=arguments.trial
    )
    said = {"not_available": "results are not available", "false_claims": "claims do not hold"}
    for name, lines in lists.items():
        if lines:
            print(f"  draft: {len(lines)} {said[name]} (all in {arguments.output}/{name}.txt):")
            print("\n".join([f"    {line}" for line in lines[:SHOWN]] + ["    …"] * (len(lines) > SHOWN)))
    return f"built {arguments.output}"


def _word(arguments):
    from trialbook.workflow import book

    book.word(arguments.source, arguments.output)
    return f"built {arguments.output}"


def _accept(arguments):
    from trialbook.editions import lock

    accepted = lock.of_site(arguments.site / "results.json", arguments.trial)
    lock.write(accepted, arguments.lock)
    return f"locked {len(accepted.numbers)} numbers in {arguments.lock}"


def _diff(arguments):
    from trialbook.editions import changes, report

    found = changes.compare(changes.edition(arguments.before), changes.edition(arguments.now))
    arguments.output.mkdir(parents=True, exist_ok=True)
    site = relpath(Path(arguments.now).parent, arguments.output)  # of the sentences that have an anchor
    for name in ("diff.html", "diff.md"):
        (arguments.output / name).write_text(report.page(name, changes=found, site=site), "utf8")
    print("\n".join(report.lines(found)))
    return f"wrote {arguments.output}/diff.html and diff.md"


def _verify(arguments):
    from trialbook.editions import receipt

    found = receipt.verify(
        arguments.trial, arguments.lock, arguments.output, trials=arguments.trials, draft=arguments.draft
    )
    print(f"  the receipt is {arguments.output}/receipt.html")
    found.check()
    return found.changes.summary


def _mutate(arguments):
    from trialbook.checks import mutation

    a = arguments
    print(mutation.check(a.trial, a.site, a.cores, a.mutant, a.notebook))
    return "every number of the results follows the data, or need not"
