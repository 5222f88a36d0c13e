"""What chapter 5.1 draws, tabulates and asks."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from itertools import pairwise

import torch

from ..counts import trace
from ..learning import TrainConfig
from ..paper import IMAGES, LEARNING
from ..records import Record
from ..specs import SPECS
from .palette import BLUE, GRAY, GREEN, ORANGE
from .picture import NARROW, Picture, subplots
from .table import Table
from .verdict import Verdict, check_function, check_number

LOOKS = ((BLUE, "-"), (ORANGE, "-"), (GREEN, "--"), (GRAY, "--"))
RUNNING, VALIDATION = "running training error", "validation error"


def one_run(record: Record) -> Picture:
    """Running training error and validation error of a run, and where its learning rate was divided."""
    figure, axis = subplots(figsize=(NARROW, 3.6))
    epochs = range(1, record.epochs + 1)
    for name, color, at, offset in ((RUNNING, BLUE, 3, (8, 8)), (VALIDATION, ORANGE, 10, (12, 24))):
        values = [100 * value for value in record.curves[name]]
        axis.plot(epochs, values, color=color, lw=2.4)
        place = {"textcoords": "offset points", "xytext": offset, "fontweight": "bold", "fontsize": 11}
        axis.annotate(
            name, (min(at, record.epochs), values[min(at, record.epochs) - 1]), color=color, **place
        )
    rates = record.curves.get("lr", [])
    drops = [epoch for epoch, pair in enumerate(pairwise(rates), 1) if pair[0] != pair[1]]
    for epoch in drops:
        axis.axvline(epoch + 0.5, color=GRAY, ls=":", lw=1.5)
        axis.text(epoch + 0.3, 84, "lr / 10", color=GRAY, ha="right", fontsize=10.5)
    axis.set(xlabel="epoch", ylabel="error, %", ylim=(0, 92))
    ends = ", ".join(f"{name} {100 * record.curves[name][-1]:.0f} %" for name in (RUNNING, VALIDATION))
    told = " and ".join(f"after epoch {epoch}" for epoch in drops)
    words = f"Errors of one run over {record.epochs} epochs. At the end: {ends}."
    return Picture(figure, f"{words} The learning rate was divided by ten {told}." if drops else words)


def rate_curves(records: Sequence[Record]) -> Picture:
    """Validation error over the epochs for runs that differ in their learning rate."""
    figure, axis = subplots(figsize=(NARROW, 3.4))
    told = []
    for record, (color, style) in zip(records, LOOKS, strict=False):
        rate, values = record.config["lr"], [100 * value for value in record.curves[VALIDATION]]
        axis.plot(range(1, len(values) + 1), values, style, color=color, lw=2.2, label=f"{rate:g}")
        told.append(f"{rate:g} from {values[0]:.0f} % to {values[-1]:.0f} %")
    axis.set(xlabel="epoch", ylabel="validation error, %", ylim=(25, 80))
    axis.legend(title="learning rate", frameon=False, fontsize=10.5, ncols=2)
    return Picture(figure, f"Validation error over the epochs for each learning rate: {'; '.join(told)}.")


# Who, on what, images per second with one batch after another, source. Reported by others, but for the paper.
REPORTED = (
    ("the paper, 2012", "2 GTX 580", 230, "arithmetic from its five to six days"),
    ("TensorFlow, 2017", "1 K80", 639, "benchmarks page, real images"),
    ("Caffe2", "1 Titan X (Maxwell)", 1_421, "header of its benchmark, no update"),
    ("TensorFlow, 2017", "1 P100", 2_890, "benchmarks page, real images"),
    ("TensorFlow, 2017", "8 K80", 4_056, "the same"),
    ("TensorFlow, 2017", "4 P100", 7_105, "the same"),
)


def speed_table(yours: float | None = None, hardware: str = "your machine") -> Table:
    """Images per second of training as others report them, and how long the paper's 90 epochs would take.

    yours: your own, for the last row, rounded to one digit, since a few steps tell no more.
    """
    rows = [(who, what, f"{speed:,}", _duration(speed), source) for who, what, speed, source in REPORTED]
    if yours is not None:
        rounded = float(f"{yours:.0e}")
        rows.append(
            (
                "you, today",
                hardware,
                f"about {rounded:,.{0 if rounded >= 1 else 1}f}",
                _duration(rounded),
                "measured above",
            )
        )
    columns = ("who", "hardware", "images/s", "90 epochs take", "source")
    return Table("AlexNet's training, then and now", columns, tuple(rows))


def _duration(speed: float) -> str:
    hours = LEARNING.epochs * IMAGES.training_images / speed / 3600
    return (
        f"{hours:.{1 if hours < 10 else 0}f} hours"
        if hours < 48
        else f"{hours / 24:.{1 if hours < 240 else 0}f} days"
    )


NUMBER_BYTES = 4  # of a float32
IN_WORDS = {  # the paper's values that a default cannot name, or names by None or an empty list
    "data": "ImageNet",
    "training_images": "all",
    "split_seed": "none",
    "stop_at_error": "never",
    "milestones": "on plateaus",
}
OURS = ("val_fraction", "patience", "seed", "channels_last")  # the paper names no value


def deviation_table(config: TrainConfig) -> Table:
    """Where one run leaves the paper."""
    rows = tuple(
        (name, _of_paper(name, paper), _shown(ours)) for name, (paper, ours) in config.deviations().items()
    )
    return Table("Where this run leaves the paper", ("field", "paper", "this run"), rows)


def memory_table(spec: str = "paper", batch: int = LEARNING.batch_size) -> Table:
    """What training takes in memory, by arithmetic from the layers' sizes; nothing here is measured.

    All values are float32, and an MB is a million bytes. The outputs have three rows, because programs differ
    in what they keep. The working memory of convolutions is not counted.
    """
    layers = list(trace(SPECS[spec]))
    weights = NUMBER_BYTES * sum(layer.parameters for layer in layers)
    image = NUMBER_BYTES * batch
    neurons = image * sum(layer.neurons for layer in layers)
    relus = image * sum(layer.numbers for layer in layers if layer.name.startswith("relu"))
    outputs = image * sum(layer.numbers for layer in layers)
    pixels = 3 * IMAGES.stored**2
    rows = (
        ("weights", _bytes(weights)),
        ("their gradients", _bytes(weights)),
        ("their velocity", _bytes(weights)),
        (f"outputs of convolutional and fully-connected layers, {batch} images", _bytes(neurons)),
        ("outputs of normalization and pooling", _bytes(outputs - neurons - relus)),
        ("outputs of ReLUs, unless written over their inputs", _bytes(relus)),
        ("gradients of all these outputs, if each is kept", _bytes(outputs)),
        ("Imagenette, 9,469 images of 256 x 256, as bytes", _bytes(9_469 * pixels)),
        (f"ImageNet, {IMAGES.training_images:,} images, as bytes", _bytes(IMAGES.training_images * pixels)),
    )
    return Table("Memory of a run (arithmetic)", ("what", "takes"), rows)


def config_of(record: Record) -> TrainConfig:
    """The settings of a recorded run; a field that came after the run has its default."""
    known = {field.name for field in fields(TrainConfig)}
    settings = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in record.config.items()
        if name in known
    }
    return TrainConfig(**settings)


def _of_paper(name: str, value: object) -> str:
    """The value in the paper's column: in words where the default only stands for it."""
    return IN_WORDS.get(name) or f"{_shown(value)}{' (ours)' if name in OURS else ''}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value))
    return str(value)


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


DAYS = 6  # §1: five to six


def check_run_steps(answer: int) -> Verdict:
    """§5: how many steps has the paper's training, 90 passes over 1.2 million images by 128?"""
    return check_number(
        answer,
        LEARNING.epochs * (IMAGES.training_images // LEARNING.batch_size),
        "Hint: a step takes 128 images. How many steps has one pass, and how many all 90?",
        "that is how often all weights were moved.",
    )


def check_images_per_second(answer: float) -> Verdict:
    """§1, §5: images per second, if the paper's training took six days."""
    return check_number(
        answer,
        LEARNING.epochs * IMAGES.training_images / (DAYS * 24 * 3600),
        "Hint: 90 times 1.2 million images, divided by the seconds of six days.",
        "on two GPUs of 2012, everything included.",
        tolerance=0.01,
    )


def check_batch_gradient(answer: Callable) -> Verdict:
    """Chapter 5.1: batch_gradient(gradients, counts), the mean over a batch from each process's own mean."""
    draw = torch.Generator().manual_seed(5)
    cases = []
    for counts in ([32, 32, 32, 32], [20, 36, 36, 36], [1, 3]):
        gradients = torch.randn(len(counts), 6, generator=draw, dtype=torch.float64)
        cases.append((gradients, torch.tensor(counts)))
    return check_function(
        answer,
        lambda gradients, counts: (counts[:, None] * gradients).sum(0) / counts.sum(),
        cases,
        "Hint: turn each mean back into a sum over that process's images, add the sums, and divide by all "
        "images. The plain mean of the means is right only where all counts are equal.",
        "with equal counts this is the plain mean, which is what data parallel training computes.",
    )
