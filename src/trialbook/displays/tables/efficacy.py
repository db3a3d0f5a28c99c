"""Tables of effects, and of how far they can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialbook.displays import words
from trialbook.displays.tables.table import Cell, Column, Row, Table
from trialbook.results.row import Results

if TYPE_CHECKING:
    from trialbook.trial.config import Parameter
    from trialbook.trial.model import Trial
    from trialbook.trial.stated import Family


def by_visit(trial: Trial, results: Results, parameter: Parameter) -> Table:
    """Lay out one parameter by visit and arm."""
    columns, rows = ["Visit"], []
    for arm in trial.arms:
        columns += [f"{arm.label}: {part}" for part in ("n", "mean (SD)", "change")]
    for visit in trial.visits(parameter.paramcd):
        cells: list[Cell] = []
        for arm in trial.arms:
            key = f"{parameter.id}.{trial.visit_id(visit, parameter.paramcd)}.{arm.id}"
            cells += [results[f"{key}.n"], results[f"{key}.mean_sd"], results.get(f"{key}.change.mean_sd", "–")]
        rows.append(Row(visit.label, cells))
    notes = [f"{words.named(parameter)}.", "Change from baseline: mean (SD) in participants with both values."]
    return Table(f"{parameter.id}.by_visit", columns, rows, notes)


def anova(trial: Trial, results: Results) -> Table:
    """Lay out the mixed repeated-measures ANOVA of each efficacy parameter."""
    rows, spheres = [], []
    parts = {"arm": "Arm", "visit": "Visit", "visit_type2": "Visit, type II", "interaction": "Arm × visit"}
    names = ("f", "df", "p", "p_hf", "p_uncorrected", "partial_eta_squared", "generalised_eta_squared")
    for parameter in trial.parameters("efficacy"):
        own = results.under(f"{parameter.id}.anova")
        complete = [f"{arm.label} {own[f'{arm.id}.n'].display}" for arm in trial.arms]
        rows.append(Row(f"{parameter.label} (complete cases: {', '.join(complete)})"))
        for part, label in parts.items():
            if f"{part}.f" in own:
                rows.append(Row(label, [own.get(f"{part}.{name}", "–") for name in names], 1))
        gg, hf, p = (own[name].display for name in ("epsilon", "epsilon_hf", "mauchly.p"))
        spheres.append(f"{parameter.label}: ε {gg} and {hf}, Mauchly's test {words.said_p(p)}.")
    notes = [
        "Complete cases; type III sums of squares unless said. η²p, η²G: partial and generalised eta squared.",
        "P of the rows within participants: GG, Greenhouse–Geisser corrected; HF, Huynh–Feldt corrected.",
        f"Sphericity, by GG and HF. {' '.join(spheres)}",
    ]
    columns = ["Effect", "F", "Degrees of freedom", "P (GG)", "P (HF)", "P, sphericity assumed", "η²p", "η²G"]
    return Table("efficacy.anova", columns, rows, notes)


def anova_checks(trial: Trial, results: Results, parameter: Parameter) -> Table:
    """Lay out what can be tested of the assumptions of the ANOVA of one efficacy parameter."""
    own, no_sd = results.under(f"{parameter.id}.anova.check"), ["–"] * len(trial.arms)
    rows = [Row("Normal residuals (Shapiro–Wilk W)")]
    for name, label in (("subjects", "Means of participants"), ("within", "Values around those means")):
        rows.append(Row(label, [*no_sd, own[f"normality_{name}.w"], own[f"normality_{name}.p"]], 1))
    rows.append(Row("Arms vary alike (SDs of the arms, Brown–Forsythe P)"))
    rows.append(Row("Means of participants", [*no_sd, "–", own["variance_subjects.p"]], 1))
    for visit in trial.visits(parameter.paramcd):
        name = trial.visit_id(visit, parameter.paramcd)
        spread = [own[f"{name}.{arm.id}.sd"] for arm in trial.arms]
        rows.append(Row(visit.label, [*spread, "–", own[f"variance_{name}.p"]], 1))
    ratio = own["variance_ratio"].display
    notes = [
        f"{words.named(parameter)}; complete cases. Largest variance over the smallest: {ratio}.",
        "A small P speaks against the assumption; with few participants a large one does not speak for it.",
    ]
    columns = ["Assumption", *(f"{arm.label}: SD" for arm in trial.arms), "W", "P"]
    return Table(f"{parameter.id}.anova.checks", columns, rows, notes)


def effect_by_visit(trial: Trial, results: Results, parameter: Parameter) -> Table:
    """Lay out the effect on one efficacy parameter at each follow-up visit."""
    own, rows = results.under(f"{parameter.id}.gee"), []
    for visit in trial.visits(parameter.paramcd):
        name = trial.visit_id(visit, parameter.paramcd)
        if effect := own.get(f"{name}.effect"):
            parts = (own[f"{name}.{part}"] for part in ("ci", "df", "p"))
            rows.append(Row(visit.label, [str(effect.n), effect, *parts]))
    same = words.said_p(own["equal_effects.p"].display)
    notes = [
        f"{words.named(parameter)}: {words.contrast(trial)}, given the baseline value; n: both arms.",
        "GEE with arm × visit, exchangeable; CR2 covariance, Satterthwaite degrees of freedom.",
        f"That the effect is the same at all visits (approximate Hotelling T²): {same}.",
    ]
    columns = ["Visit", "n", "Difference", f"{trial.ci_level} CI", "Degrees of freedom", "P"]
    return Table(f"{parameter.id}.effect_by_visit", columns, rows, notes)


def multiplicity(trial: Trial, results: Results, family: Family) -> Table:
    """Lay out the P values of one family of ``trial.yml`` with those that allow for their number."""
    labels = {parameter.paramcd: parameter.label for parameter in trial.facts.parameters}
    rows, left_out = [], []
    for member in family.members:
        p, holm, bh = (results[f"multiplicity.{family.id}.{member}.{name}"] for name in ("p", "holm", "bh"))
        label = labels.get(p.parameter, member) + (f", {p.visit.lower()}" if p.visit else "")
        if p.reason:
            left_out.append(f"{label}: {p.display} ({p.reason}), and not counted.")
        rows.append(Row(f"{label} ({p.method})", [p, holm, bh]))
    notes = [
        f"{family.label}.",
        "Holm: chance of any error in the family. Benjamini–Hochberg: share of errors among what is found.",
        *left_out,
    ]
    columns = ["Effect", "P", "P (Holm)", "P (Benjamini–Hochberg)"]
    return Table(f"multiplicity.{family.id}", columns, rows, notes)


def operating(trial: Trial, results: Results, parameter: Parameter) -> Table:
    """Lay out how often each method rejects in simulated trials, by the size of the effect."""
    key, own = f"{parameter.id}.operating", results.under(f"{parameter.id}.operating")
    trials, effects = own["trials.n"], results.under(f"{parameter.id}.operating.effect")
    if trials.value is None:
        return Table(key, ["Method"], [], [f"{words.sentence(words.how(trials))}."])
    errors = {part.removesuffix(".type1"): row for part, row in own.items() if part.endswith(".type1")}
    rows, drawn_n = [], own["resampled.n"]
    for estimand, span in {**words.SPANS, "course": "All visits"}.items():
        rows.append(Row(span))
        for method, row in errors.items():
            if row.estimand == estimand and not row.reason:
                power = [own[f"{method}.power.{k}"] for k in effects]
                drawn = own.get(f"{method}.resampled", "–")
                error = [row, own[f"{method}.type1.ci"], own[f"{method}.verdict"], drawn]
                rows.append(Row(row.label, [*error, *power], 1))
    notes = [
        f"{parameter.label}: {trials.display} simulated trials of {trials.n} participants without missing values, "
        "normal with the covariance of each arm.",
        "Type I error: trials without an effect in which the method finds one; CI: 95%, of the simulation.",
        "Resampled: the same in trials of participants drawn, with replacement, from those of each arm "
        f"({words.how(drawn_n) if drawn_n.value is None else words.measured(drawn_n)}).",
        "Power: trials in which it finds an effect that is there, in standard deviations at the final visit "
        f"({words.measured(own['sd'])}).",
    ]
    powers = [f"Power, {effect.display} SD" for effect in effects.values()]
    return Table(key, ["Method", "Type I error", "CI, %", "Level", "Resampled", *powers], rows, notes)


def _sized_arms(trial: Trial, results: Results) -> list[Column]:
    return [(arm.label, results[f"missing.{arm.id}.n"]) for arm in trial.arms]


def missing_visits(trial: Trial, results: Results) -> Table:
    """Lay out how many participants lack the value of each visit, by efficacy parameter and arm; in all, if nobody."""
    rows = []
    for parameter in trial.parameters("efficacy"):
        own = results.under(f"{parameter.id}.missing")
        totals = [own[f"{arm.id}.n_of"] for arm in trial.arms]
        if not any(isinstance(total.value, list) and total.value[0] for total in totals):
            rows.append(Row(parameter.label, [*totals]))
            continue
        rows.append(Row(parameter.label))
        for visit in trial.visits(parameter.paramcd):
            name = trial.visit_id(visit, parameter.paramcd)
            rows.append(Row(visit.label, [own[f"{name}.{arm.id}.n"] for arm in trial.arms], 1))
        rows.append(Row("All visits", [*totals], 1))
    notes = ["Values missing of the participants of the efficacy set; where none is, those of all visits together."]
    return Table("efficacy.missing_visits", ["Visit", *_sized_arms(trial, results)], rows, notes)


def missing_patterns(trial: Trial, results: Results) -> Table:
    """Lay out the participants by pattern of missing values, and why those with a value missing lack it."""
    rows = []
    for parameter in trial.parameters("efficacy"):
        rows.append(Row(parameter.label))
        by_arm = [results.under(f"{parameter.id}.missing.{arm.id}") for arm in trial.arms]
        for part, row in by_arm[0].items():
            cells, is_reason = [own[part] for own in by_arm], part.startswith("reason.")
            if row.label and (part == "complete.n" or any(cell.value for cell in cells)):
                rows.append(Row(f"Reason: {row.label}" if is_reason else row.label, cells, 1 + is_reason))
    notes = [
        "Participants of the efficacy set, each in one pattern; patterns that nobody has are left out.",
        "Reason: how those with a value missing ended the trial.",
    ]
    return Table("efficacy.missing_patterns", ["Pattern", *_sized_arms(trial, results)], rows, notes)


def imputed(trial: Trial, results: Results) -> Table:
    """Lay out the effect on each efficacy parameter with what is missing imputed as missing at random."""
    rows = []
    for parameter in trial.parameters("efficacy"):
        rows.append(Row(words.named(parameter)))
        for estimand, span in words.SPANS.items():
            own = results.under(f"{parameter.id}.missing.imputed.{estimand}")
            rows.append(Row(span, [own[part] for part in ("effect", "se", "df", "ci", "p", "fmi")], 1))
    methods = dict.fromkeys(words.how(row) for row in results if row.key.endswith(".p"))
    notes = [
        f"{words.contrast(trial)}; all participants of the efficacy set.",
        *(f"{words.sentence(method)}." for method in methods),
    ]
    columns = [
        "Effect at",
        "Difference",
        "SE",
        "Degrees of freedom",
        f"{trial.ci_level} CI",
        "P",
        "Information missing",
    ]
    return Table("efficacy.imputed", columns, rows, notes)


def tipping(trial: Trial, results: Results, parameter: Parameter) -> Table:
    """Lay out the effect on one efficacy parameter as the imputed values of the test arm are shifted against it."""
    key, own = f"{parameter.id}.tipping", results.under(f"{parameter.id}.tipping")
    rows = []
    for step in (part.removesuffix(".delta") for part in own if part.endswith(".delta")):
        cells = [own[f"{step}.{part}"] for part in ("delta", "effect", "ci", "p")]
        rows.append(Row(own[f"{step}.sds"].display, cells))
    rows.append(Row("Tipping point", [own["point"], "", "", ""]))
    test = trial.arms[0]
    notes = [
        f"{words.named(parameter)}: {words.contrast(trial)}, mean of the follow-up visits.",
        f"Shift: what is added to each imputed follow-up value of {test.label}; SD: of the observed follow-up values.",
        f"{words.sentence(words.how(own['point']))}.",
    ]
    shift = f"Shift, {parameter.unit}" if parameter.unit else "Shift"
    return Table(key, ["Shift, SD", shift, "Difference", f"{trial.ci_level} CI", "P"], rows, notes)
