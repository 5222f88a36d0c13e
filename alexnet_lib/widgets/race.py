"""`RaceExplorer`: two four-layer networks learn side by side in the page (§3.1, Figure 1)."""

import math
from functools import cache
from statistics import median

import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from ..dataset import ten_photos
from ..experiments import named, report
from ..guard import Index, validated
from ..learning import PaperSGD
from ..relu import FourLayerNet
from .base import PageWidget
from .dropout import uniform
from .packed import Asset
from .params import Choice, Draw
from .posters import BLUE, GRAY, MARK, ORANGE

NAMES = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoid", "leaky-relu": "leaky ReLU"}
COLORS = {"relu": BLUE, "tanh": ORANGE, "sigmoid": MARK, "leaky-relu": "#333333"}
PIXELS = {"raw": "0 to 255", "scaled": "divided by 64"}
CLASSES, SIDE, PATCHES = 10, 32, 50
MOST = 60  # steps
RECORDED = {  # pixels, initial weights -> where CIFAR-10 was asked the same
    ("raw", "paper"): ("relu-against-tanh", "tanh"),
    ("scaled", "paper"): ("relu-against-tanh", "tanh-scaled"),
    ("scaled", "fitted"): ("relu-against-tanh-fitted", "tanh-xavier"),
}


def patches(split: str, per_class: int) -> Tensor:
    """Patches whose classes go round, 0 to 9 and again 0 to 9: uint8 (10 per_class, 3, 32, 32)."""
    images = ten_photos(split, size=SIDE, per_class=per_class).images
    return images.unflatten(0, (CLASSES, per_class)).transpose(0, 1).flatten(0, 1)


@torch.no_grad()
@validated
def draw_weights_(net: FourLayerNet, init: str, seed: Index) -> FourLayerNet:
    """Start a network as js/learn.js does, in place: from a seed the same numbers; biases 0.

    init: "paper" for N(0, 0.01), "fitted" for He's rule with rectifiers and Xavier's with the others.
    """
    weights = [p for p in net.parameters() if p.dim() > 1]
    total = sum(map(torch.numel, weights))
    u, v = uniform(seed, total + total % 2).reshape(-1, 2).T
    radius, angle = np.sqrt(-2 * np.log(1 - u)), 2 * np.pi * v
    normal = torch.from_numpy(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel()).float()
    for w in weights:
        fan_in, fan_out = w[0].numel(), w[:, 0].numel()
        fans = fan_in if net.activation in ("relu", "leaky-relu") else fan_in + fan_out
        w.copy_(normal[: w.numel()].view_as(w) * (0.01 if init == "paper" else (2 / fans) ** 0.5))
        normal = normal[w.numel() :]
    for p in net.parameters():
        if p.dim() == 1:
            p.zero_()
    return net


def race(
    activation: str, pixels: str, init: str, rate: float, seed: int, count: int = PATCHES, most: int = MOST
) -> list[int]:
    """How many patches are wrong before each step, up to the first time that at most a quarter of them is."""
    images = patches("train", count // CLASSES).float()
    images = (images - images.mean(dim=0)) / (64 if pixels == "scaled" else 1)
    labels = torch.arange(count) % CLASSES
    net = draw_weights_(FourLayerNet(activation), init, seed)
    optimizer = PaperSGD(net.parameters(), rate, weight_decay=0.0)
    wrong = []
    while len(wrong) <= most and (not wrong or wrong[-1] > count // 4):
        scores = net(images)
        wrong.append((scores.argmax(dim=1) != labels).sum().item())
        optimizer.zero_grad()
        F.cross_entropy(scores, labels).backward()
        optimizer.step()
    return wrong


class RaceExplorer(PageWidget):
    """Two copies of the four-layer network learn 50 patches, side by side, up to 25 % training error (§3.1).

    `left` and `right`: the activation functions. `pixels`: "raw" (0 to 255) or "scaled". `init`: "paper",
    N(0, 0.01), or "fitted" to the activation function. `rate`: the best of a grid for each lane ("own"), or
    the left lane's for both ("same"). `seed` draws the initial weights.

    Until the reader starts it, the picture shows what torch found with seed 0.
    """

    page_name = "race"
    poster_size = (6.4, 2.6)

    left = Choice("relu", NAMES, "Left lane")
    right = Choice("tanh", NAMES, "Right lane")
    pixels = Choice("raw", PIXELS, "Pixels")
    init = Choice(
        "paper", {"paper": "N(0, 0.01), as in 2012", "fitted": "made for the activation"}, "Initial weights"
    )
    rate = Choice("own", {"own": "each its own", "same": "both the left lane's"}, "Learning rate")
    seed = Draw(0, 0, 99, "Draw again", "it draws the initial weights, the same in both languages")

    record = Asset("race_record")
    recorded = traitlets.Dict(help="pixels and initial weights -> tanh / ReLU on CIFAR-10").tag(sync=True)

    def __init__(self, **values):
        super().__init__(**values)
        found = {" ".join(setting): _ratio(*where) for setting, where in RECORDED.items()}
        self.recorded = {setting: ratio for setting, ratio in found.items() if ratio}

    def lanes(self) -> list[dict]:
        """Both lanes: activation, rate, and torch's wrong patches by step (seed 0) and steps by seed."""
        both, rates = (self.left, self.right), self.record["rates"]
        own = [rates[f"{self.pixels} {self.init} {activation}"] for activation in both]
        lanes = zip(both, own if self.rate == "own" else own[:1] * 2, strict=True)
        return [{"activation": a, "rate": rate, **self._record_of(a, rate)} for a, rate in lanes]

    def _record_of(self, activation: str, rate: float) -> dict:
        asked = [self.pixels, self.init, activation, rate]
        return next((run for run in self.record["runs"] if run["of"] == asked), {"wrong": [], "steps": []})

    def summary(self) -> str:
        one, two = self.lanes()
        left, right = NAMES[self.left], NAMES[self.right]
        weights = {"paper": "N(0, 0.01)", "fitted": "made for each activation"}[self.init]
        rates = [np.format_float_positional(lane["rate"], trim="-") for lane in (one, two)]
        used = (
            f"learning rate {rates[0]} for both"
            if self.rate == "same"
            else f"learning rates {' and '.join(rates)}"
        )
        return (
            f"{left} against {right} on {PATCHES} patches: pixels {PIXELS[self.pixels]}, initial weights "
            f"{weights}, {used}, seed {self.seed}. "
            f"By torch, {left} {_in_words(one['steps'])}, {right} {_in_words(two['steps'])}."
        )

    def draw_poster(self, figure: Figure) -> str:
        axes, told = figure.subplots(), []
        for lane, style in zip(self.lanes(), ("-", "--"), strict=True):
            name = f"{NAMES[lane['activation']]}, learning rate {lane['rate']:g}"
            error = 100 * np.array(lane["wrong"]) / PATCHES
            axes.plot(error, style, color=COLORS[lane["activation"]], label=name)
            told.append(f"{name}: {error[-1]:.0f} % after {len(error) - 1} steps" if len(error) else name)
        axes.axhline(25, color=GRAY, linestyle=":")
        axes.set(xlabel="steps", ylabel="training error, %", ylim=(0, 100), xlim=(0, None))
        axes.legend(loc="lower left", frameon=False)
        return f"Training error of two networks by step, with a line at 25 %. {'; '.join(told)}."


def _in_words(steps: list[int | None]) -> str:
    """Steps by seed; None is a race that did not get there."""
    if not steps:
        return "was not measured"
    middle = median(math.inf if one is None else one for one in steps)
    of = "one seed" if len(steps) == 1 else f"median of {len(steps)} seeds"
    if middle == math.inf:
        return f"does not reach 25 % in {MOST} steps ({of})"
    return f"reaches 25 % after {middle:g} steps ({of})"


@cache
def _ratio(experiment: str, arm: str) -> str | None:
    """How many times the epochs of the ReLU network the other one needed, if that is on record."""
    answer = next(a for a in report(named(experiment)).answers if a.comparison.against == arm)
    return answer.interval and f"{answer.interval.mean:.2f}"
