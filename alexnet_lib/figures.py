"""Every matplotlib figure of the book, each with the words that say what it shows."""

import base64
import io

import matplotlib

matplotlib.use("Agg")  # figures are shown as pictures with alt text, never as windows

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from .architecture import SPECS
from .augmentation import PCAColorNoise, ten_crop
from .pooling import output_size
from .spec import crossings, trace

# Distinct for the colour-blind, and in grey: dark blue and orange (Wong's palette).
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#777777"
WIDTH = 8.0  # inches at 100 dots: the text column of the book


class Picture:
    """A finished figure and its alt text. Shows itself in Jupyter and in the book; keeps no window open.

    The picture is stored with 256 colours: the page stays light, and nobody sees the difference.
    """

    def __init__(self, figure: Figure, alt: str):
        if len(alt) < 20:
            raise ValueError(f"alt is {alt!r}, and must say in a sentence what the figure shows")
        self.alt = alt
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=100, bbox_inches="tight", facecolor="white")
        plt.close(figure)
        stored = io.BytesIO()
        Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
            stored, "png", optimize=True
        )
        self.png = stored.getvalue()

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = {"image/png": base64.b64encode(self.png).decode(), "text/plain": self.alt}
        return data, {"image/png": {"alt": self.alt}}


def as_picture(image: Tensor) -> np.ndarray:
    """uint8 or float (3, H, W) on 0-255 -> what `imshow` takes, (H, W, 3) uint8."""
    if image.dim() != 3 or image.shape[0] != 3:
        raise ValueError(f"image has shape {tuple(image.shape)}, and a picture is (3, H, W)")
    return image.detach().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()


def photograph_row(images: dict[str, Tensor], alt: str, height: float = 2.2, per_row: int = 5) -> Picture:
    """Photographs or crops side by side, each under its title. Images uint8 (3, H, W)."""
    columns = min(per_row, len(images))
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, height * rows), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, (title, image) in zip(axes.flat, images.items(), strict=False):
        axis.imshow(as_picture(image))
        axis.set_title(title, fontsize=9)
    figure.tight_layout()
    return Picture(figure, alt)


# §3.3


def lrn_response(alphas: dict[str, float], k: float = 2.0, beta: float = 0.75) -> Picture:
    """What comes out of the normalization for one lone activity, for several alphas."""
    activity = np.linspace(0, 1000, 501)
    figure, axis = plt.subplots(figsize=(WIDTH, 3.6))
    told = []
    for (name, alpha), colour, style in zip(
        alphas.items(), (BLUE, ORANGE, GREEN), ("-", "--", ":"), strict=False
    ):
        response = activity / (k + alpha * activity**2) ** beta
        peak = int(response.argmax())
        axis.plot(activity, response, style, color=colour, linewidth=2.5, label=name)
        axis.plot(activity[peak], response[peak], "o", color=colour)
        axis.annotate(
            f"{activity[peak]:.0f} → {response[peak]:.0f}",
            (activity[peak], response[peak]),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
        )
        told.append(f"with {name} it peaks at {response[peak]:.0f} for an activity of {activity[peak]:.0f}")
    axis.set(xlabel="activity a of one map, its neighbours silent", ylabel="normalized b", ylim=(0, None))
    axis.margins(y=0.15)
    axis.legend(frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    return Picture(
        figure, "Normalized response against activity: it rises, then falls; " + ", ".join(told) + "."
    )


def lrn_windows(centres: tuple[int, ...] = (45, 46, 47, 48, 49, 50), n: int = 5, maps: int = 96) -> Picture:
    """Which maps the windows around the tower boundary read, with towers and without."""
    first, last = maps // 2 - 7, maps // 2 + 7
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.0), sharey=True)
    for axis, towers in zip(axes, (1, 2), strict=True):
        share = maps // towers
        for row, centre in enumerate(centres):
            tower = centre // share
            low, high = (
                max(tower * share, centre - n // 2),
                min((tower + 1) * share - 1, centre + (n - 1) // 2),
            )
            for number in range(first, last):
                inside = low <= number <= high
                colour = (BLUE if number < maps // 2 else ORANGE) if inside else "#eeeeee"
                axis.add_patch(plt.Rectangle((number - 0.45, row - 0.4), 0.9, 0.8, color=colour))
            axis.text(centre, row, "●", ha="center", va="center", color="white", fontsize=8)
        axis.axvline(maps / 2 - 0.5, color="black", linewidth=1.5)
        axis.set(xlim=(first - 0.6, last - 0.4), ylim=(len(centres) - 0.5, -0.5), xlabel="kernel map")
        axis.set_title("windows over all maps" if towers == 1 else "windows inside a tower", fontsize=10)
        axis.set_yticks(range(len(centres)), [f"map {centre}" for centre in centres])
        axis.tick_params(length=0)
        for side in axis.spines.values():
            side.set_visible(False)
    figure.tight_layout()
    edge = maps // 2
    return Picture(
        figure,
        f"Windows of {n} around maps {centres[0]} to {centres[-1]}. Left, over all maps, they cross the line "
        f"between map {edge - 1} and map {edge}. Right, inside a tower: every window stops at that line.",
    )


def maps_before_after(before: Tensor, after: Tensor, chosen: tuple[int, ...], photograph: Tensor) -> Picture:
    """A photograph, and for some maps the activity before and after normalization and their ratio.

    before, after: (C, H, W) of one image; photograph: uint8 (3, H, W). A silent map has no ratio.
    """
    figure = plt.figure(figsize=(WIDTH, 1.9 * len(chosen)))
    grid = figure.add_gridspec(len(chosen), 4)
    whole = figure.add_subplot(grid[:, 0])
    whole.imshow(as_picture(photograph))
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


# §3.5

READINGS = {  # how 224 pixels come to 55 windows, or do not: side, padding, ceil
    "224 pixels, floor": (224, 0, False),
    "224 pixels, ceil (source 2012)": (224, 0, True),
    "227 pixels, floor": (227, 0, False),
    "224 pixels, padding 2, floor": (224, 2, False),
}
NARROW = 5.6  # inches: words drawn at 10 points or more stay readable on a phone


def _draw_pixels(axis, pixels: range, side: int, end: int) -> None:
    """A row of pixels: zeros beyond the picture are white, pixels of the picture behind `end` orange."""
    for pixel in pixels:
        inside = pixel in range(side)
        colour = "white" if not inside else "#b9cfdd" if pixel < end else ORANGE
        axis.add_patch(plt.Rectangle((pixel - 0.5, 0), 1, 1, facecolor=colour, edgecolor="black", lw=0.6))
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
        axis.add_patch(plt.Rectangle(corner, z, 0.9, fill=False, edgecolor=BLUE, lw=2))
        middle = (start + (z - 1) / 2, corner[1] + 0.43)
        axis.text(*middle, f"window {number}", ha="center", va="center", fontsize=10)


def edge_windows() -> Picture:
    """Both ends of a row of pixels with the windows of conv1, for the four readings of "224" (§3.5)."""
    z, s = SPECS["paper"].convs[0].z, SPECS["paper"].convs[0].s
    figure, axes = plt.subplots(4, 2, figsize=(NARROW, 6.6), width_ratios=(17, 21))
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
    figure, axis = plt.subplots(figsize=(NARROW, 7.0))
    left, width, both = (0.0, 2.3), 2.0, 4.3  # where a tower's boxes start, how wide they are, and both
    middle = [start + width / 2 for start in left]

    def box(start, row, wide, words):
        axis.add_patch(plt.Rectangle((start, -row), wide, 0.56, facecolor="#e8eff4", edgecolor="black"))
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
        colour = ORANGE if layer.name in across else "black"
        axis.text(both + 0.1, 0.28 - row, f"reads {reads}", va="center", fontsize=10, color=colour)
        told.append(f"{layer.name} reads {reads}")
    box(0, len(layers), both, f"{layers[-1].maps} classes")  # nobody says how these are shared
    for tower, place in enumerate(middle, 1):
        axis.text(place, 0.72, f"tower {tower}", ha="center", fontsize=11, fontweight="bold")
    axis.set(xlim=(-0.8, 6.1), ylim=(-len(layers) - 0.1, 1))
    axis.axis("off")
    return Picture(figure, f"Two columns of boxes, one for each tower. {'; '.join(told)}.")


def _paired_bars(shares: dict[str, tuple[float, float]], names: tuple[str, str]) -> Figure:
    """Two horizontal bars for each layer, in per cent; `names` are said above the first pair."""
    figure, axis = plt.subplots(figsize=(NARROW, 0.55 * len(shares) + 0.7))
    for row, pair in enumerate(shares.values()):
        for offset, share, colour in zip((-0.2, 0.2), pair, (BLUE, ORANGE), strict=True):
            axis.barh(row + offset, 100 * share, height=0.36, color=colour)
            axis.text(100 * share + 0.8, row + offset, f"{100 * share:.1f} %", va="center", fontsize=10)
    axis.set_yticks(range(len(shares)), shares, fontsize=11)
    axis.invert_yaxis()
    axis.set_xticks([])
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    widest = 100 * max(max(pair) for pair in shares.values())
    axis.set_xlim(0, 1.18 * widest)
    for place, name, colour in zip((0.0, 0.5), names, (BLUE, ORANGE), strict=True):
        axis.text(place, 1.02, name, transform=axis.transAxes, color=colour, fontsize=11, fontweight="bold")
    figure.tight_layout()
    return figure


def parameters_and_arithmetic() -> Picture:
    """Which share of the parameters and of the multiply-accumulates each layer holds (§3.5)."""
    layers = [layer for layer in trace(SPECS["paper"]) if layer.parameters]
    parameters, work = sum(x.parameters for x in layers), sum(x.multiply_accumulates for x in layers)
    shares = {x.name: (x.parameters / parameters, x.multiply_accumulates / work) for x in layers}
    told = "; ".join(f"{name} {100 * p:.1f} and {100 * w:.1f}" for name, (p, w) in shares.items())
    return Picture(
        _paired_bars(shares, ("parameters", "multiply-accumulates")),
        f"Shares of the parameters and of the multiply-accumulates, in per cent: {told}.",
    )


def active_units(shares: dict[str, tuple[float, float]]) -> Picture:
    """The share of units above zero in each layer, with the biases of §5 and with all biases 0 (§3.5, §5)."""
    # In tens, so that the words are the same on machines that round otherwise.
    told = "; ".join(
        f"{name} {10 * round(10 * a)} and {10 * round(10 * b)}" for name, (a, b) in shares.items()
    )
    return Picture(
        _paired_bars(shares, ("biases as in §5", "all biases 0")),
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


def fields_on_photograph(
    image: Tensor, names: tuple[str, ...] = ("conv1", "conv2", "conv3", "conv5")
) -> Picture:
    """What the middle unit of some layers sees, as squares on a uint8 (3, 224, 224) image (§3.5)."""
    figure, axis = plt.subplots(figsize=(4.4, 4.4))
    axis.imshow(as_picture(image))
    fields = {name: middle_field(name) for name in names}
    for name, (start, side) in fields.items():
        for colour, width in (("black", 4), ("white", 2)):
            corner = (start - 0.5, start - 0.5)
            axis.add_patch(plt.Rectangle(corner, side, side, fill=False, edgecolor=colour, lw=width))
        label = {"facecolor": "black", "pad": 1.5, "lw": 0}
        axis.text(start + 1, start - 3, f"{name}: {side}", fontsize=11, color="white", bbox=label)
    axis.axis("off")
    figure.tight_layout()
    told = ", ".join(f"{name} {side} x {side}" for name, (_, side) in fields.items())
    return Picture(
        figure, f"A photograph with squares around its middle, what one unit of each layer sees: {told}."
    )


# §4.1


def rescaling(name: str, photograph: Tensor, square: Tensor) -> Picture:
    """A whole photograph with the central square that is kept, and that square rescaled (§2)."""
    _, height, width = photograph.shape
    side, stored = min(height, width), square.shape[-1]
    figure, axes = plt.subplots(1, 2, figsize=(4.8, 2.3), width_ratios=(width, side))
    axes[0].imshow(as_picture(photograph), extent=(0, width, height, 0))
    axes[1].imshow(as_picture(square))
    top, left = (height - side) / 2, (width - side) / 2
    for low, high in ((0, left), (left + side, width)):
        axes[0].axvspan(low, high, color="white", alpha=0.7, lw=0)
    for low, high in ((0, top), (top + side, height)):
        axes[0].axhspan(low, high, color="white", alpha=0.7, lw=0)
    for axis, words in zip(axes, (f"{name}, {height} x {width}", f"{stored} x {stored}"), strict=True):
        axis.set_title(words, fontsize=11)
        axis.axis("off")
    figure.tight_layout()
    return Picture(
        figure,
        f"Left, the photograph {name}, {height} rows and {width} columns, faded outside its central square. "
        f"Right, that square alone, rescaled to {stored} x {stored}.",
    )


def crop_frames(image: Tensor, places: tuple[tuple[int, int, bool], ...], size: int = 224) -> Picture:
    """A square image with the frames of two crops, and the crops; places: (top, left, reflected)."""
    figure, axes = plt.subplots(1, 3, figsize=(NARROW, 2.4))
    axes[0].imshow(as_picture(image))
    axes[0].set_title(f"{image.shape[1]} x {image.shape[2]}\n", fontsize=11)
    told = []
    for axis, (top, left, reflected), colour in zip(axes[1:], places, (BLUE, ORANGE), strict=True):
        for shade, width in (("white", 4), (colour, 2)):  # the white line shows on any photograph
            corner = (left - 0.5, top - 0.5)
            axes[0].add_patch(plt.Rectangle(corner, size, size, fill=False, edgecolor=shade, lw=width))
        crop = image[:, top : top + size, left : left + size]
        axis.imshow(as_picture(crop.flip(-1) if reflected else crop))
        kind = "reflected" if reflected else "not reflected"
        axis.set_title(f"row {top}, column {left},\n{kind}", fontsize=11, color=colour)
        told.append(f"row {top}, column {left}, {kind}")
    for axis in axes:
        axis.axis("off")
    figure.tight_layout()
    return Picture(
        figure,
        f"A photograph of {image.shape[1]} x {image.shape[2]} with two overlapping frames, and the crops of "
        f"{size} x {size} inside them, with the place of the top left corner: {'; '.join(told)}.",
    )


def crop_positions(side: int = 256, size: int = 224) -> Picture:
    """Why 6 - 4 leaves three places and not two, and the places of `size` in `side` as a grid of dots."""
    last = side - size
    figure, (row, grid) = plt.subplots(1, 2, figsize=(NARROW, 3.7), width_ratios=(1, 1.35))
    for place in range(3):
        for pixel in range(6):
            colour = "#b9cfdd" if place <= pixel < place + 4 else "white"
            corner = (pixel, -1.6 * place)
            row.add_patch(plt.Rectangle(corner, 1, 1, facecolor=colour, edgecolor="black", lw=0.8))
        row.text(-0.3, 0.5 - 1.6 * place, f"place {place}", ha="right", va="center", fontsize=10)
    words = "crop of 4\nfrom 6 pixels:\n6 − 4 + 1 = 3 places"
    row.text(1.7, 3.6, words, ha="center", va="center", fontsize=11)
    row.set(xlim=(-3.1, 6.2), ylim=(-5.2, 5.5), aspect="equal")
    row.axis("off")
    ys, xs = np.mgrid[0 : last + 1, 0 : last + 1]
    added = (ys == last) | (xs == last)
    grid.scatter(xs[~added], ys[~added], s=6, color=BLUE)
    grid.scatter(xs[added], ys[added], s=13, color=ORANGE, marker="s")
    grid.set(xlim=(-1, last + 1), ylim=(last + 1, -1), aspect="equal")
    grid.set_xticks((0, last - 1, last), (0, "", last), fontsize=10)
    grid.set_yticks((0, last - 1, last), (0, "", last), fontsize=10)
    grid.set_xlabel("column of the corner", fontsize=10)
    grid.set_ylabel("row of the corner", fontsize=10)
    grid.text(0.5, 1.12, f"{last} × {last} = {last**2:,}", color=BLUE, **_above(grid))
    words = f"+ {(last + 1) ** 2 - last**2} = {last + 1} × {last + 1} = {(last + 1) ** 2:,}"
    grid.text(0.5, 1.03, words, color=ORANGE, **_above(grid))
    figure.tight_layout()
    return Picture(
        figure,
        f"Left: a crop of 4 in a row of 6 pixels at its three places, 0, 1 and 2. Right: the places of the "
        f"top left corner of a crop of {size} in {side} pixels, rows and columns 0 to {last}: {last} x "
        f"{last} = {last**2:,} dots, and {(last + 1) ** 2 - last**2} more in the last row and column.",
    )


def _above(axis) -> dict:
    """How words stand above an axis, in the middle."""
    return {"transform": axis.transAxes, "ha": "center", "fontsize": 11, "fontweight": "bold"}


def colour_components(images: Tensor, noise: PCAColorNoise, dots: int = 2500) -> Picture:
    """Pixels of uint8 images in the plane of red and blue, and the fitted components as bars of colour."""
    figure, (cloud, bars) = plt.subplots(1, 2, figsize=(NARROW, 3.3), width_ratios=(1.25, 1))
    pixels = images.permute(0, 2, 3, 1).reshape(-1, 3)
    pixels = pixels[:: max(1, len(pixels) // dots)].numpy()
    cloud.scatter(pixels[:, 0], pixels[:, 2], s=5, c=pixels / 255)
    cloud.set(xlim=(-5, 260), ylim=(-5, 260), aspect="equal", xticks=(0, 255), yticks=(0, 255))
    cloud.set_xlabel("red", fontsize=10)
    cloud.set_ylabel("blue", fontsize=10)
    mean, shares = noise.mean.numpy(), (noise.eigenvalues / noise.eigenvalues.sum()).tolist()
    deviations = (noise.unit * noise.eigenvalues.sqrt() * noise.eigenvectors).T.numpy()  # a row each
    steps = np.linspace(-2, 2, 81)[:, None]
    told = []
    for i, (deviation, share) in enumerate(zip(deviations, shares, strict=True)):
        end = mean + 2 * deviation
        for shade, width in (("white", 5), ("black", 2)):
            cloud.plot((mean[0], end[0]), (mean[2], end[2]), color=shade, lw=width)
        label = {"facecolor": "white", "pad": 1.5, "lw": 0}
        cloud.text(end[0], end[2], f"p{i + 1}", fontsize=11, ha="center", va="center", bbox=label)
        strip = (mean + steps * deviation).clip(0, 255).astype(np.uint8)
        bars.imshow(strip[None], extent=(-2, 2, -1.5 * i - 0.7, -1.5 * i), aspect="auto")
        bars.text(-2, 0.12 - 1.5 * i, f"p{i + 1}: {100 * share:.0f} % of the variance", fontsize=10)
        red, green, blue = (f"{10 * round(float(x) / 10):+d}" for x in 2 * deviation)
        told.append(f"p{i + 1} {100 * share:.0f} % (two deviations: red {red}, green {green}, blue {blue})")
    bars.set(xlim=(-2.05, 2.05), ylim=(-3.75, 0.6), xticks=(-2, 0, 2), yticks=[])
    bars.set_xlabel("standard deviations", fontsize=10)
    bars.spines[:].set_visible(False)
    figure.tight_layout()
    return Picture(
        figure,
        f"Left, pixels by red and blue in their own colour, with the principal components as lines from the "
        f"mean. Right, a bar of colours along each component. Shares of the variance: {'; '.join(told)}.",
    )


def _photograph_grid(images: list[list[Tensor]], rows: list[str], columns: list[str], alt: str) -> Picture:
    """Small photographs in rows and columns with names; images (3, H, W) on 0-255."""
    size = (0.8 * len(columns) + 0.6, 0.76 * len(rows) + 0.5)
    figure, axes = plt.subplots(len(rows), len(columns), figsize=size, squeeze=False)
    for axis, image in zip(axes.flat, (image for row in images for image in row), strict=True):
        axis.imshow(as_picture(image))
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set(color=GREY, lw=0.5)  # a picture that went white is still seen
    for axis, name in zip(axes[0], columns, strict=True):
        axis.set_title(name, fontsize=11)
    for axis, name in zip(axes[:, 0], rows, strict=True):
        axis.set_ylabel(name, fontsize=11, rotation=0, ha="right", va="center")
    figure.tight_layout(pad=0.2, w_pad=0.2, h_pad=0.2)
    return Picture(figure, alt)


def colour_shifts(image: Tensor, shifts: dict[str, Tensor]) -> Picture:
    """A uint8 (3, H, W) image moved by -2 to 2 times each shift; shifts: (3,) grey levels for one sigma."""
    factors = (-2, -1, 0, 1, 2)
    grid = [[image + t * shift.float()[:, None, None] for t in factors] for shift in shifts.values()]
    # Two digits, so that the words are the same on machines that read a JPEG a little otherwise.
    most = {name: float(f"{2 * shift.abs().max():.2g}") for name, shift in shifts.items()}
    told = "; ".join(f"{name}: up to {level:.0f} grey levels" for name, level in most.items())
    columns = ["α = 0" if t == 0 else f"{t:+d}σ".replace("-", "−") for t in factors]
    return _photograph_grid(
        grid,
        list(shifts),
        columns,
        f"One photograph with a colour shift of -2, -1, 0, 1 and 2 times sigma, a row for each kind. {told}.",
    )


def ten_patches(image: Tensor, size: int = 224) -> Picture:
    """The ten patches of a test image, straight ones above their reflections."""
    crops = list(ten_crop(image[None], size)[0])
    columns = ["top left", "top right", "bottom left", "bottom right", "centre"]
    return _photograph_grid(
        [crops[:5], crops[5:]],
        ["straight", "reflected"],
        [name.replace(" ", "\n") for name in columns],
        f"Ten patches of {size} x {size} of one photograph: {', '.join(columns)}, and below them the "
        f"same places of the reflected photograph.",
    )


def view_errors(errors: dict[str, tuple[float, float]]) -> Picture:
    """Errors without and with random crops and reflections, a pair of bars for each set of views."""
    # In words and not in numbers, so that they are the same on machines that round otherwise.
    told = "; ".join(
        f"{name}: {'lower' if without < with_ else 'higher'} without"
        for name, (without, with_) in errors.items()
    )
    return Picture(
        _paired_bars(errors, ("without", "with crops and reflections")),
        f"Error of two classifiers, trained without and with random crops and reflections. {told}.",
    )
