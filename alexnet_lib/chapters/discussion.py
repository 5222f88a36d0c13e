"""What chapter 7 draws, tabulates and asks."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F

from ..architecture import AlexNetSpec
from ..counts import trace
from ..specs import SPECS, name_without, without_layers
from .palette import BLUE, GRAY, ORANGE
from .picture import NARROW, Picture, subplots
from .table import Table
from .verdict import Verdict, check_function, check_number


def wiring_without(removed: Sequence[tuple[int, ...]]) -> Picture:
    """The two towers of the paper's net with some convolutional layers taken out, a row for each net (§7)."""
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
        f"Two towers from conv1 to fc6; orange lines cross from one to the other. Layers that read both: "
        f"{'; '.join(told)}.",
    )


def errors_by_seed(errors: dict[str, Sequence[float]]) -> Picture:
    """Errors of some nets, a dot for each seed and a line that joins the dots of one seed."""
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
        f"Test errors of {len(table)} nets, a dot for each of {table.shape[1]} seeds. The seeds of one "
        f"net lie {'farther' if farther else 'no farther'} apart than the means of the nets.",
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
        "net",
        "parameters",
        "fewer by",
        "million multiply-accumulates",
        "pool5 sees",
        "mixes the towers before fc6",
    )
    return Table("The paper's net without layers", columns, tuple(rows))


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
        "Hint: conv3 takes its own parameters along, and conv4 then reads other maps than before: those of "
        "conv2, half of them, because it stays within its tower.",
        "conv3's own, and what conv4 no longer needs: it reads 128 maps in place of 192.",
    )


def check_small_kernels(answer: float) -> Verdict:
    """§7: how many weights fewer have three layers of 3 x 3 than one of 7 x 7, all with 256 maps?"""
    return check_number(
        answer,
        (7**2 - 3 * 3**2) * 256**2,
        "Hint: a layer of z x z kernels has z * z weights for each pair of a map below and a map above. How "
        "many pairs are there?",
        "27 in place of 49 for each pair of maps, with the same receptive field and two ReLUs more.",
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
        "Hint: each map has one mean and one variance, over all images and places; the variance divides by "
        "the count, not by the count minus one; eps is added before the root.",
        "one mean and one variance a map, over the batch. At test time there is no batch, so running means "
        "take their place.",
    )
