"""What chapter 3.1 draws, tabulates and asks."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ..experiments import named, on_record, report, run_label
from ..relu import ACTIVATIONS
from .evidence import Cards, card, claim_card
from .palette import GRAY, PALETTE
from .picture import NARROW, Picture, subplots
from .table import Table
from .verdict import Verdict, check_function, check_number

STYLES = {  # told apart in gray too
    "relu": (PALETTE["relu"], "-"),
    "tanh": (PALETTE["tanh"], "--"),
    "sigmoid": (PALETTE["sigmoid"], ":"),
}
NAMES = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoid"}
EXPERIMENT = "relu-against-tanh"
SETTINGS = {  # suffix of the experiment's arms -> input pixels, initial weights
    "": ("0 to 255", "N(0, 0.01)"),
    "-torch-start": ("0 to 255", "torch's default"),
    "-scaled": ("divided by 64", "N(0, 0.01)"),
    "-today": ("divided by 64", "torch's default"),
}


def figure_1() -> Picture:
    """Our Figure 1: training error of the recorded runs, mean over the seeds (§3.1)."""
    runs = on_record(EXPERIMENT)
    figure, axis = subplots(figsize=(NARROW, 3.3))
    told = []
    for name in ("relu", "tanh"):
        curves = [
            runs[run_label(name, seed)].curves["running training error"]
            for seed in range(named(EXPERIMENT).seeds)
        ]
        shortest = min(map(len, curves))  # a run ends after the epoch in which it gets to 25 %
        mean = 100 * np.mean([curve[:shortest] for curve in curves], axis=0)
        color, line = STYLES[name]
        axis.plot(range(1, shortest + 1), mean, line, color=color, linewidth=2.5)
        spot = (6, mean[5] + 4) if name == "tanh" else (4, mean[5] - 8)
        axis.text(*spot, NAMES[name], color=color, fontsize=12)
        told.append(f"{NAMES[name]} is at {mean[-1]:.0f} % after {shortest} epochs")
    axis.axhline(25, color="black", linewidth=1, linestyle="-.")
    axis.set(xlabel="epoch", ylabel="training error, %", ylim=(0, 80), xlim=(0, 16))
    return Picture(figure, f"Training error on CIFAR-10 by epoch, with a line at 25 %. {'; '.join(told)}.")


def functions_and_slopes(reach: float = 4.0) -> Picture:
    """Three activation functions, and next to them their slopes (§3.1)."""
    # An even number of points: none falls on 0, where the ReLU has no slope.
    x = torch.linspace(-reach, reach, 400, dtype=torch.float64).requires_grad_()
    figure, (left, right) = subplots(1, 2, figsize=(NARROW + 1, 2.9))
    told = []
    for name, (color, line) in STYLES.items():
        value = ACTIVATIONS[name]()(x)
        (slope,) = torch.autograd.grad(value.sum(), x)
        left.plot(x.detach(), value.detach(), line, color=color, linewidth=2.5, label=NAMES[name])
        right.plot(x.detach(), slope, line, color=color, linewidth=2.5)
        told.append(f"{NAMES[name]}'s at most {float(slope.max()):.2f} and at the right end {slope[-1]:.2f}")
    left.set(xlabel="input x", ylim=(-1.3, 2.3))
    left.set_title("output f(x)", fontsize=11, loc="left")
    left.legend(frameon=False, loc="upper left", fontsize=10)
    right.set(xlabel="input x", ylim=(-0.06, 1.1))
    right.set_title("slope f'(x)", fontsize=11, loc="left")
    return Picture(figure, f"Three activation functions and their slopes around 0: {'; '.join(told)}.")


def gradients_through_depth(fractions: Mapping[str, Mapping[str, Sequence[float]]]) -> Picture:
    """What is left of a gradient after 0, 1, 2, ... layers, as {gain: {name: fractions}} (§3.1)."""
    size = {"figsize": (NARROW, 1.9 * len(fractions) + 0.4), "sharex": True, "squeeze": False}
    figure, axes = subplots(len(fractions), 1, **size)
    told = []
    for axis, (gain, curves) in zip(axes.flat, fractions.items(), strict=True):
        height = float("inf")
        for name, left in sorted(curves.items(), key=lambda item: -item[1][-1]):
            color, line = STYLES[name]
            axis.semilogy(left, line, color=color, linewidth=2.5)
            height = min(left[-1], height / 1e3)  # names at the ends, apart where two ends meet
            axis.text(len(left) - 0.7, height, NAMES[name], color=color, va="center", fontsize=11)
        axis.axhline(1, color=GRAY, linewidth=0.8)
        axis.set(ylim=(1e-20, 1e4), xlim=(0, 1.25 * len(left)), yticks=(1e-18, 1e-12, 1e-6, 1))
        axis.set_title(gain, fontsize=11, loc="left")
        ends = ", ".join(f"{NAMES[name]} {left[-1]:.0e}" for name, left in curves.items())
        told.append(f"{gain}: {ends}")
    axes.flat[-1].set_xlabel("layers of the backward pass")
    axes.flat[-1].set_xticks(range(0, len(left), 5))
    figure.supylabel("fraction of the gradient", fontsize=11)
    words = f"The fraction of a gradient that is left after {len(left) - 1} layers. {'. '.join(told)}."
    return Picture(figure, words)


def error_curves(curves: Mapping[str, tuple[str, Sequence[float]]], threshold: float = 0.25) -> Picture:
    """Training error by step: {words: (name, errors)}; a curve ends where it reaches the threshold."""
    figure, axis = subplots(figsize=(NARROW, 3.4))
    drawn, told = [], []
    for words, (name, errors) in curves.items():
        color = STYLES[name][0]
        line = ":" if name in drawn else "-"
        drawn.append(name)
        axis.plot([100 * e for e in errors], line, color=color, linewidth=2.5, label=words)
        reached = errors[-1] <= threshold
        if reached:
            axis.plot(len(errors) - 1, 100 * errors[-1], "o", color=color)
        told.append(f"{words}: {'reaches it' if reached else 'does not reach it'}")
    axis.axhline(100 * threshold, color="black", linewidth=1, linestyle="-.")
    axis.set(xlabel="steps", ylabel="training error, %", ylim=(0, 100), xlim=(0, None))
    axis.legend(frameon=False, loc="upper right", fontsize=10)
    line = f"a line at {100 * threshold:.0f} %"
    return Picture(figure, f"Training error by step, with {line}. {'; '.join(told)}.")


def _answers() -> dict:
    """The recorded answers by what ran against a ReLU network of the same setting."""
    return {answer.comparison.against: answer for answer in report(named(EXPERIMENT)).answers}


def race() -> Table:
    """Epochs to 25 % training error in the four settings, with a learning rate for each network (§3.1)."""
    found, rows = _answers(), []
    for suffix, (pixels, weights) in SETTINGS.items():
        answer = found[f"tanh{suffix}"]
        tanh, relu = answer.means.split(" against ")
        times = answer.interval
        ratio = f"{times.mean:.2f} ({times.low:.2f} to {times.high:.2f})"
        rows.append((pixels, weights, f"{float(relu):.1f}", f"{float(tanh):.1f}", ratio))
    columns = ("pixels", "initial weights", "ReLU", "tanh", "tanh / ReLU (95 % interval)")
    return Table("Epochs to 25 % training error, mean of five runs", columns, tuple(rows))


def claims() -> Cards:
    """The card of Figure 1's claim, and one of the paper's "consistently" (§3.1)."""
    first = claim_card("3.1")
    found = _answers()
    means = [found[f"tanh{suffix}"].interval.mean for suffix in SETTINGS if suffix]
    ours = f"{min(means):.2f} to {max(means):.2f} times ({len(means)} settings; below 1 tanh is ahead)"
    values = [("paper", "several times (“consistently”)"), ("original code", "–"), ("ours", ours)]
    asked = "The same with other pixels, other initial weights, or both"
    second = card(asked, "opposite", values)
    return Cards([*zip(first.html, first.lines, strict=True), second])


LAYERS = 8


def check_fraction_left(answer: float) -> Verdict:
    """§3.1: what fraction of a gradient do eight layers of ReLUs leave, if the weights keep it?"""
    return check_number(
        answer,
        0.5 ** (LAYERS / 2),
        "Hint: half of the slopes are 0 and half are 1, so the mean of their squares is 1/2 in each layer; "
        "a root mean square takes the root of the product.",
        "eight times a half, under the root: one sixteenth, whatever the scale of the inputs.",
    )


def _backward(name: str, a: Tensor, g: Tensor) -> Tensor:
    """torch's own backward passes, which know the output alone as well."""
    if name == "tanh":
        return torch.ops.aten.tanh_backward(g, a)
    return torch.ops.aten.threshold_backward(g, a, 0.0)


def check_backward(answer: Callable) -> Verdict:
    """§3.1: backward(name, a, g): the gradient of the input, from the output a and its gradient g."""
    draw = torch.Generator().manual_seed(31)
    cases = []
    for name, f in (("relu", torch.relu), ("tanh", torch.tanh)):
        a = f(3 * torch.randn(4, 6, generator=draw))
        cases.append((name, a, torch.randn(4, 6, generator=draw)))
    return check_function(
        answer,
        _backward,
        cases,
        "Hint: multiply g by the slope, and write the slope with the output alone. The derivative of tanh "
        "contains only tanh itself; a ReLU's output says on which side of 0 its input was.",
        "both slopes follow from the output, so the input need not be kept for the backward pass.",
    )


def _never_on(z: Tensor) -> Tensor:
    return z.amax(dim=0) <= 0


def check_dead(answer: Callable) -> Verdict:
    """§3.1: dead(z): which ReLUs does no image activate? z: their inputs, (N, neurons) -> bool (neurons,)."""
    draw = torch.Generator().manual_seed(310)
    mixed = torch.randn(6, 8, generator=draw)
    mixed[:, 2] = -mixed[:, 2].abs() - 0.1
    # Negative in the mean, but one image activates it; and one whose input is always 0.
    mixed[:, 4], mixed[3, 4], mixed[:, 5] = -5.0, 0.5, 0.0
    return check_function(
        answer,
        _never_on,
        [(mixed,), (-torch.ones(3, 2),), (torch.ones(1, 4),)],
        "Hint: a neuron is dead if its input is at or below 0 for every image; one image above 0 keeps it "
        "alive. Return True or False for each neuron.",
        "a neuron that no image activates gets no gradient from any image.",
    )


def check_scaled_rate(answer: float) -> Verdict:
    """§3.1: the first layer's learning rate that undoes a division of the pixels by 64."""
    return check_number(
        answer,
        64**2,
        "Hint: how much larger must a step of these weights be, and how much smaller is their gradient "
        "now that they multiply smaller pixels?",
        "64 for the larger weights and 64 for the smaller pixels.",
    )
