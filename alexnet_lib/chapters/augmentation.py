"""What chapter 4.1 draws, tabulates and asks."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..augmentation import PCAColorNoise, ten_crop, views
from .palette import BLUE, GRAY, ORANGE
from .picture import NARROW, Picture, as_picture, box, paired_bars, subplots
from .verdict import Verdict, check_function, check_number


def rescaling(name: str, photograph: Tensor, square: Tensor) -> Picture:
    """A whole photograph with the central square that is kept, and that square rescaled (§2)."""
    whole, kept = as_picture(photograph), as_picture(square)
    (height, width, _), stored = whole.shape, len(kept)
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
        photograph=True,
    )


def crop_positions(side: int = 256, size: int = 224) -> Picture:
    """Why 6 - 4 leaves three positions and not two, and those of `size` in `side` as a grid of dots."""
    last = side - size
    figure, (row, grid) = subplots(1, 2, figsize=(NARROW, 3.7), width_ratios=(1, 1.35))
    for place in range(3):
        for pixel in range(6):
            color = (BLUE, 0.28) if place <= pixel < place + 4 else "none"
            corner = (pixel, -1.6 * place)
            box(row, corner, 1, 1, facecolor=color, edgecolor="black", lw=0.8)
        row.text(-0.3, 0.5 - 1.6 * place, f"position {place}", ha="right", va="center", fontsize=10)
    words = "crop of 4\nfrom 6 pixels:\n6 − 4 + 1 = 3 positions"
    row.text(1.7, 3.6, words, ha="center", va="center", fontsize=11)
    row.set(xlim=(-3.1, 6.2), ylim=(-5.2, 5.5), aspect="equal")
    row.axis("off")
    ys, xs = np.mgrid[0 : last + 1, 0 : last + 1]
    added = (ys == last) | (xs == last)
    figure.set_dpi(200)  # a thousand dots are lighter as pixels
    grid.scatter(xs[~added], ys[~added], s=6, color=BLUE, rasterized=True)
    grid.scatter(xs[added], ys[added], s=13, color=ORANGE, marker="s", rasterized=True)
    grid.set(xlim=(-1, last + 1), ylim=(last + 1, -1), aspect="equal")
    grid.set_xticks((0, last - 1, last), (0, "", last), fontsize=10)
    grid.set_yticks((0, last - 1, last), (0, "", last), fontsize=10)
    grid.set_xlabel("column of the corner", fontsize=10)
    grid.set_ylabel("row of the corner", fontsize=10)
    grid.text(0.5, 1.12, f"{last} × {last} = {last**2:,}", color=BLUE, **_above(grid))
    words = f"+ {(last + 1) ** 2 - last**2} = {last + 1} × {last + 1} = {(last + 1) ** 2:,}"
    grid.text(0.5, 1.03, words, color=ORANGE, **_above(grid))
    return Picture(
        figure,
        f"Left: a crop of 4 in a row of 6 pixels at its three positions, 0, 1 and 2. Right: the positions "
        f"of the top left corner of a crop of {size} in {side} pixels, rows and columns 0 to {last}: {last} "
        f"x {last} = {last**2:,} dots, and {(last + 1) ** 2 - last**2} more in the last row and column.",
    )


def _above(axis) -> dict:
    """The style of words above an axis, in the middle."""
    return {"transform": axis.transAxes, "ha": "center", "fontsize": 11, "fontweight": "bold"}


def color_components(images: Tensor, noise: PCAColorNoise, dots: int = 2500) -> Picture:
    """Pixels of uint8 images in the plane of red and blue, and the fitted components as bars of color."""
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
        f"mean. Right, a bar of colors along each component. Fractions of the variance: {'; '.join(told)}.",
        photograph=True,
    )


def _photograph_grid(images: list[list[Tensor]], rows: list[str], columns: list[str], alt: str) -> Picture:
    """Small photographs in rows and columns with names; images (3, H, W) on 0-255."""
    size = (0.68 * len(columns) + 0.6, 0.66 * len(rows) + 0.5)
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
    return Picture(figure, alt, photograph=True)


def color_shifts(image: Tensor, shifts: dict[str, Tensor]) -> Picture:
    """A uint8 (3, H, W) image moved by -2 to 2 times each shift; shifts: (3,) gray levels for one sigma."""
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


def ten_patches(image: Tensor, size: int = 224) -> Picture:
    """The ten patches of a test image, the flipped ones in the second row."""
    crops = list(ten_crop(image[None], size)[0])
    columns = ["top left", "top right", "bottom left", "bottom right", "center"]
    return _photograph_grid(
        [crops[:5], crops[5:]],
        ["as it is", "flipped"],
        [name.replace(" ", "\n") for name in columns],
        f"Ten patches of {size} x {size} of one photograph: {', '.join(columns)}, and below them the "
        f"same positions of the flipped photograph.",
    )


def view_errors(errors: dict[str, tuple[float, float]]) -> Picture:
    """Errors without and with random crops and flips, a pair of bars for each set of views."""
    # In words and not in numbers, so that they are the same on machines that round otherwise.
    told = "; ".join(
        f"{name}: {'lower' if without < with_ else 'higher'} without"
        for name, (without, with_) in errors.items()
    )
    return Picture(
        paired_bars(errors, ("without", "with crops and flips")),
        f"Error of two classifiers, trained without and with random crops and flips. {told}.",
    )


def check_places(answer: int) -> Verdict:
    """§4.1: at how many positions does a crop of 32 fit into a square image of 40, flips not counted?"""
    return check_number(
        answer,
        views(40, 32) // 2,
        "Hint: write down the first and the last row where the crop can start, and count both ends; rows and "
        "columns are chosen independently, and flips do not count here.",
        "rows 0 to 8 are nine, columns too. Flips would double it.",
    )


def check_crop_and_reflect(answer: Callable) -> Verdict:
    """§4.1: cut(images, top, left, flip, size), (N, 3, H, W) and three (N,) -> (N, 3, size, size)."""

    def oracle(images: Tensor, top: Tensor, left: Tensor, flip: Tensor, size: int) -> Tensor:
        crops = []
        for image, y, x, mirrored in zip(images, top, left, flip, strict=True):
            crop = image[:, y : y + size, x : x + size]
            crops.append(crop.flip(-1) if mirrored else crop)
        return torch.stack(crops)

    draw = torch.Generator().manual_seed(41)
    images = torch.randint(0, 256, (4, 3, 9, 8), generator=draw, dtype=torch.uint8)
    top, left = torch.tensor([0, 4, 1, 3]), torch.tensor([3, 0, 2, 1])
    straight, mixed = torch.zeros(4, dtype=torch.bool), torch.tensor([False, True, True, False])
    return check_function(
        answer,
        oracle,
        [(images, top, left, straight, 5), (images, top, left, mixed, 5)],
        "Hint: every image has its own position; cut first, then turn the columns of those crops round whose "
        "flip is True, and leave the rows.",
        "each image at its own position, and only the chosen ones flipped.",
    )


def check_color_shift(answer: Callable) -> Verdict:
    """§4.1: shift(alphas, eigenvalues, eigenvectors), (N, 3), (3,), (3, 3) with a column each -> (N, 3)."""
    draw = torch.Generator().manual_seed(41)
    vectors = torch.linalg.qr(torch.randn(3, 3, generator=draw)).Q
    values = torch.tensor([4.0, 1.0, 0.25])
    return check_function(
        answer,
        lambda alphas, eigenvalues, eigenvectors: (alphas * eigenvalues) @ eigenvectors.T,
        [(torch.eye(3)[:1], values, vectors), (torch.randn(5, 3, generator=draw), values, vectors)],
        "Hint: with alphas 1, 0, 0 the shift is the first eigenvalue times the first column of the "
        "eigenvectors; each row of alphas gives one row of the result.",
        "each image gets its own mixture of the three components.",
    )
