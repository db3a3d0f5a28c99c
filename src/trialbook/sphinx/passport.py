"""The passport of a number: the records it rests on and the run that made it, in the words of tables and notebook."""

import ast
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import isclose
from typing import Any

from trialbook.results.evidence import Evidence
from trialbook.results.executed import Cell
from trialbook.results.row import Result

TABLES = {"adsl": "ADSL", "adlb": "ADLB", "adae": "ADAE", "adex": "ADEX"}
EVERYBODY = "randomised"  # the analysis set that needs no flag


class Conditions:
    """Says which records of the trial's tables a result rests on, as an analyst would type it.

    What stands for an arm, a visit, a parameter or an analysis set in the tables is read from the results that state
    the facts of the trial. The flags of analysis sets, TRT01P and TRT01A are variables of ADSL.

    Parameters
    ----------
    rows : iterable of Result
    """

    def __init__(self, rows: Iterable[Result]):
        self.arms: dict[str, Any] = {}
        self.visits: dict[str, Any] = {}
        self.parameters: dict[str, Any] = {}
        self.received: dict[str, Any] = {}
        flags: dict[str, set[Any]] = defaultdict(set)
        for row in rows:
            part, _, fact = row.key.rpartition(".")
            if fact == "value" and row.key.startswith("arm."):
                self.arms[row.group] = row.value
            elif fact == "avisitn" and row.key.startswith("visits."):
                self.visits[row.visit] = row.value
            elif fact == "paramcd":
                self.parameters |= {part: row.value, str(row.value): row.value}
            elif row.key == "trial.received":
                self.received = {row.analysis_set: row.value}
            elif fact == "flag" and row.key.startswith("trial."):
                flags[row.analysis_set].add(row.value)
        self.flags = {label: min(own) for label, own in flags.items() if len(own) == 1 and label != EVERYBODY}
        self.baseline, *self.after = sorted(self.visits.values(), key=float) or [None]

    def of(self, row: Result) -> str:
        """State the condition of one result; what the row does not say is not stated.

        Parameters
        ----------
        row : Result

        Returns
        -------
        str
            Such as ``PARAMCD == "CD4" and AVISITN == 24 and ITTFL == "Y"``; empty where nothing is stated. Of adverse
            events and exposure it says whose records were looked at, not which of them were counted.
        """
        if row.dataset not in TABLES:
            return ""
        stated = [*self._records(row)] if row.dataset == "adlb" else []
        if row.analysis_set in self.flags:
            stated.append(f'{self.flags[row.analysis_set]} == "Y"')
        if row.group in self.arms:
            arm = self.received.get(row.analysis_set, "TRT01P")
            stated.append(f"{arm} == {_quoted(self.arms[row.group])}")
        return " and ".join(stated)

    def _records(self, row: Result) -> Iterator[str]:
        if row.parameter in self.parameters:
            yield f"PARAMCD == {_quoted(self.parameters[row.parameter])}"
        if row.visit in self.visits:
            yield f"AVISITN == {self.visits[row.visit]}"
        elif row.visit == "all follow-up visits":
            yield f"AVISITN in [{', '.join(self.after)}]"
        elif row.visit == "every visit":
            yield f"AVISITN in [{', '.join([self.baseline, *self.after])}]"
        elif row.visit.endswith("after baseline") and self.baseline is not None:
            yield f"AVISITN > {self.baseline}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def parameters(cells: list[Cell]) -> dict[str, str]:
    """Read with which parameters a notebook was run.

    Parameters
    ----------
    cells : list of Cell
        Of the executed notebook.

    Returns
    -------
    dict of str to str
        What each name was given, as Python: its default, or what took its place in this run. Paths are left out, which
        say where the run was and not what it was.
    """
    given: dict[str, str] = {}
    for cell in cells:
        if {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", [])):
            for line in ast.parse(cell.source).body:
                if isinstance(line, ast.Assign):
                    given |= {ast.unparse(target): ast.unparse(line.value) for target in line.targets}
    return {name: value for name, value in given.items() if "/" not in value}


def raw(value: Any) -> str:
    """Write the value of a result with all its digits: the parts of a composite one after another."""
    return ", ".join(part if isinstance(part, str) else repr(part) for part in _parts(value))


def agree(value: Any, second: Any) -> bool:
    """Whether a result is the same, to six digits, when it is computed a second way."""
    both = zip(_parts(value), _parts(second), strict=True)
    return all(one == other if isinstance(one, str) else isclose(one, other, rel_tol=1e-6) for one, other in both)


def _parts(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def evidence(row: Result, draws: int) -> str:
    """Say how much of a result of a synthetic trial the published figures determine; nothing where that is not known.

    Parameters
    ----------
    row : Result
    draws : int
        Data sets that give the published figures, and were analysed.

    Returns
    -------
    str
    """
    told = {
        Evidence.STATED: "a fact of the trial or of the run",
        Evidence.PUBLISHED: "printed in what was published, or computed from that alone",
        Evidence.DETERMINED: f"the same in all {draws} data sets that were drawn to give the published figures",
        Evidence.STABLE: "the published figures decide on which side it lies",
        Evidence.FREE: "made up; the published figures do not decide it",
    }
    if not row.evidence:
        return ""
    said = f"{row.evidence}: {told[Evidence(row.evidence)]}"
    if row.draws is None or row.evidence not in (Evidence.STABLE, Evidence.FREE):
        return said
    low, high = (", ".join(f"{part:.3g}" for part in _parts(end)) for end in row.draws)
    return f"{said}; from {low} to {high} in nine of ten of {draws} data sets that were drawn to give them"
