"""Figures of §3.2, two towers: who reads whom, what would cross, and what crosses as batches grow."""

from dataclasses import replace
from typing import Annotated

from matplotlib.patches import Rectangle
from torch import nn

from ..architecture import SPECS
from ..distributed import bytes_of_gradients, bytes_to_cross
from ..guard import Bounds, validated
from ..paper import LEARNING
from ..spec import crossings
from ..towers import TOWERS, maps_of, maps_read
from .picture import BLUE, GRAY, NARROW, ORANGE, Picture, subplots


@validated
def connections(layers: dict[str, nn.Conv2d]) -> Picture:
    """Which kernels read which maps, as a block for each pair of towers (§3.2).

    layers: some convolutions under their names; a grouped one keeps its towers apart.
    """
    figure, axes = subplots(1, len(layers), figsize=(NARROW, 3.5), squeeze=False)
    told = []
    for axis, (name, conv) in zip(axes.flat, layers.items(), strict=True):
        for tower in range(TOWERS):
            kernels = maps_of(tower, conv.out_channels)
            reads = maps_read(tower, conv.in_channels, own_only=conv.groups == TOWERS)
            told.append(f"{name}: kernels {kernels[0]} to {kernels[-1]} read maps {reads[0]} to {reads[-1]}")
            for other in range(TOWERS):
                maps = maps_of(other, conv.in_channels)
                across, corner = other != tower, (maps[0], kernels[0])
                color = "white" if maps[0] not in reads else "#f3c7a9" if across else "#b9cfdd"
                words = "0" if maps[0] not in reads else "crosses" if across else "stays"
                block = Rectangle(corner, len(maps), len(kernels), facecolor=color, edgecolor="black")
                axis.add_patch(block)
                middle = (maps[0] + len(maps) / 2, kernels[0] + len(kernels) / 2)
                axis.text(*middle, words, ha="center", va="center", fontsize=11)
        axis.set(xlim=(0, conv.in_channels), ylim=(conv.out_channels, 0), xlabel="maps below")
        for lines, count in ((axis.set_xticks, conv.in_channels), (axis.set_yticks, conv.out_channels)):
            lines((0, count // TOWERS, count))
        axis.set_title(f"kernels of {name}", fontsize=11, fontweight="bold")
    figure.tight_layout()
    return Picture(figure, f"Blocks of weights between kernels and the maps below. {'; '.join(told)}.")


def what_would_cross() -> Picture:
    """Numbers below each layer that would cross for one image, and which do in the paper (§3.2)."""
    paper = SPECS["paper"]
    every = replace(paper, convs=tuple(replace(conv, grouped=False) for conv in paper.convs))
    numbers, across = crossings(every), crossings(paper)
    figure, axis = subplots(figsize=(NARROW, 3.6))
    told = []
    for row, (name, count) in enumerate(numbers.items()):
        color, verb = (ORANGE, "crosses") if name in across else (GRAY, "stays")
        axis.barh(row, count, height=0.62, color=color)
        axis.text(count + 900, row, f"{count:,}  {verb}", va="center", fontsize=10, color=color)
        told.append(f"before {name} {count:,} ({verb})")
    axis.set_yticks(range(len(numbers)), numbers, fontsize=11)
    axis.invert_yaxis()
    axis.set(xticks=[], xlim=(0, 1.36 * max(numbers.values())))
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.set_title("Numbers of both towers below each layer, one image", fontsize=11, loc="left")
    figure.tight_layout()
    return Picture(figure, f"Bars of the numbers of both towers below each layer: {', '.join(told)}.")


@validated
def bytes_by_batch(most: Annotated[int, Bounds(1000, 100_000)] = 1500) -> Picture:
    """What one training step sends, by the size of the batch: split in towers, or split by images (§3.2)."""
    spec = SPECS["paper"]
    towers = bytes_to_cross(spec, images=1).total() / 1e6  # MB; everything in it grows with the batch
    gradients = bytes_of_gradients(spec) / 1e6
    meet, paper = gradients / towers, LEARNING.batch_size
    figure, axis = subplots(figsize=(NARROW, 3.8))
    axis.plot((0, most), (0, towers * most), color=ORANGE, lw=2.5)
    axis.plot((0, most), (gradients, gradients), color=BLUE, lw=2.5, ls="--")
    axis.plot(paper, towers * paper, "o", color="black")
    axis.plot(meet, gradients, "o", color="black")
    note = {"fontsize": 10, "va": "center"}
    axis.text(paper + 45, towers * paper - 12, f"batch {paper}: {towers * paper:.0f} MB", **note)
    axis.text(meet + 30, gradients - 40, f"equal near {meet:.0f}", **note)
    axis.text(590, towers * 590 - 55, "towers: activities", color=ORANGE, **note)
    axis.text(20, gradients + 30, "halves of a batch: gradients of all weights", color=BLUE, **note)
    axis.set(xlim=(0, most), ylim=(0, towers * most), xlabel="images in a batch", ylabel="MB per step")
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    return Picture(
        figure,
        f"Megabytes sent in one training step against the batch size. Two towers send more with every image, "
        f"{towers * paper:.0f} MB at {paper}; two halves of a batch send {gradients:.0f} MB at any size. "
        f"The lines meet near {meet:.0f} images.",
    )
