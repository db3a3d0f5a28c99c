"""The generator of these synthetic data: `draw` gives the tables; ``trialbook simulate`` writes them."""

from .simulate import draw

__all__ = ["draw"]
