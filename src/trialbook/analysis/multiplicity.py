"""What is left of the P values of a family when all are looked at together: Holm, and Benjamini and Hochberg."""

import difflib
from collections.abc import Iterator

from statsmodels.stats.multitest import multipletests

from trialbook.errors import Fault, FaultsError
from trialbook.results.row import Fields, Result, Results
from trialbook.trial.model import Trial
from trialbook.trial.stated import Family

PROCEDURES = {"holm": ("holm", "Holm"), "bh": ("fdr_bh", "Benjamini–Hochberg")}


def adjust(trial: Trial, results: Results) -> Results:
    """Adjust the P values of each family that ``trial.yml`` declares.

    A member whose P value is not estimable is not counted.

    Parameters
    ----------
    trial : Trial
    results : Results
        With ``<member>.p`` of each member.

    Returns
    -------
    Results
        Keys ``multiplicity.<family>.<member>.{p, holm, bh}``; none where no family is declared.

    Raises
    ------
    FaultsError
        Members that are no results, each with the nearest that are.

    References
    ----------
    Holm (1979), Scand J Stat 6:65-70 (any error in the family, under any dependence). Benjamini and Hochberg (1995),
    J R Stat Soc B 57:289-300 (share of errors among findings; independent or positively dependent tests).
    """
    families = trial.facts.families
    if faults := [fault for at, family in enumerate(families, 1) for fault in _unknown(at, family, results)]:
        raise FaultsError(trial.folder, faults)
    adjusted = Results(trial.facts.alpha)
    for family in families:
        _add(adjusted, family, {member: results[f"{member}.p"] for member in family.members})
    return adjusted


def _unknown(at: int, family: Family, results: Results) -> Iterator[Fault]:
    known = [row.key.removesuffix(".p") for row in results if row.key.endswith(".p")]
    for number, member in enumerate(family.members, 1):
        if member not in known:
            near = difflib.get_close_matches(member, known, 3)
            remedy = f"did you mean {' or '.join(f'`{key}`' for key in near)}?" if near else "name one that has"
            rule = f"no result has a P value under the key `{member}`"
            yield Fault("trial.yml", rule, remedy, column=f"families.{at}.members.{number}")


def _add(adjusted: Results, family: Family, rows: dict[str, Result]) -> None:
    counted = [member for member, row in rows.items() if row.value is not None]
    share = f"{len(counted)} P values" if len(counted) == len(rows) else f"{len(counted)} of {len(rows)} P values"
    values = [rows[member].value for member in counted]
    for name, (procedure, author) in PROCEDURES.items():
        corrected = multipletests(values, method=procedure)[1] if counted else []
        found = dict(zip(counted, corrected, strict=True))
        for member, row in rows.items():
            method = f"{row.method}; {author}, {share}" if member in found else row.method
            adjusted.add(f"multiplicity.{family.id}.{member}.{name}", found.get(member), "p", **_facts(row, method))
    for member, row in rows.items():
        adjusted.add(f"multiplicity.{family.id}.{member}.p", row.value, "p", **_facts(row, row.method))


def _facts(row: Result, method: str) -> Fields:
    shared = ("parameter", "visit", "group", "n", "reason", "estimand", "analysis_set", "dataset")
    return {field: getattr(row, field) for field in shared} | {"method": method}
