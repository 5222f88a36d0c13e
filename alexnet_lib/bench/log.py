"""Measurements on record: alexnet_lib/bench/results/<date>_<device>_<label>.json; added, never edited."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import torch

from ..records import circumstances, write_new
from .measure import Measured

RESULTS = Path(str(files("alexnet_lib") / "bench" / "results"))


@dataclass(frozen=True)
class Session:
    """What one `alexnet bench` measured, with what the machine can do and what else it did meanwhile.

    limits: rates of the machine, see `machine_limits`; load: the average number of busy processes when it
    ended, this one among them: above the number of cores, times are too long, and ratios hold.
    """

    label: str
    date: str
    command: str
    hardware: str
    versions: dict[str, str]
    commit: str
    threads: int
    cores: int
    load: float
    limits: dict[str, float]
    rows: tuple[Measured, ...]


def session(label: str, command: str, limits: dict[str, float], rows: Sequence[Measured]) -> Session:
    """Measurements with the circumstances of this moment."""
    found = circumstances()
    versions = found["versions"] | {"torchvision": version("torchvision")}
    return Session(
        label=label,
        date=found["date"],
        command=command,
        hardware=found["hardware"],
        versions=versions,
        commit=found["commit"],
        threads=torch.get_num_threads(),
        cores=os.cpu_count() or 1,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan"),
        limits=limits,
        rows=tuple(rows),
    )


def store(found: Session, folder: Path = RESULTS) -> Path:
    """Write a session whole or not at all. FileExistsError where one of that name stands."""
    return write_new(_short(asdict(found)), folder)


def load(folder: Path = RESULTS) -> list[Session]:
    """All sessions on record, oldest first. ValueError for a file that is none."""
    return [_read(path) for path in sorted(folder.glob("*.json"))]


def newest(folder: Path = RESULTS) -> dict[str, tuple[Measured, Session]]:
    """For every row on record its newest measurement, and the session that it is from."""
    return {row.name: (row, found) for found in load(folder) for row in found.rows if not row.missing}


def _read(path: Path) -> Session:
    try:
        fields = json.loads(path.read_text("utf-8"))
        times = ("seconds_ours", "seconds_peer")
        rows = (Measured(**row | {name: tuple(row[name]) for name in times}) for row in fields.pop("rows"))
        return Session(rows=tuple(rows), **fields)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name} is no record of measurements ({error})") from None


def _short(value):
    """Numbers to four digits: no clock here is better, and a record is small."""
    if isinstance(value, dict):
        return {name: _short(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_short(part) for part in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
