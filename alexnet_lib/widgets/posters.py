"""Colors and pieces that the widgets' pictures share; the same hues as js/style.js in the light theme."""

import base64
import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from PIL import Image, ImageFilter

from .packed import load_asset

BLUE, ORANGE, MARK, GRAY = "#0072b2", "#b34e00", "#8a2a6b", "#bbbbbb"
SIGNED = LinearSegmentedColormap.from_list("signed", [ORANGE, "white", BLUE])


def draw_map(axes: Axes, values: np.ndarray, peak: float) -> None:
    """A map (rows, columns) with 0 in white, +peak in blue, -peak in orange; NaN stays white."""
    axes.imshow(values, cmap=SIGNED, vmin=-peak, vmax=peak, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])


def photograph() -> np.ndarray:
    """The photograph that ships with the book: uint8 (256, 256, 3)."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(load_asset("photo")["jpeg"]))))


def sketch() -> np.ndarray:
    """The photograph for a poster, 96 x 96 in 12 flat colors, a quarter of its weight: uint8 (96, 96, 3)."""
    small = Image.fromarray(photograph()).resize((96, 96), Image.Resampling.BOX)
    flat = small.filter(ImageFilter.MedianFilter(3)).quantize(12, dither=Image.Dither.NONE)
    return np.asarray(flat.convert("RGB"))
