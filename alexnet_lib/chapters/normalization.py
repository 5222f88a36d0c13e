"""What chapter 3.3 draws, tabulates and asks."""

import operator
from collections.abc import Callable, Sequence

import numpy as np
import torch

from ..normalization import LocalResponseNorm, window_sum
from ..paper import LRN
from ..towers import maps_of
from .palette import BLUE, GRAY, GREEN, ORANGE
from .picture import WIDTH, Picture, box, styled, subplots
from .verdict import Verdict, check_function, check_number

LOOKS = ((BLUE, "-"), (ORANGE, "--"), (GREEN, ":"))


def alone_and_together(strength: float = 100.0) -> Picture:
    """One strong channel among silent ones, and the same channel with four strong neighbors."""
    figure, axes = subplots(1, 2, figsize=(WIDTH, 2.9), sharey=True)
    told = []
    for axis, (title, strong) in zip(
        axes, (("alone", [5]), ("with four strong neighbors", range(3, 8))), strict=True
    ):
        before = torch.zeros(1, 11, 1, 1)
        before[0, list(strong)] = strength
        after = LocalResponseNorm()(before).flatten().tolist()
        axis.bar(range(11), before.flatten().tolist(), color=(GRAY, 0.3), width=0.9, label="before")
        colors = [ORANGE if channel == 5 else BLUE for channel in range(11)]
        axis.bar(range(11), after, color=colors, width=0.62, label="after")
        axis.text(5, after[5] + 3, f"{after[5]:.0f}", ha="center", fontsize=12, fontweight="bold")
        axis.text(5, strength + 3, f"{strength:g}", ha="center", fontsize=12, color=GRAY)
        axis.set_title(title, fontsize=12, fontweight="bold")
        axis.set(xlabel="channel", xticks=range(0, 11, 5), ylim=(0, 1.16 * strength))
        told.append(f"{title}, channel 5 goes from {strength:g} to {after[5]:.0f}")
    axes[0].set_ylabel("activation at one position")
    words = "; ".join(told)
    return Picture(figure, f"Bars of 11 channels before (gray) and after normalization: {words}.")


def contrast_curves(factors: Sequence[float], outputs: dict[str, Sequence[float]]) -> Picture:
    """The output of a layer at several contrasts, over its output at contrast 1; a line for each layer."""
    figure, axis = subplots(figsize=(WIDTH, 3.8))
    styles = ((GRAY, ":"), (GREEN, "-."), (BLUE, "-"), (ORANGE, "--"))
    told = []
    for (name, values), (color, style) in styled(outputs, styles):
        axis.plot(factors, values, style, marker="o", color=color, lw=2.5)
        axis.annotate(
            name, (factors[-1], values[-1]), (9, 0), textcoords="offset points", color=color, va="center"
        )
        told.append(f"{name} {values[-1]:.1f}")
    for scale in (axis.set_xscale, axis.set_yscale):
        scale("log", base=2)
    ticks = [f"{factor:g}" for factor in factors]
    axis.set_xticks(factors, ticks)
    axis.set_yticks(factors, ticks)
    axis.minorticks_off()
    axis.set(xlim=(factors[0] / 1.1, 3.2 * factors[-1]))
    axis.set_xlabel("contrast of the photograph (1 = as it is)")
    axis.set_ylabel("mean output (1 = at contrast 1)")
    return Picture(
        figure,
        f"Mean first-layer output against the contrast of the photograph, both on logarithmic axes. "
        f"At {factors[-1]:g} times the contrast: {', '.join(told)} times the output.",
    )


def lrn_response(alphas: dict[str, float], k: float = 2.0, beta: float = 0.75) -> Picture:
    """What the normalization makes of one activation whose neighbors are 0, for several alphas."""
    a = np.linspace(0, 1000, 501)
    figure, axis = subplots(figsize=(WIDTH, 3.4))
    told = []
    for (name, alpha), (color, style) in styled(alphas, LOOKS):
        b = a / (k + alpha * a**2) ** beta
        peak = int(b.argmax())
        axis.plot(a, b, style, color=color, linewidth=2.5, label=name)
        axis.plot(a[peak], b[peak], "o", color=color)
        axis.annotate(
            f"{a[peak]:.0f} → {b[peak]:.0f}",
            (a[peak], b[peak]),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
        )
        told.append(f"with {name} it peaks at {b[peak]:.0f} for an activation of {a[peak]:.0f}")
    axis.set(
        xlabel="activation of one channel, its neighbors 0", ylabel="after normalization", ylim=(0, None)
    )
    axis.margins(y=0.15)
    axis.legend(frameon=False)
    return Picture(
        figure,
        "Output of the normalization against its input: it rises, then falls; " + ", ".join(told) + ".",
    )


def lrn_windows(
    centers: tuple[int, ...] = (45, 46, 47, 48, 49, 50), n: int = 5, channels: int = 96
) -> Picture:
    """Which channels the windows around the tower boundary cover, with towers and without."""
    first, last = channels // 2 - 7, channels // 2 + 7
    figure, axes = subplots(1, 2, figsize=(WIDTH, 3.0), sharey=True)
    for axis, towers in zip(axes, (1, 2), strict=True):
        width = channels // towers
        for row, center in enumerate(centers):
            tower = center // width
            low, high = (
                max(tower * width, center - n // 2),
                min((tower + 1) * width - 1, center + (n - 1) // 2),
            )
            for number in range(first, last):
                inside = low <= number <= high
                color = (BLUE if number < channels // 2 else ORANGE) if inside else (GRAY, 0.15)
                box(axis, (number - 0.45, row - 0.4), 0.9, 0.8, color=color)
            axis.text(center, row, "●", ha="center", va="center", color="white", fontsize=8)
        axis.axvline(channels / 2 - 0.5, color="black", linewidth=1.5)
        axis.set(xlim=(first - 0.6, last - 0.4), ylim=(len(centers) - 0.5, -0.5), xlabel="channel")
        axis.set_title("windows over all channels" if towers == 1 else "windows inside a tower", fontsize=10)
        axis.set_xticks(centers[::2])
        axis.set_yticks(range(len(centers)), [f"channel {center}" for center in centers])
        axis.tick_params(length=0)
        for side in axis.spines.values():
            side.set_visible(False)
    edge = channels // 2
    return Picture(
        figure,
        f"Windows of {n} around channels {centers[0]} to {centers[-1]}. Left, over all channels, they cross "
        f"the line between channel {edge - 1} and channel {edge}. Right, inside a tower: every window stops "
        f"at that line.",
    )


def check_window_sum(answer: Callable) -> Verdict:
    """§3.3: sum(x, n) over n adjacent channels of x, (N, C, H, W) -> the same shape."""
    draw = torch.Generator().manual_seed(33)
    cases = [(torch.randn(2, c, 3, 3, generator=draw), n) for c, n in ((8, 5), (8, 3), (4, 7), (6, 1))]
    return check_function(
        answer,
        window_sum,
        cases,
        "Hint: the window is clipped at the first and last channel; zero padding over the channels does "
        "the same.",
        "clipped at both ends, for wide and narrow windows.",
    )


def check_torch_alpha(answer: float) -> Verdict:
    """§3.3: which alpha must torch's layer get to compute the paper's formula?"""
    return check_number(
        answer,
        LRN.alpha * LRN.n,
        "Hint: torch divides alpha by n before it multiplies the sum.",
        "torch divides by n, so the paper's alpha is multiplied by n first.",
    )


def check_neighbors(answer: Sequence[int]) -> Verdict:
    """§3.3: which channels damp channel 46 of 96 in the two-tower net?"""
    own, half = maps_of(0, 96), LRN.n // 2
    expected = [number for number in range(46 - half, 46 + half + 1) if number in own]
    try:
        given = sorted(map(operator.index, answer))  # whole numbers; 46.5 is no channel
    except (TypeError, ValueError, RuntimeError):  # torch raises the last for a table of numbers
        words = type(answer).__name__
        return Verdict(False, f"the answer is of type {words}, and a list of channel numbers is asked for")
    if given != expected:
        return Verdict(
            False, f"{given} is not it. Hint: n = 5, and each tower holds 48 channels, 0-47 and 48-95."
        )
    return Verdict(True, "the window ends with the tower, so channel 46 has one neighbor above it, not two.")
