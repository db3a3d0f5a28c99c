"""Figures of who took part."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from trialbook.displays import words
from trialbook.displays.figures.figure import WIDTH, Figure, look, plain, say_instead, say_not_estimable
from trialbook.results.row import Result, Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from trialbook.trial.config import Arm, BaselineVariable
    from trialbook.trial.model import Trial

LINE, PAD, GAP = 0.17, 0.11, 0.24  # inches: of a line of text, around it in a box, between boxes
_GROUNDS = ("left", "not_received", "unexplained")


@plain()
def consort(trial: Trial, results: Results) -> Figure:
    """Draw the CONSORT flow of participants from the counts of `flow.flow`.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `flow.flow`.

    Returns
    -------
    Figure
        As high as its texts need; a stage that the trial's data do not tell is said to be not recorded.

    References
    ----------
    Hopewell et al. 2025, BMJ 389:e081123 (CONSORT 2025).
    """
    flow = results.under("cohort")
    top = [[_stage(flow, "Assessed for eligibility", "screened")], [_stage(flow, "Randomised", "randomised")]]
    if "excluded.n" in flow:
        top[0].append(_stage(flow, "Not randomised", "excluded"))
    arms = [_arm_boxes(flow, arm) for arm in trial.arms]
    stages = [[_wrapped(box, 62)] for box in top]
    stages += [[_wrapped(box, 44) for box in pair] for pair in zip(*arms, strict=True)]
    heights = [2 * PAD + LINE * max(map(len, stage)) for stage in stages]
    total = sum(heights) + GAP * (len(stages) - 1)
    drawing, axes = plt.subplots(figsize=(WIDTH, total), gridspec_kw={"left": 0, "right": 1, "bottom": 0, "top": 1})
    axes.set(xlim=(0, WIDTH), ylim=(0, total))
    axes.axis("off")
    _draw_stages(axes, stages, heights, total)
    said = "; ".join(", ".join(box) for box in [*top, *arms[0], *arms[1]])
    return Figure("cohort.consort", drawing, f"Flow of participants. {said}.")


def _draw_stages(axes: Axes, stages: list[list[list[str]]], heights: list[float], total: float) -> None:
    """Draw the boxes of each stage, from the top down, and an arrow to each from the nearest one above."""
    above, y = [0.5 * WIDTH], total
    for stage, height in zip(stages, heights, strict=True):
        places = [0.5 * WIDTH] if len(stage) == 1 else [0.25 * WIDTH, 0.75 * WIDTH]
        wide = (0.6 if len(stage) == 1 else 0.48) * WIDTH
        for x, lines in zip(places, stage, strict=True):
            box = plt.Rectangle((x - wide / 2, y - height), wide, height, facecolor="white", edgecolor="black")
            axes.add_patch(box)
            axes.text(x, y - height / 2, "\n".join(lines), ha="center", va="center", fontsize=9, linespacing=1.25)
            if y < total:
                start = min(above, key=lambda other: abs(other - x))
                arrow = {"arrowstyle": "-|>", "color": "0.3", "shrinkA": 0, "shrinkB": 0}
                axes.annotate("", (x, y), (start, y + GAP), arrowprops=arrow)
        above, y = places, y - height - GAP


def _stage(flow: dict[str, Result], label: str, *stage: str) -> str:
    row = flow.get(".".join([*stage, "n"]))
    return f"{label} (n = {row.display})" if row else f"{label} (not recorded)"


def _arm_boxes(flow: dict[str, Result], arm: Arm) -> tuple[list[str], list[str], list[str]]:
    """The lines of the three boxes of an arm: allocation, follow-up, analysis."""

    def some(label: str, *stage: str) -> list[str]:
        return [_stage(flow, label, *stage)] if ".".join([*stage, "n"]) in flow else []

    allocated = [
        _stage(flow, f"Allocated to {arm.label}", "randomised", arm.id),
        _stage(flow, "Received as allocated", "received", arm.id),
        *some("Received the other treatment", "received_other", arm.id),
        *some("No treatment recorded", "untreated", arm.id),
    ]
    reasons = [row for part, row in flow.items() if part.startswith(f"left.{arm.id}.") and row.label]
    followed = [
        _stage(flow, "Lost or discontinued", "left", arm.id),
        *(f"{row.label} (n = {row.display})" for row in reasons),
        *some("Still in the study", "ongoing", arm.id),
        *some("Disposition not recorded", "undisposed", arm.id),
        _stage(flow, "Completed", "completed", arm.id),
    ]
    analysed = []
    for name in ("efficacy", "safety"):
        analysed.append(_stage(flow, f"Analysed for {name}", name, arm.id))
        out = [flow.get(f"{name}.{arm.id}.out.{ground}.n") for ground in _GROUNDS]
        analysed += [f"left out: {row.label} (n = {row.display})" for row in out if row]
    return allocated, followed, analysed


def _wrapped(box: list[str], width: int) -> list[str]:
    return [part for line in box for part in textwrap.wrap(line.replace("(n = ", "(n\u00a0=\u00a0"), width)]


@look()
def love(trial: Trial, results: Results) -> Figure:
    """Draw the standardised mean difference of every baseline variable, the largest first.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `baseline.baseline`.

    Returns
    -------
    Figure
        Absolute values; filled where the test arm is higher, open where it is lower, a diamond for a category.
    """
    smd = [(line, results.get(f"baseline.{line.id}.smd")) for line in trial.facts.baseline]
    known = sorted(((line, r) for line, r in smd if r and r.value is not None), key=lambda pair: abs(pair[1].value))
    chance = results["baseline.smd.expected"]
    drawing, axes = plt.subplots(figsize=(WIDTH, 1.4 + 0.32 * max(len(known), 2)))
    for place, (line, row) in enumerate(known):
        category = line.type == "category"
        face = "0.6" if category or row.value == 0 else "black" if row.value > 0 else "white"
        marker = "D" if category else "o"
        axes.plot(abs(row.value), place, marker, markerfacecolor=face, color="black", clip_on=False)
    axes.set_yticks(range(len(known)), [textwrap.fill(line.label, 32) for line, _ in known])
    axes.set_xlabel("Standardised mean difference, absolute (SD)")
    axes.grid(axis="y", color="0.9")
    if known:
        axes.set_xlim(left=0)
        _explain_differences(axes, trial.arms[0], chance)
    else:
        say_not_estimable(axes)
    axes.spines[["top", "right"]].set_visible(False)
    drawing.tight_layout()
    return Figure("cohort.love", drawing, _say_differences(trial, known, chance))


def _explain_differences(axes: Axes, test: Arm, chance: Result) -> None:
    """Draw what randomisation alone makes, and say what the markers mean."""
    if chance.value is not None:
        axes.axvline(chance.value, color="0.45", linestyle="--", label="mean under randomisation alone")
    for marker, face, label in (
        ("o", "black", f"{test.label} higher"),
        ("o", "white", f"{test.label} lower"),
        ("D", "0.6", "category"),
    ):
        axes.plot([], [], marker, markerfacecolor=face, color="black", label=label)
    axes.figure.legend(loc="outside lower center", ncols=2, frameon=False, bbox_to_anchor=(0.5, 1.0))


def _say_differences(trial: Trial, known: list[tuple[BaselineVariable, Result]], chance: Result) -> str:
    said = "; ".join(f"{line.label} {row.display}" for line, row in reversed(known)) or "not estimable"
    alt = f"Standardised mean differences at baseline, {words.contrast(trial)}: {said}."
    return f"{alt} Randomisation alone makes {chance.display} on average." if known else alt


@look()
def attendance(trial: Trial, results: Results) -> Figure:
    """Draw who attended each visit by arm as a heat map.

    Parameters
    ----------
    trial : Trial
        For the labels.
    results : Results
        Of `follow_up.attendance`.

    Returns
    -------
    Figure
        One that says so where everybody attended each.
    """
    visits = trial.schedule
    cells = [[results[f"cohort.attendance.{v}.{arm.id}.n_of"] for arm in trial.arms] for v in visits]
    said = "; ".join(
        f"{visit.label} " + ", ".join(f"{arm.label} {row.display}" for arm, row in zip(trial.arms, line, strict=True))
        for visit, line in zip(visits.values(), cells, strict=True)
    )
    if all(row.value[0] == row.value[1] for line in cells for row in line):
        return say_instead("cohort.attendance", f"All participants have a value at each visit: {said}.")
    shares = [[row.value[0] / max(row.value[1], 1) for row in line] for line in cells]
    drawing, axes = plt.subplots(figsize=(WIDTH, 0.9 + 0.36 * len(visits)))
    axes.imshow(shares, cmap="Greys", vmin=0, vmax=1.3, aspect="auto")
    for y, line in enumerate(cells):
        for x, row in enumerate(line):
            ink = "white" if shares[y][x] > 0.75 else "black"
            axes.text(x, y, row.display, ha="center", va="center", color=ink, fontsize=10)
    axes.set_xticks(range(len(trial.arms)), [textwrap.fill(arm.label, 30) for arm in trial.arms])
    axes.set_yticks(range(len(visits)), [visit.label for visit in visits.values()])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    drawing.tight_layout()
    return Figure("cohort.attendance", drawing, f"Participants with a value at each visit: {said}.")
