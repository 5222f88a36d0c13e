"""Figures of §3.4, overlapping pooling."""

from typing import Annotated

from matplotlib.patches import Rectangle
from torch import Tensor

from ..guard import Bounds, Count, require_same_length, require_tensor, validated
from ..pooling import output_size
from .picture import BLUE, GRAY, NARROW, ORANGE, Drawn, Picture, as_picture, styled, subplots

Change = Annotated[float, Bounds(ge=0.0)]  # as a share, which may be above 1
FORMS = {  # the paper's pooling, and two ways to pool without overlap: z, s, ceil
    "z = 3, s = 2": (3, 2, False),
    "z = 2, s = 2, floor": (2, 2, False),
    "z = 2, s = 2, ceil": (2, 2, True),
}


@validated
def pooling_windows(side: Drawn = 13) -> Picture:
    """The windows of three poolings over one row of `side` pixels, the shared and the unread ones marked."""
    figure, axes = subplots(len(FORMS), 1, figsize=(NARROW, 4.9))
    told = []
    for axis, (title, (z, s, ceil)) in zip(axes, FORMS.items(), strict=True):
        count = output_size(side, z, s, ceil=ceil)
        readers = [sum(i * s <= pixel < i * s + z for i in range(count)) for pixel in range(side)]
        for pixel, number in enumerate(readers):
            color = {0: ORANGE, 1: "#e8eff4"}.get(number, "#8fb3c9")
            axis.add_patch(Rectangle((pixel, 0), 1, 1, facecolor=color, edgecolor="black", lw=0.6))
            axis.text(pixel + 0.5, 0.47, str(number), ha="center", va="center", fontsize=11)
        for window in range(count):
            level = -1.15 - 1.1 * (window % 2)  # neighbors on two levels, so that their ends are seen
            corner, middle = (window * s, level), window * s + z / 2
            axis.add_patch(Rectangle(corner, z, 0.85, fill=False, edgecolor=BLUE, lw=2))
            axis.text(middle, level + 0.4, str(window + 1), ha="center", va="center", fontsize=10)
        axis.set_title(f"{title}: {count} windows", loc="left", fontsize=11, fontweight="bold")
        axis.set(xlim=(-0.2, side + 1.2), ylim=(-2.5, 1.2), aspect="equal")
        axis.axis("off")
        shared, unread = sum(number > 1 for number in readers), readers.count(0)
        told.append(f"{title}: {count} windows, {shared} pixels in two windows, {unread} in none")
    figure.tight_layout(h_pad=0.4)
    return Picture(figure, f"A row of {side} pixels with the windows that read them. {'; '.join(told)}.")


@validated
def pooled_maps(photograph: Tensor, plane: Tensor, pooled: dict[str, Tensor], name: str) -> Picture:
    """A photograph (3, H, W), one kernel map of it (H, W), and that map pooled in several ways."""
    picture = as_picture(photograph, "photograph")
    for which, values in {
        "plane": plane,
        **{f"pooled[{way!r}]": values for way, values in pooled.items()},
    }.items():
        require_tensor(which, values, "(H, W)", "one kernel map", finite=True)
        if not values.numel():
            raise ValueError(f"{which} has shape {tuple(values.shape)}, and must have pixels: one kernel map")
    if len(pooled) != 2:
        raise ValueError(
            f"pooled has {len(pooled)} maps, and must have two: the figure has places for so many"
        )
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
    )


@validated
def shift_changes(shifts: list[Count], changes: dict[str, list[Change]]) -> Picture:
    """How much pooled maps change when the picture moves, a line for each pooling; changes as shares."""
    require_same_length(
        {"shifts": shifts, **{f"changes[{name!r}]": values for name, values in changes.items()}},
        "a move has a change",
    )
    figure, axis = subplots(figsize=(NARROW, 3.5))
    last = {}
    styles = ((GRAY, ":"), (ORANGE, "--"), (BLUE, "-"))
    for (name, values), (color, style) in styled("changes", changes, styles):
        percent = [100 * value for value in values]
        axis.plot([0, *shifts], [0, *percent], style, marker="o", color=color, lw=2)
        axis.annotate(
            name, (shifts[-1], percent[-1]), (7, 0), textcoords="offset points", color=color, va="center"
        )
        last[name] = percent[-1]
    axis.set(xticks=[0, *shifts], xlim=(0, 1.5 * shifts[-1]), ylim=(0, None))
    axis.set_xlabel("the picture moves, pixels", fontsize=11)
    axis.set_ylabel("the pooled maps change, %", fontsize=11)
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    order = ", then ".join(sorted(last, key=last.get))
    return Picture(
        figure,
        f"Change of pooled maps when the picture moves by up to {shifts[-1]} pixels. "
        f"At {shifts[-1]} pixels it is smallest with {order}.",
    )
