"""Local response normalization (§3.3)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .checks import require_count, require_number
from .paper import LRN


def window_sum(x: Tensor, n: int) -> Tensor:
    """Sum over `n` adjacent kernel maps at the same place; maps beyond the first and last count as zero.

    The window of map i starts at i - n // 2. For odd n it is centred, as §3.3 draws it; for even n it
    reaches one map further down than up, as in the 2012 source and in torch.

    x: (..., C, H, W) -> (..., C, H, W).
    """
    maps = x.shape[-3]
    padded = F.pad(x, (0, 0, 0, 0, n // 2, (n - 1) // 2))  # (..., C + n - 1, H, W)
    return sum(padded.narrow(-3, offset, maps) for offset in range(n))


def require_maps(a: Tensor) -> None:
    """Refuse what is not a float tensor of kernel maps, (N, C, H, W) or (C, H, W)."""
    if not isinstance(a, Tensor) or not a.is_floating_point():
        kind = a.dtype if isinstance(a, Tensor) else type(a).__name__
        raise TypeError(f"input is {kind}, and §3.3 normalizes real activities: pass a float tensor")
    if a.dim() not in (3, 4):
        raise ValueError(f"input has shape {tuple(a.shape)}, and kernel maps are (N, C, H, W) or (C, H, W)")


class LocalResponseNorm(nn.Module):
    """Damp each activity by the energy of its neighbouring kernel maps (§3.3).

        b_i = a_i / (k + alpha * sum_j a_j^2) ** beta,   j over n maps around i

    `alpha` multiplies the plain sum, as §3.3 prints it. The 2012 source and `torch.nn.LocalResponseNorm`
    divide `alpha` by `n` first: `alpha_over_n=True` does so too.

    `towers=2` keeps every window inside one half of the maps, because each half lived on its own GPU
    (§3.2): the window of map 47 of 96 ends there and never sees map 48.

    Input (N, C, H, W) or (C, H, W) of any float type, C a multiple of `towers`; output of the same shape
    and type. 16-bit input is computed in float32, because the squares of activities overflow float16.

    Raises ValueError or TypeError for n below 1, k not above 0, alpha below 0, or an input of another form.
    """

    def __init__(
        self,
        n: int = LRN.n,
        k: float = LRN.k,
        alpha: float = LRN.alpha,
        beta: float = LRN.beta,
        *,
        towers: int = 1,
        alpha_over_n: bool = False,
    ):
        super().__init__()
        self.n = require_count("n", n, "it counts the adjacent kernel maps of a window (§3.3: n = 5)")
        self.k = require_number("k", k, above=0.0, why="a silent map would divide by zero (§3.3: k = 2)")
        self.alpha = require_number("alpha", alpha, least=0.0, why="it weighs an energy (§3.3: alpha = 1e-4)")
        self.beta = require_number("beta", beta, "it is the exponent of the denominator (§3.3: beta = 0.75)")
        self.towers = require_count(
            "towers", towers, "it counts the groups that windows stay inside (§3.2: 2)"
        )
        self.alpha_over_n = bool(alpha_over_n)

    def forward(self, a: Tensor) -> Tensor:
        require_maps(a)
        maps = a.shape[-3]
        if maps % self.towers:
            raise ValueError(
                f"input has {maps} kernel maps, and towers={self.towers} needs a multiple of {self.towers}: "
                f"§3.2 gives each tower an equal share. Use towers=1 or another width"
            )
        # §3.3's squares reach 1e6 and more, float16 ends at 65,504.
        wide = a if a.dtype == torch.float64 else a.float()
        split = wide.unflatten(-3, (self.towers, maps // self.towers))  # (..., towers, C/towers, H, W)
        energy = window_sum(split.square(), self.n)
        scale = self.alpha / self.n if self.alpha_over_n else self.alpha
        normalized = split / (self.k + scale * energy) ** self.beta
        return normalized.flatten(-4, -3).to(a.dtype)  # (..., C, H, W)

    def extra_repr(self) -> str:
        return (
            f"n={self.n}, k={self.k:g}, alpha={self.alpha:g}, beta={self.beta:g}, "
            f"towers={self.towers}, alpha_over_n={self.alpha_over_n}"
        )


class SpatialResponseNorm(nn.Module):
    """Damp each activity by the energy around it in its own kernel map; not in the paper.

        b = a / (k + alpha / n^2 * sum a^2 over n x n pixels) ** beta

    The 2012 source applies it in layer 2 after the response normalization (layers-145.cfg, cnorm2a:
    size 5, scale 0.001, exponent 0.75). It reads no `minDiv` for this kind of norm; that k is then 1 is ours,
    after the author's other programs. n must be odd; pixels beyond the edge count as zero.
    Input and output as for `LocalResponseNorm`.
    """

    def __init__(self, n: int = 5, k: float = 1.0, alpha: float = 1e-3, beta: float = 0.75):
        super().__init__()
        self.n = require_count("n", n, "it is the side of a window in pixels (layers-145.cfg: 5)")
        if n % 2 == 0:
            raise ValueError(f"n is {n}, and a window around a pixel has an odd side: use {n + 1}")
        self.k = require_number("k", k, above=0.0, why="it keeps the denominator off zero")
        self.alpha = require_number("alpha", alpha, least=0.0, why="a negative energy has no real power")
        self.beta = require_number("beta", beta, why="it is the exponent of the denominator")

    def forward(self, a: Tensor) -> Tensor:
        require_maps(a)
        wide = a if a.dtype == torch.float64 else a.float()
        # The mean over n x n with zeros outside is the sum divided by n^2, which the source divides alpha by.
        energy = F.avg_pool2d(wide.square(), self.n, stride=1, padding=self.n // 2)
        return (wide / (self.k + self.alpha * energy) ** self.beta).to(a.dtype)

    def extra_repr(self) -> str:
        return f"n={self.n}, k={self.k:g}, alpha={self.alpha:g}, beta={self.beta:g}"
