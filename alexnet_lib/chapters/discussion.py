"""What chapter 7 draws, tabulates and asks."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure

from ..architecture import AlexNetSpec
from ..counts import trace
from ..specs import SPECS, name_without, without_layers
from .palette import BLUE, GRAY, ORANGE
from .picture import NARROW, Picture, subplots
from .table import Table
from .verdict import Verdict, check_function, check_number


def wiring_without(removed: Sequence[tuple[int, ...]]) -> Picture:
    """The two towers of the paper's network with some convolutional layers taken out, a row for each (§7)."""
    for gone in removed:
        without_layers(SPECS["paper"], *gone)  # refuses numbers that the net does not have
    convs = SPECS["paper"].convs
    both = {n for n, conv in enumerate(convs, 1) if n > 1 and not conv.grouped} | {len(convs) + 1}  # and fc6
    figure, axes = subplots(len(removed), 1, figsize=(NARROW, 1.35 * len(removed)), squeeze=False)
    told = []
    for axis, gone in zip(axes[:, 0], removed, strict=True):
        kept = [n for n in range(1, len(convs) + 2) if n not in gone]
        for below, above in pairwise(kept):
            for start in (0, 1):
                axis.plot((below, above), (start, start), color=GRAY, lw=1.5, zorder=1)
                if above in both:
                    axis.plot((below, above), (start, 1 - start), color=ORANGE, lw=2, zorder=1)
        for n in range(1, len(convs) + 2):
            style = {"color": "none", "edgecolors": GRAY, "linestyle": ":"} if n in gone else {"color": BLUE}
            axis.scatter((n, n), (0, 1), s=90, zorder=2, **style)
        names = [f"conv{n}" for n in range(1, len(convs) + 1)] + [f"fc{len(convs) + 1}"]
        axis.set_xticks(range(1, len(convs) + 2), names, fontsize=10)
        axis.set(yticks=[], ylim=(-0.4, 1.4))
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        title = name_without(gone)
        axis.set_title(title, fontsize=11, loc="left", pad=2)
        mixing = [names[n - 1] for n in kept if n in both]
        told.append(f"{title}: {' and '.join(mixing)}{' alone' if len(mixing) == 1 else ''}")
    return Picture(
        figure,
        f"Two towers from conv1 to fc6; orange lines lead from one to the other. Layers that read both: "
        f"{'; '.join(told)}.",
    )


def stacked(layers: int, z: int) -> Figure:
    """Weights of a stack of small kernels, and of one layer that sees as much."""
    sees = layers * (z - 1) + 1
    values = {f"one layer of {sees} x {sees}": sees**2, f"{layers} layers of {z} x {z}": layers * z**2}
    figure, axis = subplots(figsize=(6.4, 1.7))
    for row, (value, color) in enumerate(zip(values.values(), (GRAY, BLUE), strict=True)):
        axis.barh(row, value, height=0.6, color=color)
        words = f" {value}" + (f"  ({value / sees**2:.0%})" if row else "")
        axis.text(value, row, words, va="center", fontsize=11)
    axis.set_yticks((0, 1), values, fontsize=11)
    axis.invert_yaxis()
    axis.set(xlim=(0, 1.25 * sees**2), xticks=[])
    axis.set_title(
        f"both see {sees} x {sees} pixels; weights for a pair of channels:", fontsize=11, loc="left"
    )
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    figure.tight_layout()
    return figure


def errors_by_seed(errors: dict[str, Sequence[float]]) -> Picture:
    """Errors of some networks, a dot for each seed and a line that joins the dots of one seed."""
    table = 100 * np.array(list(errors.values()))  # (nets, seeds)
    places = np.arange(len(table))
    figure, axis = subplots(figsize=(NARROW, 3.3))
    axis.plot(places, table, color=GRAY, lw=0.8, zorder=1)
    axis.plot(places, table, "o", color=BLUE, ms=6)
    axis.hlines(table.mean(axis=1), places - 0.18, places + 0.18, color=ORANGE, lw=3, zorder=3)
    axis.text(places[-1] + 0.22, table[-1].mean(), "mean", color=ORANGE, fontsize=11, va="center")
    axis.set_xticks(places, errors, fontsize=10)
    axis.set_xlim(-0.4, len(table) - 0.35)
    axis.set_ylabel("test error, %", fontsize=11)
    # In words and not in numbers, so that they are the same on machines that round otherwise.
    farther = np.ptp(table, axis=1).min() > np.ptp(table.mean(axis=1))
    return Picture(
        figure,
        f"Test errors of {len(table)} networks, a dot for each of {table.shape[1]} seeds. The seeds of one "
        f"network are {'farther' if farther else 'not farther'} apart than the two means.",
    )


REMOVED = ((), (3,), (4,), (3, 4))  # convolutional layers; the paper does not say which it tried


def nets_without_layers() -> Table:
    """The paper's net without conv3, conv4 and both: what goes besides a layer (§7), by arithmetic."""
    whole = _parameters(SPECS["paper"])
    rows = []
    for numbers in REMOVED:
        spec = without_layers(SPECS["paper"], *numbers)
        lost = whole - _parameters(spec)
        layers = list(trace(spec))
        seen = max(layer.receptive_field for layer in layers if layer.size)
        mixing = [f"conv{n}" for n in _reading_both() if n not in numbers]
        rows.append(
            (
                spec.name,
                f"{whole - lost:,}",
                f"{100 * lost / whole:.2f} %",
                f"{sum(layer.multiply_accumulates for layer in layers) / 1e6:,.0f}",
                str(seen),
                ", ".join(mixing) or "none",
            )
        )
    columns = (
        "network",
        "parameters",
        "fewer by",
        "million multiply-accumulates",
        "receptive field of pool5",
        "mixes the towers before fc6",
    )
    return Table("The paper's network without layers", columns, tuple(rows))


def _reading_both() -> list[int]:
    """The numbers of the layers above conv1 that read both towers."""
    return [n for n, conv in enumerate(SPECS["paper"].convs, 1) if n > 1 and not conv.grouped]


def _parameters(spec: AlexNetSpec) -> int:
    return sum(layer.parameters for layer in trace(spec))


def check_lost_parameters(answer: float) -> Verdict:
    """§7: how many parameters go when conv3 is taken out and conv4 still reads its own tower?"""
    net = SPECS["paper"]
    kept = [sum(layer.parameters for layer in trace(spec)) for spec in (net, without_layers(net, 3))]
    return check_number(
        answer,
        kept[0] - kept[1],
        "Hint: conv3 takes its own parameters along, and conv4 then reads the channels of conv2: half of "
        "them, because it stays within its tower.",
        "conv3's own, and what conv4 no longer needs: it reads 128 channels instead of 192.",
    )


def check_small_kernels(answer: float) -> Verdict:
    """§7: how many weights fewer have three layers of 3 x 3 than one of 7 x 7, all with 256 channels?"""
    return check_number(
        answer,
        (7**2 - 3 * 3**2) * 256**2,
        "Hint: a layer of z x z kernels has z * z weights for each pair of an input and an output channel. "
        "How many pairs are there?",
        "27 instead of 49 for each pair of channels, with the same receptive field and two ReLUs more.",
    )


def check_batch_norm(answer: Callable) -> Verdict:
    """§7: normalize(x, eps), (N, C, H, W) -> the same shape; batch normalization in training."""
    draw = torch.Generator().manual_seed(7)
    cases = [
        (scale * torch.randn(shape, generator=draw) + 2, eps)
        for shape, scale, eps in (((4, 3, 5, 5), 3.0, 1e-5), ((2, 6, 1, 2), 0.5, 1e-1))
    ]
    return check_function(
        answer,
        lambda x, eps: F.batch_norm(x, None, None, training=True, eps=eps),
        cases,
        "Hint: each channel has one mean and one variance, over all images and positions; it divides by "
        "the count, not by the count minus one; eps is added before the root.",
        "one mean and one variance per channel, over the batch. In evaluation mode running means are used "
        "instead, because an answer must not depend on the other images of a batch.",
    )
