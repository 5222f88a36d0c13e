"""Several processes that work as one (§3.2): who leads, who takes which rows, how sums are made, who stops.

One process is the usual case and starts nothing. Several processes, one for each GPU, come from torchrun:

    torchrun --standalone --nproc-per-node 2 train.py

and on a laptop `run_processes` starts some on the CPU, for a test or a chapter.
"""

import os
import pickle
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import wait
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, multiprocessing

from ..guard import require_choice, require_count

PATIENCE = timedelta(minutes=10)  # for the slowest process at a meeting point; then the run ends
# A fork of this process would copy torch's threads in any state, and on macOS its frameworks forbid one.
START_METHOD = "forkserver" if sys.platform == "linux" else "spawn"
# What gloo and the sockets below it say to a process whose peer has gone.
_GONE = ("connection closed by peer", "connection reset by peer", "broken pipe", "connection refused")
_OTHERS = "the other processes are stopped"


@dataclass(frozen=True)
class World:
    """One process among `size`: its number from 0, its number on its own machine, and its device."""

    rank: int
    size: int
    local_rank: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files and speaks to the user."""
        return self.rank == 0


@contextmanager
def joined(device: str | None = None) -> Iterator[World]:
    """Join the processes that torchrun has started; a process that it has not started stays alone.

    device: "cpu" or "cuda", by default "cuda" where there is one. On GPUs process i of a machine takes
    cuda:i and the processes talk by nccl, on the CPU by gloo. Inside another group (`run_processes`) it
    yields a place in that one.

    An exception in one of several processes becomes one line on stderr and exit code 1, on which torchrun
    ends the others. Raises ValueError for a device that is unknown or not there.
    """
    if dist.is_initialized():
        rank = dist.get_rank()
        local_rank = int(os.environ.get("LOCAL_RANK", rank))
        device = device or ("cuda" if dist.get_backend() == "nccl" else "cpu")
        yield World(rank, dist.get_world_size(), local_rank, _device(device, local_rank))
    elif "RANK" not in os.environ:
        yield World(0, 1, 0, _device(device))
    else:
        rank, size, local_rank, local_size = _places()
        world = World(rank, size, local_rank, _device(device, local_rank, local_size))
        try:
            with _group(world, "env://"):
                yield world
        except Exception as error:
            # One write, so that lines of several processes do not mix.
            sys.stderr.write(f"{_last_words(error, world)}\n")
            sys.stderr.flush()
            raise SystemExit(1) from None


def equal_share(name: str, count: int, world: World) -> slice:
    """This process's rows of a training batch: all get as many, so that their mean is the batch's mean.

    Raises ValueError, by the argument's `name`, where the processes cannot share `count` equally.
    """
    count = require_count(name, count, "it counts the images of one step (§5: 128)")
    if count % world.size:
        raise ValueError(
            f"{name} is {count}, and {world.size} processes need a multiple of {world.size}, so that "
            f"each weighs the same. Use {count + world.size - count % world.size}, or another number "
            f"of processes"
        )
    return share(count, world)


@contextmanager
def enough_memory(batch_size: int, world: World) -> Iterator[None]:
    """Say which batch to try where the memory does not hold a step of this one."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        told = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if not told and "can't allocate memory" not in str(error):  # what torch says on a CPU
            raise
        fewer = max(batch_size // 2 // world.size, 1) * world.size
        way = f"use batch_size={fewer}" if fewer < batch_size else "use a smaller crop or net"
        raise MemoryError(
            f"batch_size is {batch_size}, and the memory of {world.device} does not hold a step of so many "
            f"images: {way}"
        ) from error


def share(count: int, world: World) -> slice:
    """This process's rows of an evaluation set: each of `count` rows is some process's, and only one's."""
    count = require_count("count", count, "it counts rows", ge=0)
    return slice(count * world.rank // world.size, count * (world.rank + 1) // world.size)


def total(tensor: Tensor, world: World) -> Tensor:
    """Sum over the processes, in place, and return it; every process calls this and gets the same numbers.

    `tensor` lies on `world.device`. No gradient passes through.
    """
    if world.size > 1:
        dist.all_reduce(tensor)
    return tensor


def run_processes(function: Callable, size: int, *args: object) -> list:
    """Call function(world, *args) in `size` new CPU processes and return the results by rank.

    `function` stands in a module, since the new processes import it; arguments and results are pickled
    copies. Where one process fails the others are stopped and RuntimeError names it and its reason.
    """
    size = require_count("size", size, "it counts processes")
    in_notebook = not hasattr(sys.modules["__main__"], "__file__")
    if in_notebook and getattr(function, "__module__", None) == "__main__":
        raise ValueError(
            f"function is {function.__qualname__}, written in a notebook, and new processes cannot import "
            f"it from there: move it to a module"
        )
    task = pickle.dumps((function, args))
    processes, places = [], {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            for rank in range(size):
                receiver, sender = multiprocessing.Pipe(duplex=False)
                world = World(rank, size, rank, torch.device("cpu"))
                meeting = (Path(folder) / "meeting").as_uri()
                processes.append(new_process(_work, sender, task, world, meeting))
                sender.close()  # the new process holds the only end, which closes with it
                places[receiver] = world
            return _collect(places)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.join()


def new_process(function: Callable, *args: object) -> multiprocessing.Process:
    """A process that calls function(*args) in this one's folder and environment, and ends with it.

    On Linux the first call starts a server that imports torch and does nothing else. All processes are
    forks of it, so only the first waits for torch; elsewhere each imports it for itself.
    """
    context = multiprocessing.get_context(START_METHOD)
    if START_METHOD == "forkserver":
        # Each optimizer imports the compiler, which takes as long as torch itself.
        context.set_forkserver_preload(["torch", "torch._dynamo"])
    job = (dict(os.environ), function, args)
    process = context.Process(target=_call, args=job, daemon=True)
    process.start()
    return process


@contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """Set once Ctrl-C or SIGTERM has come, so that a step ends whole. A second Ctrl-C stops at once."""
    asked, before = threading.Event(), {}

    def ask(number: int, frame) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is threading.main_thread():  # others cannot listen
        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _collect(places: dict) -> list:
    """The results by rank, or the first failure that is not merely another's echo."""
    results, echo, size = {}, None, len(places)
    while places:
        for receiver in wait(list(places)):
            world = places.pop(receiver)
            try:
                kind, said = pickle.loads(receiver.recv_bytes())
            except EOFError:
                kind, said = "failed", f"{_place(world)} ended without a word; {_OTHERS}"
            if kind == "failed":
                raise RuntimeError(said)
            if kind == "done":
                results[world.rank] = said
            else:
                echo = said
    if echo:
        raise RuntimeError(echo)
    return [results[rank] for rank in range(size)]


def _call(environment: dict[str, str], function: Callable, args: tuple) -> None:
    """What a new process does first: the server that it is a fork of has the environment of its own start."""
    os.environ.clear()
    os.environ.update(environment)
    function(*args)


def _work(sender, task: bytes, world: World, meeting: str) -> None:
    """What a new process does: join, call, and send the result or the reason why there is none."""
    loopback = {"linux": "lo", "darwin": "lo0"}.get(sys.platform)
    if loopback:  # all are on this machine, and its name may not resolve
        os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // world.size))
    try:
        function, args = pickle.loads(task)
        with _group(world, meeting):
            result = pickle.dumps(("done", function(world, *args)))
        sender.send_bytes(result)
    except Exception as error:
        kind = "echo" if _is_echo(error) else "failed"
        sender.send_bytes(pickle.dumps((kind, _last_words(error, world))))


@contextmanager
def _group(world: World, meeting: str) -> Iterator[None]:
    """Meet the others, and part when all went well: after a failure a farewell would wait for the dead."""
    if world.device.type == "cuda":
        torch.cuda.set_device(world.device)
    backend = "nccl" if world.device.type == "cuda" else "gloo"
    dist.init_process_group(
        backend, init_method=meeting, rank=world.rank, world_size=world.size, timeout=PATIENCE
    )
    yield
    dist.destroy_process_group()


def _places() -> list[int]:
    """RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE, as torchrun sets them."""
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise ValueError(
            f"RANK is {os.environ['RANK']} and {', '.join(missing)} not set: torchrun sets all of "
            f"{', '.join(names)}. Start with torchrun, or unset RANK"
        )
    return [int(os.environ[name]) for name in names]


def _device(device: str | None, local_rank: int = 0, local_size: int = 1) -> torch.device:
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device is None:
        device = "cuda" if gpus else "cpu"
    require_choice("device", device, ("cpu", "cuda"))
    if device == "cpu":
        return torch.device("cpu")
    if not gpus:
        raise ValueError("device is 'cuda', and torch sees no GPU here: use device='cpu'")
    if local_size > gpus:
        raise ValueError(
            f"device is 'cuda' with {local_size} processes on this machine, each of which needs a GPU, and "
            f"torch sees {gpus}: use --nproc-per-node {gpus}, or device='cpu'"
        )
    return torch.device("cuda", local_rank)


def _is_echo(error: Exception) -> bool:
    """Whether an error only says that another process has gone."""
    return any(words in str(error).lower() for words in _GONE)


def _last_words(error: Exception, world: World) -> str:
    """One line on why this process ends."""
    if _is_echo(error):
        return f"{_place(world)} stops: its connection to another process broke"
    where = traceback.extract_tb(error.__traceback__)[-1]
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{_place(world)} failed: {reason} ({Path(where.filename).name}:{where.lineno}); {_OTHERS}"


def _place(world: World) -> str:
    return f"rank {world.rank} of {world.size}"
