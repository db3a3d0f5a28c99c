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
    """The effects for an estimand by their size, those that cannot be had last."""
    scenarios = {scenario.id: scenario for scenario in chosen}
    found = [
        _Effect(scenarios[row.key.rpartition(".")[2]], row, results[f"{row.key}.ci"])
        for row in effects(results, parameter, estimand)
    ]
    return sorted(found, key=lambda one: (one.value.value is None, one.value.value or 0))


@look()
def specification(trial: Trial, results: Results, chosen: list[Scenario], parameter: Parameter) -> Figure:
    """Draw the specification curve of one efficacy parameter: its effect under each scenario, above the choices made.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `scenarios.run` under all of them.
    chosen : list of Scenario
    parameter : Parameter

    Returns
    -------
    Figure
        Filled where the interval leaves out zero, open where it does not, a diamond for the published analysis;
        scenarios ascend by their effect, those that cannot be estimated stand last.

    References
    ----------
    Simonsohn, Simmons and Nelson (2020), Nat Hum Behav 4:1208-1214.
    """
    blocks = {estimand: _ascending(results, chosen, parameter, estimand) for estimand in words.SPANS}
    lines = _choices(chosen)
    drawing, axes = plt.subplots(
        2,
        len(blocks),
        figsize=(WIDTH, 2.6 + 0.17 * len(lines)),
        sharey="row",
        sharex="col",
        width_ratios=[len(block) for block in blocks.values()],
        height_ratios=[2.4, 0.17 * len(lines)],
    )
    said = []
    for (above, below), (estimand, block) in zip(axes.T, blocks.items(), strict=True):
        said.append(f"{words.SPANS[estimand]}: {_draw_effects(above, block)}")
        above.set_title(words.SPANS[estimand], loc="left", fontsize=10)
        for place, one in enumerate(block):
            made = [lines.index(choice) for choice in one.scenario.choices(estimand).items()]
            below.plot([place] * len(made), made, marker="s", markersize=3, color="black", linestyle="")
        below.set_ylim(len(lines) - 0.5, -0.5)
        below.set_xticks([])
        below.grid(axis="y", color="0.9", linewidth=0.6)
    axes[1, 0].set_yticks(range(len(lines)), [f"{what}: {choice}" for what, choice in lines], fontsize=7)
    for below in axes[1]:
        below.tick_params(axis="y", length=0)
    axes[0, 0].set_ylabel(axis("Difference", parameter.unit))
    sns.despine(drawing)
    drawing.tight_layout()
    alt = f"{parameter.label}, {words.contrast(trial)}, under each scenario. {'. '.join(said)}."
    return Figure(f"{parameter.id}.specification", drawing, alt)


@plain()
def strip(trial: Trial, results: Results, chosen: list[Scenario], parameter: Parameter, estimand: str) -> Figure:
    """Draw the effect under every scenario as a strip that stands in a line of text, beside the headline number."""
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
    alt = f"Under {len(shown)} scenarios {ends}; the interval leaves out zero in {clear.value[0]}."
    with mpl.rc_context({"savefig.pad_inches": 0.01}):
        return Figure(clear.key.replace(".under.clear.n_of", ".strip"), drawing, alt)


def _choices(chosen: list[Scenario]) -> list[tuple[str, str]]:
    """All choices that the scenarios make, each once, those of one kind together."""
    made: dict[str, dict[str, None]] = {}
    for estimand in words.SPANS:
        for scenario in chosen:
            if scenario.name(estimand):
                for what, choice in scenario.choices(estimand).items():
                    made.setdefault(what, {})[choice] = None
    return [(what, choice) for what, choices in made.items() for choice in choices]


def _draw_effects(axes: Axes, block: list[_Effect]) -> str:
    """Draw each effect with its interval, and return what is drawn in words."""
    said = []
    for place, one in enumerate(block):
        interval = f" ({one.ci.display})" if one.ci.value else ""
        said.append(f"{one.value.label}, {one.value.display}{interval}")
        if one.ci.value:
            axes.plot([place, place], one.ci.value, color="black", linewidth=1, zorder=1)
            axes.plot(place, one.value.value, **one.marker(5, "black"))
        else:
            axes.text(place, 0.5, "×", ha="center", va="center", transform=axes.get_xaxis_transform())
    axes.axhline(0, color="grey", linewidth=1, linestyle=":")
    axes.set_xlim(-0.7, len(block) - 0.3)
    return "; ".join(said)
