"""How far participants were followed: who attended each visit, and for how long."""

import pandas as pd

from trialbook.results.row import Results
from trialbook.trial.model import Trial


def attendance(trial: Trial) -> Results:
    """Count who attended each scheduled visit: any record of ADLB with a value there.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``cohort.attendance.<visit>.<arm>.{n_of, n_pct}`` of those randomised, ``every_visit`` among the visits.
    """
    results = Results(
        trial.facts.alpha,
        dataset="adlb",
        analysis_set="randomised",
        unit="participants",
        method="a record of ADLB with a value",
    )
    numbers = [visit.avisitn for visit in trial.schedule.values()]
    seen = trial.adlb[trial.adlb["AVAL"].notna() & trial.adlb["AVISITN"].isin(numbers)]
    for arm, subjects in trial.subjects().items():
        attended = seen.groupby("USUBJID")["AVISITN"].agg(set).reindex(subjects["USUBJID"]).dropna()
        present = {
            visit_id: (visit.label, sum(visit.avisitn in own for own in attended))
            for visit_id, visit in trial.schedule.items()
        }
        present["every_visit"] = "every visit", sum(len(own) == len(numbers) for own in attended)
        for visit_id, (label, count) in present.items():
            facts: dict = {"visit": label, "group": arm, "n": len(subjects)}
            for name, statistic in (("n_of", "n of N"), ("n_pct", "n (%)")):
                key = f"cohort.attendance.{visit_id}.{arm}.{name}"
                results.add(key, [count, len(subjects)], statistic, **facts)
    return results


def time_in_study(trial: Trial) -> Results:
    """Describe how long participants were followed, by arm.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``cohort.time.<arm>.{median, range}`` in days: from RANDDT (or else TRTSDT) to EOSDT where these dates are
        recorded, or else the day (ADY) of the participant's last value.
    """
    days, facts = _days(trial)
    results = Results(trial.facts.alpha, analysis_set="randomised", unit="days", **facts)
    for arm, subjects in trial.subjects().items():
        known = days.reindex(subjects["USUBJID"]).dropna()
        reason = "" if len(known) else "neither the end of study nor days of visits are recorded"
        median, span = (None, None) if reason else (known.median(), [known.min(), known.max()])
        for name, value in (("median", median), ("range", span)):
            results.add(f"cohort.time.{arm}.{name}", value, name, group=arm, n=len(known), reason=reason)
    return results


def _days(trial: Trial) -> tuple[pd.Series, dict[str, str]]:
    """The days in study by USUBJID, with the table and the rule that they come from."""
    adsl = trial.adsl.set_index("USUBJID")
    start = next((name for name in ("RANDDT", "TRTSDT") if name in adsl and adsl[name].notna().any()), None)
    if start and "EOSDT" in adsl and adsl["EOSDT"].notna().any():
        first, last = (pd.to_datetime(adsl[name], format="%Y-%m-%d") for name in (start, "EOSDT"))
        return (last - first).dt.days + 1, {"dataset": "adsl", "method": f"from {start} to EOSDT, both days counted"}
    if "ADY" in trial.adlb:
        days = trial.adlb[trial.adlb["AVAL"].notna()].groupby("USUBJID")["ADY"].max()
        return days[days >= 1], {"dataset": "adlb", "method": "day (ADY) of the last value"}
    return pd.Series(dtype=float), {"dataset": "adlb", "method": ""}
