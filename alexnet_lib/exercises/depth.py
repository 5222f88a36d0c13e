"""Checkers for the exercises of §7."""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from ..architecture import SPECS
from ..spec import trace
from ..variants import without_layers
from .verdict import Verdict, check_function, check_number


def check_lost_parameters(answer: float) -> Verdict:
    """§7: how many parameters go when conv3 is taken out and conv4 still reads its own tower?"""
    net = SPECS["paper"]
    kept = [sum(layer.parameters for layer in trace(spec)) for spec in (net, without_layers(net, 3))]
    return check_number(
        answer,
        kept[0] - kept[1],
        "Hint: conv3 takes its own parameters along, and conv4 then reads other maps than before: those of "
        "conv2, half of them, because it stays within its tower.",
        "conv3's own, and what conv4 no longer needs: it reads 128 maps in place of 192.",
    )


def check_small_kernels(answer: float) -> Verdict:
    """§7: how many weights fewer have three layers of 3 x 3 than one of 7 x 7, all with 256 maps?"""
    return check_number(
        answer,
        (7**2 - 3 * 3**2) * 256**2,
        "Hint: a layer of z x z kernels has z * z weights for each pair of a map below and a map above. How "
        "many pairs are there?",
        "27 in place of 49 for each pair of maps, with the same receptive field and two ReLUs more.",
    )


def check_batch_norm(answer: Callable) -> Verdict:
    """§7: normalize(x, eps), (N, C, H, W) -> the same shape; batch normalization in training."""
    draw = torch.Generator().manual_seed(7)
    cases = [
        (scale * torch.randn(shape, generator=draw) + 2, eps)
        for shape, scale, eps in (((4, 3, 5, 5), 3.0, 1e-5), ((2, 6, 1, 2), 0.5, 1e-1))
    ]
    return check_function(
        answer,
        lambda x, eps: F.batch_norm(x, None, None, training=True, eps=eps),
        cases,
        "Hint: each map has one mean and one variance, over all images and places; the variance divides by "
        "the count, not by the count minus one; eps is added before the root.",
        "one mean and one variance a map, over the batch. At test time there is no batch, so running means "
        "take their place.",
    )
