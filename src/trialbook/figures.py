"""Results in, a figure out: SVG for the screen, PDF for print, and the alternative text that says the same."""

import base64
import io
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import seaborn as sns

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

    def n(key):
        return f"n = {results[key].display}" if key in results else "not recorded"

    top = [f"Assessed for eligibility\n({n('cohort.screened.n')})", f"Randomised ({n('cohort.randomised.n')})"]
    columns = []
    for arm in trial.arms:
        lost = [
            row for row in results if row.key.startswith(f"cohort.left.{arm.id}.") and row.method.startswith("DCSREAS")
        ]
        reasons = "".join(f"\n{row.method.removeprefix('DCSREAS: ')} (n = {row.display})" for row in lost)
        columns.append(
            [
                f"Allocated to {arm.label} ({n(f'cohort.randomised.{arm.id}.n')})\nReceived as allocated ({n(f'cohort.received.{arm.id}.n')})",
                f"Did not complete ({n(f'cohort.left.{arm.id}.n')}){reasons}\nCompleted ({n(f'cohort.completed.{arm.id}.n')})",
                f"Analysed for efficacy ({n(f'cohort.efficacy.{arm.id}.n')})\nAnalysed for safety ({n(f'cohort.safety.{arm.id}.n')})",
            ]
        )
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
    words = "; ".join(re.sub(r"\n", ", ", text) for text in [*top, *sum(columns, [])])
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
    unit = f" {parameter.unit}" if parameter.unit else ""
    alt = f"Mean {parameter.label} by visit with {trial.ci_level} confidence intervals{unit and ','}{unit}: {'; '.join(said)}, {visits[0].label.lower()} to {visits[-1].label.lower()}."
    return Figure(f"{parameter.id}.trajectory", drawing, alt)


def effects(trial, results):
    """Draw the effect on each efficacy parameter under each analysis, one panel a parameter.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `efficacy.final_difference` and `efficacy.gee`.

    Returns
    -------
    Figure
    """
    analyses = (
        ("final.difference", "", "Final visit,\npooled t"),
        ("gee.effect", "", "GEE,\nrobust z"),
        ("gee.effect", ".cr2", "GEE,\nCR2 t"),
    )
    parameters = trial.parameters("efficacy")
    black = "black"
    with _look():
        drawing, panels = plt.subplots(1, len(parameters), figsize=(WIDTH, 2.4), squeeze=False, sharey=True)
        said = []
        for axes, parameter in zip(panels[0], parameters, strict=True):
            for height, (part, kind, _) in enumerate(analyses):
                estimate, ci = results[f"{parameter.id}.{part}"], results[f"{parameter.id}.{part}{kind}.ci"]
                if ci.value is None:
                    axes.text(0, height, "not estimable", ha="center", va="center", fontsize=8)
                    continue
                axes.plot(ci.value, [height, height], color=black, linewidth=1.5)
                axes.plot(estimate.value, height, marker="o" if kind else "s", color=black)
                said.append(f"{parameter.label}, {ci.method}: {estimate.display} ({ci.display})")
            axes.axvline(0, color="grey", linewidth=1, linestyle=":")
            axes.set(xlabel=_axis(f"Difference in\n{parameter.label}", parameter.unit))
            axes.set_yticks(range(len(analyses)), [label for *_, label in analyses])
            axes.tick_params(axis="y", length=0)
            axes.margins(y=0.25)
        panels[0][0].invert_yaxis()
        sns.despine(drawing, left=True)
        drawing.tight_layout()
    test, reference = trial.arms
    return Figure(
        "efficacy.effects_figure",
        drawing,
        f"Effects with {trial.ci_level} confidence intervals, {test.label} minus {reference.label}. {'; '.join(said)}.",
    )


def _look():
    """The look of all figures: seaborn's ticks style, colours that the colour-blind can tell apart."""
    return mpl.rc_context(
        {**sns.axes_style("ticks"), **sns.plotting_context("paper", font_scale=1.1), "legend.fontsize": 9}
    )


def _axis(label, unit):
    return f"{label} ({unit})" if unit else label
