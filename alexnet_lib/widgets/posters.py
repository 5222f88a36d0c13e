"""Colours and pieces that the widgets' pictures share; the same hues as js/style.js in the light theme."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

BLUE, ORANGE, MARK, GREY = "#0072b2", "#b34e00", "#8a2a6b", "#bbbbbb"
SIGNED = LinearSegmentedColormap.from_list("signed", [ORANGE, "white", BLUE])


def draw_map(axes: Axes, values: np.ndarray, peak: float) -> None:
    """A map (rows, columns) with 0 in white, +peak in blue, -peak in orange; NaN stays white."""
    axes.imshow(values, cmap=SIGNED, vmin=-peak, vmax=peak, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
