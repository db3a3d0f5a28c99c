"""The command line, one step a command: ``trialbook --help`` lists them, and ``make`` calls them in turn."""

import argparse
import sys
import time
from os.path import relpath
from pathlib import Path

from trialbook.faults import SHOWN, UserError

# jsonschema tries to import it, for addresses that no file here has, and it takes longer than all the rest
sys.modules["rfc3987_syntax"] = None
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

    scenarios = steps.add_parser("scenarios", help="run the efficacy notebook under the prespecified scenarios")
    scenarios.add_argument("trial", type=Path)
    scenarios.add_argument("output", type=Path)
    scenarios.add_argument("--part", default="1-of-1", help="which share of them, such as 2-of-4")
    scenarios.set_defaults(step=_scenarios, title=lambda a: f"running scenarios, part {a.part}")

    operate = steps.add_parser("operate", help="simulate trials like this one, and count what each method finds")
    operate.add_argument("trial", type=Path)
    operate.add_argument("output", type=Path)
    operate.add_argument("--trials", type=int, default=40_000, help="of each parameter, over all parts")
    operate.add_argument("--part", default="1-of-1", help="which share of them, such as 2-of-4")
    operate.set_defaults(step=_operate, title=lambda a: f"simulating trials, part {a.part}")

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


def _scenarios(arguments):
    from trialbook import notebook, scenarios, trial

    part, parts = _share(arguments.part)
    chosen = scenarios.read(NOTEBOOKS / "scenarios.yml", trial.read(arguments.trial))[part - 1 :: parts]
    runs = scenarios.runs(chosen, relpath(arguments.trial, NOTEBOOKS))
    notebook.run_all(NOTEBOOKS / "03_efficacy.ipynb", arguments.output, runs)
    return f"ran {len(runs)} scenarios"


def _operate(arguments):
    from trialbook import operating, trial

    counted = operating.count(trial.read(arguments.trial), arguments.trials, *_share(arguments.part))
    operating.write(counted, arguments.output)
    return f"simulated {sum(own.get('trials', 0) for own in counted.values()):,} trials"


def _share(text):
    """Read which share of how many, from the form in which Snakemake scatters: ``2-of-4``."""
    part, _, parts = text.partition("-of-")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise UserError(f"--part {text}: must be a share such as 2-of-4")
    return int(part), int(parts)


def _disclose(arguments):
    from trialbook import disclosure, facts

    return disclosure.check(arguments.trial, facts.read_facts(arguments.trial), arguments.executed)


def _book(arguments):
    from trialbook import book

    if arguments.source != Path("."):
        book.stage(Path("."), arguments.source)
    missing = book.build(
        arguments.source, arguments.output, arguments.builder, draft=arguments.draft, trial=arguments.trial
    )
    if missing:
        listed = [f"    {line}" for line in missing[:SHOWN]] + ["    …"] * (len(missing) > SHOWN)
        print(f"  draft: {len(missing)} results are not available (all in {arguments.output}/not_available.txt):")
        print("\n".join(listed))
    return f"built {arguments.output}"


def _word(arguments):
    from trialbook import book

    book.word(arguments.source, arguments.output)
    return f"built {arguments.output}"
