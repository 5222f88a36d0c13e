"""What every figure is made of: a picture with its words, and the parts that several chapters draw."""

import base64
import html
import io
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .palette import BLUE, ORANGE

WIDTH = 7.2  # inches; a picture is scaled to the width of the text
NARROW = 5.6  # words drawn at 10 points or more stay readable on a phone
INK = "#010203"  # stands for the ink of the page, which is not known while we draw
SVG = {"svg.fonttype": "none", "font.family": "sans-serif", "path.simplify": True}


class Picture:
    """A finished figure and its alt text, which Jupyter and the book show.

    A chart becomes an SVG without a ground whose lines and words take the ink of the page. With
    `photograph=True` it becomes a PNG of twice the usual density, with 256 colors, on white.
    """

    def __init__(self, figure, alt: str, photograph: bool = False):
        self.alt = alt
        if not photograph:
            finish(figure)
        self.data = _png(figure) if photograph else _svg(figure, alt)
        self.mime = "image/png" if photograph else "text/html"

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {self.mime: self.data, "text/plain": self.alt}, {self.mime: {"alt": self.alt}}


def _png(figure) -> str:
    drawn, stored = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=200, bbox_inches="tight", facecolor="white")
    small = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(stored, "png", optimize=True)
    return base64.b64encode(stored.getvalue()).decode()


def _svg(figure, alt: str) -> str:
    from matplotlib import rc_context

    drawn = io.StringIO()
    with rc_context({**SVG, "svg.hashsalt": alt}):
        figure.savefig(drawn, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
    svg = drawn.getvalue()
    svg = re.sub(r"(?s)^.*?(?=<svg)|<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", "", svg)
    svg = svg.replace(INK, "currentColor").replace("#000000", "currentColor").replace("black", "currentColor")
    # A hundredth of a point is enough; words, which are outside of tags, keep their digits.
    svg = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(?<=\d\.\d\d)\d+", "", tag[0]), svg)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # several pictures on a page would share these names
    svg = re.sub(r"\n\s*", "\n", svg)
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()
    words = html.escape(alt, quote=True)
    head = f'<svg class="chart" role="img" aria-label="{words}" viewBox="0 0 {width} {height}" '
    head += f'style="width: 100%; max-width: {1.7 * float(width):.0f}px; height: auto; fill: currentColor" '
    head += 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    return re.sub(r"<svg[^>]*>", lambda _: head, svg, count=1).strip()


def subplots(rows: int = 1, columns: int = 1, *, figsize: tuple[float, float], **grid) -> tuple:
    """A new figure and its axes, as pyplot's function of this name gives them, which pyplot does not keep."""
    from matplotlib.figure import Figure  # here, so that the command line needs no matplotlib

    figure = Figure(figsize=figsize, layout=grid.pop("layout", None))
    return figure, figure.subplots(rows, columns, **grid)


def box(axis, corner: tuple[float, float], width: float, height: float, **style) -> None:
    """Draw a rectangle from its lower left corner."""
    from matplotlib.patches import Rectangle

    axis.add_patch(Rectangle(corner, width, height, **style))


def finish(figure) -> None:
    """No frame above and to the right of the axes that have one, and nothing cut off."""
    for axis in figure.axes:
        if axis.axison:
            axis.spines[["top", "right"]].set_visible(False)
    if figure.get_layout_engine() is None:
        figure.tight_layout()


def as_picture(image: Tensor) -> np.ndarray:
    """uint8 or float (3, H, W) on 0-255 -> what `imshow` takes, (H, W, 3) uint8."""
    return image.detach().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()


def count_times(axis) -> None:
    """Give ratios an axis on which twice and half are as far from 1, with few plain numbers."""
    low, high = axis.get_xlim()
    axis.set_xscale("log")
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if low <= t <= high]
    axis.set_xticks(ticks or [1], [f"{t:g}" for t in ticks or [1]])
    axis.minorticks_off()


def styled(lines: Mapping, styles: Sequence) -> Iterator[tuple]:
    """Each (key, value) of `lines` with a style of its own."""
    return zip(lines.items(), styles, strict=False)


def paired_bars(shares: Mapping[str, tuple[float, float]], names: tuple[str, str]):
    """Two horizontal bars for each layer, in per cent; `names` are said above the first pair."""
    figure, axis = subplots(figsize=(NARROW, 0.55 * len(shares) + 0.7))
    for row, pair in enumerate(shares.values()):
        for offset, share, color in zip((-0.2, 0.2), pair, (BLUE, ORANGE), strict=True):
            axis.barh(row + offset, 100 * share, height=0.36, color=color)
            axis.text(100 * share + 0.8, row + offset, f"{100 * share:.1f} %", va="center", fontsize=10)
    axis.set_yticks(range(len(shares)), shares, fontsize=11)
    axis.invert_yaxis()
    axis.set_xticks([])
    axis.spines["bottom"].set_visible(False)
    axis.set_xlim(0, 118 * max(max(pair) for pair in shares.values()))
    for place, name, color in zip((0.0, 0.5), names, (BLUE, ORANGE), strict=True):
        axis.text(place, 1.02, name, transform=axis.transAxes, color=color, fontsize=11, fontweight="bold")
    return figure
