"""What the chapter "Paper, source, today" draws, tabulates and asks."""

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
    """How far the outputs of each layer lie apart from picture to picture; arms: name -> layer -> spread.

    The scale is in powers of ten; a line is named at its last layer.
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
    axis.set_ylabel("spread between pictures", fontsize=10)
    return Picture(
        figure, f"Spread of each layer's output between pictures, from layer to layer. {'; '.join(told)}."
    )


def rates_by_epoch(groups: dict[str, RateGroup], rate: float = LEARNING.lr, epochs: int = 91) -> Picture:
    """The learning rate of each group of parameters over a run, as steps in powers of ten (§5).

    A group whose rate becomes 0 ends with a cross: its parameters stand still from there on.
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
    """The rates up to the epoch at which they become 0."""
    return rates[: rates.index(0.0)] if 0.0 in rates else rates


LOGGED = dict.fromkeys((row.subject for row in paper.DIFFERENCES), "not measured") | {
    "Order in layer 1": "in layer 2, run 166: +0.57 / +0.63 points against 170, with other last rates",
    "Norms of layer 2": "both left out, run 167: -0.04 / +0.07 points against 170, with other last rates",
    "Initial biases": "nothing differs",
    "Learning rates": "not measured; a third schedule, run 170: -0.14 / -0.16 points against 145",
    "Dropout at test time": "nothing differs",
}


def twelve_differences(found: dict[str, str]) -> Table:
    """Every difference with what was found by running it and what the logs say; `found`: subject -> words."""
    rows = tuple((subject, found[subject], logged) for subject, logged in LOGGED.items())
    columns = ("subject", "what we find on a small run", "does it matter? the logs of 2012")
    return Table("The twelve differences", columns, rows)


_STEPS = {
    Relu: "ReLU",
    Norm: "normalization",
    SpatialNorm: "spatial norm",
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
    conv, side = spec.convs[0], next(trace(spec)).size
    edge = "ceil_mode" if conv.ceil_mode else f"padding {conv.padding}"
    return f"{side} a side, {edge}"


def _order(conv: Conv) -> str:
    return ", ".join(_STEPS[type(step)] for step in conv.then)


def _start(spec: AlexNetSpec) -> str:
    """Standard deviation of the first weights of conv1 to fc7, and the layers that depart from conv1's."""
    stds = {f"conv{number}": conv.std for number, conv in enumerate(spec.convs, 1)}
    stds |= {f"fc{number}": spec.hidden_std for number in range(6, 6 + len(spec.hidden))}
    if None in stds.values():
        return "torch's own"
    usual = stds["conv1"]
    others = {std: [name for name in stds if stds[name] == std] for std in stds.values() if std != usual}
    return f"{usual:g}" + "".join(f"; {std:g} in {', '.join(names)}" for std, names in others.items())


def _biases(spec: AlexNetSpec) -> str:
    if spec.hidden_std is None:  # torch then draws the biases too
        return "torch's own"
    layers = [(f"conv{n}", conv.bias) for n, conv in enumerate(spec.convs, 1)]
    layers += [(f"fc{n}", spec.hidden_bias) for n in range(6, 6 + len(spec.hidden))]
    return f"{spec.hidden_bias:g} in " + ", ".join(name for name, bias in layers if bias)


def _dropout(spec: AlexNetSpec) -> str:
    where = "inputs" if spec.dropout_on_inputs else "outputs"
    return f"{where} of fc6 and fc7, {'doubled in training' if spec.dropout_inverted else 'halved at test'}"


_QUESTIONS: dict[str, Callable[[AlexNetSpec], str]] = {
    "image": lambda spec: f"{spec.image_size} x {spec.image_size}",
    "windows of conv1": _windows,
    "kernels": lambda spec: " ".join(str(conv.out_channels) for conv in spec.convs),
    "towers": lambda spec: str(spec.towers),
    "layer 1, after the convolution": lambda spec: _order(spec.convs[0]),
    "layer 2, after the convolution": lambda spec: _order(spec.convs[1]),
    "factor of the plain sum of squares": lambda spec: _norms(
        spec, lambda norm: _power(norm.alpha / (norm.n if norm.alpha_over_n else 1))
    ),
    "k of the normalization": lambda spec: _norms(spec, lambda norm: f"{norm.k:g}"),
    "windows of the normalization": lambda spec: _norms(
        spec, lambda norm: "inside a tower" if norm.towers > 1 else "over all maps"
    ),
    "deviation of the first weights": _start,
    "first biases": _biases,
    "dropout": _dropout,
    "classes": lambda spec: str(spec.classes),
    "numbers that fc6 reads": lambda spec: f"{[layer for layer in trace(spec) if layer.size][-1].numbers:,}",
    "parameters": lambda spec: f"{sum(layer.parameters for layer in trace(spec)):,}",
    "multiply-accumulates": lambda spec: f"{sum(layer.multiply_accumulates for layer in trace(spec)):,}",
}
AS_PAPER = "as the paper"


def reimplementations(specs: Sequence[AlexNetSpec]) -> Table:
    """What each net changes, question by question, read from the specs; the paper's net comes first."""
    rows = []
    for question, answer in _QUESTIONS.items():
        printed = answer(SPECS["paper"])
        theirs = (answer(spec) for spec in specs)
        rows.append((question, printed, *(AS_PAPER if words == printed else words for words in theirs)))
    columns = ("question", "paper", *(spec.name for spec in specs))
    return Table("What each re-implementation changes", columns, tuple(rows))


def check_unseen_pixels(answer: int) -> Verdict:
    """How many pixels of a 256 x 256 photograph would no crop of 224 hold if places ended at 31?"""
    seen = (IMAGES.stored - 1) ** 2
    return check_number(
        answer,
        IMAGES.stored**2 - seen,
        "Hint: take the crop at the last of the places 0 to 31. Which row is the last that it holds? "
        "Columns are lost in the same way, and one pixel is in both.",
        "the last row and the last column, 256 each, with one pixel in common.",
    )


def check_first_layer(answer: Callable) -> Verdict:
    """Layer 1 of the 2012 source: layer(a), the outputs of conv1 (N, 96, H, W) -> what conv2 reads."""
    oracle = nn.Sequential(*(step.module(96) for step in SPECS["source-2012"].convs[0].then))
    draw = torch.Generator().manual_seed(12)
    cases = [(100 * torch.randn(2, 96, side, side, generator=draw),) for side in (9, 55)]
    return check_function(
        answer,
        oracle,
        cases,
        "Hint: three things differ from the printed layer. In which order do the steps come? What does alpha "
        "multiply? Where do the windows of the normalization end?",
        "normalization first, alpha over n, windows inside a tower, ReLU last.",
    )


def check_weight_rate(answer: Callable) -> Verdict:
    """The rate of run 145: rate(layer, epoch) -> learning rate of that layer's weights, "conv1" to "fc8"."""
    groups = {group.pattern: group for group in LR_PLANS["source-2012"]}

    def oracle(layer: str, epoch: int) -> float:
        group = groups["features.conv1.weight" if layer == "conv1" else "*"]
        return LEARNING.lr * group.factor(epoch)

    epochs = (0, 24, 25, 50, 51, 66, 67, 71, 72, 78, 79, 90)
    return check_function(
        answer,
        oracle,
        [(layer, epoch) for layer in ("conv2", "conv1", "fc8") for epoch in epochs],
        "Hint: a new rate holds from the epoch in the log on, and conv1 has two entries of its own.",
        "it follows the log through all 91 epochs.",
    )
