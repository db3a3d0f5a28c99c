"""Results in, a table out: which result stands in which cell, and nothing computed."""

import html
from dataclasses import dataclass, field

from trialbook.operating import EFFECTS
from trialbook.results import TABLE, Result
from trialbook.scenarios import under
from trialbook.style import NOT_ESTIMABLE

OVERALL_EVENTS = {
    "any": "Any adverse event",
    "serious": "Serious",
    "severe": "Grade 3 or worse",
    "related": "Related to treatment",
}


@dataclass(frozen=True)
class Row:
    """A line of a table: its label, its cells (a result, or a text), and how far the label is indented."""

    label: str
    cells: list = field(default_factory=list)
    indent: int = 0


@dataclass(frozen=True)
class Table:
    """A table that a notebook shows and that prose can place by its key.

    `columns` are the headings, the first that of the row labels, each a text or a (text, result) pair whose
    result, a number of participants, stands under the text. `notes` are the footnotes.
    """

    key: str
    columns: list
    rows: list[Row]
    notes: list[str] = field(default_factory=list)

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": f"table {self.key}", "text/html": self._html(), TABLE: self._json()}

    def _json(self):
        """The table with every result as its key, so that prose shows the row that stands in the notebook."""

        def cell(content):
            return {"key": content.key} if isinstance(content, Result) else {"text": content}

        columns = [(c, None) if isinstance(c, str) else c for c in self.columns]
        return {
            "key": self.key,
            "columns": [{"text": text, "key": n.key if n else None} for text, n in columns],
            "rows": [{"label": r.label, "indent": r.indent, "cells": [cell(c) for c in r.cells]} for r in self.rows],
            "notes": self.notes,
        }

    def _html(self):
        def cell(content):
            if isinstance(content, Result):
                return f"<td data-key='{html.escape(content.key)}'>{html.escape(content.display)}</td>"
            return f"<td>{html.escape(content)}</td>"

        def heading(column):
            text, n = (column, None) if isinstance(column, str) else column
            size = (
                f"<br><span class='n' data-key='{html.escape(n.key)}'>n = {html.escape(n.display)}</span>" if n else ""
            )
            return f"<th scope='col'>{html.escape(text)}{size}</th>"

        def line(row):
            if not row.cells:
                span = f"scope='rowgroup' colspan='{len(self.columns)}'"
                return f"<tr class='section'><th {span}>{html.escape(row.label)}</th></tr>"
            label = f"<th scope='row' class='indent-{row.indent}'>{html.escape(row.label)}</th>"
            return f"<tr>{label}{''.join(map(cell, row.cells))}</tr>"

        head, body = "".join(map(heading, self.columns)), "".join(map(line, self.rows))
        notes = "".join(f"<p class='note'>{html.escape(note)}</p>" for note in self.notes)
        table = f"<table class='results-table'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f"<div class='wide'>{table}</div>{notes}"


def estimands(trial, results):
    """Lay out the estimands that the trial declares, by the attributes of ICH E9(R1)."""
    attributes = {
        "population": "Population",
        "treatments": "Treatments compared",
        "variable": "Variable",
        "intercurrent_events": "Intercurrent events",
        "summary": "Summary measure",
    }
    rows = []
    for estimand in trial.facts.estimands:
        rows.append(Row(estimand.label))
        rows += [Row(label, [results[f"estimand.{estimand.id}.{name}"]], 1) for name, label in attributes.items()]
    return Table("trial.estimands", ["Attribute", "Stated"], rows, [] if rows else ["This trial declares no estimand."])


def baseline(trial, results, flow):
    """Lay out the baseline characteristics by arm and overall."""
    groups = [arm.id for arm in trial.arms] + ["all"]
    columns = ["Characteristic", *_arm_columns(trial, flow, "randomised"), ("All", flow["cohort.randomised.n"])]
    rows = []
    for line in trial.facts.baseline:
        own = [row for row in results if row.parameter == line.id and row.group == "all"]
        name = f"{line.label}, {line.unit}" if line.unit else line.label
        for row in own:
            statistic = row.key.split(".")[-1]
            cells = [results[row.key.replace(".all.", f".{group}.")] for group in groups]
            if statistic == "missing":
                if line.type == "category":
                    rows.append(Row(f"{name}, n (%)"))
                if row.value:
                    rows.append(Row(f"{name}: not recorded", cells, 1))
            elif line.type == "category":
                level = row.method.partition(": ")[2]
                rows.append(Row(line.levels.get(level, level), cells, 1))
            else:
                rows.append(Row(f"{name}, {row.statistic}", cells))
    return Table(
        "cohort.baseline",
        columns,
        rows,
        [
            "SD: standard deviation; IQR: lower to upper quartile.",
            "No significance tests: any difference at baseline arose by chance.",
        ],
    )


def adverse_events(trial, results, flow):
    """Lay out the overall lines and the preferred terms of the adverse events, the most frequent first."""
    columns = ["Event"]
    for column in _arm_columns(trial, flow, "safety"):
        columns += [column, f"{trial.ci_level} CI, %", "Events"]
    columns.append("P")

    def line(part, label, indent):
        keys = [f"safety.{part}.{arm.id}.{name}" for arm in trial.arms for name in ("n_pct", "ci", "events")]
        return Row(label, [results[key] for key in [*keys, f"safety.{part}.fisher.p"]], indent)

    def participants(part):
        return sum(results[f"safety.{part}.{arm.id}.n"].value for arm in trial.arms)

    seen = {row.key.split(".")[1]: row.parameter for row in results if row.key.endswith(".fisher.p")}
    terms = sorted(seen.keys() - OVERALL_EVENTS.keys(), key=lambda part: (-participants(part), seen[part]))
    rows = [line(part, label, 0) for part, label in OVERALL_EVENTS.items() if part in seen]
    rows += [Row("By preferred term"), *(line(part, seen[part], 1) for part in terms)] if terms else []
    notes = [
        "Participants with at least one treatment-emergent event, n (%).",
        "CI: confidence interval (Clopper–Pearson). P: Fisher's exact test.",
    ]
    absent = [label.lower() for part, label in OVERALL_EVENTS.items() if part not in seen]
    notes += [f"Not collected in this trial: {', '.join(absent)}."] if absent else []
    return Table("safety.adverse_events", columns, rows, notes)


def laboratory(trial, results):
    """Lay out the laboratory values by visit, one line per parameter and arm."""
    visits = [v for v in trial.facts.visits.schedule if v.avisitn >= trial.facts.visits.baseline]
    rows = []
    for parameter in trial.parameters("laboratory"):
        measured = trial.visits(parameter.paramcd)
        rows.append(Row(f"{parameter.label}, {parameter.unit}" if parameter.unit else parameter.label))
        for arm in trial.arms:
            keys = [
                f"{parameter.id}.{trial.visit_id(v, parameter.paramcd)}.{arm.id}.mean_sd" if v in measured else ""
                for v in visits
            ]
            outside = f"{parameter.id}.outside.{arm.id}.n_of"
            cells = [results.get(key, "–") for key in [*keys, outside]]
            rows.append(Row(arm.label, cells, 1))
    columns = ["Parameter", *(visit.label for visit in visits), "Ever out of range"]
    return Table(
        "safety.laboratory",
        columns,
        rows,
        ["Mean (SD).", "Ever out of range: participants with a value outside the normal range after baseline."],
    )


def by_visit(trial, results, parameter):
    """Lay out one efficacy parameter by visit and arm."""
    columns = ["Visit"]
    for arm in trial.arms:
        columns += [f"{arm.label}: {part}" for part in ("n", "mean (SD)", "change")]
    rows = []
    for visit in trial.visits(parameter.paramcd):
        cells = []
        for arm in trial.arms:
            key = f"{parameter.id}.{trial.visit_id(visit, parameter.paramcd)}.{arm.id}"
            cells += [results[f"{key}.n"], results[f"{key}.mean_sd"], results.get(f"{key}.change.mean_sd", "–")]
        rows.append(Row(visit.label, cells))
    unit = f", {parameter.unit}" if parameter.unit else ""
    return Table(
        f"{parameter.id}.by_visit",
        columns,
        rows,
        [f"{parameter.label}{unit}.", "Change from baseline: mean (SD) in participants with both values."],
    )


SPANS = {"final": "Final visit", "follow_up": "All follow-up visits"}


def scenarios(trial, results, chosen, parameter):
    """Lay out the effect on one efficacy parameter under each scenario, and why one cannot be had."""
    rows, reasons = [], {}
    for estimand, span in SPANS.items():
        rows.append(Row(span))
        for scenario, key in under(chosen, parameter, estimand):
            effect = results[key]
            if effect.value is None:
                reasons.setdefault(effect.method.removeprefix("not estimable: "), []).append(scenario.name(estimand))
            cells = [effect, *(results.get(f"{key}.{part}", "–") for part in ("ci", "p", "p_se", "qic"))]
            rows.append(Row(scenario.name(estimand), cells, 1))
    test, reference = trial.arms
    unit = f", {parameter.unit}" if parameter.unit else ""
    notes = [
        f"{parameter.label}{unit}: {test.label} minus {reference.label}.",
        "Follow-up: adjusted for visit and baseline; GEE: exchangeable working correlation; unless said otherwise.",
        "SE of P: Monte Carlo standard error, where allocations were drawn; a dash where all were enumerated, or none.",
        "QIC compares working correlations of one design, the smaller the better.",
        *(f"Not estimable ({', '.join(names)}): {reason}." for reason, names in reasons.items()),
    ]
    columns = ["Scenario", "Difference", f"{trial.ci_level} CI", "P", "SE of P", "QIC"]
    return Table(f"{parameter.id}.scenarios", columns, rows, notes)


def anova(trial, results):
    """Lay out the mixed repeated-measures ANOVA of each efficacy parameter."""
    rows, spheres = [], []
    parts = {"arm": "Arm", "visit": "Visit", "visit_type2": "Visit, type II", "interaction": "Arm × visit"}
    names = ("f", "df", "p", "p_hf", "p_uncorrected", "partial_eta_squared", "generalised_eta_squared")
    for parameter in trial.parameters("efficacy"):
        key = f"{parameter.id}.anova"
        complete = [f"{arm.label} {results[f'{key}.{arm.id}.n'].display}" for arm in trial.arms]
        rows.append(Row(f"{parameter.label} (complete cases: {', '.join(complete)})"))
        for part, label in parts.items():
            if f"{key}.{part}.f" in results:
                rows.append(Row(label, [results.get(f"{key}.{part}.{name}", "–") for name in names], 1))
        gg, hf, p = (results[f"{key}.{name}"] for name in ("epsilon", "epsilon_hf", "mauchly.p"))
        spheres.append(f"{parameter.label}: ε {gg.display} and {hf.display}, Mauchly's test {_said_p(p.display)}.")
    notes = [
        "Complete cases; type III sums of squares unless said. η²p, η²G: partial and generalised eta squared.",
        "P of the rows within participants: GG, Greenhouse–Geisser corrected; HF, Huynh–Feldt corrected.",
        f"Sphericity, by GG and HF. {' '.join(spheres)}",
    ]
    columns = ["Effect", "F", "Degrees of freedom", "P (GG)", "P (HF)", "P, sphericity assumed", "η²p", "η²G"]
    return Table("efficacy.anova", columns, rows, notes)


def anova_checks(trial, results, parameter):
    """Lay out what can be tested of the assumptions of the ANOVA of one efficacy parameter."""
    key = f"{parameter.id}.anova.check"
    visits = [(visit, trial.visit_id(visit, parameter.paramcd)) for visit in trial.visits(parameter.paramcd)]
    lines = [
        Row("Normal residuals (Shapiro–Wilk W)"),
        *(
            Row(label, [results[f"{key}.normality_{name}.w"], results[f"{key}.normality_{name}.p"]], 1)
            for name, label in (("subjects", "Means of participants"), ("within", "Values around those means"))
        ),
        Row("Arms vary alike (SDs of the arms, Brown–Forsythe P)"),
        Row("Means of participants", ["–", results[f"{key}.variance_subjects.p"]], 1),
    ]
    columns = ["Assumption", *(f"{arm.label}: SD" for arm in trial.arms), "W", "P"]
    rows = [Row(line.label, line.cells and ["–", "–", *line.cells], line.indent) for line in lines]
    for visit, name in visits:
        spread = [results[f"{key}.{name}.{arm.id}.sd"] for arm in trial.arms]
        rows.append(Row(visit.label, [*spread, "–", results[f"{key}.variance_{name}.p"]], 1))
    unit = f", {parameter.unit}" if parameter.unit else ""
    notes = [
        f"{parameter.label}{unit}; complete cases. Largest variance over the smallest: "
        f"{results[f'{key}.variance_ratio'].display}.",
        "A small P speaks against the assumption; with few participants a large one does not speak for it.",
    ]
    return Table(f"{parameter.id}.anova.checks", columns, rows, notes)


def effect_by_visit(trial, results, parameter):
    """Lay out the effect on one efficacy parameter at each follow-up visit."""
    rows = []
    for visit in trial.visits(parameter.paramcd):
        key = f"{parameter.id}.gee.{trial.visit_id(visit, parameter.paramcd)}"
        if f"{key}.effect" in results:
            effect = results[f"{key}.effect"]
            cells = [str(effect.n), *(results[f"{key}.{name}"] for name in ("effect", "ci", "df", "p"))]
            rows.append(Row(visit.label, cells))
    test, reference = trial.arms
    unit = f", {parameter.unit}" if parameter.unit else ""
    same = results[f"{parameter.id}.gee.equal_effects.p"].display
    notes = [
        f"{parameter.label}{unit}: {test.label} minus {reference.label}, given the baseline value; n: both arms.",
        "GEE with arm × visit, exchangeable; CR2 covariance, Satterthwaite degrees of freedom.",
        f"That the effect is the same at all visits (approximate Hotelling T²): {_said_p(same)}.",
    ]
    columns = ["Visit", "n", "Difference", f"{trial.ci_level} CI", "Degrees of freedom", "P"]
    return Table(f"{parameter.id}.effect_by_visit", columns, rows, notes)


def multiplicity(trial, results, family):
    """Lay out the P values of one family of ``trial.yml`` with those that allow for their number."""
    labels = {parameter.paramcd: parameter.label for parameter in trial.facts.parameters}
    rows, left_out = [], []
    for member in family.members:
        p, holm, bh = (results[f"multiplicity.{family.id}.{member}.{name}"] for name in ("p", "holm", "bh"))
        label = f"{labels.get(p.parameter, member)}, {p.visit.lower()}" if p.visit else labels.get(p.parameter, member)
        if p.value is None:
            left_out.append(f"{label}: {p.method}, and not counted.")
        rows.append(Row(label if p.value is None else f"{label} ({p.method})", [p, holm, bh]))
    notes = [
        f"{family.label}.",
        "Holm: chance of any error in the family. Benjamini–Hochberg: share of errors among what is found.",
        *left_out,
    ]
    columns = ["Effect", "P", "P (Holm)", "P (Benjamini–Hochberg)"]
    return Table(f"multiplicity.{family.id}", columns, rows, notes)


def operating(trial, results, parameter):
    """Lay out how often each method rejects in simulated trials, by the size of the effect."""
    key = f"{parameter.id}.operating"
    trials, rows = results[f"{key}.trials.n"], []
    for estimand, span in {**SPANS, "course": "All visits"}.items():
        rows.append(Row(span))
        for row in results:
            if (
                row.key.startswith(f"{key}.")
                and row.value is not None
                and row.key.endswith(".type1")
                and row.estimand == estimand
            ):
                method = row.key.removesuffix(".type1")
                power = [results[f"{method}.power.{k}"] for k in range(1, len(EFFECTS))]
                rows.append(
                    Row(row.method, [row, results[f"{method}.type1.ci"], results[f"{method}.verdict"], *power], 1)
                )
    if trials.value is None:
        return Table(key, ["Method"], rows[:0], [f"{_sentence(trials.method)}."])
    sd = results[f"{key}.sd"]
    notes = [
        f"{parameter.label}: {trials.display} simulated trials of {trials.n} participants without missing values; "
        f"correlation of any two visits {results[f'{key}.correlation'].display}.",
        "Type I error: trials without an effect in which the method finds one; CI: 95%, of the simulation.",
        "Power: trials in which it finds an effect that is there, in standard deviations at the final visit "
        f"({f'{sd.display} {sd.unit}'.rstrip()}).",
    ]
    columns = ["Method", "Type I error", "CI, %", "Level", *(f"Power, {effect:g} SD" for effect in EFFECTS[1:])]
    return Table(key, columns, rows, notes)


def missing_visits(trial, results):
    """Lay out how many participants lack the value of each visit, by efficacy parameter and arm."""
    rows = []
    for parameter in trial.parameters("efficacy"):
        key = f"{parameter.id}.missing"
        rows.append(Row(parameter.label))
        for visit in trial.visits(parameter.paramcd):
            name = trial.visit_id(visit, parameter.paramcd)
            rows.append(Row(visit.label, [results[f"{key}.{name}.{arm.id}.n"] for arm in trial.arms], 1))
        rows.append(Row("All visits", [results[f"{key}.{arm.id}.n_of"] for arm in trial.arms], 1))
    notes = ["Values missing of the participants of the efficacy set."]
    return Table("efficacy.missing_visits", ["Visit", *_sized_arms(trial, results)], rows, notes)


def missing_patterns(trial, results):
    """Lay out the participants by pattern of missing values, and why those with a value missing lack it."""
    rows = []
    for parameter in trial.parameters("efficacy"):
        key, (first, *_) = f"{parameter.id}.missing", trial.arms
        own = [row.key for row in results if row.key.startswith(f"{key}.{first.id}.") and row.key.endswith(".n")]
        rows.append(Row(parameter.label))
        for name in own:
            cells = [results[name.replace(f"{key}.{first.id}.", f"{key}.{arm.id}.", 1)] for arm in trial.arms]
            reason = ".reason." in name
            if any(cell.value for cell in cells) or name.endswith(".complete.n"):
                label = f"Reason: {cells[0].method}" if reason else _sentence(cells[0].method)
                rows.append(Row(label, cells, 1 + reason))
    notes = [
        "Participants of the efficacy set, each in one pattern; patterns that nobody has are left out.",
        "Reason: how those with a value missing ended the trial.",
    ]
    return Table("efficacy.missing_patterns", ["Pattern", *_sized_arms(trial, results)], rows, notes)


def imputed(trial, results):
    """Lay out the effect on each efficacy parameter with what is missing imputed as missing at random."""
    rows = []
    for parameter in trial.parameters("efficacy"):
        rows.append(Row(f"{parameter.label}, {parameter.unit}" if parameter.unit else parameter.label))
        for estimand, span in SPANS.items():
            key = f"{parameter.id}.missing.imputed.{estimand}"
            rows.append(Row(span, [results[f"{key}.{part}"] for part in ("effect", "ci", "p", "fmi")], 1))
    test, reference = trial.arms
    methods = dict.fromkeys(row.method for row in results if row.key.endswith(".p"))
    notes = [
        f"{test.label} minus {reference.label}; all participants of the efficacy set.",
        *(f"{_sentence(method)}." for method in methods),
    ]
    columns = ["Effect at", "Difference", f"{trial.ci_level} CI", "P", "Information missing"]
    return Table("efficacy.imputed", columns, rows, notes)


def tipping(trial, results, parameter):
    """Lay out the effect on one efficacy parameter as the imputed values of the test arm are shifted against it."""
    key = f"{parameter.id}.tipping"
    own = [row.key for row in results if row.key.startswith(key)]
    rows = []
    for step in (name.removesuffix(".delta") for name in own if name.endswith(".delta")):
        cells = [results[f"{step}.{part}"] for part in ("delta", "effect", "ci", "p")]
        rows.append(Row(results[f"{step}.sds"].display, cells))
    point = results[f"{key}.point"]
    rows.append(Row("Tipping point", [point, "", "", ""]))
    test, reference = trial.arms
    unit = f", {parameter.unit}" if parameter.unit else ""
    notes = [
        f"{parameter.label}{unit}: {test.label} minus {reference.label}, mean of the follow-up visits.",
        f"Shift: what is added to each imputed follow-up value of {test.label}; SD: of the observed follow-up values.",
        f"{_sentence(point.method)}.",
    ]
    return Table(key, ["Shift, SD", f"Shift{unit}", "Difference", f"{trial.ci_level} CI", "P"], rows, notes)


def reconciliation(results):
    """Lay out the published figures beside the computed ones."""
    keys = [row.key.removesuffix(".printed") for row in results if row.key.endswith(".printed")]
    rows = [
        Row(
            _sentence(results[f"{k}.printed"].parameter),
            [results[f"{k}.{part}"] for part in ("printed", "computed", "match")],
        )
        for k in keys
    ]
    return Table(
        "reconciliation.figures",
        ["Figure", "Published", "Computed", "Same"],
        rows,
        ["Same: the computed value rounds to the printed digits."],
    )


def reconciliation_scenarios(results):
    """Lay out which scenarios give each published figure."""
    rows = [Row(_sentence(row.parameter), [row.method, row]) for row in results if row.key.endswith(".scenarios")]
    notes = ["To the printed digit."]
    return Table("reconciliation.scenarios", ["Figure", "Published", "Scenarios that give it"], rows, notes)


def _arm_columns(trial, flow, stage):
    return [(arm.label, flow[f"cohort.{stage}.{arm.id}.n"]) for arm in trial.arms]


def _sized_arms(trial, results):
    return [(arm.label, results[f"missing.{arm.id}.n"]) for arm in trial.arms]


def _sentence(text):
    return text[:1].upper() + text[1:]


def _said_p(display):
    """Write a P value as in a sentence."""
    return display if display == NOT_ESTIMABLE else f"P {'' if display[0] in '<>' else '= '}{display}"
