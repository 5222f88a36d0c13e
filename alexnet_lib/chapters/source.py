"""What the chapter "Paper and source" draws, tabulates and asks."""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from .. import paper
from ..architecture import AlexNetSpec, BatchNorm, Conv, Norm, Pool, Relu, SpatialNorm
from ..counts import trace
from ..learning import LR_PLANS, RateGroup
from ..paper import IMAGES, LEARNING
from ..specs import SPECS
from .palette import BLUE, GRAY, GREEN, ORANGE
from .picture import NARROW, Picture, styled, subplots
from .table import Table
from .verdict import Verdict, check_function, check_number


def spread_by_layer(arms: dict[str, dict[str, float]]) -> Picture:
    """Standard deviation of each layer's outputs across images; arms: name of the network -> layer -> value.

    The scale is logarithmic; a line is named at its last layer.
    """
    figure, axis = subplots(figsize=(NARROW, 3.8))
    told = []
    for (name, spreads), (color, style) in styled(arms, ((BLUE, "o-"), (ORANGE, "s--"))):
        layers, values = list(spreads), list(spreads.values())
        axis.plot(values, style, color=color, lw=2.2)
        last = len(values) - 1
        above = values[last] == max(list(other.values())[last] for other in arms.values())
        place = (last, 1.9 * max(values[last // 2 + 1 :]) if above else 0.5 * values[last])
        axis.text(*place, name, color=color, fontsize=11, fontweight="bold", ha="right", va="center")
        told.append(f"{name}: " + ", ".join(f"{key} {spreads[key]:.2g}" for key in (layers[0], layers[-1])))
    axis.set(yscale="log", ylim=(1e-3, 30))
    axis.set_xticks(range(len(layers)), layers, fontsize=10)
    axis.set_ylabel("standard deviation across images", fontsize=10)
    return Picture(figure, f"Standard deviation of each layer's output across images. {'; '.join(told)}.")


def rates_by_epoch(groups: dict[str, RateGroup], rate: float = LEARNING.lr, epochs: int = 91) -> Picture:
    """The learning rate of each group of parameters over a run, on a logarithmic scale (§5).

    A group whose learning rate becomes 0 ends with a cross: its parameters no longer change.
    """
    figure, axis = subplots(figsize=(NARROW, 3.9))
    looks = ((BLUE, "-"), (ORANGE, "--"), (GREEN, ":"), (GRAY, "-."))
    told = []
    for (name, group), (color, style) in styled(groups, looks):
        rates = [rate * group.factor(epoch) for epoch in range(epochs)]
        moving = _moving(rates)
        axis.step(range(len(moving)), moving, where="post", color=color, ls=style, lw=2.4)
        changes = [epoch for epoch in range(1, epochs) if rates[epoch] != rates[epoch - 1]]
        words = {"color": color, "fontsize": 11, "fontweight": "bold"}
        if len(moving) < epochs:
            axis.plot(len(moving), moving[-1], "x", color=color, ms=9, mew=2.4)
            axis.text(moving.index(moving[-1]) - 1.5, moving[-1], name, ha="right", va="center", **words)
        else:
            level = ([0, *changes])[-2:][0]  # the last level but one has more room than the last
            axis.text(level + 1, 1.35 * rates[level], name, **words)
        steps = [f"{rates[0]:g}", *(f"{rates[epoch]:g} from epoch {epoch}" for epoch in changes)]
        told.append(f"{name}: {', '.join(steps)}")
    axis.set(yscale="log", ylim=(4e-6, 6e-2), xlim=(0, epochs))
    axis.set_xlabel("epoch", fontsize=10)
    axis.set_ylabel("learning rate", fontsize=10)
    return Picture(figure, f"Learning rates by epoch, in steps. {'; '.join(told)}.")


def _moving(rates: Sequence[float]) -> Sequence[float]:
    """The learning rates up to the epoch at which they become 0."""
    return rates[: rates.index(0.0)] if 0.0 in rates else rates


LOGGED = dict.fromkeys((row.subject for row in paper.DIFFERENCES), "no run") | {
    "Order in layer 1": "no run; the same in layer 2, run 166: +0.57 / +0.63 against run 170, other schedule",
    "Norms of layer 2": "both left out, run 167: -0.04 / +0.07 against run 170, other schedule",
    "Initial biases": "they agree",
    "Learning rates": "no run; a smooth schedule, run 170: -0.14 / -0.16 against run 145",
    "Dropout at test time": "they agree",
}


def twelve_differences(found: dict[str, str]) -> Table:
    """All twelve subjects: what our experiment found and what the logs say; `found`: subject -> words."""
    rows = tuple((subject, found[subject], logged) for subject, logged in LOGGED.items())
    columns = ("subject", "our experiment", "the authors' logs (top-1 / top-5 error, percentage points)")
    return Table("Ten differences and two agreements", columns, rows)


_STEPS = {
    Relu: "ReLU",
    Norm: "normalization",
    SpatialNorm: "spatial normalization",
    Pool: "pooling",
    BatchNorm: "batch normalization",
}


def _power(number: float) -> str:
    """2e-05 as 2e-5."""
    return f"{number:.0e}".replace("e-0", "e-")


def _norms(spec: AlexNetSpec, words: Callable[[Norm], str]) -> str:
    """What the response normalizations of a net have in common, or each in turn."""
    told = [words(step) for conv in spec.convs for step in conv.then if isinstance(step, Norm)]
    return ", ".join(dict.fromkeys(told)) or "no normalization"


def _windows(spec: AlexNetSpec) -> str:
    conv, size = spec.convs[0], next(trace(spec)).size
    edge = "ceil_mode" if conv.ceil_mode else f"padding {conv.padding}"
    return f"{size} x {size}, {edge}"


def _order(conv: Conv) -> str:
    return ", ".join(_STEPS[type(step)] for step in conv.then)


def _start(spec: AlexNetSpec) -> str:
    """Standard deviation of the initial weights of conv1 to fc7, and the layers that differ from conv1."""
    stds = {f"conv{number}": conv.std for number, conv in enumerate(spec.convs, 1)}
    stds |= {f"fc{number}": spec.hidden_std for number in range(6, 6 + len(spec.hidden))}
    if None in stds.values():
        return "torch's default"
    usual = stds["conv1"]
    others = {std: [name for name in stds if stds[name] == std] for std in stds.values() if std != usual}
    return f"{usual:g}" + "".join(f"; {std:g} in {', '.join(names)}" for std, names in others.items())


def _biases(spec: AlexNetSpec) -> str:
    if spec.hidden_std is None:  # torch then draws the biases too
        return "torch's default"
    layers = [(f"conv{n}", conv.bias) for n, conv in enumerate(spec.convs, 1)]
    layers += [(f"fc{n}", spec.hidden_bias) for n in range(6, 6 + len(spec.hidden))]
    return f"{spec.hidden_bias:g} in " + ", ".join(name for name, bias in layers if bias)


def _dropout(spec: AlexNetSpec) -> str:
    where = "inputs" if spec.dropout_on_inputs else "outputs"
    return f"{where} of fc6 and fc7, {'inverted' if spec.dropout_inverted else 'standard'}"


_QUESTIONS: dict[str, Callable[[AlexNetSpec], str]] = {
    "image": lambda spec: f"{spec.image_size} x {spec.image_size}",
    "positions in conv1": _windows,
    "kernels": lambda spec: " ".join(str(conv.out_channels) for conv in spec.convs),
    "towers": lambda spec: str(spec.towers),
    "layer 1, after the convolution": lambda spec: _order(spec.convs[0]),
    "layer 2, after the convolution": lambda spec: _order(spec.convs[1]),
    "effective alpha (for the plain sum of squares)": lambda spec: _norms(
        spec, lambda norm: _power(norm.alpha / (norm.n if norm.alpha_over_n else 1))
    ),
    "k of the normalization": lambda spec: _norms(spec, lambda norm: f"{norm.k:g}"),
    "channels in the normalization": lambda spec: _norms(
        spec, lambda norm: "within a tower" if norm.towers > 1 else "across all channels"
    ),
    "standard deviation of the initial weights": _start,
    "initial biases": _biases,
    "dropout": _dropout,
    "classes": lambda spec: str(spec.classes),
    "inputs of fc6 (fan-in)": lambda spec: f"{[layer for layer in trace(spec) if layer.size][-1].numbers:,}",
    "parameters": lambda spec: f"{sum(layer.parameters for layer in trace(spec)):,}",
    "multiply-accumulates": lambda spec: f"{sum(layer.multiply_accumulates for layer in trace(spec)):,}",
}
AS_PAPER = "as in the paper"


def reimplementations(specs: Sequence[AlexNetSpec]) -> Table:
    """What each network changes, row by row, read from the specs; the paper's network comes first."""
    rows = []
    for question, answer in _QUESTIONS.items():
        printed = answer(SPECS["paper"])
        theirs = (answer(spec) for spec in specs)
        rows.append((question, printed, *(AS_PAPER if words == printed else words for words in theirs)))
    columns = ("question", "paper", *(spec.name for spec in specs))
    return Table("What each re-implementation changes", columns, tuple(rows))


def check_unseen_pixels(answer: int) -> Verdict:
    """How many pixels of a 256 x 256 image are in no 224 x 224 crop if positions end at 31?"""
    seen = (IMAGES.stored - 1) ** 2
    return check_number(
        answer,
        IMAGES.stored**2 - seen,
        "Hint: take the crop at the last position, 31. Which row is the last one it contains? "
        "Columns are lost in the same way, and one pixel is in both.",
        "the last row and the last column, 256 each, with one pixel in common.",
    )


def check_first_layer(answer: Callable) -> Verdict:
    """Layer 1 of the original code: layer(a), the outputs of conv1 (N, 96, H, W) -> the input of conv2."""
    oracle = nn.Sequential(*(step.module(96) for step in SPECS["source-2012"].convs[0].then))
    draw = torch.Generator().manual_seed(12)
    cases = [(100 * torch.randn(2, 96, size, size, generator=draw),) for size in (9, 55)]
    return check_function(
        answer,
        oracle,
        cases,
        "Hint: three things differ from the paper's layer. In which order do the steps come? What does alpha "
        "multiply? Which channels are neighbors across the two towers?",
        "normalization first, alpha over n, each tower on its own, ReLU last.",
    )


def check_weight_rate(answer: Callable) -> Verdict:
    """Run 145: rate(layer, epoch) -> learning rate of that layer's weights, "conv1" to "fc8"."""
    groups = {group.pattern: group for group in LR_PLANS["source-2012"]}

    def oracle(layer: str, epoch: int) -> float:
        group = groups["features.conv1.weight" if layer == "conv1" else "*"]
        return LEARNING.lr * group.factor(epoch)

    epochs = (0, 24, 25, 50, 51, 66, 67, 71, 72, 78, 79, 90)
    return check_function(
        answer,
        oracle,
        [(layer, epoch) for layer in ("conv2", "conv1", "fc8") for epoch in epochs],
        "Hint: a new learning rate holds from the epoch in the log on, and conv1 has two entries of its own.",
        "it follows the log through all 91 epochs.",
    )
