"""Every recorded curve, small: the overview of the experiment log."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ..guard import validated
from ..records import Record
from .picture import BLUE, GRAY, GREEN, NARROW, ORANGE, Picture, subplots

COLORS = (BLUE, ORANGE, GREEN, GRAY, "#cc79a7", "#56b4e9")  # the rest from Wong's palette
NAMED = len(COLORS)  # more runs than colors are too many to be told apart in a small panel


@validated
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
    figure.tight_layout()
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
    axis.spines[["top", "right"]].set_visible(False)
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
