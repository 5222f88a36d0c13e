"""Checkers for the exercises of §3.5."""

from collections.abc import Callable, Sequence

import torch

from ..pooling import output_size
from ..towers import crossing_numbers
from .verdict import Verdict, check_function, check_number


def check_windows(answer: int) -> Verdict:
    """§3.5: how many windows of conv1 lie along a side of 256 pixels, the last of them hanging over?"""
    return check_number(
        answer,
        output_size(256, 11, 4, ceil=True),
        "Hint: windows start at pixel 0, 4, 8, ...; go on until the last pixel, 255, is inside one.",
        "62 windows leave the last pixel out, and the 63rd hangs over the edge by 3.",
    )


def check_conv2_crossing(answer: int) -> Verdict:
    """§3.5: how many numbers cross for one image if conv2 reads both towers?"""
    return check_number(
        answer,
        crossing_numbers(96, 27, 27),
        "Hint: conv2 reads what pooling leaves of conv1, and the other tower needs each of those maps once.",
        "96 maps of 27 x 27, each of them once: more than conv3 needs, because early maps are large.",
    )


def check_grouped_parameters(answer: Callable) -> Verdict:
    """§3.5: count(maps, z, below, towers) -> parameters of a convolution inside towers."""

    def oracle(maps: int, z: int, below: int, towers: int) -> int:
        layer = torch.nn.Conv2d(below, maps, z, groups=towers, device="meta")  # shapes without memory
        return sum(part.numel() for part in layer.parameters())

    return check_function(
        answer,
        oracle,
        [(96, 11, 3, 1), (256, 5, 96, 2), (384, 3, 256, 1), (12, 3, 8, 4)],
        "Hint: with one tower a kernel reads all maps below; with two, all kernels are still there, but each "
        "reads half. And each kernel has one bias.",
        "torch's own layers have as many, with one, two and four towers.",
    )


def check_receptive_field(answer: Callable) -> Verdict:
    """§3.5: field(windows) -> side seen by one unit; windows are (z, s) from the image upwards."""

    def oracle(windows: Sequence[tuple[int, int]]) -> int:
        side = 1
        for z, s in reversed(windows):
            side = (side - 1) * s + z
        return side

    pooled, small = (3, 2), (3, 1)
    conv5 = [(11, 4), pooled, (5, 1), pooled, small, small, small]
    return check_function(
        answer,
        oracle,
        [([(11, 4)],), ([small, small],), ([(11, 4), pooled],), (conv5,)],
        "Hint: two units of pool1 lie 2 apart on conv1; how many units of conv1 do both see together, "
        "and how many pixels do those see?",
        "it finds 163 pixels for conv5, as the table of this chapter does.",
    )
