"""What chapter 3.2 draws, tabulates and asks."""

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..architecture import AlexNetSpec
from ..counts import crossings, trace
from ..distributed import bytes_of_gradients, bytes_to_cross
from ..paper import LEARNING
from ..specs import SPECS
from ..towers import TOWERS, maps_of, maps_read
from .palette import BLUE, GRAY, ORANGE
from .picture import NARROW, Picture, box, subplots
from .table import Table
from .verdict import Verdict, check_function, check_number


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
                color = "none" if maps[0] not in reads else (ORANGE, 0.3) if across else (BLUE, 0.28)
                words = "0" if maps[0] not in reads else "crosses" if across else "stays"
                style = {"facecolor": color, "edgecolor": "black"}
                box(axis, corner, len(maps), len(kernels), **style)
                middle = (maps[0] + len(maps) / 2, kernels[0] + len(kernels) / 2)
                axis.text(*middle, words, ha="center", va="center", fontsize=11)
        axis.set(xlim=(0, conv.in_channels), ylim=(conv.out_channels, 0), xlabel="maps below")
        for lines, count in ((axis.set_xticks, conv.in_channels), (axis.set_yticks, conv.out_channels)):
            lines((0, count // TOWERS, count))
        axis.set_title(f"kernels of {name}", fontsize=11, fontweight="bold")
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
    axis.spines["bottom"].set_visible(False)
    axis.set_title("Numbers of both towers below each layer, one image", fontsize=11, loc="left")
    return Picture(figure, f"Bars of the numbers of both towers below each layer: {', '.join(told)}.")


def bytes_by_batch(most: int = 1500) -> Picture:
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
    return Picture(
        figure,
        f"Megabytes sent in one training step against the batch size. Two towers send more with every image, "
        f"{towers * paper:.0f} MB at {paper}; two halves of a batch send {gradients:.0f} MB at any size. "
        f"The lines meet near {meet:.0f} images.",
    )


# Run 150's towers are two nets that only fc8 reads together (layers-150.cfg). Each is wider than a tower of
# the paper, conv2 by 32 kernels and fc6 by 2048 units, so that the parameters stay as many.
_KERNELS = (48, 160, 192, 192, 128)
SEPARATE_TOWER = replace(
    SPECS["one-gpu"],
    name="run 150, one tower",
    convs=tuple(
        replace(conv, out_channels=maps) for conv, maps in zip(SPECS["one-gpu"].convs, _KERNELS, strict=True)
    ),
    hidden=(4096, 2048),
)


_NAMES = ("one-gpu", "paper", "full-width")


def nets_of_section_3_2() -> Table:
    """The nets of §3.2's comparison, the 2012 run without communication, and the net without towers."""
    found = {name: (SPECS[name], *_costs(SPECS[name]), crossings(SPECS[name])) for name in _NAMES}
    rows = [
        (name, _kernels(spec), f"{parameters:,}", f"{work / 1e6:,.0f}", f"{sum(across.values()):,}")
        for name, (spec, parameters, work, across) in found.items()
    ]
    parameters, work = _costs(SEPARATE_TOWER)
    parameters = 2 * parameters - SEPARATE_TOWER.classes  # fc8 has its biases once
    across = 2 * SEPARATE_TOWER.hidden[-1]  # fc8 alone reads both
    kernels = _kernels(SEPARATE_TOWER, towers=2)
    rows.append(("run 150", kernels, f"{parameters:,}", f"{2 * work / 1e6:,.0f}", f"{across:,}"))
    columns = (
        "net",
        "kernels of conv1 to conv5",
        "parameters",
        "million multiply-accumulates",
        "numbers that cross",
    )
    return Table("What towers and their wiring take, for one image", columns, tuple(rows))


def _costs(spec: AlexNetSpec) -> tuple[int, int]:
    """Parameters and multiply-accumulates."""
    layers = list(trace(spec))
    return sum(layer.parameters for layer in layers), sum(layer.multiply_accumulates for layer in layers)


def _kernels(spec: AlexNetSpec, towers: int = 1) -> str:
    return ", ".join(str(towers * conv.out_channels) for conv in spec.convs)


def check_conv3_bytes(answer: int) -> Verdict:
    """§3.2: how many bytes cross before conv3 in the forward pass of a batch of 128, at 4 bytes a number?"""
    return check_number(
        answer,
        bytes_to_cross(SPECS["paper"], images=128)["conv3", "forward"],
        "Hint: conv3 reads what pooling leaves of conv2, 256 maps of 13 x 13; each map crosses once, to the "
        "tower that does not hold it, and each number takes 4 bytes.",
        "256 maps of 13 x 13 for each of 128 images, 4 bytes each: 22 MB.",
    )


def check_equal_batch(answer: int) -> Verdict:
    """§3.2: the smallest batch for which two towers send more than two halves of the batch would."""
    spec = SPECS["paper"]
    return check_number(
        answer,
        bytes_of_gradients(spec) // bytes_to_cross(spec, images=1).total() + 1,
        "Hint: what towers send grows with the batch, what halves of a batch send does not. Divide one by "
        "the other, and count images whole.",
        "beyond it the weights are the smaller load, and today's batches are often larger.",
    )


def check_in_two_towers(answer: Callable) -> Verdict:
    """§3.2: in_two_towers(x, weight, bias) -> the grouped convolution's maps, from ungrouped ones."""

    def oracle(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.conv2d(x, weight, bias, padding=1, groups=2)

    draw = torch.Generator().manual_seed(32)

    def case(images: int, read: int, maps: int) -> tuple[Tensor, Tensor, Tensor]:
        shapes = (images, 2 * read, 6, 6), (maps, read, 3, 3), (maps,)
        return tuple(torch.randn(shape, generator=draw) for shape in shapes)

    return check_function(
        answer,
        oracle,
        [case(2, 4, 6), case(1, 3, 10), case(3, 1, 2)],
        "Hint: x, weight and bias each have a first and a second half. Which axis of x counts maps, and "
        "which axis of weight counts kernels?",
        "torch's convolution with groups=2 has the same maps.",
    )


def check_own_gradient(answer: Callable) -> Verdict:
    """§3.2: own_gradient(first, second, tower) -> the gradient of a tower's own maps.

    first, second: (N, C, H, W), the gradients of all C maps through the layers of tower 0 and of tower 1.
    """

    def oracle(first: Tensor, second: Tensor, tower: int) -> Tensor:
        maps = torch.zeros_like(first, requires_grad=True)
        own = maps.chunk(2, dim=1)  # the loss is the sum over both towers' readings
        read = torch.cat(own, dim=1)
        return torch.autograd.grad((read * first).sum() + (read * second).sum(), own[tower])[0]

    draw = torch.Generator().manual_seed(33)

    def case(maps: int, tower: int) -> tuple[Tensor, Tensor, int]:
        return *(torch.randn(2, maps, 3, 3, generator=draw) for _ in range(2)), tower

    return check_function(
        answer,
        oracle,
        [case(6, 0), case(6, 1), case(4, 1)],
        "Hint: both towers read the maps, so each knows a part of how the loss depends on them. Whose maps "
        "are asked for, and how many are they?",
        "it is what autograd finds; the half of the other tower's gradient is what has to cross.",
    )
