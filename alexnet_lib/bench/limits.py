"""What this machine can do at best: its rates of copying and of multiplying matrices."""

import statistics
from collections.abc import Callable

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from .measure import seconds

MEBIBYTES = 128  # of the tensor that is copied: no cache holds it
SIDE = 2048  # of the matrices


def machine_limits(rounds: int = 7, device: str = "cpu", clock: Callable[[], float] | None = None) -> dict:
    """Medians over the rounds, in units of 10^9 a second.

    "copy GB/s" reads a tensor and writes it into memory that is there already, both counted; "clone GB/s"
    does so into fresh memory, which the system has to find and clear first; "matrix GFLOP/s" multiplies two
    float32 matrices, a multiplication and an addition counted apart.
    """
    source = torch.ones(MEBIBYTES * 2**20 // 4, device=device)
    target = torch.ones_like(source)
    a, b = (torch.ones(SIDE, SIDE, device=device) for _ in range(2))
    product = torch.empty_like(a)
    work = {
        "copy GB/s": (lambda: target.copy_(source), 2 * source.nbytes),
        "clone GB/s": (source.clone, 2 * source.nbytes),
        "matrix GFLOP/s": (lambda: torch.mm(a, b, out=product), 2 * SIDE**3),
    }
    return {name: amount / _median(call, a, rounds, clock) / 1e9 for name, (call, amount) in work.items()}


def peak_bytes(work: Callable[[], object]) -> int:
    """The most bytes that tensors made during a call hold at one time on the CPU."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True) as seen:
        work()
    held = most = 0
    for event in seen.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most


def _median(call: Callable[[], object], on: Tensor, rounds: int, clock) -> float:
    def whole():
        call()
        if on.device.type == "cuda":
            torch.cuda.synchronize()

    whole()
    clocked = {} if clock is None else {"clock": clock}
    return statistics.median(seconds(whole, **clocked) for _ in range(rounds))
