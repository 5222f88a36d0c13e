"""Checkers for the exercises of §3.3."""

import operator
from collections.abc import Callable, Sequence

import torch

from ..normalization import window_sum
from ..paper import LRN
from ..towers import maps_of
from .verdict import Verdict, check_function, check_number


def check_window_sum(answer: Callable) -> Verdict:
    """§3.3: sum(x, n) over n adjacent maps of x, (N, C, H, W) -> the same shape."""
    draw = torch.Generator().manual_seed(33)
    cases = [(torch.randn(2, maps, 3, 3, generator=draw), n) for maps, n in ((8, 5), (8, 3), (4, 7), (6, 1))]
    return check_function(
        answer,
        window_sum,
        cases,
        "Hint: the window is clipped at the first and last map; padding with zero maps does the same.",
        "clipped at both ends, for wide and narrow windows.",
    )


def check_torch_alpha(answer: float) -> Verdict:
    """§3.3: which alpha must torch's layer get to compute the printed formula?"""
    return check_number(
        answer,
        LRN.alpha * LRN.n,
        "Hint: torch divides alpha by n before it multiplies the sum.",
        "torch divides by n, so the printed alpha is multiplied by n first.",
    )


def check_neighbors(answer: Sequence[int]) -> Verdict:
    """§3.3: which maps damp map 46 of 96 in the two-tower net?"""
    own, half = maps_of(0, 96), LRN.n // 2
    expected = [number for number in range(46 - half, 46 + half + 1) if number in own]
    try:
        given = sorted(map(operator.index, answer))  # whole numbers; 46.5 is no map
    except (TypeError, ValueError, RuntimeError):  # torch raises the last for a table of numbers
        words = type(answer).__name__
        return Verdict(False, f"the answer is of type {words}, and a list of map numbers is asked for")
    if given != expected:
        return Verdict(
            False, f"{given} is not it. Hint: n = 5, and each tower holds 48 maps, 0-47 and 48-95."
        )
    return Verdict(True, "the window ends with the tower, so map 46 has one neighbor above and not two.")
