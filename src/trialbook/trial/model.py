"""A trial: its facts and the ADaM tables, read from a folder and validated as one."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NoReturn

import pandas as pd

from trialbook.errors import Fault, FaultsError, UserError
from trialbook.results import formats
from trialbook.trial import contradictions, reading
from trialbook.trial import tables as schema
from trialbook.trial.config import FACTS, REQUIRED, TABLES, AnalysisSet, Arm, Facts, Parameter, Visit, read_facts
from trialbook.trial.records import Line


@dataclass(frozen=True)
class Trial:
    """A validated trial: its facts, and one DataFrame per table (None where the trial does not have it)."""

    folder: Path
    facts: Facts
    adsl: pd.DataFrame
    adlb: pd.DataFrame
    adae: pd.DataFrame | None = None
    adex: pd.DataFrame | None = None
    account: tuple[Line, ...] = ()
    """What became of every row that was read."""
    warnings: tuple[Fault, ...] = ()
    """What is unusual in the tables and was not accepted in ``trial.yml``."""

    @cached_property
    def arms(self) -> list[Arm]:
        """The two arms, test before reference."""
        return sorted(self.facts.arms, key=lambda arm: arm.role == "reference")

    @property
    def ci_level(self) -> str:
        """The confidence level as it is written, such as ``95%``."""
        return f"{100 * (1 - self.facts.alpha):g}%"

    def subjects(self, analysis_set: AnalysisSet | None = None) -> dict[str, pd.DataFrame]:
        """Select the subjects of an analysis set.

        Parameters
        ----------
        analysis_set : AnalysisSet, optional
            All randomised subjects when not given.

        Returns
        -------
        dict of str to DataFrame
            Rows of ADSL by arm id, test before reference.
        """
        chosen = self.adsl if analysis_set is None else self.adsl[self.adsl[analysis_set.flag] == "Y"]
        return {arm.id: chosen[chosen["TRT01P"] == arm.value] for arm in self.arms}

    def treated(self) -> dict[str, pd.DataFrame]:
        """Select the subjects of the safety set by the treatment they received.

        Returns
        -------
        dict of str to DataFrame
            Rows of ADSL by arm id, test before reference: by TRT01A, or TRT01P where that is not recorded.
        """
        chosen = self.adsl[self.adsl[self.facts.analysis_sets.safety.flag] == "Y"]
        received = chosen[self.received]
        return {arm.id: chosen[received == arm.value] for arm in self.arms}

    @cached_property
    def received(self) -> str:
        """The variable of ADSL that tells the treatment received."""
        told = "TRT01A" in self.adsl and self.adsl["TRT01A"].notna().any()
        return "TRT01A" if told else "TRT01P"

    def within(self, analysis_set: str) -> "Trial":
        """Choose the analysis set of the efficacy analyses.

        Parameters
        ----------
        analysis_set : str
            A name under ``analysis_sets`` in ``trial.yml``.

        Returns
        -------
        Trial
            The same trial, whose efficacy set is the one named.

        Raises
        ------
        UserError
            If ``trial.yml`` declares no such set.
        """
        sets = self.facts.analysis_sets
        if analysis_set not in sets.declared:
            known = ", ".join(sets.declared)
            file = self.folder / FACTS
            raise UserError(f"{file}: no set {analysis_set!r} under analysis_sets; it has: {known}")
        if sets.declared[analysis_set] == sets.efficacy:
            return self
        chosen = sets.model_copy(update={"efficacy": sets.declared[analysis_set]})
        return replace(self, facts=self.facts.model_copy(update={"analysis_sets": chosen}))

    def only(self, tables: Collection[str], roles: Collection[str]) -> "Trial":
        """Keep what a notebook says that it reads, so that a change of anything else does not run it again.

        Parameters
        ----------
        tables : collection of str
            Names such as ``adsl``; one that is left out cannot be used.
        roles : collection of str
            Those of the parameters whose values are kept.

        Returns
        -------
        Trial
        """
        left_out = {parameter.paramcd for parameter in self.facts.parameters if parameter.role not in roles}
        kept = self.adlb[~self.adlb["PARAMCD"].isin(left_out)]
        unread: dict[str, Any] = {name: _Unread(name) for name in TABLES if name not in tables}
        return replace(self, **({"adlb": kept} | unread))

    def parameters(self, role: Literal["efficacy", "laboratory"]) -> list[Parameter]:
        """List the declared parameters of one role, in the order of ``trial.yml``."""
        return [parameter for parameter in self.facts.parameters if parameter.role == role]

    def visits(self, paramcd: str) -> list[Visit]:
        """List the scheduled visits, from the baseline on, with rows of a parameter (whose AVAL may be missing)."""
        seen = self._seen.get(paramcd, ())
        return [v for v in self.facts.visits.schedule if v.avisitn >= self.facts.visits.baseline and v.avisitn in seen]

    @cached_property
    def schedule(self) -> dict[str, Visit]:
        """The scheduled visits from the baseline on by their part of a key: ``baseline``, ``final`` the primary one."""
        visits = [v for v in self.facts.visits.schedule if v.avisitn >= self.facts.visits.baseline]
        final = visits[-1].avisitn if self.facts.visits.final is None else self.facts.visits.final
        names = {visits[0].avisitn: "baseline", final: "final"}
        return {names.get(visit.avisitn, formats.slug(visit.label)): visit for visit in visits}

    @cached_property
    def _seen(self) -> dict[str, set[float]]:
        """The visits with rows of each parameter."""
        return {str(paramcd): set(visits) for paramcd, visits in self.adlb.groupby("PARAMCD")["AVISITN"]}

    def visit_id(self, visit: Visit, paramcd: str) -> str:
        """Name a visit in a key: ``baseline``, ``final`` for that of the parameter, or its label."""
        if visit.avisitn == self.facts.visits.baseline:
            return "baseline"
        return "final" if visit == self.final(paramcd) else formats.slug(visit.label)

    def values(self, paramcd: str, of: AnalysisSet | dict[str, pd.DataFrame] | None = None) -> dict[str, pd.DataFrame]:
        """Spread a parameter over subjects and scheduled visits.

        Parameters
        ----------
        paramcd : str
        of : AnalysisSet or dict of str to DataFrame, optional
            Whose values: a set, or rows of ADSL by arm id as of `treated`; all randomised when not given.

        Returns
        -------
        dict of str to DataFrame
            By arm id: one row per subject of the set, one column per visit (its AVISITN), NaN where missing.
        """
        if isinstance(of, dict):
            return self._spread(paramcd, of)
        key = paramcd, of.flag if of else None
        if key not in self._spreads:
            self._spreads[key] = self._spread(paramcd, self.subjects(of))
        return {arm: wide.copy() for arm, wide in self._spreads[key].items()}

    def _spread(self, paramcd: str, subjects: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
        rows = self.adlb[self.adlb["PARAMCD"] == paramcd]
        wide = rows.pivot(index="USUBJID", columns="AVISITN", values="AVAL")
        columns = [visit.avisitn for visit in self.visits(paramcd)]
        return {arm: wide.reindex(index=own["USUBJID"], columns=columns) for arm, own in subjects.items()}

    @cached_property
    def _spreads(self) -> dict[tuple[str, str | None], dict[str, pd.DataFrame]]:
        """What `values` spread before: most analyses ask for the same."""
        return {}

    def observed(self, paramcd: str, of: AnalysisSet | None = None) -> dict[str, pd.DataFrame]:
        """Spread a parameter as `values` does, a derived value (with a DTYPE) as missing."""
        derived = self.adlb["DTYPE"].notna() if "DTYPE" in self.adlb else pd.Series(False, index=self.adlb.index)
        wide = self.values(paramcd, of)
        measured = replace(self, adlb=self.adlb[~derived]).values(paramcd, of)
        return {arm: measured[arm].reindex(columns=values.columns) for arm, values in wide.items()}

    def final(self, paramcd: str) -> Visit:
        """The visit of a parameter at which the arms are compared: the primary time point, or else its last one."""
        visits = self.visits(paramcd)
        return next((visit for visit in visits if visit.avisitn == self.facts.visits.final), visits[-1])


class _Unread:
    """A table that a notebook does not say that it reads."""

    def __init__(self, name: str):
        self._name = name

    def _refuse(self, *_: object) -> NoReturn:
        remedy = "add it to the notebook's parameter `read_tables`"
        raise UserError(f"{self._name} is not among the tables that this notebook says it reads\n      → {remedy}")

    __getattr__ = __getitem__ = __len__ = __iter__ = __contains__ = _refuse


def read_trial(folder: str | Path) -> Trial:
    """Read a trial from its folder and validate it as a whole.

    Parameters
    ----------
    folder : str or Path
        Holds ``trial.yml``, ``adsl.csv``, ``adlb.csv`` and, where collected, ``adae.csv`` and ``adex.csv``.

    Returns
    -------
    Trial

    Raises
    ------
    FaultsError
        With every fault found: file, row, column, rule, remedy.

    Examples
    --------
    >>> from trialbook import read_trial
    >>> study = read_trial("data/nk_inr")
    >>> [arm.id for arm in study.arms]
    ['nk_art', 'art']
    >>> [visit.label for visit in study.visits("CD4")][-1]
    'Month 24'
    """
    folder = Path(folder)
    facts, read, chosen, account, warnings = _read(folder)
    warnings += contradictions.warn(chosen, facts, read)
    tables = {name: schema.to_numbers(table, name, facts) for name, table in chosen.items()}
    return Trial(folder, facts, **tables, account=tuple(account), warnings=tuple(warnings))


def read_texts(folder: str | Path) -> dict[str, pd.DataFrame]:
    """Read the records of a trial that are analysed, each cell as it is written but for dates, which are ISO 8601.

    Parameters
    ----------
    folder : str or Path
        As for `read_trial`.

    Returns
    -------
    dict of str to DataFrame
        By the name of the table.

    Raises
    ------
    FaultsError
        With every fault found.
    """
    return _read(Path(folder))[2]


def _read(folder: Path) -> tuple[Facts, schema.Tables, schema.Tables, list[Line], list[Fault]]:
    """Read and check a trial: facts, all records, those that are analysed, the account of both, and warnings."""
    facts = read_facts(folder)
    read, faults, warnings = reading.read_tables(folder, facts)
    if not all(name in read for name in REQUIRED):
        raise FaultsError(folder, faults)
    chosen, account, found = schema.check(read, facts)
    if faults + found:
        raise FaultsError(folder, faults + found)
    return facts, read, chosen, account, warnings
