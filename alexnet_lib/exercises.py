"""Checkers for the exercises: a reader's own function or number in, a verdict with a hint out.

A checker never shows the solution. It compares with the library, which the tests compare with others.
"""

import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .augmentation import views
from .normalization import window_sum
from .paper import LRN
from .pooling import output_size
from .towers import crossing_numbers, maps_of

SLOW_SECONDS = 5.0


@dataclass(frozen=True)
class Verdict:
    """Right or not yet, and what to look at next."""

    right: bool
    message: str

    def __repr__(self) -> str:
        return textwrap.fill(f"{'Right' if self.right else 'Not yet'}: {self.message}", width=78)


def check_number(answer: object, expected: float, hint: str, praise: str, tolerance: float = 1e-9) -> Verdict:
    """Compare a number; `hint` is shown for a wrong one, `praise` says what the right one means."""
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return Verdict(False, f"the answer is {answer!r}, and a number is asked for")
    if not abs(answer - expected) <= tolerance * max(1.0, abs(expected)):  # so that nan is wrong too
        return Verdict(False, f"{answer:,} is not it. {hint}")
    return Verdict(True, praise)


def check_function(
    answer: Callable,
    oracle: Callable,
    cases: Sequence[tuple],
    hint: str,
    praise: str,
    tolerance: float = 1e-5,
) -> Verdict:
    """Call the reader's function on each case and compare with `oracle`: type, shape, then values."""
    if not callable(answer):
        return Verdict(
            False, f"the answer is {type(answer).__name__}, and a function is asked for; pass its name"
        )
    begun = time.perf_counter()
    for case in cases:
        try:
            given = answer(*case)
        except Exception as error:  # the reader's code may raise anything
            return Verdict(
                False, f"for {_shown(case)} your function raised {type(error).__name__}: {error}. {hint}"
            )
        wrong = _difference(given, oracle(*case), tolerance)
        if wrong:
            return Verdict(False, f"for {_shown(case)} {wrong} {hint}")
        if time.perf_counter() - begun > SLOW_SECONDS:
            return Verdict(
                False, f"right so far, but over {SLOW_SECONDS:g} s: work on whole tensors, without loops"
            )
    return Verdict(True, praise)


def _shown(case: tuple) -> str:
    """The arguments of one case, tensors by their shape."""
    return (
        "("
        + ", ".join(f"a tensor {tuple(a.shape)}" if isinstance(a, Tensor) else repr(a) for a in case)
        + ")"
    )


def _difference(given: object, expected: object, tolerance: float) -> str:
    """What is wrong with a value, in words; empty when nothing is."""
    if not isinstance(expected, Tensor):
        return "" if given == expected else f"your function returned {given!r}, which is not it."
    if not isinstance(given, Tensor):
        return f"your function returned {type(given).__name__}, and a tensor is asked for."
    if given.shape != expected.shape:
        return f"your result has shape {tuple(given.shape)}, and {tuple(expected.shape)} is asked for."
    if not torch.allclose(given.double(), expected.double(), rtol=tolerance, atol=tolerance):
        worst = (given.double() - expected.double()).abs().max().item()
        return f"the shape is right, the values are wrong (by up to {worst:.2g})."
    return ""


# §3.3


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


def check_neighbours(answer: Sequence[int]) -> Verdict:
    """§3.3: which maps damp map 46 of 96 in the two-tower net?"""
    own, half = maps_of(0, 96), LRN.n // 2
    expected = [number for number in range(46 - half, 46 + half + 1) if number in own]
    try:
        given = sorted(int(item) for item in answer)
    except (TypeError, ValueError):
        return Verdict(False, f"the answer is {answer!r}, and a list of map numbers is asked for")
    if given != expected:
        return Verdict(
            False, f"{given} is not it. Hint: n = 5, and each tower holds 48 maps, 0-47 and 48-95."
        )
    return Verdict(True, "the window ends with the tower, so map 46 has one neighbour above and not two.")


# §3.5


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


# §4.1


def check_places(answer: int) -> Verdict:
    """§4.1: at how many places does a crop of 32 fit into a square image of 40, reflections not counted?"""
    return check_number(
        answer,
        views(40, 32) // 2,
        "Hint: write down the first and the last row where the crop can start, and count both ends; rows and "
        "columns are chosen independently, and reflections do not count here.",
        "rows 0 to 8 are nine, columns too. Reflections would double it.",
    )


def check_crop_and_reflect(answer: Callable) -> Verdict:
    """§4.1: cut(images, top, left, flip, size), (N, 3, H, W) and three (N,) -> (N, 3, size, size)."""

    def oracle(images: Tensor, top: Tensor, left: Tensor, flip: Tensor, size: int) -> Tensor:
        crops = []
        for image, y, x, mirrored in zip(images, top, left, flip, strict=True):
            crop = image[:, y : y + size, x : x + size]
            crops.append(crop.flip(-1) if mirrored else crop)
        return torch.stack(crops)

    draw = torch.Generator().manual_seed(41)
    images = torch.randint(0, 256, (4, 3, 9, 8), generator=draw, dtype=torch.uint8)
    top, left = torch.tensor([0, 4, 1, 3]), torch.tensor([3, 0, 2, 1])
    straight, mixed = torch.zeros(4, dtype=torch.bool), torch.tensor([False, True, True, False])
    return check_function(
        answer,
        oracle,
        [(images, top, left, straight, 5), (images, top, left, mixed, 5)],
        "Hint: every image has its own place; cut first, then turn the columns of those crops round whose "
        "flip is True, and leave the rows.",
        "each image at its own place, and only the chosen ones reflected.",
    )


def check_colour_shift(answer: Callable) -> Verdict:
    """§4.1: shift(alphas, eigenvalues, eigenvectors), (N, 3), (3,), (3, 3) with a column each -> (N, 3)."""
    draw = torch.Generator().manual_seed(41)
    vectors = torch.linalg.qr(torch.randn(3, 3, generator=draw)).Q
    values = torch.tensor([4.0, 1.0, 0.25])
    return check_function(
        answer,
        lambda alphas, eigenvalues, eigenvectors: (alphas * eigenvalues) @ eigenvectors.T,
        [(torch.eye(3)[:1], values, vectors), (torch.randn(5, 3, generator=draw), values, vectors)],
        "Hint: with alphas 1, 0, 0 the shift is the first eigenvalue times the first column of the "
        "eigenvectors; each row of alphas gives one row of the result.",
        "each image gets its own mixture of the three components.",
    )
