"""Dropout as the paper does it: a mask in training, half of every output at test time (§4.2)."""

import torch
from torch import Tensor, nn

from .guard import Fraction, validated
from .paper import LEARNING


class PaperDropout(nn.Module):
    """Set each activity to zero with probability `p` in training; multiply all by 1 - p at test time (§4.2).

    torch.nn.Dropout divides by 1 - p in training and does nothing at test time: the same expected values,
    and training activities larger by 1 / (1 - p). The original code does as the paper says.
    """

    @validated
    def __init__(self, p: Fraction = LEARNING.dropout):
        super().__init__()
        self.p = p

    def forward(self, a: Tensor) -> Tensor:  # any shape, floats
        if self.training:
            return a * torch.empty_like(a).bernoulli_(1 - self.p)
        return a * (1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p:g}"
