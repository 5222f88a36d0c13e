"""Checkers for the exercises of §3.4."""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from ..paper import POOLING
from ..pooling import output_size
from .verdict import Verdict, check_function, check_number


def check_readers(answer: float) -> Verdict:
    """§3.4: how many windows with z = 3, s = 2 can read one and the same pixel of a map?"""
    along = [
        sum(i * POOLING.s <= pixel < i * POOLING.s + POOLING.z for i in range(output_size(55, 3, 2)))
        for pixel in range(55)
    ]
    return check_number(
        answer,
        max(along) ** 2,
        "Hint: along one side, windows start at 0, 2, 4, ...; which of them hold pixel 2? Then think of rows "
        "and columns together.",
        "two windows along each side, so four in the plane; such a pixel has an even row and an even "
        "column, and is not at the edge.",
    )


def check_conv2_padding(answer: float) -> Verdict:
    """§3.4: which padding of conv2 gives 13 x 13 maps behind pool2, with z = s = 2 and ceil, from 55?"""
    found = [
        padding
        for padding in range(5)
        if output_size(output_size(output_size(55, 2, 2, ceil=True), 5, 1, padding), 2, 2, ceil=True) == 13
    ]
    return check_number(
        answer,
        found[0],
        "Hint: with ceil, pool1 makes 28 of 55; conv2 has windows of 5 with stride 1; and pool2 has to get "
        "25 or 26 pixels for 13 windows.",
        "28 + 2 - 5 + 1 = 26, and 13 windows of 2 cover that. It is what run 147 has.",
    )


def check_max_pool(answer: Callable) -> Verdict:
    """§3.4: pool(a, z, s), a of shape (N, C, H, W) -> the largest of each window, whole windows only."""
    draw = torch.Generator().manual_seed(34)
    # Below zero too: whoever pads with zeros, or starts from them, is found out.
    cases = [
        (torch.randn(2, 3, *sides, generator=draw) - 2, z, s)
        for sides, z, s in (((7, 7), 3, 2), ((13, 10), 2, 2), ((8, 11), 3, 2), ((9, 9), 2, 3))
    ]
    return check_function(
        answer,
        lambda a, z, s: F.max_pool2d(a, z, s),
        cases,
        "Hint: window (i, j) holds the rows s*i to s*i + z - 1 and as many columns; there are "
        "1 + (H - z) // s of them down and 1 + (W - z) // s across.",
        "windows s apart, overlapping or not, and none that hangs over the edge.",
    )
