"""What harm was seen: adverse events by arm, when they came, and how they were looked for."""

import re
from dataclasses import dataclass

import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from statsmodels.stats.rates import confint_poisson

from trialbook.results import Results
from trialbook.style import percent_digits, slug

SEVERE_GRADE, FATAL_GRADE = 3, 5
OVERALL = {
    "any": "Any adverse event",
    "serious": "Serious",
    "severe": "Grade 3 or worse",
    "related": "Related to treatment",
    "withdrawal": "Leading to withdrawal of treatment",
    "fatal": "Fatal",
}
SEVERITIES = {"MILD": 1, "MODERATE": 2, "SEVERE": 3, "LIFE THREATENING": 4, "FATAL": 5, "DEATH": 5}
RELATIONS = {"y": "Related", "yes": "Related", "n": "Not related", "no": "Not related", "none": "Not related"}
RESERVED = {*OVERALL, "soc", "grade", "relation", "events", "exposure", "timeline", "harms"}
LONGEST_TIMELINE = 40  # lines that a page holds
NO_CLASS = "No system organ class given"
NOT_COLLECTED, NOT_STATED = "not collected", "not stated"
DAYS = {"year": 365.25, "month": 365.25 / 12}

_NOT_RELATED = re.compile(r"N|NO|NONE|UNRELATED|(?:NOT RELATED|NOT SUSPECTED|NO RELATION|UNLIKELY).*")
_WITHDRAWN = re.compile(r"\b(?:WITHDRAWN|WITHDRAWAL|DISCONTINU\w*|STOPPED)\b")
_KEPT = re.compile(r"\b(?:NOT|NO|TEMPORAR\w*)\b")
_FATAL = re.compile(r"\b(?:FATAL|DEATH|DIED|DEAD)\b")


@dataclass(frozen=True)
class Course:
    """One participant's line of the timeline, without a name: days count from day 1.

    `events` holds a (day, grade) pair for each event with a start day, the grade None where it is not known;
    `doses` are the days of administration, `last` is the day of last contact, or None.
    """

    arm: str
    events: list
    doses: list
    last: float | None


def adverse_events(trial):
    """Tabulate treatment-emergent adverse events by arm.

    An overall line (any, serious, severe, related, withdrawal, fatal), a grade and a relation are there with their
    zeros when nothing of the kind happened, and absent when the trial did not record what they need.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``safety.<line>.<arm>.{n, n_of, pct, n_pct, ci, events, rate, rate.ci}``, the proportions in percent, and
        ``safety.<line>.difference`` with its ``ci``, test minus reference, in percentage points. The lines are those
        above, ``grade.<grade>`` (participants by the worst of theirs), ``relation.<relation>``,
        ``soc.<system organ class>`` and one for each preferred term, in the order in which trialists expect them;
        overall and preferred terms have ``fisher.p``. A term of several classes has besides a line in each,
        ``soc.<system organ class>.<term>``. ``safety.events.<what>`` accounts for every row of ADAE, in all and by
        arm. Empty where the trial has no ADAE.

    References
    ----------
    Clopper & Pearson 1934 (interval of a proportion); Newcombe 1998, Stat Med 17:873 (interval 10, of a difference);
    Fisher 1935 (exact test of a 2×2 table); Garwood 1936 (exact interval of a Poisson mean).
    """
    chosen = trial.facts.analysis_sets.safety
    results = Results(trial.facts.alpha, dataset="adae", analysis_set=chosen.label)
    if trial.adae is None:
        return results
    arms = {arm: set(subjects["USUBJID"]) for arm, subjects in trial.subjects(chosen).items()}
    emergent = _account(results, trial, arms)
    exposure = _Exposure(last_contact(trial), arms)
    exposure.state(results)

    def line(name, label, rows, method="", tested=False):
        _line(results, name, label, rows, arms, exposure, method, tested)

    for name, (rows, method) in _overall(emergent, trial.adae).items():
        line(name, OVERALL[name], rows, method, tested=True)
    for name, (label, rows, method) in _worst_grades(emergent, trial.adae).items():
        line(f"grade.{name}", label, rows, method)
    for name, (label, rows) in _relations(emergent, trial.adae).items():
        line(f"relation.{name}", label, rows, "AEREL")
    terms = {term: _name(term) for term in sorted(emergent["AEDECOD"].unique())}
    if not recorded(trial.adae, "AEBODSYS"):
        for term, rows in _by_frequency(emergent, "AEDECOD"):
            line(terms[term], term, rows, "AEDECOD", tested=True)
        return results
    classed = emergent.assign(AEBODSYS=emergent["AEBODSYS"].fillna(NO_CLASS))
    several = classed.groupby("AEDECOD")["AEBODSYS"].nunique() > 1
    for organ, members in _by_frequency(classed, "AEBODSYS"):
        within = f"soc.{slug(organ) or 'unnamed'}"
        line(within, organ, members, "AEBODSYS")
        for term, rows in _by_frequency(members, "AEDECOD"):
            part = f"{within}.{terms[term]}" if several[term] else terms[term]
            line(part, term, rows, "AEDECOD", tested=not several[term])
    for term, rows in _by_frequency(classed[classed["AEDECOD"].map(several).astype(bool)], "AEDECOD"):
        line(terms[term], term, rows, "AEDECOD, all its system organ classes", tested=True)
    return results


def recorded(table, column):
    """Say whether a column is there and not all empty."""
    return column in table and bool(table[column].notna().any())


def grades(events):
    """Read the grade of each event.

    Parameters
    ----------
    events : DataFrame
        Rows of ADAE.

    Returns
    -------
    grade : Series of float or None
        AETOXGR or else AESEV, mild to fatal as 1 to 5, NaN where it is empty; None where neither is recorded.
    source : str
        The column read, empty where neither is recorded.
    """
    if recorded(events, "AETOXGR"):
        return events["AETOXGR"], "AETOXGR"
    if recorded(events, "AESEV"):
        words = events["AESEV"].str.upper().str.replace(r"[\W_]+", " ", regex=True).str.strip()
        return words.map(SEVERITIES).astype(float), "AESEV"
    return None, ""


def last_contact(trial):
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
    for table, columns in ((measured, ["ADY"]), (trial.adae, ["ASTDY", "AENDY"]), (trial.adex, ["ASTDY"])):
        days += [table.set_index("USUBJID")[c] for c in columns if table is not None and c in table]
    adsl = trial.adsl.set_index("USUBJID")
    starts = [c for c in ("TRTSDT", "RANDDT") if c in adsl and adsl[c].notna().all()]
    for column in [c for c in ("EOSDT", "LSTALVDT", "DTHDT") if starts and c in adsl]:
        start, end = (pd.to_datetime(adsl[c], errors="coerce", format="ISO8601") for c in (starts[0], column))
        days.append((end - start).dt.days + 1)
    known = pd.concat(days).dropna() if days else pd.Series(dtype=float)
    return known[known >= 1].groupby(level=0).max()


def timeline(trial):
    """Line up the adverse events of each participant with the administrations along the follow-up.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    results : Results
        Keys ``safety.timeline.<arm>.{n, shown, with_events, events, undated, doses}``: participants in all, shown and
        with events; treatment-emergent events with a start day and without; administrations. Empty without ADAE.
    courses : list of Course
        Of the participants shown, test arm first: all of them, or where they are more than 40, those with events, and
        of these at most 20 in each arm, the worst affected.
    """
    chosen = trial.facts.analysis_sets.safety
    results = Results(trial.facts.alpha, dataset="adae", analysis_set=chosen.label)
    if trial.adae is None:
        return results, []
    arms = {arm: set(subjects["USUBJID"]) for arm, subjects in trial.subjects(chosen).items()}
    emergent, _ = _emergent(trial.adae)
    dated = emergent.assign(GRADE=grades(trial.adae)[0], DAY=emergent["ASTDY"] if "ASTDY" in emergent else float("nan"))
    doses = (
        trial.adex if trial.adex is not None and "ASTDY" in trial.adex else pd.DataFrame({"USUBJID": [], "ASTDY": []})
    )
    last = last_contact(trial)
    everybody = sum(map(len, arms.values())) <= LONGEST_TIMELINE
    shown = []
    for arm, members in arms.items():
        mine = dated[dated["USUBJID"].isin(members)]
        given = doses[doses["USUBJID"].isin(members)].dropna(subset="ASTDY")
        courses = [
            Course(
                arm,
                sorted(_pairs(mine[mine["USUBJID"] == who]), key=_worst_first),
                sorted(given.loc[given["USUBJID"] == who, "ASTDY"]),
                last.get(who),
            )
            for who in (members if everybody else members & set(mine.dropna(subset="DAY")["USUBJID"]))
        ]
        if not everybody:
            courses = sorted(courses, key=_burden)[: LONGEST_TIMELINE // 2]
        shown += sorted(courses, key=_first_event)
        undated = int(mine["DAY"].isna().sum())
        arm_facts = {"group": arm, "n": len(members)}
        for name, count, method in (
            ("n", len(members), "safety set"),
            ("shown", len(courses), "all" if everybody else "the worst affected of those with a dated event"),
            ("with_events", mine["USUBJID"].nunique(), "treatment-emergent"),
            ("events", len(mine) - undated, "treatment-emergent, with a start day"),
            ("undated", undated, "treatment-emergent, without a start day: not drawn"),
            ("doses", len(given), "rows of ADEX with a day"),
        ):
            results.add(f"safety.timeline.{arm}.{name}", count, "count", method=method, **arm_facts)
    return results, shown


def harms(trial):
    """Answer each item on harms of CONSORT from the data or from ``trial.yml``, or say that there is no answer.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    Results
        Keys ``safety.harms.<item>`` with the answer in words, and ``safety.harms.<item>.<arm>.n_of`` where the answer
        is a number of participants.

    References
    ----------
    Junqueira et al. 2023, BMJ 381:e073725 (CONSORT Harms 2022).
    """
    chosen = trial.facts.analysis_sets.safety
    results = Results(trial.facts.alpha, dataset="adae", analysis_set=chosen.label)
    stated = trial.facts.harms
    for item in ("collected", "assessed_by", "window", "coding"):
        said = (stated and getattr(stated, item)) or NOT_STATED
        results.add(f"safety.harms.{item}", said, "text", method="trial.yml, harms", dataset="trial.yml")
    counted = adverse_events(trial)
    for item, columns in (
        ("seriousness", ["AESER"]),
        ("severity", ["AETOXGR", "AESEV"]),
        ("relatedness", ["AEREL"]),
        ("withdrawals", ["AEACN"]),
        ("deaths", ["AEOUT", "AETOXGR"]),
        ("timing", ["ASTDY"]),
        ("classes", ["AEBODSYS"]),
    ):
        results.add(f"safety.harms.{item}", _completeness(trial.adae, columns), "text", method="columns of ADAE")
    lines = {"seriousness": "serious", "severity": "severe", "relatedness": "related", "withdrawals": "withdrawal"}
    for item, name in {**lines, "deaths": "fatal"}.items():
        for arm in trial.arms:
            if row := counted.get(f"safety.{name}.{arm.id}.n_of"):
                key, facts = f"safety.harms.{item}.{arm.id}.n_of", {"group": arm.id, "n": row.n, "unit": row.unit}
                results.add(key, row.value, "n of N", method=row.method, parameter=row.parameter, **facts)
    return results


def _completeness(adae, columns):
    """Say how far the first recorded of some columns is filled."""
    if adae is None:
        return NOT_COLLECTED
    for column in columns:
        if recorded(adae, column):
            return f"{column} given for {int(adae[column].notna().sum())} of {len(adae)} events"
    return NOT_COLLECTED


def _emergent(adae):
    """The treatment-emergent rows of ADAE, and by which rule."""
    if recorded(adae, "TRTEMFL"):
        return adae[adae["TRTEMFL"] == "Y"], "TRTEMFL is Y"
    if not recorded(adae, "ASTDY"):
        return adae, "all events: neither TRTEMFL nor ASTDY is recorded"
    rule = "TRTEMFL is not recorded: events that start on day 1 or later, or on no known day"
    return adae[~(adae["ASTDY"] < 1)], rule


def _account(results, trial, arms):
    """Account for each row of ADAE, and return the treatment-emergent ones of the safety set."""
    adae = trial.adae
    emergent, rule = _emergent(adae)
    inside = adae["USUBJID"].isin(set().union(*arms.values()))
    counted = inside & adae.index.isin(emergent.index)
    flag = adae["TRTEMFL"] if recorded(adae, "TRTEMFL") else pd.Series("", index=adae.index)
    day = adae["ASTDY"] if "ASTDY" in adae else pd.Series(float("nan"), index=adae.index)
    start = "start day before 1, TRTEMFL not recorded" if (flag == "").all() else "TRTEMFL is N"
    kinds = {
        "recorded": (inside | ~inside, "rows of ADAE"),
        "outside_set": (~inside, "participant outside the safety set: not tabulated"),
        "not_emergent": (inside & ~counted & flag.notna(), f"{start}: not tabulated"),
        "unflagged": (inside & flag.isna(), "TRTEMFL is empty: not tabulated"),
        "emergent": (counted, rule),
        "undated": (counted & day.isna(), "tabulated, without a start day"),
        "before": (counted & (day < 1), "tabulated, start day before 1 although TRTEMFL is Y"),
    }
    randomised = {arm: set(subjects["USUBJID"]) for arm, subjects in trial.subjects().items()}
    for kind, (chosen, method) in kinds.items():
        results.add(f"safety.events.{kind}", int(chosen.sum()), "count", unit="events", method=method)
        for arm, members in randomised.items():
            count = int((chosen & adae["USUBJID"].isin(members)).sum())
            results.add(
                f"safety.events.{kind}.{arm}.n", count, "count", unit="events", method=method, group=arm, n=len(members)
            )
    return adae[counted]


class _Exposure:
    """The participants' time at risk: from day 1 to the first event of a kind, or else to the last contact."""

    def __init__(self, last, arms):
        self.last = {arm: last[last.index.isin(members)] for arm, members in arms.items()}
        self.sizes = {arm: len(members) for arm, members in arms.items()}
        longest = max((days.max() for days in self.last.values() if len(days)), default=0)
        self.unit = "year" if longest >= DAYS["year"] else "month"

    def state(self, results):
        """Record the participants' time in each arm, and its unit."""
        results.add("safety.exposure.unit", f"participant-{self.unit}s", "text")
        for arm, days in self.last.items():
            facts = {"group": arm, "n": len(days), "unit": f"participant-{self.unit}s"}
            time = days.sum() / DAYS[self.unit] if len(days) else None
            said = self.method(arm) if len(days) else "not estimable: the day of last contact of nobody is known"
            results.add(f"safety.exposure.{arm}.time", time, "sum", 1, method=said, **facts)

    def method(self, arm):
        without = self.sizes[arm] - len(self.last[arm])
        left = f"; {without} without a known day left out" if without else ""
        return f"days from day 1 to the last contact{left}"

    def at_risk(self, arm, events):
        """Count those with an event and their time at risk, in `unit`; a first event on no known day ends nothing."""
        time = self.last[arm]
        mine = events[events["USUBJID"].isin(time.index)]
        first = mine.groupby("USUBJID")["ASTDY"].min().dropna().clip(lower=1) if "ASTDY" in mine else time[:0]
        until = first.reindex(time.index).fillna(time)
        undated = mine["USUBJID"].nunique() - len(first)
        return mine["USUBJID"].nunique(), until.sum() / DAYS[self.unit], undated


def _overall(emergent, adae):
    """The overall lines that the recorded columns allow: rows and method by name."""
    lines = {"any": (emergent, "")}
    if recorded(adae, "AESER"):
        lines["serious"] = emergent[emergent["AESER"] == "Y"], "AESER is Y"
    grade, source = grades(adae)
    if source:
        lines["severe"] = emergent[grade.loc[emergent.index] >= SEVERE_GRADE], f"{source}, severe or grade 3 and more"
    if recorded(adae, "AEREL"):
        related = emergent["AEREL"].notna() & ~_upper(emergent, "AEREL").str.fullmatch(_NOT_RELATED)
        lines["related"] = emergent[related], "AEREL is neither not related nor unlikely"
    if recorded(adae, "AEACN"):
        action = _upper(emergent, "AEACN")
        withdrawn = action.str.contains(_WITHDRAWN) & ~action.str.contains(_KEPT)
        lines["withdrawal"] = emergent[withdrawn], "AEACN is drug withdrawn"
    if recorded(adae, "AEOUT") or source:
        outcome = _upper(emergent, "AEOUT")
        died = outcome.str.contains(_FATAL) & ~outcome.str.contains(_KEPT)
        if source:
            died |= grade.loc[emergent.index] == FATAL_GRADE
        used = [column for column in ("AEOUT", source) if recorded(adae, column)]
        lines["fatal"] = emergent[died], f"{' or '.join(used)} is fatal"
    return lines


def _upper(events, column):
    if column not in events:
        return pd.Series("", index=events.index)
    return events[column].fillna("").astype(str).str.upper()


def _worst_grades(emergent, adae):
    """The events of participants by the worst grade of theirs: label, rows and method by name."""
    grade, source = grades(adae)
    if not source:
        return {}
    own = grade.loc[emergent.index]
    worst = own.groupby(emergent["USUBJID"]).transform("max")
    words = {1: "Mild", 2: "Moderate", 3: "Severe", 4: "Life threatening", 5: "Fatal"}
    found = {}
    for level in range(1, FATAL_GRADE + 1):
        label = f"Grade {level}" if source == "AETOXGR" else words[level]
        found[str(level)] = label, emergent[(worst == level) & (own == level)], f"worst {source} of a participant"
    found["not_given"] = "Grade not given", emergent[worst.isna()], f"{source} is empty in all events of a participant"
    return found


def _relations(emergent, adae):
    """The events by relation to treatment as recorded: label and rows by name."""
    if not recorded(adae, "AEREL"):
        return {}
    names = emergent["AEREL"].map(slug, na_action="ignore")
    said = adae["AEREL"].dropna().sort_values().groupby(adae["AEREL"].map(slug, na_action="ignore")).first()
    found = {}
    for name, label in said.items():
        words = RELATIONS.get(name, label.capitalize() if label.isupper() else label)
        found[name or "unnamed"] = words, emergent[names == name]
    found["not_given"] = "Relation not given", emergent[names.isna() | (names == "not_given")]
    return found


def _name(term):
    """The part of a key that names a preferred term, other than the parts that name something else."""
    part = slug(term) or "unnamed"
    return f"{part}_term" if part in RESERVED else part


def _by_frequency(events, column):
    """The events of each value of a column: first what most participants had, then by the alphabet."""
    groups = {value: rows for value, rows in events.groupby(column) if value != NO_CLASS}
    ordered = sorted(groups.items(), key=lambda item: (-item[1]["USUBJID"].nunique(), item[0].casefold()))
    unclassed = events[events[column] == NO_CLASS]
    return ordered + ([(NO_CLASS, unclassed)] if len(unclassed) else [])


def _line(results, name, label, rows, arms, exposure, method, tested):
    counts = []
    for arm, members in arms.items():
        mine = rows[rows["USUBJID"].isin(members)]
        count, total = mine["USUBJID"].nunique(), len(members)
        counts.append([count, total - count])
        key = f"safety.{name}.{arm}"
        arm_facts = {"parameter": label, "group": arm, "n": total, "unit": "participants", "method": method}
        results.add(f"{key}.n", count, "count", **arm_facts)
        results.add(f"{key}.n_of", [count, total], "n of N", **arm_facts)
        digits = percent_digits(total)
        results.add(f"{key}.pct", 100 * count / total, "percent", digits, **arm_facts)
        results.add(f"{key}.n_pct", [count, total], "n (%)", **arm_facts)
        bounds = [100 * bound for bound in proportion_confint(count, total, alpha=results.alpha, method="beta")]
        results.add(f"{key}.ci", bounds, "ci", digits, **{**arm_facts, "unit": "%", "method": "Clopper–Pearson"})
        results.add(f"{key}.events", len(mine), "count", **{**arm_facts, "unit": "events"})
        _rate(results, key, mine, exposure, arm_facts)
    _difference(results, name, label, counts)
    if tested:
        p, size = stats.fisher_exact(counts).pvalue, sum(map(sum, counts))
        results.add(f"safety.{name}.fisher.p", p, "p", parameter=label, method="Fisher's exact test", n=size)


def _rate(results, key, rows, exposure, facts):
    """Add the participants with an event per 100 units of their time at risk."""
    arm = facts["group"]
    facts = {**facts, "n": len(exposure.last[arm]), "unit": f"per 100 participant-{exposure.unit}s"}
    count, time, undated = exposure.at_risk(arm, rows)
    if not time:
        facts["method"] = "not estimable: the day of last contact is not known"
        results.add(f"{key}.rate", None, "rate", **facts)
        results.add(f"{key}.rate.ci", None, "ci", **facts)
        return
    ended = f"; start day of {undated} not known, their time counts in full" if undated else ""
    method = f"participants with an event over their time to the first{ended}; {exposure.method(arm)}"
    results.add(f"{key}.rate", 100 * count / time, "rate", 1, **{**facts, "method": method})
    bounds = [100 * bound for bound in confint_poisson(count, time, method="exact-c", alpha=results.alpha)]
    results.add(f"{key}.rate.ci", bounds, "ci", 1, **{**facts, "method": "exact Poisson (Garwood)"})


def _difference(results, name, label, counts):
    (test, _), (reference, _) = counts
    totals = [sum(arm) for arm in counts]
    facts = {"parameter": label, "unit": "percentage points", "n": sum(totals)}
    digits = percent_digits(min(totals))
    value = 100 * (test / totals[0] - reference / totals[1])
    results.add(f"safety.{name}.difference", value, "difference", digits, method="test minus reference", **facts)
    bounds = confint_proportions_2indep(
        test, totals[0], reference, totals[1], method="newcomb", compare="diff", alpha=results.alpha
    )
    bounds = [100 * bound for bound in bounds]
    results.add(f"safety.{name}.difference.ci", bounds, "ci", digits, method="Newcombe", **facts)


def _pairs(events):
    dated = events.dropna(subset="DAY")
    grade = dated["GRADE"].astype(object).where(dated["GRADE"].notna(), None)
    return list(zip(dated["DAY"], grade, strict=True))


def _worst_first(event):
    day, grade = event
    return day, -(grade or 0)


def _burden(course):
    """Sort a participant by the worst grade, then by the number of events, then by when they came."""
    return -max((grade or 0 for _, grade in course.events), default=0), -len(course.events), _first_event(course)


def _first_event(course):
    """Sort a participant by the first event, those without one last, by the length of the follow-up."""
    days = [day for day, _ in course.events]
    return not days, days, [grade or 0 for _, grade in course.events], course.doses, course.last or 0
