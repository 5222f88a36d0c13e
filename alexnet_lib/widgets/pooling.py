"""`PoolingExplorer`: windows of max pooling on a real feature map (§3.4)."""

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..paper import POOLING
from .base import PageWidget
from .packed import PackedArray, unpack
from .params import Choice, Slider
from .posters import MARK, ORANGE, draw_map
from .wording import counted

MAPS, SIDE, ZOOM = 96, 55, 15


class PoolingExplorer(PageWidget):
    """Choose window z and stride s and see what each window keeps of conv1's response (§3.4).

    `edge`: "floor" drops pixels that fill no window, "ceil" lets a last window extend past the border
    if it starts inside, as in the original code; the paper's 55 pixels with z = 3, s = 2 give 27 either way.
    `map`, `row` and `column` pick what is shown. `response`: another signed conv1 response, (96, 55, 55).
    """

    page_name = "pooling"
    poster_size = (6.4, 2.6)
    z = Slider(POOLING.z, 1, 9, "Window z", "it is a window's height and width (§3.4: z = 3)", unit="pixels")
    s = Slider(POOLING.s, 1, 9, "Stride s", "it is the distance of windows (§3.4: s = 2)", unit="pixels")
    map = Slider(48, 0, MAPS - 1, "Channel", "conv1 has channels 0 to 95 (§3.5)")
    row = Slider(8, 0, SIDE - 1, "Row", "conv1's feature maps have rows 0 to 54 (§3.5)")
    column = Slider(32, 0, SIDE - 1, "Column", "conv1's feature maps have columns 0 to 54 (§3.5)")
    edge = Choice(
        "ceil",
        {"ceil": "ceil: may extend past the border", "floor": "floor: whole windows only"},
        "At the border",
    )

    response = PackedArray("conv1", (MAPS, SIDE, SIDE), "96 feature maps of 55 x 55 (§3.5)")

    def plane(self) -> np.ndarray:
        """The chosen channel after its ReLU: (55, 55), float64."""
        return unpack(self.response)[self.map].clip(min=0)

    def pooled(self) -> np.ndarray:
        """torch's own pooling of it: (size, size)."""
        maps = torch.from_numpy(self.plane())[None]  # (1, 55, 55)
        return F.max_pool2d(maps, self.z, self.s, ceil_mode=self.edge == "ceil")[0].numpy()

    def reference(self) -> list[float]:
        """The sum of each row of the pooled channel: one wrong window changes one of them."""
        return self.pooled().sum(axis=1).tolist()

    def readers(self, at: int, size: int) -> list[int]:
        """Which windows along one axis read position `at`."""
        return [i for i in range(size) if i * self.s <= at < i * self.s + self.z]

    def summary(self) -> str:
        z, s, pooled = self.z, self.s, self.pooled()
        size = len(pooled)
        lines = counted(abs(z - s), "pixel rows")
        shared = f"share {lines}" if z > s else f"leave out {lines}" if z < s else "lie side by side"
        edge = "the last may extend past the border" if self.edge == "ceil" else "whole windows only"
        windows = pooled[np.ix_(self.readers(self.row, size), self.readers(self.column, size))]
        wins = int((windows == self.plane()[self.row, self.column]).sum())
        return (
            f"{z} x {z} windows every {counted(s, 'pixels')} ({edge}) turn 55 x 55 pixels into "
            f"{size} x {size} and {shared}; the pixel at row {self.row}, column {self.column} is read by "
            f"{counted(windows.size, 'windows')} and is the largest in {wins}."
        )

    def draw_poster(self, figure: Figure) -> str:
        plane, pooled = self.plane(), self.pooled()
        peak, size = plane.max() or 1, len(pooled)
        whole, zoom, output = figure.subplots(1, 3)
        for axes, values in ((whole, plane), (zoom, plane), (output, pooled)):
            draw_map(axes, values, peak)
        top, left = (min(max(at - ZOOM // 2, 0), SIDE - ZOOM + 2) for at in (self.row, self.column))
        whole.add_patch(Rectangle((left - 0.5, top - 0.5), ZOOM, ZOOM, fill=False, color=MARK))
        for r in self.readers(self.row, size):
            for c in self.readers(self.column, size):
                corner = (c * self.s - 0.5, r * self.s - 0.5)
                zoom.add_patch(Rectangle(corner, self.z, self.z, fill=False, color=ORANGE, linewidth=2))
                output.add_patch(Rectangle((c - 0.5, r - 0.5), 1, 1, fill=False, color=ORANGE))
        zoom.plot(self.column, self.row, "s", fillstyle="none", color=MARK)
        zoom.set(xlim=(left - 0.5, left + ZOOM - 0.5), ylim=(top + ZOOM - 0.5, top - 0.5))
        whole.set_title(f"channel {self.map}, 55 x 55")
        zoom.set_title("windows at a pixel")
        output.set_title(f"pooled, {size} x {size}")
        return (
            f"Channel {self.map} of conv1, the windows of max pooling that read one of its pixels, and the "
            f"pooled feature map of {size} x {size} values."
        )
