"""What the chapter on the worth of each part draws."""

import re

from .. import paper, records
from ..experiments import EXPERIMENTS, Answer, report
from ..experiments.switches import NAME, SWITCHES
from .palette import PALETTE
from .picture import NARROW, Picture, count_times, subplots
from .table import Table

ABLATION = "what-each-part-is-worth"
# What a reader calls it, the claim of the paper, the variant of the paper's own network without it, and the
# comparison of four-layer networks on CIFAR-10: experiment and number.
PARTS = (
    ("random crops and flips", None, "no-crops", ("augmentation-cifar", 0)),
    ("ten crops at test time", "ten-crops", "base", ("augmentation-cifar", 2)),
    ("LRN", "lrn", "no-lrn", ("lrn-cifar", 0)),
    ("average of five networks", "averaged-nets", None, ("averaged-nets-cifar", 0)),
    ("overlapping pooling", "overlap", "no-overlap", ("overlapping-pooling-cifar", 0)),
    ("PCA color augmentation", "color-noise", "no-color-noise", ("augmentation-cifar", 1)),
    ("dropout, 2,000 images", None, None, ("dropout-few-images", 0)),
    ("dropout, 10,000 images", None, None, ("dropout-cifar", 1)),
    ("weight decay", None, None, ("weight-decay-long", 1)),
    ("two towers, not half of one", "two-towers", "one-gpu", None),
    ("communication of towers", "no-communication", "no-communication", None),
    ("conv4", "depth", "no-conv4", None),
    ("conv3", "depth", "no-conv3", None),
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


def _ablated(arm: str | None) -> Answer | None:
    """What the paper's network saves against one without a part, top-1; None before all five pairs."""
    for number, asked in enumerate(EXPERIMENTS[ABLATION].comparisons):
        if arm and asked.against == arm and str(asked.measure).startswith("top-1 error"):
            found = _answer((ABLATION, number))
            return found if found and len(found.pairs) == EXPERIMENTS[ABLATION].seeds else None
    return None


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
    figure, axis = subplots(figsize=(NARROW, 5.4))
    told = []
    for row, (name, claim, arm, at) in enumerate(PARTS):
        printed, logged = _in_2012(claim)
        words = []
        for answer, up, face, label in (
            (_ablated(arm), -0.14, PALETTE["ours"], "AlexNet, 3,000 photos"),
            (_answer(at), 0.14, "white", "4 layers, CIFAR-10"),
        ):
            if answer:
                low, mean, high = _points(answer)
                style = {"color": PALETTE["ours"], "markerfacecolor": face, "markersize": 8, "mew": 1.5}
                axis.plot([low, high], [row + up] * 2, color=PALETTE["ours"], lw=3)
                axis.plot(mean, row + up, "o", label=label, **style)
                words.append(f"{label} {mean:.2f} ({low:.2f} to {high:.2f})")
        if printed is not None:
            style = {"color": "none", "markeredgecolor": PALETTE["paper"], "markeredgewidth": 2}
            axis.plot(printed, row, "D", markersize=9, label="the paper", **style)
            words.append(f"the paper {printed:g}")
        if logged is not None:
            style = {"color": PALETTE["original code"], "markersize": 17, "mew": 2}
            axis.plot(logged, row, "|", label="2012 logs", **style)
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
    axis.legend(marks.values(), marks, ncols=2, columnspacing=1.0, handletextpad=0.2, **style)
    return Picture(figure, f"Points of top-1 error that each part saves, 95 % intervals: {'; '.join(told)}.")


def _points(answer: Answer) -> tuple[float, ...]:
    """The effect in percentage points: low end, mean, high end."""
    return tuple(100 * end for end in (answer.interval.low, answer.interval.mean, answer.interval.high))


def runs_without(arm: str, without: str) -> Picture:
    """The paper's network and a variant of it, called `without`: five pairs of runs, a line for each seed."""
    answer = _ablated(arm)
    sides = [[100 * pair[side] for pair in answer.pairs.values()] for side in (0, 1)]
    figure, axis = subplots(figsize=(NARROW, 1.5))
    for pair in zip(*sides, strict=True):
        axis.plot(pair, [0, 1], color=PALETTE["original code"], lw=1)
    for row, (errors, face) in enumerate(zip(sides, (PALETTE["ours"], "white"), strict=True)):
        style = {"color": PALETTE["ours"], "markerfacecolor": face, "markersize": 8, "mew": 1.5}
        axis.plot(errors, [row] * len(errors), "o", **style)
    axis.set_yticks([0, 1], ["the paper's network", without], fontsize=11)
    axis.set_ylim(1.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.set_xlabel("top-1 error, %, ten crops, on 3,925 test photographs", fontsize=11)
    told = "; ".join(f"{whole:.1f} and {part:.1f} %" for whole, part in zip(*sides, strict=True))
    low, mean, high = _points(answer)
    return Picture(
        figure,
        f"Top-1 error of five runs of the paper's network and five of “{without}”, pair by pair: {told}. "
        f"The paper's saves {mean:.2f} percentage points (95 % interval {low:.2f} to {high:.2f}).",
    )


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
    for name, _, arm, at in PARTS:
        for answer, where in ((_ablated(arm), "AlexNet, 3,000 photos"), (_answer(at), "4 layers, CIFAR-10")):
            if answer:
                low, mean, high = (f"{end:.2f}" for end in _points(answer))
                means = answer.means.replace(" against ", " → ")
                rows.append((name, where, means, f"{mean} ({low} to {high})"))
    columns = ("part", "network and images", "without → with", "saves, points")
    return Table("Top-1 test error without and with each part", columns, tuple(rows))
