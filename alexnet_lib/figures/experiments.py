"""The figure of an experiment: how its arms learned, and what each comparison came to (§3-§7)."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from .. import records
from ..experiments import POINTS, Answer, Crossing, Report, named, report, run_label
from ..records import Record
from .log import COLORS
from .picture import BLUE, NARROW, ORANGE, Picture, count_times, subplots

LINES = ("-", "--", "-.", ":")


def experiment(name: str, folder: str | Path = records.RESULTS) -> Picture:
    """Above the curves of the arms, below the effects with their intervals; all from the records.

    A curve is the mean over the seeds, in a band from the lowest to the highest of them, as far as all
    of them go. An effect has its 95 % interval, a line where there is none, and a diamond where the paper
    prints one. What is not measured yet is told in words. Raises ValueError for an unknown experiment.
    """
    found = report(named(name), folder)
    runs = _runs_by_arm(found)
    answered = [answer for answer in found.answers if answer.interval]
    if not answered:
        return _nothing(found)
    groups = {}
    for answer in answered:
        groups.setdefault((answer.comparison.kind, answer.unit), []).append(answer)
    heights = [3.6, *(0.5 * len(group) + 1.0 for group in groups.values())]
    figure, axes = subplots(
        len(heights),
        1,
        figsize=(NARROW, sum(heights)),
        height_ratios=heights,
        layout="constrained",
    )
    told = [_curves(axes[0], _curve_of(found, runs), runs)]
    told += [_effects(axis, group) for axis, group in zip(axes[1:], groups.values(), strict=True)]
    return Picture(figure, " ".join(told))


def experiment_caption(name: str, folder: str | Path = records.RESULTS) -> str:
    """What stands below `experiment`'s figure: how to read it, the seeds, the data and the hardware."""
    found = report(named(name), folder)
    answered = [answer for answer in found.answers if answer.interval]
    if not answered:
        return _without_answers(found)
    seeds = sorted({answer.interval.pairs for answer in answered})
    where = "; ".join(dict.fromkeys(answer.circumstances for answer in answered))
    return (
        f"Above: means over {' or '.join(map(str, seeds))} seeds, shaded from the lowest to the highest. "
        f"Below: effects with their 95 % intervals, paired by seed, the first of the two less the second or, "
        f"in times, divided by it. The line is no effect, a diamond the paper's. {where}."
    )


def _without_answers(found: Report) -> str:
    """A sentence on what is missing where no comparison has an interval."""
    if found.waits_for:
        return f"Not measured yet: waits for {found.waits_for}."
    return "Not measured: all runs are on record, and too few came to a number."


def _nothing(found: Report) -> Picture:
    figure, axis = subplots(figsize=(NARROW, 1.2))
    axis.axis("off")
    words = _without_answers(found)
    axis.text(0.5, 0.5, words.replace(": ", ":\n", 1), ha="center", va="center", fontsize=11, wrap=True)
    return Picture(figure, f"{found.experiment.name}: {words}")


def _runs_by_arm(found: Report) -> dict[str, list[Record]]:
    """The measured runs of each arm that has any; those that came to nothing have no curves."""
    used = {run.label: run for answer in found.answers for run in answer.runs if run.curves}
    asked = found.experiment
    runs = {
        arm: [used[label] for seed in range(asked.seeds) if (label := run_label(arm, seed)) in used]
        for arm in asked.arms
    }
    return {arm: members for arm, members in runs.items() if members}


def _curve_of(found: Report, runs: Mapping[str, Sequence[Record]]) -> str:
    """The curve that the first comparison reads; errors on held-out images where it reads none."""
    measure = found.experiment.comparisons[0].measure
    if isinstance(measure, Crossing):
        return measure.curve
    val_fraction = all("validation error" in run.curves for members in runs.values() for run in members)
    return "validation error" if val_fraction else "training error"


def _curves(axis: Axes, curve: str, runs: Mapping[str, Sequence[Record]]) -> str:
    told = []
    percent = 100 if "error" in curve else 1
    for number, ((arm, members), color) in enumerate(zip(runs.items(), cycle(COLORS), strict=False)):
        shortest = min(len(run.curves[curve]) for run in members)
        values = percent * np.array([run.curves[curve][:shortest] for run in members])
        epochs = np.arange(1, shortest + 1)
        line = LINES[number // len(COLORS) % len(LINES)]
        axis.plot(epochs, values.mean(axis=0), line, color=color, lw=2, label=arm)
        axis.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=color, alpha=0.2, lw=0)
        end = f"{values[:, -1].mean():.3g}{' %' if percent > 1 else ''}"
        told.append(f"{arm} {end} after {shortest} epochs, {len(members)} seeds")
    axis.set(xlabel="epoch", ylabel=f"{curve}, %" if percent > 1 else curve, ylim=(0, None))
    axis.legend(frameon=False, fontsize=10, ncols=2, loc="lower left", bbox_to_anchor=(0.0, 1.0))
    axis.spines[["top", "right"]].set_visible(False)
    return f"Mean {curve} by arm: {'; '.join(told)}."


def _effects(axis: Axes, answers: Sequence[Answer]) -> str:
    """Effects of one unit, one below the other."""
    comparison = answers[0].comparison
    factor = 100 if answers[0].unit == POINTS else 1
    told = []
    for row, answer in enumerate(answers):
        found, printed = answer.interval, answer.comparison.printed
        axis.plot([factor * found.low, factor * found.high], [row, row], color=BLUE, lw=2.5)
        axis.plot(factor * found.mean, row, "o", color=BLUE, markersize=8)
        place = {"transform": axis.get_yaxis_transform(), "fontsize": 10}
        clear = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # of the line where there is no effect
        axis.text(0.0, row - 0.3, answer.words, bbox=clear, **place)
        if printed is not None:
            axis.plot(factor * printed, row, "D", color="white", markeredgecolor=ORANGE, markersize=8)
        paper = "" if printed is None else f", in the paper {factor * printed:g}"
        told.append(f"{answer.words}: {answer.effect}{paper}, {answer.verdict}")
    axis.axvline(factor * comparison.none, color="black", lw=1, ls="-.")
    axis.set_yticks([])
    axis.set_ylim(len(answers) - 0.6, -0.8)
    if comparison.kind == "ratio":
        count_times(axis)
    axis.set_xlabel(answers[0].unit)
    axis.spines[["top", "right", "left"]].set_visible(False)
    return f"Effects: {'; '.join(told)}."
