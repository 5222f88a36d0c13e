"""The experiment log: every recorded run, whatever came of it."""

import math
from collections.abc import Sequence

from ..guard import require_kind
from ..records import Record
from .table import Table


def run_circumstances(runs: Sequence[Record]) -> Table:
    """When, on what and for how long each run was made."""
    require_kind("runs", runs, Sequence[Record], empty=True)
    rows = tuple(
        (
            run.date,
            run.experiment,
            run.label,
            run.data,
            f"{run.images:,}",
            str(run.seed) if (nets := run.config.get("nets", 1)) == 1 else f"{run.seed}, {nets} nets",
            str(run.epochs),
            run.hardware,
            f"{run.seconds:,.0f}",
        )
        for run in runs
    )
    columns = ("date", "experiment", "label", "data", "images", "seed", "epochs", "hardware", "seconds")
    return Table("Recorded runs", columns, rows)


def run_outcomes(runs: Sequence[Record]) -> Table:
    """What came of each run, failures included, and the command that makes it again."""
    require_kind("runs", runs, Sequence[Record], empty=True)
    rows = tuple((run.experiment, run.label, outcome(run), run.command.strip()) for run in runs)
    return Table("What came of them", ("experiment", "label", "result", "command"), rows)


def outcome(run: Record) -> str:
    """The results of a run in words; a curve that left the numbers, and a run without results, say so."""
    told = [f"{name} {_value(name, value)}" for name, value in run.results.items()]
    broken = [name for name, values in run.curves.items() if not all(map(math.isfinite, values))]
    told += [f"{name} is no number from epoch {_first_broken(run, name)} on" for name in broken]
    return "; ".join(told) or "no result on record"


def _value(name: str, value: float) -> str:
    if not math.isfinite(value):
        return "no number"
    return f"{100 * value:.1f} %" if "error" in name else f"{value:,.4g}"


def _first_broken(run: Record, curve: str) -> int:
    return next(epoch for epoch, value in enumerate(run.curves[curve], 1) if not math.isfinite(value))
