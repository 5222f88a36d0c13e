"""Figures of §5: the velocity, the schedule, the first signals, and losses that fall or do not."""

import math
from collections.abc import Sequence
from typing import Annotated

from matplotlib.figure import Figure

from ..guard import (
    AnyFloat,
    Bounds,
    Count,
    Fraction,
    Positive,
    require_same_length,
    require_same_names,
    validated,
)
from .picture import BLUE, GRAY, GREEN, NARROW, ORANGE, Picture, styled, subplots

LOOKS = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (GRAY, ":"))
Classes = Annotated[int, Bounds(2)]  # a net of one class has nothing to guess
Momentum = Annotated[float, Bounds(0.01, 0.999)]  # 0 averages nothing, 1 forgets nothing


@validated
def momentum_average(momentum: Momentum, gradients: Sequence[float], velocity: Sequence[float]) -> Picture:
    """What momentum averages (§5): the weight of each past gradient, and noisy gradients with their average.

    velocity: the average of the gradients so far at each step, on the gradients' own scale.
    """
    require_same_length({"gradients": gradients, "velocity": velocity}, "a step has one of each")
    figure, (above, below) = subplots(2, 1, figsize=(NARROW, 5.0))
    ages = range(31)
    left = [momentum**age for age in ages]
    half = math.ceil(math.log(0.5) / math.log(momentum))
    above.bar(ages, left, color=[BLUE if age < half else GRAY for age in ages], width=0.7)
    above.set(xlabel="steps since the gradient", ylabel="weight of a gradient", xlim=(-0.6, 30.6))
    above.text(half, 0.62, f"below one half after {half} steps", fontsize=11, color=GRAY, fontweight="bold")
    below.plot(gradients, ".", color=GRAY, markersize=5)
    below.plot(velocity, color=BLUE, lw=2.4)
    below.set(xlabel="step", ylabel="gradient, average")
    below.set_title("dots: gradients; line: their average with these weights", fontsize=10.5, loc="left")
    _bare(figure)
    return Picture(
        figure,
        f"Above, the weight of a gradient by its age: {momentum:g} to the power of the age, below one half "
        f"after {half} steps and {left[-1]:.2f} after 30. Below, {len(gradients)} noisy gradients as dots "
        f"and their average as a smoother line.",
    )


@validated
def step_lengths(rules: dict[str, Sequence[Positive]], drop: Count) -> Picture:
    """How long each step is by two update rules, when the rate is divided after step `drop` (§5)."""
    steps = require_same_length(
        {f"rules[{name!r}]": rule for name, rule in rules.items()}, "steps of one walk"
    )
    if drop >= steps:
        raise ValueError(
            f"drop is {drop}, and must be below {steps}: a step follows it in which the rate is lower"
        )
    figure, axis = subplots(figsize=(NARROW, 3.4))
    told = []
    for (name, lengths), (color, style) in styled("rules", rules, LOOKS):
        axis.semilogy(range(1, len(lengths) + 1), lengths, style, color=color, lw=2.4, label=name)
        told.append(f"{name} {lengths[drop] / lengths[drop - 1]:.2f}")
    axis.axvline(drop + 0.5, color=GRAY, ls=":", lw=1.5)
    axis.set(xlabel="step", ylabel="length of the step", xlim=(0.5, len(lengths) + 0.5))
    axis.legend(frameon=False, fontsize=10.5)
    _bare(figure)
    return Picture(
        figure,
        f"Length of each step over {len(lengths)} steps, on a scale of powers of ten; the rate is divided by "
        f"ten after step {drop}. The next step as a share of the one before it: {', '.join(told)}.",
    )


@validated
def plateaus(errors: Sequence[Fraction], rates: Sequence[Positive]) -> Picture:
    """A validation error over epochs, and below it the rate of each epoch (§5)."""
    require_same_length({"errors": errors, "rates": rates}, "an epoch has one of each")
    figure, (above, below) = subplots(2, 1, figsize=(NARROW, 4.4), sharex=True)
    epochs = range(1, len(errors) + 1)
    above.plot(epochs, [100 * error for error in errors], "o-", color=BLUE, lw=2, ms=4)
    above.set(ylabel="validation error, %", ylim=(0, None))
    below.step(epochs, rates, where="mid", color=ORANGE, lw=2.4)
    below.set(yscale="log", xlabel="epoch", ylabel="learning rate")
    changes = [epoch + 1 for epoch in range(1, len(rates)) if rates[epoch] != rates[epoch - 1]]
    for axis in (above, below):
        for epoch in changes:
            axis.axvline(epoch - 0.5, color=GRAY, ls=":", lw=1.5)
    _bare(figure)
    lower = ", ".join(f"{rates[epoch - 1]:g} from epoch {epoch}" for epoch in changes)
    return Picture(
        figure,
        f"A validation error over {len(errors)} epochs, and below it the learning rate: {rates[0]:g}, "
        f"{lower or 'the same throughout'}.",
    )


@validated
def first_signals(arms: dict[str, dict[str, tuple[Positive, Fraction]]]) -> Picture:
    """What each layer of an untrained net hands on; arms: name -> layer -> (spread between pictures, open).

    Spread: how far a unit's output lies apart from picture to picture. Open: the share of ReLUs above zero;
    the last layer has none, and its share is not drawn.
    """
    if len(require_same_names("arms", arms, "all have the layers of one net")) < 2:
        raise ValueError("arms have one layer, and must have at least two: a line goes from layer to layer")
    figure, (above, below) = subplots(2, 1, figsize=(NARROW, 5.6), sharex=True)
    told = []
    for number, ((name, found), (color, style)) in enumerate(styled("arms", arms, LOOKS)):
        spreads, shares = zip(*found.values(), strict=True)
        line = {"color": color, "ls": style, "marker": "os^D"[number], "lw": 2.2}
        above.plot(spreads, label=name, **line)
        below.plot([100 * share for share in shares[:-1]], **line)
        least, most = min(shares[:-1]), max(shares[:-1])
        told.append(f"{name}: spread {spreads[0]:.1g} to {spreads[-1]:.1g}, open {least:.0%} to {most:.0%}")
    above.set(yscale="log", ylabel="spread between pictures")
    above.legend(frameon=False, fontsize=10.5, loc="lower left")
    below.set(ylabel="ReLUs above zero, %", ylim=(-3, 103))
    below.set_xticks(range(len(found)), found, fontsize=10)
    _bare(figure)
    first, *_, last = found
    return Picture(figure, f"Two measures of each layer's output, {first} to {last}. {'; '.join(told)}.")


@validated
def losses(panels: dict[str, dict[str, Sequence[AnyFloat]]], classes: Classes, window: Count = 5) -> Picture:
    """Training losses over steps, each point a mean of `window` steps, and the line of a net that guesses.

    panels: title -> name of the run -> the loss of each step. A loss above the picture is drawn at its edge,
    and one that is no number leaves a hole.
    """
    for title, runs in panels.items():
        for name, values in runs.items():
            if len(values) < window:
                raise ValueError(
                    f"panels[{title!r}][{name!r}] has {len(values)} steps, and must have at least {window}: "
                    f"a point is a mean of so many"
                )
    shape = {"figsize": (NARROW, 2.9 * len(panels)), "sharex": True, "squeeze": False}
    figure, axes = subplots(len(panels), 1, **shape)
    guess, most, told = math.log(classes), 1.35 * math.log(classes), []
    for axis, (title, runs) in zip(axes.flat, panels.items(), strict=True):
        for (name, values), (color, style) in styled(f"panels[{title!r}]", runs, LOOKS):
            places = range(window, len(values) + 1, window)
            means = [sum(values[end - window : end]) / window for end in places]
            axis.plot(places, [min(mean, most) for mean in means], style, color=color, lw=2.4, label=name)
            told.append(f"{name} {'ends below' if means[-1] < 0.96 * guess else 'does not get below'} it")
        axis.axhline(guess, color="black", lw=1)
        axis.text(1, guess - 0.04, f"ln {classes}", fontsize=10, va="top", clip_on=True)
        axis.set(ylabel="loss", ylim=(0.45 * guess, 1.01 * most))
        axis.set_title(title, fontsize=11, loc="left", pad=26)
        axis.legend(frameon=False, fontsize=10, ncol=3, loc="lower left", bbox_to_anchor=(-0.02, 0.98))
    axes.flat[-1].set_xlabel("step")
    _bare(figure)
    return Picture(
        figure, f"Training loss over steps, with a line at ln {classes} = {guess:.2f}. {'; '.join(told)}."
    )


def _bare(figure: Figure) -> None:
    """No frame above and to the right, and nothing cut off."""
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
