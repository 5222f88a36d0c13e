"""Checkers for the exercises of §2."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..data.images import mean_image
from ..evaluation import topk_misses
from .verdict import Verdict, check_function, check_number


def check_lost_share(answer: float) -> Verdict:
    """§2: which share of a photograph of 400 rows and 600 columns is cut off?"""
    return check_number(
        answer,
        1 - 400 / 600,
        "Hint: the shorter side is kept whole, whatever size it is rescaled to; what is left of the longer "
        "side is as long as the shorter one.",
        "of 600 columns 400 are kept; rescaling changes the number of pixels and not this share.",
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
