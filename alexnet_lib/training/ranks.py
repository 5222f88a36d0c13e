"""Several processes that work as one (§3.2): who takes which rows, how sums are made, who stops.

One process is the usual case and starts nothing. Several processes, one for each GPU, come from torchrun:

    torchrun --standalone --nproc-per-node 2 -m alexnet_lib.cli train --preset imagenette

and on a laptop `run_processes` starts some on the CPU, for a test or a chapter.
"""

import os
import pickle
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, multiprocessing

from ..guard import require_choice, require_count

TIMEOUT = timedelta(minutes=10)  # of a call that waits for the other processes
TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")  # the variables that torchrun sets


@dataclass(frozen=True)
class Ranks:
    """One process among `size`: its number from 0, its number on its own machine, and its device."""

    rank: int
    size: int
    local_rank: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes files and speaks to the user."""
        return self.rank == 0


@contextmanager
def init_distributed(device: str | torch.device | None = None) -> Iterator[Ranks]:
    """Join the processes that torchrun has started; a process that it has not started stays alone.

    device: "cpu" or "cuda", by default "cuda" where there is one. On GPUs process i of a machine takes cuda:i
    and the processes talk by nccl, on the CPU by gloo. Inside another group (`run_processes`) it yields a
    place in that one. Raises ValueError for a device that is unknown or not there.
    """
    device = device.type if isinstance(device, torch.device) else device
    if dist.is_initialized():
        rank = dist.get_rank()
        local_rank = int(os.environ.get("LOCAL_RANK", rank))
        device = device or ("cuda" if dist.get_backend() == "nccl" else "cpu")
        yield Ranks(rank, dist.get_world_size(), local_rank, _device(device, local_rank))
    elif "RANK" not in os.environ:
        yield Ranks(0, 1, 0, _device(device))
    else:
        if missing := [name for name in TORCHRUN if name not in os.environ]:
            raise ValueError(f"RANK is set, and {', '.join(missing)} not: start with torchrun, or unset RANK")
        rank, size, local_rank, local_size = (int(os.environ[name]) for name in TORCHRUN)
        ranks = Ranks(rank, size, local_rank, _device(device, local_rank, local_size))
        _join(ranks, "env://")
        yield ranks
        dist.destroy_process_group()  # not after an error: it may hang when a peer has died


def batch_shard(name: str, count: int, ranks: Ranks) -> slice:
    """This process's rows of a training batch: all get as many, so that their mean is the batch's mean.

    Raises ValueError, by the argument's `name`, where the processes cannot share `count` equally.
    """
    if count % ranks.size:
        raise ValueError(
            f"{name} is {count}, and {ranks.size} processes need a multiple of {ranks.size}, so that each "
            f"weighs the same. Use {count + ranks.size - count % ranks.size}, or another number of processes"
        )
    return shard(count, ranks)


def shard(count: int, ranks: Ranks) -> slice:
    """This process's rows of an evaluation set: each of `count` rows is some process's, and only one's."""
    return slice(count * ranks.rank // ranks.size, count * (ranks.rank + 1) // ranks.size)


def all_reduce_sum(tensor: Tensor, ranks: Ranks) -> Tensor:
    """Sum over the processes, in place, and return it; every process calls this. No gradient passes."""
    if ranks.size > 1:
        dist.all_reduce(tensor)
    return tensor


@contextmanager
def explain_oom(batch_size: int, ranks: Ranks) -> Iterator[None]:
    """Say which batch to try where the memory does not hold a step of this one."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        known = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if not known and "can't allocate memory" not in str(error):  # what torch says on a CPU
            raise
        fewer = max(batch_size // 2 // ranks.size, 1) * ranks.size
        way = f"use batch_size={fewer}" if fewer < batch_size else "use a smaller crop or net"
        raise MemoryError(
            f"batch_size is {batch_size}, and the memory of {ranks.device} does not hold a step of so many "
            f"images: {way}"
        ) from error


@contextmanager
def graceful_stop() -> Iterator[threading.Event]:
    """Set once Ctrl-C, SIGTERM or a closed terminal (SIGHUP) asks, so that a step ends whole.

    A second Ctrl-C stops at once. What the process ignores, as SIGHUP under nohup, stays ignored.
    """
    asked, before = threading.Event(), {}

    def ask(number: int, frame) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is threading.main_thread():  # Python delivers signals to it only
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
            number = getattr(signal, name, None)
            if number and signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, ask)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_processes(function: Callable, size: int, *args: object) -> list:
    """Call function(ranks, *args) in `size` new CPU processes and return the results by rank.

    `function` stands in a module, since the new processes import it; arguments and results are copies. Where
    one process fails the others are stopped, and torch's error has its traceback.
    """
    size = require_count("size", size, "it counts processes")
    if function.__module__ == "__main__" and not hasattr(sys.modules["__main__"], "__file__"):
        raise ValueError(
            f"function is {function.__qualname__}, written in a notebook, and new processes cannot import "
            f"it from there: move it to a module"
        )
    task = pickle.dumps((function, args))  # else torch would let the processes share the tensors' memory
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(_work, (size, task, folder), nprocs=size)
        return [pickle.loads(Path(folder, str(rank)).read_bytes()) for rank in range(size)]


def _work(rank: int, size: int, task: bytes, folder: str) -> None:
    """What a new process does: join, call, and leave the result in a file."""
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // size))
    if loopback := {"linux": "lo", "darwin": "lo0"}.get(sys.platform):  # the machine's name may not resolve
        os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)
    ranks = Ranks(rank, size, rank, torch.device("cpu"))
    function, args = pickle.loads(task)
    _join(ranks, Path(folder, "meeting").as_uri())
    result = pickle.dumps(function(ranks, *args))
    dist.destroy_process_group()
    Path(folder, str(rank)).write_bytes(result)


def _join(ranks: Ranks, address: str) -> None:
    if ranks.device.type == "cuda":
        torch.cuda.set_device(ranks.device)
    backend = "nccl" if ranks.device.type == "cuda" else "gloo"
    dist.init_process_group(
        backend, init_method=address, rank=ranks.rank, world_size=ranks.size, timeout=TIMEOUT
    )


def _device(device: str | None, local_rank: int = 0, local_size: int = 1) -> torch.device:
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    device = require_choice("device", device or ("cuda" if gpus else "cpu"), ("cpu", "cuda"))
    if device == "cpu":
        return torch.device("cpu")
    if local_size > gpus:
        raise ValueError(
            f"device is 'cuda' for {local_size} processes on this machine, each of which needs a GPU, and "
            f"torch sees {gpus}: use device='cpu'" + (f", or --nproc-per-node {gpus}" if gpus else "")
        )
    return torch.device("cuda", local_rank)
