"""`DropoutExplorer`: many sub-networks with dropped units against the mean network of evaluation (§4.2)."""

import numpy as np
import torch
import torch.nn.functional as F
import traitlets
from matplotlib.figure import Figure
from torch import Tensor, nn

from ..dropout import PaperDropout
from ..guard import require_number
from ..paper import LEARNING
from .base import PageWidget
from .packed import load_asset, unpack
from .params import Choice, Draw, Slider, Steps
from .posters import BLUE, GRAY, MARK, ORANGE
from .wording import number

UNITS, PLACE = 8, 27  # the strongest channels of conv1 at the middle of the photograph
WEIGHTS = [2.0, 1.0, -2.0, 2.0, -1.5, 1.5, 1.0, -1.0]  # ours: large enough for masks to matter

OUTPUTS = {"linear": lambda z: z, "relu": torch.relu, "softmax": torch.sigmoid}


def uniform(seed: int, count: int) -> np.ndarray:
    """`count` numbers from 0 up to 1, the same in js/dropout.js: T. Ettinger's generator mulberry32."""
    state = (seed + np.arange(1, count + 1, dtype=np.uint64) * 0x6D2B79F5).astype(np.uint32)
    mixed = (state ^ (state >> 15)) * (state | 1)
    mixed ^= mixed + (mixed ^ (mixed >> 7)) * (mixed | 61)
    return (mixed ^ (mixed >> 14)) / 2**32


class DropoutExplorer(PageWidget):
    """Average sub-networks that each drop some of eight units, and compare with the mean network (§4.2).

    `p`: of dropping a unit. `nets`: how many masks are drawn, with `seed`. `output`: "linear", "relu" of it,
    or "softmax" over two classes. `form`: "paper", or torch's "inverted" dropout. `activations` and
    `weights`: eight numbers each, instead of conv1's strongest channels and our weights.
    """

    page_name = "dropout"
    poster_size = (6.4, 2.4)

    p = Slider(
        LEARNING.dropout,
        0,
        0.95,
        "p",
        "it is a probability below 1: some units must stay (§4.2: 0.5)",
        step=0.05,
    )
    nets = Steps([2**power for power in range(13)], "Sub-networks", 128, unit="sub-networks")
    seed = Draw(0, 0, 99, "Draw again", "it starts the draws, which both languages then repeat")
    output = Choice(
        "softmax", {"linear": "linear", "relu": "ReLU", "softmax": "softmax of two classes"}, "Output"
    )
    form = Choice(
        "paper",
        {
            "paper": "standard (paper): times 1 − p in evaluation",
            "inverted": "inverted (torch): over 1 − p in training",
        },
        "Dropout",
    )

    maps = traitlets.List(help="conv1's channel for each unit, or []").tag(sync=True)
    activations = traitlets.List().tag(sync=True)
    weights = traitlets.List(WEIGHTS).tag(sync=True)

    def __init__(self, **values):
        if "activations" not in values:
            column = unpack(load_asset("conv1"))[:, PLACE, PLACE]
            strongest = np.sort(np.argsort(-column, kind="stable")[:UNITS])
            scaled = (column[strongest] / column.max()).round(3)
            values |= {"maps": strongest.tolist(), "activations": scaled.tolist()}
        super().__init__(**values)

    @traitlets.validate("activations", "weights")
    def _eight_numbers(self, proposal) -> list[float]:
        name, values = proposal["trait"].name, proposal["value"]
        if len(values) != UNITS:
            raise ValueError(f"{name} has {len(values)} numbers, and must have {UNITS}, one for each unit")
        return [require_number(f"{name}[{i}]", x, "the units need numbers") for i, x in enumerate(values)]

    def masks(self) -> Tensor:
        """1 where a unit is kept: (nets, 8), float64."""
        kept = uniform(self.seed, self.nets * UNITS) >= self.p
        return torch.from_numpy(kept).double().reshape(self.nets, UNITS)

    def sums(self, factors: Tensor) -> Tensor:
        """The weighted sums of networks whose units are multiplied by `factors`: (..., 8) -> (...)."""
        activations, weights = (
            torch.tensor(x, dtype=torch.float64) for x in (self.activations, self.weights)
        )
        return (factors * activations) @ weights

    def training(self, masks: Tensor) -> Tensor:
        """What the masks multiply the units by."""
        return masks / (1 - self.p) if self.form == "inverted" else masks

    def answers(self, masks: Tensor) -> Tensor:
        """What sub-networks with these masks answer in training: (nets, 8) -> (nets,)."""
        return OUTPUTS[self.output](self.sums(self.training(masks)))

    def compared(self) -> dict[str, float]:
        """The averages over the drawn sub-networks and over all 256 masks, and the mean network's answer."""
        every = torch.cartesian_prod(*[torch.tensor([0.0, 1.0]).double()] * UNITS)  # (256, 8)
        chance = (every * (1 - self.p) + (1 - every) * self.p).prod(1)  # (256,)
        layer = PaperDropout(self.p) if self.form == "paper" else nn.Dropout(self.p)
        at_test = layer.eval()(torch.ones(UNITS, dtype=torch.float64))
        found = {
            "drawn": self.answers(self.masks()).mean(),
            "every": chance @ self.answers(every),
            "test": OUTPUTS[self.output](self.sums(at_test)),
        }
        if self.output == "softmax":
            # §4.2 names this average: of each class over all sub-networks, made to sum to 1 again.
            sums = self.sums(self.training(every))
            both = torch.stack([chance @ F.logsigmoid(sums), chance @ F.logsigmoid(-sums)])
            found["geometric"] = both.softmax(0)[0]
        return {name: value.item() for name, value in found.items()}

    def reference(self) -> list[float]:
        """The averages and answers, the last mask, and how often each unit was kept."""
        masks = self.masks()
        return [*self.compared().values(), *masks[-1].tolist(), *masks.sum(0).tolist()]

    def summary(self) -> str:
        found = self.compared()
        shown = {name: number(value) for name, value in found.items()}
        nets = "1 sub-network says" if self.nets == 1 else f"{self.nets} sub-networks say on average"
        units = "as it is" if self.form == "inverted" else f"times {round(1 - self.p, 4):g}"
        verdict = "the same" if abs(found["every"] - found["test"]) < 1e-9 else "not the same"
        if "geometric" in found:
            verdict += f"; their geometric mean is {shown['geometric']}, the mean network's"
        return (
            f"{nets} {shown['drawn']}, and the mean network with every unit {units} says {shown['test']}. "
            f"Over all 256 masks the average is {shown['every']}, {verdict}."
        )

    def draw_poster(self, figure: Figure) -> str:
        bars, curve = figure.subplots(1, 2)
        kept = self.masks()[-1].numpy() == 1
        bars.bar(range(UNITS), self.activations, color=GRAY)
        bars.bar(np.flatnonzero(kept), np.array(self.activations)[kept], color=BLUE)
        bars.set(title=f"units kept in sub-network {self.nets}", xticks=[], ylabel="activation")
        found, count = self.compared(), np.arange(1, self.nets + 1)
        curve.plot(count, self.answers(self.masks()).numpy().cumsum() / count, color=BLUE)
        curve.plot([1, self.nets], [found["every"]] * 2, color=ORANGE, linestyle="--")
        curve.plot([1, self.nets], [found["test"]] * 2, color=MARK)
        curve.set(title="average, mean network straight", xlabel="sub-networks", xscale="log")
        return (
            f"Bars of eight units, those kept in one sub-network colored, and the average answer of "
            f"{self.nets} sub-networks against the average over all masks and the mean network's answer."
        )
