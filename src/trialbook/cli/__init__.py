"""The command line: one module a command, found by ``trialbook --help``; ``make`` calls it."""

import argparse
import errno
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import chdir
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path

import trialbook
from trialbook.errors import UserError
from trialbook.workflow.warm import Stopped

COMMANDS = (
    "new",
    "update",
    "build",
    "serve",
    "validate",
    "keys",
    "diff",
    "accept",
    "verify",
    "mutate",
    "pdf",
    "docx",
    "jats",
    "simulate",
    "draws",
    "run",
    "disclose",
    "pages",
)

# what only the user can mend: a full disk or quota, a folder that cannot be written
OUTSIDE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and say how long it took.

    Parameters
    ----------
    argv : sequence of str, optional
        Those of the process if not given.

    Returns
    -------
    int
        1 for a user's mistake, which is said in words; a mistake of ours is raised.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may not have our signs
    given = _parser().parse_args(argv)
    progress = sys.stderr if getattr(given, "json", False) else sys.stdout  # JSON stands alone on stdout
    start = time.perf_counter()
    try:
        with chdir(given.folder):
            print(f"· {given.command.TITLE.format(**vars(given))} …", file=progress, flush=True)
            done = given.command.run(given)
        print(f"✓ {done} ({time.perf_counter() - start:.1f} s)", file=progress, flush=True)
    except UserError as error:
        print(f"\n{error}\n", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if error.errno not in OUTSIDE:
            raise
        where = f"{error.filename}: " if error.filename else ""
        print(f"\n{where}{error.strerror}; what stood before stands\n", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, Stopped) as stopped:
        print("\ninterrupted; what stood before stands", file=sys.stderr)
        return 128 + (stopped.number if isinstance(stopped, Stopped) else signal.SIGINT)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="trialbook", description=trialbook.__doc__)
    parser.add_argument("--version", action="version", version=f"trialbook {trialbook.__version__}")
    parser.add_argument(
        "-C",
        dest="folder",
        type=_folder,
        default=Path(),
        metavar="FOLDER",
        help="start in this folder: that of the paper, which holds trialbook.yml, or one below it",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for name in COMMANDS:
        command = import_module(f"trialbook.cli.{name}")
        described = str(command.__doc__)
        own = commands.add_parser(
            name,
            help=described.splitlines()[0].rstrip("."),
            description=described,
            epilog=f"example:\n  {command.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.arguments(own)
        own.set_defaults(command=command)
    return parser


def _folder(name: str) -> Path:
    if not Path(name).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {name}")
    return Path(name)
