"""Rows on response normalization (§3.3): forward and backward, against torch's own layer."""

from functools import partial

import torch
from torch import nn

from ..normalization import LocalResponseNorm
from ..paper import LRN
from .limits import peak_bytes
from .measure import Pair, Row

SHAPES = ((128, 96, 27, 27), (32, 96, 55, 55), (128, 256, 13, 13))
FORMATS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}
GOALS = {"contiguous": 4.5, "channels-last": 6.0}
PREDICTED = {  # by a prototype with two threads, before the body was written
    "contiguous": (6.0, 6.6, 5.2),
    "channels-last": (7.8, 8.6, 7.1),
}


def torchs_norm() -> nn.Module:
    """The paper's constants in torch's own layer, which divides alpha by n."""
    return nn.LocalResponseNorm(LRN.n, alpha=LRN.alpha * LRN.n, beta=LRN.beta, k=LRN.k)


def pair(shape: tuple[int, ...], layout: str, compiled: bool = False) -> Pair:
    """Forward and backward of both layers on the same activities; also the most memory each takes."""
    draw = torch.Generator().manual_seed(0)
    a, g = (torch.randn(shape, generator=draw).to(memory_format=FORMATS[layout]) for _ in range(2))
    a.requires_grad_()
    layer = LocalResponseNorm()
    layers = {"ours": torch.compile(layer, fullgraph=True) if compiled else layer, "peer": torchs_norm()}

    def both_ways(layer):
        a.grad = None
        layer(a).backward(g)

    work = {name: partial(both_ways, layer) for name, layer in layers.items()}
    also = {}
    for name, call in work.items():
        call()  # compiles where there is something to compile
        a.grad = None
        also[f"{name}: memory / input"] = peak_bytes(call) / a.nbytes
    return Pair(work["ours"], work["peer"], shape[0], also)


def rows() -> list[Row]:
    """Every shape in both orders of memory, and the same compiled."""
    found = []
    for layout in FORMATS:
        for shape, predicted in zip(SHAPES, PREDICTED[layout], strict=True):
            name = f"{'x'.join(map(str, shape))}/{layout}"
            found.append(
                Row(
                    f"norm/{name}",
                    "a few images at a time, gradient by its formula",
                    "nn.LocalResponseNorm",
                    "passes in the cache, not in memory; 2 fresh tensors instead of 8; roots, not powers",
                    GOALS[layout],
                    predicted,
                    partial(pair, shape, layout),
                )
            )
            found.append(
                Row(
                    f"norm-compiled/{name}",
                    "under torch.compile, in one graph",
                    "nn.LocalResponseNorm, not compiled",
                    "one pass each way; one root is kept, so that only products are computed again",
                    10.0,
                    None,
                    partial(pair, shape, layout, compiled=True),
                )
            )
    return found
