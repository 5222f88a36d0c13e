"""What the chapter on the worth of each part draws."""

import re

from .. import paper, records
from ..experiments import EXPERIMENTS, Answer, report
from ..experiments.switches import NAME, SWITCHES
from .palette import PALETTE
from .picture import NARROW, Picture, count_times, subplots
from .table import Table

# What a reader calls it, the claim of the paper, and our comparison at small scale: experiment and number.
PARTS = (
    ("random crops and flips", None, ("augmentation-cifar", 0)),
    ("ten crops at test time", "ten-crops", ("augmentation-cifar", 2)),
    ("LRN", "lrn", ("lrn-cifar", 0)),
    ("average of five networks", "averaged-nets", ("averaged-nets-cifar", 0)),
    ("overlapping pooling", "overlap", ("overlapping-pooling-cifar", 0)),
    ("PCA color augmentation", "color-noise", ("augmentation-cifar", 1)),
    ("dropout, 2,000 images", None, ("dropout-few-images", 0)),
    ("dropout, 10,000 images", None, ("dropout-cifar", 1)),
    ("weight decay", None, ("weight-decay-long", 1)),
    ("two towers, not half of one", "two-towers", None),
    ("communication of towers", "no-communication", None),
    ("a middle layer", "depth", None),
)
SPEEDS = (
    ("tanh / ReLU,\nas in 2012", ("relu-against-tanh", 0)),
    ("tanh / ReLU,\ntoday's defaults", ("relu-against-tanh", 1)),
    ("dropout / none,\n2,000 images", ("dropout-few-images", 2)),
)


def _answer(at: tuple[str, int] | None) -> Answer | None:
    """The answer at (experiment, number); None where nothing is on record."""
    found = report(EXPERIMENTS[at[0]]).answers[at[1]] if at else None
    return found if found and found.interval else None


def _in_2012(claim: str | None) -> tuple[float | None, float | None]:
    """The top-1 points that the paper prints, and those of the logs."""
    claims = {each.name: each for each in paper.CLAIMS}
    told = (claims[claim].paper, claims[claim].source or "") if claim else ("", "")
    numbers = [
        re.search(r"(?:^|over |about )(\d+(?:\.\d+)?)(?= points? | points?$| / )", text) for text in told
    ]
    return tuple(found and float(found[1]) for found in numbers)


def worth_of_each_part() -> Picture:
    """Points of top-1 error that each part saves: ours with its interval, the paper's, and the logs'."""
    figure, axis = subplots(figsize=(NARROW, 4.5))
    told = []
    for row, (name, claim, at) in enumerate(PARTS):
        answer, (printed, logged) = _answer(at), _in_2012(claim)
        words = []
        if answer:
            low, mean, high = (
                100 * end for end in (answer.interval.low, answer.interval.mean, answer.interval.high)
            )
            axis.plot([low, high], [row, row], color=PALETTE["ours"], lw=3)
            axis.plot(mean, row, "o", color=PALETTE["ours"], markersize=9, label="ours, CIFAR-10")
            words.append(f"ours {mean:.2f} ({low:.2f} to {high:.2f})")
        if printed is not None:
            style = {"color": "none", "markeredgecolor": PALETTE["paper"], "markeredgewidth": 2}
            axis.plot(printed, row, "D", markersize=9, label="the paper, ImageNet", **style)
            words.append(f"the paper {printed:g}")
        if logged is not None:
            axis.plot(
                logged, row, "|", color=PALETTE["original code"], markersize=17, mew=2, label="2012 logs"
            )
            words.append(f"the logs of 2012 {logged:g}")
        told.append(f"{name}: {', '.join(words) or 'no number'}")
    axis.axvline(0, color="black", lw=1, ls="-.")
    axis.set_yticks(range(len(PARTS)), [name for name, *_ in PARTS], fontsize=11)
    axis.set_ylim(len(PARTS) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.set_xlabel("percentage points of top-1 error that it saves", fontsize=11)
    marks = dict(zip(*axis.get_legend_handles_labels()[::-1], strict=True))
    style = {"frameon": False, "fontsize": 10, "loc": "lower right", "bbox_to_anchor": (1.0, 0.99)}
    axis.legend(marks.values(), marks, ncols=3, columnspacing=1.0, handletextpad=0.2, **style)
    return Picture(figure, f"Points of top-1 error that each part saves, 95 % intervals: {'; '.join(told)}.")


def speed_of_each_part() -> Picture:
    """How many times the epochs: ours with its interval, and the paper's number."""
    shown = [(name, answer) for name, at in SPEEDS if (answer := _answer(at))]
    figure, axis = subplots(figsize=(NARROW, 0.65 * len(shown) + 1))
    told = []
    for row, (name, answer) in enumerate(shown):
        found, printed = answer.interval, answer.comparison.printed
        axis.plot([found.low, found.high], [row, row], color=PALETTE["ours"], lw=3)
        axis.plot(found.mean, row, "o", color=PALETTE["ours"], markersize=9)
        axis.plot(
            printed, row, "D", color="none", markeredgecolor=PALETTE["paper"], markersize=9, markeredgewidth=2
        )
        told.append(f"{name.replace(chr(10), ' ')}: ours {answer.effect}, the paper {printed:g}")
    axis.axvline(1, color="black", lw=1, ls="-.")
    axis.set_yticks(range(len(shown)), [name for name, _ in shown], fontsize=10)
    axis.set_ylim(len(shown) - 0.5, -0.6)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    count_times(axis)
    axis.set_xlabel("times the epochs (dot: ours; diamond: the paper)", fontsize=11)
    return Picture(figure, f"How many times the epochs: {'; '.join(told)}.")


def switched_off() -> Picture:
    """The trained network's top-1 error with each part switched off, and what it is with all of them."""
    found = records.load(NAME)[-1].results
    whole, count = 100 * found["whole network"], found["photographs"]
    figure, axis = subplots(figsize=(NARROW, 3.6))
    told = []
    for row, name in enumerate(SWITCHES):
        wrong, right = found[f"{name}, newly wrong"], found[f"{name}, newly right"]
        change = wrong - right
        reach = 196 * (wrong + right - change**2 / count) ** 0.5 / count  # 95 % of a paired difference
        error = 100 * found[name]
        axis.barh(row, error - whole, left=whole, height=0.55, color=PALETTE["ours"])
        axis.plot([error - reach, error + reach], [row, row], color="black", lw=2)
        told.append(f"{name} {error:.1f} % (plus or minus {reach:.1f})")
    axis.axvline(whole, color="black", lw=1, ls="-.")
    axis.set_yticks(range(len(SWITCHES)), SWITCHES, fontsize=11)
    axis.set_ylim(len(SWITCHES) - 0.5, -0.6)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel(f"top-1 error, %; the whole network has {whole:.1f} %", fontsize=11)
    return Picture(
        figure, f"Top-1 error of a trained network of {whole:.1f} % with a part off: {'; '.join(told)}."
    )


def worth_in_numbers() -> Table:
    """The comparisons behind the first figure: error without and with the part, and what it saves."""
    rows = []
    for name, _, at in PARTS:
        if answer := _answer(at):
            found = answer.interval
            low, mean, high = (f"{100 * end:.2f}" for end in (found.low, found.mean, found.high))
            rows.append((name, answer.means.replace(" against ", " → "), f"{mean} ({low} to {high})", at[0]))
    columns = ("part", "without → with", "saves, points", "experiment")
    return Table("Top-1 test error on CIFAR-10", columns, tuple(rows))
