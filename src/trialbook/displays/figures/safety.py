"""Figures of harms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns

from trialbook.displays.figures.figure import (
    WIDTH,
    WITHHELD,
    ArmLook,
    Figure,
    Style,
    arm_looks,
    axis,
    look,
    say_instead,
)
from trialbook.results.row import Result, Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from trialbook.analysis.hys_law import Peaks
    from trialbook.analysis.timeline import Course, Courses
    from trialbook.trial.config import Parameter
    from trialbook.trial.model import Trial

ROWS = 5  # parameters of one page
_DOSE: Style = {
    "marker": "|",
    "markersize": 8,
    "markeredgewidth": 1.4,
    "color": "0.55",
    "linestyle": "none",
    "zorder": 2,
}
_FOLLOW_UP: Style = {"color": "0.75", "linewidth": 1, "zorder": 1}
_SEEN = 0.05  # the lowest multiple that is drawn: a logarithm has no zero


@look()
def timeline(trial: Trial, results: Results, courses: Courses) -> Figure:
    """Draw each participant's adverse events and administrations along the follow-up.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `timeline.courses`.
    courses : Courses
        Of `timeline.courses`; the lines have numbers in place of names.

    Returns
    -------
    Figure
        One that says so where adverse events were not collected, none can be placed, or ``trial.yml`` does not
        except it from the disclosure gate.
    """
    if not len(results):
        return say_instead("safety.timeline", "Adverse events: not collected.")
    counts = {arm.id: results.under(f"safety.timeline.{arm.id}") for arm in trial.arms}
    said = "; ".join(_said_events(arm.label, counts[arm.id]) for arm in trial.arms)
    if not trial.facts.disclosure.allows_listing("safety.timeline"):
        return say_instead("safety.timeline", f"Adverse events by day: {WITHHELD}")
    if not courses.shown:
        return say_instead("safety.timeline", f"No adverse event has a start day to be drawn at: {said}.")
    own = {arm.id: [course for course in courses.shown if course.arm == arm.id] for arm in trial.arms}
    drawing, axes = plt.subplots(figsize=(WIDTH, 1.3 + 0.19 * sum(len(lines) + 1.6 for lines in own.values())))
    heads, places, numbers, place = [], [], [], 0.0
    for arm in trial.arms:
        for number, course in enumerate(own[arm.id], 1):
            places.append(place + number - 1)
            numbers.append(str(number))
            _draw_course(axes, course, places[-1])
        shown, n = counts[arm.id]["shown"].display, counts[arm.id]["n"].display
        heads.append((place - 0.75, f"{arm.label} ({shown} of {n} shown)"))
        place += len(own[arm.id]) + 1.6
    for y, head in heads:
        axes.text(0, y, head, fontsize=9, va="center", transform=axes.get_yaxis_transform())
    axes.set_yticks(places, numbers, fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(place - 1.2, -1.4)
    axes.set(xlabel="Day", ylabel="Participant")
    _explain_courses(axes, courses.shown)
    sns.despine(axes.figure, left=True)
    alt = f"Adverse events of each participant by day, with the administrations: {said}."
    if any(counts[arm.id]["shown"].value < counts[arm.id]["n"].value for arm in trial.arms):
        alt += (
            f" Of more than {courses.longest} participants only those with a dated event are drawn, "
            f"at most {courses.longest // 2} of an arm, the worst affected."
        )
    return Figure("safety.timeline", drawing, alt)


def _draw_course(axes: Axes, course: Course, y: float) -> None:
    """Draw one participant's follow-up, administrations and events."""
    days = [*(day for day, _ in course.events), *course.doses]
    axes.plot([min([1, *days]), course.last or max([0, *days])], [y, y], **_FOLLOW_UP)
    axes.plot(course.doses, [y] * len(course.doses), **_DOSE)
    for day, grade in course.events:
        axes.plot(day, y, **_event_marker(grade))


def _explain_courses(axes: Axes, courses: list[Course]) -> None:
    drawn = {grade for course in courses for _, grade in course.events}
    handles = [
        mpl.lines.Line2D([], [], **_event_marker(grade), label=f"Grade {grade:g}" if grade else "Grade not given")
        for grade in sorted(drawn, key=lambda grade: grade or 0)
    ]
    if any(course.doses for course in courses):
        handles.append(mpl.lines.Line2D([], [], **_DOSE, label="Administration"))
    handles.append(mpl.lines.Line2D([], [], **_FOLLOW_UP, label="Follow-up"))
    axes.legend(handles=handles, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), fontsize=8)


def _event_marker(grade: float | None) -> Style:
    """The marker of an event: larger with its grade and of another shape, a cross where the grade is not known."""
    shapes: dict[float | None, tuple[str, float]] = {
        1: ("o", 4.5),
        2: ("^", 5.5),
        3: ("s", 5.5),
        4: ("D", 6),
        5: ("*", 11),
    }
    shape, size = shapes.get(grade, ("x", 5))
    face = "white" if grade == 1 else "black"
    filled = {"color": "black", "markerfacecolor": face, "markeredgecolor": "black", "markeredgewidth": 0.9}
    return {"marker": shape, "markersize": size, "linestyle": "none", "zorder": 3 + (grade or 0), **filled}


def _said_events(label: str, counts: dict[str, Result]) -> str:
    total = counts["events"].value + counts["undated"].value
    said = f"{label}, {total} events in {counts['with_events'].display} of {counts['n'].display} participants"
    said += f" ({counts['undated'].display} without a start day not drawn)" if counts["undated"].value else ""
    return f"{said}, {counts['doses'].display} administrations"


@look()
def laboratory(trial: Trial, results: Results) -> list[Figure]:
    """Draw each laboratory parameter by visit and arm: means with their intervals, and boxes beside them.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `laboratory.by_visit`.

    Returns
    -------
    list of Figure
        Pages ``safety.laboratory.1`` and on, none of which holds parameters of two groups; one that says so where
        nothing was collected.
    """
    parameters = trial.parameters("laboratory")
    if not parameters:
        return [say_instead("safety.laboratory.1", "Laboratory values: not collected.")]
    pages: list[list[Parameter]] = []
    for group in dict.fromkeys(parameter.group for parameter in parameters):
        own = [parameter for parameter in parameters if parameter.group == group]
        pages += [[own[i] for i in page] for page in np.array_split(np.arange(len(own)), -(-len(own) // ROWS))]
    return [
        _laboratory_page(trial, results, page, f"safety.laboratory.{number}") for number, page in enumerate(pages, 1)
    ]


@look()
def edish(trial: Trial, results: Results, peaks: Peaks) -> Figure:
    """Draw each participant's highest transaminase against the highest bilirubin, with the quadrant of Hy's law.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `hys_law.hys_law`.
    peaks : Peaks
        Of `hys_law.hys_law`.

    Returns
    -------
    Figure
        Lines at the limits of Hy's law; says so where ALT and AST, bilirubin or their limits were not collected, or
        ``trial.yml`` does not except it from the disclosure gate.
    """
    found = {arm.label: results.under(f"safety.hy.{arm.id}") for arm in trial.arms}
    met = {label: rows["n_of"] for label, rows in found.items()}
    said = "; ".join(f"{label} {row.display}" for label, row in met.items())
    if not peaks.by_arm:
        return say_instead("safety.edish", f"Hy's law. Not collected: {peaks.lacking}.")
    if not trial.facts.disclosure.allows_listing("safety.edish"):
        return say_instead("safety.edish", f"Hy's law, {said}. Plot: {WITHHELD}")
    drawing, axes = plt.subplots(figsize=(WIDTH, 4.4))
    axes.set(xscale="log", yscale="log")
    for one in arm_looks(trial):
        x, y = np.maximum(peaks.by_arm[one.arm.id], _SEEN).T
        point: Style = {"color": one.colour, "marker": one.marker, "markersize": 6, "linestyle": "none"}
        label = f"{one.arm.label} (n = {met[one.arm.label].n})"
        axes.plot(x, y, label=label, markerfacecolor=one.colour if one.filled else "none", **point)
    _frame_quadrants(axes, peaks)
    corner: Style = {"fontsize": 9, "transform": axes.transAxes, "linespacing": 1.4}
    counts = "\n".join(f"{label}: {row.display}" for label, row in met.items())
    axes.text(0.99, 0.98, f"Hy's law\n{counts}", ha="right", va="top", **corner)
    axes.text(0.01, 0.98, "Bilirubin alone", ha="left", va="top", **corner)
    axes.text(0.99, 0.02, "Transaminase alone", ha="right", va="bottom", **corner)
    axes.set_xlabel("Highest ALT or AST (× upper limit of normal)")
    axes.set_ylabel("Highest total bilirubin (× upper limit of normal)")
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 0))
    sns.despine(drawing)
    rest = "; ".join(
        f"{label} transaminase {rows['transaminase.n_of'].display}, bilirubin {rows['bilirubin.n_of'].display}"
        for label, rows in found.items()
    )
    alt = (
        "Highest ALT or AST against highest total bilirubin after baseline in each participant, as multiples of the "
        f"upper limit of normal, on logarithmic axes. At least {peaks.transaminase} and more than {peaks.bilirubin} "
        f"times the limit (Hy's law): {said}. Each alone or with the other: {rest}."
    )
    return Figure("safety.edish", drawing, alt)


def _frame_quadrants(axes: Axes, peaks: Peaks) -> None:
    """Set the ends of the axes beyond all points, and draw the limits of Hy's law with a tick at each."""
    points = np.maximum(np.concatenate(list(peaks.by_arm.values())), _SEEN)
    highest, lowest = points.max(axis=0), points.min(axis=0)
    axes.set_xlim(min(0.1, lowest[0] / 1.3), max(30, highest[0] * 1.5))
    axes.set_ylim(min(0.1, lowest[1] / 1.3), max(10, highest[1] * 1.5))
    axes.axvline(peaks.transaminase, color="0.3", linewidth=1, linestyle="--")
    axes.axhline(peaks.bilirubin, color="0.3", linewidth=1, linestyle="--")
    for direction, limit in ((axes.xaxis, peaks.transaminase), (axes.yaxis, peaks.bilirubin)):
        end = direction.get_view_interval()[1]
        direction.set_ticks([0.1, limit, *(tick for tick in (1, 10, 100) if tick <= end)])
        direction.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
        direction.set_minor_formatter(mpl.ticker.NullFormatter())


def _laboratory_page(trial: Trial, results: Results, parameters: Sequence[Parameter], key: str) -> Figure:
    """Draw some parameters, one below the other."""
    drawing, panels = plt.subplots(
        len(parameters), 2, figsize=(WIDTH, 0.7 + 1.65 * len(parameters)), squeeze=False, width_ratios=(1, 1.1)
    )
    said = [_draw_parameter(trial, results, *pair) for pair in zip(parameters, panels, strict=True)]
    below = (f"mean, {trial.ci_level} CI", "quartiles, 5th and 95th percentiles")
    for axes, drawn in zip(panels[-1], below, strict=True):
        axes.set_xlabel(f"{axis('Visit', trial.facts.visits.unit)}: {drawn}", fontsize=9)
    labels, handles = [], []
    for one in arm_looks(trial):
        sizes = [results[f"{key}.n"].value for parameter in parameters for key in _keys(trial, parameter, one.arm.id)]
        labels.append(f"{one.arm.label} (n = {_span(sizes)})")
        line: Style = {"color": one.colour, "marker": one.marker, "linestyle": one.line, "markersize": 5}
        handles.append(mpl.lines.Line2D([], [], **line))
    drawing.legend(handles, labels, loc="lower left", ncols=2, frameon=False, bbox_to_anchor=(0.1, 0.94))
    sns.despine(drawing)
    drawing.subplots_adjust(hspace=0.55, wspace=0.16)
    if group := parameters[0].group:
        drawing.text(0.9, 0.955, group, ha="right", weight="bold")
    alt = (
        f"{group or 'Laboratory values'} by visit: means with {trial.ci_level} confidence intervals, and boxes of the "
        f"quartiles with whiskers to the 5th and 95th percentiles ({', '.join(labels)}). Means: {'; '.join(said)}."
    )
    return Figure(key, drawing, alt)


def _keys(trial: Trial, parameter: Parameter, arm: str) -> list[str]:
    """The keys of one parameter and arm at each visit."""
    visits = trial.visits(parameter.paramcd)
    return [f"{parameter.id}.{trial.visit_id(visit, parameter.paramcd)}.{arm}" for visit in visits]


def _draw_parameter(trial: Trial, results: Results, parameter: Parameter, panels: Sequence[Axes]) -> str:
    """Draw one parameter in a panel of means and one of boxes, and return what is drawn in words."""
    left, right = panels
    visits, ends = trial.visits(parameter.paramcd), []
    for one in arm_looks(trial):
        keys = _keys(trial, parameter, one.arm.id)
        _draw_means(left, results, keys, one)
        _draw_boxes(right, results, keys, one)
        ends.append(f"{one.arm.label} {_ends(results, keys)}")
    for axes in panels:
        axes.set_xticks(range(len(visits)), [f"{visit.avisitn:g}" for visit in visits])
        axes.set_xlim(-0.6, len(visits) - 0.4)
        axes.tick_params(labelsize=8)
    lows, highs = zip(left.get_ylim(), right.get_ylim(), strict=True)
    for axes in panels:
        axes.set_ylim(min(lows), max(highs))
    name = axis(parameter.label, parameter.unit)
    left.set_title(name, loc="left", fontsize=9)
    return f"{name}, {visits[0].label.lower()} to {visits[-1].label.lower()}: {', '.join(ends)}"


def _draw_means(axes: Axes, results: Results, keys: list[str], one: ArmLook) -> None:
    shown = [(x, results[f"{k}.mean_sd"], results[f"{k}.ci"]) for x, k in enumerate(keys) if results[f"{k}.ci"].value]
    means = [mean.value[0] for _, mean, _ in shown]
    errors = [[abs(mean - ci.value[end]) for mean, (*_, ci) in zip(means, shown, strict=True)] for end in (0, 1)]
    line: Style = {"marker": one.marker, "linestyle": one.line, "markersize": 4, "capsize": 2, "linewidth": 1}
    axes.errorbar([x + one.side * 0.16 for x, *_ in shown], means, yerr=errors, color=one.colour, **line)


def _draw_boxes(axes: Axes, results: Results, keys: list[str], one: ArmLook) -> None:
    boxes, places = [], []
    for x, key in enumerate(keys):
        middle, ends = results[f"{key}.median_iqr"].value, results[f"{key}.whiskers"].value
        if middle:
            names = ("med", "q1", "q3", "whislo", "whishi")
            boxes.append(dict(zip(names, [*middle, *ends], strict=True)))
            places.append(x + one.side * 0.36)
    axes.bxp(
        boxes,
        positions=places,
        widths=0.3,
        showfliers=False,
        patch_artist=True,
        boxprops={
            "edgecolor": one.colour,
            "facecolor": (*one.colour, 0.35) if one.filled else "none",
            "linewidth": 1,
        },
        whiskerprops={"color": one.colour, "linewidth": 1, "linestyle": one.line},
        capprops={"color": one.colour, "linewidth": 1},
        medianprops={"color": "black", "linewidth": 1.2},
        manage_ticks=False,
    )


def _ends(results: Results, keys: list[str]) -> str:
    """Say the first and the last mean with its SD."""
    known = [results[f"{key}.mean_sd"].display for key in keys if results[f"{key}.mean_sd"].value]
    return f"{known[0]} to {known[-1]}" if known else "not estimable"


def _span(sizes: list[int]) -> str:
    """Write how many there were: one number, or the smallest to the largest."""
    return " to ".join(dict.fromkeys(str(size) for size in (min(sizes), max(sizes)))) if sizes else "0"
