"""Checkers for the exercises of §3.2."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..architecture import SPECS
from ..distributed import bytes_of_gradients, bytes_to_cross
from .verdict import Verdict, check_function, check_number


def check_conv3_bytes(answer: int) -> Verdict:
    """§3.2: how many bytes cross before conv3 in the forward pass of a batch of 128, at 4 bytes a number?"""
    return check_number(
        answer,
        bytes_to_cross(SPECS["paper"], images=128)["conv3", "forward"],
        "Hint: conv3 reads what pooling leaves of conv2, 256 maps of 13 x 13; each map crosses once, to the "
        "tower that does not hold it, and each number takes 4 bytes.",
        "256 maps of 13 x 13 for each of 128 images, 4 bytes each: 22 MB.",
    )


def check_equal_batch(answer: int) -> Verdict:
    """§3.2: the smallest batch for which two towers send more than two halves of the batch would."""
    spec = SPECS["paper"]
    return check_number(
        answer,
        bytes_of_gradients(spec) // bytes_to_cross(spec, images=1).total() + 1,
        "Hint: what towers send grows with the batch, what halves of a batch send does not. Divide one by "
        "the other, and count images whole.",
        "beyond it the weights are the smaller load, and today's batches are often larger.",
    )


def check_in_two_towers(answer: Callable) -> Verdict:
    """§3.2: in_two_towers(x, weight, bias) -> the grouped convolution's maps, from ungrouped ones."""

    def oracle(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.conv2d(x, weight, bias, padding=1, groups=2)

    draw = torch.Generator().manual_seed(32)

    def case(images: int, read: int, maps: int) -> tuple[Tensor, Tensor, Tensor]:
        shapes = (images, 2 * read, 6, 6), (maps, read, 3, 3), (maps,)
        return tuple(torch.randn(shape, generator=draw) for shape in shapes)

    return check_function(
        answer,
        oracle,
        [case(2, 4, 6), case(1, 3, 10), case(3, 1, 2)],
        "Hint: x, weight and bias each have a first and a second half. Which axis of x counts maps, and "
        "which axis of weight counts kernels?",
        "torch's convolution with groups=2 has the same maps.",
    )


def check_own_gradient(answer: Callable) -> Verdict:
    """§3.2: own_gradient(first, second, tower) -> the gradient of a tower's own maps.

    first, second: (N, C, H, W), the gradients of all C maps through the layers of tower 0 and of tower 1.
    """

    def oracle(first: Tensor, second: Tensor, tower: int) -> Tensor:
        maps = torch.zeros_like(first, requires_grad=True)
        own = maps.chunk(2, dim=1)  # the loss is the sum over both towers' readings
        read = torch.cat(own, dim=1)
        return torch.autograd.grad((read * first).sum() + (read * second).sum(), own[tower])[0]

    draw = torch.Generator().manual_seed(33)

    def case(maps: int, tower: int) -> tuple[Tensor, Tensor, int]:
        return *(torch.randn(2, maps, 3, 3, generator=draw) for _ in range(2)), tower

    return check_function(
        answer,
        oracle,
        [case(6, 0), case(6, 1), case(4, 1)],
        "Hint: both towers read the maps, so each knows a part of how the loss depends on them. Whose maps "
        "are asked for, and how many are they?",
        "it is what autograd finds; the half of the other tower's gradient is what has to cross.",
    )
