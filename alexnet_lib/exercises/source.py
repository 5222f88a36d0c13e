"""Checkers for the exercises of "paper against source 2012"."""

from collections.abc import Callable

import torch
from torch import nn

from ..architecture import SPECS
from ..learning import LR_PLANS
from ..paper import IMAGES, LEARNING
from .verdict import Verdict, check_function, check_number


def check_unseen_pixels(answer: int) -> Verdict:
    """How many pixels of a 256 x 256 photograph would no crop of 224 hold if places ended at 31?"""
    seen = (IMAGES.stored - 1) ** 2
    return check_number(
        answer,
        IMAGES.stored**2 - seen,
        "Hint: take the crop at the last of the places 0 to 31. Which row is the last that it holds? "
        "Columns are lost in the same way, and one pixel is in both.",
        "the last row and the last column, 256 each, with one pixel in common.",
    )


def check_first_layer(answer: Callable) -> Verdict:
    """Layer 1 of the 2012 source: layer(a), the outputs of conv1 (N, 96, H, W) -> what conv2 reads."""
    oracle = nn.Sequential(*(step.module() for step in SPECS["source-2012"].convs[0].then))
    draw = torch.Generator().manual_seed(12)
    cases = [(100 * torch.randn(2, 96, side, side, generator=draw),) for side in (9, 55)]
    return check_function(
        answer,
        oracle,
        cases,
        "Hint: three things differ from the printed layer. In which order do the steps come? What does alpha "
        "multiply? Where do the windows of the normalization end?",
        "normalization first, alpha over n, windows inside a tower, ReLU last.",
    )


def check_weight_rate(answer: Callable) -> Verdict:
    """The rate of run 145: rate(layer, epoch) -> learning rate of that layer's weights, "conv1" to "fc8"."""
    groups = {group.pattern: group for group in LR_PLANS["source-2012"]}

    def oracle(layer: str, epoch: int) -> float:
        group = groups["features.conv1.weight" if layer == "conv1" else "*"]
        return LEARNING.lr * group.factor(epoch)

    epochs = (0, 24, 25, 50, 51, 66, 67, 71, 72, 78, 79, 90)
    return check_function(
        answer,
        oracle,
        [(layer, epoch) for layer in ("conv2", "conv1", "fc8") for epoch in epochs],
        "Hint: a new rate holds from the epoch in the log on, and conv1 has two entries of its own.",
        "it follows the log through all 91 epochs.",
    )
