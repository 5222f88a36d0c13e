"""Local response normalization (§3.3): an activity is damped by the energy of its neighbors."""

import torch
import torch.fx
import torch.nn.functional as F
from torch import Tensor, nn

from .guard import Count, NonNegative, Positive, validated
from .paper import LRN


def window_sum(x: Tensor, n: int) -> Tensor:
    """Sum over the `n` channels around each channel; those beyond the first and the last count as zero.

    The window of channel i starts at i - n // 2: centered for odd n, one further down than up for even n,
    as in the original code and in torch. (..., C, H, W) -> (..., C, H, W).
    """
    channels = x.shape[-3]
    below, above = min(n // 2, channels), min((n - 1) // 2, channels)  # what lies further is zero
    padded = F.pad(x, (0, 0, 0, 0, below, above))  # (..., below + C + above, H, W)
    return sum(padded[..., j : j + channels, :, :] for j in range(below + 1 + above))  # (..., C, H, W)


@torch.fx.wrap
def at_least_float32(a: Tensor) -> Tensor:
    """The same numbers in float32, float64 as they are: the squares of activities overflow 16 bits.

    Whole numbers would be rounded, and with other shapes "channels" another axis: TypeError, ValueError.
    """
    if not a.is_floating_point():
        raise TypeError(f"input is {a.dtype}, and response normalization takes floats: pass input.float()")
    if a.dim() not in (3, 4):
        raise ValueError(f"input has shape {tuple(a.shape)}, and must be (N, C, H, W) or (C, H, W)")
    return a if a.dtype == torch.float64 else a.float()


class LocalResponseNorm(nn.Module):
    """b_i = a_i / (k + alpha * sum of a_j^2 over n channels around i) ** beta   (§3.3)

    `alpha` multiplies the plain sum, as the paper prints it; torch's layer and the original code divide
    it by n first (`alpha_over_n=True`). `towers=2` keeps every window inside its half of the channels,
    because each half lived on its own GPU (§3.2).

    (N, C, H, W) or (C, H, W) of any float type, C a multiple of `towers` -> the same shape and type.
    Torch's layer takes alpha, beta, k in another order, so here they go by keyword.
    """

    @validated
    def __init__(
        self,
        n: Count = LRN.n,
        *,
        k: Positive = LRN.k,
        alpha: NonNegative = LRN.alpha,
        beta: float = LRN.beta,
        towers: Count = 1,
        alpha_over_n: bool = False,
    ):
        super().__init__()
        self.n, self.k, self.alpha, self.beta = n, k, alpha, beta
        self.towers, self.alpha_over_n = towers, alpha_over_n

    def forward(self, a: Tensor) -> Tensor:  # (N, C, H, W)
        channels = at_least_float32(a).unflatten(-3, (self.towers, -1))  # (N, towers, C / towers, H, W)
        alpha = self.alpha / self.n if self.alpha_over_n else self.alpha
        d = self.k + alpha * window_sum(channels.square(), self.n)
        return (channels / d**self.beta).flatten(-4, -3).to(a.dtype)  # (N, C, H, W)

    def extra_repr(self) -> str:
        return (
            f"n={self.n}, k={self.k:g}, alpha={self.alpha:g}, beta={self.beta:g}, "
            f"towers={self.towers}, alpha_over_n={self.alpha_over_n}"
        )


class SpatialResponseNorm(nn.Module):
    """b = a / (k + alpha / n^2 * sum of a^2 over n x n pixels of the channel) ** beta; not in the paper.

    The original code has it in layer 2 behind the other norm (layers-145.cfg, cnorm2a: size 5, scale
    0.001, exponent 0.75). It gives no k for this norm; 1 is ours, after the author's other programs.
    n is odd; pixels beyond the edge count as zero. Input and output as for `LocalResponseNorm`.
    """

    @validated
    def __init__(self, n: Count = 5, *, k: Positive = 1.0, alpha: NonNegative = 1e-3, beta: float = LRN.beta):
        super().__init__()
        if n % 2 == 0:
            raise ValueError(f"n is {n}, and a window around a pixel has an odd side: use {n + 1}")
        self.n, self.k, self.alpha, self.beta = n, k, alpha, beta

    def forward(self, a: Tensor) -> Tensor:  # (N, C, H, W)
        wide = at_least_float32(a)
        energy = F.avg_pool2d(wide.square(), self.n, stride=1, padding=self.n // 2)  # sum / n^2
        return (wide / (self.k + self.alpha * energy) ** self.beta).to(a.dtype)

    def extra_repr(self) -> str:
        return f"n={self.n}, k={self.k:g}, alpha={self.alpha:g}, beta={self.beta:g}"
