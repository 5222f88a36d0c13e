"""What every figure is made of: a picture with its words, colors, and the parts that chapters share."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from ..guard import Bounds, Count, Fraction, require_tensor, validated

# Distinct for the color-blind, and in gray: dark blue and orange (Wong's palette).
BLUE, ORANGE, GREEN, GRAY = "#0072b2", "#d55e00", "#009e73", "#777777"
WIDTH = 8.0  # inches at 100 dots: the text column of the book
NARROW = 5.6  # inches: words drawn at 10 points or more stay readable on a phone
# So many marks one by one: more take long, and nobody can tell them apart.
Drawn = Annotated[int, Bounds(1, 1000)]


class Picture:
    """A finished figure and its alt text. Shows itself in Jupyter and in the book; keeps no window open.

    The picture is stored with 256 colors: the page stays light, and nobody sees the difference.
    """

    @validated
    def __init__(self, figure: Figure, alt: str):
        if len(alt) < 20:
            raise ValueError(f"alt is {alt!r}, and must say in a sentence what the figure shows")
        self.alt = alt
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=100, bbox_inches="tight", facecolor="white")
        plt.close(figure)  # one of pyplot's, which Jupyter would show a second time
        stored = io.BytesIO()
        Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
            stored, "png", optimize=True
        )
        self.png = stored.getvalue()

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = {"image/png": base64.b64encode(self.png).decode(), "text/plain": self.alt}
        return data, {"image/png": {"alt": self.alt}}


def subplots(
    rows: int = 1,
    columns: int = 1,
    *,
    figsize: tuple[float, float],
    layout: str | None = None,
    **grid: object,
) -> tuple[Figure, Axes | np.ndarray]:
    """A new figure and its axes, as pyplot's function of this name gives them.

    pyplot would keep it until it is closed; this one goes with the error that leaves it half drawn.
    """
    figure = Figure(figsize=figsize, layout=layout)
    return figure, figure.subplots(rows, columns, **grid)


def as_picture(image: Tensor, name: str = "image") -> np.ndarray:
    """uint8 or float (3, H, W) on 0-255 -> what `imshow` takes, (H, W, 3) uint8; `name` is for the error."""
    require_tensor(name, image, "(3, H, W)", "a picture is red, green and blue", finite=True)
    if not image.numel():
        raise ValueError(f"{name} has shape {tuple(image.shape)}, and must have pixels: (3, H, W)")
    return image.detach().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()


def count_times(axis: Axes) -> None:
    """Give ratios an axis on which twice and half are as far from 1, with plain numbers."""
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter("{x:g}")


def styled(name: str, lines: Mapping, styles: Sequence) -> Iterator[tuple]:
    """Each (key, value) of `lines` with a style of its own. ValueError for more lines than styles."""
    if len(lines) > len(styles):
        raise ValueError(
            f"{name} has {len(lines)} lines, and must have at most {len(styles)}: each has a look"
        )
    return zip(lines.items(), styles, strict=False)


@validated
def photograph_row(
    images: dict[str, Tensor], alt: str, height: Annotated[float, Bounds(0.5, 20)] = 2.2, per_row: Count = 5
) -> Picture:
    """Photographs or crops side by side, each under its title. Images uint8 (3, H, W)."""
    columns = min(per_row, len(images))
    rows = -(-len(images) // columns)
    figure, axes = subplots(rows, columns, figsize=(WIDTH, height * rows), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, (title, image) in zip(axes.flat, images.items(), strict=False):
        axis.imshow(as_picture(image, f"images[{title!r}]"))
        axis.set_title(title, fontsize=9)
    figure.tight_layout()
    return Picture(figure, alt)


def paired_bars(shares: dict[str, tuple[Fraction, Fraction]], names: tuple[str, str]) -> Figure:
    """Two horizontal bars for each layer, in per cent; `names` are said above the first pair."""
    figure, axis = subplots(figsize=(NARROW, 0.55 * len(shares) + 0.7))
    for row, pair in enumerate(shares.values()):
        for offset, share, color in zip((-0.2, 0.2), pair, (BLUE, ORANGE), strict=True):
            axis.barh(row + offset, 100 * share, height=0.36, color=color)
            axis.text(100 * share + 0.8, row + offset, f"{100 * share:.1f} %", va="center", fontsize=10)
    axis.set_yticks(range(len(shares)), shares, fontsize=11)
    axis.invert_yaxis()
    axis.set_xticks([])
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    widest = 100 * max(max(pair) for pair in shares.values())
    axis.set_xlim(0, 1.18 * widest)
    for place, name, color in zip((0.0, 0.5), names, (BLUE, ORANGE), strict=True):
        axis.text(place, 1.02, name, transform=axis.transAxes, color=color, fontsize=11, fontweight="bold")
    figure.tight_layout()
    return figure
