"""What chapter 3.2 draws, tabulates and asks."""

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import paper
from ..architecture import AlexNetSpec
from ..counts import crossings, trace
from ..distributed import bytes_of_gradients, bytes_to_cross
from ..paper import LEARNING
from ..specs import SPECS
from ..towers import TOWERS, maps_of, maps_read
from .evidence import Cards, card, claim_card, finding
from .palette import BLUE, GRAY, ORANGE
from .picture import NARROW, Picture, box, subplots
from .table import Table
from .verdict import Verdict, check_function, check_number


def two_towers() -> Picture:
    """The eight layers from left to right, one row of boxes for each GPU, and who reads what (§3.2)."""
    spec = SPECS["paper"]
    layers, across = [layer for layer in trace(spec) if layer.parameters], crossings(spec)
    figure, axis = subplots(figsize=(NARROW + 1.6, 2.5))
    rows = (1.5, 0.0)
    for column, layer in enumerate(layers):
        for tower, row in enumerate(rows):
            box(axis, (column, row), 0.62, 0.7, facecolor=(GRAY, 0.12), edgecolor="black")
            half = layer.channels // TOWERS
            axis.text(column + 0.31, row + 0.35, f"{half:,}", ha="center", va="center", fontsize=10)
            for source, start in enumerate(rows):
                if source == tower or layer.name in across:
                    ends = (column - 0.38, column), (start + 0.35, row + 0.35)
                    own = {"color": BLUE} if source == tower else {"color": ORANGE, "ls": "--"}
                    axis.plot(*ends, lw=2, **own)
        color = ORANGE if layer.name in across else "black"
        axis.text(column + 0.31, 2.4, layer.name, ha="center", fontsize=11, color=color)
    for tower, row in enumerate(rows, 1):
        axis.text(-0.5, row + 0.35, f"GPU {tower}", ha="right", va="center", fontsize=11, fontweight="bold")
    axis.set(xlim=(-1.3, len(layers) - 0.3), ylim=(-0.1, 2.75))
    axis.axis("off")
    told = ", ".join(across)
    return Picture(
        figure,
        "Two rows of boxes, one for each GPU, from conv1 to fc8, with half of the channels or neurons of "
        f"each layer. Both rows are read by {told}; the other layers read their own row.",
    )


def connections(layers: dict[str, nn.Conv2d]) -> Picture:
    """Which kernels read which input channels, as a block for each pair of towers (§3.2).

    layers: some convolutions under their names; a grouped one keeps its towers apart.
    """
    figure, axes = subplots(1, len(layers), figsize=(NARROW, 3.2), squeeze=False)
    told = []
    for axis, (name, conv) in zip(axes.flat, layers.items(), strict=True):
        for tower in range(TOWERS):
            kernels = maps_of(tower, conv.out_channels)
            reads = maps_read(tower, conv.in_channels, own_only=conv.groups == TOWERS)
            told.append(
                f"{name}: kernels {kernels[0]} to {kernels[-1]} read channels {reads[0]} to {reads[-1]}"
            )
            for other in range(TOWERS):
                channels = maps_of(other, conv.in_channels)
                across, corner = other != tower, (channels[0], kernels[0])
                read = channels[0] in reads
                color = "none" if not read else (ORANGE, 0.3) if across else (BLUE, 0.28)
                words = "0" if not read else "transferred" if across else "local"
                box(axis, corner, len(channels), len(kernels), facecolor=color, edgecolor="black")
                middle = (channels[0] + len(channels) / 2, kernels[0] + len(kernels) / 2)
                axis.text(*middle, words, ha="center", va="center", fontsize=10)
        axis.set(xlim=(0, conv.in_channels), ylim=(conv.out_channels, 0), xlabel="input channels")
        for lines, count in ((axis.set_xticks, conv.in_channels), (axis.set_yticks, conv.out_channels)):
            lines((0, count // TOWERS, count))
        axis.set_title(f"kernels of {name}", fontsize=11, fontweight="bold")
    return Picture(figure, f"Blocks of weights between kernels and input channels. {'; '.join(told)}.")


def inputs_of_layers() -> Picture:
    """How many activations each layer reads for one image, and which of them are transferred (§3.2)."""
    spec = SPECS["paper"]
    every = replace(spec, convs=tuple(replace(conv, grouped=False) for conv in spec.convs))
    counts, across = crossings(every), crossings(spec)
    figure, axis = subplots(figsize=(NARROW, 3.3))
    told = []
    for row, (name, count) in enumerate(counts.items()):
        color, verb = (ORANGE, "transferred") if name in across else (GRAY, "local")
        axis.barh(row, count, height=0.62, color=color)
        axis.text(count + 900, row, f"{count:,}  {verb}", va="center", fontsize=10, color=color)
        told.append(f"{name} {count:,} ({verb})")
    axis.set_yticks(range(len(counts)), counts, fontsize=11)
    axis.invert_yaxis()
    axis.set(xticks=[], xlim=(0, 1.45 * max(counts.values())))
    axis.spines["bottom"].set_visible(False)
    axis.set_title("Input activations of each layer, one image", fontsize=11, loc="left")
    return Picture(figure, f"Bars of the input activations of each layer: {', '.join(told)}.")


def bytes_by_batch(most: int = 1500) -> Picture:
    """What one training step transfers, by batch size: model parallel or data parallel (§3.2)."""
    spec = SPECS["paper"]
    towers = bytes_to_cross(spec, images=1).total() / 1e6  # MB; everything in it grows with the batch
    gradients = bytes_of_gradients(spec) / 1e6
    meet, batch = gradients / towers, LEARNING.batch_size
    figure, axis = subplots(figsize=(NARROW, 3.6))
    axis.plot((0, most), (0, towers * most), color=ORANGE, lw=2.5)
    axis.plot((0, most), (gradients, gradients), color=BLUE, lw=2.5, ls="--")
    axis.plot(batch, towers * batch, "o", color="black")
    axis.plot(meet, gradients, "o", color="black")
    note = {"fontsize": 10, "va": "center"}
    axis.text(batch + 45, towers * batch - 12, f"batch {batch}: {towers * batch:.0f} MB", **note)
    axis.text(meet + 30, gradients - 40, f"equal near {meet:.0f}", **note)
    axis.text(590, towers * 590 - 55, "model parallel: activations", color=ORANGE, **note)
    axis.text(20, gradients + 30, "data parallel: gradients of all weights", color=BLUE, **note)
    axis.set(xlim=(0, most), ylim=(0, towers * most), xlabel="images in a mini-batch", ylabel="MB per step")
    return Picture(
        figure,
        f"Megabytes transferred in one training step against the batch size. Model parallel transfers more "
        f"with every image, {towers * batch:.0f} MB at {batch}; data parallel transfers {gradients:.0f} MB "
        f"at any size. The lines meet near {meet:.0f} images.",
    )


# In run 150 only fc8 reads both towers (layers-150.cfg). Each is wider than a tower of the paper, conv2 by 32
# kernels and fc6 by 2048 neurons, so that there are as many parameters.
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
    """The networks that §3.2 compares, the 2012 run without communication, and one without towers."""
    found = {name: (SPECS[name], *_costs(SPECS[name]), crossings(SPECS[name])) for name in _NAMES}
    rows = [
        (name, _kernels(spec), f"{parameters / 1e6:.1f}", f"{work / 1e6:,.0f}", f"{sum(across.values()):,}")
        for name, (spec, parameters, work, across) in found.items()
    ]
    parameters, work = _costs(SEPARATE_TOWER)
    parameters = 2 * parameters - SEPARATE_TOWER.classes  # fc8 has its biases once
    across = 2 * SEPARATE_TOWER.hidden[-1]  # fc8 alone reads both
    kernels = _kernels(SEPARATE_TOWER, towers=2)
    rows.append(("run 150", kernels, f"{parameters / 1e6:.1f}", f"{2 * work / 1e6:,.0f}", f"{across:,}"))
    columns = (
        "network",
        "channels of conv1 to conv5",
        "million parameters",
        "million multiply-accumulates",
        "activations transferred",
    )
    return Table("Four networks, for one image", columns, tuple(rows))


def _costs(spec: AlexNetSpec) -> tuple[int, int]:
    """Parameters and multiply-accumulates."""
    layers = list(trace(spec))
    return sum(layer.parameters for layer in layers), sum(layer.multiply_accumulates for layer in layers)


def _kernels(spec: AlexNetSpec, towers: int = 1) -> str:
    return ", ".join(str(towers * conv.out_channels) for conv in spec.convs)


def claims() -> Cards:
    """The cards of §3.2; as long as we have no runs of our own, what the paper and the 2012 logs say."""
    asked = paper.claims("3.2")
    if all(finding(claim).answers for claim in asked):
        return claim_card("3.2")
    values = [[("paper", claim.paper), ("original code", claim.source)] for claim in asked]
    pairs = zip(asked, values, strict=True)
    return Cards([card(claim.statement, "runs of 2012", said) for claim, said in pairs])


def check_conv3_bytes(answer: int) -> Verdict:
    """§3.2: how many bytes are transferred before conv3 in the forward pass of 128 images, 4 bytes each?"""
    return check_number(
        answer,
        bytes_to_cross(SPECS["paper"], images=128)["conv3", "forward"],
        "Hint: conv3 reads what pooling leaves of conv2, 256 channels of 13 x 13; each channel is sent once, "
        "to the GPU that does not hold it, and each activation takes 4 bytes.",
        "256 channels of 13 x 13 for each of 128 images, 4 bytes each: 22 MB.",
    )


def check_equal_batch(answer: int) -> Verdict:
    """§3.2: the smallest batch for which model parallelism transfers more than data parallelism."""
    spec = SPECS["paper"]
    return check_number(
        answer,
        bytes_of_gradients(spec) // bytes_to_cross(spec, images=1).total() + 1,
        "Hint: the activations of two towers grow with the batch, the gradients of data parallelism do not. "
        "Divide one by the other, and count whole images.",
        "from here on the gradients are the smaller load, and today's batches are often larger.",
    )


def check_in_two_towers(answer: Callable) -> Verdict:
    """§3.2: in_two_towers(x, weight, bias) -> the grouped convolution, made of ungrouped ones."""

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
        "Hint: x, weight and bias each have a first and a second half. Which axis of x counts channels, "
        "and which axis of weight counts kernels?",
        "torch's convolution with groups=2 has the same output.",
    )


def check_own_gradient(answer: Callable) -> Verdict:
    """§3.2: own_gradient(first, second, tower) -> the gradient of a tower's own channels.

    first, second: (N, C, H, W), the gradients of all C channels through the layers of tower 0 and of 1.
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
        "Hint: both towers read the channels, so each knows a part of how the loss depends on them. Which "
        "tower's channels are asked for, and how many are they?",
        "autograd finds the same; half of the other tower's gradient is what has to be transferred.",
    )
