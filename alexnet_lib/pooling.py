"""Max pooling with window z and stride s, overlapping when s < z (§3.4)."""

import torch.nn.functional as F
from torch import Tensor, nn

from .guard import require_count, require_flag, require_tensor
from .paper import POOLING


def output_size(size: int, z: int, s: int, padding: int = 0, ceil: bool = False) -> int:
    """How many windows of side `z`, `s` pixels apart, cover a side of `size` pixels (§3.4, §3.5).

    With `ceil` a last window may hang over the far edge so that no pixel is left out, as in the 2012
    source (layer.py:1004): 224 pixels, z = 11, s = 4 give 55 windows, and 54 without. Convolutions and
    pooling count alike. Raises ValueError where not even one window fits.
    """
    require_count("size", size, "it is a side in pixels")
    require_count("z", z, "it is the side of a window in pixels (§3.4: z = 3)")
    require_count(
        "s", s, "it is the distance of windows in pixels (§3.4: s = 2); a stride of 0 never moves on"
    )
    require_count("padding", padding, "it is a border in pixels", ge=0)
    require_flag("ceil", ceil, "it lets the last window hang over the edge (§3.5)")
    room = size + 2 * padding - z
    if room < 0:
        raise ValueError(
            f"size is {size} with padding {padding}, and a window of z = {z} does not fit: "
            f"use at least {z - 2 * padding} pixels, or a smaller window"
        )
    return 1 + (-(-room // s) if ceil else room // s)


class MaxPool(nn.Module):
    """The largest activity in each window of z x z pixels, windows s pixels apart (§3.4).

    z = 3, s = 2 is the paper's overlapping pooling; z = s = 2 the traditional, non-overlapping one.
    (N, C, H, W) or (C, H, W) -> the same with sides `output_size(H, z, s, ceil=ceil)`.
    """

    def __init__(self, z: int = POOLING.z, s: int = POOLING.s, *, ceil: bool = False):
        super().__init__()
        self.z = require_count("z", z, "it is the side of a window in pixels (§3.4: z = 3)")
        self.s = require_count("s", s, "it is the distance of windows in pixels (§3.4: s = 2)")
        self.ceil = require_flag("ceil", ceil, "it lets the last window hang over the edge (§3.5)")
        if ceil and s > z:
            raise ValueError(
                f"ceil=True with s = {s} above z = {z} would put windows wholly beyond the edge: "
                f"use s of at most {z}, or ceil=False"
            )

    @property
    def overlaps(self) -> bool:
        """Whether neighboring windows share pixels."""
        return self.s < self.z

    def forward(self, a: Tensor) -> Tensor:
        require_tensor("input", a, "(N, C, H, W) or (C, H, W)", "windows lie on kernel maps (§3.4)")
        for side in a.shape[-2:]:
            output_size(side, self.z, self.s, ceil=self.ceil)  # refuses in words what torch refuses in codes
        return F.max_pool2d(a, self.z, self.s, ceil_mode=self.ceil)

    def extra_repr(self) -> str:
        return f"z={self.z}, s={self.s}, ceil={self.ceil}"
