"""`KernelGrowth`: the 96 kernels of conv1 while the network of the page was trained (§6.1, §3.2)."""

from functools import cache

import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure

from ..qualitative import colorfulness
from .base import PageWidget
from .bundle import SNAPSHOTS
from .params import Choice, Slider
from .posters import BLUE, ORANGE
from .wording import number

SCALES = {"own": "each kernel its own", "one": "one for all snapshots"}


@cache
def snapshots() -> tuple[list[float], torch.Tensor]:
    """Epochs, and conv1 after each of them: (snapshots, 96, 3, 11, 11).

    The run kept none before its first step, so that one was drawn again from the run's seed.
    """
    with np.load(max(SNAPSHOTS.glob("*_conv1.npz"))) as record:
        kernels = record["kernels"] * record["scale"].astype(np.float32)
        return [round(float(epoch), 2) for epoch in record["epochs"]], torch.from_numpy(kernels)


class KernelGrowth(PageWidget):
    """The 96 kernels of conv1 grow, tower by tower, with the mean colorfulness of both below (§6.1).

    `snapshot` counts the recorded steps of the run, `scale` says what the largest weight is measured by.
    """

    page_name = "growth"
    poster_size = (6.4, 2.5)

    snapshot = Slider(
        len(snapshots()[0]),
        1,
        len(snapshots()[0]),
        "Snapshot",
        f"conv1 was recorded {len(snapshots()[0])} times in this run",
    )
    scale = Choice("own", SCALES, "Full color is the largest weight of")

    epochs = traitlets.List(help="when each snapshot was taken").tag(sync=True)

    def __init__(self, **values):
        super().__init__(**values)
        self.epochs = snapshots()[0]

    def summary(self) -> str:
        epoch = number(self.epochs[self.snapshot - 1])
        return (
            f"conv1 after {epoch} epochs of training, snapshot {self.snapshot} of {len(self.epochs)}; scale: "
            f"{SCALES[self.scale]}."
        )

    def draw_poster(self, figure: Figure) -> str:
        kernels = snapshots()[1]
        shown = kernels[self.snapshot - 1]
        peaks = shown.abs().amax((1, 2, 3)) if self.scale == "own" else kernels.abs().max().expand(96)
        figure.set_layout_engine("none")
        colors = 0.5 + 0.5 * shown / peaks[:, None, None, None]
        for n, (tower, color) in enumerate(zip(colors.chunk(2), (BLUE, ORANGE), strict=True)):
            sheet = torch.nn.functional.pad(tower, (0, 1, 0, 1), value=1).reshape(6, 8, 3, 12, 12)
            # Three pixels for each weight, exactly: other factors double the picture's bytes.
            axes = figure.add_axes(((20 + 312 * n) / 640, 10 / 250, 288 / 640, 216 / 250))
            sheet = sheet.permute(0, 3, 1, 4, 2).reshape(72, 96, 3)
            axes.imshow(sheet.numpy(), interpolation="nearest", aspect="auto")
            mean = number(colorfulness(shown).chunk(2)[n].mean().item())
            axes.set_title(f"tower {n + 1}: mean colorfulness {mean}", fontsize=9, color=color, pad=4)
            axes.axis("off")
        return f"The 48 kernels of each tower after {number(self.epochs[self.snapshot - 1])} epochs."
