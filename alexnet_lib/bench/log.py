"""Measurements on record: alexnet_lib/bench/results/<date>_<device>_<label>.json; added, never edited."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import torch

from ..guard import AnyFloat, Count, require_choice, require_kind, require_path, validate_fields
from ..records import circumstances, fields_of, write_new
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
    threads: Count
    cores: Count
    load: AnyFloat
    limits: dict[str, AnyFloat]
    rows: tuple[Measured, ...]

    def __post_init__(self):
        validate_fields(self)


def session(label: str, command: str, limits: dict[str, float], rows: Sequence[Measured]) -> Session:
    """Measurements with the circumstances of this moment."""
    found = circumstances()
    hardware = found["hardware"]
    if torch.cuda.is_available():  # a row takes one GPU, or none
        one = f"{torch.cuda.get_device_name()}, one of {torch.cuda.device_count()}"
        hardware = f"{one}; {circumstances('cpu')['hardware']}"
    versions = found["versions"] | {"torchvision": version("torchvision")}
    return Session(
        label=label,
        date=found["date"],
        command=command,
        hardware=hardware,
        versions=versions,
        commit=found["commit"],
        threads=torch.get_num_threads(),
        cores=os.cpu_count() or 1,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan"),
        limits=limits,
        rows=tuple(rows),
    )


def store(found: Session, folder: str | Path = RESULTS) -> Path:
    """Write a session whole or not at all. FileExistsError where one of that name stands."""
    require_kind("found", found, Session)
    return write_new(_short(asdict(found)), require_path("folder", folder, "sessions go there"))


def load(folder: str | Path = RESULTS) -> list[Session]:
    """All sessions on record, oldest first. ValueError for a file that is none, or was changed since."""
    return [
        _read(path) for path in sorted(require_path("folder", folder, "sessions lie there").glob("*.json"))
    ]


def latest(label: str, folder: str | Path = RESULTS) -> Session:
    """The newest session of a label. Raises ValueError for a label without one."""
    found = {session.label: session for session in load(folder)}
    return found[require_choice("label", label, sorted(found))]


def _read(path: Path) -> Session:
    fields = fields_of(path)
    try:
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
