"""Dropout as the paper does it: a mask in training, half of every output at test time (§4.2)."""

from torch import Tensor, nn

from .guard import require_number
from .paper import LEARNING


class PaperDropout(nn.Module):
    """Set each activity to zero with probability `p` in training; multiply all by 1 - p at test time (§4.2).

    `torch.nn.Dropout` is the "inverted" form: it divides by 1 - p in training and does nothing at test
    time. The expected values agree; the training activities here are smaller by the factor 1 - p.
    The 2012 source does as the paper says. Any shape and float type, output of the same.
    """

    def __init__(self, p: float = LEARNING.dropout):
        super().__init__()
        self.p = require_number("p", p, ge=0.0, le=1.0, why="it is a probability (§4.2: p = 0.5)")

    def forward(self, a: Tensor) -> Tensor:
        if not isinstance(a, Tensor) or not a.is_floating_point():
            kind = a.dtype if isinstance(a, Tensor) else type(a).__name__
            raise TypeError(f"input is {kind}, and dropout works on activities: pass a float tensor")
        if self.training:
            keep = a.new_empty(a.shape).bernoulli_(1 - self.p)
            return a * keep
        return a * (1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p:g}"
