"""What chapter 6 draws, tabulates and asks."""

from collections.abc import Callable

import torch
from matplotlib.figure import Figure
from torch import Tensor

from .palette import BLUE, GRAY, ORANGE
from .picture import NARROW, Picture, subplots
from .verdict import Verdict, check_function, check_number


def steps_of_the_margin(errors: dict[str, float]) -> Picture:
    """Top-5 errors in per cent as bars from top to bottom, and what each saves over the bar before it."""
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
    return Picture(figure, f"Top-5 error as bars, each with what it saves over the one before it: {told}.")


def nets_and_average(errors: dict[str, tuple[float, float]]) -> Picture:
    """Errors with the center crop and with ten crops, a row for each network, last for their average."""
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
    for x, words, color in ((0.0, "■ center crop", ORANGE), (0.5, "● ten crops", BLUE)):
        axis.text(x, 1.03, words, transform=axis.transAxes, color=color, fontsize=11, fontweight="bold")
    # In words and not in numbers, so that they are the same on machines that round otherwise.
    *nets, (name, (center, ten)) = errors.items()
    better = sum(ten < center for _, (center, ten) in nets)
    below = sum(ten < other for _, (_, other) in nets)
    return Picture(
        figure,
        f"Top-1 error of {len(nets)} networks with the center crop and with ten crops. Ten crops are lower "
        f"for {better} of {len(nets)}. The {name}, with ten crops, is lower than {below} of {len(nets)}.",
    )


def average_of_five(four: float, one: float) -> Figure:
    """Four networks give the dog the probability `four`, the fifth gives it `one`; and the two averages.

    Beside the mean of the probabilities is what the mean of the logits would say.
    """
    given = torch.tensor([four] * 4 + [one], dtype=torch.float64)
    values = [*given.tolist(), given.mean().item(), given.logit().mean().sigmoid().item()]
    names = [f"network {number}" for number in range(1, 6)]
    names += ["mean of probabilities", "mean of logits"]
    figure, axis = subplots(figsize=(6.4, 3.0))
    for row, value in enumerate(values):
        y, color = row + 0.4 * (row > 4), GRAY if row < 5 else BLUE if row == 5 else ORANGE
        axis.barh(y, value, height=0.7, color=color)
        axis.text(1.02, y, f"{value:.3f}  {'dog' if value > 0.5 else 'cat'}", va="center", fontsize=11)
    axis.axvline(0.5, color="black", lw=1, ls=":")
    axis.set_yticks([*range(5), 5.4, 6.4], names, fontsize=11)
    axis.invert_yaxis()
    axis.set(xlim=(0, 1), xticks=(0, 0.5, 1))
    axis.set_xlabel("probability of the dog; the rest is the cat's", fontsize=11)
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    return figure


def check_margin(answer: int) -> Verdict:
    """§6: how many of 100,000 test images are the 10.9 points between the two best entries of 2012?"""
    return check_number(
        answer,
        10_900,
        "Hint: the errors are percentages of the 100,000 images; subtract first, then take that percentage.",
        "10,900 images that the second entry missed with five guesses, net of those it alone got right.",
        tolerance=1e-6,
    )


def check_half_width(answer: float) -> Verdict:
    """§6: half-width of the 95 % confidence interval of an error of 18.2 % on 50,000 images, in points."""
    return check_number(
        answer,
        196 * (0.182 * 0.818 / 50_000) ** 0.5,
        "Hint: the standard deviation of a fraction p of n images is the root of p (1 - p) / n; take 1.96 of "
        "them, in percentage points.",
        "about a third of a percentage point, so the first decimal of Table 2 is not quite settled.",
        tolerance=0.02,
    )


def check_topk(answer: Callable) -> Verdict:
    """§6: error(scores, labels, k), (N, classes) and (N,) -> the fraction of images that k guesses miss."""

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
        "one of them; the error is the fraction of the others.",
        "for one guess, three and five, and for scores of any size.",
    )


def check_average(answer: Callable) -> Verdict:
    """§6: guess(logits), (networks, N, classes) -> the class (N,) that the averaged predictions name."""

    def oracle(logits: Tensor) -> Tensor:
        return logits.softmax(dim=2).mean(dim=0).argmax(dim=1)

    draw = torch.Generator().manual_seed(6)
    sure = torch.tensor([[[6.9, 0.0]], [[0.0, 2.2]], [[0.0, 2.2]]])  # one confident network against two
    return check_function(
        answer,
        oracle,
        [(torch.randn(2, 6, 4, generator=draw),), (sure,), (5 * torch.randn(5, 200, 10, generator=draw),)],
        "Hint: turn each network's logits into probabilities first, average over the networks, and "
        "only then take the highest.",
        "probabilities are averaged, so one network moves the average by at most 1 / (number of networks).",
    )
