"""Figures of §3.3, local response normalization."""

from typing import Annotated

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from ..guard import Bounds, Count, Index, Positive, require_tensor, validated
from ..towers import require_even_share
from .picture import BLUE, GREEN, ORANGE, WIDTH, Picture, as_picture, styled, subplots

LOOKS = ((BLUE, "-"), (ORANGE, "--"), (GREEN, ":"))
Weight = Annotated[float, Bounds(0.0, 1e6)]
Exponent = Annotated[float, Bounds(-10, 10)]


@validated
def lrn_response(alphas: dict[str, Weight], k: Positive = 2.0, beta: Exponent = 0.75) -> Picture:
    """What comes out of the normalization for one lone activity, for several alphas."""
    activity = np.linspace(0, 1000, 501)
    figure, axis = subplots(figsize=(WIDTH, 3.6))
    told = []
    for (name, alpha), (color, style) in styled("alphas", alphas, LOOKS):
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
    axis.spines[["top", "right"]].set_visible(False)
    return Picture(
        figure, "Normalized response against activity: it rises, then falls; " + ", ".join(told) + "."
    )


@validated
def lrn_windows(
    centers: tuple[Index, ...] = (45, 46, 47, 48, 49, 50), n: Count = 5, maps: Count = 96
) -> Picture:
    """Which maps the windows around the tower boundary read, with towers and without."""
    require_even_share("maps", maps)
    if max(centers) >= maps:
        raise ValueError(
            f"centers hold {max(centers)}, and there are maps 0 to {maps - 1}: name some of these"
        )
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
                color = (BLUE if number < maps // 2 else ORANGE) if inside else "#eeeeee"
                axis.add_patch(Rectangle((number - 0.45, row - 0.4), 0.9, 0.8, color=color))
            axis.text(center, row, "●", ha="center", va="center", color="white", fontsize=8)
        axis.axvline(maps / 2 - 0.5, color="black", linewidth=1.5)
        axis.set(xlim=(first - 0.6, last - 0.4), ylim=(len(centers) - 0.5, -0.5), xlabel="kernel map")
        axis.set_title("windows over all maps" if towers == 1 else "windows inside a tower", fontsize=10)
        axis.set_yticks(range(len(centers)), [f"map {center}" for center in centers])
        axis.tick_params(length=0)
        for side in axis.spines.values():
            side.set_visible(False)
    figure.tight_layout()
    edge = maps // 2
    return Picture(
        figure,
        f"Windows of {n} around maps {centers[0]} to {centers[-1]}. Left, over all maps, they cross the line "
        f"between map {edge - 1} and map {edge}. Right, inside a tower: every window stops at that line.",
    )


@validated
def maps_before_after(
    before: Tensor, after: Tensor, chosen: tuple[Index, ...], photograph: Tensor
) -> Picture:
    """A photograph, and for some maps the activity before and after normalization and their ratio.

    before, after: (C, H, W) of one image; photograph: uint8 (3, H, W). A silent map has no ratio.
    """
    picture = as_picture(photograph, "photograph")
    for name, maps in (("before", before), ("after", after)):
        require_tensor(name, maps, "(C, H, W)", "kernel maps of one image", finite=True)
        if not maps.numel() or maps.shape != before.shape:
            raise ValueError(
                f"{name} has shape {tuple(maps.shape)}, and must be (C, H, W), with "
                f"pixels, the same before and after"
            )
    if max(chosen) >= len(before):
        raise ValueError(
            f"chosen hold {max(chosen)}, and there are maps 0 to {len(before) - 1}: name some of these"
        )
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
        figure, f"First-layer maps before and after normalization, and the ratio. Highest activity: {peaks}."
    )
