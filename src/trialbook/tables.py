"""Results in, a table out: which result stands in which cell, and nothing computed."""

import html
from dataclasses import dataclass, field

from trialbook.results import Result

MIME = "application/vnd.trialbook.table+json"
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
        return {"text/plain": f"table {self.key}", "text/html": self._html(), MIME: self._json()}

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


ANALYSES = {
    "Final visit": [
        ("final.difference", "Pooled t (as published)"),
        ("final.difference.welch", "Welch's t"),
        ("sensitivity.ancova", "ANCOVA on baseline"),
        ("sensitivity.randomisation", "Randomisation, difference"),
        ("sensitivity.ancova_randomisation", "Randomisation, ANCOVA"),
    ],
    "All follow-up visits": [
        ("gee.effect", "GEE, robust z (as published)"),
        ("gee.effect.cr2", "GEE, CR2, Satterthwaite t"),
        ("sensitivity.gee_kc", "GEE, Kauermann–Carroll, t"),
        ("sensitivity.gee_md", "GEE, Mancl–DeRouen, t"),
        ("sensitivity.gee_randomisation", "GEE, randomisation"),
        ("sensitivity.gee_independence", "GEE, independence, CR2"),
        ("sensitivity.gee_ar1", "GEE, AR(1), CR2"),
        ("sensitivity.gee_unstructured", "GEE, unstructured, CR2"),
        ("sensitivity.gee_unadjusted", "GEE, without baseline, CR2"),
        ("sensitivity.intercept", "REML, random intercept, Kenward–Roger"),
        ("sensitivity.mmrm", "REML, unstructured (MMRM), Satterthwaite"),
    ],
}


def estimate_of(results, parameter, analysis):
    """Look up the estimate, interval and P of one of `ANALYSES`."""
    key = f"{parameter.id}.{analysis}"
    if f"{key}.effect" in results:
        estimate = results[f"{key}.effect"]
    else:
        estimate = results[key.removesuffix(".welch").removesuffix(".cr2")]
    return estimate, results[f"{key}.ci"], results[f"{key}.p"]


def effects(trial, results, parameter):
    """Lay out the treatment effect on one efficacy parameter under each of `ANALYSES`."""
    rows = []
    for span, analyses in ANALYSES.items():
        rows.append(Row(span))
        rows += [Row(label, list(estimate_of(results, parameter, analysis)), 1) for analysis, label in analyses]
    test, reference = trial.arms
    unit = f", {parameter.unit}" if parameter.unit else ""
    notes = [
        f"{parameter.label}{unit}: {test.label} minus {reference.label}.",
        "GEE and REML: adjusted for visit and, but for one, baseline; GEE: exchangeable where nothing else is said.",
    ]
    return Table(f"{parameter.id}.effects", ["Analysis", "Difference", f"{trial.ci_level} CI", "P"], rows, notes)


def anova(trial, results):
    """Lay out the mixed repeated-measures ANOVA of each efficacy parameter."""
    rows = []
    for parameter in trial.parameters("efficacy"):
        rows.append(Row(parameter.label))
        for part, label in (("arm", "Arm"), ("visit", "Visit"), ("interaction", "Arm × visit")):
            key = f"{parameter.id}.anova.{part}"
            cells = [results.get(f"{key}.{name}", "–") for name in ("f", "df", "p", "p_uncorrected")]
            rows.append(Row(label, cells, 1))
    notes = [
        "Complete cases; type III sums of squares.",
        "P: Greenhouse–Geisser corrected for the rows within participants.",
    ]
    return Table("efficacy.anova", ["Effect", "F", "Degrees of freedom", "P", "P, sphericity assumed"], rows, notes)


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


def _arm_columns(trial, flow, stage):
    return [(arm.label, flow[f"cohort.{stage}.{arm.id}.n"]) for arm in trial.arms]


def _sentence(text):
    return text[:1].upper() + text[1:]
