"""Figures of effects, and of how far they can be trusted."""

import matplotlib.pyplot as plt
import seaborn as sns

from trialbook.analysis.scenarios import leaves_out_zero
from trialbook.displays.figures.figure import WIDTH, Figure, axis, look, say_not_estimable
from trialbook.results.verdicts import Level
from trialbook.stats.simulated_trials import EFFECTS

MARKERS, LINES = ("o", "s"), ("-", "--")
_RESIDUALS = {"subjects": "Means of participants", "within": "Around those means"}


def trajectory(trial, results, parameter):
    """Draw the mean of one parameter by visit and arm with the interval of each mean.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `efficacy.by_visit`.
    parameter : Parameter

    Returns
    -------
    Figure
    """
    visits = trial.visits(parameter.paramcd)
    times = [visit.avisitn for visit in visits]
    spread = (times[-1] - times[0]) * 0.006
    with look():
        drawing, axes = plt.subplots(figsize=(WIDTH, 4.0))
        said = []
        for index, (arm, colour) in enumerate(zip(trial.arms, sns.color_palette("colorblind"), strict=False)):
            keys = [f"{parameter.id}.{trial.visit_id(visit, parameter.paramcd)}.{arm.id}" for visit in visits]
            shown = [
                (t, results[f"{k}.mean"], results[f"{k}.ci"])
                for t, k in zip(times, keys, strict=True)
                if results[f"{k}.ci"].value
            ]
            means = [mean.value for _, mean, _ in shown]
            errors = [
                [m - ci.value[0] for m, (_, _, ci) in zip(means, shown, strict=True)],
                [ci.value[1] - m for m, (_, _, ci) in zip(means, shown, strict=True)],
            ]
            label = f"{arm.label} (n = {', '.join(dict.fromkeys(results[f'{k}.n'].display for k in keys))})"
            x = [t + (index - 0.5) * 2 * spread for t, _, _ in shown]
            axes.errorbar(
                x,
                means,
                yerr=errors,
                label=label,
                color=colour,
                marker=MARKERS[index],
                linestyle=LINES[index],
                capsize=3,
            )
            ends = f"from {shown[0][1].display} to {shown[-1][1].display}" if shown else "not estimable"
            said.append(f"{arm.label} {ends}")
        axes.set(
            xlabel=axis("Time", trial.facts.visits.unit and f"{trial.facts.visits.unit}s"),
            ylabel=axis(parameter.label, parameter.unit),
        )
        axes.set_xticks(times, [f"{t:g}" for t in times])
        axes.legend(frameon=False)
        sns.despine(drawing)
    unit = f", {parameter.unit}" if parameter.unit else ""
    span = f"{visits[0].label.lower()} to {visits[-1].label.lower()}"
    alt = (
        f"Mean {parameter.label} by visit with {trial.ci_level} confidence intervals{unit}: {'; '.join(said)}, {span}."
    )
    return Figure(f"{parameter.id}.trajectory", drawing, alt)


def anova_checks(trial, results, parameter, checks):
    """Draw what can be seen of the assumptions of the ANOVA of one efficacy parameter.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `efficacy.anova_checks`.
    parameter : Parameter
    checks : dict of str to anova.Checks or None
        Of `efficacy.anova_checks`.

    Returns
    -------
    Figure
        Normal plots of the residuals, with the band that holds each point of a normal sample, and SD by visit and arm.
    """
    key, found = f"{parameter.id}.anova.check", checks[parameter.id]
    visits = trial.visits(parameter.paramcd)
    places, names = range(len(visits)), [trial.visit_id(visit, parameter.paramcd) for visit in visits]
    with look():
        drawing, panels = plt.subplots(1, 3, figsize=(WIDTH, 2.9), width_ratios=(1, 1, 1.25))
        said = []
        for axes, (name, title) in zip(panels, _RESIDUALS.items(), strict=False):
            w, p = results[f"{key}.normality_{name}.w"], results[f"{key}.normality_{name}.p"]
            if found:
                points = getattr(found, name)
                axes.fill_between(points.expected, points.lower, points.upper, color="0.85", linewidth=0)
                axes.plot(points.expected, points.expected, color="grey", linewidth=1, linestyle=":")
                axes.plot(points.expected, points.observed, marker="o", markersize=3, color="black", linestyle="none")
            else:
                say_not_estimable(axes)
            size = f" ({len(points.observed)})" if found else ""
            axes.set_title(f"{title}{size}", loc="left", fontsize=9)
            axes.set(xlabel="Expected of a normal (SD)", ylabel="Residual (SD)" if axes is panels[0] else "")
            said.append(f"{title.lower()}{size}, Shapiro–Wilk W {w.display}, P {p.display}")
        axes = panels[-1]
        for index, (arm, colour) in enumerate(zip(trial.arms, sns.color_palette("colorblind"), strict=False)):
            spread = [results[f"{key}.{name}.{arm.id}.sd"] for name in names]
            if found:
                line = {"color": colour, "marker": MARKERS[index], "linestyle": LINES[index], "markersize": 4}
                axes.plot(places, [sd.value for sd in spread], label=arm.label, **line)
            said.append(f"SD in {arm.label} {', '.join(sd.display for sd in spread)}")
        if found:
            axes.legend(frameon=False, loc="best")
            axes.set_ylim(bottom=0)
        else:
            say_not_estimable(axes)
        axes.set_title(axis("SD at each visit", parameter.unit), loc="left", fontsize=9)
        axes.set_xlabel(axis("Visit", trial.facts.visits.unit))
        axes.set_xticks(places, [f"{visit.avisitn:g}" for visit in visits], fontsize=8)
        sns.despine(drawing)
        drawing.tight_layout(w_pad=1.5)
    span = ", ".join(visit.label.lower() for visit in visits)
    ratio = results[f"{key}.variance_ratio"].display
    alt = (
        f"Residuals of the analysis of variance of {parameter.label} against those of a normal sample, with bands of "
        f"95% for each point, and SD by arm at {span}: {'; '.join(said)}; largest over smallest variance {ratio}."
    )
    return Figure(f"{parameter.id}.anova.checks", drawing, alt)


def effect_by_visit(trial, results, parameter):
    """Draw the effect on one efficacy parameter at each follow-up visit with its interval.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `efficacy.effect_by_visit`.
    parameter : Parameter

    Returns
    -------
    Figure
        A filled marker where the interval leaves out zero, an open one where it does not.
    """
    visits, said = [], []
    for visit in trial.visits(parameter.paramcd):
        key = f"{parameter.id}.gee.{trial.visit_id(visit, parameter.paramcd)}"
        if f"{key}.effect" in results:
            visits.append((visit, results[f"{key}.effect"], results[f"{key}.ci"]))
    with look():
        drawing, axes = plt.subplots(figsize=(WIDTH, 3.4))
        axes.axhline(0, color="grey", linewidth=1, linestyle=":")
        for place, (visit, effect, ci) in enumerate(visits):
            said.append(f"{visit.label.lower()} (n = {effect.n}) {effect.display} ({ci.display})")
            if ci.value is None:
                axes.text(place, 0, "not\nestimable", ha="center", va="center", fontsize=8)
                continue
            filled = "black" if ci.value[0] > 0 or ci.value[1] < 0 else "white"
            axes.plot([place] * 2, ci.value, color="black", linewidth=1.2, zorder=1)
            axes.plot(place, effect.value, marker="o", markersize=6, color="black", markerfacecolor=filled)
        axes.set_ylabel(axis(f"Difference in {parameter.label}", parameter.unit))
        sizes = [f"{visit.label}\nn = {effect.n}" for visit, effect, _ in visits]
        axes.set_xticks(range(len(visits)), sizes, fontsize=8)
        axes.set_xlim(-0.5, len(visits) - 0.5)
        sns.despine(drawing)
    test, reference = trial.arms
    alt = (
        f"Effect on {parameter.label}, {test.label} minus {reference.label}, at each follow-up visit with "
        f"{trial.ci_level} confidence intervals: {'; '.join(said)}."
    )
    return Figure(f"{parameter.id}.effect_by_visit", drawing, alt)


def operating(trial, results, parameter):
    """Draw how often each method rejects in simulated trials, without an effect and with effects of several sizes.

    Parameters
    ----------
    trial : Trial
        For the nominal level.
    results : Results
        Of `operating.characteristics`.
    parameter : Parameter

    Returns
    -------
    Figure
        Type I error with its Monte Carlo interval beside the nominal level, filled where the level is not kept, and
        power; a panel for each size of effect.
    """
    key = f"{parameter.id}.operating"
    errors = [r for r in results if r.key.startswith(f"{key}.") and r.key.endswith(".type1") and r.value is not None]
    nominal, said = 100 * trial.facts.alpha, []
    with look():
        drawing, axes = plt.subplots(
            1, len(EFFECTS), figsize=(WIDTH, 0.9 + 0.24 * max(len(errors), 3)), sharey=True, width_ratios=[1.6, 1, 1, 1]
        )
        for height, row in enumerate(errors):
            method = row.key.removesuffix(".type1")
            ci, kept = results[f"{method}.type1.ci"], results[f"{method}.verdict"]
            power = [results[f"{method}.power.{k}"] for k in range(1, len(EFFECTS))]
            axes[0].plot(ci.value, [height, height], color="black", linewidth=1.2)
            face = "white" if kept.value == Level.KEPT else "black"
            axes[0].plot(row.value, height, marker="o", markersize=5, color="black", markerfacecolor=face)
            for panel, share in zip(axes[1:], power, strict=True):
                panel.plot([0, share.value], [height, height], color="0.6", linewidth=1)
                panel.plot(share.value, height, marker="o", markersize=4, color="black")
            said.append(f"{row.label}, {row.display} ({kept.display}), power {', '.join(p.display for p in power)}")
        axes[0].axvline(nominal, color="black", linewidth=1, linestyle="--", zorder=0)
        axes[0].set_title("Type I error", loc="left", fontsize=9)
        axes[0].set(xlabel=f"% (nominal: {nominal:g})", xlim=(0, None))
        for panel, effect in zip(axes[1:], EFFECTS[1:], strict=True):
            panel.set_title(f"Power, {effect:g} SD", loc="left", fontsize=9)
            panel.set(xlabel="%", xlim=(0, 103))
        for panel in axes:
            panel.tick_params(axis="y", length=0)
            panel.xaxis.label.set_fontsize(8)
        axes[0].set_yticks(range(len(errors)), [row.label for row in errors], fontsize=8)
        if errors:
            axes[0].invert_yaxis()
        else:
            say_not_estimable(axes[0])
        sns.despine(drawing, left=True)
        drawing.tight_layout()
    sizes = ", ".join(f"{effect:g}" for effect in EFFECTS[1:])
    trials = results[f"{key}.trials.n"]
    alt = (
        f"Type I error of each method for {parameter.label} in {trials.display} simulated trials, nominal "
        f"{nominal:g}%, and power at effects of {sizes} standard deviations: {'; '.join(said) or trials.reason}."
    )
    return Figure(key, drawing, alt)


def tipping(trial, results, parameter):
    """Draw the effect on one efficacy parameter as the imputed values of the test arm are shifted against it.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `missing.tipping`.
    parameter : Parameter

    Returns
    -------
    Figure
        The effect with its interval against the shift, and the tipping point or why there is none.
    """
    key = f"{parameter.id}.tipping"
    steps = [row for row in results if row.key.startswith(key) and row.key.endswith(".delta")]
    names = [row.key.removesuffix(".delta") for row in steps]
    point, test, reference = results[f"{key}.point"], *trial.arms
    said = []
    with look():
        drawing, axes = plt.subplots(figsize=(WIDTH, 3.6))
        axes.axhline(0, color="grey", linewidth=1, linestyle=":")
        for delta, name in zip(steps, names, strict=True):
            effect, ci, p = (results[f"{name}.{part}"] for part in ("effect", "ci", "p"))
            said.append(f"{delta.display}: {effect.display} ({ci.display}), P {p.display}")
            if ci.value is None:
                say_not_estimable(axes)
                continue
            filled = "black" if leaves_out_zero(ci.value) else "white"
            axes.plot([delta.value] * 2, ci.value, color="black", linewidth=1.2, zorder=1)
            axes.plot(delta.value, effect.value, marker="o", markersize=6, color="black", markerfacecolor=filled)
        if isinstance(point.value, float):
            axes.axvline(point.value, color="black", linewidth=1, linestyle="--", zorder=0)
        title = f"Tipping point: {point.display} {'' if point.value is None else point.unit}".rstrip()
        axes.set_title(f"{title} (n = {point.n})", loc="left", fontsize=10)
        axes.set_xticks([row.value for row in steps], [row.display for row in steps])
        if len(steps) == 1:
            axes.set_xlim(-1, 1)
        axes.set_xlabel(axis(f"Shift of the imputed values of {test.label}", parameter.unit))
        axes.set_ylabel(axis(f"Difference in {parameter.label}", parameter.unit))
        if steps[-1].value < 0:
            axes.invert_xaxis()
        sns.despine(drawing)
    unit = f" ({parameter.unit})" if parameter.unit else ""
    alt = (
        f"Mean effect on {parameter.label} over the follow-up visits{unit}, {test.label} minus {reference.label}, by "
        f"shift of the imputed values of {test.label}: {'; '.join(said)}. {title}."
    )
    return Figure(key, drawing, alt)
