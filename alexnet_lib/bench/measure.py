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

from ..checks import require_count
from ..kinds import Count, checked, require_kind
from ..memory import keep_freed_memory

WARM = 1  # calls of each before the first that counts: they find memory and choose algorithms


class NotMeasured(Exception):
    """This machine or this call lacks what a row needs; the message says what."""


@dataclass(frozen=True)
class Pair:
    """What a row times, ready to be called, and what it knows without a clock.

    images: how many a call works on, where that is what counts. also: numbers beside the times, by name.
    """

    ours: Callable[[], object]
    peer: Callable[[], object]
    images: int | None = None
    also: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One comparison, declared before it is measured.

    name: group/what; ours and peer: the two ways in words; moves: what should make the difference, bytes,
    passes, allocations or arithmetic; goal: the ratio to reach, None where it is only to be known;
    predicted: the ratio that was expected before the first measurement, None where nobody said one;
    prepare: makes the pair, or raises NotMeasured.
    """

    name: str
    ours: str
    peer: str
    moves: str
    goal: float | None
    predicted: float | None
    prepare: Callable[[], Pair]


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


def measure(row: Row, rounds: int = 7, clock: Callable[[], float] = time.perf_counter) -> Measured:
    """Time the peer, then ours, then the peer again, `rounds` times each; what lacks is told."""
    require_kind("row", row, Row)
    require_count("rounds", rounds, "it counts the times of each; a median wants some five")
    told = (row.name, row.ours, row.peer, row.moves, row.goal, row.predicted)
    try:
        pair = row.prepare()
    except NotMeasured as lack:
        return Measured(*told, missing=str(lack))
    for _ in range(WARM):
        pair.peer()
        pair.ours()
    peer, ours = [], []
    for _ in range(rounds):
        peer.append(seconds(pair.peer, clock))
        ours.append(seconds(pair.ours, clock))
    return Measured(*told, tuple(ours), tuple(peer), pair.images, pair.also)


@checked
def measure_apart(row: Row, rounds: Count = 7, threads: Count = 1, keep_memory: bool = False) -> Measured:
    """`measure` in a process of its own: memory that one row has freed makes the next row's peer faster.

    What is compiled there is compiled anew. threads: of torch there. keep_memory: as
    `memory.keep_freed_memory`.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_measure_here, row, rounds, threads, keep_memory).result()


def _measure_here(row: Row, rounds: int, threads: int, keep_memory: bool) -> Measured:
    set_start_method(None, force=True)  # as in a reader's program: this process itself was spawned
    torch.set_num_threads(threads)
    if keep_memory:
        keep_freed_memory()
    # torch's compiler writes the number of threads into its code, and uses stored code for any number.
    with TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
        return measure(row, rounds)


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """How long one call takes."""
    begun = clock()
    work()
    return clock() - begun
