"""Figures of §6, results: errors of nets and of their average, and which class is taken for which."""

from typing import Annotated

import numpy as np
from matplotlib.patches import Rectangle
from torch import Tensor

from ..guard import Bounds, Fraction, require_same_length, require_tensor, validated
from .picture import BLUE, GRAY, NARROW, ORANGE, Picture, subplots


@validated
def top_guesses(guesses: dict[str, tuple[str, ...]]) -> Picture:
    """Five guesses for each image, in boxes; `guesses`: right label -> labels, most probable first.

    The box of the right label is filled; images count as found by the first guess, by five, or not at all.
    """
    rows = {f"guesses[{right!r}]": labels for right, labels in guesses.items()}
    columns = require_same_length(rows, "a column shows the first, second, ... guess")
    if columns > 5:
        raise ValueError(
            f"guesses has {columns} labels in a row, and must have at most 5: the figure has five columns"
        )
    figure, axis = subplots(figsize=(NARROW, 0.62 * len(guesses) + 0.6))
    told = []
    for row, (right, labels) in enumerate(guesses.items()):
        for column, label in enumerate(labels):
            found = label == right
            box = {
                "facecolor": "#9cc8e4" if found else "white",
                "edgecolor": "black",
                "lw": 2 if found else 0.7,
            }
            axis.add_patch(Rectangle((column, -row), 0.92, 0.7, **box))
            weight = "bold" if found else "normal"
            axis.text(
                column + 0.46, 0.35 - row, label, ha="center", va="center", fontsize=10, fontweight=weight
            )
        axis.text(-0.1, 0.35 - row, right, ha="right", va="center", fontsize=11)
        place = f"is guess {labels.index(right) + 1}" if right in labels else "is not among them"
        told.append(f"{right}: {', '.join(labels)}; the right label {place}")
    for column in range(len(next(iter(guesses.values())))):
        axis.text(column + 0.46, 0.85, column + 1, ha="center", fontsize=11, fontweight="bold")
    axis.text(-0.1, 0.85, "right label", ha="right", fontsize=11, fontweight="bold")
    axis.set(xlim=(-1.1, 5), ylim=(0.9 - len(guesses), 1.2))
    axis.axis("off")
    figure.tight_layout()
    return Picture(figure, f"Guesses, best first, for {len(guesses)} images. {'. '.join(told)}.")


@validated
def steps_of_the_margin(errors: dict[str, Annotated[float, Bounds(0.1, 100)]]) -> Picture:
    """Top-5 errors in per cent as bars from top to bottom, and what each saves against the one above."""
    figure, axis = subplots(figsize=(NARROW, 0.62 * len(errors) + 0.4))
    values = list(errors.values())
    for row, value in enumerate(values):
        axis.barh(row, value, height=0.62, color=GRAY if row == 0 else BLUE)
        axis.text(value - 0.4, row, f"{value:.1f} %", ha="right", va="center", color="white", fontsize=11)
        if row:
            saved = values[row - 1] - value
            axis.barh(row, saved, left=value, height=0.62, color="white", edgecolor=ORANGE, hatch="//")
            axis.text(values[row - 1] + 0.4, row, f"−{saved:.1f}", va="center", color=ORANGE, fontsize=11)
    axis.set_yticks(range(len(errors)), errors, fontsize=11)
    axis.invert_yaxis()
    axis.set(xlim=(0, 1.12 * values[0]), xticks=[])
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    figure.tight_layout()
    told = ", ".join(f"{name.replace(chr(10), ' ')} {value:.1f} %" for name, value in errors.items())
    return Picture(figure, f"Top-5 error as bars, each with what it saves against the one above: {told}.")


@validated
def nets_and_average(errors: dict[str, tuple[Fraction, Fraction]]) -> Picture:
    """Errors with the center crop and with ten crops, a line for each net, and last for their average."""
    figure, axis = subplots(figsize=(NARROW, 0.46 * len(errors) + 0.8))
    for row, (center, ten) in enumerate(errors.values()):
        axis.plot((100 * center, 100 * ten), (row, row), color=GRAY, lw=2, zorder=1)
        axis.scatter(100 * center, row, s=70, marker="s", color=ORANGE)
        axis.scatter(100 * ten, row, s=70, color=BLUE)
    axis.set_yticks(range(len(errors)), errors, fontsize=11)
    axis.get_yticklabels()[-1].set_fontweight("bold")
    axis.invert_yaxis()
    axis.axhline(len(errors) - 1.5, color=GRAY, lw=0.8)
    axis.set_xlabel("top-1 error, %", fontsize=11)
    axis.spines[["top", "right"]].set_visible(False)
    for place, words, color in ((0.0, "■ center crop", ORANGE), (0.5, "● ten crops", BLUE)):
        axis.text(place, 1.03, words, transform=axis.transAxes, color=color, fontsize=11, fontweight="bold")
    figure.tight_layout()
    # In words and not in numbers, so that they are the same on machines that round otherwise.
    *nets, (name, (center, ten)) = errors.items()
    better = sum(ten < center for _, (center, ten) in nets)
    below = sum(ten < other for _, (_, other) in nets)
    return Picture(
        figure,
        f"Top-1 error of {len(nets)} nets with the center crop and with ten crops. Ten crops are lower for "
        f"{better} of {len(nets)} nets. The {name}, with ten crops, is lower than {below} of {len(nets)}.",
    )


@validated
def confusion_picture(counts: Tensor, classes: tuple[str, ...]) -> Picture:
    """Which class was taken for which: counts (classes, classes), true x guessed, as `confusion` gives them.

    The darker a cell, the larger its share of the row; right guesses are blue, wrong ones orange.
    """
    require_tensor("counts", counts, f"({len(classes)}, {len(classes)})", "a row and a column for each class")
    if counts.is_floating_point() or counts.min() < 0:
        raise ValueError(
            f"counts are {counts.dtype}, least {counts.min()}, and must be counts: `confusion` makes them"
        )
    share = (counts / counts.sum(dim=1, keepdim=True).clamp(min=1)).numpy()
    right = np.eye(len(classes), dtype=bool)
    colors = np.ones((*share.shape, 3))
    for cells, color in ((right, (0.0, 0.447, 0.698)), (~right, (0.835, 0.369, 0.0))):
        colors[cells] = 1 - share[cells, None] * (1 - np.array(color))
    figure, axis = subplots(figsize=(NARROW, 5.0))
    axis.imshow(colors)
    for (row, column), count in np.ndenumerate(counts.numpy()):
        if count:
            dark = share[row, column] > 0.5
            axis.text(
                column, row, count, ha="center", va="center", fontsize=10, color="white" if dark else "black"
            )
    axis.set_xticks(range(len(classes)), classes, rotation=60, ha="left", rotation_mode="anchor", fontsize=10)
    axis.set_yticks(range(len(classes)), classes, fontsize=10)
    axis.xaxis.tick_top()
    axis.set_xlabel("guessed", fontsize=11)
    axis.set_ylabel("true", fontsize=11)
    axis.tick_params(length=0)
    figure.tight_layout()
    total, found = int(counts.sum()), int(counts.diag().sum())
    return Picture(
        figure,
        f"True classes in rows, guesses in columns. The diagonal holds {found} of {total} images, "
        f"{found / max(total, 1):.0%}. {_largest_confusions(counts, classes)}",
    )


def _largest_confusions(counts: Tensor, classes: tuple[str, ...], most: int = 3) -> str:
    wrong = counts.clone()
    wrong.fill_diagonal_(0)
    values, cells = wrong.flatten().sort(descending=True, stable=True)
    told = [
        f"{classes[cell // len(classes)]} for {classes[cell % len(classes)]} ({value})"
        for value, cell in zip(values[:most].tolist(), cells[:most].tolist(), strict=True)
        if value
    ]
    return f"Taken most often: {', '.join(told)}." if told else "No image is taken for another class."
