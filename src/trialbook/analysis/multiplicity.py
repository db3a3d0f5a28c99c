"""What is left of the P values of a family when all are looked at together: Holm, and Benjamini and Hochberg."""

import difflib

from statsmodels.stats.multitest import multipletests

from trialbook.errors import Fault, FaultsError
from trialbook.results.row import Results

PROCEDURES = {"holm": ("holm", "Holm"), "bh": ("fdr_bh", "Benjamini–Hochberg")}


def adjust(trial, results):
    """Adjust the P values of each family that ``trial.yml`` declares.

    A member whose P value is not estimable is not counted, and the others say so in their method.

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


def _unknown(at, family, results):
    known = [row.key.removesuffix(".p") for row in results if row.key.endswith(".p")]
    for number, member in enumerate(family.members, 1):
        if member not in known:
            near = difflib.get_close_matches(member, known, 3)
            remedy = f"did you mean {' or '.join(f'`{key}`' for key in near)}?" if near else "name one that has"
            rule = f"no result has a P value under the key `{member}`"
            yield Fault("trial.yml", rule, remedy, column=f"families.{at}.members.{number}")


def _add(adjusted, family, rows):
    counted = [member for member, row in rows.items() if row.value is not None]
    share = f"{len(counted)} P values" if len(counted) == len(rows) else f"{len(counted)} of {len(rows)} P values"
    left_out = "".join(f"; {member} is left out, {row.method}" for member, row in rows.items() if row.value is None)
    values = {}
    for name, (procedure, _) in PROCEDURES.items():
        if counted:
            corrected = multipletests([rows[member].value for member in counted], method=procedure)[1]
            values[name] = dict(zip(counted, corrected, strict=True))
    for member, row in rows.items():
        key = f"multiplicity.{family.id}.{member}"
        shared = ("parameter", "visit", "group", "n", "estimand", "analysis_set", "dataset")
        facts = {field: getattr(row, field) for field in shared}
        adjusted.add(f"{key}.p", row.value, "p", method=row.method, **facts)
        for name, (_, author) in PROCEDURES.items():
            if row.value is None:
                adjusted.add(f"{key}.{name}", None, "p", method=row.method, **facts)
            else:
                method = f"{row.method}; {author}, {share}{left_out}"
                adjusted.add(f"{key}.{name}", values[name][member], "p", method=method, **facts)
