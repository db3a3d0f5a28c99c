"""Figures of the results of a synthetic trial over many draws of it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns

from trialbook.displays import words
from trialbook.displays.figures.figure import WIDTH, Figure, axis, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from trialbook.results.evidence import Draws
    from trialbook.results.row import Results
    from trialbook.trial.config import Parameter
    from trialbook.trial.model import Trial

GOLDEN = 0.618  # whose multiples spread points evenly over the height of a line
SPREAD = 0.5  # of that height
TICKS = (0.001, 0.01, 0.1, 1)  # P values


@look()
def draws(trial: Trial, results: Results, drawn: Draws, parameter: Parameter) -> Figure:
    """Draw the effects on one efficacy parameter and their P values in every draw of the synthetic trial.

    Parameters
    ----------
    trial : Trial
        For the level.
    results : Results
        Of `evidence.summary`.
    drawn : Draws
    parameter : Parameter

    Returns
    -------
    Figure
        A line for each analysis: a grey point for each draw, a diamond for the data of this book.
    """
    start = f"draws.{parameter.id}."
    clear = [row for row in results if row.key.startswith(start) and row.key.endswith(".p.clear.n_of")]
    drawing, (effects, levels) = plt.subplots(1, 2, figsize=(WIDTH, 1.2 + 0.55 * len(clear)), sharey=True)
    said = []
    for line, row in enumerate(clear):
        key = row.key.removeprefix("draws.").removesuffix(".p.clear.n_of")
        _scatter(levels, drawn, f"{key}.p", line)
        estimate = key.removesuffix(".cr2")  # inference of another kind on the same effect
        _scatter(effects, drawn, estimate, line)
        ranges = [results.get(f"draws.{name}.range") for name in (estimate, f"{key}.p")]
        effect, p = (spread.display if spread else "not estimable" for spread in ranges)
        said.append(f"{row.label}, effect {effect}, P {p}, below the level in {row.display}")
    effects.axvline(0, color="grey", linewidth=1, linestyle=":")
    levels.axvline(trial.facts.alpha, color="black", linewidth=1, linestyle="--")
    levels.set_xscale("log")
    levels.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS], fontsize=8)
    levels.minorticks_off()
    effects.set_xlabel(axis("Difference", parameter.unit))
    levels.set_xlabel(f"P (broken line: {trial.facts.alpha:g})")
    effects.set_yticks(range(len(clear)), [textwrap.fill(row.label, 26) for row in clear], fontsize=8)
    effects.set_ylim(len(clear) - 0.5, -0.5)
    title = f"{parameter.label}, {drawn.draws} data sets that give the published figures"
    drawing.suptitle(title, fontsize=10)
    sns.despine(drawing)
    drawing.tight_layout()
    alt = f"{title}; {words.contrast(trial)}, 5th to 95th percentile: {'; '.join(said)}."
    return Figure(f"{parameter.id}.draws", drawing, alt)


def _scatter(axes: Axes, drawn: Draws, key: str, line: int) -> None:
    """Draw a result in all draws on its line, and that of this book above them."""
    own = drawn.rows.get(key)
    values = np.array(own.values if own is not None and own.values is not None else [], float)
    heights = line + SPREAD * ((np.arange(len(values)) * GOLDEN) % 1 - 0.5)
    axes.plot(values[1:], heights[1:], marker="o", markersize=2.5, color="0.6", linestyle="")
    axes.plot(values[:1], [line][: len(values)], marker="D", markersize=6, color="black", linestyle="")
