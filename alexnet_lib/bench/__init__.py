"""Speed, measured: every claim a row with a named peer in the same run, beside the machine's own limits.

alexnet bench --list
alexnet bench norm step/torchvision --rounds 7 --threads 2
alexnet bench --record LABEL
alexnet bench step-gpu/128/torchvision --profile FILE
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from ..guard import require_choice, require_kind, require_path
from . import gpu, inputs, normalization, starting, steps
from .limits import machine_limits, peak_bytes
from .log import RESULTS, Session, latest, load, session, store
from .measure import Measured, NotMeasured, Pair, Row, Work, measure, measure_apart

__all__ = [
    "RESULTS",
    "Measured",
    "NotMeasured",
    "Pair",
    "Row",
    "Session",
    "Work",
    "all_rows",
    "chosen",
    "latest",
    "load",
    "machine_limits",
    "measure",
    "measure_apart",
    "peak_bytes",
    "session",
    "store",
]

Named = TypeVar("Named", Row, Measured)


def all_rows(root: str | Path = "data") -> list[Row]:
    """Every row, group after group. root: where data sets lie."""
    root = require_path("root", root, "data sets lie there")
    return [*normalization.rows(), *steps.rows(), *inputs.rows(root), *starting.rows(), *gpu.rows()]


def chosen(rows: Sequence[Named], names: Sequence[str]) -> list[Named]:
    """The rows of these names, or of these groups: "norm" is every "norm/...". Without names, all.

    Raises ValueError for a name that is neither.
    """
    require_kind("rows", rows, Sequence[Row | Measured])
    require_kind("names", names, Sequence[str], empty=True)
    groups = {row.name.split("/")[0] for row in rows}
    for name in names:
        require_choice("name", name, sorted(groups | {row.name for row in rows}))
    return [row for row in rows if not names or {row.name, row.name.split("/")[0]} & set(names)]
