"""What chapter 6.1 draws, tabulates and asks."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..paper import claims
from ..qualitative import Guess, colorfulness, kernel_counts, tower_gap
from .evidence import finding
from .palette import BLUE, COLORS, GRAY, GREEN, ORANGE
from .picture import NARROW, WIDTH, Picture, as_picture, subplots
from .table import Table
from .verdict import Verdict, check_function, check_number

COLUMNS = 12  # kernels in a row
WORDS = {  # what the ten photographs show, where their file names do not say it
    "chelsea": "cat",
    "hubble_deep_field": "galaxies",
    "immunohistochemistry": "tissue",
    "motorcycle_left": "motorcycle",
}


def counted_kernels(kernels: Tensor) -> Table:
    """How many kernels of each tower are gray, colored and noise-like; the bounds are ours."""
    towers = kernel_counts(kernels.detach(), 2)
    rows = [(f"tower {n}", *map(str, counts)) for n, counts in enumerate(towers, 1)]
    columns = ("kernels of", "gray", "colored", "noise-like")
    return Table("The 96 recorded kernels", columns, tuple(rows))


def qualitative_claims(kernels: Tensor) -> Table:
    """The claims of §6.1 for the ledger, and what the 96 kernels (N, 3, h, w) of one network say on them."""
    first, second = kernel_counts(kernels.detach(), 2)
    gap = tower_gap(kernels.detach())
    (every_run,) = claims("6.1")
    found = finding(every_run)
    rows = (
        (
            "The kernels of one tower are mostly color-blind, those of the other mostly color-specific",
            "yes (Figure 3)",
            "–",
            f"{first.gray} of {sum(first)} gray, {second.colored} of {sum(second)} colored; "
            f"gap {gap.gap:.2f}, p = {gap.p:.2f}",
            "suggestive, one network",
        ),
        (every_run.statement, every_run.paper, "–", found.value, found.verdict),
        (
            "Most of the five best labels are plausible, off-center objects included",
            "yes (Figure 4, eight images)",
            "–",
            "takes a thousand classes",
            "cannot be asked here",
        ),
        (
            "The nearest images by the last hidden layer are alike in content and not in pixels",
            "yes (Figure 4, five queries)",
            "findsimilar.py, no numbers",
            "takes a thousand classes",
            "cannot be asked here",
        ),
    )
    return Table("Claims of §6.1", ("claim", "paper", "original code", "ours", "verdict"), rows)


def responses(photo: Tensor, kernels: Tensor, maps: Tensor, channels: Sequence[int]) -> Picture:
    """A photograph (3, H, W) and some of its feature maps (N, H', W'), each with its kernel."""
    columns = len(channels) // 2
    figure, axes = subplots(2, columns + 1, figsize=(WIDTH, 2 * WIDTH / (columns + 1)))
    axes[0, 0].imshow(as_picture(photo))
    for axis in axes.flat:
        axis.axis("off")
    for axis, channel in zip(axes[:, 1:].flat, channels, strict=True):
        axis.imshow(maps[channel].detach().cpu().numpy(), cmap="gray")
        kernel = kernels[channel].detach().cpu()
        inset = axis.inset_axes((0, 0, 0.3, 0.3))
        inset.imshow(as_picture(127.5 + 127.5 * kernel / kernel.abs().max()), interpolation="nearest")
        inset.set(xticks=[], yticks=[])
        inset.spines[:].set(color=ORANGE, lw=1.5)
        axis.text(2, 6, f"channel {channel}", color="white", fontsize=11)
    figure.tight_layout(pad=0.3)
    found = ", ".join(map(str, channels))
    size = "x".join(map(str, maps.shape[1:]))
    words = f"An image and the feature maps, {size}, of conv1's channels {found} for it, white where the "
    return Picture(figure, words + "response is strong, each with its kernel in a corner.", photograph=True)


def kernel_and_response(kernel: Tensor, response: Tensor) -> Figure:
    """A kernel (3, h, w) and a feature map (H', W') of it, in the few colors that a page carries."""
    figure, axes = subplots(1, 2, figsize=(6.4, 3.3))
    weights = kernel.detach().cpu()
    axes[0].imshow(as_picture(127.5 + 127.5 * weights / weights.abs().max()), interpolation="nearest")
    axes[1].imshow(response.detach().cpu().numpy(), cmap="gray", interpolation="nearest")
    color = colorfulness(kernel[None].detach()).item()
    for axis, title in zip(axes, (f"kernel, c = {color:.2f}", "feature map"), strict=True):
        axis.set_title(title, fontsize=12)
        axis.axis("off")
    figure.tight_layout()
    return figure


def first_layer_kernels(weights: Tensor, towers: int = 2, *, shared: bool = False) -> Picture:
    """All kernels (N, 3, h, w) of the first layer, tower by tower, as in Figure 3.

    Gray is 0. Each kernel is scaled by its own largest weight, so that weak ones are seen too; `shared=True`
    scales all by the largest of all.
    """
    share = colorfulness(weights.detach()).cpu()
    kernels = weights.detach().float().cpu()
    largest = kernels.abs().amax(dim=None if shared else (1, 2, 3), keepdim=True)
    scaled = 127.5 + 127.5 * kernels / largest.clamp(min=torch.finfo(torch.float32).tiny)
    parts = len(kernels) // towers
    rows = -(-parts // COLUMNS)
    figure, axes = subplots(towers, 1, figsize=(WIDTH, towers * (0.6 * rows + 0.3)), squeeze=False)
    told = []
    for tower, axis in enumerate(axes.flat):
        own = range(tower * parts, (tower + 1) * parts)
        axis.imshow(_sheet(scaled[own.start : own.stop]), interpolation="nearest")
        name = f"tower {tower + 1}, " if towers > 1 else ""
        title = f"{name}kernels {own.start} to {own.stop - 1}"
        axis.set_title(title, fontsize=11, loc="left", color=COLORS[tower], fontweight="bold")
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
        # A fixed offset for each dot of a row, so that equal ones do not hide each other.
        offset = torch.linspace(-0.22, 0.22, 5).repeat(len(share) // 5 + 1)[: len(share)]
        axis.scatter(share, row + offset, s=16, color=BLUE, alpha=0.6, lw=0)
        mean = share.mean().item()
        axis.plot((mean, mean), (row - 0.36, row + 0.36), color=ORANGE, lw=3)
        axis.text(mean, row - 0.4, f"mean {mean:.2f}", ha="center", fontsize=10, color=ORANGE)
        told.append(
            f"{name}: {len(share)} kernels from {share[0]:.2f} to {share[-1]:.2f}, mean {mean:.2f}, "
            f"{int((share < 0.2).sum())} below 0.2"
        )
    axis.axvline(2 / 3, color=GRAY, lw=1, ls=":", zorder=0)
    axis.text(2 / 3, len(sets) - 0.42, "noise: 2/3", ha="center", va="top", fontsize=10, color=GRAY)
    axis.set_yticks(range(len(sets)), sets, fontsize=11)
    axis.set(xlim=(-0.02, 1.02), ylim=(len(sets) - 0.2, -0.65), xticks=(0, 0.5, 1))
    axis.set_xlabel("colorfulness: 0 is gray, 1 has no gray in it", fontsize=11)
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
    return Picture(figure, f"Colorfulness of kernels as dots. {'; '.join(told)}. Noise has about two thirds.")


def five_labels(
    images: Tensor, guesses: tuple[tuple[Guess, ...], ...], right: tuple[str, ...], per_row: int = 2
) -> Picture:
    """Each image with its correct label and bars for its best labels, as in Figure 4 (left).

    images: uint8 (N, 3, H, W). The bar of the correct label is blue, the others are gray.
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
        rank = next((i for i, (label, _) in enumerate(labels, 1) if label == name), None)
        told.append(f"{name}: {f'guess {rank}' if rank else 'not among them'}")
    return Picture(
        figure,
        f"{len(images)} test images, each with bars for its {len(guesses[0])} most probable labels. The rank "
        f"of the correct label: {'; '.join(told)}.",
        photograph=True,
    )


def nearest_images(queries: Tensor, found: Tensor, same: Tensor, by: str) -> Picture:
    """Each query and beside it its nearest images, nearest first, as in Figure 4 (right).

    queries: uint8 (Q, 3, H, W); found: uint8 (Q, k, 3, H, W); same: bool (Q, k), whether an image has the
    query's label; by: in which space they are near. Others are crossed out in a corner.
    """
    count, k = same.shape
    wide = 3.4  # inches: textures larger than this make the picture heavy
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


def check_yellow(answer: float) -> Verdict:
    """§6.1: how colorful is a 1 x 1 kernel with the weights red 1, green 1, blue 0?"""
    return check_number(
        answer,
        1 / 3,
        "Hint: the energy is the sum of the three squares; its gray part is the square of the sum, divided "
        "by 3; the color is what is left, as a fraction of the energy.",
        "of the energy 2, the square of the sum over 3 is gray, 4/3; what is left, 2/3, is a third of 2.",
        tolerance=1e-3,
    )


def check_color_share(answer: Callable) -> Verdict:
    """§6.1: fraction(kernels), (N, 3, h, w) -> (N,): the fraction of each kernel's energy that is color."""

    def oracle(kernels: Tensor) -> Tensor:
        fractions = []
        for kernel in kernels:
            pixels = kernel.flatten(1).T  # (h * w, 3)
            off = pixels - pixels.mean(dim=1, keepdim=True)  # without the part where R = G = B
            fractions.append(off.square().sum() / pixels.square().sum())
        return torch.stack(fractions)

    draw = torch.Generator().manual_seed(61)
    mixed = torch.randn(4, 3, 5, 5, generator=draw)
    mixed[0] = mixed[0].mean(dim=0)  # gray
    mixed[1] -= mixed[1].mean(dim=0)  # no gray in it
    return check_function(
        answer,
        oracle,
        [(mixed[:2],), (mixed,), (1000 * mixed[:, :, :2],)],
        "Hint: at each position subtract the mean of the three colors; what is left is the color part. "
        "Square and sum it over colors and positions, and divide by the same sum for the kernel itself.",
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
        "sort each row and keep the indices of the k smallest.",
        "nearest first, by the distance and not by the angle.",
    )
