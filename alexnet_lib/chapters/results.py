"""What chapter 6 draws, tabulates and asks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .palette import BLUE, GRAY, ORANGE
from .picture import NARROW, Picture, subplots
from .verdict import Verdict, check_function, check_number


def top_guesses(guesses: dict[str, tuple[str, ...]]) -> Picture:
    """Five guesses for each image, in boxes; `guesses`: right label -> labels, most probable first.

    The box of the right label is filled; images count as found by the first guess, by five, or not at all.
    """
    figure, axis = subplots(figsize=(NARROW, 0.62 * len(guesses) + 0.6))
    told = []
    for row, (right, labels) in enumerate(guesses.items()):
        for column, label in enumerate(labels):
            found = label == right
            box = {
                "facecolor": (BLUE, 0.35) if found else "none",
                "edgecolor": "black",
                "lw": 2 if found else 0.7,
            }
            box(axis, (column, -row), 0.92, 0.7, **box)
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
    return Picture(figure, f"Guesses, best first, for {len(guesses)} images. {'. '.join(told)}.")


def steps_of_the_margin(errors: dict[str, float]) -> Picture:
    """Top-5 errors in per cent as bars from top to bottom, and what each saves against the one above."""
    figure, axis = subplots(figsize=(NARROW, 0.62 * len(errors) + 0.4))
    values = list(errors.values())
    for row, value in enumerate(values):
        axis.barh(row, value, height=0.62, color=GRAY if row == 0 else BLUE)
        axis.text(value - 0.4, row, f"{value:.1f} %", ha="right", va="center", color="white", fontsize=11)
        if row:
            saved = values[row - 1] - value
            axis.barh(row, saved, left=value, height=0.62, color="none", edgecolor=ORANGE, hatch="//")
            axis.text(values[row - 1] + 0.4, row, f"−{saved:.1f}", va="center", color=ORANGE, fontsize=11)
    axis.set_yticks(range(len(errors)), errors, fontsize=11)
    axis.invert_yaxis()
    axis.set(xlim=(0, 1.12 * values[0]), xticks=[])
    axis.spines["bottom"].set_visible(False)
    told = ", ".join(f"{name.replace(chr(10), ' ')} {value:.1f} %" for name, value in errors.items())
    return Picture(figure, f"Top-5 error as bars, each with what it saves against the one above: {told}.")


def nets_and_average(errors: dict[str, tuple[float, float]]) -> Picture:
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
    for place, words, color in ((0.0, "■ center crop", ORANGE), (0.5, "● ten crops", BLUE)):
        axis.text(place, 1.03, words, transform=axis.transAxes, color=color, fontsize=11, fontweight="bold")
    # In words and not in numbers, so that they are the same on machines that round otherwise.
    *nets, (name, (center, ten)) = errors.items()
    better = sum(ten < center for _, (center, ten) in nets)
    below = sum(ten < other for _, (_, other) in nets)
    return Picture(
        figure,
        f"Top-1 error of {len(nets)} nets with the center crop and with ten crops. Ten crops are lower for "
        f"{better} of {len(nets)} nets. The {name}, with ten crops, is lower than {below} of {len(nets)}.",
    )


def confusion_picture(counts: Tensor, classes: tuple[str, ...]) -> Picture:
    """Which class was taken for which: counts (classes, classes), true x guessed, as `confusion` gives them.

    The darker a cell, the larger its share of the row; right guesses are blue, wrong ones orange.
    """
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
        photograph=True,
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


@dataclass(frozen=True)
class Logged:
    """Errors that a comment in the 2012 source gives for one net, as fractions: layers/layer-params-N.cfg."""

    run: str
    top1: float
    top5: float

    def __str__(self) -> str:
        return f"{100 * self.top1:.2f} % / {100 * self.top5:.2f} %"

    def points(self, other: "Logged", sign: str = "+") -> str:
        """Top-1 / top-5 error minus another one's, in points; with sign="" a plus is left out."""
        return f"{100 * (self.top1 - other.top1):{sign}.2f} / {100 * (self.top5 - other.top5):{sign}.2f}"

    def above(self, other: "Logged") -> str:
        """How far top-1 / top-5 error lie above another one's, in words."""
        return f"{self.points(other, sign='')} points"


VALIDATION_2012 = Logged("145", 0.406640, 0.182100)
CONTINUED = Logged("145", 0.402500, 0.179940)  # the same run, resumed with a higher rate, to epoch 135


ENTRY_ERRORS = {"7 CNNs*": 0.15315, "5 CNNs": 0.16422, "SIFT + FVs": 0.26172}  # top-5, test, as that page has
# Nets in the winning entries -> errors on ILSVRC-2012 validation, ten crops, where the notes have them.
NETS = {
    "131": Logged("131", 0.409340, 0.185740),
    "135": Logged("135", 0.410700, 0.184160),
    "137": Logged("137", 0.407820, 0.183440),
    "145": VALIDATION_2012,
    "141": Logged("141-2009", 0.395620, 0.172060),
    "146.2009": Logged("146-2012-2009", 0.391000, 0.168760),
    "146.2011": Logged("146-2012-2011", 0.389900, 0.166220),
}


def check_margin(answer: int) -> Verdict:
    """§6: how many of 100,000 test images are the 10.9 points between the two best entries of 2012?"""
    return check_number(
        answer,
        10_900,
        "Hint: the errors are shares of the 100,000 images; subtract first, then take that share of them.",
        "10,900 images that the second entry missed with five guesses, net of those it alone got right.",
        tolerance=1e-6,
    )


def check_half_width(answer: float) -> Verdict:
    """§6: half the 95 % interval of an error of 18.2 % on 50,000 images, in points."""
    return check_number(
        answer,
        196 * (0.182 * 0.818 / 50_000) ** 0.5,
        "Hint: the standard deviation of a share p of n images is the root of p (1 - p) / n; take 1.96 of "
        "them, and give points, hundredths of the whole.",
        "about a third of a point: the first digit behind the point of Table 2 is not quite settled.",
        tolerance=0.02,
    )


def check_topk(answer: Callable) -> Verdict:
    """§6: error(scores, labels, k), (N, classes) and (N,) -> the share of images that k guesses miss."""

    def oracle(scores: Tensor, labels: Tensor, k: int) -> float:
        better = [(row > row[label]).sum() for row, label in zip(scores, labels.tolist(), strict=True)]
        return (torch.stack(better) >= k).double().mean().item()

    draw = torch.Generator().manual_seed(6)
    scores = torch.stack([torch.randperm(8, generator=draw) for _ in range(25)]).float()
    labels = torch.randint(8, (25,), generator=draw)
    return check_function(
        answer,
        oracle,
        [(scores, labels, 1), (scores, labels, 5), (scores - 100, labels, 3)],
        "Hint: topk(k, dim=1) gives the classes of the k highest scores; an image is found if its label is "
        "one of them; the error is the share of the others.",
        "for one guess, three and five, and for scores of any size.",
    )


def check_average(answer: Callable) -> Verdict:
    """§6: guess(logits), (nets, N, classes) -> the class (N,) that the averaged predictions name."""

    def oracle(logits: Tensor) -> Tensor:
        return logits.softmax(dim=2).mean(dim=0).argmax(dim=1)

    draw = torch.Generator().manual_seed(6)
    sure = torch.tensor([[[6.9, 0.0]], [[0.0, 2.2]], [[0.0, 2.2]]])  # one loud net against two
    return check_function(
        answer,
        oracle,
        [(torch.randn(2, 6, 4, generator=draw),), (sure,), (5 * torch.randn(5, 200, 10, generator=draw),)],
        "Hint: turn each net's logits into probabilities over the classes first, average over the nets, and "
        "only then take the highest.",
        "probabilities are averaged, so no single net can shout the others down.",
    )
