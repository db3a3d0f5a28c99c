"""How often events came: participants with an event over their time at risk."""

import pandas as pd
from statsmodels.stats.rates import confint_poisson

from trialbook.results.row import Results
from trialbook.trial.model import Trial

DAYS = {"year": 365.25, "month": 365.25 / 12}


def last_contact(trial: Trial) -> pd.Series:
    """Find the latest day on which anything is known of each participant.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Series of float
        Days by USUBJID, of those of whom one is known: the latest of ADLB's ADY, the days of ADAE and ADEX, and in
        ADSL the end of study, last contact or death, counted from first treatment where everybody has its date and
        else from randomisation.
    """
    days = []
    measured = trial.adlb[trial.adlb["AVAL"].notna()]
    for table, columns in ((measured, ["ADY"]), (trial.adae, ["ASTDY", "AENDY"]), (trial.adex, ["ASTDY", "AENDY"])):
        days += [table.set_index("USUBJID")[c] for c in columns if table is not None and c in table]
    adsl = trial.adsl.set_index("USUBJID")
    starts = [c for c in ("TRTSDT", "RANDDT") if c in adsl and adsl[c].notna().all()]
    for column in [c for c in ("EOSDT", "LSTALVDT", "DTHDT") if starts and c in adsl]:
        start, end = (pd.to_datetime(adsl[c], format="%Y-%m-%d") for c in (starts[0], column))
        days.append((end - start).dt.days + 1)
    known = pd.concat(days).dropna() if days else pd.Series(dtype=float)
    return known[known >= 1].groupby(level=0).max()


class AtRisk:
    """The participants' time at risk: from day 1 to the first event of a kind, or else to the last contact."""

    def __init__(self, last: pd.Series, arms: dict[str, set[str]]):
        self.last = {arm: last[last.index.isin(members)] for arm, members in arms.items()}
        self.sizes = {arm: len(members) for arm, members in arms.items()}
        longest = max((days.max() for days in self.last.values() if len(days)), default=0)
        self.unit = "year" if longest >= DAYS["year"] else "month"

    def state(self, results: Results) -> None:
        """Record the participants' time in each arm, and its unit."""
        results.add("safety.exposure.unit", f"participant-{self.unit}s", "text")
        for arm, days in self.last.items():
            facts = {"group": arm, "n": len(days), "unit": f"participant-{self.unit}s"}
            time = days.sum() / DAYS[self.unit] if len(days) else None
            reason = "" if len(days) else "the day of last contact of nobody is known"
            results.add(f"safety.exposure.{arm}.time", time, "sum", 1, method=self.method(arm), reason=reason, **facts)

    def method(self, arm: str) -> str:
        """Say how the time of an arm is counted, and who is left out."""
        without = self.sizes[arm] - len(self.last[arm])
        left = f"; {without} without a known day left out" if without else ""
        return f"days from day 1 to the last contact{left}"

    def at_risk(self, arm: str, events: pd.DataFrame) -> tuple[int, float, int]:
        """Count those with an event and their time at risk, in `unit`; a first event on no known day ends nothing."""
        time = self.last[arm]
        mine = events[events["USUBJID"].isin(time.index)]
        first = mine.groupby("USUBJID")["ASTDY"].min().dropna().clip(lower=1) if "ASTDY" in mine else time[:0]
        until = first.reindex(time.index).fillna(time)
        undated = mine["USUBJID"].nunique() - len(first)
        return mine["USUBJID"].nunique(), until.sum() / DAYS[self.unit], undated


def add_rate(results: Results, key: str, rows: pd.DataFrame, risk: AtRisk, facts: dict) -> None:
    """Add the participants with an event per 100 units of their time at risk."""
    arm = facts["group"]
    facts = {**facts, "n": len(risk.last[arm]), "unit": f"per 100 participant-{risk.unit}s"}
    count, time, undated = risk.at_risk(arm, rows)
    if not time:
        facts |= {"method": "", "reason": "the day of last contact is not known"}
        results.add(f"{key}.rate", None, "rate", **facts)
        results.add(f"{key}.rate.ci", None, "ci", **facts)
        return
    ended = f"; start day of {undated} not known, their time counts in full" if undated else ""
    method = f"participants with an event over their time to the first{ended}; {risk.method(arm)}"
    results.add(f"{key}.rate", 100 * count / time, "rate", 1, **{**facts, "method": method})
    bounds = [100 * bound for bound in confint_poisson(count, time, method="exact-c", alpha=results.alpha)]
    results.add(f"{key}.rate.ci", bounds, "ci", 1, **{**facts, "method": "exact Poisson (Garwood)"})
