"""Tables of effects, and of how far they can be trusted."""

from trialbook.displays.tables.table import Row, Table
from trialbook.displays.words import SPANS, how, said_p, sentence
from trialbook.stats.simulated_trials import EFFECTS


def by_visit(trial, results, parameter):
    """Lay out one parameter by visit and arm."""
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
        spheres.append(f"{parameter.label}: ε {gg.display} and {hf.display}, Mauchly's test {said_p(p.display)}.")
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
        f"That the effect is the same at all visits (approximate Hotelling T²): {said_p(same)}.",
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
            left_out.append(f"{label}: {p.display} ({p.reason}), and not counted.")
        rows.append(Row(f"{label} ({p.method})", [p, holm, bh]))
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
                    Row(row.label, [row, results[f"{method}.type1.ci"], results[f"{method}.verdict"], *power], 1)
                )
    if trials.value is None:
        return Table(key, ["Method"], rows[:0], [f"{sentence(how(trials))}."])
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


def _sized_arms(trial, results):
    return [(arm.label, results[f"missing.{arm.id}.n"]) for arm in trial.arms]


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
                label = f"Reason: {cells[0].label}" if reason else cells[0].label
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
    methods = dict.fromkeys(how(row) for row in results if row.key.endswith(".p"))
    notes = [
        f"{test.label} minus {reference.label}; all participants of the efficacy set.",
        *(f"{sentence(method)}." for method in methods),
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
        f"{sentence(how(point))}.",
    ]
    return Table(key, ["Shift, SD", f"Shift{unit}", "Difference", f"{trial.ci_level} CI", "P"], rows, notes)
