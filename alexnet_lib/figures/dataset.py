"""Figures of §2, the data set."""

from torch import Tensor

from ..guard import Count, Positive, validated
from .picture import BLUE, GRAY, GREEN, NARROW, ORANGE, Picture, as_picture, styled, subplots

MIDDLE = 128  # the gray that stands for a difference of 0
LOOKS = ((GRAY, ":", "^"), (ORANGE, "-", "o"), (GREEN, "-.", "v"), (BLUE, "--", "s"))


@validated
def subtracting(name: str, square: Tensor, mean: Tensor) -> Picture:
    """A square photograph, the mean image, and their difference around a middle gray; all (3, H, W)."""
    for name_of, image in (("square", square), ("mean", mean)):
        as_picture(image, name_of)
    if square.shape != mean.shape:
        raise ValueError(
            f"mean has shape {tuple(mean.shape)}, and must have the square's: {tuple(square.shape)}"
        )
    difference = square.float() - mean
    panels = {name: square, "mean image": mean, "difference": difference + MIDDLE}
    figure, axes = subplots(1, 3, figsize=(NARROW, 2.2))
    for axis, (title, image) in zip(axes, panels.items(), strict=True):
        axis.imshow(as_picture(image))
        axis.set_title(title, fontsize=11)
        axis.axis("off")
    figure.tight_layout()
    low, high = (10 * round(float(x) / 10) for x in (difference.min(), difference.max()))
    return Picture(
        figure,
        f"The photograph {name}, the mean image, which is a blur, and their difference, in which a middle "
        f"gray stands for 0; it runs from about {low} to about {high}.",
    )


@validated
def steps_by_rate(steps: dict[str, dict[Positive, Count]], most: Count) -> Picture:
    """Steps to a threshold over the learning rate, a line for each kind of input; `most`: not reached."""
    figure, axis = subplots(figsize=(NARROW, 4.0))
    told = []
    for (name, found), (color, line, mark) in styled("steps", steps, LOOKS):
        reached = {rate: count for rate, count in found.items() if count < most}
        axis.plot(reached.keys(), reached.values(), line + mark, color=color, label=name, linewidth=2)
        # Classes and not numbers, which may differ by a step between machines.
        told.append(
            f"{name}: {'over' if min(found.values()) > most / 5 else 'under'} {most // 5} steps at best"
        )
    axis.set(xscale="log", xlabel="learning rate", ylabel="steps", ylim=(0, most / 1.8))
    axis.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=10.5)
    axis.spines[["top", "right"]].set_visible(False)
    return Picture(figure, f"Steps to 10 % training error over the learning rate. {'; '.join(told)}.")
