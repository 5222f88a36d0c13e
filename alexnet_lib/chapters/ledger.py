"""What the claim ledger and the experiment log draw and tabulate."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from .. import paper, records
from ..experiments import EXPERIMENTS, report
from ..qualitative import recorded_first_layer
from ..records import Record
from .architecture import counted_claims
from .evidence import COUNTED, NOT_YET, finding, hours, verdict_kind
from .palette import BLUE, COLORS, VERDICTS
from .picture import NARROW, Picture, subplots
from .qualitative import qualitative_claims
from .table import Table

# The sizes of §1 are counted where the net is built, and appear in both chapters.
CHAPTERS = {"1": "1, 3.5"}


def claim_ledger() -> Table:
    """Every claim: of `paper.CLAIMS`, of the sizes that can be counted, and of §6.1's pictures."""
    rows = sorted([*_listed(), *_counted(), *_seen()], key=lambda row: _place(row[5]))
    columns = ("claim", "paper", "original code", "ours", "verdict", "chapter", "measured by")
    return Table("What the paper claims, and what was found", columns, tuple(rows))


def verdict_counts() -> Table:
    """How many claims of the ledger have each verdict."""
    kinds = [verdict_kind(verdict) for verdict in claim_ledger().column("verdict")]
    rows = [(kind, str(kinds.count(kind))) for kind in VERDICTS if kind in kinds]
    return Table("Claims by verdict", ("verdict", "claims"), (*rows, ("all", str(len(kinds)))))


def _listed() -> Iterator[tuple[str, ...]]:
    for claim in paper.CLAIMS:
        found = finding(claim)
        source = claim.source or "–"
        chapter = CHAPTERS.get(claim.section, claim.section)
        yield claim.statement, claim.paper, source, found.value, found.verdict, chapter, found.command


def _counted() -> Iterator[tuple[str, ...]]:
    known = {claim.statement for claim in paper.CLAIMS}
    for statement, printed, source, value, verdict in counted_claims().rows:
        if statement not in known:
            chapter = "3.5" if statement.startswith("Figure 2") else CHAPTERS["1"]
            yield statement, printed, source, f"{value}, counted", verdict, chapter, COUNTED


def _seen() -> Iterator[tuple[str, ...]]:
    record = records.load("first_layer")[-1]
    table = qualitative_claims(recorded_first_layer().weight)
    known = {claim.statement for claim in paper.CLAIMS}
    for row in (row for row in table.rows if row[0] not in known):
        measured = verdict_kind(row[-1]) not in ("not measured", "cannot be asked here")
        yield *row, "6.1", record.command if measured else NOT_YET


def _place(chapter: str) -> list[int]:
    """Where a chapter stands in the book: "4.1" after "3.5"."""
    return [int(number) for number in chapter.split(",")[0].split(".")]


def run_circumstances(runs: Sequence[Record]) -> Table:
    """When, on what and for how long each run was made."""
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


NAMED = len(COLORS)  # more runs than colors are too many to be told apart in a small panel


def recorded_errors(runs: Sequence[Record]) -> Picture:
    """Errors by epoch: a panel for each experiment, a color for each run in it, unless there are many.

    Training errors are dashed, errors on images that were not trained on are solid. A run without such a
    curve is counted in the title, and a value that is no number leaves a hole in its line.
    """
    experiments = {run.experiment: [] for run in runs}
    for run in runs:
        experiments[run.experiment].append(run)
    rows = -(-len(experiments) // 2)
    figure, axes = subplots(rows, 2, figsize=(NARROW, 2.5 * rows), squeeze=False)
    told = []
    for axis, (name, members) in zip(axes.flat, experiments.items(), strict=False):
        told.append(_panel(axis, name, members))
    for axis in axes.flat[len(experiments) :]:
        axis.axis("off")
    return Picture(figure, f"Recorded errors by epoch, dashed on training images. {' '.join(told)}")


def _panel(axis: Axes, name: str, members: Sequence[Record]) -> str:
    """Draw one experiment; what the panel shows, in words."""
    told, ends, few = [], {}, len(members) <= NAMED
    for number, run in enumerate(members):
        errors = {curve: values for curve, values in run.curves.items() if "error" in curve}
        # Of many runs no color can be told from the others; thin lines show where most of them lie.
        color, width = (COLORS[number % len(COLORS)], 1.6) if few else (BLUE, 0.4)
        label = key = f"{run.label or 'run'}, seed {run.seed}"
        for curve, values in errors.items():
            style = "--" if "training" in curve else "-"
            epochs = np.arange(1, len(values) + 1)
            axis.plot(epochs, 100 * np.array(values), style, color=color, lw=width, label=key)
            last = f"{100 * values[-1]:.0f} %" if np.isfinite(values[-1]) else "no number"
            told.append(f"{curve} of {label}: {last} after {len(values)}")
            ends.setdefault(curve, []).append(values[-1])
            key = None  # one entry a run, whatever the number of its curves
    if not few:
        told = [_range(curve, np.array(values)) for curve, values in ends.items()]
    axis.set_title(f"{name}: {len(members)} run{'' if len(members) == 1 else 's'}", fontsize=11)
    axis.set_xlabel("epoch", fontsize=10)
    axis.set_ylabel("error, %", fontsize=10)
    axis.set_ylim(bottom=0)
    axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    if told and few:
        axis.legend(frameon=False, fontsize=9)
    return f"{name}: {'; '.join(told) or 'no error curve'}."


def _range(curve: str, ends: np.ndarray) -> str:
    """From where to where the last values of a curve lie, in words."""
    numbers = 100 * ends[np.isfinite(ends)]
    words = f"{curve} of {len(ends)} runs at their ends"
    words += f" {numbers.min():.0f} to {numbers.max():.0f} %" if len(numbers) else ""
    lost = len(ends) - len(numbers)
    return words + (f", {lost} without a number" if lost else "")


def experiments(folder: str | Path = records.RESULTS) -> Table:
    """Every declared experiment: its verdict, its runs, the hours that they took, and what it waits for."""
    found = [report(asked, folder) for asked in EXPERIMENTS.values()]
    rows = [
        (
            each.experiment.name,
            each.verdict,
            f"{len(each.runs)} of {each.experiment.runs}",
            hours(each.runs.values()),
            each.waits_for or ("nothing; the rest has no rate to run at" if each.never_run else "nothing"),
        )
        for each in found
    ]
    runs = [run for each in found for run in each.runs.values()]
    made = [run for run in runs if not run.copied_from]  # the hours of a run count once
    asked = sum(each.experiment.runs for each in found)
    shared = f", {len(runs) - len(made)} of them shared" if len(made) < len(runs) else ""
    rows.append(("all", "", f"{len(runs)} of {asked}{shared}", hours(made), ""))
    columns = ("experiment", "verdict on its question", "runs on record", "hours", "waits for")
    return Table("What is measured, and what is not yet", columns, tuple(rows))
