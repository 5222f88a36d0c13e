"""An experiment's answers, and what it takes to get them again (§3-§7)."""

from collections.abc import Iterable
from pathlib import Path

from .. import records
from ..experiments import EXPERIMENTS, POINTS, Comparison, Report, named, on_record, report
from ..records import Record
from .table import Table


def experiments(folder: str | Path = records.RESULTS) -> Table:
    """Every declared experiment: its verdict, its runs, the hours that they took, and what it waits for."""
    found = [report(asked, folder) for asked in EXPERIMENTS.values()]
    rows = [
        (
            each.experiment.name,
            each.verdict,
            f"{len(each.runs)} of {each.experiment.runs}",
            _hours(each.runs.values()),
            each.waits_for or ("nothing; the rest has no rate to run at" if each.never_run else "nothing"),
        )
        for each in found
    ]
    runs = [run for each in found for run in each.runs.values()]
    made = [run for run in runs if not run.taken_over]  # the hours of a run count once
    asked = sum(each.experiment.runs for each in found)
    shared = f", {len(runs) - len(made)} of them shared" if len(made) < len(runs) else ""
    rows.append(("all", "", f"{len(runs)} of {asked}{shared}", _hours(made), ""))
    columns = ("experiment", "verdict on its question", "runs on record", "hours", "waits for")
    return Table("What is measured, and what is not yet", columns, tuple(rows))


def experiment(name: str, folder: str | Path = records.RESULTS) -> Table:
    """Each comparison with its two means, effect, interval, verdict and power, and what its rule asks for.

    Of the rule only what differs between comparisons; `Comparison.rule` has it whole.
    """
    found = report(named(name), folder)
    yet = " yet" if found.waits_for else ""
    rows = tuple(
        (
            answer.words,
            answer.means,
            answer.effect if answer.interval else f"not measured{yet}",
            answer.verdict,
            _rule(answer.comparison),
            answer.power if answer.interval else f"none{yet}",
        )
        for answer in found.answers
    )
    columns = ("comparison", "means", "effect", "verdict", "rule", "power")
    return Table(found.experiment.question, columns, rows)


def rates(name: str, folder: str | Path = records.RESULTS) -> Table:
    """What a run with each rate of an arm's grid came to, and the rate that the arm is measured with."""
    found = report(named(name), folder)
    rows = tuple((arm, _tries(found, arm), _chosen(found, arm)) for arm in found.experiment.arms)
    columns = ("arm", f"{found.experiment.criterion}, one run for each rate", "rate of the arm")
    return Table(f"How the rates of {name} were chosen", columns, rows)


def reproduce(name: str, folder: str | Path = records.RESULTS) -> Table:
    """The command that makes an experiment's runs again, and the time and memory that ours took."""
    asked = named(name)
    runs = on_record(name, folder).values()
    memory = [run.memory for run in runs if run.memory is not None]
    rows = [
        ("command", f"alexnet experiment run {name}"),
        ("runs on record", f"{len(runs)} of {asked.runs}"),
        ("data", "; ".join(sorted({run.data for run in runs})) or asked.setting.data),
    ]
    if runs:
        rows += [
            ("time of all, one after another", f"{_hours(runs)} hours"),
            ("memory of the largest", f"{max(memory) / 1e9:.1f} GB" if memory else "not on record"),
            ("hardware", "; ".join(sorted({run.hardware for run in runs}))),
        ]
    return Table(f"To measure {name}", ("what", "on record"), tuple(rows))


def _rule(comparison: Comparison) -> str:
    if comparison.claim is None:
        return f"effect above {comparison.none:g}"
    return f"reproduced above {comparison.least}"


def _tries(found: Report, arm: str) -> str:
    if owner := found.experiment.arms[arm].rate_of:
        return f"as {owner}"
    told = []
    for rate, score in found.tries[arm].items():
        if score is None:
            words = "not reached"
        else:
            words = f"{100 * score:.2f} %" if found.experiment.criterion.unit == POINTS else f"{score:.1f}"
        told.append(f"{rate:g}: {words}")
    return "; ".join(told)


def _chosen(found: Report, arm: str) -> str:
    chosen = found.rates.get(arm)
    if chosen is None:
        return "none" if arm in found.without_rate else "not known yet"
    return f"{chosen.rate:g}, the edge of the grid" if chosen.at_edge else f"{chosen.rate:g}"


def _hours(runs: Iterable[Record]) -> str:
    """Of the runs' own time, one after another, on whatever they ran on."""
    return f"{sum(run.seconds for run in runs) / 3600:.2f}"
