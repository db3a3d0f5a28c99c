"""The row of a result: how it is made, put in a cell's output, and published."""

import html
import json
import math
import platform
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from trialbook.results import formats

MIME = "application/vnd.trialbook.results+json"
TABLE = "application/vnd.trialbook.table+json"

_DISPLAY = {
    "p": lambda value, digits, alpha: formats.p_value(value, alpha),
    "count": lambda value, digits, alpha: formats.count(value),
    "ci": lambda value, digits, alpha: formats.interval(value, digits),
    "range": lambda value, digits, alpha: formats.interval(value, digits),
    "n of N": lambda value, digits, alpha: formats.count_of(*value),
    "n (%)": lambda value, digits, alpha: formats.count_percent(*value),
    "percent": lambda value, digits, alpha: formats.percent(value, digits),
    "mean (SD)": lambda value, digits, alpha: formats.centre_spread(value[0], value[1], digits),
    "median (IQR)": lambda value, digits, alpha: formats.centre_spread(value[0], value[1:], digits),
    "text": lambda value, digits, alpha: value,
}


Fields = dict[str, Any]  # of a `Result`, by name: what several rows share


@dataclass(frozen=True)
class Result:
    """One displayed number with all that is needed to say where it came from.

    `value` is a float, a list of floats for a composite (an interval, a mean with its SD, a count with its
    total), a string for a fact of the trial, or None where nothing could be estimated, and `reason` says why.
    `label` is what a table or figure calls it: the level of a category, a reason for leaving, the name of a method;
    `method` is how it was computed, and nothing else. Of a synthetic trial `evidence` says how much of the result the
    published figures determine, and `draws` between which values it lies in nine of ten data sets that give them.
    """

    key: str
    statistic: str
    value: Any  # what its statistic makes it: a type of its own for each would say less
    display: str
    parameter: str = ""
    visit: str = ""
    group: str = ""
    unit: str = ""
    n: int | None = None
    label: str = ""
    method: str = ""
    reason: str = ""
    estimand: str = ""
    analysis_set: str = ""
    dataset: str = ""
    notebook: str = ""
    cell: str = ""
    evidence: str = ""
    draws: list[Any] | None = None


class Results:
    """An ordered collection of results with unique keys, shown by a notebook cell as its output.

    Parameters
    ----------
    alpha : float
        The level at which P values are judged: one that is below it is never written as if it were not.
    **common
        Fields of `Result` that all results share.

    Examples
    --------
    >>> from trialbook import Results
    >>> results = Results(dataset="adlb", unit="cells/μL")
    >>> results.add("cd4.own.difference", 4.5, "difference", digits=1, method="difference in means")
    >>> results.add("cd4.own.difference.p", 0.0241, "p", unit="")
    >>> [(row.key, row.display, row.unit) for row in results]
    [('cd4.own.difference', '4.5', 'cells/μL'), ('cd4.own.difference.p', '0.024', '')]
    """

    def __init__(self, alpha: float = 0.05, **common: str) -> None:
        self._rows: dict[str, Result] = {}
        self.alpha = alpha
        self._common = common

    def add(self, key: str, value: Any, statistic: str, digits: int = 0, **facts: Any) -> None:
        """Add one result; its display string follows from its statistic.

        Parameters
        ----------
        key : str
            Stable, lower case, dotted.
        value : float, int, str, list or None
        statistic : str
            Such as ``mean``, ``ci``, ``p``, ``n (%)`` or ``text``.
        digits : int
            Decimals shown.
        **facts
            Other fields of `Result`; no value needs a `reason`, and a `reason` goes with no value.

        Raises
        ------
        ValueError
            If the key is there already, or a value and a reason are, or neither.
        """
        if key in self._rows:
            raise ValueError(f"the result {key!r} is computed twice")
        value = _plain(value)
        if (value is None) != bool(facts.get("reason")):
            raise ValueError(f"the result {key!r} needs a value or the reason why there is none, and not both")
        write = _DISPLAY.get(statistic)
        if value is None:
            display = formats.NOT_ESTIMABLE
        elif write:
            display = write(value, digits, self.alpha)
        else:
            display = formats.number(value, digits)
        self._rows[key] = Result(key, statistic, value, display, **{**self._common, **facts})

    def __getitem__(self, key: str) -> Result:
        return self._rows[key]

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def get(self, key: str, default: object = None) -> Any:
        """Look up a result that may not be there."""
        return self._rows.get(key, default)

    def under(self, prefix: str) -> "dict[str, Result]":
        """Give the results whose keys begin with a prefix and a dot, by the rest of the key, in their order."""
        start = f"{prefix}."
        return {row.key.removeprefix(start): row for row in self if row.key.startswith(start)}

    def __iter__(self) -> Iterator[Result]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def update(self, other: Iterable[Result]) -> "Results":
        """Take in all results of another collection; a key that both hold is an error."""
        for row in other:
            if row.key in self._rows:
                raise ValueError(f"the result {row.key!r} is computed twice")
            self._rows[row.key] = row
        return self

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        lines = "".join(
            f"<tr><th scope='row'><code>{html.escape(r.key)}</code></th>"
            f"<td>{html.escape(f'{r.display}: {r.reason}' if r.reason else r.display)}</td>"
            f"<td>{html.escape(r.unit)}</td><td>{'' if r.n is None else r.n}</td><td>{html.escape(r.method)}</td></tr>"
            for r in self
        )
        return {
            "text/plain": f"{len(self)} results",
            "text/html": f"<details class='results'><summary>{len(self)} results</summary><div class='wide'><table>"
            "<thead><tr><th scope='col'>Key</th><th scope='col'>Display</th><th scope='col'>Unit</th>"
            "<th scope='col'>n</th><th scope='col'>Method</th></tr></thead>"
            f"<tbody>{lines}</tbody></table></div></details>",
            MIME: [_fields(row) for row in self],
        }


def software(*packages: str) -> Results:
    """Record the versions of Python and of the packages that computed the results, under ``software.<package>``."""
    results = Results(method="importlib.metadata", dataset="environment")
    results.add("software.python", platform.python_version(), "text")
    for package in packages:
        results.add(f"software.{package}", version(package), "text")
    return results


def _plain(value: Any) -> Any:
    """Reduce numpy's scalars and sequences to what JSON holds; a value that is not finite is None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        parts = [_plain(part) for part in value]
        return None if any(part is None for part in parts) else parts
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _fields(row: Result) -> Fields:
    """The fields of a row by name; of its evidence those that there are."""
    return {name: value for name, value in vars(row).items() if value or name not in ("evidence", "draws")}


def dump(found: dict[str, Result]) -> str:
    """Write results as the text of ``results.json``: one row a line, sorted by key."""
    lines = (json.dumps(_fields(found[key]), ensure_ascii=False) for key in sorted(found))
    return "[\n" + ",\n".join(lines) + "\n]\n"
