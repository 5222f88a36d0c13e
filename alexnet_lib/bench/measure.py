"""Two ways of doing one thing, timed in turn, so that a busy machine slows both alike."""

import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context, set_start_method
from tempfile import TemporaryDirectory

import torch

from ..guard import Count, require_count, require_kind, validated
from ..memory import keep_freed_memory

WARM = 1  # calls of each before the first that counts: they find memory and choose algorithms


class NotMeasured(Exception):
    """This machine or this call lacks what a row needs; the message says what."""


@dataclass(frozen=True)
class Work:
    """How much one call of ours does, and how much of it the machine can do at best.

    kind: "copy" or "matrix"; unit: "GB", "TFLOP"; amount: of a call; limit: a second, measured in the same
    process, because another hour has another limit.
    """

    kind: str
    unit: str
    amount: float
    limit: float

    def beside(self, seconds: float) -> dict[str, float]:
        """The rate of a call that took so long, and its share of the limit."""
        rate = self.amount / seconds
        return {f"{self.unit}/s": rate, f"of the {self.kind} rate": rate / self.limit}


@dataclass(frozen=True)
class Pair:
    """What a row times, ready to be called, and what it knows without a clock.

    images: how many a call works on, where that is what counts. also: numbers beside the times, by name.
    work: what a call of ours does, told as a share of the machine's limit when its time is known.
    """

    ours: Callable[[], object]
    peer: Callable[[], object]
    images: int | None = None
    also: dict[str, float] = field(default_factory=dict)
    work: tuple[Work, ...] = ()


@dataclass(frozen=True)
class Row:
    """One comparison, declared before it is measured.

    name: group/what; ours and peer: the two ways in words; moves: what should make the difference, bytes,
    passes, allocations or arithmetic; goal: the ratio to reach, None where it is only to be known;
    predicted: the ratio that was expected before the first measurement, None where nobody said one;
    prepare: makes the pair, or raises NotMeasured; goals: what numbers beside the ratio are to reach, by
    their names: "images/s", or one of `Measured.also`.
    """

    name: str
    ours: str
    peer: str
    moves: str
    goal: float | None
    predicted: float | None
    prepare: Callable[[], Pair]
    goals: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """The seconds of every round, and the ratios that follow from them: above 1 ours is faster."""

    name: str
    ours: str
    peer: str
    moves: str
    goal: float | None
    predicted: float | None
    seconds_ours: tuple[float, ...] = ()
    seconds_peer: tuple[float, ...] = ()
    images: int | None = None
    also: dict[str, float] = field(default_factory=dict)
    missing: str = ""  # why there is no measurement
    goals: dict[str, float] = field(default_factory=dict)  # of numbers beside the ratio

    def __post_init__(self):
        if len(self.seconds_ours) != len(self.seconds_peer):
            raise ValueError(
                f"{self.name} has {len(self.seconds_ours)} times of ours and {len(self.seconds_peer)} of the "
                f"peer's: a round has one of each"
            )

    @property
    def ratios(self) -> tuple[float, ...]:
        """The peer's time divided by ours in each round."""
        return tuple(peer / ours for ours, peer in zip(self.seconds_ours, self.seconds_peer, strict=True))

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios."""
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """The smallest and the largest ratio of a round."""
        return min(self.ratios), max(self.ratios)

    @property
    def images_per_second(self) -> float | None:
        """Ours, by the median of its times."""
        return self.images / statistics.median(self.seconds_ours) if self.images else None

    @property
    def meets_goal(self) -> bool | None:
        """Whether the median ratio reaches the goal; None without a goal or a measurement."""
        return None if self.goal is None or not self.ratios else self.ratio >= self.goal

    @property
    def beside(self) -> dict[str, float]:
        """The numbers beside the ratio: "images/s" where images are what counts, and `also`."""
        counted = {"images/s": self.images_per_second} if self.images and self.ratios else {}
        return counted | self.also

    def reaches(self, name: str) -> bool | None:
        """Whether a number beside the ratio reaches its goal; None without a goal or a measurement."""
        return self.beside[name] >= self.goals[name] if {name} <= self.goals.keys() & self.beside else None


def measure(row: Row, rounds: int = 7, clock: Callable[[], float] = time.perf_counter) -> Measured:
    """Time the peer, then ours, then the peer again, `rounds` times each; what lacks is told."""
    require_kind("row", row, Row)
    require_count("rounds", rounds, "it counts the times of each; a median wants some five")
    told = (row.name, row.ours, row.peer, row.moves, row.goal, row.predicted)
    try:
        pair = row.prepare()
        for _ in range(WARM):
            pair.peer()
            pair.ours()
    except NotMeasured as lack:
        return Measured(*told, missing=str(lack), goals=row.goals)
    except torch.OutOfMemoryError:
        return Measured(*told, missing="this GPU lacks the memory", goals=row.goals)
    peer, ours = [], []
    for _ in range(rounds):
        peer.append(seconds(pair.peer, clock))
        ours.append(seconds(pair.ours, clock))
    also = dict(pair.also)
    for work in pair.work:
        also |= work.beside(statistics.median(ours))
    return Measured(*told, tuple(ours), tuple(peer), pair.images, also, goals=row.goals)


@validated
def measure_apart(row: Row, rounds: Count = 7, threads: Count = 1, keep_memory: bool = False) -> Measured:
    """`measure` in a process of its own: memory that one row has freed makes the next row's peer faster.

    What is compiled there is compiled anew. threads: of torch there. keep_memory: as
    `memory.keep_freed_memory`.
    """
    return apart(measure, row, rounds, threads=threads, keep_memory=keep_memory)


def apart(function: Callable, *given: object, threads: int, keep_memory: bool) -> object:
    """What a function of this package returns, called in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_here, function, given, threads, keep_memory).result()


def _here(function: Callable, given: tuple, threads: int, keep_memory: bool) -> object:
    set_start_method(None, force=True)  # as in a reader's program: this process itself was spawned
    torch.set_num_threads(threads)
    if keep_memory:
        keep_freed_memory()
    # torch's compiler writes the number of threads into its code, and uses stored code for any number.
    with TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
        return function(*given)


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """How long one call takes."""
    begun = clock()
    work()
    return clock() - begun
