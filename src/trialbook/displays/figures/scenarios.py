"""Figures of the effect under each scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
import seaborn as sns

from trialbook.displays import words
from trialbook.displays.figures.figure import NEUTRAL, WIDTH, Figure, Style, axis, look, plain
from trialbook.displays.tables.scenarios import effects
from trialbook.results.row import Result, Results
from trialbook.results.verdicts import leaves_out_zero

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from trialbook.analysis.scenarios import Scenario
    from trialbook.trial.config import Parameter
    from trialbook.trial.model import Trial


class _Effect(NamedTuple):
    """The effect under one scenario with its interval, which may not be estimable."""

    scenario: Scenario
    value: Result
    ci: Result

    def marker(self, size: float, colour: str) -> Style:
        return {
            "marker": "D" if self.scenario.published else "o",
            "markersize": size,
            "color": colour,
            "markerfacecolor": colour if leaves_out_zero(self.ci.value) else "white",
            "zorder": 2,
        }


def _ascending(results: Results, chosen: list[Scenario], parameter: Parameter, estimand: str) -> list[_Effect]:
    """The distinct effects for an estimand by their size, those that cannot be had last."""
    scenarios = {scenario.id: scenario for scenario in chosen}
    found = [
        _Effect(scenarios[row.key.rpartition(".")[2]], row, results[f"{row.key}.ci"])
        for row in effects(results, parameter, estimand)
        if f"{row.key}.repeats" not in results
    ]
    return sorted(found, key=lambda one: (one.value.value is None, one.value.value or 0))


@look()
def forest(trial: Trial, results: Results, chosen: list[Scenario], parameter: Parameter) -> Figure:
    """Draw the effect on one efficacy parameter under each distinct analysis, with its interval, as a forest plot.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `scenarios.run` under all scenarios, and of `scenarios.summary`.
    chosen : list of Scenario
    parameter : Parameter

    Returns
    -------
    Figure
        Filled where the interval leaves out zero, open where it does not, a diamond for the analysis that is assumed
        to be the published one; analyses ascend by their effect, those that cannot be estimated stand last. Of
        scenarios with the same result the first is named, and how many more there are.
    """
    blocks = {estimand: _ascending(results, chosen, parameter, estimand) for estimand in words.SPANS}
    repeats = _repeats(results, parameter)
    lines = [len(block) for block in blocks.values()]
    size = WIDTH, 1.2 + 0.27 * sum(lines)
    drawing, panels = plt.subplots(len(blocks), 1, figsize=size, height_ratios=lines, squeeze=False)
    said = []
    for axes, (estimand, block) in zip(panels[:, 0], blocks.items(), strict=True):
        axes.set_title(words.SPANS[estimand], loc="left", fontsize=10)
        said.append(f"{words.SPANS[estimand]}: {_draw_effects(axes, block)}")
        labels = [one.value.label for one in block]
        others = [len(repeats.get((estimand, label), ())) for label in labels]
        shown = [f"{label}, and {more} more" if more else label for label, more in zip(labels, others, strict=True)]
        axes.set_yticks(range(len(block)), shown, fontsize=7)
        axes.set_ylim(len(block) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.locator_params(axis="x", nbins=5)
    panels[-1, 0].set_xlabel(axis("Difference", parameter.unit))
    sns.despine(drawing, left=True)
    drawing.tight_layout()
    alt = f"{parameter.label}, {words.contrast(trial)}, under each analysis. {'. '.join(said)}."
    return Figure(f"{parameter.id}.forest", drawing, alt)


def _repeats(results: Results, parameter: Parameter) -> dict[tuple[str, str], list[str]]:
    """The names of the scenarios that come to the same as an earlier one, by the estimand and the name of that."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in results:
        if row.parameter == parameter.paramcd and row.key.endswith(".repeats"):
            found.setdefault((row.estimand, row.value), []).append(row.label)
    return found


@plain()
def strip(trial: Trial, results: Results, chosen: list[Scenario], parameter: Parameter, estimand: str) -> Figure:
    """Draw the effect under every distinct analysis as a strip that stands in a line of text, beside its headline."""
    about = (parameter.paramcd, estimand, "n of N")
    clear = next(row for row in results if (row.parameter, row.estimand, row.statistic) == about)
    shown = [one for one in _ascending(results, chosen, parameter, estimand) if one.ci.value]
    drawing, axes = plt.subplots(figsize=(1.3, 0.32), gridspec_kw={"left": 0, "right": 1, "bottom": 0, "top": 1})
    axes.axhline(0, color=NEUTRAL, linewidth=0.7, linestyle=":")
    for place, one in enumerate(shown):
        axes.plot([place, place], one.ci.value, color=NEUTRAL, linewidth=0.7, zorder=1)
        axes.plot(place, one.value.value, **one.marker(2.6, NEUTRAL))
    axes.axis("off")
    ends = f"from {shown[0].value.display} to {shown[-1].value.display}" if shown else "not estimable"
    alt = f"Under {len(shown)} analyses {ends}; the interval leaves out zero in {clear.value[0]}."
    with mpl.rc_context({"savefig.pad_inches": 0.01}):
        return Figure(clear.key.replace(".under.clear.n_of", ".strip"), drawing, alt)


def _draw_effects(axes: Axes, block: list[_Effect]) -> str:
    """Draw each effect with its interval and its numbers, and return what is drawn in words."""
    said = []
    axes.axvline(0, color="grey", linewidth=1, linestyle=":")
    for place, one in enumerate(block):
        interval = f" ({one.ci.display})" if one.ci.value else ""
        told = f"{one.value.display}{interval}"
        said.append(f"{one.value.label}, {told}")
        axes.text(1.01, place, told, fontsize=7, va="center", transform=axes.get_yaxis_transform())
        if one.ci.value:
            axes.plot(one.ci.value, [place, place], color="black", linewidth=1, zorder=1)
        if one.value.value is not None:
            axes.plot(one.value.value, place, **one.marker(5, "black"))
    return "; ".join(said)
