"""Who took part: facts of the trial, flow of participants, baseline characteristics and exposure."""

import pandas as pd

from trialbook.results import Results
from trialbook.style import slug


def facts(trial):
    """Record the facts of the protocol that the prose cites.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``trial.*``, ``arm.*``, ``parameter.*`` and ``estimand.*``; what is not given has no row.
    """
    given = trial.facts
    results = Results(given.alpha, method="stated in trial.yml", dataset="trial.yml")

    def text(key, value):
        if value not in (None, ""):
            results.add(key, str(value), "text")

    for name in ("study", "title", "short_title", "provenance", "funding", "site", "enrolment", "design", "allocation"):
        text(f"trial.{name}", getattr(given, name))
    if given.registration:
        text("trial.registration.registry", given.registration.registry)
        text("trial.registration.number", given.registration.number)
    text("trial.efficacy_set", given.analysis_sets.efficacy.label)
    text("trial.safety_set", given.analysis_sets.safety.label)
    text("trial.ci_level", trial.ci_level)
    results.add("trial.alpha", given.alpha, "level", digits=2)
    text("trial.alpha.percent", f"{100 * given.alpha:g}%")
    for arm in trial.arms:
        text(f"arm.{arm.id}.label", arm.label)
        text(f"arm.{arm.id}.description", arm.description)
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
    for parameter in given.parameters:
        text(f"{parameter.id}.label", parameter.label)
        text(f"{parameter.id}.unit", parameter.unit)
    return results


def flow(trial):
    """Count the participants at each stage of the CONSORT flow, from ADSL alone.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``cohort.*``; rows of a stage that ADSL does not tell (treatment received, disposition) are left out.
    """
    results = Results(trial.facts.alpha, dataset="adsl", unit="participants")
    sets = trial.facts.analysis_sets
    if trial.facts.screened is not None:
        results.add("cohort.screened.n", trial.facts.screened, "count", method="stated in trial.yml")
    results.add("cohort.randomised.n", len(trial.adsl), "count", method="rows of ADSL")
    for arm_id, subjects in trial.subjects().items():
        arm = {"group": arm_id, "n": len(subjects)}
        results.add(f"cohort.randomised.{arm_id}.n", len(subjects), "count", method="TRT01P", **arm)
        if "TRT01A" in subjects:
            received = int((subjects["TRT01A"] == subjects["TRT01P"]).sum())
            results.add(f"cohort.received.{arm_id}.n", received, "count", method="TRT01A equals TRT01P", **arm)
        if "EOSSTT" in subjects and subjects["EOSSTT"].notna().any():
            status = subjects["EOSSTT"].str.upper()
            results.add(
                f"cohort.completed.{arm_id}.n", int((status == "COMPLETED").sum()), "count", method="EOSSTT", **arm
            )
            left = subjects[status != "COMPLETED"]
            results.add(f"cohort.left.{arm_id}.n", len(left), "count", method="EOSSTT", **arm)
            reasons = left["DCSREAS"] if "DCSREAS" in left else pd.Series(index=left.index, dtype=str)
            reasons = reasons.mask(reasons.isna() & (status == "ONGOING"), "still in the study")
            for reason, count in reasons.fillna("reason not given").value_counts().sort_index().items():
                results.add(
                    f"cohort.left.{arm_id}.{slug(reason)}.n",
                    int(count),
                    "count",
                    method=f"DCSREAS: {reason.lower()}",
                    **arm,
                )
        for name, chosen in (("efficacy", sets.efficacy), ("safety", sets.safety)):
            count = int((subjects[chosen.flag] == "Y").sum())
            results.add(
                f"cohort.{name}.{arm_id}.n", count, "count", method=chosen.flag, analysis_set=chosen.label, **arm
            )
    for name, chosen in (("efficacy", sets.efficacy), ("safety", sets.safety)):
        count = int((trial.adsl[chosen.flag] == "Y").sum())
        results.add(
            f"cohort.{name}.n", count, "count", method=chosen.flag, analysis_set=chosen.label, n=len(trial.adsl)
        )
    scheduled = {visit.avisitn for visit in trial.facts.visits.schedule}
    outside = int((~trial.adlb["AVISITN"].isin(scheduled)).sum())
    results.add(
        "cohort.unscheduled.records",
        outside,
        "count",
        method="AVISITN outside the schedule: not analysed",
        dataset="adlb",
        unit="",
    )
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
    """
    results = Results(trial.facts.alpha, analysis_set="randomised")
    for line in trial.facts.baseline:
        by_arm = _baseline_values(trial, line)
        if by_arm is None:
            continue
        groups = {**by_arm, "all": pd.concat(by_arm.values())}
        levels = list(line.levels) or sorted(groups["all"].dropna().unique()) if line.type == "category" else []
        for group, column in groups.items():
            known = column.dropna()
            fixed = {"parameter": line.id, "group": group, "unit": line.unit, "n": len(known)}
            fixed["dataset"] = "adsl" if line.variable else "adlb"
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
    return results


def exposure(trial):
    """Summarise the infusions given, from ADEX.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``exposure.*``; empty where the trial has no ADEX.
    """
    results = Results(trial.facts.alpha, dataset="adex", analysis_set=trial.facts.analysis_sets.safety.label)
    if trial.adex is None:
        return results
    units = trial.adex["AVALU"].dropna().unique() if "AVALU" in trial.adex else []
    unit = units[0] if len(units) == 1 else ""
    for arm_id, subjects in trial.subjects(trial.facts.analysis_sets.safety).items():
        given = trial.adex[trial.adex["USUBJID"].isin(subjects["USUBJID"])]
        per_subject = given.groupby("USUBJID").size().reindex(subjects["USUBJID"], fill_value=0)
        arm = {"group": arm_id, "n": len(subjects)}
        key = f"exposure.{arm_id}"
        treated = [int((per_subject > 0).sum()), len(subjects)]
        results.add(f"{key}.treated.n_of", treated, "n of N", method="at least one administration", **arm)
        results.add(f"{key}.administrations", len(given), "count", method="rows of ADEX", **arm)
        if not treated[0]:
            continue
        results.add(f"{key}.per_subject.min", int(per_subject.min()), "minimum", **arm)
        results.add(f"{key}.per_subject.max", int(per_subject.max()), "maximum", **arm)
        if trial.facts.intervention and trial.facts.intervention.courses:
            complete = [int((per_subject >= trial.facts.intervention.courses).sum()), len(subjects)]
            results.add(f"{key}.complete.n_of", complete, "n of N", method="all planned courses given", **arm)
        if "AVAL" in given:
            total = given.groupby("USUBJID")["AVAL"].sum(min_count=1).dropna()
            reason = "" if len(total) > 1 else "not estimable: fewer than two values"
            values = [total.mean(), total.std()] if len(total) > 1 else None
            results.add(
                f"{key}.dose.mean_sd", values, "mean (SD)", 1, unit=unit, method=reason, **{**arm, "n": len(total)}
            )
    return results


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
