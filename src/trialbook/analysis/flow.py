"""The flow of participants: who was randomised, treated, followed and analysed, and who left and why."""

import pandas as pd

from trialbook.errors import Fault, FaultsError
from trialbook.results.formats import slug
from trialbook.results.row import Results
from trialbook.trial.config import AnalysisSet
from trialbook.trial.model import Trial
from trialbook.trial.words import COMPLETED, DISCONTINUED, ONGOING, UNKNOWN, Terms, understood

STAYED = (COMPLETED, ONGOING)
REASONS = ("DCSREAS", "DCREASCD", "DCDECOD")  # where sponsors put why somebody left
NO_REASON = "reason not given"


def flow(trial: Trial) -> Results:
    """Count the participants at each stage of the CONSORT flow, from ADSL alone.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``cohort.*``; rows of a stage that ADSL does not tell (treatment received, disposition) are left out.

    Raises
    ------
    FaultsError
        If the stages contradict each other.

    References
    ----------
    Hopewell et al. 2025, BMJ 389:e081123 (CONSORT 2025, items 22a and 22b).
    """
    results = Results(trial.facts.alpha, dataset="adsl", unit="participants")
    sets = {"efficacy": trial.facts.analysis_sets.efficacy, "safety": trial.facts.analysis_sets.safety}
    everybody, screened = len(trial.adsl), trial.facts.screened
    if screened is not None:
        results.add("cohort.screened.n", screened, "count", method="stated in trial.yml")
        results.add("cohort.excluded.n", screened - everybody, "count", method="screened and not randomised")
    results.add("cohort.randomised.n", everybody, "count", method="rows of ADSL")
    for arm, subjects in trial.subjects().items():
        _follow(results, arm, subjects, sets, trial.facts.terms)
    for name, chosen in sets.items():
        facts: dict = {"method": chosen.flag, "analysis_set": chosen.label, "n": everybody}
        results.add(f"cohort.{name}.n", int((trial.adsl[chosen.flag] == "Y").sum()), "count", **facts)
    for arm, subjects in trial.treated().items():
        facts = {"method": f"{sets['safety'].flag}, by {trial.received}", "analysis_set": sets["safety"].label}
        results.add(f"cohort.as_treated.{arm}.n", len(subjects), "count", group=arm, n=len(subjects), **facts)
    scheduled = {visit.avisitn for visit in trial.facts.visits.schedule}
    results.add(
        "cohort.unscheduled.records",
        int((~trial.adlb["AVISITN"].isin(scheduled)).sum()),
        "count",
        method="AVISITN outside the schedule: not analysed",
        dataset="adlb",
        unit="",
    )
    if faults := _contradictions(trial.adsl, trial.facts.terms) + imbalances(results, [arm.id for arm in trial.arms]):
        raise FaultsError(trial.folder, faults)
    return results


def imbalances(results: Results, arms: list[str]) -> list[Fault]:
    """Check that the stages of the flow add up.

    Parameters
    ----------
    results : Results
        Of `flow`.
    arms : list of str
        Ids of the arms.

    Returns
    -------
    list of Fault
        One in words for each sum that does not hold.
    """
    n = {row.key: row.value for row in results}
    sums = [("the participants of both arms", [f"cohort.randomised.{arm}.n" for arm in arms], "cohort.randomised.n")]
    for arm in arms:
        randomised, left = f"cohort.randomised.{arm}.n", f"cohort.left.{arm}.n"
        treated = [f"cohort.{stage}.{arm}.n" for stage in ("received", "received_other", "untreated")]
        stages = [f"cohort.{stage}.{arm}.n" for stage in ("completed", "left", "ongoing", "undisposed")]
        reasons = [f"cohort.left.{arm}.{part}" for part in results.under(f"cohort.left.{arm}") if part != "n"]
        sums.append((f"those of {arm} who were treated or not", treated, randomised))
        sums.append((f"those of {arm} who completed, left or are still in the study", stages, randomised))
        sums.append((f"the reasons to leave {arm}", reasons, left))
        for name in ("efficacy", "safety"):
            key = f"cohort.{name}.{arm}"
            sums.append((f"those of {arm} in and out of the {name} set", [f"{key}.n", f"{key}.out.n"], randomised))
            parts = [f"{key}.out.{why}.n" for why in ("left", "not_received", "unexplained")]
            sums.append((f"the grounds why some of {arm} are out of the {name} set", parts, f"{key}.out.n"))
    remedy = "correct adsl.csv or trial.yml so that every participant is counted once at each stage"
    faults = [
        Fault("adsl.csv", f"{what} make {made}, not the {n[total]} there are", remedy)
        for what, parts, total in sums
        if total in n and any(p in n for p in parts) and (made := sum(n.get(p, 0) for p in parts)) != n[total]
    ]
    if n.get("cohort.excluded.n", 0) < 0:
        rule = f"{n['cohort.screened.n']} were screened but {n['cohort.randomised.n']} randomised"
        faults.append(Fault("trial.yml", rule, "correct `screened`", column="screened"))
    return faults


def _contradictions(adsl: pd.DataFrame, terms: Terms) -> list[Fault]:
    """Say where a reason to leave stands beside one who did not."""
    faults, (status, reason) = [], _disposition(adsl, terms)
    for kept in STAYED:
        if count := int(((status == kept) & reason.notna()).sum()):
            rule = f"{count} of {len(adsl)} participants are {kept.upper()} and have a reason to have left"
            faults.append(Fault("adsl.csv", rule, "correct EOSSTT, or empty DCSREAS", column="DCSREAS"))
    return faults


class _Arm:
    """Where the counts of one arm go: each of some of its `subjects`."""

    def __init__(self, results: Results, arm: str, subjects: pd.DataFrame):
        self.id, self.subjects = arm, subjects
        self._results = results

    def count(self, key: str, who: pd.Series, method: str, **facts: str) -> None:
        given: dict = {"group": self.id, "n": len(self.subjects), "method": method, **facts}
        self._results.add(f"cohort.{key}.n", int(who.sum()), "count", **given)

    def count_some(self, key: str, who: pd.Series, method: str, **facts: str) -> None:
        """Count those of a stage that is said only where there are any."""
        if who.any():
            self.count(key, who, method, **facts)


def _follow(results: Results, arm_id: str, subjects: pd.DataFrame, sets: dict[str, AnalysisSet], terms: Terms) -> None:
    """Count one arm through the stages of the trial."""
    arm = _Arm(results, arm_id, subjects)
    arm.count(f"randomised.{arm_id}", pd.Series(True, index=subjects.index), "TRT01P")
    missed, left = _count_treated(arm), _count_ended(arm, terms)
    for name, chosen in sets.items():
        inside = subjects[chosen.flag] == "Y"
        key, rule = f"{name}.{arm_id}", f"{chosen.flag} is not Y"
        arm.count(key, inside, chosen.flag, analysis_set=chosen.label)
        arm.count(f"{key}.out", ~inside, rule)
        arm.count_some(f"{key}.out.left", ~inside & left, rule, label="left the study")
        arm.count_some(f"{key}.out.not_received", ~inside & ~left & missed, rule, label="not treated as allocated")
        arm.count_some(f"{key}.out.unexplained", ~inside & ~left & ~missed, rule, label="no reason recorded")


def _count_treated(arm: _Arm) -> pd.Series:
    """Count who was treated as allocated, where that is recorded; returns who was not."""
    actual = _column(arm.subjects, "TRT01A")
    if actual.isna().all():
        return pd.Series(False, index=actual.index)
    received = actual == arm.subjects["TRT01P"]
    arm.count(f"received.{arm.id}", received, "TRT01A equals TRT01P")
    arm.count_some(f"received_other.{arm.id}", ~received & actual.notna(), "TRT01A differs from TRT01P")
    arm.count_some(f"untreated.{arm.id}", actual.isna(), "TRT01A is empty")
    return ~received


def _count_ended(arm: _Arm, terms: Terms) -> pd.Series:
    """Count how participants ended the study, where that is recorded; returns who left it."""
    status, reason = _disposition(arm.subjects, terms)
    told = _column(arm.subjects, "EOSSTT").notna().any()
    left = status == DISCONTINUED
    if told or (status == COMPLETED).any():
        arm.count(f"completed.{arm.id}", status == COMPLETED, "EOSSTT" if told else "a reason that says so")
    if status.notna().any():
        arm.count(f"left.{arm.id}", left, "EOSSTT" if told else "a reason in DCSREAS")
        given = reason[left].fillna(NO_REASON)
        for why in sorted(given.unique()):
            arm.count(f"left.{arm.id}.{slug(why)}", given == why, "DCSREAS", label=why.lower())
        arm.count_some(f"ongoing.{arm.id}", status == ONGOING, "EOSSTT")
        arm.count_some(f"undisposed.{arm.id}", ~status.isin([*STAYED, DISCONTINUED]), "EOSSTT is empty or not known")
    return left


def _disposition(subjects: pd.DataFrame, terms: Terms) -> tuple[pd.Series, pd.Series]:
    """How each participant ended the study and why: discontinued where only a reason is given, or the other way."""
    status = understood(_column(subjects, "EOSSTT"), "EOSSTT", terms)
    name = next((name for name in REASONS if name in subjects and subjects[name].notna().any()), REASONS[0])
    why = understood(_column(subjects, name), name, terms)
    said = _column(subjects, "EOSSTT").where(status == DISCONTINUED)
    said = said.mask(said.str.upper() == DISCONTINUED.upper())
    return status.fillna(why.mask(why == UNKNOWN)), _column(subjects, name).mask(why.isin(STAYED)).fillna(said)


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    return table[name] if name in table else pd.Series(index=table.index, dtype=str)
