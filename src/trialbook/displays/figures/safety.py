"""Figures of harms."""

import textwrap

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns

from trialbook.analysis.laboratory import HY_BILIRUBIN, HY_TRANSAMINASE
from trialbook.analysis.timeline import LONGEST_TIMELINE
from trialbook.displays.figures.figure import LINES, MARKERS, WIDTH, Figure, axis, look
from trialbook.displays.tables.table import sentence

ROWS = 5  # parameters of one page
_DOSE = {"marker": "|", "markersize": 8, "markeredgewidth": 1.4, "color": "0.55", "linestyle": "none", "zorder": 2}
_FOLLOW_UP = {"color": "0.75", "linewidth": 1, "zorder": 1}
_WITHHELD = "not drawn, since it would show people one by one; an exception in trial.yml, under disclosure, allows it."
_SEEN = 0.05  # the lowest multiple that is drawn: a logarithm has no zero


def timeline(trial, results, courses):
    """Draw each participant's adverse events and administrations along the follow-up.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `timeline.courses`.
    courses : list of Course
        Of `timeline.courses`; the lines have numbers in place of names.

    Returns
    -------
    Figure
        One that says so where adverse events were not collected, none can be placed, or ``trial.yml`` does not
        except it from the disclosure gate.
    """
    if not len(results):
        return _say_not_collected("safety.timeline", "Adverse events: not collected.")
    counts = {
        arm.id: {
            name: results[f"safety.timeline.{arm.id}.{name}"]
            for name in ("n", "shown", "with_events", "events", "undated", "doses")
        }
        for arm in trial.arms
    }
    said = "; ".join(_said_events(arm, counts[arm.id]) for arm in trial.arms)
    if not trial.facts.disclosure.allows_listing("safety.timeline"):
        return _say_not_collected("safety.timeline", f"Adverse events by day: {_WITHHELD}")
    if not courses:
        return _say_not_collected("safety.timeline", f"No adverse event has a start day to be drawn at: {said}.")
    places, heads, place = {}, [], 0
    for arm in trial.arms:
        own = [course for course in courses if course.arm == arm.id]
        places |= {id(course): (place + i, i + 1) for i, course in enumerate(own)}
        heads.append((arm, place))
        place += len(own) + 1.6
    with look():
        drawing, axes = plt.subplots(figsize=(WIDTH, 1.3 + 0.19 * place))
        drawn = set()
        for course in courses:
            y, _ = places[id(course)]
            last = course.last or max([0, *(day for day, _ in course.events), *course.doses])
            first = min([1, *(day for day, _ in course.events), *course.doses])
            axes.plot([first, last], [y, y], **_FOLLOW_UP)
            axes.plot(course.doses, [y] * len(course.doses), **_DOSE)
            for day, grade in course.events:
                axes.plot(day, y, **_event_marker(grade))
                drawn.add(grade)
        for arm, start in heads:
            shown, n = counts[arm.id]["shown"].display, counts[arm.id]["n"].display
            head, across = f"{arm.label} ({shown} of {n} shown)", axes.get_yaxis_transform()
            axes.text(0, start - 0.75, head, fontsize=9, va="center", transform=across, parse_math=False)
        axes.set_yticks([y for y, _ in places.values()], [number for _, number in places.values()], fontsize=7)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(place - 1.2, -1.4)
        axes.set(xlabel="Day", ylabel="Participant")
        handles = [
            mpl.lines.Line2D([], [], **_event_marker(grade), label=f"Grade {grade:g}" if grade else "Grade not given")
            for grade in sorted(drawn, key=lambda grade: grade or 0)
        ]
        if any(course.doses for course in courses):
            handles.append(mpl.lines.Line2D([], [], **_DOSE, label="Administration"))
        handles.append(mpl.lines.Line2D([], [], **_FOLLOW_UP, label="Follow-up"))
        axes.legend(handles=handles, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), fontsize=8)
        sns.despine(drawing, left=True)
    alt = f"Adverse events of each participant by day, with the administrations: {said}."
    if any(counts[arm.id]["shown"].value < counts[arm.id]["n"].value for arm in trial.arms):
        alt += (
            f" Of more than {LONGEST_TIMELINE} participants only those with a dated event are drawn, "
            f"at most {LONGEST_TIMELINE // 2} of an arm, the worst affected."
        )
    return Figure("safety.timeline", drawing, alt)


def _event_marker(grade):
    """The marker of an event: larger with its grade and of another shape, a cross where the grade is not known."""
    shapes = {1: ("o", 4.5), 2: ("^", 5.5), 3: ("s", 5.5), 4: ("D", 6), 5: ("*", 11)}
    shape, size = shapes.get(grade, ("x", 5))
    face = "white" if grade == 1 else "black"
    filled = {"color": "black", "markerfacecolor": face, "markeredgecolor": "black", "markeredgewidth": 0.9}
    return {"marker": shape, "markersize": size, "linestyle": "none", "zorder": 3 + (grade or 0), **filled}


def _said_events(arm, counts):
    total = counts["events"].value + counts["undated"].value
    said = f"{arm.label}, {total} events in {counts['with_events'].display} of {counts['n'].display} participants"
    said += f" ({counts['undated'].display} without a start day not drawn)" if counts["undated"].value else ""
    return f"{said}, {counts['doses'].display} administrations"


def laboratory(trial, results):
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
        Pages ``safety.laboratory.1`` and on; one that says so where nothing was collected.
    """
    parameters = trial.parameters("laboratory")
    if not parameters:
        return [_say_not_collected("safety.laboratory.1", "Laboratory values: not collected.")]
    pages = np.array_split(parameters, -(-len(parameters) // ROWS))
    return [_laboratory_page(trial, results, page, f"safety.laboratory.{n}") for n, page in enumerate(pages, 1)]


def edish(trial, results, peaks):
    """Draw each participant's highest transaminase against the highest bilirubin, with the quadrant of Hy's law.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `laboratory.hys_law`.
    peaks : dict of str to ndarray
        Of `laboratory.hys_law`: by arm, participants × 2.

    Returns
    -------
    Figure
        Lines at the limits of Hy's law; says so where ALT and AST, bilirubin or their limits were not collected, or
        ``trial.yml`` does not except it from the disclosure gate.
    """
    met = {arm.id: results[f"safety.hy.{arm.id}.n_of"] for arm in trial.arms}
    said = "; ".join(f"{arm.label} {met[arm.id].display}" for arm in trial.arms)
    if not peaks:
        return _say_not_collected("safety.edish", f"Hy's law. {sentence(met[trial.arms[0].id].method)}.")
    if not trial.facts.disclosure.allows_listing("safety.edish"):
        return _say_not_collected("safety.edish", f"Hy's law, {said}. Plot: {_WITHHELD}")
    with look():
        drawing, axes = plt.subplots(figsize=(WIDTH, 4.4))
        axes.set(xscale="log", yscale="log")
        for index, (arm, colour) in enumerate(zip(trial.arms, sns.color_palette("colorblind"), strict=False)):
            x, y = np.maximum(peaks[arm.id], _SEEN).T
            point = {"color": colour, "marker": MARKERS[index], "markersize": 6, "linestyle": "none"}
            face = colour if index == 0 else "none"
            axes.plot(x, y, label=f"{arm.label} (n = {met[arm.id].n})", markerfacecolor=face, **point)
        highest = np.max([points.max(axis=0) for points in peaks.values() if len(points)], axis=0)
        lowest = np.min([np.maximum(points, _SEEN).min(axis=0) for points in peaks.values() if len(points)], axis=0)
        axes.set_xlim(min(0.1, lowest[0] / 1.3), max(30, highest[0] * 1.5))
        axes.set_ylim(min(0.1, lowest[1] / 1.3), max(10, highest[1] * 1.5))
        axes.axvline(HY_TRANSAMINASE, color="0.3", linewidth=1, linestyle="--")
        axes.axhline(HY_BILIRUBIN, color="0.3", linewidth=1, linestyle="--")
        words = {"fontsize": 9, "transform": axes.transAxes, "linespacing": 1.4}
        counts = "\n".join(f"{arm.label}: {met[arm.id].display}" for arm in trial.arms)
        axes.text(0.99, 0.98, f"Hy's law\n{counts}", ha="right", va="top", **words)
        axes.text(0.01, 0.98, "Bilirubin alone", ha="left", va="top", **words)
        axes.text(0.99, 0.02, "Transaminase alone", ha="right", va="bottom", **words)
        axes.set_xlabel("Highest ALT or AST (× upper limit of normal)")
        axes.set_ylabel("Highest total bilirubin (× upper limit of normal)")
        for direction, limit in ((axes.xaxis, HY_TRANSAMINASE), (axes.yaxis, HY_BILIRUBIN)):
            direction.set_ticks(
                [0.1, limit, *(tick for tick in (1, 10, 100) if tick <= direction.get_view_interval()[1])]
            )
            direction.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
            direction.set_minor_formatter(mpl.ticker.NullFormatter())
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 0))
        sns.despine(drawing)
    rest = "; ".join(
        f"{arm.label} transaminase {results[f'safety.hy.{arm.id}.transaminase.n_of'].display}, "
        f"bilirubin {results[f'safety.hy.{arm.id}.bilirubin.n_of'].display}"
        for arm in trial.arms
    )
    alt = (
        "Highest ALT or AST against highest total bilirubin after baseline in each participant, as multiples of the "
        f"upper limit of normal, on logarithmic axes. At least {HY_TRANSAMINASE} and more than {HY_BILIRUBIN} times "
        f"the limit (Hy's law): {said}. Each alone or with the other: {rest}."
    )
    return Figure("safety.edish", drawing, alt)


def _laboratory_page(trial, results, parameters, key):
    """Draw some parameters, one below the other."""
    colours = sns.color_palette("colorblind")
    with look():
        drawing, panels = plt.subplots(
            len(parameters), 2, figsize=(WIDTH, 0.7 + 1.65 * len(parameters)), squeeze=False, width_ratios=(1, 1.1)
        )
        said, sizes = [], {arm.id: [] for arm in trial.arms}
        for parameter, (left, right) in zip(parameters, panels, strict=True):
            visits = trial.visits(parameter.paramcd)
            names = [trial.visit_id(visit, parameter.paramcd) for visit in visits]
            ends = []
            for index, arm in enumerate(trial.arms):
                keys = [f"{parameter.id}.{name}.{arm.id}" for name in names]
                sizes[arm.id] += [results[f"{k}.n"].value for k in keys]
                _draw_means(left, results, keys, index, colours[index])
                _draw_boxes(right, results, keys, index, colours[index])
                ends.append(f"{arm.label} {_ends(results, keys)}")
            ticks = [f"{visit.avisitn:g}" for visit in visits]
            for axes in (left, right):
                axes.set_xticks(range(len(visits)), ticks)
                axes.set_xlim(-0.6, len(visits) - 0.4)
                axes.tick_params(labelsize=8)
            right.set_ylim(sorted([*left.get_ylim(), *right.get_ylim()])[::3])
            left.set_ylim(right.get_ylim())
            left.set_title(axis(parameter.label, parameter.unit), loc="left", fontsize=9)
            span = f"{visits[0].label.lower()} to {visits[-1].label.lower()}"
            said.append(f"{axis(parameter.label, parameter.unit)}, {span}: {', '.join(ends)}")
        for axes, drawn in zip(
            panels[-1], (f"mean, {trial.ci_level} CI", "quartiles, 5th and 95th percentiles"), strict=True
        ):
            axes.set_xlabel(f"{axis('Visit', trial.facts.visits.unit)}: {drawn}", fontsize=9)
        labels = {arm.id: f"{arm.label} (n = {_span(sizes[arm.id])})" for arm in trial.arms}
        handles = [
            mpl.lines.Line2D([], [], color=colours[i], marker=MARKERS[i], linestyle=LINES[i], markersize=5)
            for i in range(len(trial.arms))
        ]
        drawing.legend(handles, labels.values(), loc="lower left", ncols=2, frameon=False, bbox_to_anchor=(0.1, 0.94))
        sns.despine(drawing)
        drawing.subplots_adjust(hspace=0.55, wspace=0.16)
    alt = (
        f"Laboratory values by visit: means with {trial.ci_level} confidence intervals, and boxes of the quartiles "
        f"with whiskers to the 5th and 95th percentiles ({', '.join(labels.values())}). Means: {'; '.join(said)}."
    )
    return Figure(key, drawing, alt)


def _draw_means(axes, results, keys, index, colour):
    shown = [(x, results[f"{k}.mean_sd"], results[f"{k}.ci"]) for x, k in enumerate(keys) if results[f"{k}.ci"].value]
    means = [mean.value[0] for _, mean, _ in shown]
    errors = [[abs(mean - ci.value[end]) for mean, (*_, ci) in zip(means, shown, strict=True)] for end in (0, 1)]
    line = {"marker": MARKERS[index], "linestyle": LINES[index], "markersize": 4, "capsize": 2, "linewidth": 1}
    axes.errorbar([x + (index - 0.5) * 0.16 for x, *_ in shown], means, yerr=errors, color=colour, **line)


def _draw_boxes(axes, results, keys, index, colour):
    boxes, places = [], []
    for x, key in enumerate(keys):
        middle, ends = results[f"{key}.median_iqr"].value, results[f"{key}.whiskers"].value
        if middle:
            names = ("med", "q1", "q3", "whislo", "whishi")
            boxes.append(dict(zip(names, [*middle, *ends], strict=True)))
            places.append(x + (index - 0.5) * 0.36)
    look_of = {"edgecolor": colour, "facecolor": "none" if index else (*colour, 0.35), "linewidth": 1}
    line = {"color": colour, "linewidth": 1, "linestyle": LINES[index]}
    medians = {"color": "black", "linewidth": 1.2}
    axes.bxp(
        boxes,
        positions=places,
        widths=0.3,
        showfliers=False,
        patch_artist=True,
        boxprops=look_of,
        whiskerprops=line,
        capprops={"color": colour, "linewidth": 1},
        medianprops=medians,
        manage_ticks=False,
    )


def _ends(results, keys):
    """Say the first and the last mean with its SD."""
    known = [results[f"{key}.mean_sd"].display for key in keys if results[f"{key}.mean_sd"].value]
    return f"{known[0]} to {known[-1]}" if known else "not estimable"


def _span(sizes):
    """Write how many there were: one number, or the smallest to the largest."""
    return " to ".join(dict.fromkeys(str(size) for size in (min(sizes), max(sizes)))) if sizes else "0"


def _say_not_collected(key, words):
    """Draw the words instead of what was not collected."""
    with look():
        drawing, axes = plt.subplots(figsize=(WIDTH, 1))
        axes.axis("off")
        axes.text(0.5, 0.5, textwrap.fill(words, 90), ha="center", va="center", fontsize=9)
    return Figure(key, drawing, words)
