"""What this machine can do at best: its rates of copying and of multiplying matrices."""

import statistics
from collections.abc import Callable

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from .measure import seconds

# Of the tensor that is copied: no cache holds it. A GPU's are larger, and its calls take longer to begin.
MEBIBYTES = {"cpu": 128, "cuda": 1024}
SIDE = {"cpu": 2048, "cuda": 8192}  # of the matrices
PRECISION = {"cpu": torch.float32, "cuda": torch.bfloat16}  # of the matrices, as the net is trained there
GPU_COPY, GPU_MATRIX = "GPU copy GB/s", "GPU bfloat16 matrix TFLOP/s"


def machine_limits(rounds: int = 7, device: str = "cpu", clock: Callable[[], float] | None = None) -> dict:
    """Medians over the rounds, in the unit that each name ends in.

    "copy GB/s" reads a tensor and writes it into memory that is there already, both counted; "clone GB/s"
    does so into fresh memory, which the system has to find and clear first; "matrix GFLOP/s" multiplies two
    float32 matrices, a multiplication and an addition counted apart. On "cuda" they are "GPU copy GB/s" and
    "GPU bfloat16 matrix TFLOP/s"; torch keeps a GPU's freed memory, so that a clone there is a copy.
    """
    return _limits(device, torch.device(device), rounds, clock)


def _limits(kind: str, device: torch.device, rounds: int, clock) -> dict[str, float]:
    """The limits of a kind of machine, on a device."""
    source = torch.ones(MEBIBYTES[kind] * 2**20 // 4, device=device)
    target = torch.ones_like(source)
    side = SIDE[kind]
    # Random numbers: a GPU multiplies ones with less power, and so faster than anything of use.
    a, b = (torch.rand(side, side, device=device).to(PRECISION[kind]) for _ in range(2))
    product = torch.empty_like(a)
    copy = (lambda: target.copy_(source), 2 * source.nbytes)
    clone = (source.clone, 2 * source.nbytes)
    matrix = (lambda: torch.mm(a, b, out=product), 2 * side**3)
    on_cpu = {"copy GB/s": copy, "clone GB/s": clone, "matrix GFLOP/s": matrix}
    work = on_cpu if kind == "cpu" else {GPU_COPY: copy, GPU_MATRIX: matrix}
    found = {name: amount / _median(call, a, rounds, clock) for name, (call, amount) in work.items()}
    return {name: rate / (1e12 if "TFLOP" in name else 1e9) for name, rate in found.items()}


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
