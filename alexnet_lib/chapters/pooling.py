"""What chapter 3.4 draws, tabulates and asks."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..paper import POOLING
from ..pooling import output_size
from .palette import BLUE, GRAY, ORANGE
from .picture import NARROW, Picture, as_picture, box, styled, subplots
from .verdict import Verdict, check_function, check_number

FORMS = {  # the paper's pooling, and two ways to pool without overlap: z, s, ceil
    "z = 3, s = 2": (3, 2, False),
    "z = 2, s = 2, floor": (2, 2, False),
    "z = 2, s = 2, ceil": (2, 2, True),
}


def pooling_windows(side: int = 13) -> Picture:
    """The windows of three poolings over one row of `side` pixels, the shared and the unread ones marked."""
    figure, axes = subplots(len(FORMS), 1, figsize=(NARROW, 4.9))
    told = []
    for axis, (title, (z, s, ceil)) in zip(axes, FORMS.items(), strict=True):
        count = output_size(side, z, s, ceil_mode=ceil)
        readers = [sum(i * s <= pixel < i * s + z for i in range(count)) for pixel in range(side)]
        for pixel, number in enumerate(readers):
            color = {0: ORANGE, 1: (GRAY, 0.12)}.get(number, "#8fb3c9")
            box(axis, (pixel, 0), 1, 1, facecolor=color, edgecolor="black", lw=0.6)
            axis.text(pixel + 0.5, 0.47, str(number), ha="center", va="center", fontsize=11)
        for window in range(count):
            level = -1.15 - 1.1 * (window % 2)  # neighbors on two levels, so that their ends are seen
            corner, middle = (window * s, level), window * s + z / 2
            box(axis, corner, z, 0.85, fill=False, edgecolor=BLUE, lw=2)
            axis.text(middle, level + 0.4, str(window + 1), ha="center", va="center", fontsize=10)
        axis.set_title(f"{title}: {count} windows", loc="left", fontsize=11, fontweight="bold")
        axis.set(xlim=(-0.2, side + 1.2), ylim=(-2.5, 1.2), aspect="equal")
        axis.axis("off")
        shared, unread = sum(number > 1 for number in readers), readers.count(0)
        told.append(f"{title}: {count} windows, {shared} pixels in two windows, {unread} in none")
    return Picture(figure, f"A row of {side} pixels with the windows that read them. {'; '.join(told)}.")


def pooled_maps(photograph: Tensor, plane: Tensor, pooled: dict[str, Tensor], name: str) -> Picture:
    """A photograph (3, H, W), one kernel map of it (H, W), and that map pooled in several ways."""
    picture = as_picture(photograph)
    figure, axes = subplots(2, 2, figsize=(NARROW, 5.9))
    axes[0, 0].imshow(picture)
    axes[0, 0].set_title("photograph", fontsize=11)
    shown = {f"{name}, {plane.shape[0]} x {plane.shape[1]}": plane}
    shown |= {f"{way}: {values.shape[0]} x {values.shape[1]}": values for way, values in pooled.items()}
    for axis, (title, values) in zip(list(axes.flat)[1:], shown.items(), strict=True):
        axis.imshow(values.numpy(), cmap="viridis", vmin=0, vmax=plane.max().item(), interpolation="nearest")
        axis.set_title(title, fontsize=11)
    for axis in axes.flat:
        axis.axis("off")
    figure.tight_layout()
    return Picture(
        figure,
        f"A photograph, a kernel map of it, and that map after pooling: {'; '.join(shown)}. "
        f"Bright is a large activity.",
        photograph=True,
    )


def shift_changes(shifts: list[int], changes: dict[str, list[float]]) -> Picture:
    """How much pooled maps change when the picture moves, a line for each pooling; changes as shares."""
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
    axis.set_xlabel("the picture moves, pixels", fontsize=11)
    axis.set_ylabel("the pooled maps change, %", fontsize=11)
    order = ", then ".join(sorted(last, key=last.get))
    return Picture(
        figure,
        f"float of pooled maps when the picture moves by up to {shifts[-1]} pixels. "
        f"At {shifts[-1]} pixels it is smallest with {order}.",
    )


def check_readers(answer: float) -> Verdict:
    """§3.4: how many windows with z = 3, s = 2 can read one and the same pixel of a map?"""
    along = [
        sum(i * POOLING.s <= pixel < i * POOLING.s + POOLING.z for i in range(output_size(55, 3, 2)))
        for pixel in range(55)
    ]
    return check_number(
        answer,
        max(along) ** 2,
        "Hint: along one side, windows start at 0, 2, 4, ...; which of them hold pixel 2? Then think of rows "
        "and columns together.",
        "two windows along each side, so four in the plane; such a pixel has an even row and an even "
        "column, and is not at the edge.",
    )


def check_conv2_padding(answer: float) -> Verdict:
    """§3.4: which padding of conv2 gives 13 x 13 maps behind pool2, with z = s = 2 and ceil, from 55?"""
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
        "Hint: with ceil, pool1 makes 28 of 55; conv2 has windows of 5 with stride 1; and pool2 has to get "
        "25 or 26 pixels for 13 windows.",
        "28 + 2 - 5 + 1 = 26, and 13 windows of 2 cover that. It is what run 147 has.",
    )


def check_max_pool(answer: Callable) -> Verdict:
    """§3.4: pool(a, z, s), a of shape (N, C, H, W) -> the largest of each window, whole windows only."""
    draw = torch.Generator().manual_seed(34)
    # Below zero too: whoever pads with zeros, or starts from them, is found out.
    cases = [
        (torch.randn(2, 3, *sides, generator=draw) - 2, z, s)
        for sides, z, s in (((7, 7), 3, 2), ((13, 10), 2, 2), ((8, 11), 3, 2), ((9, 9), 2, 3))
    ]
    return check_function(
        answer,
        lambda a, z, s: F.max_pool2d(a, z, s),
        cases,
        "Hint: window (i, j) holds the rows s*i to s*i + z - 1 and as many columns; there are "
        "1 + (H - z) // s of them down and 1 + (W - z) // s across.",
        "windows s apart, overlapping or not, and none that hangs over the edge.",
    )
