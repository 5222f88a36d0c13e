"""What chapter 4.2 draws, tabulates and asks."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..experiments import on_record
from ..paper import LEARNING
from ..records import MEASURED, RUNNING
from .palette import BLUE, GRAY, GREEN, ORANGE
from .picture import NARROW, Picture, styled, subplots
from .verdict import Verdict, check_function, check_number

STYLES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, ":"))


def overfitting(variants: tuple[str, ...] = ("nothing",), titles: tuple[str, ...] = ("",)) -> Picture:
    """Training and validation error of variants of `augmentation-cifar`, means over the seeds (§4)."""
    found = on_record("augmentation-cifar").items()
    size = {"figsize": (NARROW, 3.0), "sharey": True, "squeeze": False}
    figure, axes = subplots(1, len(variants), **size)
    told = []
    for axis, variant, title in zip(axes[0], variants, titles, strict=True):
        runs = [run for label, run in found if label.startswith(f"{variant}-seed")]
        ends = []
        for name, color in (("training error", BLUE), ("validation error", ORANGE)):
            curve = RUNNING if name == MEASURED else name  # all that these records have
            mean = 100 * np.mean([run.curves[curve] for run in runs], axis=0)
            axis.plot(range(1, len(mean) + 1), mean, color=color, lw=2.5)
            ends.append(f"{name} {mean[-1]:.0f} %")
            low = name == MEASURED  # its name goes to the left, below the curve
            at = (0.5, max(mean[-1] - 12, 8)) if low else (len(mean), mean[-1] + 17)
            axis.text(*at, ends[-1], color=color, ha="left" if low else "right", fontsize=10)
        axis.set(xlabel="epoch", ylim=(0, 85), xlim=(0, len(mean) + 0.5))
        axis.set_title(title, fontsize=11)
        told.append(f"{title or 'One network'}: {' and '.join(ends)} after {len(mean)} epochs")
    axes[0, 0].set_ylabel("error, %")
    return Picture(figure, f"Training and validation error by epoch. {'; '.join(told)}.")


def dropout_masks(activations: Tensor, keep: Tensor, factor: float = 0.5) -> Picture:
    """Activations (U,) under masks (M, U) of training, a row each, then times `factor` (§4.2)."""
    rows = [*keep.numpy(), np.full(len(activations), factor)]
    activations = activations.numpy()
    figure, axes = subplots(len(rows), 1, figsize=(NARROW, 0.85 * len(rows) + 0.3), sharey=True)
    positions, told = range(len(activations)), []
    for number, (axis, row) in enumerate(zip(axes, rows, strict=True), 1):
        test = number == len(rows)
        axis.bar(positions, activations, facecolor="none", edgecolor=GRAY, linestyle=":")
        axis.bar(positions, activations * row, color=ORANGE if test else BLUE)
        for position in positions:
            if row[position] == 0:
                axis.text(position, 0.05 * activations.max(), "0", ha="center", fontsize=10)
        name = f"evaluation,\ntimes {factor:g}" if test else f"training,\nmask {number}"
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=11)
        axis.set(xticks=[], yticks=[])
        axis.spines["left"].set_visible(False)
        if not test:
            told.append(f"mask {number} keeps {int(row.sum())}")
    axes[-1].set_xlabel(f"{len(activations)} neurons", fontsize=11)
    return Picture(
        figure,
        f"Bars of {len(activations)} activations. In training each is kept or set to zero: "
        f"{', '.join(told)}. In evaluation all are kept, times {factor:g}.",
    )


def averages_against_one(halved: Tensor, arithmetic: Tensor, geometric: Tensor) -> Picture:
    """Probabilities of the mean network against two averages over all sub-networks; one shape (§4.2)."""
    halved, arithmetic, geometric = (values.flatten() for values in (halved, arithmetic, geometric))
    figure, axis = subplots(figsize=(4.6, 4.3))
    axis.plot((0, 1), (0, 1), color=GRAY, lw=1)
    axis.plot(halved.numpy(), geometric.numpy(), "x", color=ORANGE, ms=5)
    axis.plot(halved.numpy(), arithmetic.numpy(), "o", color=BLUE, ms=4)
    axis.text(0.03, 0.93, "× geometric mean", color=ORANGE, fontsize=11)
    axis.text(0.03, 0.85, "● arithmetic mean", color=BLUE, fontsize=11)
    axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axis.set_xlabel("mean network (all neurons, halved)", fontsize=11)
    axis.set_ylabel("all sub-networks, averaged", fontsize=11)
    exact = (geometric - halved).abs().max().item() < 1e-4
    away = (arithmetic - halved).abs().max().item()
    return Picture(
        figure,
        f"{len(halved)} probabilities. The geometric mean over all sub-networks "
        f"{'lies on' if exact else 'leaves'} the diagonal, where it equals the mean network; the "
        f"arithmetic mean "
        f"{'leaves' if away > 0.01 else 'stays on'} the diagonal.",
    )


def dropout_curves(
    steps: list[int],
    errors: dict[str, list[float]],
    losses: dict[str, list[float]],
    reached: float = 0.1,
) -> Picture:
    """Training error and test loss by step, a line a variant; `reached`: the error marked on the left."""
    figure, (left, right) = subplots(1, 2, figsize=(NARROW, 3.4), layout="constrained")
    told = []
    for (name, error), (color, style) in styled(errors, STYLES):
        left.plot(steps, [100 * value for value in error], style, color=color, lw=2)
        right.plot(steps, losses[name], style, color=color, lw=2, label=name)
        low = next((i for i, value in enumerate(error) if value <= reached), len(steps))
        said = name if low < len(steps) else f"{name} (not at all)"
        told.append((low, said, "rises" if losses[name][-1] > 1.2 * min(losses[name]) else "does not rise"))
    left.axhline(100 * reached, color=GRAY, lw=1)
    left.text(steps[-1], 100 * reached + 1, f"{100 * reached:g} %", ha="right", fontsize=10)
    left.set_title("training error, %", fontsize=11)
    right.set_title("test loss", fontsize=11)
    for axis in (left, right):
        axis.set_xlabel("step", fontsize=10)
        axis.set_ylim(bottom=0)
    figure.legend(loc="outside upper center", ncols=len(errors), frameon=False, fontsize=10)
    told.sort()  # in words and not in numbers, so that they are the same on machines that round otherwise
    first = ", then ".join(name for _, name, _ in told)
    rises = "; ".join(f"{name}: {rise}" for _, name, rise in told)
    return Picture(
        figure,
        f"Training error and test loss by step. {100 * reached:g} % training error is reached first by "
        f"{first}. The test loss after its lowest point: {rises}.",
    )


def averaged_nets(counts: list[int], errors: list[float], halved: float) -> Picture:
    """Test error of averages over `counts` sub-networks, and of the mean network (§4.2)."""
    figure, axis = subplots(figsize=(NARROW, 3.2))
    axis.plot(counts, [100 * error for error in errors], "o-", color=BLUE, lw=2)
    axis.axhline(100 * halved, color=ORANGE, lw=2, ls="--")
    axis.set_xscale("log")
    axis.set_xticks(counts, counts, fontsize=10)
    axis.minorticks_off()
    axis.set_xlabel("sub-networks in the average", fontsize=11)
    axis.set_ylabel("test error, %", fontsize=11)
    low, high = 100 * min(*errors, halved), 100 * max(*errors, halved)
    room = high - low or 1.0
    axis.set_ylim(low - 0.6 * room, high + 0.2 * room)
    axis.text(counts[-1], high, "softmax outputs averaged", color=BLUE, ha="right", va="top", fontsize=11)
    below = 100 * halved - 0.08 * room  # at the left, where averages of few sub-networks are far higher
    axis.text(counts[0], below, "mean network, one forward pass", color=ORANGE, va="top", fontsize=11)
    falls = "makes fewer errors" if errors[-1] < errors[0] else "makes no fewer errors"
    # In steps of ten points, so that the words are the same on machines that round otherwise.
    close = "close to" if abs(errors[-1] - halved) < 0.1 else "not close to"
    return Picture(
        figure,
        f"Test error of averages over {counts[0]} to {counts[-1]} sub-networks. The average over "
        f"{counts[-1]} {falls} than one sub-network, and comes {close} the mean network.",
    )


def check_common_units(answer: float) -> Verdict:
    """§4.2: how many of 4096 neurons do two masks keep both, on average?"""
    return check_number(
        answer,
        4096 * (1 - LEARNING.dropout) ** 2,
        "Hint: the masks are drawn independently, and a neuron must be kept by the first and by the second.",
        "a quarter of them, on average. Sub-networks overlap, and share the weights of what both keep.",
    )


def check_moving_factor(answer: float) -> Verdict:
    """§4.2: what are weights after an inverted dropout of 0.5 multiplied by for the standard one?"""
    return check_number(
        answer,
        1 / (1 - LEARNING.dropout),
        "Hint: in evaluation standard dropout passes half of each activation to those weights, and the sum "
        "has to come out as before.",
        "the activations that arrive are half as large, so the weights are twice as large.",
    )


def check_inverted_dropout(answer: Callable) -> Verdict:
    """§4.2: drop(a, keep, p, training) in torch's form; a and keep of one shape -> the same shape."""
    draw = torch.Generator().manual_seed(42)
    a = torch.randn(4, 6, generator=draw)
    cases = [
        (a, (torch.rand(4, 6, generator=draw) >= p).float(), p, training)
        for p, training in ((0.5, True), (0.5, False), (0.2, True), (0.2, False))
    ]
    return check_function(
        answer,
        lambda a, keep, p, training: a * keep / (1 - p) if training else a,
        cases,
        "Hint: a neuron is kept with probability 1 - p, and the average over masks has to be a itself; so in "
        "evaluation nothing is left to do.",
        "the factor has moved from evaluation into training, and it is 1 / (1 - p) and not 1 / p.",
    )


def check_geometric_mean(answer: Callable) -> Verdict:
    """§4.2: mean(probabilities), (networks, classes) -> (classes,), normalized geometric mean."""
    draw = torch.Generator().manual_seed(43)
    gentle, sharp = (scale * torch.randn(nets, 5, generator=draw) for scale, nets in ((1.0, 3), (3.0, 2000)))
    return check_function(
        answer,
        lambda probabilities: probabilities.log().mean(dim=0).softmax(dim=0),
        [(gentle.softmax(dim=1),), (sharp.softmax(dim=1),)],
        "Hint: the geometric mean of n numbers is the n-th root of their product; its five values do not add "
        "up to 1 until they are divided by their sum; and a product of 2000 probabilities is too small for a "
        "float, where a mean of logarithms is not.",
        "a mean of logarithms, and a softmax that makes it add up to 1.",
    )
