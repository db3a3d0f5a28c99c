"""Figures of the effect under each scenario."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import seaborn as sns

from trialbook.analysis.scenarios import HEADLINE, PUBLISHED, leaves_out_zero, under
from trialbook.displays.figures.figure import NEUTRAL, WIDTH, Figure, axis, look
from trialbook.displays.words import SPANS


def specification(trial, results, chosen, parameter):
    """Draw the specification curve of one efficacy parameter: its effect under each scenario, above the choices made.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `scenarios.collect`.
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
    blocks = {estimand: _ascending(results, under(chosen, parameter, estimand)) for estimand in SPANS}
    lines = list(dict.fromkeys(line for e in SPANS for s, _ in under(chosen, parameter, e) for line in s.choices(e)))
    kinds = [line.partition(":")[0] for line in lines]
    lines = sorted(lines, key=lambda line: kinds.index(line.partition(":")[0]))
    with look():
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
        for column, (estimand, block) in zip(axes.T, blocks.items(), strict=True):
            said.append(f"{SPANS[estimand]}: {_draw_effects(column[0], results, estimand, block)}")
            column[0].set_title(SPANS[estimand], loc="left", fontsize=10)
            for place, (scenario, _) in enumerate(block):
                made = [lines.index(line) for line in scenario.choices(estimand)]
                column[1].plot([place] * len(made), made, marker="s", markersize=3, color="black", linestyle="")
            column[1].set_ylim(len(lines) - 0.5, -0.5)
            column[1].set_xticks([])
            column[1].grid(axis="y", color="0.9", linewidth=0.6)
        axes[1, 0].set_yticks(range(len(lines)), lines, fontsize=7)
        for below in axes[1]:
            below.tick_params(axis="y", length=0)
        axes[0, 0].set_ylabel(axis("Difference", parameter.unit))
        sns.despine(drawing)
        drawing.tight_layout()
    test, reference = trial.arms
    alt = f"{parameter.label}, {test.label} minus {reference.label}, under each scenario. {'. '.join(said)}."
    return Figure(f"{parameter.id}.specification", drawing, alt)


def strip(trial, results, chosen, parameter, estimand):
    """Draw the effect under every scenario as a strip that stands in a line of text, beside the headline number."""
    block = _ascending(results, under(chosen, parameter, estimand))
    key = f"{parameter.id}.{HEADLINE[estimand]}"
    shown = [(scenario, results[k], results[f"{k}.ci"].value) for scenario, k in block if results[f"{k}.ci"].value]
    clear = sum(leaves_out_zero(ci) for *_, ci in shown)
    drawing, axes = plt.subplots(figsize=(1.3, 0.32), gridspec_kw={"left": 0, "right": 1, "bottom": 0, "top": 1})
    axes.axhline(0, color=NEUTRAL, linewidth=0.7, linestyle=":")
    for place, (scenario, effect, ci) in enumerate(shown):
        axes.plot([place, place], ci, color=NEUTRAL, linewidth=0.7, zorder=1)
        axes.plot(place, effect.value, **_marker(scenario, ci, 2.6, NEUTRAL))
    axes.axis("off")
    values = sorted((effect.value, effect.display) for _, effect, _ in shown)
    ends = f"from {values[0][1]} to {values[-1][1]}" if values else "not estimable"
    alt = f"Under {len(shown)} scenarios {ends}; the interval leaves out zero in {clear}."
    with mpl.rc_context({"savefig.pad_inches": 0.01}):
        return Figure(f"{key}.strip", drawing, alt)


def _draw_effects(axes, results, estimand, block):
    """Draw each effect with its interval, and return what is drawn in words."""
    said = []
    for place, (scenario, key) in enumerate(block):
        effect, ci = results[key], results[f"{key}.ci"]
        said.append(f"{scenario.name(estimand)}, {effect.display}" + (f" ({ci.display})" if ci.value else ""))
        if ci.value is None:
            axes.text(place, 0.5, "×", ha="center", va="center", transform=axes.get_xaxis_transform())
            continue
        axes.plot([place, place], ci.value, color="black", linewidth=1, zorder=1)
        axes.plot(place, effect.value, **_marker(scenario, ci.value, 5, "black"))
    axes.axhline(0, color="grey", linewidth=1, linestyle=":")
    axes.set_xlim(-0.7, len(block) - 0.3)
    return "; ".join(said)


def _ascending(results, pairs):
    """Sort scenarios by their effect, those without one last."""
    return sorted(pairs, key=lambda pair: (results[pair[1]].value is None, results[pair[1]].value or 0))


def _marker(scenario, ci, size, colour):
    return {
        "marker": "D" if scenario.id == PUBLISHED else "o",
        "markersize": size,
        "color": colour,
        "markerfacecolor": colour if leaves_out_zero(ci) else "white",
        "zorder": 2,
    }
