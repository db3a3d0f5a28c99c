"""What harm was seen: adverse events by arm, with the account of every row of ADAE."""

import re

import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from trialbook.analysis.rates import AtRisk, add_rate, last_contact
from trialbook.results.formats import percent_digits, slug
from trialbook.results.row import Results

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
NO_CLASS = "No system organ class given"

_NOT_RELATED = re.compile(r"N|NO|NONE|UNRELATED|(?:NOT RELATED|NOT SUSPECTED|NO RELATION|UNLIKELY).*")
_WITHDRAWN = re.compile(r"\b(?:WITHDRAWN|WITHDRAWAL|DISCONTINU\w*|STOPPED)\b")
_KEPT = re.compile(r"\b(?:NOT|NO|TEMPORAR\w*)\b")
_FATAL = re.compile(r"\b(?:FATAL|DEATH|DIED|DEAD)\b")


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
    risk = AtRisk(last_contact(trial), arms)
    risk.state(results)

    def line(name, label, rows, method="", tested=False):
        _line(results, name, label, rows, arms, risk, method, tested)

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


def treatment_emergent(adae):
    """Find the treatment-emergent rows of ADAE.

    Parameters
    ----------
    adae : DataFrame

    Returns
    -------
    rows : DataFrame
    rule : str
        By which they were found, in words.
    """
    if recorded(adae, "TRTEMFL"):
        return adae[adae["TRTEMFL"] == "Y"], "TRTEMFL is Y"
    if not recorded(adae, "ASTDY"):
        return adae, "all events: neither TRTEMFL nor ASTDY is recorded"
    rule = "TRTEMFL is not recorded: events that start on day 1 or later, or on no known day"
    return adae[~(adae["ASTDY"] < 1)], rule


def _account(results, trial, arms):
    """Account for each row of ADAE, and return the treatment-emergent ones of the safety set."""
    adae = trial.adae
    emergent, rule = treatment_emergent(adae)
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


def _line(results, name, label, rows, arms, risk, method, tested):
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
        add_rate(results, key, mine, risk, arm_facts)
    _difference(results, name, label, counts)
    if tested:
        p, size = stats.fisher_exact(counts).pvalue, sum(map(sum, counts))
        results.add(f"safety.{name}.fisher.p", p, "p", parameter=label, method="Fisher's exact test", n=size)


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
