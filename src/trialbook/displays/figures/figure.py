"""The figure: SVG for the screen, PDF for print, and the alternative text that says the same."""

import base64
import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import seaborn as sns

MARKERS, LINES = ("o", "s"), ("-", "--")
WIDTH = 7.0
NEUTRAL = "0.45"  # reads on a light page and on a dark one


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


def say_not_estimable(axes):
    axes.text(0.5, 0.5, "not estimable", ha="center", va="center", fontsize=8, transform=axes.transAxes)


def look():
    """The look of all figures: seaborn's ticks style, colours that the colour-blind can tell apart."""
    return mpl.rc_context(
        {**sns.axes_style("ticks"), **sns.plotting_context("paper", font_scale=1.1), "legend.fontsize": 9}
    )


def axis(label, unit):
    return f"{label} ({unit})" if unit else label
