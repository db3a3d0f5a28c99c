"""Figures of effects, and of how far they can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import seaborn as sns

from trialbook.displays import words
from trialbook.displays.figures.figure import (
    WIDTH,
    WITHHELD,
    ArmLook,
    Figure,
    Style,
    arm_looks,
    axis,
    draw_effect,
    look,
    say_instead,
    say_not_estimable,
)
from trialbook.results.row import Result, Results
from trialbook.results.verdicts import Level

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from trialbook.stats.anova import Checks, Normality
    from trialbook.trial.config import Parameter, Visit
    from trialbook.trial.model import Trial

_RESIDUALS = {"subjects": "Means of participants", "within": "Around those means"}


@look()
def trajectory(trial: Trial, results: Results, parameter: Parameter) -> Figure:
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
    drawing, axes = plt.subplots(figsize=(WIDTH, 4.0))
    said = [f"{one.arm.label} {_draw_course(axes, trial, results, parameter, one)}" for one in arm_looks(trial)]
    unit = trial.facts.visits.unit
    axes.set(xlabel=axis("Time", unit and f"{unit}s"), ylabel=axis(parameter.label, parameter.unit))
    axes.set_xticks(times, [f"{t:g}" for t in times])
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    sns.despine(drawing)
    means = f"Mean {parameter.label} by visit with {trial.ci_level} confidence intervals"
    unit = f", {parameter.unit}" if parameter.unit else ""
    span = f"{visits[0].label.lower()} to {visits[-1].label.lower()}"
    return Figure(f"{parameter.id}.trajectory", drawing, f"{means}{unit}: {'; '.join(said)}, {span}.")


def _draw_course(axes: Axes, trial: Trial, results: Results, parameter: Parameter, one: ArmLook) -> str:
    """Draw the means of one arm, and return where they begin and end in words."""
    visits = trial.visits(parameter.paramcd)
    keys = [f"{parameter.id}.{trial.visit_id(visit, parameter.paramcd)}.{one.arm.id}" for visit in visits]
    found = [(v.avisitn, results[f"{k}.mean"], results[f"{k}.ci"].value) for v, k in zip(visits, keys, strict=True)]
    shown = [(time, mean, ci) for time, mean, ci in found if ci]
    apart = 2 * one.side * (visits[-1].avisitn - visits[0].avisitn) * 0.006
    axes.errorbar(
        [time + apart for time, *_ in shown],
        [mean.value for _, mean, _ in shown],
        yerr=[[mean.value - ci[0] for _, mean, ci in shown], [ci[1] - mean.value for _, mean, ci in shown]],
        label=f"{one.arm.label} (n = {', '.join(dict.fromkeys(results[f'{k}.n'].display for k in keys))})",
        color=one.colour,
        marker=one.marker,
        linestyle=one.line,
        capsize=3,
    )
    return f"from {shown[0][1].display} to {shown[-1][1].display}" if shown else "not estimable"


@look()
def anova_checks(trial: Trial, results: Results, parameter: Parameter, checks: dict[str, Checks | None]) -> Figure:
    """Draw what can be seen of the assumptions of the ANOVA of one efficacy parameter.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `longitudinal.anova_checks`.
    parameter : Parameter
    checks : dict of str to Checks or None
        Of `longitudinal.anova_checks`.

    Returns
    -------
    Figure
        Normal plots of the residuals, with the band that holds each point of a normal sample, and SD by visit and arm.
    """
    key, found = f"{parameter.id}.anova.check", checks[parameter.id]
    visits, said = trial.visits(parameter.paramcd), []
    drawing, panels = plt.subplots(1, 3, figsize=(WIDTH, 2.9), width_ratios=(1, 1, 1.25))
    for axes, (name, title) in zip(panels, _RESIDUALS.items(), strict=False):
        points: Normality | None = getattr(found, name) if found else None
        size = f" ({len(points.observed)})" if points else ""
        _draw_residuals(axes, points)
        axes.set_title(f"{title}{size}", loc="left", fontsize=9)
        axes.set(xlabel="Expected of a normal (SD)", ylabel="Residual (SD)" if axes is panels[0] else "")
        w, p = results[f"{key}.normality_{name}.w"], results[f"{key}.normality_{name}.p"]
        said.append(f"{title.lower()}{size}, Shapiro–Wilk W {w.display}, P {p.display}")
    said += _draw_spread(panels[-1], trial, results, parameter, found is not None)
    panels[-1].set_title(axis("SD at each visit", parameter.unit), loc="left", fontsize=9)
    panels[-1].set_xlabel(axis("Visit", trial.facts.visits.unit))
    panels[-1].set_xticks(range(len(visits)), [f"{visit.avisitn:g}" for visit in visits], fontsize=8)
    sns.despine(drawing)
    drawing.tight_layout(w_pad=1.5)
    span = ", ".join(visit.label.lower() for visit in visits)
    ratio = results[f"{key}.variance_ratio"].display
    alt = (
        f"Residuals of the analysis of variance of {parameter.label} against those of a normal sample, with bands of "
        f"95% for each point, and SD by arm at {span}: {'; '.join(said)}; largest over smallest variance {ratio}."
    )
    return Figure(f"{parameter.id}.anova.checks", drawing, alt)


def _draw_residuals(axes: Axes, points: Normality | None) -> None:
    """Draw residuals against what a normal sample would have in their places, with the band that holds each."""
    if points is None:
        say_not_estimable(axes)
        return
    axes.fill_between(points.expected, points.lower, points.upper, color="0.85", linewidth=0)
    axes.plot(points.expected, points.expected, color="grey", linewidth=1, linestyle=":")
    axes.plot(points.expected, points.observed, marker="o", markersize=3, color="black", linestyle="none")


def _draw_spread(axes: Axes, trial: Trial, results: Results, parameter: Parameter, known: bool) -> list[str]:
    """Draw the standard deviations of each arm at each visit where they are known, and return them in words."""
    names, said = [trial.visit_id(visit, parameter.paramcd) for visit in trial.visits(parameter.paramcd)], []
    for one in arm_looks(trial):
        spread = [results[f"{parameter.id}.anova.check.{name}.{one.arm.id}.sd"] for name in names]
        said.append(f"SD in {one.arm.label} {', '.join(sd.display for sd in spread)}")
        if known:
            line: Style = {"color": one.colour, "marker": one.marker, "linestyle": one.line, "markersize": 4}
            axes.plot(range(len(names)), [sd.value for sd in spread], label=one.arm.label, **line)
    if known:
        axes.legend(frameon=False, loc="best")
        axes.set_ylim(bottom=0)
    else:
        say_not_estimable(axes)
    return said


@look()
def effect_by_visit(trial: Trial, results: Results, parameter: Parameter) -> Figure:
    """Draw the effect on one efficacy parameter at each follow-up visit with its interval.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `longitudinal.effect_by_visit`.
    parameter : Parameter

    Returns
    -------
    Figure
        A filled marker where the interval leaves out zero, an open one where it does not.
    """
    visits: list[tuple[Visit, Result, Result]] = []
    for visit in trial.visits(parameter.paramcd):
        key = f"{parameter.id}.gee.{trial.visit_id(visit, parameter.paramcd)}"
        if f"{key}.effect" in results:
            visits.append((visit, results[f"{key}.effect"], results[f"{key}.ci"]))
    drawing, axes = plt.subplots(figsize=(WIDTH, 3.4))
    axes.axhline(0, color="grey", linewidth=1, linestyle=":")
    for place, (_, effect, ci) in enumerate(visits):
        if ci.value is None:
            axes.text(place, 0, "not\nestimable", ha="center", va="center", fontsize=8)
        else:
            draw_effect(axes, place, effect.value, ci.value)
    axes.set_ylabel(axis(f"Difference in {parameter.label}", parameter.unit))
    axes.set_xticks(range(len(visits)), [f"{visit.label}\nn = {effect.n}" for visit, effect, _ in visits], fontsize=8)
    axes.set_xlim(-0.5, len(visits) - 0.5)
    sns.despine(drawing)
    said = [f"{visit.label.lower()} (n = {effect.n}) {effect.display} ({ci.display})" for visit, effect, ci in visits]
    alt = (
        f"Effect on {parameter.label}, {words.contrast(trial)}, at each follow-up visit with "
        f"{trial.ci_level} confidence intervals: {'; '.join(said)}."
    )
    return Figure(f"{parameter.id}.effect_by_visit", drawing, alt)


@look()
def courses(trial: Trial, parameter: Parameter) -> Figure:
    """Draw the course of every participant of the efficacy set in one parameter, a panel for each arm.

    Parameters
    ----------
    trial : Trial
    parameter : Parameter

    Returns
    -------
    Figure
        One that says so where ``trial.yml`` does not except it from the disclosure gate: it shows people one by one.
    """
    key = f"{parameter.id}.courses"
    if not trial.facts.disclosure.allows_listing(key):
        return say_instead(key, f"Courses in {parameter.label}: {WITHHELD}")
    wide = trial.values(parameter.paramcd, trial.facts.analysis_sets.efficacy)
    drawing, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.2), sharey=True)
    unit = trial.facts.visits.unit
    for panel, one in zip(panels, arm_looks(trial), strict=True):
        values = wide[one.arm.id].sort_index(axis=1)
        for _, course in values.iterrows():
            panel.plot(course.index, course, color=one.colour, linewidth=0.9, alpha=0.8)
        panel.set_title(f"{one.arm.label} (n = {len(values)})", loc="left", fontsize=10)
        panel.set_xlabel(axis("Time", unit and f"{unit}s"))
        panel.set_xticks(values.columns, [f"{time:g}" for time in values.columns])
    panels[0].set_ylabel(axis(parameter.label, parameter.unit))
    sns.despine(drawing)
    drawing.tight_layout()
    said = ", ".join(f"{len(wide[arm.id])} with {arm.label}" for arm in trial.arms)
    return Figure(key, drawing, f"{parameter.label} of each participant by visit: {said}.")


@look()
def operating(trial: Trial, results: Results, parameter: Parameter) -> Figure:
    """Draw how often each method rejects in simulated trials, without an effect and with effects of several sizes.

    Parameters
    ----------
    trial : Trial
        For the nominal level.
    results : Results
        Of `operating_characteristics.characteristics`.
    parameter : Parameter

    Returns
    -------
    Figure
        Type I error with its Monte Carlo interval beside the nominal level, filled where the level is not kept, the
        error with drawn participants as a cross, and power; a panel for each size of effect. It says so where no trial
        like this one can be simulated.
    """
    key, own = f"{parameter.id}.operating", results.under(f"{parameter.id}.operating")
    trials, effects = own["trials.n"], results.under(f"{parameter.id}.operating.effect")
    if trials.value is None:
        return say_instead(key, f"Type I error of each method for {parameter.label}: {words.how(trials)}.")
    methods = [part.removesuffix(".type1") for part, row in own.items() if part.endswith(".type1") and not row.reason]
    drawing, (errors, *powers) = plt.subplots(
        1,
        1 + len(effects),
        figsize=(WIDTH, 0.9 + 0.24 * max(len(methods), 3)),
        sharey=True,
        width_ratios=[1.6, *[1] * len(effects)],
    )
    said = [_draw_method(errors, powers, own, method, height) for height, method in enumerate(methods)]
    nominal = 100 * trial.facts.alpha
    errors.axvline(nominal, color="black", linewidth=1, linestyle="--", zorder=0)
    errors.set_title("Type I error", loc="left", fontsize=9)
    errors.set(xlabel=f"% (nominal: {nominal:g})", xlim=(0, None))
    for panel, effect in zip(powers, effects.values(), strict=True):
        panel.set_title(f"Power, {effect.display} SD", loc="left", fontsize=9)
        panel.set(xlabel="%", xlim=(0, 103))
    for panel in (errors, *powers):
        panel.tick_params(axis="y", length=0)
        panel.xaxis.label.set_fontsize(8)
    errors.set_yticks(range(len(methods)), [own[f"{method}.type1"].label for method in methods], fontsize=8)
    errors.invert_yaxis()
    sns.despine(drawing, left=True)
    drawing.tight_layout()
    alt = (
        f"Type I error of each method for {parameter.label} in {trials.display} simulated trials, nominal "
        f"{nominal:g}%, and power at effects of {', '.join(effect.display for effect in effects.values())} "
        f"standard deviations: {'; '.join(said)}."
    )
    return Figure(key, drawing, alt)


def _draw_method(errors: Axes, powers: Sequence[Axes], own: dict[str, Result], method: str, height: int) -> str:
    """Draw the errors and the power of one method in the panels of both, and return them in words."""
    error, ci, kept = (own[f"{method}.{part}"] for part in ("type1", "type1.ci", "verdict"))
    power = [own[f"{method}.power.{k}"] for k, _ in enumerate(powers, 1)]
    errors.plot(ci.value, [height, height], color="black", linewidth=1.2)
    face = "white" if kept.value == Level.KEPT else "black"
    errors.plot(error.value, height, marker="o", markersize=5, color="black", markerfacecolor=face)
    resampled = ""
    if drawn := own.get(f"{method}.resampled"):
        errors.plot(drawn.value, height, marker="x", markersize=5, color="black")
        resampled = f", {drawn.display} with drawn participants"
    for panel, share in zip(powers, power, strict=True):
        panel.plot([0, share.value], [height, height], color="0.6", linewidth=1)
        panel.plot(share.value, height, marker="o", markersize=4, color="black")
    found = ", ".join(share.display for share in power)
    return f"{error.label}, {error.display} ({kept.display}){resampled}, power {found}"


@look()
def tipping(trial: Trial, results: Results, parameter: Parameter) -> Figure:
    """Draw the effect on one efficacy parameter as the imputed values of the test arm are shifted against it.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `missing_data.tipping`.
    parameter : Parameter

    Returns
    -------
    Figure
        The effect with its interval against the shift, and the tipping point or why there is none.
    """
    own, test = results.under(f"{parameter.id}.tipping"), trial.arms[0]
    steps, said, point = [part.removesuffix(".delta") for part in own if part.endswith(".delta")], [], own["point"]
    drawing, axes = plt.subplots(figsize=(WIDTH, 3.6))
    axes.axhline(0, color="grey", linewidth=1, linestyle=":")
    for step in steps:
        delta, effect, ci, p = (own[f"{step}.{part}"] for part in ("delta", "effect", "ci", "p"))
        said.append(f"{delta.display}: {effect.display} ({ci.display}), P {p.display}")
        if ci.value is None:
            say_not_estimable(axes)
        else:
            draw_effect(axes, delta.value, effect.value, ci.value)
    if isinstance(point.value, float):
        axes.axvline(point.value, color="black", linewidth=1, linestyle="--", zorder=0)
    title = f"Tipping point: {words.measured(point)}"
    axes.set_title(f"{title} (n = {point.n})", loc="left", fontsize=10)
    shifts = [own[f"{step}.delta"] for step in steps]
    axes.set_xticks([shift.value for shift in shifts], [shift.display for shift in shifts])
    if len(shifts) == 1:
        axes.set_xlim(-1, 1)
    axes.set_xlabel(axis(f"Shift of the imputed values of {test.label}", parameter.unit))
    axes.set_ylabel(axis(f"Difference in {parameter.label}", parameter.unit))
    if shifts[-1].value < 0:
        axes.invert_xaxis()
    sns.despine(drawing)
    over = axis(f"Mean effect on {parameter.label} over the follow-up visits", parameter.unit)
    alt = (
        f"{over}, {words.contrast(trial)}, by shift of the imputed values of {test.label}: {'; '.join(said)}. {title}."
    )
    return Figure(f"{parameter.id}.tipping", drawing, alt)
