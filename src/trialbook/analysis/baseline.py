"""Who took part: facts of the trial, baseline characteristics and follow-up, besides flow and exposure."""

import pandas as pd

from trialbook.analysis import balance
from trialbook.analysis.exposure import exposure as exposure
from trialbook.analysis.flow import flow as flow
from trialbook.results.formats import slug
from trialbook.results.row import Results


def facts(trial):
    """Record the facts of the protocol that the prose cites.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``trial.*``, ``arm.*``, ``visits.*``, ``<paramcd>.*`` and ``estimand.*``; what is not given has no row.
        A row that says what stands for an arm, a visit, a parameter or an analysis set in the tables names it too.
    """
    given = trial.facts
    results = Results(given.alpha, method="stated in trial.yml", dataset="trial.yml")

    def text(key, value, **facts):
        if value not in (None, ""):
            results.add(key, str(value), "text", **facts)

    for name in ("study", "title", "short_title", "provenance", "funding", "site", "enrolment", "design", "allocation"):
        text(f"trial.{name}", getattr(given, name))
    if given.registration:
        text("trial.registration.registry", given.registration.registry)
        text("trial.registration.number", given.registration.number)
    text("trial.efficacy_set", given.analysis_sets.efficacy.label)
    text("trial.safety_set", given.analysis_sets.safety.label)
    for name, chosen in given.analysis_sets.declared.items():
        text(f"trial.{name}_set.flag", chosen.flag, analysis_set=chosen.label)
    text("trial.ci_level", trial.ci_level)
    results.add("trial.alpha", given.alpha, "level", digits=2)
    text("trial.alpha.percent", f"{100 * given.alpha:g}%")
    for arm in trial.arms:
        text(f"arm.{arm.id}.label", arm.label)
        text(f"arm.{arm.id}.description", arm.description)
        text(f"arm.{arm.id}.value", arm.value, group=arm.id)
    if given.intervention:
        text("exposure.product", given.intervention.product)
        text("exposure.dose.planned", given.intervention.dose and f"{given.intervention.dose:g}")
        text("exposure.dose.unit", given.intervention.dose_unit)
        if given.intervention.courses is not None:
            results.add("exposure.courses.planned", given.intervention.courses, "count")
    for estimand in given.estimands:
        for attribute, stated in estimand.model_dump(exclude={"id"}).items():
            text(f"estimand.{estimand.id}.{attribute}", stated)
    schedule = given.visits.schedule
    after = [visit for visit in schedule if visit.avisitn > given.visits.baseline]
    results.add("visits.n", len(after) + 1, "count")
    results.add("visits.follow_up.n", len(after), "count")
    text("visits.unit", given.visits.unit)
    text("visits.baseline", next(v.label for v in schedule if v.avisitn == given.visits.baseline).lower())
    text("visits.final", after[-1].label.lower())
    text("visits.follow_up", _series([f"{visit.avisitn:g}" for visit in after]))
    for name, visit in scheduled_visits(trial).items():
        text(f"visits.{name}.avisitn", f"{visit.avisitn:g}", visit=visit.label)
    for parameter in given.parameters:
        text(f"{parameter.id}.paramcd", parameter.paramcd, parameter=parameter.paramcd)
        text(f"{parameter.id}.label", parameter.label)
        text(f"{parameter.id}.unit", parameter.unit)
    return results


def baseline(trial):
    """Describe the baseline characteristics by arm and overall, without tests (CONSORT 2025, item 25).

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``baseline.<variable>.<group>…`` with ``all`` for both arms together; each line counts its missing values.
        ``baseline.<variable>.smd`` is the standardised mean difference, test minus reference (of a category, without
        direction); ``baseline.smd.expected`` the mean absolute one that randomisation alone makes.

    References
    ----------
    Cohen 1988, Statistical Power Analysis for the Behavioral Sciences; Yang & Dalton 2012, SAS Global Forum 335.
    """
    results = Results(trial.facts.alpha, analysis_set="randomised")
    first = scheduled_visits(trial)["baseline"]
    for line in trial.facts.baseline:
        by_arm = _baseline_values(trial, line)
        if by_arm is None:
            continue
        origin = {"dataset": "adsl"} if line.variable else {"dataset": "adlb", "visit": first.label}
        groups = {**by_arm, "all": pd.concat(by_arm.values())}
        levels = list(line.levels) or sorted(groups["all"].dropna().unique()) if line.type == "category" else []
        for group, column in groups.items():
            known = column.dropna()
            fixed = {"parameter": line.id, "group": group, "unit": line.unit, "n": len(known), **origin}
            key = f"baseline.{line.id}.{group}"
            results.add(f"{key}.missing", len(column) - len(known), "count", **{**fixed, "n": len(column), "unit": ""})
            for level in levels:
                counted = [int((known == level).sum()), len(known)]
                source = f"{line.variable or line.paramcd}: {level}"
                results.add(f"{key}.{slug(level)}.n_pct", counted, "n (%)", method=source, **{**fixed, "unit": ""})
            if line.type == "mean":
                reason = "" if len(known) > 1 else "not estimable: fewer than two values"
                values = [known.mean(), known.std()] if len(known) > 1 else None
                results.add(f"{key}.mean_sd", values, "mean (SD)", line.digits, method=reason, **fixed)
            if line.type == "median":
                reason = "" if len(known) else "not estimable: no value"
                quartiles = known.quantile([0.5, 0.25, 0.75])
                results.add(f"{key}.median_iqr", quartiles, "median (IQR)", line.digits, method=reason, **fixed)
        _difference(results, line, by_arm, levels, origin)
    _differences(results, trial)
    return results


def attendance(trial):
    """Count who attended each scheduled visit: any record of ADLB with a value there.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``cohort.attendance.<visit>.<arm>.{n_of, n_pct}`` of those randomised, ``every_visit`` among the visits.
    """
    results = Results(trial.facts.alpha, dataset="adlb", analysis_set="randomised", unit="participants")
    visits = scheduled_visits(trial)
    seen = trial.adlb[trial.adlb["AVAL"].notna() & trial.adlb["AVISITN"].isin([v.avisitn for v in visits.values()])]
    for arm_id, subjects in trial.subjects().items():
        own = seen[seen["USUBJID"].isin(subjects["USUBJID"])]

        def count(visit_id, present, label, arm_id=arm_id, subjects=subjects):
            total = len(subjects)
            facts = {"visit": label, "group": arm_id, "n": total, "method": "a record of ADLB with a value"}
            for name, statistic in (("n_of", "n of N"), ("n_pct", "n (%)")):
                results.add(f"cohort.attendance.{visit_id}.{arm_id}.{name}", [int(present), total], statistic, **facts)

        for visit_id, visit in visits.items():
            count(visit_id, own.loc[own["AVISITN"] == visit.avisitn, "USUBJID"].nunique(), visit.label)
        count("every_visit", (own.groupby("USUBJID")["AVISITN"].nunique() == len(visits)).sum(), "every visit")
    return results


def scheduled_visits(trial):
    """Name the scheduled visits from the baseline on, as keys do.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    dict of str to Visit
        ``baseline`` first and ``final`` last.
    """
    visits = [v for v in trial.facts.visits.schedule if v.avisitn >= trial.facts.visits.baseline]
    return {"baseline": visits[0], **{slug(v.label): v for v in visits[1:-1]}, "final": visits[-1]}


def time_in_study(trial):
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
    results = Results(trial.facts.alpha, analysis_set="randomised", unit="days")
    adsl = trial.adsl.set_index("USUBJID")
    start = next((name for name in ("RANDDT", "TRTSDT") if name in adsl and adsl[name].notna().any()), None)
    if start and "EOSDT" in adsl and adsl["EOSDT"].notna().any():
        first, last = (pd.to_datetime(adsl[name].str[:10], "coerce", format="%Y-%m-%d") for name in (start, "EOSDT"))
        days, dataset, method = (last - first).dt.days + 1, "adsl", f"from {start} to EOSDT, both days counted"
    elif "ADY" in trial.adlb:
        days = trial.adlb[trial.adlb["AVAL"].notna()].groupby("USUBJID")["ADY"].max()
        dataset, method = "adlb", "day (ADY) of the last value"
    else:
        days, dataset, method = pd.Series(dtype=float), "adlb", ""
    for arm_id, subjects in trial.subjects().items():
        known = days.reindex(subjects["USUBJID"]).dropna()
        said = method if len(known) else "not estimable: neither the end of study nor days of visits are recorded"
        facts = {"group": arm_id, "n": len(known), "dataset": dataset, "method": said}
        key = f"cohort.time.{arm_id}"
        results.add(f"{key}.median", known.median() if len(known) else None, "median", **facts)
        results.add(f"{key}.range", [known.min(), known.max()] if len(known) else None, "range", **facts)
    return results


def _difference(results, line, by_arm, levels, origin):
    """Add the standardised mean difference of one baseline line."""
    test, reference = (column.dropna() for column in by_arm.values())
    if line.type == "category":
        value = balance.distribution_difference(*([(c == level).sum() for level in levels] for c in (test, reference)))
        method = "Mahalanobis distance of the proportions, without direction (Yang & Dalton 2012)"
    else:
        value = balance.mean_difference(test, reference)
        method = "difference in means over the pooled SD (Cohen's d), test minus reference"
    if value is None:
        empty = test.empty or reference.empty
        method = f"not estimable: {'an arm has no value' if empty else 'no spread within the arms'}"
    facts = {"parameter": line.id, "n": len(test) + len(reference), "method": method, **origin}
    results.add(f"baseline.{line.id}.smd", value, "standardised mean difference", 2, **facts)


def _differences(results, trial):
    """Add the largest standardised difference, and the mean one that randomisation alone makes."""
    known = {line.label: row for line in trial.facts.baseline if (row := results.get(f"baseline.{line.id}.smd"))}
    known = {label: abs(row.value) for label, row in known.items() if row.value is not None}
    if known:
        label = max(known, key=known.get)
        results.add("baseline.smd.largest", known[label], "standardised mean difference", 2, method="largest |SMD|")
        results.add("baseline.smd.largest.label", label, "text", dataset="trial.yml")
    sizes = [len(subjects) for subjects in trial.subjects().values()]
    value = balance.expected_by_chance(*sizes)
    said = "mean |SMD| of a normal variable under randomisation"
    reason = said if value is not None else "not estimable: fewer than four participants"
    results.add("baseline.smd.expected", value, "standardised mean difference", 2, n=sum(sizes), method=reason)


def _baseline_values(trial, line):
    """The values of one baseline line by arm, or None where the variable is empty."""
    if line.paramcd:
        return {arm: wide[trial.facts.visits.baseline] for arm, wide in trial.values(line.paramcd).items()}
    if trial.adsl[line.variable].isna().all():
        return None
    return {arm: subjects.set_index("USUBJID")[line.variable] for arm, subjects in trial.subjects().items()}


def _series(words):
    """Join words as a sentence does: ``1, 3 and 6``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
