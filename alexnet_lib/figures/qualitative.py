"""Figures of §6.1: kernels as in the paper's Figure 3, guesses and nearest images as in its Figure 4."""

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..augmentation import require_images
from ..guard import Count, require_count, require_same_length, require_tensor, validated
from ..qualitative import Guess, colorfulness
from ..towers import require_even_share
from .picture import BLUE, GRAY, GREEN, NARROW, ORANGE, Picture, as_picture, subplots

COLUMNS = 16  # kernels of a row in Figure 3
WHITE = {"facecolor": "white", "pad": 1, "lw": 0}  # behind words on a line


@validated
def first_layer_kernels(weights: Tensor, towers: Count = 2, *, shared: bool = False) -> Picture:
    """All kernels (N, 3, h, w) of the first layer, tower by tower, as Figure 3 draws them.

    Gray is 0. Each kernel is scaled by its own largest weight, so that weak ones are seen too; `shared=True`
    scales all by the largest of all.
    """
    require_tensor("weights", weights, "(N, 3, h, w)", "kernels of red, green and blue", finite=True)
    share = colorfulness(weights.detach()).cpu()
    require_even_share("weights", len(share), towers, "kernels")
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


@validated
def colorfulness_by_tower(sets: dict[str, Tensor]) -> Picture:
    """The colorfulness of every kernel as a dot, a row for each set of kernels (N, 3, h, w)."""
    for name, kernels in sets.items():
        require_tensor(
            f"sets[{name!r}]", kernels, "(N, 3, h, w)", "kernels of red, green and blue", finite=True
        )
        require_count(f"sets[{name!r}]", len(kernels), "it holds so many kernels")
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
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    figure.tight_layout()
    return Picture(figure, f"Colorfulness of kernels as dots. {'; '.join(told)}. Noise has about two thirds.")


@validated
def five_labels(
    images: Tensor, guesses: tuple[tuple[Guess, ...], ...], right: tuple[str, ...], per_row: Count = 2
) -> Picture:
    """Each image with its right label above and bars of its best labels below, as in Figure 4 (left).

    images: uint8 (N, 3, H, W). The bar of the right label is blue, the others are gray.
    """
    require_images(images)
    require_same_length({"images": images, "guesses": guesses, "right": right}, "a photograph has labels")
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
            bars.barh(row, probability, color="#9cc8e4" if label == name else "#dddddd", height=0.9)
            bars.text(0.02, row, label, va="center", fontsize=10)
        bars.set(xlim=(0, 1), ylim=(len(labels) - 0.4, -0.6))
        place = next((i for i, (label, _) in enumerate(labels, 1) if label == name), None)
        told.append(f"{name}: {f'guess {place}' if place else 'not among them'}")
    return Picture(
        figure,
        f"{len(images)} test images, each with bars for its {len(guesses[0])} most probable labels. Where "
        f"the right label stands: {'; '.join(told)}.",
    )


@validated
def nearest_images(queries: Tensor, found: Tensor, same: Tensor, by: str) -> Picture:
    """Each query and beside it its nearest images, nearest first, as in Figure 4 (right).

    queries: uint8 (Q, 3, H, W); found: uint8 (Q, k, 3, H, W); same: bool (Q, k), whether an image has the
    query's label; by: in which space they are near. Others are crossed out in a corner.
    """
    require_tensor("queries", queries, "(Q, 3, H, W)", "a row begins with a picture")
    require_tensor("found", found, "(Q, k, 3, H, W)", "pictures beside each query")
    if same.shape != found.shape[:2] or not same.numel() or len(queries) != len(found):
        raise ValueError(
            f"queries are {tuple(queries.shape)}, found {tuple(found.shape)} and same {tuple(same.shape)}, "
            f"and must be (Q, 3, H, W), (Q, k, 3, H, W) and (Q, k), with at least one of each"
        )
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
    )
