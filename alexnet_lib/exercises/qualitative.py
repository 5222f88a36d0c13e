"""Checkers for the exercises of §6.1."""

from collections.abc import Callable

import torch
from torch import Tensor

from .verdict import Verdict, check_function, check_number


def check_yellow(answer: float) -> Verdict:
    """§6.1: how colorful is a kernel of one place with the weights red 1, green 1, blue 0?"""
    return check_number(
        answer,
        1 / 3,
        "Hint: the energy is the sum of the three squares; the gray part of it is the square of the sum, "
        "divided by 3; the color is what is left, as a share of the energy.",
        "of the energy 2, the square of the sum over 3 is gray, 4/3; what is left, 2/3, is a third of 2.",
        tolerance=1e-3,
    )


def check_color_share(answer: Callable) -> Verdict:
    """§6.1: share(kernels), (N, 3, h, w) -> (N,): the share of each kernel's energy off the gray axis."""

    def oracle(kernels: Tensor) -> Tensor:
        shares = []
        for kernel in kernels:
            places = kernel.flatten(1).T  # (places, 3)
            off = places - places.mean(dim=1, keepdim=True)  # without the part where R = G = B
            shares.append(off.square().sum() / places.square().sum())
        return torch.stack(shares)

    draw = torch.Generator().manual_seed(61)
    mixed = torch.randn(4, 3, 5, 5, generator=draw)
    mixed[0] = mixed[0].mean(dim=0)  # gray
    mixed[1] -= mixed[1].mean(dim=0)  # no gray in it
    return check_function(
        answer,
        oracle,
        [(mixed[:2],), (mixed,), (1000 * mixed[:, :, :2],)],
        "Hint: add the three colors of each place, square, sum over the places and divide by 3: that is the "
        "gray energy. Sum over the places after squaring, not before.",
        "gray kernels give 0, kernels without gray 1, and the scale does not matter.",
    )


def check_nearest(answer: Callable) -> Verdict:
    """§6.1: nearest(query, gallery, k), (Q, D) and (G, D) -> indices (Q, k), nearest first."""

    def oracle(query: Tensor, gallery: Tensor, k: int) -> Tensor:
        apart = (query[:, None] - gallery[None]).square().sum(dim=2)  # (Q, G)
        return apart.argsort(dim=1)[:, :k]

    draw = torch.Generator().manual_seed(61)
    query, gallery = torch.randn(3, 6, generator=draw), torch.randn(9, 6, generator=draw)
    longer = gallery * torch.linspace(1, 5, 9)[:, None]
    return check_function(
        answer,
        oracle,
        [(query, gallery, 1), (query, longer, 4)],
        "Hint: subtract every gallery row from every query row, square, sum over the last dimension, then "
        "sort each row and keep the places of the k smallest.",
        "nearest first, by the distance and not by the angle.",
    )
