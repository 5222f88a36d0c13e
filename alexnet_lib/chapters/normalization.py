"""What chapter 3.3 draws, tabulates and asks."""

import operator
from collections.abc import Callable, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..normalization import window_sum
from ..paper import LRN
from ..towers import maps_of
from .palette import BLUE, GRAY, GREEN, ORANGE
from .picture import WIDTH, Picture, as_picture, box, styled, subplots
from .verdict import Verdict, check_function, check_number

LOOKS = ((BLUE, "-"), (ORANGE, "--"), (GREEN, ":"))


def lrn_response(alphas: dict[str, float], k: float = 2.0, beta: float = 0.75) -> Picture:
    """What comes out of the normalization for one lone activity, for several alphas."""
    activity = np.linspace(0, 1000, 501)
    figure, axis = subplots(figsize=(WIDTH, 3.6))
    told = []
    for (name, alpha), (color, style) in styled(alphas, LOOKS):
        response = activity / (k + alpha * activity**2) ** beta
        peak = int(response.argmax())
        axis.plot(activity, response, style, color=color, linewidth=2.5, label=name)
        axis.plot(activity[peak], response[peak], "o", color=color)
        axis.annotate(
            f"{activity[peak]:.0f} → {response[peak]:.0f}",
            (activity[peak], response[peak]),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
        )
        told.append(f"with {name} it peaks at {response[peak]:.0f} for an activity of {activity[peak]:.0f}")
    axis.set(xlabel="activity a of one map, its neighbors silent", ylabel="normalized b", ylim=(0, None))
    axis.margins(y=0.15)
    axis.legend(frameon=False)
    return Picture(
        figure, "Normalized response against activity: it rises, then falls; " + ", ".join(told) + "."
    )


def lrn_windows(centers: tuple[int, ...] = (45, 46, 47, 48, 49, 50), n: int = 5, maps: int = 96) -> Picture:
    """Which maps the windows around the tower boundary read, with towers and without."""
    first, last = maps // 2 - 7, maps // 2 + 7
    figure, axes = subplots(1, 2, figsize=(WIDTH, 3.0), sharey=True)
    for axis, towers in zip(axes, (1, 2), strict=True):
        share = maps // towers
        for row, center in enumerate(centers):
            tower = center // share
            low, high = (
                max(tower * share, center - n // 2),
                min((tower + 1) * share - 1, center + (n - 1) // 2),
            )
            for number in range(first, last):
                inside = low <= number <= high
                color = (BLUE if number < maps // 2 else ORANGE) if inside else (GRAY, 0.15)
                box(axis, (number - 0.45, row - 0.4), 0.9, 0.8, color=color)
            axis.text(center, row, "●", ha="center", va="center", color="white", fontsize=8)
        axis.axvline(maps / 2 - 0.5, color="black", linewidth=1.5)
        axis.set(xlim=(first - 0.6, last - 0.4), ylim=(len(centers) - 0.5, -0.5), xlabel="kernel map")
        axis.set_title("windows over all maps" if towers == 1 else "windows inside a tower", fontsize=10)
        axis.set_xticks(centers[::2])
        axis.set_yticks(range(len(centers)), [f"map {center}" for center in centers])
        axis.tick_params(length=0)
        for side in axis.spines.values():
            side.set_visible(False)
    edge = maps // 2
    return Picture(
        figure,
        f"Windows of {n} around maps {centers[0]} to {centers[-1]}. Left, over all maps, they cross the line "
        f"between map {edge - 1} and map {edge}. Right, inside a tower: every window stops at that line.",
    )


def maps_before_after(before: Tensor, after: Tensor, chosen: tuple[int, ...], photograph: Tensor) -> Picture:
    """A photograph, and for some maps the activity before and after normalization and their ratio.

    before, after: (C, H, W) of one image; photograph: uint8 (3, H, W). A silent map has no ratio.
    """
    picture = as_picture(photograph)
    figure = Figure(figsize=(WIDTH, 1.9 * len(chosen)))
    grid = figure.add_gridspec(len(chosen), 4)
    whole = figure.add_subplot(grid[:, 0])
    whole.imshow(picture)
    whole.set_title("photograph", fontsize=10)
    whole.axis("off")
    ratio = torch.where(before > 0, after / before, torch.nan)
    for row, number in enumerate(chosen):
        columns = ((f"map {number}, before", before), ("after", after), ("after / before", ratio))
        for column, (title, values) in enumerate(columns, 1):
            axis = figure.add_subplot(grid[row, column])
            picture = axis.imshow(values[number].numpy(), cmap="viridis", interpolation="nearest")
            axis.set_title(title, fontsize=10)
            axis.axis("off")
            figure.colorbar(picture, ax=axis, fraction=0.046, pad=0.03)
    figure.tight_layout()
    peaks = ", ".join(f"map {i} from {before[i].max():.0f} to {after[i].max():.0f}" for i in chosen)
    return Picture(
        figure,
        f"First-layer maps before and after normalization, and the ratio. Highest activity: {peaks}.",
        photograph=True,
    )


def check_window_sum(answer: Callable) -> Verdict:
    """§3.3: sum(x, n) over n adjacent maps of x, (N, C, H, W) -> the same shape."""
    draw = torch.Generator().manual_seed(33)
    cases = [(torch.randn(2, maps, 3, 3, generator=draw), n) for maps, n in ((8, 5), (8, 3), (4, 7), (6, 1))]
    return check_function(
        answer,
        window_sum,
        cases,
        "Hint: the window is clipped at the first and last map; padding with zero maps does the same.",
        "clipped at both ends, for wide and narrow windows.",
    )


def check_torch_alpha(answer: float) -> Verdict:
    """§3.3: which alpha must torch's layer get to compute the printed formula?"""
    return check_number(
        answer,
        LRN.alpha * LRN.n,
        "Hint: torch divides alpha by n before it multiplies the sum.",
        "torch divides by n, so the printed alpha is multiplied by n first.",
    )


def check_neighbors(answer: Sequence[int]) -> Verdict:
    """§3.3: which maps damp map 46 of 96 in the two-tower net?"""
    own, half = maps_of(0, 96), LRN.n // 2
    expected = [number for number in range(46 - half, 46 + half + 1) if number in own]
    try:
        given = sorted(map(operator.index, answer))  # whole numbers; 46.5 is no map
    except (TypeError, ValueError, RuntimeError):  # torch raises the last for a table of numbers
        words = type(answer).__name__
        return Verdict(False, f"the answer is of type {words}, and a list of map numbers is asked for")
    if given != expected:
        return Verdict(
            False, f"{given} is not it. Hint: n = 5, and each tower holds 48 maps, 0-47 and 48-95."
        )
    return Verdict(True, "the window ends with the tower, so map 46 has one neighbor above and not two.")
