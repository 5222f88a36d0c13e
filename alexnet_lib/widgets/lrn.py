"""`LrnExplorer`: local response normalization on a real feature map (§3.3)."""

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure

from ..paper import LRN
from .base import PageWidget
from .packed import Asset, PackedArray, unpack
from .params import Choice, Slider
from .posters import BLUE, GRAY, MARK, draw_map
from .wording import number

MAPS, SIDE, TOWER = 96, 55, 48  # conv1 of §3.5; channels 0-47 were on one GPU, 48-95 on the other


class LrnExplorer(PageWidget):
    """Tune k, n, alpha and beta and watch conv1's response to one photograph (§3.3).

    `order`: "after" the ReLU as in the paper, or "before" it as the original code does in layer 1.
    `scale`: alpha as printed ("plain") or divided by n ("over-n": original code, torch).
    `reach`: windows "across" all channels or "inside" each tower. `map` (the channel), `row` and `column`
    pick what is shown. `response`: another signed conv1 response, (96, 55, 55).
    """

    page_name = "lrn"
    poster_size = (5.6, 3.6)

    k = Slider(LRN.k, 0.1, 10, "k", "it keeps the denominator off zero (§3.3: k = 2)", step=0.1)
    n = Slider(LRN.n, 1, 31, "n", "it counts the channels of a window (§3.3: n = 5)", unit="channels")
    alpha = Slider(
        LRN.alpha, 1e-6, 1, "α", "it weighs the sum of squares (§3.3: alpha = 1e-4)", step=20, log=True
    )
    beta = Slider(LRN.beta, 0, 1.5, "β", "it is the exponent (§3.3: beta = 0.75)", step=0.05)
    map = Slider(44, 0, MAPS - 1, "Channel", "conv1 has channels 0 to 95 (§3.5)")
    row = Slider(40, 0, SIDE - 1, "Row", "conv1's feature maps have rows 0 to 54 (§3.5)")
    column = Slider(49, 0, SIDE - 1, "Column", "conv1's feature maps have columns 0 to 54 (§3.5)")
    scale = Choice("plain", {"plain": "α · sum, as printed", "over-n": "α / n · sum, original code"}, "Scale")
    order = Choice("after", {"after": "after ReLU", "before": "before ReLU, original code"}, "Applied")
    reach = Choice("across", {"across": "across the towers", "inside": "inside a tower"}, "Windows")

    response = PackedArray("conv1", (MAPS, SIDE, SIDE), "96 feature maps of 55 x 55 (§3.5)")
    photo = Asset("photo")

    def __init__(self, **values):
        if "response" in values:
            values["photo"] = {}  # the one that ships did not make this response
        super().__init__(**values)

    def activation(self) -> np.ndarray:
        """What enters the normalization: (96, 55, 55), float64."""
        signed = unpack(self.response)
        return signed if self.order == "before" else signed.clip(min=0)

    def normalize(self, activation: np.ndarray) -> np.ndarray:
        """torch's own layer with the present setting, in float64. (96, H, W) -> (96, H, W)."""
        # torch divides alpha by n, the printed formula does not.
        alpha = self.alpha if self.scale == "over-n" else self.alpha * self.n
        maps = torch.from_numpy(activation)[None]  # (1, 96, H, W)
        towers = maps.split(TOWER, dim=1) if self.reach == "inside" else [maps]
        return torch.cat(
            [F.local_response_norm(tower, self.n, alpha, self.beta, self.k) for tower in towers], dim=1
        )[0].numpy()

    def reference(self) -> list[float]:
        """The 96 normalized values at the chosen position."""
        here = self.activation()[:, self.row : self.row + 1, self.column : self.column + 1]  # (96, 1, 1)
        return self.normalize(here).ravel().tolist()

    def window(self) -> tuple[int, int]:
        """First and last channel of the window around `map`."""
        low, high = 0, MAPS - 1
        if self.reach == "inside":
            low = self.map // TOWER * TOWER
            high = low + TOWER - 1
        return max(low, self.map - self.n // 2), min(high, self.map + (self.n - 1) // 2)

    def summary(self) -> str:
        before = self.activation()[self.map, self.row, self.column]
        after = self.reference()[self.map]
        here = f"At row {self.row}, column {self.column}, channel {self.map}"
        window = "its window has channels {} to {}.".format(*self.window())
        if before == 0:
            return f"{here} is inactive and stays at 0; {window}"
        left = number(100 * after / before)
        return f"{here} goes from {number(before)} to {number(after)}, {left} % of its value; {window}"

    def draw_poster(self, figure: Figure) -> str:
        before, (first, last) = self.activation(), self.window()
        after = self.normalize(before)
        rows = figure.subfigures(2, 1, height_ratios=[2, 3])
        bars = rows[0].subplots()
        bars.axvspan(first - 0.5, last + 0.5, color="#eeeeee")
        bars.bar(range(MAPS), before[:, self.row, self.column], color=GRAY)
        colors = [MARK if map == self.map else BLUE for map in range(MAPS)]
        bars.bar(range(MAPS), after[:, self.row, self.column], color=colors, width=0.6)
        bars.axvline(TOWER - 0.5, color="black", linestyle=":")
        bars.set(title=f"96 channels at row {self.row}, column {self.column}: gray before, color after")
        bars.title.set_fontsize(9)
        peak = np.abs(before[self.map]).max() or 1
        ratio = np.divide(
            after[self.map],
            before[self.map],
            out=np.full((SIDE, SIDE), np.nan),
            where=before[self.map] != 0,
        )
        pictures = [
            ("before", before[self.map], peak),
            ("after", after[self.map], peak),
            ("after / before", ratio, 1),
        ]
        for axes, (title, values, most) in zip(rows[1].subplots(1, 3), pictures, strict=True):
            draw_map(axes, values, most)
            axes.plot(self.column, self.row, "s", markersize=8, fillstyle="none", color=MARK)
            axes.set_title(f"channel {self.map} {title}", fontsize=9)
        return (
            f"Bars of 96 channels at one position before and after local response normalization, and channel "
            f"{self.map} before, after, and their ratio."
        )
