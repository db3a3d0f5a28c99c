"""The figure: SVG for the screen, PDF for print, and the alternative text that says the same."""

from __future__ import annotations

import base64
import io
import textwrap
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import seaborn as sns

from trialbook.results.verdicts import leaves_out_zero

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from trialbook.trial.config import Arm
    from trialbook.trial.model import Trial

Style = dict[str, Any]  # keyword arguments of Matplotlib
WIDTH = 7.0
WITHHELD = "not drawn, since it would show people one by one; an exception in trial.yml, under disclosure, allows it."
NEUTRAL = "0.45"  # reads on a light page and on a dark one

# Whatever the machine's matplotlibrc says, drawn in the font that Matplotlib brings; a dollar sign is no formula.
_OWN = {"font.sans-serif": ["DejaVu Sans"], "text.parse_math": False}
_TICKS = {**sns.axes_style("ticks"), **sns.plotting_context("paper", font_scale=1.1), "legend.fontsize": 9, **_OWN}
plain = partial(mpl.style.context, ["default", _OWN])
look = partial(mpl.style.context, ["default", _TICKS])


class Figure:
    """A drawn figure that a notebook shows and that prose can place by its key.

    Parameters
    ----------
    key : str
        Stable, lower case, dotted; the figure's name in ``{result-figure}``.
    drawing : matplotlib.figure.Figure
        Is kept as SVG and PDF, and closed.
    alt : str
        The alternative text: what the figure shows, for those who cannot see it.

    Raises
    ------
    ValueError
        If there is no alternative text.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from trialbook import Figure
    >>> drawing, axes = plt.subplots()
    >>> lines = axes.plot([0, 12, 24], [310, 355, 402], marker="o")
    >>> Figure("cd4.course", drawing, "The mean CD4 count rises from 310 at baseline to 402 at week 24.")
    figure cd4.course: The mean CD4 count rises from 310 at baseline to 402 at week 24.
    """

    def __init__(self, key: str, drawing: Drawing, alt: str):
        if not alt.strip():
            raise ValueError(f"figure {key!r} has no alternative text: say what it shows")
        self.key, self.alt = key, alt
        self._files = {}
        with mpl.rc_context({"svg.hashsalt": key, "svg.fonttype": "path"}):
            box = drawing.get_tightbbox().padded(mpl.rcParams["savefig.pad_inches"])  # not once more for each file
            for kind, extra in (("svg", {"Date": None}), ("pdf", {"CreationDate": None})):
                buffer = io.BytesIO()
                drawing.savefig(buffer, format=kind, bbox_inches=box, metadata=extra)
                self._files[kind] = buffer.getvalue()
        plt.close(drawing)

    def __repr__(self) -> str:
        return f"figure {self.key}: {self.alt}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict[str, str], dict]:
        data = {
            "image/svg+xml": self._files["svg"].decode(),
            "application/pdf": base64.b64encode(self._files["pdf"]).decode(),
            "text/plain": self.alt,
        }
        return data, {"trialbook": {"figure": self.key, "alt": self.alt}}


@dataclass(frozen=True)
class ArmLook:
    """How an arm is drawn, in colour and in grey; `side` is where it stands beside the other, half a step or minus."""

    arm: Arm
    colour: tuple[float, float, float]
    marker: str
    line: str
    side: float
    filled: bool


def arm_looks(trial: Trial) -> list[ArmLook]:
    """Give the look of each arm, test before reference."""
    test, reference = trial.arms
    colours = sns.color_palette("colorblind")
    return [ArmLook(test, colours[0], "o", "-", -0.5, True), ArmLook(reference, colours[1], "s", "--", 0.5, False)]


def draw_effect(axes: Axes, x: float, effect: float, ci: list[float]) -> None:
    """Draw an effect with its interval: filled where the interval leaves out zero, open where it does not."""
    filled = "black" if leaves_out_zero(ci) else "white"
    axes.plot([x, x], ci, color="black", linewidth=1.2, zorder=1)
    axes.plot(x, effect, marker="o", markersize=6, color="black", markerfacecolor=filled)


def say_instead(key: str, said: str) -> Figure:
    """Draw the words instead of what cannot be drawn."""
    drawing, axes = plt.subplots(figsize=(WIDTH, 1))
    axes.axis("off")
    axes.text(0.5, 0.5, textwrap.fill(said, 90), ha="center", va="center", fontsize=9)
    return Figure(key, drawing, said)


def say_not_estimable(axes: Axes) -> None:
    """Say in an empty panel why it is empty."""
    axes.text(0.5, 0.5, "not estimable", ha="center", va="center", fontsize=8, transform=axes.transAxes)


def axis(label: str, unit: str) -> str:
    """Name an axis with its unit in brackets."""
    return f"{label} ({unit})" if unit else label
