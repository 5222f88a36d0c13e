"""Memory that a run on a CPU has used once, kept for its next step (§5.1 is about speed; this is ours)."""

import ctypes
import sys

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
