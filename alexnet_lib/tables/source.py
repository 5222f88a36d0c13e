"""Paper against source 2012: what the logs say about each difference; what re-implementations change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .. import paper
from ..architecture import SPECS
from ..guard import validated
from ..spec import AlexNetSpec, BatchNorm, Conv, Norm, Pool, Relu, SpatialNorm, trace
from .results import VALIDATION_2012, Logged
from .table import Table


@dataclass(frozen=True)
class LoggedRun(Logged):
    """A run on ILSVRC-2012, its errors there with ten views, and in what it differs from which other run."""

    change: str
    against: str | None = None


RUNS = {
    run.run: run
    for run in (
        LoggedRun(**vars(VALIDATION_2012), change="the paper's net"),
        LoggedRun("148", 0.420340, 0.193620, "no normalization", "145"),
        LoggedRun("147", 0.410580, 0.185100, "pooling without overlap; two paddings smaller by 1", "145"),
        LoggedRun("150", 0.418280, 0.193300, "no communication between the towers", "145"),
        LoggedRun("170", 0.405280, 0.180480, "rates fall smoothly, to 1/250", "145"),
        LoggedRun("167", 0.404880, 0.181180, "no norm in layer 2; rates fall smoothly, to 1/1000", "170"),
        LoggedRun(
            "166", 0.410960, 0.186740, "norms of layer 2 before ReLU; rates fall smoothly, to 1/1000", "170"
        ),
    )
}

NOT_MEASURED = "not measured"


def _against(number: str) -> str:
    run = RUNS[number]
    return f"run {number}: {run.points(RUNS[run.against])} points against {run.against}"


# What the logs say about each of paper.DIFFERENCES, by its subject.
LOGGED = dict.fromkeys((row.subject for row in paper.DIFFERENCES), NOT_MEASURED) | {
    "Order in layer 1": f"{NOT_MEASURED}; the same in layer 2, {_against('166')}, with other last rates",
    "Norms of layer 2": f"not alone; both left out, {_against('167')}, with other last rates",
    "Initial biases": "nothing differs",
    "Learning rates": f"{NOT_MEASURED}; a third schedule, {_against('170')}",
    "Dropout at test time": "nothing differs",
}


def logged_runs() -> Table:
    """The runs of 2012 and 2013 that change one part of the net, from their logs."""
    rows = tuple(
        (
            run.run,
            run.change,
            f"{100 * run.top1:.2f} %",
            f"{100 * run.top5:.2f} %",
            f"{run.points(RUNS[run.against])} (against {run.against})" if run.against else "",
        )
        for run in RUNS.values()
    )
    columns = ("run", "what it changes", "top-1 error", "top-5 error", "points")
    return Table("Runs in the 2012 package, ILSVRC-2012 validation set, ten crops", columns, rows)


@validated
def twelve_differences(found: dict[str, str]) -> Table:
    """Every difference with what was found by running it and what the logs say; `found`: subject -> words.

    Raises ValueError if a subject is missing or unknown.
    """
    if found.keys() != LOGGED.keys():
        raise ValueError(
            f"found must have one entry for each of the {len(LOGGED)} subjects; missing or unknown: "
            f"{', '.join(sorted(found.keys() ^ LOGGED.keys()))}"
        )
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
    conv, side = spec.convs[0], next(trace(spec)).side
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
    "numbers that fc6 reads": lambda spec: f"{[layer for layer in trace(spec) if layer.side][-1].numbers:,}",
    "parameters": lambda spec: f"{sum(layer.parameters for layer in trace(spec)):,}",
    "multiply-accumulates": lambda spec: f"{sum(layer.multiply_accumulates for layer in trace(spec)):,}",
}
AS_PAPER = "as the paper"


@validated
def reimplementations(specs: Sequence[AlexNetSpec]) -> Table:
    """What each net changes, question by question, read from the specs; the paper's net comes first."""
    rows = []
    for question, answer in _QUESTIONS.items():
        printed = answer(SPECS["paper"])
        theirs = (answer(spec) for spec in specs)
        rows.append((question, printed, *(AS_PAPER if words == printed else words for words in theirs)))
    columns = ("question", "paper", *(spec.name for spec in specs))
    return Table("What each re-implementation changes", columns, tuple(rows))
