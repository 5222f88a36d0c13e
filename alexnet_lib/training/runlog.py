"""What a run writes down as it goes: log.jsonl, a JSON object a line, and TensorBoard's files."""

import contextlib
import json
import math
import time
from datetime import datetime
from pathlib import Path

from .fileio import atomic_write

SECONDS = 10.0  # between two lines inside an epoch


class RunLog:
    """The log of one run in `folder`; None logs nothing.

    A line has epoch and step, both counted from 1, the time of day, and values by name; after an epoch also
    "whole epoch". A resumed run drops the lines behind its checkpoint: it will write them again.
    """

    def __init__(self, folder: Path | None, epoch: int = 0, step: int = 0):
        self.folder, self.written, self.board = folder, time.monotonic(), None
        if folder:
            self._forget_after(epoch, step)
            self.file = (folder / "log.jsonl").open("a", encoding="utf-8")
            self.board = _tensorboard(folder)

    def step(self, epoch: int, step: int, values: dict[str, float]) -> None:
        """Note values inside an epoch, if the last line is old enough."""
        if self.folder and time.monotonic() - self.written >= SECONDS:
            self._write({"epoch": epoch + 1, "step": step, **values})

    def epoch(self, epoch: int, values: dict[str, float]) -> None:
        """Note the values of a whole epoch, the `epoch`-th."""
        if not self.folder:
            return
        self._write({"epoch": epoch, "whole epoch": True, **values})
        for name, value in values.items() if self.board else ():
            self.board.add_scalar(name, value, epoch)

    def close(self) -> None:
        if self.folder:
            with contextlib.suppress(OSError):  # of a disk that is full, which `_write` has told
                self.file.close()
        if self.board:
            self.board.close()

    def _write(self, line: dict) -> None:
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        try:
            self.file.write(json.dumps(line | {"time": now}) + "\n")
            self.file.flush()
        except OSError as error:
            raise OSError(
                f"{self.file.name} could not be written ({error}): make room there, and go on from the "
                f"newest checkpoint with --resume"
            ) from error
        self.written = time.monotonic()

    def _forget_after(self, epoch: int, step: int) -> None:
        path = self.folder / "log.jsonl"
        if not path.exists():
            return
        kept = []
        for text in path.read_bytes().splitlines():
            try:
                line = json.loads(text)
                at = (line["epoch"], line.get("step", math.inf))  # a whole epoch is behind all its steps
                if at <= (epoch, math.inf) or at <= (epoch + 1, step):
                    kept.append(text + b"\n")
            except (ValueError, TypeError, KeyError, AttributeError):
                continue  # a line that a killed run did not finish, or that is damaged
        atomic_write(path, lambda file: file.write(b"".join(kept)))


def _tensorboard(folder: Path):
    """A writer of TensorBoard's files, or None where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(folder / "tensorboard")
