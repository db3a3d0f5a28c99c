"""The flow of participants: who was randomised, treated, followed and analysed, and who left and why."""

import pandas as pd

from trialbook.errors import Fault, FaultsError
from trialbook.results.formats import slug
from trialbook.results.row import Results

STAYED = ("COMPLETED", "ONGOING")  # what EOSSTT says of those who did not leave; any other status is a way to leave
NO_REASON = "reason not given"


def flow(trial):
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
    Hopewell et al. 2025, BMJ 388:e081123 (CONSORT 2025, items 22a and 22b).
    """
    results = Results(trial.facts.alpha, dataset="adsl", unit="participants")
    sets = trial.facts.analysis_sets
    chosen_sets = {"efficacy": sets.efficacy, "safety": sets.safety}
    faults = _contradictions(trial.adsl)
    if trial.facts.screened is not None:
        results.add("cohort.screened.n", trial.facts.screened, "count", method="stated in trial.yml")
        excluded = trial.facts.screened - len(trial.adsl)
        results.add("cohort.excluded.n", excluded, "count", method="screened and not randomised")
    results.add("cohort.randomised.n", len(trial.adsl), "count", method="rows of ADSL")
    for arm_id, subjects in trial.subjects().items():
        _follow(results, arm_id, subjects, chosen_sets)
    for name, chosen in chosen_sets.items():
        count = int((trial.adsl[chosen.flag] == "Y").sum())
        results.add(
            f"cohort.{name}.n", count, "count", method=chosen.flag, analysis_set=chosen.label, n=len(trial.adsl)
        )
    scheduled = {visit.avisitn for visit in trial.facts.visits.schedule}
    results.add(
        "cohort.unscheduled.records",
        int((~trial.adlb["AVISITN"].isin(scheduled)).sum()),
        "count",
        method="AVISITN outside the schedule: not analysed",
        dataset="adlb",
        unit="",
    )
    if faults := faults + imbalances(results, [arm.id for arm in trial.arms]):
        raise FaultsError(trial.folder, faults)
    return results


def imbalances(results, arms):
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
        reasons = [key for key in n if key.startswith(f"cohort.left.{arm}.") and key != left]
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


def _contradictions(adsl):
    """Say where a reason to leave stands beside one who did not."""
    faults, (status, reason) = [], _disposition(adsl)
    for kept in STAYED:
        if count := int(((status == kept) & reason.notna()).sum()):
            rule = f"{count} of {len(adsl)} participants are {kept} and have a reason to have left"
            faults.append(Fault("adsl.csv", rule, "correct EOSSTT, or empty DCSREAS", column="DCSREAS"))
    return faults


def _follow(results, arm_id, subjects, chosen_sets):
    arm = {"group": arm_id, "n": len(subjects)}

    def count(key, value, method, **facts):
        results.add(f"cohort.{key}.n", int(value), "count", method=method, **{**arm, **facts})

    count(f"randomised.{arm_id}", len(subjects), "TRT01P")
    actual = _column(subjects, "TRT01A")
    received = actual == subjects["TRT01P"]
    missed = pd.Series(False, index=subjects.index)
    if actual.notna().any():
        missed = ~received
        count(f"received.{arm_id}", received.sum(), "TRT01A equals TRT01P")
        if (other := missed & actual.notna()).any():
            count(f"received_other.{arm_id}", other.sum(), "TRT01A differs from TRT01P")
        if actual.isna().any():
            count(f"untreated.{arm_id}", actual.isna().sum(), "TRT01A is empty")
    status, reason = _disposition(subjects)
    told = _column(subjects, "EOSSTT").notna().any()
    left = status.notna() & ~status.isin(STAYED)
    if told:
        count(f"completed.{arm_id}", (status == "COMPLETED").sum(), "EOSSTT")
    if status.notna().any():
        count(f"left.{arm_id}", left.sum(), "EOSSTT" if told else "a reason in DCSREAS")
        for why, many in reason[left].fillna(NO_REASON).value_counts().sort_index().items():
            count(f"left.{arm_id}.{slug(why)}", many, f"DCSREAS: {why.lower()}")
        if (status == "ONGOING").any():
            count(f"ongoing.{arm_id}", (status == "ONGOING").sum(), "EOSSTT")
        if status.isna().any():
            count(f"undisposed.{arm_id}", status.isna().sum(), "EOSSTT is empty")
    for name, chosen in chosen_sets.items():
        inside = subjects[chosen.flag] == "Y"
        key = f"{name}.{arm_id}"
        count(key, inside.sum(), chosen.flag, analysis_set=chosen.label)
        count(f"{key}.out", (~inside).sum(), f"{chosen.flag} is not Y")
        grounds = {
            "left": ("left the study", ~inside & left),
            "not_received": ("not treated as allocated", ~inside & ~left & missed),
            "unexplained": ("no reason recorded", ~inside & ~left & ~missed),
        }
        for ground, (said, who) in grounds.items():
            if who.any():
                count(f"{key}.out.{ground}", who.sum(), said)


def _disposition(subjects):
    """How each participant ended the study and why: DISCONTINUED where only a reason is given, or the other way."""
    status, reason = _column(subjects, "EOSSTT").str.upper(), _column(subjects, "DCSREAS")
    reason = reason.mask(reason.str.upper().isin(STAYED))
    said = status.where(~status.isin([*STAYED, "DISCONTINUED"]))
    return status.mask(status.isna() & reason.notna(), "DISCONTINUED"), reason.fillna(said)


def _column(table, name):
    return table[name] if name in table else pd.Series(index=table.index, dtype=str)
