"""Several runs at a time, each in a process of its own with one thread; on a GPU they share it."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait

import torch

from ..training.ranks import asked_to_stop, new_process
from ..training.result import Interrupted

LOOK_SECONDS = 0.2  # between two looks for Ctrl-C while all processes are busy


@contextmanager
def workers(make: Callable, count: int) -> Iterator["Workers"]:
    """`count` processes that call make(label, *arguments), until the end of the block or an error in it.

    They stop after a whole step where a run is going on, and its checkpoint is written.
    """
    processes, pipes = [], []
    try:
        for _ in range(count):
            ours, theirs = Pipe()
            pipes.append(ours)
            processes.append(new_process(_work, theirs, make))
            theirs.close()  # the process holds the only other end, which closes with it
        yield Workers(pipes)
        for pipe in pipes:
            pipe.close()  # nothing more to do
    except BaseException:
        for process in processes:
            process.terminate()
        raise
    finally:
        for process in processes:
            process.join()


class Workers:
    """The processes' ends of the pipes to them."""

    def __init__(self, pipes: list[Connection]):
        self.pipes = pipes

    def each(self, tasks: Iterable[tuple]) -> Iterator:
        """The results of make(*task), in the order in which they come.

        The first error of a task is raised here. Raises ChildProcessError where a process has been killed,
        and Interrupted after Ctrl-C or SIGTERM.
        """
        waiting, busy = list(tasks)[::-1], {}
        with asked_to_stop() as asked:
            while waiting or busy:
                for pipe in self.pipes:
                    if waiting and pipe not in busy:
                        busy[pipe] = waiting.pop()
                        pipe.send(busy[pipe])
                for pipe in wait(list(busy), timeout=LOOK_SECONDS):
                    yield _answer(pipe, busy.pop(pipe)[0])
                if asked.is_set():
                    labels = ", ".join(task[0] for task in busy.values())
                    where = f"{labels} stopped and saved" if labels else "stopped between two runs"
                    raise Interrupted(f"{where}; the same command goes on")


def _answer(pipe: Connection, label: str) -> object:
    """What a process has to say on its task."""
    try:
        said = pipe.recv()
    except (EOFError, ConnectionError):
        raise ChildProcessError(
            f"the process that made {label} was killed, perhaps because the memory was full: the others are "
            f"stopped and saved. The same command goes on; with fewer --jobs it takes less memory"
        ) from None
    if isinstance(said, Exception):
        raise said
    return said


def _work(pipe: Connection, make: Callable) -> None:
    """What a process does: task after task, until the first process has no more, or is no more."""
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # Ctrl-C reaches the first process alone, which then stops the others, once
    torch.set_num_threads(1)
    with suppress(EOFError, ConnectionError, Interrupted):
        while True:
            task = pipe.recv()
            try:
                said = make(*task)
            except Exception as error:
                said = error
            pipe.send(said)
