"""Checkers for the exercises of §4.2."""

from collections.abc import Callable

import torch

from ..paper import LEARNING
from .verdict import Verdict, check_function, check_number


def check_common_units(answer: float) -> Verdict:
    """§4.2: how many of 4096 units do two masks keep both, on average?"""
    return check_number(
        answer,
        4096 * (1 - LEARNING.dropout) ** 2,
        "Hint: the masks are drawn independently, and a unit must be kept by the first and by the second.",
        "a quarter of them, on average. The masked nets overlap, and share the weights of what both keep.",
    )


def check_moving_factor(answer: float) -> Verdict:
    """§4.2: what are weights above an inverted dropout of 0.5 multiplied by for the paper's form?"""
    return check_number(
        answer,
        1 / (1 - LEARNING.dropout),
        "Hint: at test time the paper's form hands half of each activity to those weights, and the sum has "
        "to come out as before.",
        "the activities that arrive are half as large, so the weights are twice as large.",
    )


def check_inverted_dropout(answer: Callable) -> Verdict:
    """§4.2: drop(a, keep, p, training) in torch's form; a and keep of one shape -> the same shape."""
    draw = torch.Generator().manual_seed(42)
    a = torch.randn(4, 6, generator=draw)
    cases = [
        (a, (torch.rand(4, 6, generator=draw) >= p).float(), p, training)
        for p, training in ((0.5, True), (0.5, False), (0.2, True), (0.2, False))
    ]
    return check_function(
        answer,
        lambda a, keep, p, training: a * keep / (1 - p) if training else a,
        cases,
        "Hint: a unit is kept with probability 1 - p, and the average over masks has to be a itself; so at "
        "test time nothing is left to do.",
        "the factor has moved from test time into training, and it is 1 / (1 - p) and not 1 / p.",
    )


def check_geometric_mean(answer: Callable) -> Verdict:
    """§4.2: mean(probabilities), (nets, classes) -> (classes,), normalized geometric mean."""
    draw = torch.Generator().manual_seed(43)
    gentle, sharp = (scale * torch.randn(nets, 5, generator=draw) for scale, nets in ((1.0, 3), (3.0, 2000)))
    return check_function(
        answer,
        lambda probabilities: probabilities.log().mean(dim=0).softmax(dim=0),
        [(gentle.softmax(dim=1),), (sharp.softmax(dim=1),)],
        "Hint: the geometric mean of n numbers is the n-th root of their product; its five values do not add "
        "up to 1 until they are divided by their sum; and a product of 2000 probabilities is too small for a "
        "float, where a mean of logarithms is not.",
        "a mean of logarithms, and a softmax that makes it add up to 1.",
    )
