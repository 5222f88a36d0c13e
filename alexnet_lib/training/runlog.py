"""What a run writes down as it goes: log.jsonl, a JSON object a line, and TensorBoard's files."""

import json
import math
import time
from datetime import datetime
from pathlib import Path

SECONDS = 10.0  # between two lines inside an epoch


class RunLog:
    """The log of one run in `folder`; None logs nothing.

    A line has epoch and step, both counted from 1, the time of day, and values by name; after an epoch
    "whole epoch" stands in place of the step. TensorBoard gets the epochs too, where it is installed.
    """

    def __init__(self, folder: Path | None):
        self.path, self.written, self.board = folder and folder / "log.jsonl", time.monotonic(), None
        if folder:
            try:
                from torch.utils.tensorboard import SummaryWriter

                self.board = SummaryWriter(folder / "tensorboard")
            except ImportError:
                pass

    def step(self, epoch: int, step: int, values: dict[str, float]) -> None:
        """Note values inside an epoch, if the last line is old enough."""
        if time.monotonic() - self.written >= SECONDS:
            self._write({"epoch": epoch, "step": step, **values})

    def epoch(self, epoch: int, values: dict[str, float]) -> None:
        """Note the values of a whole epoch."""
        self._write({"epoch": epoch, "whole epoch": True, **values})
        for name, value in values.items() if self.board else ():
            self.board.add_scalar(name, value, epoch)

    def close(self) -> None:
        if self.board:
            self.board.close()

    def _write(self, line: dict) -> None:
        if self.path:
            line["time"] = datetime.now().astimezone().isoformat(timespec="seconds")
            with self.path.open("a+b") as file:
                file.seek(max(file.seek(0, 2) - 1, 0))
                ends = file.read(1) in (b"", b"\n")  # else a killed run left half a line
                file.write((b"" if ends else b"\n") + json.dumps(line).encode() + b"\n")
            self.written = time.monotonic()


def read_log(folder: str | Path) -> list[dict]:
    """The lines of a run's log in order. Of a step that a resumed run has made twice, the later line."""
    lines = {}
    for text in Path(folder, "log.jsonl").read_text("utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
            lines[line["epoch"], line.get("step", math.inf)] = line
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # a line that a killed run did not finish
    return [lines[place] for place in sorted(lines)]
