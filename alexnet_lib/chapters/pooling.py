"""What chapter 3.4 draws, tabulates and asks."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..paper import POOLING
from ..pooling import output_size
from .palette import BLUE, COLORS, GRAY, ORANGE
from .picture import NARROW, WIDTH, Picture, box, styled, subplots
from .verdict import Verdict, check_function, check_number

POOLINGS = {  # the paper's pooling, and two ways to pool without overlap: z, s, ceil
    "z = 3, s = 2": (3, 2, False),
    "z = 2, s = 2, floor": (2, 2, False),
    "z = 2, s = 2, ceil": (2, 2, True),
}


def poolings_by_hand(values: Tensor) -> Picture:
    """The windows of 3 x 3 and of 2 x 2, both with stride 2, on a small map (H, W), and what they keep."""
    figure, axes = subplots(1, 2, figsize=(WIDTH, 3.1))
    rows, columns = values.shape
    told = []
    for axis, z in zip(axes, (3, 2), strict=True):
        kept = F.max_pool2d(values[None], z, 2)[0]
        down, across = kept.shape
        read = [
            [r < 2 * (down - 1) + z and c < 2 * (across - 1) + z for c in range(columns)] for r in range(rows)
        ]
        for r in range(rows):
            for c in range(columns):
                color = (GRAY, 0.1) if read[r][c] else (ORANGE, 0.25)
                box(axis, (c, r), 1, 1, facecolor=color, edgecolor=(GRAY, 0.5), lw=0.8)
                axis.text(c + 0.5, r + 0.5, f"{values[r, c]:g}", ha="center", va="center", fontsize=12)
        for number in range(down * across):
            r, c = divmod(number, across)
            style = {"fill": False, "edgecolor": COLORS[number % 3 if number < 3 else 4], "lw": 2.6}
            inset = 0.08 + 0.05 * number  # shared edges stay apart
            box(axis, (2 * c + inset, 2 * r + inset), z - 2 * inset, z - 2 * inset, **style)
            corner = (columns + 1.2 + 1.2 * c, (rows - 1.2 * down) / 2 + 1.2 * r)
            box(axis, corner, 1, 1, **style)
            where = (corner[0] + 0.5, corner[1] + 0.5)
            axis.text(*where, f"{kept[r, c]:g}", ha="center", va="center", fontsize=12, fontweight="bold")
        axis.text(columns + 0.6, rows / 2, "→", ha="center", va="center", fontsize=15)
        title = f"z = {z}, s = 2: " + ("overlapping" if z > 2 else "side by side")
        axis.set_title(title, fontsize=12, fontweight="bold", loc="left")
        axis.set(xlim=(-0.1, columns + 1.3 + 1.2 * across), ylim=(rows + 0.1, -0.1), aspect="equal")
        axis.axis("off")
        told.append(f"windows of {z} x {z} keep {kept.int().tolist()}")
    return Picture(
        figure, f"A map of {rows} x {columns} numbers, max-pooled with stride 2: {'; '.join(told)}."
    )


def pooling_windows(size: int = 13) -> Picture:
    """The windows of three poolings over one row of `size` pixels, the shared and the unread ones marked."""
    figure, axes = subplots(len(POOLINGS), 1, figsize=(NARROW, 4.9))
    told = []
    for axis, (title, (z, s, ceil)) in zip(axes, POOLINGS.items(), strict=True):
        count = output_size(size, z, s, ceil_mode=ceil)
        readers = [sum(i * s <= pixel < i * s + z for i in range(count)) for pixel in range(size)]
        for pixel, number in enumerate(readers):
            color = {0: (ORANGE, 0.5), 1: (GRAY, 0.12)}.get(number, (BLUE, 0.35))
            box(axis, (pixel, 0), 1, 1, facecolor=color, edgecolor="black", lw=0.6)
            axis.text(pixel + 0.5, 0.47, str(number), ha="center", va="center", fontsize=11)
        for window in range(count):
            level = -1.15 - 1.1 * (window % 2)  # neighbors on two levels, so that their ends are seen
            corner, middle = (window * s, level), window * s + z / 2
            box(axis, corner, z, 0.85, fill=False, edgecolor=BLUE, lw=2)
            axis.text(middle, level + 0.4, str(window + 1), ha="center", va="center", fontsize=10)
        axis.set_title(f"{title}: {count} windows", loc="left", fontsize=11, fontweight="bold")
        axis.set(xlim=(-0.2, size + 1.2), ylim=(-2.5, 1.2), aspect="equal")
        axis.axis("off")
        shared, unread = sum(number > 1 for number in readers), readers.count(0)
        told.append(f"{title}: {count} windows, {shared} pixels in two windows, {unread} in none")
    return Picture(figure, f"A row of {size} pixels with the windows that read them. {'; '.join(told)}.")


def shift_changes(shifts: list[int], changes: dict[str, list[float]]) -> Picture:
    """How much pooled feature maps change when the picture moves, as fractions; a line for each pooling."""
    figure, axis = subplots(figsize=(NARROW, 3.5))
    last = {}
    styles = ((GRAY, ":"), (ORANGE, "--"), (BLUE, "-"))
    for (name, values), (color, style) in styled(changes, styles):
        percent = [100 * value for value in values]
        axis.plot([0, *shifts], [0, *percent], style, marker="o", color=color, lw=2)
        axis.annotate(
            name, (shifts[-1], percent[-1]), (7, 0), textcoords="offset points", color=color, va="center"
        )
        last[name] = percent[-1]
    axis.set(xticks=[0, *shifts], xlim=(0, 1.5 * shifts[-1]), ylim=(0, None))
    axis.set_xlabel("shift of the photograph, pixels", fontsize=11)
    axis.set_ylabel("change of the pooled maps, %", fontsize=11)
    order = ", then ".join(sorted(last, key=last.get))
    return Picture(
        figure,
        f"Change of the pooled feature maps when the photograph shifts by up to {shifts[-1]} pixels. "
        f"At {shifts[-1]} pixels it is smallest with {order}.",
    )


def check_readers(answer: float) -> Verdict:
    """§3.4: how many windows with z = 3, s = 2 can read one and the same position of a feature map?"""
    along = [
        sum(i * POOLING.s <= pixel < i * POOLING.s + POOLING.z for i in range(output_size(55, 3, 2)))
        for pixel in range(55)
    ]
    return check_number(
        answer,
        max(along) ** 2,
        "Hint: along a row, windows start at 0, 2, 4, ...; which of them cover position 2? Then think of "
        "rows and columns together.",
        "two windows along each axis, so four in the plane; such a position has an even row and an even "
        "column, and is not at the border.",
    )


def check_conv2_padding(answer: float) -> Verdict:
    """§3.4: which padding of conv2 makes pool2 output 13 x 13, with z = s = 2 and ceil, from 55?"""
    found = [
        padding
        for padding in range(5)
        if output_size(
            output_size(output_size(55, 2, 2, ceil_mode=True), 5, 1, padding), 2, 2, ceil_mode=True
        )
        == 13
    ]
    return check_number(
        answer,
        found[0],
        "Hint: with ceil, pool1 turns 55 into 28; conv2 has kernels of 5 x 5 with stride 1; and pool2 needs "
        "a width of 25 or 26 for 13 windows.",
        "28 + 2 - 5 + 1 = 26, and 13 windows of 2 cover that. This is the padding in run 147.",
    )


def check_max_pool(answer: Callable) -> Verdict:
    """§3.4: pool(a, z, s), a of shape (N, C, H, W) -> the largest of each window, whole windows only."""
    draw = torch.Generator().manual_seed(34)
    # Negative values too: padding with zeros, or starting from zero, gives wrong answers.
    cases = [
        (torch.randn(2, 3, *sizes, generator=draw) - 2, z, s)
        for sizes, z, s in (((7, 7), 3, 2), ((13, 10), 2, 2), ((8, 11), 3, 2), ((9, 9), 2, 3))
    ]
    return check_function(
        answer,
        lambda a, z, s: F.max_pool2d(a, z, s),
        cases,
        "Hint: window (i, j) holds the rows s*i to s*i + z - 1 and as many columns; there are "
        "1 + (H - z) // s of them down and 1 + (W - z) // s across.",
        "windows s apart, overlapping or not, and none that extends past the border.",
    )
