"""Memory for tensors that are made again and again, all alike; not in the paper."""

import threading
import weakref

import torch
from torch import Tensor


class Room:
    """Room for tensors of one kind, used again: a system clears fresh pages for longer than we fill them.

    A tensor gets the memory of an earlier one only when nobody holds that any more, or a view or an array of
    it. Two are kept, because a loop has the last one in its hands while it asks for the next; none of them
    when another shape, order or type is asked for.
    """

    def __init__(self):
        self._kind, self._kept = None, []  # of memory, and who has it
        self._asked = threading.Lock()  # by one thread at a time, or two could find the same memory free

    def empty(
        self, shape: tuple[int, ...], order: tuple[int, ...], dtype: torch.dtype, device: torch.device
    ) -> Tensor:
        """A tensor that holds any numbers; its axes lie in memory in this order, as in empty_permuted."""
        if device.type != "cpu":  # elsewhere torch itself keeps what is freed
            return torch.empty_permuted(shape, order, dtype=dtype, device=device)
        kind = tuple(shape), order, dtype
        with self._asked:
            if self._kind != kind:
                self._kind, self._kept = kind, []
            free = [k for k, (_, lent) in enumerate(self._kept) if lent() is None]
            memory = self._kept.pop(free[0])[0] if free else torch.empty_permuted(shape, order, dtype=dtype)
            lent = memory.numpy()  # lives as long as any tensor that is made of it, or a view of one
            self._kept = [*self._kept[-1:], (memory, weakref.ref(lent))]
        return torch.from_numpy(lent)

    def __reduce__(self):
        return Room, ()  # a copied or stored net finds room of its own
