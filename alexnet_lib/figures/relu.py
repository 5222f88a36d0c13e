"""Figures of §3.1, saturating and non-saturating units."""

from typing import Annotated

import torch

from ..guard import (
    Bounds,
    Count,
    Fraction,
    require_choice,
    require_same_length,
    require_same_names,
    validated,
)
from ..relu import ACTIVATIONS
from .picture import BLUE, GRAY, GREEN, NARROW, ORANGE, Picture, subplots

STYLES = {  # unit -> color and line; told apart in gray too
    "relu": (BLUE, "-"),
    "tanh": (ORANGE, "--"),
    "sigmoid": (GREEN, ":"),
    "leaky-relu": (GRAY, "-."),
}
Reach = Annotated[float, Bounds(0.1, 100)]
Left = Annotated[float, Bounds(0.0, 1e30)]
NAMES = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoid", "leaky-relu": "leaky ReLU"}


@validated
def units_and_slopes(units: tuple[str, ...] = ("relu", "tanh", "sigmoid"), reach: Reach = 4.0) -> Picture:
    """The units over their input, and below them their slopes (§3.1)."""
    for name in units:
        require_choice("units", name, STYLES)
    # An even number of points: none falls on 0, where the ReLU has no slope.
    z = torch.linspace(-reach, reach, 400, dtype=torch.float64).requires_grad_()
    figure, (above, below) = subplots(2, 1, figsize=(NARROW, 5.0), sharex=True)
    told = []
    for name in units:
        value = ACTIVATIONS[name]()(z)
        (slope,) = torch.autograd.grad(value.sum(), z)
        color, line = STYLES[name]
        for axis, y in ((above, value.detach()), (below, slope)):
            axis.plot(z.detach(), y, line, color=color, linewidth=2.5, label=NAMES[name])
        told.append(f"{NAMES[name]}'s at most {float(slope.max()):.2f} and at the right end {slope[-1]:.2f}")
    above.set(ylabel="output f(x)", ylim=(-1.3, 2.3))
    above.legend(frameon=False, loc="upper left", fontsize=11)
    below.set(xlabel="input x", ylabel="slope f'(x)", ylim=(-0.06, 1.1))
    for axis in (above, below):
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    return Picture(figure, f"Units above and their slopes below, for inputs around 0: {'; '.join(told)}.")


@validated
def gradients_through_depth(shares: dict[str, dict[str, list[Left]]]) -> Picture:
    """What is left of a gradient after 0, 1, 2, ... layers down: {panel: {unit: shares}}."""
    curves = {
        f"shares[{panel!r}][{unit!r}]": left for panel in shares for unit, left in shares[panel].items()
    }
    require_same_length(curves, "a share follows each layer")
    for unit in (unit for units in shares.values() for unit in units):
        require_choice("a unit of shares", unit, STYLES)
    shape = {"figsize": (NARROW, 2.2 * len(shares) + 0.4), "sharex": True, "squeeze": False}
    figure, axes = subplots(len(shares), 1, **shape)
    told = []
    for axis, (panel, curves) in zip(axes.flat, shares.items(), strict=True):
        for name, left in curves.items():
            color, line = STYLES[name]
            axis.semilogy(left, line, color=color, linewidth=2.5)
        place = float("inf")
        for name, left in sorted(curves.items(), key=lambda item: -item[1][-1]):
            place = min(left[-1], place / 1e3)  # words at the ends, apart where two ends lie together
            axis.text(len(left) - 0.7, place, NAMES[name], color=STYLES[name][0], va="center", fontsize=11)
        axis.plot((0, len(left) - 1), (1, 1), color=GRAY, linewidth=0.8)
        axis.set(ylim=(1e-20, 1e4), xlim=(0, 1.25 * len(left)), yticks=(1e-18, 1e-12, 1e-6, 1))
        axis.set_title(panel, fontsize=11, loc="left")
        axis.spines[["top", "right"]].set_visible(False)
        ends = ", ".join(f"{NAMES[name]} {left[-1]:.0e}" for name, left in curves.items())
        told.append(f"{panel}: {ends}")
    axes.flat[-1].set_xlabel("layers passed on the way down")
    axes.flat[-1].set_xticks(range(0, len(left), 5))
    figure.supylabel("left of the gradient", fontsize=11)
    figure.tight_layout()
    layers = len(left) - 1
    return Picture(figure, f"What is left of a gradient after {layers} layers. {'. '.join(told)}.")


@validated
def error_curves(curves: dict[str, tuple[str, list[Fraction]]], threshold: Fraction = 0.25) -> Picture:
    """Training error over steps: {words: (unit, errors)}; a curve ends where it reaches the threshold."""
    drawn = [require_choice("a unit of curves", unit, STYLES) for unit, _ in curves.values()]
    if repeated := [unit for unit in STYLES if drawn.count(unit) > 2]:
        raise ValueError(f"curves hold {repeated[0]!r} more than twice, and must not: they would look alike")
    figure, axis = subplots(figsize=(NARROW, 3.6))
    told = []
    for number, (words, (unit, errors)) in enumerate(curves.items()):
        color, _ = STYLES[unit]
        again = drawn[:number].count(unit)
        axis.plot([100 * e for e in errors], "-:"[again], color=color, linewidth=2.5, label=words)
        if errors[-1] <= threshold:
            axis.plot(len(errors) - 1, 100 * errors[-1], "o", color=color)
        told.append(f"{words}: {'reaches it' if errors[-1] <= threshold else 'does not reach it'}")
    axis.axhline(100 * threshold, color="black", linewidth=1, linestyle="-.")
    axis.set(xlabel="steps", ylabel="training error, %", ylim=(0, 100), xlim=(0, None))
    axis.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.28), fontsize=10.5)
    axis.spines[["top", "right"]].set_visible(False)
    return Picture(
        figure, f"Training error over steps, with a line at {100 * threshold:.0f} %. {'; '.join(told)}."
    )


@validated
def steps_to_threshold(steps: dict[str, dict[str, Count]], most: Count) -> Picture:
    """Steps to the threshold as dots: {setting: {arm: steps}}; from `most` on it was not reached."""
    arms = require_same_names("steps", steps, "every setting has the same arms")
    if len(arms) > 3:
        raise ValueError(f"steps have {len(arms)} arms, and must have at most 3: each has a look of its own")
    figure, axis = subplots(figsize=(NARROW, 0.8 * len(steps) + 1.5))
    told = []
    for row, found in enumerate(steps.values()):
        axis.axhline(row, color="#dddddd", linewidth=1, zorder=0)
        for arm, color, mark in zip(arms, (BLUE, ORANGE, "white"), "os^", strict=False):
            dots = {"color": color, "markeredgecolor": ORANGE if mark == "^" else color, "markersize": 10}
            axis.plot(found[arm], row, mark, label=arm if not row else None, linestyle="", **dots)
            # The first arm's number above, the others' below: two arms may need the same steps.
            place, above = (row - 0.2, "bottom") if arm == arms[0] else (row + 0.2, "top")
            axis.text(found[arm], place, _steps(found[arm], most), ha="center", va=above, fontsize=10)
    for setting, found in steps.items():
        # The order and not the numbers, which may differ by a step between machines.
        told.append(f"{setting}: " + ", then ".join(sorted(arms, key=found.get)))
    axis.set_yticks(range(len(steps)), [setting.replace(", ", ",\n") for setting in steps], fontsize=11)
    axis.set(ylim=(len(steps) - 0.5, -0.65), xscale="log", xlim=(6, 1.3 * most))
    axis.set_xticks((10, 20, 50, 100), ("10", "20", "50", "100"))
    axis.minorticks_off()
    axis.set_xlabel("steps to 25 % training error")
    axis.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.4, 1.0), fontsize=10.5)
    axis.spines[["top", "right", "left"]].set_visible(False)
    return Picture(figure, f"Steps to 25 % training error, fewest first. {'. '.join(told)}.")


def _steps(count: int, most: int) -> str:
    return str(count) if count < most else f"over {most - 1}"
