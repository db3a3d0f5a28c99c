"""Run one notebook with Papermill, with its parameters or with others."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import yaml

from trialbook.cli import options
from trialbook.errors import UserError

TITLE = "running {notebook.stem}"
EXAMPLE = "trialbook run notebooks/03_efficacy.ipynb reml.ipynb -p estimator REML -p covariance model"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("notebook", type=Path, help="as it is written; it runs in its own folder")
    parser.add_argument("output", type=Path, help="gets the executed notebook")
    parser.add_argument(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a parameter of the notebook, and its value as YAML writes it: 3, true, REML, [a, b]",
    )
    options.of_limit(parser)
    of_step = "the digest of all that its outputs depend on, which the executed notebook carries"
    parser.add_argument("--made-of", default="", metavar="DIGEST", help=of_step)


def run(given: Namespace) -> str:
    """Do it, and say what was done."""
    from trialbook.workflow import notebook

    if not given.notebook.is_file():
        raise UserError(f"{given.notebook}: there is no such notebook")
    told = {name: _value(name, text) for name, text in given.parameter}
    notebook.run(given.notebook, given.output, told, given.made_of, given.limit)
    return f"ran {given.notebook.stem}"


def _value(name: str, text: str) -> object:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise UserError(f"-p {name}: {text!r} is no value\n      → put a text with such signs in quotes") from None
