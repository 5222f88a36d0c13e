"""Figures of §4.1, data augmentation."""

from typing import Annotated

import numpy as np
from matplotlib.patches import Rectangle
from torch import Tensor

from ..augmentation import PCAColorNoise, require_images, ten_crop, views
from ..guard import Bounds, Count, Fraction, Index, require_tensor, validated
from .picture import BLUE, GRAY, NARROW, ORANGE, Picture, as_picture, paired_bars, subplots

Place = tuple[Index, Index, bool]
Moves = Annotated[int, Bounds(1, 4096)]  # of a side: its places are drawn one by one


@validated
def rescaling(name: str, photograph: Tensor, square: Tensor) -> Picture:
    """A whole photograph with the central square that is kept, and that square rescaled (§2)."""
    whole, kept = as_picture(photograph, "photograph"), as_picture(square, "square")
    (height, width, _), (rows, stored, _) = whole.shape, kept.shape
    if rows != stored:
        raise ValueError(f"square has {rows} rows and {stored} columns, and must have as many of both (§2)")
    side = min(height, width)
    figure, axes = subplots(1, 2, figsize=(4.8, 2.3), width_ratios=(width, side))
    axes[0].imshow(whole, extent=(0, width, height, 0))
    axes[1].imshow(kept)
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


@validated
def crop_frames(image: Tensor, places: tuple[Place, Place], size: Count = 224) -> Picture:
    """A square image with the frames of two crops, and the crops; places: (top, left, reflected)."""
    picture = as_picture(image)
    for top, left, _ in places:
        if top + size > image.shape[1] or left + size > image.shape[2]:
            raise ValueError(
                f"places hold {top, left}, where a crop of size {size} leaves the image of "
                f"{image.shape[1]} x {image.shape[2]}: begin further up or left, or make it smaller"
            )
    figure, axes = subplots(1, 3, figsize=(NARROW, 2.4))
    axes[0].imshow(picture)
    axes[0].set_title(f"{image.shape[1]} x {image.shape[2]}\n", fontsize=11)
    told = []
    for axis, (top, left, reflected), color in zip(axes[1:], places, (BLUE, ORANGE), strict=True):
        for shade, width in (("white", 4), (color, 2)):  # the white line shows on any photograph
            corner = (left - 0.5, top - 0.5)
            axes[0].add_patch(Rectangle(corner, size, size, fill=False, edgecolor=shade, lw=width))
        crop = image[:, top : top + size, left : left + size]
        axis.imshow(as_picture(crop.flip(-1) if reflected else crop))
        kind = "reflected" if reflected else "not reflected"
        axis.set_title(f"row {top}, column {left},\n{kind}", fontsize=11, color=color)
        told.append(f"row {top}, column {left}, {kind}")
    for axis in axes:
        axis.axis("off")
    figure.tight_layout()
    return Picture(
        figure,
        f"A photograph of {image.shape[1]} x {image.shape[2]} with two overlapping frames, and the crops of "
        f"{size} x {size} inside them, with the place of the top left corner: {'; '.join(told)}.",
    )


@validated
def crop_positions(side: Moves = 256, size: Count = 224) -> Picture:
    """Why 6 - 4 leaves three places and not two, and the places of `size` in `side` as a grid of dots."""
    views(side, size)  # refuses a size that does not fit
    last = side - size
    if not 1 <= last <= 256:
        raise ValueError(
            f"size is {size} in a side of {side}, and must leave 1 to 256 moves: a grid shows no more dots"
        )
    figure, (row, grid) = subplots(1, 2, figsize=(NARROW, 3.7), width_ratios=(1, 1.35))
    for place in range(3):
        for pixel in range(6):
            color = "#b9cfdd" if place <= pixel < place + 4 else "white"
            corner = (pixel, -1.6 * place)
            row.add_patch(Rectangle(corner, 1, 1, facecolor=color, edgecolor="black", lw=0.8))
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


@validated
def color_components(images: Tensor, noise: PCAColorNoise, dots: Count = 2500) -> Picture:
    """Pixels of uint8 images in the plane of red and blue, and the fitted components as bars of color."""
    require_images(images)
    if not images.numel() or noise.eigenvalues is None or not noise.eigenvalues.sum():
        raise ValueError(
            f"images have shape {tuple(images.shape)} and noise is {noise}, and must be pixels of "
            f"several colors and what was fitted to them: PCAColorNoise().fit(images)"
        )
    figure, (cloud, bars) = subplots(1, 2, figsize=(NARROW, 3.3), width_ratios=(1.25, 1))
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
        f"Left, pixels by red and blue in their own color, with the principal components as lines from the "
        f"mean. Right, a bar of colors along each component. Shares of the variance: {'; '.join(told)}.",
    )


def _photograph_grid(images: list[list[Tensor]], rows: list[str], columns: list[str], alt: str) -> Picture:
    """Small photographs in rows and columns with names; images (3, H, W) on 0-255."""
    size = (0.8 * len(columns) + 0.6, 0.76 * len(rows) + 0.5)
    figure, axes = subplots(len(rows), len(columns), figsize=size, squeeze=False)
    for axis, image in zip(axes.flat, (image for row in images for image in row), strict=True):
        axis.imshow(as_picture(image))
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set(color=GRAY, lw=0.5)  # a picture that went white is still seen
    for axis, name in zip(axes[0], columns, strict=True):
        axis.set_title(name, fontsize=11)
    for axis, name in zip(axes[:, 0], rows, strict=True):
        axis.set_ylabel(name, fontsize=11, rotation=0, ha="right", va="center")
    figure.tight_layout(pad=0.2, w_pad=0.2, h_pad=0.2)
    return Picture(figure, alt)


@validated
def color_shifts(image: Tensor, shifts: dict[str, Tensor]) -> Picture:
    """A uint8 (3, H, W) image moved by -2 to 2 times each shift; shifts: (3,) gray levels for one sigma."""
    as_picture(image)
    for name, shift in shifts.items():
        require_tensor(f"shifts[{name!r}]", shift, "(3)", "it moves red, green and blue", finite=True)
    factors = (-2, -1, 0, 1, 2)
    grid = [[image + t * shift.float()[:, None, None] for t in factors] for shift in shifts.values()]
    # Two digits, so that the words are the same on machines that read a JPEG a little otherwise.
    most = {name: float(f"{2 * shift.abs().max():.2g}") for name, shift in shifts.items()}
    told = "; ".join(f"{name}: up to {level:.0f} gray levels" for name, level in most.items())
    columns = ["α = 0" if t == 0 else f"{t:+d}σ".replace("-", "−") for t in factors]
    return _photograph_grid(
        grid,
        list(shifts),
        columns,
        f"One photograph with a color shift of -2, -1, 0, 1 and 2 times sigma, a row for each kind. {told}.",
    )


@validated
def ten_patches(image: Tensor, size: Count = 224) -> Picture:
    """The ten patches of a test image, straight ones above their reflections."""
    as_picture(image)
    crops = list(ten_crop(image[None], size)[0])
    columns = ["top left", "top right", "bottom left", "bottom right", "center"]
    return _photograph_grid(
        [crops[:5], crops[5:]],
        ["straight", "reflected"],
        [name.replace(" ", "\n") for name in columns],
        f"Ten patches of {size} x {size} of one photograph: {', '.join(columns)}, and below them the "
        f"same places of the reflected photograph.",
    )


@validated
def view_errors(errors: dict[str, tuple[Fraction, Fraction]]) -> Picture:
    """Errors without and with random crops and reflections, a pair of bars for each set of views."""
    # In words and not in numbers, so that they are the same on machines that round otherwise.
    told = "; ".join(
        f"{name}: {'lower' if without < with_ else 'higher'} without"
        for name, (without, with_) in errors.items()
    )
    return Picture(
        paired_bars(errors, ("without", "with crops and reflections")),
        f"Error of two classifiers, trained without and with random crops and reflections. {told}.",
    )
