"""Figures of §3.5, the overall architecture."""

from matplotlib.patches import Rectangle
from torch import Tensor

from ..architecture import SPECS
from ..guard import Fraction, require_tensor, validated
from ..pooling import output_size
from ..spec import crossings, trace
from .picture import BLUE, NARROW, ORANGE, Picture, as_picture, paired_bars, subplots

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
        color = "white" if not inside else "#b9cfdd" if pixel < end else ORANGE
        axis.add_patch(Rectangle((pixel - 0.5, 0), 1, 1, facecolor=color, edgecolor="black", lw=0.6))
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
        axis.add_patch(Rectangle(corner, z, 0.9, fill=False, edgecolor=BLUE, lw=2))
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
    figure.tight_layout(h_pad=0.6, w_pad=0.4)
    return Picture(figure, f"Both ends of one row of pixels with windows of {z}. {'. '.join(told)}.")


def who_reads_what() -> Picture:
    """The eight layers from top to bottom, a box for each tower, and what reads across (§3.2, §3.5)."""
    spec = SPECS["paper"]
    layers, across = [layer for layer in trace(spec) if layer.parameters], crossings(spec)
    figure, axis = subplots(figsize=(NARROW, 7.0))
    left, width, both = (0.0, 2.3), 2.0, 4.3  # where a tower's boxes start, how wide they are, and both
    middle = [start + width / 2 for start in left]

    def box(start, row, wide, words):
        axis.add_patch(Rectangle((start, -row), wide, 0.56, facecolor="#e8eff4", edgecolor="black"))
        axis.text(start + wide / 2, 0.28 - row, words, ha="center", va="center", fontsize=10)

    box(0, 0, both, f"image, 3 x {spec.image_size} x {spec.image_size}")
    told = []
    for row, layer in enumerate(layers, 1):
        reads = "both towers" if layer.name in across else "the image" if row == 1 else "own tower"
        for tower in range(spec.towers):
            axis.plot((middle[tower],) * 2, (1 - row, 0.56 - row), color=BLUE, lw=2)
            if layer.name in across:
                other = middle[1 - tower]
                axis.plot((other, middle[tower]), (1 - row, 0.56 - row), color=ORANGE, lw=2, ls="--")
            if layer is not layers[-1]:
                share = layer.maps // spec.towers
                words = f"{share} x {layer.side} x {layer.side}" if layer.side else f"{share} units"
                box(left[tower], row, width, words)
        axis.text(-0.1, 0.28 - row, layer.name, ha="right", va="center", fontsize=11, fontweight="bold")
        color = ORANGE if layer.name in across else "black"
        axis.text(both + 0.1, 0.28 - row, f"reads {reads}", va="center", fontsize=10, color=color)
        told.append(f"{layer.name} reads {reads}")
    box(0, len(layers), both, f"{layers[-1].maps} classes")  # nobody says how these are shared
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


@validated
def active_units(shares: dict[str, tuple[Fraction, Fraction]]) -> Picture:
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
    """First pixel and side of what the middle unit of a convolutional layer of the paper sees (§3.5).

    Raises ValueError for another name.
    """
    found = {layer.name: layer for layer in trace(SPECS["paper"])}
    start, step = 0, 1  # padding moves the first unit's field to the left by whole steps
    for number, conv in enumerate(SPECS["paper"].convs, 1):
        layer = found[f"conv{number}"]
        start -= conv.padding * step
        if layer.name == name:
            return start + layer.side // 2 * layer.stride, layer.receptive_field
        step = found.get(f"pool{number}", layer).stride
    raise ValueError(f"name is {name!r}, and the convolutional layers of §3.5 are conv1 to conv{number}")


@validated
def fields_on_photograph(
    image: Tensor, names: tuple[str, ...] = ("conv1", "conv2", "conv3", "conv5")
) -> Picture:
    """What the middle unit of some layers sees, as squares on a uint8 (3, 224, 224) image (§3.5)."""
    fields = {name: middle_field(name) for name in names}
    require_tensor("image", image, "(3, 224, 224)", "the fields are those of the paper's net")
    figure, axis = subplots(figsize=(4.4, 4.4))
    axis.imshow(as_picture(image))
    for name, (start, side) in fields.items():
        for color, width in (("black", 4), ("white", 2)):
            corner = (start - 0.5, start - 0.5)
            axis.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=color, lw=width))
        label = {"facecolor": "black", "pad": 1.5, "lw": 0}
        axis.text(start + 1, start - 3, f"{name}: {side}", fontsize=11, color="white", bbox=label)
    axis.axis("off")
    figure.tight_layout()
    told = ", ".join(f"{name} {side} x {side}" for name, (_, side) in fields.items())
    return Picture(
        figure, f"A photograph with squares around its middle, what one unit of each layer sees: {told}."
    )
