"""Figures of who took part."""

import re

import matplotlib.pyplot as plt

from trialbook.figures.figure import WIDTH, Figure


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
