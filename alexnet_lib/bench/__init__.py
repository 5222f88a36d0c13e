"""Speed, measured: every claim a row with a named peer in the same run, beside the machine's own limits.

alexnet bench --list
alexnet bench norm step/torchvision --rounds 7 --threads 2
alexnet bench --record LABEL
"""

from collections.abc import Sequence
from pathlib import Path

from ..checks import require_choice
from . import inputs, normalization, starting, steps
from .limits import machine_limits, peak_bytes
from .log import Session, load, newest, session, store
from .measure import Measured, NotMeasured, Pair, Row, measure

__all__ = [
    "Measured",
    "NotMeasured",
    "Pair",
    "Row",
    "Session",
    "all_rows",
    "chosen",
    "load",
    "machine_limits",
    "measure",
    "newest",
    "peak_bytes",
    "session",
    "store",
]


def all_rows(root: str | Path = "data") -> list[Row]:
    """Every row, group after group. root: where data sets lie."""
    return [*normalization.rows(), *steps.rows(), *inputs.rows(Path(root)), *starting.rows()]


def chosen(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """The rows of these names, or of these groups: "norm" is every "norm/...". Without names, all.

    Raises ValueError for a name that is neither.
    """
    groups = {row.name.split("/")[0] for row in rows}
    for name in names:
        require_choice("name", name, sorted(groups | {row.name for row in rows}))
    return [row for row in rows if not names or {row.name, row.name.split("/")[0]} & set(names)]
