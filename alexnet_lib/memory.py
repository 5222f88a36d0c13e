"""Memory that a step of training does without, or need not fetch again; not in the paper."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .checks import require_net
from .normalization import LocalResponseNorm

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h


def keep_freed_memory() -> bool:
    """Let this process keep the memory of freed tensors; True where the system's allocator can.

    Linux's allocator fetches every tensor above 32 MiB from the system and gives it back when it is freed,
    and the system clears each page anew. A step of the paper's net frees and fetches all its activities so.
    Call it before the first tensor. The process then holds the most that it ever needed, up to about twice
    as much as before, and it cannot be taken back. Other systems, and Linux with another allocator than
    glibc's, are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt and mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))


class _WrittenOver(torch.autograd.Function):
    """max(0, x) in the memory of x, and its gradient in the memory of the one that comes in."""

    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        ctx.save_for_backward(x.relu_())
        return x

    @staticmethod
    def backward(ctx, g):
        (out,) = ctx.saved_tensors
        if torch.is_grad_enabled():  # a gradient of this gradient is asked for
            return g * (out > 0)
        if g.stride() != out.stride():  # several of its numbers may share one place
            return torch.ops.aten.threshold_backward(g, out, 0)
        return torch.ops.aten.threshold_backward.grad_input(g, out, 0, grad_input=g)


def _written_over(x: Tensor) -> Tensor:
    recorded = torch.is_grad_enabled() and getattr(x, "requires_grad", False)
    if recorded and not torch.compiler.is_compiling():  # a compiler plans memory itself
        return _WrittenOver.apply(x)
    return torch.relu_(x)


@contextmanager
def in_place(net: nn.Module) -> Iterator[None]:
    """Inside it, a net's ReLUs write over what they read, and they and its norms over the gradients too.

    The numbers are the same, and a step takes less memory and time. But a hook on the layer before a ReLU
    then sees what the ReLU has made of that layer's output, and one on a gradient what has become of it. For
    nets in a row, where one layer alone reads what another gives, as in all nets of this library.
    """
    layers = list(require_net("net", net).modules())
    units = [layer for layer in layers if isinstance(layer, nn.ReLU) and not layer.inplace]
    norms = [layer for layer in layers if isinstance(layer, LocalResponseNorm) and not layer.inplace]
    for layer in units + norms:
        layer.inplace = True
    for unit in units:
        unit.forward = _written_over
    try:
        yield
    finally:
        for layer in units + norms:
            layer.inplace = False
        for unit in units:
            del unit.forward  # the class's own shows again
