"""What chapter 3.5 draws, tabulates and asks."""

from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor, nn

from .. import paper
from ..architecture import SPECS, AlexNet, AlexNetSpec
from ..counts import crossings, trace
from ..pooling import output_size
from ..towers import crossing_numbers
from .palette import BLUE, GRAY, GREEN, ORANGE, PALETTE
from .picture import NARROW, Picture, as_picture, box, paired_bars, subplots
from .table import Table
from .verdict import Verdict, check_function, check_number

READINGS = {  # how 224 pixels come to 55 windows, or do not: side, padding, ceil
    "224 pixels, floor": (224, 0, False),
    "224 pixels, ceil (original code)": (224, 0, True),
    "227 pixels, floor": (227, 0, False),
    "224 pixels, padding 2, floor": (224, 2, False),
}


def _draw_pixels(axis, pixels: range, side: int, end: int) -> None:
    """A row of pixels: zeros beyond the border are white, pixels of the image after `end` orange."""
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
        end = starts[count] + z  # the first pixel after the last window
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


def _volume(axis, x: float, y: float, wide: float, high: float, color: str) -> None:
    """A cuboid seen from the left: as wide as its channels, as high and as deep as its spatial size."""
    from matplotlib.patches import Polygon

    left, right, low, top = x, x + wide, y - high / 2, y + high / 2
    dx, dy = 0.3 * high, 0.22 * high
    faces = {
        0.16: [(left, low), (right, low), (right, top), (left, top)],
        0.3: [(left, top), (right, top), (right + dx, top + dy), (left + dx, top + dy)],
        0.45: [(right, low), (right + dx, low + dy), (right + dx, top + dy), (right, top)],
    }
    for strength, corners in faces.items():
        axis.add_patch(Polygon(corners, facecolor=(color, strength), edgecolor=color, lw=1))


def network() -> Picture:
    """AlexNet as volumes: heights follow the spatial size, widths the channels, one color a tower (§3.5)."""
    spec = SPECS["paper"]
    layers = [layer for layer in trace(spec) if layer.parameters]
    across, colors, ys = crossings(spec), (PALETTE["tower 1"], PALETTE["tower 2"]), (1.15, -1.15)
    figure, axis = subplots(figsize=(1.2 * NARROW, 3.7))
    for slab, color in enumerate(("#cc3333", GREEN, BLUE)):
        _volume(axis, 0.08 * slab, -0.2, 0.07, 2.2, color)
    words = {"ha": "center", "fontsize": 9}
    axis.text(0.5, -2.35, f"{spec.image_size} × {spec.image_size}\n3", va="top", **words)
    axis.text(0.5, 2.45, "image", va="bottom", fontweight="bold", **words)
    x, ends = 1.25, (0.9, 0.9)
    starts, told = (0.0, 0.0), []
    for layer, conv in zip(layers, (*spec.convs, *(None,) * 3), strict=True):
        last = layer is layers[-1]
        high = 0.115 * layer.size**0.6 if layer.size else 1.9
        wide = 0.12 + 0.0035 * layer.channels / 2 if layer.size else 0.2
        places = (0.0, 0.0) if last else ys
        for tower, color in enumerate(colors):
            for source in range(spec.towers) if layer.name in across else (tower,):
                style = "-" if source == tower or last else "--"
                path = (ends[source], x - 0.04), (starts[source], places[tower])
                axis.plot(*path, color=colors[source], lw=1.4, ls=style, zorder=0)
            if layer.size:
                _volume(axis, x, places[tower], wide, high, color)
            elif not last:
                box(axis, (x, places[tower] - high / 2), wide, high, facecolor=(color, 0.3), edgecolor=color)
        if last:
            box(axis, (x, -high / 2), wide, high, facecolor=(GRAY, 0.3), edgecolor=GRAY)
        deep = 0.3 * high if layer.size else 0
        middle = x + (wide + deep) / 2
        half = f"{layer.channels // 2} + {layer.channels // 2}"
        size = f"{layer.size} × {layer.size}\n{half}" if layer.size else f"{layer.channels:,}"
        kernel = f"\n{conv.kernel_size} × {conv.kernel_size}" if conv else ""
        axis.text(middle, 2.45, layer.name + kernel, va="bottom", fontweight="bold", **words)
        axis.text(middle, -2.35, size, va="top", **words)
        ends, starts = (x + wide + 0.5 * deep,) * 2, tuple(y + 0.36 * deep for y in places)
        x += max(wide + deep + 0.36, 1.08 if layer.size else 0.72)
        told.append(f"{layer.name} {size.replace(chr(10), ', ')}")
    for tower, (color, y) in enumerate(zip(colors, ys, strict=True), 1):
        axis.text(
            0.5, y + (0.75 if y > 0 else -0.85), f"tower {tower}", color=color, fontweight="bold", **words
        )
    axis.set(xlim=(-0.1, x - 0.3), ylim=(-3.1, 3.2))
    axis.axis("off")
    return Picture(
        figure,
        f"AlexNet as two rows of volumes, one for each tower. Spatial size and channels: {'; '.join(told)}. "
        f"Lines cross between the rows before {', '.join(across)}.",
    )


def parameters_and_arithmetic() -> Picture:
    """The fraction of the parameters and of the multiply-accumulates in each layer (§3.5)."""
    layers = [layer for layer in trace(SPECS["paper"]) if layer.parameters]
    parameters, work = sum(x.parameters for x in layers), sum(x.multiply_accumulates for x in layers)
    shares = {x.name: (x.parameters / parameters, x.multiply_accumulates / work) for x in layers}
    told = "; ".join(f"{name} {100 * p:.1f} and {100 * w:.1f}" for name, (p, w) in shares.items())
    return Picture(
        paired_bars(shares, ("parameters", "multiply-accumulates")),
        f"Percent of the parameters and of the multiply-accumulates in each layer: {told}.",
    )


def middle_field(name: str) -> tuple[int, int]:
    """First pixel and size of the receptive field in the middle of a convolutional layer (§3.5)."""
    found = {layer.name: layer for layer in trace(SPECS["paper"])}
    start, step = 0, 1  # padding moves the first field to the left by whole steps
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
    """Receptive fields in the middle of some layers, as squares on a uint8 (3, 224, 224) image (§3.5)."""
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
        f"A photograph with the receptive field of one neuron of each layer around its middle: {told}.",
        photograph=True,
    )


@cache
def torchinfo_layers(spec: AlexNetSpec) -> tuple[tuple[str, tuple[int, ...], int, int], ...]:
    """(name, output shape, parameters, multiply-accumulates) of every layer for one image, by torchinfo.

    torchinfo adds one operation for each bias to a layer's multiply-accumulates; they are taken off here,
    so that the number is the products alone, as in the common accounts of this network.
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
    """Each layer that has parameters or changes the shape: output and costs, from torchinfo (§3.5)."""
    spec, rows, before = _found(spec), [], ()
    for name, shape, parameters, macs in torchinfo_layers(spec):
        if parameters or shape != before:
            size = " x ".join(map(str, shape))
            activations = torch.Size(shape).numel()
            rows.append((name, size, f"{activations:,}", f"{parameters:,}", f"{macs:,}"))
        before = shape
    return Table(
        f"{spec.name}: one image, layer by layer, from torchinfo",
        ("layer", "output", "activations", "parameters", "multiply-accumulates"),
        tuple(rows),
    )


def spec_table(names: Sequence[str] = tuple(SPECS)) -> Table:
    """The specs side by side, from torchinfo: image, kernels, parameters, multiply-accumulates (§3.5)."""
    rows = []
    for name in names:
        spec, layers = _found(name), torchinfo_layers(_found(name))
        kernels = " ".join(f"{conv.out_channels}" for conv in spec.convs)
        parameters, macs = (sum(layer[i] for layer in layers) for i in (2, 3))
        sizes = (str(spec.image_size), str(spec.towers), kernels, f"{parameters:,}", f"{macs:,}")
        rows.append((name, *sizes, str(spec.classes)))
    columns = ("spec", "image", "towers", "kernels", "parameters", "multiply-accumulates", "classes")
    return Table("Networks of this name, for one image", columns, tuple(rows))


def counted_claims() -> Table:
    """What the paper says about sizes, against counting (abstract, §1, caption of Figure 2)."""
    layers = {layer.name: layer for layer in trace(SPECS["paper"])}
    parameters = sum(layer.parameters for layer in layers.values())
    parts = [layer.parameters / parameters for layer in layers.values() if layer.name.startswith("conv")]
    counted = {"input": 3 * SPECS["paper"].image_size ** 2}
    counted |= {name: layer.neurons for name, layer in layers.items() if layer.neurons}
    right = sum(paper.NEURONS[name] == number for name, number in counted.items())
    claims = {claim.name: claim for claim in paper.CLAIMS}
    rows = [
        (claims[name].statement, claims[name].paper, claims[name].source or "–", f"{number:,}", verdict)
        for name, number, verdict in (
            ("parameters", parameters, "reproduced, rounded down"),
            ("neurons", sum(layer.neurons for layer in layers.values()), "reproduced, rounded down"),
        )
    ]
    rows += [
        (
            "Figure 2: values of the input, neurons of each layer",
            f"{len(paper.NEURONS)} numbers",
            "55 windows in conv1 (layer.py:1004)",
            f"{right} of {len(counted)} agree; conv1 has {counted['conv1']:,}, "
            f"not {paper.NEURONS['conv1']:,}",
            "reproduced, with one misprint",
        ),
        (
            "Parameters of one convolutional layer, in percent of all",
            "at most 1 %",
            "–",
            f"{100 * min(parts):.2f} % to {100 * max(parts):.2f} %",
            "contradicted by conv3 and conv4",
        ),
    ]
    columns = ("claim", "paper", "original code", "ours (counted)", "verdict")
    return Table("Sizes that the paper states (abstract, §1, Figure 2)", columns, tuple(rows))


def _found(spec: str | AlexNetSpec) -> AlexNetSpec:
    """A spec by its name, or itself."""
    return spec if isinstance(spec, AlexNetSpec) else SPECS[spec]


def check_windows(answer: int) -> Verdict:
    """§3.5: how many windows of conv1 fit along 256 pixels, if the last may extend past the border?"""
    return check_number(
        answer,
        output_size(256, 11, 4, ceil_mode=True),
        "Hint: windows start at pixel 0, 4, 8, ...; go on until the last pixel, 255, is inside one.",
        "62 windows leave the last pixel out, and the 63rd extends past the border by 3.",
    )


def check_conv2_crossing(answer: int) -> Verdict:
    """§3.5: how many activations are transferred for one image if conv2 reads both towers?"""
    return check_number(
        answer,
        crossing_numbers(96, 27, 27),
        "Hint: conv2 reads what pooling leaves of conv1; the other tower needs each of those channels once.",
        "96 channels of 27 x 27, each once: more than conv3 needs, because early feature maps are large.",
    )


def check_grouped_parameters(answer: Callable) -> Verdict:
    """§3.5: count(kernels, z, channels, towers) -> parameters of a convolution inside towers."""

    def oracle(kernels: int, z: int, channels: int, towers: int) -> int:
        layer = torch.nn.Conv2d(channels, kernels, z, groups=towers, device="meta")  # shapes without memory
        return sum(part.numel() for part in layer.parameters())

    return check_function(
        answer,
        oracle,
        [(96, 11, 3, 1), (256, 5, 96, 2), (384, 3, 256, 1), (12, 3, 8, 4)],
        "Hint: with one tower a kernel reads all input channels; with two, all kernels are still there, but "
        "each reads half. And each kernel has one bias.",
        "torch's own layers have as many, with one, two and four towers.",
    )


def check_receptive_field(answer: Callable) -> Verdict:
    """§3.5: field(windows) -> size of a receptive field; windows are (z, s) from the image on."""

    def oracle(windows: Sequence[tuple[int, int]]) -> int:
        size = 1
        for z, s in reversed(windows):
            size = (size - 1) * s + z
        return size

    pooled, small = (3, 2), (3, 1)
    conv5 = [(11, 4), pooled, (5, 1), pooled, small, small, small]
    return check_function(
        answer,
        oracle,
        [([(11, 4)],), ([small, small],), ([(11, 4), pooled],), (conv5,)],
        "Hint: two neurons of pool1 read windows 2 apart on conv1; how many neurons of conv1 do both read "
        "together, and how many pixels do those see?",
        "it finds 163 pixels for conv5, as the chapter says.",
    )
