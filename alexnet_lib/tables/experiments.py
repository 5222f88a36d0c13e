"""An experiment's answers, and what it takes to get them again (§3-§7)."""

from pathlib import Path

from .. import records
from ..experiments import named, on_record, report
from .table import Table


def experiment(name: str, folder: Path = records.RESULTS) -> Table:
    """Each comparison with its effect, interval, verdict and power, and what its rule asks for.

    Of the rule only what differs between comparisons; `Comparison.rule` has it whole.
    """
    found = report(named(name), folder)
    rows = tuple(
        (
            answer.words,
            answer.effect if answer.interval else "not measured yet",
            answer.verdict,
            f"reproduced above {answer.comparison.least}",
            answer.power if answer.interval else "none yet",
        )
        for answer in found.answers
    )
    columns = ("comparison", "effect", "verdict", "rule, written before the runs", "power")
    return Table(found.experiment.question, columns, rows)


def reproduce(name: str, folder: Path = records.RESULTS) -> Table:
    """The command that makes an experiment's runs again, and the time and memory that ours took."""
    asked = named(name)
    runs = on_record(name, folder).values()
    hours = sum(run.seconds for run in runs) / 3600
    memory = [run.memory for run in runs if run.memory is not None]
    rows = [
        ("command", f"alexnet experiment run {name}"),
        ("runs on record", f"{len(runs)} of {asked.runs}"),
        ("data", "; ".join(sorted({run.data for run in runs})) or asked.setting.data),
    ]
    if runs:
        rows += [
            ("time of all, one after another", f"{hours:.2f} hours"),
            ("memory of the largest", f"{max(memory) / 1e9:.1f} GB" if memory else "not on record"),
            ("hardware", "; ".join(sorted({run.hardware for run in runs}))),
        ]
    return Table(f"To measure {name}", ("what", "on record"), tuple(rows))
