"""Results in, a figure out: SVG for the screen, PDF for print, and the alternative text that says the same."""

import base64
import io
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import seaborn as sns

from trialbook.tables import ANALYSES, estimate_of

MARKERS, LINES = ("o", "s"), ("-", "--")
WIDTH = 7.0


class Figure:
    """A drawn figure that a notebook shows and that prose can place by its key."""

    def __init__(self, key, drawing, alt):
        self.key, self.alt = key, alt
        self._files = {}
        with mpl.rc_context({"svg.hashsalt": key, "svg.fonttype": "path"}):
            for kind, extra in (("svg", {"Date": None}), ("pdf", {"CreationDate": None})):
                buffer = io.BytesIO()
                drawing.savefig(buffer, format=kind, bbox_inches="tight", metadata=extra)
                self._files[kind] = buffer.getvalue()
        plt.close(drawing)

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = {
            "image/svg+xml": self._files["svg"].decode(),
            "application/pdf": base64.b64encode(self._files["pdf"]).decode(),
            "text/plain": self.alt,
        }
        return data, {"trialbook": {"figure": self.key, "alt": self.alt}}


def consort(trial, results):
    """Draw the CONSORT flow of participants from the counts of `cohort.flow`.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `cohort.flow`.

    Returns
    -------
    Figure
        A stage that the trial's data do not tell is said to be not recorded.
    """

    def n(*stage):
        key = ".".join(["cohort", *stage, "n"])
        return f"n = {results[key].display}" if key in results else "not recorded"

    top = [f"Assessed for eligibility\n({n('screened')})", f"Randomised ({n('randomised')})"]
    columns = []
    for arm in trial.arms:
        lost = [
            row for row in results if row.key.startswith(f"cohort.left.{arm.id}.") and row.method.startswith("DCSREAS")
        ]
        reasons = "".join(f"\n{row.method.removeprefix('DCSREAS: ')} (n = {row.display})" for row in lost)
        allocated = (
            f"Allocated to {arm.label} ({n('randomised', arm.id)})\nReceived as allocated ({n('received', arm.id)})"
        )
        followed = f"Did not complete ({n('left', arm.id)}){reasons}\nCompleted ({n('completed', arm.id)})"
        analysed = f"Analysed for efficacy ({n('efficacy', arm.id)})\nAnalysed for safety ({n('safety', arm.id)})"
        columns.append([allocated, followed, analysed])
    drawing, axes = plt.subplots(figsize=(WIDTH, 5.2))
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": "black"}
    heights = [0.94, 0.77, 0.54, 0.31, 0.08]

    def put(x, level, text):
        axes.text(x, heights[level], text, ha="center", va="center", fontsize=9, bbox=box, zorder=2)

    def arrow(start, end):
        axes.annotate(
            "", end, start, arrowprops={"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 24}, zorder=1
        )

    put(0.5, 0, top[0])
    arrow((0.5, heights[0]), (0.5, heights[1] + 0.01))
    put(0.5, 1, top[1])
    for x, column in zip((0.24, 0.76), columns, strict=True):
        arrow((0.5, heights[1]), (x, heights[2] + 0.03))
        for level, text in enumerate(column, start=2):
            put(x, level, text)
            if level > 2:
                arrow((x, heights[level - 1]), (x, heights[level] + 0.03))
    words = "; ".join(re.sub(r"\n", ", ", text) for text in [*top, *columns[0], *columns[1]])
    return Figure("cohort.consort", drawing, f"Flow of participants. {words}.")


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
    with _look():
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
            xlabel=_axis("Time", trial.facts.visits.unit and f"{trial.facts.visits.unit}s"),
            ylabel=_axis(parameter.label, parameter.unit),
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


def effects(trial, results, parameter):
    """Draw the effect on one efficacy parameter under each of `tables.ANALYSES`.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `efficacy.final_difference`, `efficacy.gee` and `sensitivity`.
    parameter : Parameter

    Returns
    -------
    Figure
        A filled marker where the interval leaves out zero, an open one where it does not.
    """
    spans = list(ANALYSES.values())
    with _look():
        drawing, panels = plt.subplots(
            len(spans), 1, figsize=(WIDTH, 5.4), sharex=True, height_ratios=[len(span) for span in spans]
        )
        said = []
        for axes, (title, analyses) in zip(panels, ANALYSES.items(), strict=True):
            for height, (analysis, label) in enumerate(analyses):
                estimate, ci, p = estimate_of(results, parameter, analysis)
                if ci.value is None:
                    axes.text(
                        0.5,
                        height,
                        "not estimable",
                        ha="center",
                        va="center",
                        fontsize=8,
                        transform=axes.get_yaxis_transform(),
                    )
                    said.append(f"{label}, not estimable")
                    continue
                filled = "black" if ci.value[0] > 0 or ci.value[1] < 0 else "white"
                axes.plot(ci.value, [height, height], color="black", linewidth=1.2, zorder=1)
                axes.plot(estimate.value, height, marker="o", markersize=5, color="black", markerfacecolor=filled)
                axes.annotate(
                    f"P {'' if p.display[0] in '<>' else '= '}{p.display}",
                    (1.01, height),
                    fontsize=8,
                    xycoords=("axes fraction", "data"),
                    va="center",
                )
                said.append(f"{label}, {estimate.display} ({ci.display})")
            axes.axvline(0, color="grey", linewidth=1, linestyle=":")
            axes.set_title(title, loc="left", fontsize=10)
            axes.set_yticks(range(len(analyses)), [label for _, label in analyses], fontsize=8)
            axes.tick_params(axis="y", length=0)
            axes.invert_yaxis()
        panels[-1].set_xlabel(_axis(f"Difference in {parameter.label}", parameter.unit))
        sns.despine(drawing, left=True)
        drawing.tight_layout()
    test, reference = trial.arms
    alt = f"Effect on {parameter.label}, {test.label} minus {reference.label}, under each analysis: {'; '.join(said)}."
    return Figure(f"{parameter.id}.effects", drawing, alt)


def _look():
    """The look of all figures: seaborn's ticks style, colours that the colour-blind can tell apart."""
    return mpl.rc_context(
        {**sns.axes_style("ticks"), **sns.plotting_context("paper", font_scale=1.1), "legend.fontsize": 9}
    )


def _axis(label, unit):
    return f"{label} ({unit})" if unit else label
