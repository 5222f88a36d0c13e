"""Checkers for the exercises of §3.1."""

from collections.abc import Callable

import torch
from torch import Tensor

from .verdict import Verdict, check_function, check_number

LAYERS = 8


def check_share_left(answer: float) -> Verdict:
    """§3.1: which share of a gradient do eight layers of ReLUs leave, if the weights keep it?"""
    return check_number(
        answer,
        0.5 ** (LAYERS / 2),
        "Hint: half of the slopes are 0 and half are 1, so the mean of their squares is 1/2 in each layer; "
        "a root mean square takes the root of the product.",
        "eight times a half, under the root: one sixteenth, whatever the spread of the inputs.",
    )


def _down(unit: str, a: Tensor, g: Tensor) -> Tensor:
    """torch's own backward passes, which know the output alone as well."""
    if unit == "tanh":
        return torch.ops.aten.tanh_backward(g, a)
    return torch.ops.aten.threshold_backward(g, a, 0.0)


def check_unit_backward(answer: Callable) -> Verdict:
    """§3.1: backward(unit, a, g): the gradient below a unit from its output a and the gradient g above."""
    draw = torch.Generator().manual_seed(31)
    cases = []
    for unit, f in (("relu", torch.relu), ("tanh", torch.tanh)):
        a = f(3 * torch.randn(4, 6, generator=draw))
        cases.append((unit, a, torch.randn(4, 6, generator=draw)))
    return check_function(
        answer,
        _down,
        cases,
        "Hint: multiply g by the slope, and write the slope with the output alone. tanh has a derivative "
        "in which only tanh itself appears; a ReLU's output tells on which side its input was.",
        "both slopes can be read off the output, so the input need not be kept for the way down.",
    )


def _never_on(z: Tensor) -> Tensor:
    return z.amax(dim=0) <= 0


def check_dead_units(answer: Callable) -> Verdict:
    """§3.1: dead(z): which ReLUs does no image switch on? z: their inputs, (N, units) -> bool (units,)."""
    draw = torch.Generator().manual_seed(310)
    mixed = torch.randn(6, 8, generator=draw)
    mixed[:, 2] = -mixed[:, 2].abs() - 0.1
    # Silent in the mean, but one image switches it on; and one that only ever stands at 0.
    mixed[:, 4], mixed[3, 4], mixed[:, 5] = -5.0, 0.5, 0.0
    return check_function(
        answer,
        _never_on,
        [(mixed,), (-torch.ones(3, 2),), (torch.ones(1, 4),)],
        "Hint: a unit is dead if its input is at or below 0 for every image; one image above 0 is enough "
        "for life. Return True or False for each unit.",
        "a unit that no image switches on gets no gradient from any image.",
    )


def check_scaled_rate(answer: float) -> Verdict:
    """§3.1: the first layer's rate that undoes a division of the pixels by 64."""
    return check_number(
        answer,
        64**2,
        "Hint: how much larger must a step of these weights be, and how much smaller is their gradient "
        "now that they multiply smaller pixels?",
        "64 for the larger weights and 64 for the smaller pixels.",
    )
