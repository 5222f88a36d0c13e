"""What chapter 3.5 draws, tabulates and asks."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import torch
from torch import Tensor, nn

from .. import paper
from ..architecture import SPECS, AlexNet, AlexNetSpec
from ..counts import crossings, trace
from ..pooling import output_size
from ..towers import crossing_numbers
from .palette import BLUE, GRAY, ORANGE
from .picture import NARROW, Picture, as_picture, box, paired_bars, subplots
from .table import Table
from .verdict import Verdict, check_function, check_number

READINGS = {  # how 224 pixels come to 55 windows, or do not: side, padding, ceil
    "224 pixels, floor": (224, 0, False),
    "224 pixels, ceil (source 2012)": (224, 0, True),
    "227 pixels, floor": (227, 0, False),
    "224 pixels, padding 2, floor": (224, 2, False),
}


def _draw_pixels(axis, pixels: range, side: int, end: int) -> None:
    """A row of pixels: zeros beyond the picture are white, pixels of the picture behind `end` orange."""
    for pixel in pixels:
        inside = pixel in range(side)
        color = "none" if not inside else (BLUE, 0.28) if pixel < end else ORANGE
        box(axis, (pixel - 0.5, 0), 1, 1, facecolor=color, edgecolor="black", lw=0.6)
        if not inside:
            axis.text(pixel, 0.47, "0", ha="center", va="center", fontsize=9)
        if pixel in (0, 10, 212, side - 1):
            axis.text(pixel, 1.15, str(pixel), ha="center", fontsize=10)
        if inside and pixel >= end:
            axis.text(pixel, -0.67, "in no window", ha="center", va="center", fontsize=10, color=ORANGE)


def _draw_windows(axis, starts: dict[int, int], z: int) -> None:
    """Windows as bars, one below the other; `starts`: number of the window -> its first pixel."""
    for level, (number, start) in enumerate(starts.items()):
        corner = (start - 0.5, -1.1 - 1.15 * level)
        box(axis, corner, z, 0.9, fill=False, edgecolor=BLUE, lw=2)
        middle = (start + (z - 1) / 2, corner[1] + 0.43)
        axis.text(*middle, f"window {number}", ha="center", va="center", fontsize=10)


def edge_windows() -> Picture:
    """Both ends of a row of pixels with the windows of conv1, for the four readings of "224" (§3.5)."""
    z, s = SPECS["paper"].convs[0].kernel_size, SPECS["paper"].convs[0].stride
    figure, axes = subplots(4, 2, figsize=(NARROW, 6.6), width_ratios=(17, 21))
    told = []
    for (title, (side, padding, ceil)), (left, right) in zip(READINGS.items(), axes, strict=True):
        count = output_size(side, z, s, padding, ceil)
        starts = {number: (number - 1) * s - padding for number in range(1, count + 1)}
        end = starts[count] + z  # the first pixel behind the last window
        drawn = range(-padding, max(side + padding, end))
        for axis, low, high, shown in ((left, -2, 15, (1, 2)), (right, 208, 229, (count - 1, count))):
            _draw_pixels(axis, range(max(low, drawn.start), min(high, drawn.stop)), side, end)
            _draw_windows(axis, {number: starts[number] for number in shown}, z)
            axis.set(xlim=(low - 0.7, high - 0.2), ylim=(-2.4, 1.9))
            axis.axis("off")
        left.set_title(f"{title}: {count} windows", loc="left", fontsize=11, fontweight="bold")
        told.append(
            f"{title}: {count} windows, the first from pixel {starts[1]}, the last over pixels "
            f"{starts[count]} to {end - 1} of 0 to {side - 1}"
        )
    return Picture(figure, f"Both ends of one row of pixels with windows of {z}. {'. '.join(told)}.")


def who_reads_what() -> Picture:
    """The eight layers from top to bottom, a box for each tower, and what reads across (§3.2, §3.5)."""
    spec = SPECS["paper"]
    layers, across = [layer for layer in trace(spec) if layer.parameters], crossings(spec)
    figure, axis = subplots(figsize=(NARROW, 7.0))
    left, width, both = (0.0, 2.3), 2.0, 4.3  # where a tower's boxes start, how wide they are, and both
    middle = [start + width / 2 for start in left]

    def layer_box(start, row, wide, words):
        box(axis, (start, -row), wide, 0.56, facecolor=(GRAY, 0.12), edgecolor="black")
        axis.text(start + wide / 2, 0.28 - row, words, ha="center", va="center", fontsize=10)

    layer_box(0, 0, both, f"image, 3 x {spec.image_size} x {spec.image_size}")
    told = []
    for row, layer in enumerate(layers, 1):
        reads = "both towers" if layer.name in across else "the image" if row == 1 else "own tower"
        for tower in range(spec.towers):
            axis.plot((middle[tower],) * 2, (1 - row, 0.56 - row), color=BLUE, lw=2)
            if layer.name in across:
                other = middle[1 - tower]
                axis.plot((other, middle[tower]), (1 - row, 0.56 - row), color=ORANGE, lw=2, ls="--")
            if layer is not layers[-1]:
                share = layer.channels // spec.towers
                words = f"{share} x {layer.size} x {layer.size}" if layer.size else f"{share} units"
                layer_box(left[tower], row, width, words)
        axis.text(-0.1, 0.28 - row, layer.name, ha="right", va="center", fontsize=11, fontweight="bold")
        color = ORANGE if layer.name in across else "black"
        axis.text(both + 0.1, 0.28 - row, f"reads {reads}", va="center", fontsize=10, color=color)
        told.append(f"{layer.name} reads {reads}")
    layer_box(0, len(layers), both, f"{layers[-1].channels} classes")  # nobody says how these are shared
    for tower, place in enumerate(middle, 1):
        axis.text(place, 0.72, f"tower {tower}", ha="center", fontsize=11, fontweight="bold")
    axis.set(xlim=(-0.8, 6.1), ylim=(-len(layers) - 0.1, 1))
    axis.axis("off")
    return Picture(figure, f"Two columns of boxes, one for each tower. {'; '.join(told)}.")


def parameters_and_arithmetic() -> Picture:
    """Which share of the parameters and of the multiply-accumulates each layer holds (§3.5)."""
    layers = [layer for layer in trace(SPECS["paper"]) if layer.parameters]
    parameters, work = sum(x.parameters for x in layers), sum(x.multiply_accumulates for x in layers)
    shares = {x.name: (x.parameters / parameters, x.multiply_accumulates / work) for x in layers}
    told = "; ".join(f"{name} {100 * p:.1f} and {100 * w:.1f}" for name, (p, w) in shares.items())
    return Picture(
        paired_bars(shares, ("parameters", "multiply-accumulates")),
        f"Shares of the parameters and of the multiply-accumulates, in per cent: {told}.",
    )


def active_units(shares: dict[str, tuple[float, float]]) -> Picture:
    """The share of units above zero in each layer, with the biases of §5 and with all biases 0 (§3.5, §5)."""
    # In tens, so that the words are the same on machines that round otherwise.
    told = "; ".join(
        f"{name} {10 * round(10 * a)} and {10 * round(10 * b)}" for name, (a, b) in shares.items()
    )
    return Picture(
        paired_bars(shares, ("biases as in §5", "all biases 0")),
        f"Active units before training, in per cent to the nearest ten, biases as in §5 and all 0: {told}.",
    )


def middle_field(name: str) -> tuple[int, int]:
    """First pixel and side of what the middle unit of a convolutional layer of the paper sees (§3.5)."""
    found = {layer.name: layer for layer in trace(SPECS["paper"])}
    start, step = 0, 1  # padding moves the first unit's field to the left by whole steps
    for number, conv in enumerate(SPECS["paper"].convs, 1):
        layer = found[f"conv{number}"]
        start -= conv.padding * step
        if layer.name == name:
            return start + layer.size // 2 * layer.stride, layer.receptive_field
        step = found.get(f"pool{number}", layer).stride
    raise ValueError(f"name is {name!r}, and the convolutional layers of §3.5 are conv1 to conv{number}")


def fields_on_photograph(
    image: Tensor, names: tuple[str, ...] = ("conv1", "conv2", "conv3", "conv5")
) -> Picture:
    """What the middle unit of some layers sees, as squares on a uint8 (3, 224, 224) image (§3.5)."""
    fields = {name: middle_field(name) for name in names}
    figure, axis = subplots(figsize=(4.4, 4.4))
    axis.imshow(as_picture(image))
    for name, (start, side) in fields.items():
        for color, width in (("black", 4), ("white", 2)):
            corner = (start - 0.5, start - 0.5)
            box(axis, corner, side, side, fill=False, edgecolor=color, lw=width)
        label = {"facecolor": "black", "pad": 1.5, "lw": 0}
        axis.text(start + 1, start - 3, f"{name}: {side}", fontsize=11, color="white", bbox=label)
    axis.axis("off")
    figure.tight_layout()
    told = ", ".join(f"{name} {side} x {side}" for name, (_, side) in fields.items())
    return Picture(
        figure,
        f"A photograph with squares around its middle, what one unit of each layer sees: {told}.",
        photograph=True,
    )


@cache
def torchinfo_layers(spec: AlexNetSpec) -> tuple[tuple[str, tuple[int, ...], int, int], ...]:
    """(name, output shape, parameters, multiply-accumulates) of every layer for one image, by torchinfo.

    torchinfo adds one operation for each bias to a layer's multiply-accumulates; they are taken off here,
    so that the number is the products alone, as in the common accounts of this net.
    """
    from torchinfo import summary

    with torch.device("meta"):  # shapes and counts need no memory
        model = AlexNet(spec)
    info = summary(
        model, input_size=(1, 3, spec.image_size, spec.image_size), device="meta", verbose=0, col_names=()
    )
    layers = []
    for layer in info.summary_list:
        if not layer.is_leaf_layer:
            continue
        positions = 1
        for side in layer.output_size[2:]:
            positions *= side
        weighs = isinstance(layer.module, nn.Conv2d | nn.Linear)  # a norm with parameters sums no products
        products = layer.macs - layer.module.bias.numel() * positions if weighs else 0
        layers.append((layer.var_name, tuple(layer.output_size[1:]), layer.num_params, products))
    return tuple(layers)


def layer_table(spec: str | AlexNetSpec = "paper") -> Table:
    """Every layer of one spec, from torchinfo: output, numbers, parameters, multiply-accumulates (§3.5)."""
    spec = _found(spec)
    rows = []
    for name, shape, parameters, macs in torchinfo_layers(spec):
        numbers = torch.Size(shape).numel()
        rows.append((name, " x ".join(map(str, shape)), f"{numbers:,}", f"{parameters:,}", f"{macs:,}"))
    return Table(
        f"{spec.name}: one image, layer by layer",
        ("layer", "output", "numbers", "parameters", "multiply-accumulates"),
        tuple(rows),
    )


def spec_table(names: Sequence[str] = tuple(SPECS)) -> Table:
    """The specs side by side, from torchinfo: sizes, parameters, multiply-accumulates, neurons (§3.5)."""
    rows = []
    for name in names:
        spec = _found(name)
        layers = torchinfo_layers(spec)
        shapes = {layer: shape for layer, shape, _, _ in layers}
        neurons = sum(
            torch.Size(s).numel() for layer, s in shapes.items() if layer.startswith(("conv", "fc"))
        )
        rows.append(
            (
                name,
                str(spec.image_size),
                str(spec.towers),
                " ".join(f"{conv.out_channels}" for conv in spec.convs),
                " x ".join(map(str, shapes["conv1"])),
                f"{sum(parameters for _, _, parameters, _ in layers):,}",
                f"{sum(macs for *_, macs in layers):,}",
                f"{neurons:,}",
                str(spec.classes),
            )
        )
    columns = ("spec", "image", "towers", "kernels", "conv1", "parameters", "multiply-accumulates", "neurons")
    return Table("The specs side by side, one image", (*columns, "classes"), tuple(rows))


def receptive_fields(spec: str | AlexNetSpec = "paper") -> Table:
    """How much of the image one output of each layer sees, and how far apart neighbors look (§3.5)."""
    spec = _found(spec)
    rows = tuple(
        (layer.name, str(layer.size), str(layer.receptive_field), str(layer.stride))
        for layer in trace(spec)
        if layer.size and layer.name.startswith(("conv", "pool"))
    )
    return Table(f"{spec.name}: receptive fields in input pixels", ("layer", "side", "sees", "step"), rows)


def counted_claims() -> Table:
    """A claim card for what can be counted instead of measured: sizes that the paper prints (§1, §3.5)."""
    layers = {layer.name: layer for layer in trace(SPECS["paper"])}
    parameters = sum(layer.parameters for layer in layers.values())
    convolutional = [
        layer.parameters / parameters for layer in layers.values() if layer.name.startswith("conv")
    ]
    counted = {"input": 3 * SPECS["paper"].image_size ** 2}
    counted |= {name: layer.neurons for name, layer in layers.items() if layer.neurons}
    claims = {claim.name: claim for claim in paper.CLAIMS}
    nothing = claims["parameters"].source or "nothing in the package"
    rows = [
        (claims[name].statement, claims[name].paper, nothing, f"{number:,}", "reproduced, rounded down")
        for name, number in (
            ("parameters", parameters),
            ("neurons", sum(layer.neurons for layer in layers.values())),
        )
    ]
    for name, printed in paper.NEURONS.items():
        source = "55 windows a side (layer.py:1004)" if name == "conv1" else nothing
        verdict = "reproduced" if printed == counted[name] else "contradicted: a misprint"
        rows.append(
            (
                f"Figure 2, {'pixel values' if name == 'input' else 'neurons'} of {name}",
                f"{printed:,}",
                source,
                f"{counted[name]:,}",
                verdict,
            )
        )
    share = f"{100 * min(convolutional):.2f} % to {100 * max(convolutional):.2f} %"
    rows.append(
        (
            "Parameters of one convolutional layer, as a share",
            "at most 1 %",
            nothing,
            share,
            "contradicted by conv3 and conv4",
        )
    )
    columns = ("claim", "paper", "original code", "ours (counted)", "verdict")
    return Table("Sizes that the paper prints (abstract, §1, Figure 2)", columns, tuple(rows))


def _found(spec: str | AlexNetSpec) -> AlexNetSpec:
    """A spec by its name, or itself."""
    return spec if isinstance(spec, AlexNetSpec) else SPECS[spec]


def _work(spec: AlexNetSpec, kind: str = "") -> int:
    """Multiply-accumulates of all layers whose name starts with `kind`."""
    return sum(layer.multiply_accumulates for layer in trace(spec) if layer.name.startswith(kind))


def operation_countings() -> Table:
    """The ways we know to count the operations for one image (§3.5)."""
    net = SPECS["paper"]
    first = next(trace(net))
    misprint = first.multiply_accumulates * paper.NEURONS["conv1"] // first.neurons
    floor = replace(net, convs=(replace(net.convs[0], ceil_mode=False), *net.convs[1:]))
    everything = _work(net)
    countings = {
        "multiply-accumulates of the paper's net": everything,
        "its convolutional layers alone": _work(net, "conv"),
        "its fully-connected layers alone": _work(net, "fc"),
        "with the caption's number of neurons in conv1": everything - first.multiply_accumulates + misprint,
        "with 54 windows a side in conv1": _work(floor),
        "without towers (full-width)": _work(SPECS["full-width"]),
        "torchvision's net": _work(SPECS["torchvision"]),
        "the paper's net, multiplications and additions counted apart": 2 * everything,
    }
    rows = tuple((name, f"{number:,}", f"{number / 1e6:.0f} million") for name, number in countings.items())
    return Table("Operations for one image", ("what is counted", "number", "rounded"), rows)


def check_windows(answer: int) -> Verdict:
    """§3.5: how many windows of conv1 lie along a side of 256 pixels, the last of them hanging over?"""
    return check_number(
        answer,
        output_size(256, 11, 4, ceil_mode=True),
        "Hint: windows start at pixel 0, 4, 8, ...; go on until the last pixel, 255, is inside one.",
        "62 windows leave the last pixel out, and the 63rd hangs over the edge by 3.",
    )


def check_conv2_crossing(answer: int) -> Verdict:
    """§3.5: how many numbers cross for one image if conv2 reads both towers?"""
    return check_number(
        answer,
        crossing_numbers(96, 27, 27),
        "Hint: conv2 reads what pooling leaves of conv1, and the other tower needs each of those maps once.",
        "96 maps of 27 x 27, each of them once: more than conv3 needs, because early maps are large.",
    )


def check_grouped_parameters(answer: Callable) -> Verdict:
    """§3.5: count(maps, z, below, towers) -> parameters of a convolution inside towers."""

    def oracle(maps: int, z: int, below: int, towers: int) -> int:
        layer = torch.nn.Conv2d(below, maps, z, groups=towers, device="meta")  # shapes without memory
        return sum(part.numel() for part in layer.parameters())

    return check_function(
        answer,
        oracle,
        [(96, 11, 3, 1), (256, 5, 96, 2), (384, 3, 256, 1), (12, 3, 8, 4)],
        "Hint: with one tower a kernel reads all maps below; with two, all kernels are still there, but each "
        "reads half. And each kernel has one bias.",
        "torch's own layers have as many, with one, two and four towers.",
    )


def check_receptive_field(answer: Callable) -> Verdict:
    """§3.5: field(windows) -> side seen by one unit; windows are (z, s) from the image upwards."""

    def oracle(windows: Sequence[tuple[int, int]]) -> int:
        side = 1
        for z, s in reversed(windows):
            side = (side - 1) * s + z
        return side

    pooled, small = (3, 2), (3, 1)
    conv5 = [(11, 4), pooled, (5, 1), pooled, small, small, small]
    return check_function(
        answer,
        oracle,
        [([(11, 4)],), ([small, small],), ([(11, 4), pooled],), (conv5,)],
        "Hint: two units of pool1 lie 2 apart on conv1; how many units of conv1 do both see together, "
        "and how many pixels do those see?",
        "it finds 163 pixels for conv5, as the table of this chapter does.",
    )
