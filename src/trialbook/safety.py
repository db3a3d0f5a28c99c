"""What harm was seen: adverse events by arm, and laboratory values by visit."""

from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from trialbook.results import Results
from trialbook.style import percent_digits, slug

SEVERE_GRADE = 3


def adverse_events(trial):
    """Tabulate treatment-emergent adverse events by arm.

    An overall line (any, serious, severe, related) is there with its zero when nothing of the kind happened,
    and absent when the trial did not record what it needs.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``safety.<line>.<arm>.{n, n_of, n_pct, ci, events}`` and ``safety.<line>.fisher.p``, one line per
        preferred term besides the overall ones; empty where the trial has no ADAE.

    References
    ----------
    Clopper & Pearson 1934 (interval of a proportion); Fisher 1935 (exact test of a 2×2 table).
    """
    chosen = trial.facts.analysis_sets.safety
    results = Results(trial.facts.alpha, dataset="adae", analysis_set=chosen.label)
    if trial.adae is None:
        return results
    arms = {arm: set(subjects["USUBJID"]) for arm, subjects in trial.subjects(chosen).items()}
    emergent = trial.adae[trial.adae["USUBJID"].isin(set().union(*arms.values()))]
    method = "all events: TRTEMFL is not recorded"
    if "TRTEMFL" in trial.adae and trial.adae["TRTEMFL"].notna().any():
        emergent, method = emergent[emergent["TRTEMFL"] == "Y"], "TRTEMFL is Y"
    results.add("safety.events.recorded", len(trial.adae), "count", method="rows of ADAE")
    results.add("safety.events.emergent", len(emergent), "count", method=method)
    for name, rows in _overall(emergent).items():
        _line(results, name, "", rows, arms)
    for name, rows in emergent.groupby(emergent["AEDECOD"].map(slug)):
        _line(results, name, rows["AEDECOD"].iloc[0], rows, arms)
    return results


def laboratory(trial, role="laboratory"):
    """Summarise laboratory values by visit and arm.

    Parameters
    ----------
    trial : Trial
    role : str

    Returns
    -------
    Results
        Keys ``<paramcd>.<visit>.<arm>.mean_sd`` (mean and SD, in the parameter's unit) and ``….outside.n_of``
        (values outside the normal range, where ADLB gives A1LO and A1HI).
    """
    chosen = trial.facts.analysis_sets.safety
    results = Results(trial.facts.alpha, dataset="adlb", analysis_set=chosen.label)
    for parameter in trial.parameters(role):
        for arm, wide in trial.values(parameter.paramcd, chosen).items():
            for visit in trial.visits(parameter.paramcd):
                known = wide[visit.avisitn].dropna()
                results.add(
                    f"{parameter.id}.{trial.visit_id(visit, parameter.paramcd)}.{arm}.mean_sd",
                    [known.mean(), known.std()] if len(known) > 1 else None,
                    "mean (SD)",
                    parameter.digits,
                    parameter=parameter.paramcd,
                    visit=visit.label,
                    group=arm,
                    unit=parameter.unit,
                    n=len(known),
                    method="" if len(known) > 1 else "not estimable: fewer than two values",
                )
        _outside_range(results, trial, parameter, chosen)
    return results


def _overall(events):
    """The overall lines that the recorded columns allow."""
    lines = {"any": events}
    if _recorded(events, "AESER"):
        lines["serious"] = events[events["AESER"] == "Y"]
    if _recorded(events, "AETOXGR"):
        lines["severe"] = events[events["AETOXGR"] >= SEVERE_GRADE]
    if _recorded(events, "AEREL"):
        lines["related"] = events[
            ~events["AEREL"].str.upper().isin(["N", "NO", "NONE", "NOT RELATED", "UNRELATED"]) & events["AEREL"].notna()
        ]
    return lines


def _recorded(events, column):
    return column in events and (events.empty or events[column].notna().any())


def _line(results, name, term, rows, arms):
    counts = []
    for arm, members in arms.items():
        mine = rows[rows["USUBJID"].isin(members)]
        count, total = mine["USUBJID"].nunique(), len(members)
        counts.append([count, total - count])
        key, arm_facts = f"safety.{name}.{arm}", {"parameter": term, "group": arm, "n": total, "unit": "participants"}
        results.add(f"{key}.n", count, "count", **arm_facts)
        results.add(f"{key}.n_of", [count, total], "n of N", **arm_facts)
        digits = percent_digits(total)
        results.add(f"{key}.pct", 100 * count / total, "percent", digits, **arm_facts)
        results.add(f"{key}.n_pct", [count, total], "n (%)", **arm_facts)
        bounds = [100 * bound for bound in proportion_confint(count, total, alpha=results.alpha, method="beta")]
        results.add(f"{key}.ci", bounds, "ci", digits, method="Clopper–Pearson", **{**arm_facts, "unit": "%"})
        results.add(f"{key}.events", len(mine), "count", **{**arm_facts, "unit": "events"})
    p = stats.fisher_exact(counts).pvalue
    results.add(
        f"safety.{name}.fisher.p", p, "p", parameter=term, method="Fisher's exact test", n=sum(map(sum, counts))
    )


def _outside_range(results, trial, parameter, chosen):
    rows = trial.adlb[(trial.adlb["PARAMCD"] == parameter.paramcd) & trial.adlb["AVAL"].notna()]
    rows = rows[rows["AVISITN"] > trial.facts.visits.baseline]
    if not {"A1LO", "A1HI"} <= set(rows) or rows[["A1LO", "A1HI"]].isna().all(axis=None):
        return
    for arm, subjects in trial.subjects(chosen).items():
        mine = rows[rows["USUBJID"].isin(subjects["USUBJID"])]
        outside = mine[(mine["AVAL"] < mine["A1LO"]) | (mine["AVAL"] > mine["A1HI"])]
        results.add(
            f"{parameter.id}.outside.{arm}.n_of",
            [outside["USUBJID"].nunique(), mine["USUBJID"].nunique()],
            "n of N",
            parameter=parameter.paramcd,
            visit="any after baseline",
            group=arm,
            unit="participants",
            n=len(subjects),
            method="AVAL below A1LO or above A1HI",
        )
