"""`ConvolutionExplorer`: a kernel slides over a picture, and each output is a sum written out (§3.5)."""

import numpy as np
import torch
import torch.nn.functional as F
import traitlets
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .base import PageWidget
from .params import Choice, Slider
from .posters import ORANGE, photograph
from .wording import counted

SIDE, Z, LEVELS = 12, 3, 9
PART = (slice(40, 136), slice(68, 164))  # rows and columns of the photograph: a face
MOST = SIDE + 2 * 2 - Z + 1  # outputs along an axis with the widest padding
KERNELS = {
    "vertical": ("vertical edges", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
    "horizontal": ("horizontal edges", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
    "spot": ("bright spots", [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
    "sum": ("sum of all nine", [[1, 1, 1], [1, 1, 1], [1, 1, 1]]),
    "copy": ("the pixel itself", [[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
}


class ConvolutionExplorer(PageWidget):
    """Slide a 3 x 3 kernel over 12 x 12 pixels and read the nine products of every output (§3.5).

    `kernel`: "vertical", "horizontal", "spot", "sum" or "copy". `stride`, `padding`: as in torch's Conv2d.
    `position` counts the outputs row by row; one past the last stands for the last.
    """

    page_name = "convolution"
    poster_size = (6.4, 2.8)

    position = Slider(27, 0, MOST**2 - 1, "Position", "it counts the outputs, row by row")
    kernel = Choice("vertical", {name: words for name, (words, _) in KERNELS.items()}, "Kernel")
    stride = Slider(1, 1, 4, "Stride", "it is the distance of windows (§3.5: 4 in conv1)", unit="pixels")
    padding = Slider(0, 0, 2, "Padding", "it is a border of zeros (§3.5: 2 in conv2)", unit="pixels")

    pixels = traitlets.List(help="the picture, rows of whole numbers 0 to 9").tag(sync=True)
    kernels = traitlets.Dict(help="name -> rows of weights").tag(sync=True)

    def __init__(self, **values):
        gray = photograph()[PART].mean(axis=2)  # (96, 96)
        small = gray.reshape(SIDE, -1, SIDE, gray.shape[1] // SIDE).mean(axis=(1, 3))
        low, high = small.min(), small.max()
        pixels = (LEVELS * (small - low) / (high - low)).round().astype(int)
        kernels = {name: weights for name, (_, weights) in KERNELS.items()}
        super().__init__(pixels=pixels.tolist(), kernels=kernels, **values)

    def output(self) -> np.ndarray:
        """torch's own convolution: (size, size), float64."""
        picture, weights = (torch.tensor(x).double()[None, None] for x in (self.pixels, self.weights()))
        return F.conv2d(picture, weights, stride=self.stride, padding=self.padding)[0, 0].numpy()

    def weights(self) -> list[list[int]]:
        return KERNELS[self.kernel][1]

    def reference(self) -> list[float]:
        return self.output().ravel().tolist()

    def place(self, size: int) -> tuple[int, int]:
        """Row and column of the chosen output."""
        return divmod(min(self.position, size**2 - 1), size)

    def summary(self) -> str:
        output = self.output()
        size = len(output)
        row, column = self.place(size)
        return (
            f"A {Z} x {Z} kernel ({KERNELS[self.kernel][0]}) every {counted(self.stride, 'pixels')}, with "
            f"{counted(self.padding, 'pixels')} of padding, makes {size} x {size} values of {SIDE} x {SIDE} "
            f"pixels; at row {row}, column {column} the nine products add up to {output[row, column]:g}."
        )

    def draw_poster(self, figure: Figure) -> str:
        output = self.output()
        size = len(output)
        row, column = self.place(size)
        left, middle, right = figure.subplots(1, 3, width_ratios=(SIDE, 5, SIDE))
        corner = (column * self.stride - self.padding - 0.5, row * self.stride - self.padding - 0.5)
        for axes, values, cell, side in (
            (left, np.array(self.pixels), corner, Z),
            (right, output, (column - 0.5, row - 0.5), 1),
        ):
            axes.imshow(values, cmap="gray")
            axes.add_patch(Rectangle(cell, side, side, fill=False, color=ORANGE, linewidth=2))
        middle.imshow(np.zeros((Z, Z)), cmap="gray_r", vmin=0, vmax=1)
        for (y, x), weight in np.ndenumerate(np.array(self.weights())):
            middle.text(x, y, f"{weight}", ha="center", va="center")
        titles = (f"{SIDE} x {SIDE} pixels", "kernel", f"{size} x {size} outputs")
        for axes, title in zip((left, middle, right), titles, strict=True):
            axes.set_title(title, fontsize=10)
            axes.set(xticks=[], yticks=[])
        return (
            f"A picture of {SIDE} x {SIDE} pixels, a 3 x 3 kernel for {KERNELS[self.kernel][0]}, and the "
            f"{size} x {size} outputs; the window of one of them is framed."
        )
