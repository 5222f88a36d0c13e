"""Memory that a step of training does without, or need not fetch again; not in the paper."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from .normalization import LocalResponseNorm
from .reuse import forwards_of
from .room import Room

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


@contextmanager
def in_place(net: nn.Module) -> Iterator[None]:
    """Inside it, a net's layers work in memory that is there already, wherever nobody needs what it holds.

    ReLUs write over what they read, and they and the norms over the gradients too. A max pool right behind a
    norm or a convolution writes its gradient over what it read. A norm's output and the gradient of a
    fully-connected layer's weights take the memory of an earlier step's, once nobody holds that any more.

    The numbers are the same, and a step takes less memory and time. But a hook on a layer then sees what the
    layers behind it have made of its output, and one on a gradient what has become of it. A graph that is
    kept (retain_graph=True) has one way back through such a pool, and torch refuses another, unless the first
    was for gradients of gradients (create_graph=True). For nets in a row, where one layer alone reads what
    another gives, as in all nets of this library.
    """
    forwards = forwards_of(net)
    units = [layer for layer in forwards if isinstance(layer, nn.ReLU)]
    norms = [layer for layer in net.modules() if isinstance(layer, LocalResponseNorm) and not layer.room]
    for unit in units:
        unit.inplace = True
    for norm in norms:
        norm.room = Room()
    for layer, forward in forwards.items():
        layer.forward = forward
    try:
        yield
    finally:
        for unit in units:
            unit.inplace = False
        for norm in norms:
            del norm.room
        for layer in forwards:
            del layer.forward  # the class's own shows again
