"""What harm was seen: adverse events by arm, with the account of every row of ADAE."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from trialbook.analysis.rates import AtRisk, add_rate, last_contact
from trialbook.results.formats import percent_digits, slug
from trialbook.results.row import Results
from trialbook.trial import reading, words
from trialbook.trial.model import Trial

SEVERE_GRADE, FATAL_GRADE = 3, 5
OVERALL = ("any", "serious", "severe", "related", "withdrawal", "fatal")
RELATIONS = {"y": "Related", "yes": "Related", "n": "Not related", "no": "Not related", "none": "Not related"}
RESERVED = {*OVERALL, "soc", "grade", "relation", "events", "exposure", "timeline", "harms", "hy", "marked", "scale"}
NO_CLASS = "No system organ class given"


def adverse_events(trial: Trial) -> Results:
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
    arms = {arm: set(subjects["USUBJID"]) for arm, subjects in trial.treated().items()}
    adae = trial.adae[trial.adae.columns.intersection(reading.USED["adae"].split())]  # each line takes rows of it
    emergent = _account(results, trial, adae, arms)
    risk = AtRisk(last_contact(trial), arms)
    risk.state(results)

    for line in _lines(emergent, adae, trial):
        _add_line(results, line, arms, risk)
    return results


@dataclass(frozen=True)
class _Line:
    """One line of the table: its part of the key, its events, how they were found, and what the data call it."""

    name: str
    rows: pd.DataFrame
    method: str = ""
    label: str = ""
    tested: bool = False


def _lines(emergent: pd.DataFrame, adae: pd.DataFrame, trial: Trial) -> Iterator[_Line]:
    """The lines of the table in their order."""
    yield from _overall(emergent, adae, trial)
    yield from _worst_grades(emergent, adae, trial)
    yield from _relations(emergent, adae)
    if not recorded(adae, "AEBODSYS"):
        for term, rows in _by_frequency(emergent, "AEDECOD"):
            yield _Line(_name(term), rows, "AEDECOD", term, tested=True)
        return
    classed = emergent.assign(AEBODSYS=emergent["AEBODSYS"].fillna(NO_CLASS))
    several = classed.groupby("AEDECOD")["AEBODSYS"].nunique() > 1
    for organ, members in _by_frequency(classed, "AEBODSYS"):
        within = f"soc.{slug(organ) or 'unnamed'}"
        yield _Line(within, members, "AEBODSYS", organ)
        for term, rows in _by_frequency(members, "AEDECOD"):
            part = f"{within}.{_name(term)}" if several[term] else _name(term)
            yield _Line(part, rows, "AEDECOD", term, tested=not several[term])
    for term, rows in _by_frequency(classed[classed["AEDECOD"].map(several).astype(bool)], "AEDECOD"):
        yield _Line(_name(term), rows, "AEDECOD, all its system organ classes", term, tested=True)


def recorded(table: pd.DataFrame, column: str) -> bool:
    """Say whether a column is there and not all empty."""
    return column in table and bool(table[column].notna().any())


def grades(events: pd.DataFrame, terms: words.Terms) -> tuple[pd.Series | None, str]:
    """Read the grade of each event.

    Parameters
    ----------
    events : DataFrame
        Rows of ADAE.
    terms : mapping
        ``terms`` of ``trial.yml``.

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
        said = words.understood(events["AESEV"], "AESEV", terms)
        return said.mask(said == words.UNKNOWN).astype(float), "AESEV"
    return None, ""


def treatment_emergent(adae: pd.DataFrame) -> tuple[pd.DataFrame, str]:
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


def _account(results: Results, trial: Trial, adae: pd.DataFrame, arms: dict[str, set[str]]) -> pd.DataFrame:
    """Account for each row of ADAE, and return the treatment-emergent ones of the safety set."""
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


def _overall(emergent: pd.DataFrame, adae: pd.DataFrame, trial: Trial) -> Iterator[_Line]:
    """The overall lines that the recorded columns allow."""
    terms = trial.facts.terms

    def said(column: str) -> pd.Series:
        given = emergent[column] if column in emergent else pd.Series(index=emergent.index, dtype=object)
        return words.understood(given, column, terms)

    yield _Line("any", emergent, tested=True)
    if recorded(adae, "AESER"):
        yield _Line("serious", emergent[said("AESER") == words.YES], "AESER is Y", tested=True)
    grade, source = grades(adae, terms)
    if grade is not None:
        severe = emergent[grade.loc[emergent.index] >= SEVERE_GRADE]
        yield _Line("severe", severe, f"{source}, severe or grade 3 and more", tested=True)
    if recorded(adae, "AEREL"):
        counted, rule = relation_rule(trial)
        yield _Line("related", emergent[said("AEREL").isin(counted)], rule, tested=True)
    if recorded(adae, "AEACN"):
        withdrawn = said("AEACN") == words.WITHDRAWN
        yield _Line("withdrawal", emergent[withdrawn], "AEACN is drug withdrawn", tested=True)
    if recorded(adae, "AEOUT") or source:
        died = said("AEOUT") == words.FATAL
        if grade is not None:
            died |= grade.loc[emergent.index] == FATAL_GRADE
        used = [column for column in ("AEOUT", source) if recorded(adae, column)]
        yield _Line("fatal", emergent[died], f"{' or '.join(used)} is fatal", tested=True)


def relation_rule(trial: Trial) -> tuple[list[str], str]:
    """Say which meanings of AEREL count as related, and in words which do not.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    list of str
    str
    """
    harms = trial.facts.harms
    if harms and harms.unlikely == words.RELATED:
        return [
            words.RELATED,
            words.UNLIKELY,
        ], "AEREL is related, possible, probable or unlikely; unknown is not counted"
    return [words.RELATED], "AEREL is related, possible or probable; unlikely (remote) and unknown are not counted"


def _worst_grades(emergent: pd.DataFrame, adae: pd.DataFrame, trial: Trial) -> Iterator[_Line]:
    """The events of participants by the worst grade of theirs."""
    grade, source = grades(adae, trial.facts.terms)
    if grade is None:
        return
    own = grade.loc[emergent.index]
    worst = own.groupby(emergent["USUBJID"]).transform("max")
    named = {1: "Mild", 2: "Moderate", 3: "Severe", 4: "Life threatening", 5: "Fatal"}
    for level, word in named.items():
        label = f"Grade {level}" if source == "AETOXGR" else word
        rows = emergent[(worst == level) & (own == level)]
        yield _Line(f"grade.{level}", rows, f"worst {source} of a participant", label)
    method = f"{source} is empty in all events of a participant"
    yield _Line("grade.not_given", emergent[worst.isna()], method, "Grade not given")


def _relations(emergent: pd.DataFrame, adae: pd.DataFrame) -> Iterator[_Line]:
    """The events by relation to treatment as recorded."""
    if not recorded(adae, "AEREL"):
        return
    names = emergent["AEREL"].map(slug, na_action="ignore")
    said = {slug(relation): relation for relation in sorted(adae["AEREL"].dropna().unique(), reverse=True)}
    for name in sorted(said.keys() - {"not_given"}):
        label = RELATIONS.get(name, said[name].capitalize() if said[name].isupper() else said[name])
        yield _Line(f"relation.{name or 'unnamed'}", emergent[names == name], "AEREL", label)
    unknown = emergent[names.isna() | (names == "not_given")]
    yield _Line("relation.not_given", unknown, "AEREL", "Relation not given")


def _name(term: str) -> str:
    """The part of a key that names a preferred term, other than the parts that name something else."""
    part = slug(term) or "unnamed"
    return f"{part}_term" if part in RESERVED else part


def _by_frequency(events: pd.DataFrame, column: str) -> list[tuple[str, pd.DataFrame]]:
    """The events of each value of a column: first what most participants had, then by the alphabet."""
    groups = {str(value): rows for value, rows in events.groupby(column) if value != NO_CLASS}
    ordered = sorted(groups.items(), key=lambda item: (-item[1]["USUBJID"].nunique(), item[0].casefold()))
    unclassed = events[events[column] == NO_CLASS]
    return ordered + ([(NO_CLASS, unclassed)] if len(unclassed) else [])


def _add_line(results: Results, line: _Line, arms: dict[str, set[str]], risk: AtRisk) -> None:
    counts = []
    for arm, members in arms.items():
        mine = line.rows[line.rows["USUBJID"].isin(members)]
        count, total = mine["USUBJID"].nunique(), len(members)
        counts.append([count, total - count])
        facts: dict = {"label": line.label, "group": arm, "n": total, "unit": "participants", "method": line.method}
        key, digits = f"safety.{line.name}.{arm}", percent_digits(total)
        results.add(f"{key}.n", count, "count", **facts)
        results.add(f"{key}.n_of", [count, total], "n of N", **facts)
        results.add(f"{key}.pct", 100 * count / total, "percent", digits, **facts)
        results.add(f"{key}.n_pct", [count, total], "n (%)", **facts)
        bounds = [100 * bound for bound in proportion_confint(count, total, alpha=results.alpha, method="beta")]
        results.add(f"{key}.ci", bounds, "ci", digits, **{**facts, "unit": "%", "method": "Clopper–Pearson"})
        results.add(f"{key}.events", len(mine), "count", **{**facts, "unit": "events"})
        add_rate(results, key, mine, risk, facts)
    _add_difference(results, line, counts)
    if line.tested:
        p, size = stats.fisher_exact(np.array(counts)).pvalue, sum(map(sum, counts))
        method = "Fisher's exact test"
        results.add(f"safety.{line.name}.fisher.p", p, "p", label=line.label, method=method, n=size)


def _add_difference(results: Results, line: _Line, counts: list[list[int]]) -> None:
    (test, _), (reference, _) = counts
    totals = [sum(arm) for arm in counts]
    facts = {"label": line.label, "unit": "percentage points", "n": sum(totals)}
    key, digits = f"safety.{line.name}.difference", percent_digits(min(totals))
    value = 100 * (test / totals[0] - reference / totals[1])
    results.add(key, value, "difference", digits, method="test minus reference", **facts)
    bounds = confint_proportions_2indep(
        test, totals[0], reference, totals[1], method="newcomb", compare="diff", alpha=results.alpha
    )
    results.add(f"{key}.ci", [100 * bound for bound in bounds], "ci", digits, method="Newcombe", **facts)
