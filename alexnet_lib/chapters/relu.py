"""What chapter 3.1 draws, tabulates and asks."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..relu import ACTIVATIONS
from .palette import BLUE, GRAY, GREEN, ORANGE
from .picture import NARROW, Picture, subplots
from .verdict import Verdict, check_function, check_number

STYLES = {  # unit -> color and line; told apart in gray too
    "relu": (BLUE, "-"),
    "tanh": (ORANGE, "--"),
    "sigmoid": (GREEN, ":"),
    "leaky-relu": (GRAY, "-."),
}
NAMES = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoid", "leaky-relu": "leaky ReLU"}


def units_and_slopes(units: tuple[str, ...] = ("relu", "tanh", "sigmoid"), reach: float = 4.0) -> Picture:
    """The units over their input, and below them their slopes (§3.1)."""
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
    return Picture(figure, f"Units above and their slopes below, for inputs around 0: {'; '.join(told)}.")


def gradients_through_depth(shares: dict[str, dict[str, list[float]]]) -> Picture:
    """What is left of a gradient after 0, 1, 2, ... layers down: {panel: {unit: shares}}."""
    curves = {
        f"shares[{panel!r}][{unit!r}]": left for panel in shares for unit, left in shares[panel].items()
    }
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
        ends = ", ".join(f"{NAMES[name]} {left[-1]:.0e}" for name, left in curves.items())
        told.append(f"{panel}: {ends}")
    axes.flat[-1].set_xlabel("layers passed on the way down")
    axes.flat[-1].set_xticks(range(0, len(left), 5))
    figure.supylabel("left of the gradient", fontsize=11)
    layers = len(left) - 1
    return Picture(figure, f"What is left of a gradient after {layers} layers. {'. '.join(told)}.")


def error_curves(curves: dict[str, tuple[str, list[float]]], threshold: float = 0.25) -> Picture:
    """Training error over steps: {words: (unit, errors)}; a curve ends where it reaches the threshold."""
    drawn = [unit for unit, _ in curves.values()]
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
    return Picture(
        figure, f"Training error over steps, with a line at {100 * threshold:.0f} %. {'; '.join(told)}."
    )


def steps_to_threshold(steps: dict[str, dict[str, int]], most: int) -> Picture:
    """Steps to the threshold as dots: {setting: {arm: steps}}; from `most` on it was not reached."""
    arms = list(next(iter(steps.values())))
    figure, axis = subplots(figsize=(NARROW, 0.8 * len(steps) + 1.5))
    told = []
    for row, found in enumerate(steps.values()):
        axis.axhline(row, color=(GRAY, 0.3), linewidth=1, zorder=0)
        for arm, color, mark in zip(arms, (BLUE, ORANGE, "none"), "os^", strict=False):
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
    axis.spines["left"].set_visible(False)
    return Picture(figure, f"Steps to 25 % training error, fewest first. {'. '.join(told)}.")


def _steps(count: int, most: int) -> str:
    return str(count) if count < most else f"over {most - 1}"


LAYERS = 8


def check_share_left(answer: float) -> Verdict:
    """§3.1: which share of a gradient do eight layers of ReLUs leave, if the weights keep it?"""
    return check_number(
        answer,
        0.5 ** (LAYERS / 2),
        "Hint: half of the slopes are 0 and half are 1, so the mean of their squares is 1/2 in each layer; "
        "a root mean square takes the root of the product.",
        "eight times a half, under the root: one sixteenth, whatever the spread of the inputs.",
    )


def _down(unit: str, a: Tensor, g: Tensor) -> Tensor:
    """torch's own backward passes, which know the output alone as well."""
    if unit == "tanh":
        return torch.ops.aten.tanh_backward(g, a)
    return torch.ops.aten.threshold_backward(g, a, 0.0)


def check_unit_backward(answer: Callable) -> Verdict:
    """§3.1: backward(unit, a, g): the gradient below a unit from its output a and the gradient g above."""
    draw = torch.Generator().manual_seed(31)
    cases = []
    for unit, f in (("relu", torch.relu), ("tanh", torch.tanh)):
        a = f(3 * torch.randn(4, 6, generator=draw))
        cases.append((unit, a, torch.randn(4, 6, generator=draw)))
    return check_function(
        answer,
        _down,
        cases,
        "Hint: multiply g by the slope, and write the slope with the output alone. tanh has a derivative "
        "in which only tanh itself appears; a ReLU's output tells on which side its input was.",
        "both slopes can be read off the output, so the input need not be kept for the way down.",
    )


def _never_on(z: Tensor) -> Tensor:
    return z.amax(dim=0) <= 0


def check_dead_units(answer: Callable) -> Verdict:
    """§3.1: dead(z): which ReLUs does no image switch on? z: their inputs, (N, units) -> bool (units,)."""
    draw = torch.Generator().manual_seed(310)
    mixed = torch.randn(6, 8, generator=draw)
    mixed[:, 2] = -mixed[:, 2].abs() - 0.1
    # Silent in the mean, but one image switches it on; and one that only ever stands at 0.
    mixed[:, 4], mixed[3, 4], mixed[:, 5] = -5.0, 0.5, 0.0
    return check_function(
        answer,
        _never_on,
        [(mixed,), (-torch.ones(3, 2),), (torch.ones(1, 4),)],
        "Hint: a unit is dead if its input is at or below 0 for every image; one image above 0 is enough "
        "for life. Return True or False for each unit.",
        "a unit that no image switches on gets no gradient from any image.",
    )


def check_scaled_rate(answer: float) -> Verdict:
    """§3.1: the first layer's rate that undoes a division of the pixels by 64."""
    return check_number(
        answer,
        64**2,
        "Hint: how much larger must a step of these weights be, and how much smaller is their gradient "
        "now that they multiply smaller pixels?",
        "64 for the larger weights and 64 for the smaller pixels.",
    )
