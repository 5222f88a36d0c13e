"""Kill runs at random moments, go on with each, and compare what comes of it with a run that nothing broke.

    python tools/faults.py 100

Every kill is `kill -9` on a process that trains a tiny net and writes a checkpoint after each step. Counted
are kills after which a step that was saved is gone, or nothing can be read; and runs that end in other
numbers, or with an epoch that is missing or twice in the log. Ends with exit code 1 unless all are 0.
"""

import json
import os
import random
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from training import CONFIG, sets, tiny_run  # noqa: E402

from alexnet_lib import checkpoints  # noqa: E402

LONG = replace(CONFIG, epochs=10)
LATEST = 0.25  # seconds from a run's first new checkpoint to its kill, at most


def started(folder: Path, photos: tuple) -> int:
    """A new process that trains, or goes on training, in a folder; returns its number."""
    process = os.fork()  # quicker than a new interpreter: torch takes seconds to import
    if process:
        return process
    try:
        resume = checkpoints.newest(folder) is not None
        tiny_run(folder, LONG, save_seconds=0.0, resume=resume, sets=photos)
        os._exit(0)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        os._exit(1)


def step_of(folder: Path) -> int:
    """How many steps the newest whole checkpoint has; 0 where there is none."""
    found = checkpoints.newest(folder)
    return int(found[0].stem.rpartition("-")[2]) if found else 0


def state_of(folder: Path) -> dict:
    _, state = checkpoints.newest(folder)
    del state["progress"]["seconds"]  # the one thing that differs from run to run
    return state


def same(ours: object, other: object) -> bool:
    """Whether two states are equal bit for bit."""
    if isinstance(ours, torch.Tensor):
        return torch.equal(ours, other)
    if isinstance(ours, dict):
        return ours.keys() == other.keys() and all(same(ours[key], other[key]) for key in ours)
    if isinstance(ours, list | tuple):
        return len(ours) == len(other) and all(map(same, ours, other))
    return ours == other


def killed(folder: Path, photos: tuple, chance: random.Random) -> bool:
    """Start the run and kill it at a random moment; False if it ended before."""
    before, process = step_of(folder), started(folder, photos)
    moment = None if chance.random() < 0.8 else time.monotonic() + chance.uniform(0, 0.3)  # while it starts
    while moment is None or time.monotonic() < moment:
        if os.waitpid(process, os.WNOHANG) != (0, 0):
            return False
        if moment is None and any(int(path.stem[-9:]) > before for path in folder.glob("checkpoint-*.pt")):
            moment = time.monotonic() + chance.uniform(0, LATEST)
        time.sleep(0.001)
    os.kill(process, signal.SIGKILL)
    return os.waitpid(process, 0)[1] == signal.SIGKILL


def faults(kills: int, place: Path, seed: int = 0) -> Counter:
    """Kill runs in `place` so many times, and count what went wrong."""
    photos, chance, found = sets(), random.Random(seed), Counter()
    whole = place / "whole"
    os.waitpid(started(whole, photos), 0)
    expected, folder = state_of(whole), place / "0"
    while found["kills"] < kills or folder.exists():
        before = step_of(folder)
        if found["kills"] < kills and killed(folder, photos, chance):
            found["kills"] += 1
            found["before the first checkpoint"] += step_of(folder) == 0
            found["with a file half written"] += bool(list(folder.glob("*.part")))
            found["saved steps lost"] += step_of(folder) < before
            continue
        process = started(folder, photos)  # to the end, where that is not reached yet
        found["not resumed"] += os.waitpid(process, 0)[1] != 0
        found["runs ended"] += 1
        found["other numbers"] += not same(state_of(folder), expected)
        lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        epochs = [line["epoch"] for line in lines if "whole epoch" in line]
        found["other epochs in the log"] += epochs != list(range(1, LONG.epochs + 1))
        folder = place / str(found["runs ended"])
    return found


def main() -> int:
    torch.set_num_threads(1)
    warnings.simplefilter("error")  # a checkpoint that is passed over is a warning
    warnings.filterwarnings("ignore", "This process", DeprecationWarning)  # of fork, where there are threads
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        found = faults(int(sys.argv[1]) if sys.argv[1:] else 100, Path(place))
    for name, count in found.items():
        print(f"{count:>6}  {name}")
    print(f"{time.monotonic() - begun:6.0f}  seconds")
    wrong = ("saved steps lost", "not resumed", "other numbers", "other epochs in the log")
    return int(any(found[name] for name in wrong))


if __name__ == "__main__":
    sys.exit(main())
