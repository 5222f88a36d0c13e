"""What chapter 2 draws, tabulates and asks."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..data.images import mean_image
from ..evaluation import topk_misses
from .palette import BLUE, GRAY, GREEN, ORANGE
from .picture import NARROW, Picture, as_picture, styled, subplots
from .verdict import Verdict, check_function, check_number

MIDDLE = 128  # the gray that stands for a difference of 0
LOOKS = ((GRAY, ":", "^"), (ORANGE, "-", "o"), (GREEN, "-.", "v"), (BLUE, "--", "s"))


def subtracting(name: str, square: Tensor, mean: Tensor) -> Picture:
    """A square photograph, the mean image, and their difference around a middle gray; all (3, H, W)."""
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
        photograph=True,
    )


def steps_by_rate(steps: dict[str, dict[float, int]], most: int) -> Picture:
    """Steps to a threshold over the learning rate, a line for each kind of input; `most`: not reached."""
    figure, axis = subplots(figsize=(NARROW, 4.0))
    told = []
    for (name, found), (color, line, mark) in styled(steps, LOOKS):
        reached = {rate: count for rate, count in found.items() if count < most}
        axis.plot(reached.keys(), reached.values(), line + mark, color=color, label=name, linewidth=2)
        # Classes and not numbers, which may differ by a step between machines.
        told.append(
            f"{name}: {'over' if min(found.values()) > most / 5 else 'under'} {most // 5} steps at best"
        )
    axis.set(xscale="log", xlabel="learning rate", ylabel="steps", ylim=(0, most / 1.8))
    axis.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=10.5)
    return Picture(figure, f"Steps to 10 % training error over the learning rate. {'; '.join(told)}.")


def check_lost_share(answer: float) -> Verdict:
    """§2: which fraction of a photograph of 400 rows and 600 columns is cut off?"""
    return check_number(
        answer,
        1 - 400 / 600,
        "Hint: the shorter side is kept whole, whatever size it is rescaled to; what is left of the longer "
        "side is as long as the shorter one.",
        "of 600 columns 400 are kept; rescaling changes the number of pixels and not this fraction.",
        tolerance=1e-3,
    )


def _ranks(scores: Tensor, labels: Tensor) -> Tensor:
    # A label of rank r is missed by 1, 2, ... r - 1 guesses.
    return 1 + sum(topk_misses(scores, labels, k).long() for k in range(1, scores.shape[1] + 1))


def check_ranks(answer: Callable) -> Verdict:
    """§2: ranks(scores, labels): the place of each label when its row is sorted, 1 for the highest score."""
    draw = torch.Generator().manual_seed(2)
    cases = [
        (torch.rand(count, classes, generator=draw), torch.randint(0, classes, (count,), generator=draw))
        for count, classes in ((6, 4), (40, 9), (1, 1000))
    ]
    return check_function(
        answer,
        _ranks,
        cases,
        "Hint: the label's rank is one more than the number of categories that score higher than it does. "
        "Return a number for each image.",
        "top-k error is the share of ranks above k, for every k at once.",
    )


def _centered(train: Tensor, images: Tensor) -> Tensor:
    return images.float() - mean_image(train)


def check_centring(answer: Callable) -> Verdict:
    """§2: centered(train, images): uint8 images less what the paper subtracts -> float, same shape."""
    draw = torch.Generator().manual_seed(22)
    sets = [torch.randint(0, 256, (count, 3, 4, 5), generator=draw).to(torch.uint8) for count in (7, 2, 1)]
    return check_function(
        answer,
        _centered,
        [(sets[0], sets[1]), (sets[0], sets[0]), (sets[1], sets[2])],
        "Hint: the mean is taken over the training images, at every pixel and color by itself. Bytes "
        "cannot be negative: make them float before you subtract.",
        "the training set's mean, pixel by pixel, from training and test images alike.",
        tolerance=1e-4,
    )


def check_guessing(answer: float) -> Verdict:
    """§2: the top-5 error of five different guesses out of 1000 classes."""
    return check_number(
        answer,
        1 - 5 / 1000,
        "Hint: of 1000 classes five are named, and each is as likely as any other to be the right one.",
        "five of a thousand are right by chance; top-1 it is one of a thousand.",
    )
