"""What chapter 6.1 draws, tabulates and asks."""

from collections.abc import Callable

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..paper import claims
from ..qualitative import Guess, colorfulness, tower_gap
from .evidence import finding
from .palette import BLUE, GRAY, GREEN, ORANGE
from .picture import NARROW, Picture, as_picture, subplots
from .table import Table
from .verdict import Verdict, check_function, check_number

COLUMNS = 16  # kernels of a row in Figure 3
WHITE = {"facecolor": "white", "pad": 1, "lw": 0}  # behind words on a line


def first_layer_kernels(weights: Tensor, towers: int = 2, *, shared: bool = False) -> Picture:
    """All kernels (N, 3, h, w) of the first layer, tower by tower, as Figure 3 draws them.

    Gray is 0. Each kernel is scaled by its own largest weight, so that weak ones are seen too; `shared=True`
    scales all by the largest of all.
    """
    share = colorfulness(weights.detach()).cpu()
    kernels = weights.detach().float().cpu()
    largest = kernels.abs().amax(dim=None if shared else (1, 2, 3), keepdim=True)
    scaled = 127.5 + 127.5 * kernels / largest.clamp(min=torch.finfo(torch.float32).tiny)
    parts = len(kernels) // towers
    rows = -(-parts // COLUMNS)
    figure, axes = subplots(towers, 1, figsize=(NARROW, towers * (0.36 * rows + 0.35)), squeeze=False)
    told = []
    for tower, axis in enumerate(axes.flat):
        own = range(tower * parts, (tower + 1) * parts)
        axis.imshow(_sheet(scaled[own.start : own.stop]), interpolation="nearest")
        name = f"tower {tower + 1}, " if towers > 1 else ""
        axis.set_title(f"{name}kernels {own.start} to {own.stop - 1}", fontsize=11, loc="left")
        axis.axis("off")
        mean = share[own.start : own.stop].mean().item()
        told.append(f"{name}kernels {own.start} to {own.stop - 1}: mean colorfulness {mean:.2f}")
    figure.tight_layout(h_pad=0.8)
    h, w = kernels.shape[2:]
    scale = "the largest weight of all" if shared else "its own largest weight"
    return Picture(
        figure,
        f"{len(kernels)} kernels of {h} x {w} pixels in color, each scaled by {scale}, 0 drawn gray. "
        f"{'; '.join(told)}. The grayest is kernel {int(share.argmin())} ({share.min():.2f}), the most "
        f"colorful kernel {int(share.argmax())} ({share.max():.2f}).",
        photograph=True,
    )


def _sheet(kernels: Tensor) -> np.ndarray:
    """Kernels on 0-255 side by side, `COLUMNS` in a row, on white with one pixel between them."""
    count, _, h, w = kernels.shape
    rows = -(-count // COLUMNS)
    sheet = torch.full((3, rows * (h + 1) - 1, min(count, COLUMNS) * (w + 1) - 1), 255.0)
    for number, kernel in enumerate(kernels):
        y, x = (number // COLUMNS) * (h + 1), (number % COLUMNS) * (w + 1)
        sheet[:, y : y + h, x : x + w] = kernel
    return as_picture(sheet)


def colorfulness_by_tower(sets: dict[str, Tensor]) -> Picture:
    """The colorfulness of every kernel as a dot, a row for each set of kernels (N, 3, h, w)."""
    shares = {name: colorfulness(kernels.detach()).cpu().sort().values for name, kernels in sets.items()}
    figure, axis = subplots(figsize=(NARROW, 0.85 * len(sets) + 0.9))
    told = []
    for row, (name, share) in enumerate(shares.items()):
        # Dots of one row are spread up and down in a fixed order, so that equal ones do not hide each other.
        spread = torch.linspace(-0.22, 0.22, 5).repeat(len(share) // 5 + 1)[: len(share)]
        axis.scatter(share, row + spread, s=16, color=BLUE, alpha=0.6, lw=0)
        mean = share.mean().item()
        axis.plot((mean, mean), (row - 0.36, row + 0.36), color=ORANGE, lw=3)
        axis.text(mean, row - 0.4, f"mean {mean:.2f}", ha="center", fontsize=10, color=ORANGE)
        told.append(
            f"{name}: {len(share)} kernels from {share[0]:.2f} to {share[-1]:.2f}, mean {mean:.2f}, "
            f"{int((share < 0.2).sum())} below 0.2"
        )
    axis.axvline(2 / 3, color=GRAY, lw=1, ls=":", zorder=0)
    axis.text(
        2 / 3, len(sets) - 0.42, "noise: 2/3", ha="center", va="top", fontsize=10, color=GRAY, bbox=WHITE
    )
    axis.set_yticks(range(len(sets)), sets, fontsize=11)
    axis.set(xlim=(-0.02, 1.02), ylim=(len(sets) - 0.2, -0.65), xticks=(0, 0.5, 1))
    axis.set_xlabel("colorfulness: 0 is gray, 1 has no gray in it", fontsize=11)
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
    return Picture(figure, f"Colorfulness of kernels as dots. {'; '.join(told)}. Noise has about two thirds.")


def five_labels(
    images: Tensor, guesses: tuple[tuple[Guess, ...], ...], right: tuple[str, ...], per_row: int = 2
) -> Picture:
    """Each image with its right label above and bars of its best labels below, as in Figure 4 (left).

    images: uint8 (N, 3, H, W). The bar of the right label is blue, the others are gray.
    """
    rows = -(-len(images) // per_row)
    width, height, side, gap = NARROW / per_row, 1.42, 1.06, 0.06  # inches of a cell, and of the photograph
    figure = Figure(figsize=(NARROW, rows * height))
    told = []
    for number, (image, labels, name) in enumerate(zip(images, guesses, right, strict=True)):
        x, y = (number % per_row) * width, (rows - 1 - number // per_row) * height
        photo, bars = (
            figure.add_axes((left / NARROW, y / (rows * height), wide / NARROW, side / (rows * height)))
            for left, wide in ((x, side), (x + side + gap, width - side - 2 * gap))
        )
        for axis in (photo, bars):
            axis.axis("off")
        photo.imshow(as_picture(image))
        photo.set_title(name, fontsize=10, fontweight="bold", loc="left")
        for row, (label, probability) in enumerate(labels):
            bars.barh(row, probability, color=(BLUE, 0.35) if label == name else (GRAY, 0.3), height=0.9)
            bars.text(0.02, row, label, va="center", fontsize=10)
        bars.set(xlim=(0, 1), ylim=(len(labels) - 0.4, -0.6))
        place = next((i for i, (label, _) in enumerate(labels, 1) if label == name), None)
        told.append(f"{name}: {f'guess {place}' if place else 'not among them'}")
    return Picture(
        figure,
        f"{len(images)} test images, each with bars for its {len(guesses[0])} most probable labels. Where "
        f"the right label stands: {'; '.join(told)}.",
        photograph=True,
    )


def nearest_images(queries: Tensor, found: Tensor, same: Tensor, by: str) -> Picture:
    """Each query and beside it its nearest images, nearest first, as in Figure 4 (right).

    queries: uint8 (Q, 3, H, W); found: uint8 (Q, k, 3, H, W); same: bool (Q, k), whether an image has the
    query's label; by: in which space they are near. Others are crossed out in a corner.
    """
    count, k = same.shape
    wide = 4.1  # inches: textures larger than this make the picture heavy
    size = (wide, wide / (k + 1) * count + 0.35)
    figure, axes = subplots(count, k + 1, figsize=size, squeeze=False)
    for row, line in enumerate(axes):
        for column, axis in enumerate(line):
            axis.imshow(as_picture(found[row, column - 1] if column else queries[row]))
            axis.set(xticks=[], yticks=[])
            if not column:
                axis.spines[:].set(color="black", lw=2.5)
                continue
            mine = bool(same[row, column - 1])
            axis.spines[:].set(color=GREEN if mine else ORANGE, lw=2.5)
            mark = {"ha": "right", "va": "top", "fontsize": 11, "fontweight": "bold"}
            words = "✓" if mine else "✗"
            box = {"facecolor": GREEN if mine else ORANGE, "lw": 0, "pad": 1}
            axis.text(0.98, 0.97, words, transform=axis.transAxes, color="white", bbox=box, **mark)
    axes[0, 0].set_title("query", fontsize=11)
    axes[0, (k + 1) // 2].set_title(f"nearest by {by}", fontsize=11)
    figure.tight_layout(pad=0.3, w_pad=0.3, h_pad=0.3)
    right = ", ".join(str(int(row.sum())) for row in same)
    return Picture(
        figure,
        f"{count} query images, each with its {k} nearest training images by {by}. Of these have the query's "
        f"label, query by query: {right}.",
        photograph=True,
    )


NOT_MEASURED = ("not measured yet", "not measured")


def qualitative_claims(kernels: Tensor, towers: int) -> Table:
    """The claims of §6.1; `kernels` (N, 3, h, w) are those of one recorded net with that many towers."""
    colorfulness(kernels)  # refuses what are no kernels
    if towers == 1:
        ours = ("no towers in the recorded net", "not measured")
    else:
        gap = tower_gap(kernels, towers)
        # One net cannot show what every net does, however clear its own gap is.
        ours = repr(gap), "same sign, one net" if gap.p <= 0.05 else "not at this scale, one net"
    nothing = "nothing in the package"
    (every_run,) = claims("6.1")
    found = finding(every_run)
    rows = (
        (
            "The kernels of one tower are mostly color-blind, those of the other mostly color-specific",
            "yes (Figure 3)",
            nothing,
            *ours,
        ),
        (every_run.statement, every_run.paper, nothing, found.value, found.verdict),
        (
            "Most of the five best labels are plausible, off-center objects included",
            "yes (Figure 4, eight images)",
            nothing,
            *NOT_MEASURED,
        ),
        (
            "The nearest images by the last hidden layer are alike in content and not in pixels",
            "yes (Figure 4, five queries)",
            "findsimilar.py, no numbers",
            *NOT_MEASURED,
        ),
    )
    return Table("Claims of §6.1", ("claim", "paper", "original code", "ours", "verdict"), rows)


def check_yellow(answer: float) -> Verdict:
    """§6.1: how colorful is a kernel of one place with the weights red 1, green 1, blue 0?"""
    return check_number(
        answer,
        1 / 3,
        "Hint: the energy is the sum of the three squares; the gray part of it is the square of the sum, "
        "divided by 3; the color is what is left, as a share of the energy.",
        "of the energy 2, the square of the sum over 3 is gray, 4/3; what is left, 2/3, is a third of 2.",
        tolerance=1e-3,
    )


def check_color_share(answer: Callable) -> Verdict:
    """§6.1: share(kernels), (N, 3, h, w) -> (N,): the share of each kernel's energy off the gray axis."""

    def oracle(kernels: Tensor) -> Tensor:
        shares = []
        for kernel in kernels:
            places = kernel.flatten(1).T  # (places, 3)
            off = places - places.mean(dim=1, keepdim=True)  # without the part where R = G = B
            shares.append(off.square().sum() / places.square().sum())
        return torch.stack(shares)

    draw = torch.Generator().manual_seed(61)
    mixed = torch.randn(4, 3, 5, 5, generator=draw)
    mixed[0] = mixed[0].mean(dim=0)  # gray
    mixed[1] -= mixed[1].mean(dim=0)  # no gray in it
    return check_function(
        answer,
        oracle,
        [(mixed[:2],), (mixed,), (1000 * mixed[:, :, :2],)],
        "Hint: add the three colors of each place, square, sum over the places and divide by 3: that is the "
        "gray energy. Sum over the places after squaring, not before.",
        "gray kernels give 0, kernels without gray 1, and the scale does not matter.",
    )


def check_nearest(answer: Callable) -> Verdict:
    """§6.1: nearest(query, gallery, k), (Q, D) and (G, D) -> indices (Q, k), nearest first."""

    def oracle(query: Tensor, gallery: Tensor, k: int) -> Tensor:
        apart = (query[:, None] - gallery[None]).square().sum(dim=2)  # (Q, G)
        return apart.argsort(dim=1)[:, :k]

    draw = torch.Generator().manual_seed(61)
    query, gallery = torch.randn(3, 6, generator=draw), torch.randn(9, 6, generator=draw)
    longer = gallery * torch.linspace(1, 5, 9)[:, None]
    return check_function(
        answer,
        oracle,
        [(query, gallery, 1), (query, longer, 4)],
        "Hint: subtract every gallery row from every query row, square, sum over the last dimension, then "
        "sort each row and keep the places of the k smallest.",
        "nearest first, by the distance and not by the angle.",
    )
