"""What chapter 5.1 draws, tabulates and asks."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

from ..counts import trace
from ..learning import TrainConfig
from ..paper import IMAGES, LEARNING
from ..records import Record
from ..specs import SPECS
from ..training.presets import PRESETS
from .palette import BLUE, GRAY, ORANGE
from .picture import NARROW, Picture, subplots
from .table import Table
from .verdict import Verdict, check_number, no_function

CURVES = {"training error": (BLUE, "-"), "validation error": (ORANGE, "--")}


def error_histories(records: Sequence[Record]) -> Picture:
    """Training and validation error of each recorded run over its epochs; dotted where its rate changed."""
    shape = {"figsize": (NARROW, 3.0 * len(records) + 0.4), "squeeze": False}
    figure, axes = subplots(len(records), 1, **shape)
    told = []
    for axis, record in zip(axes.flat, records, strict=True):
        shown = {name: record.curves[name] for name in CURVES if name in record.curves}
        epochs = range(1, record.epochs + 1)
        for name, values in shown.items():
            color, style = CURVES[name]
            axis.plot(epochs, [100 * value for value in values], style, color=color, lw=2.2, label=name)
        for epoch, (before, after) in enumerate(pairwise(record.curves.get("lr", [])), 2):
            if before != after:
                axis.axvline(epoch - 0.5, color=GRAY, ls=":", lw=1.5)
        axis.set(xlabel="epoch", ylabel="error, %", ylim=(0, None))
        name = record.label or record.experiment
        axis.set_title(f"{name}: {record.data}", fontsize=11, loc="left")
        axis.legend(frameon=False, fontsize=10.5)
        ends = ", ".join(f"{curve} {values[-1]:.0%}" for curve, values in shown.items())
        told.append(f"{name}, {record.epochs} epochs: at the end {ends}")
    return Picture(figure, f"Errors of recorded runs over their epochs. {'; '.join(told)}.")


NUMBER_BYTES = 4  # of a float32
IN_WORDS = {  # the paper's values that a default cannot name, or names by None or an empty list
    "data": "ImageNet",
    "training_images": "all",
    "split_seed": "none",
    "stop_at_error": "never",
    "milestones": "on plateaus",
}
OURS = ("val_fraction", "patience", "seed", "channels_last")  # the paper names no value


def preset_table() -> Table:
    """Each field that some preset changes, the paper's value, and what each preset has in its place."""
    changed = [config.deviations() for config in PRESETS.values()]
    rows = []
    for name in (field.name for field in fields(TrainConfig)):
        pairs = [pair[name] for pair in changed if name in pair]
        if pairs:
            cells = (_shown(pair[name][1]) if name in pair else "–" for pair in changed)
            rows.append((name, _of_paper(name, pairs[0][0]), *cells))
    return Table("Presets; – is what stands under paper", ("field", "paper", *PRESETS), tuple(rows))


def deviation_table(config: TrainConfig) -> Table:
    """Where one run leaves the paper."""
    rows = tuple(
        (name, _of_paper(name, paper), _shown(ours)) for name, (paper, ours) in config.deviations().items()
    )
    return Table("Where this run leaves the paper", ("field", "paper", "this run"), rows)


def memory_table(spec: str = "paper", batch: int = LEARNING.batch_size) -> Table:
    """What training takes in memory, by arithmetic from the layers' sizes; nothing here is measured.

    All numbers are float32, and an MB is a million bytes. The outputs stand in three rows, because programs
    differ in what they keep. The working memory of convolutions, and what a library keeps besides, are not
    counted.
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


def run_table(records: Sequence[Record]) -> Table:
    """Runs on record: data, length, time, errors, machine; a dash where a record has no such value."""
    rows = tuple(
        (
            record.label or "–",
            f"{record.data}, {record.images:,} images",
            f"{record.epochs}",
            f"{record.seconds / 3600:.1f}",
            _result(record, "images per second", "{:.0f}"),
            _result(record, "top-1 error, center", "{:.1%}"),
            _result(record, "top-1 error, ten crops", "{:.1%}"),
            f"{record.hardware}, {record.date}",
        )
        for record in records
    )
    columns = (
        "run",
        "trained on",
        "epochs",
        "hours",
        "images/s",
        "top-1, center",
        "top-1, ten crops",
        "where",
    )
    return Table("Runs on record: ours, measured", columns, rows)


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


def _result(record: Record, name: str, form: str) -> str:
    return form.format(record.results[name]) if name in record.results else "–"


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


DAYS = 6  # §1: five to six


def check_run_steps(answer: int) -> Verdict:
    """§5: how many steps has the paper's training, 90 passes over 1.2 million images by 128?"""
    return check_number(
        answer,
        LEARNING.epochs * (IMAGES.training_images // LEARNING.batch_size),
        "Hint: a step takes 128 images. How many steps has one pass, and how many all 90?",
        "that many times all weights were moved once.",
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


class _Stopped(Exception):
    """What the checker stops a reader's function with, in place of a kill."""


def _pieces(stop: bool) -> Iterator[bytes]:
    yield b"new, first half; "
    if stop:
        raise _Stopped("stopped in the middle, as by kill -9")
    yield b"new, second half"


def check_safe_save(answer: Callable) -> Verdict:
    """Chapter 5.1: keep(path, pieces) writes bytes so that `path` holds old or new ones, never a mixture.

    A second name of the old file shows what was written into it.
    """
    if (missing := no_function(answer)) is not None:
        return missing
    with tempfile.TemporaryDirectory() as folder:
        path, witness = Path(folder) / "state.bin", Path(folder) / "second-name.bin"
        try:
            answer(path, _pieces(stop=False))
            if not path.exists() or path.read_bytes() != b"".join(_pieces(stop=False)):
                return Verdict(False, "after a call that was not disturbed, path does not hold all pieces")
            path.write_bytes(b"old")
            with contextlib.suppress(_Stopped):
                answer(path, _pieces(stop=True))
            if not path.exists() or path.read_bytes() != b"old":
                return Verdict(
                    False,
                    "stopped between two pieces, path does not hold what it held before. Hint: write to "
                    "another name first",
                )
            with contextlib.suppress(OSError):  # some file systems have no second names
                os.link(path, witness)
            answer(path, _pieces(stop=False))
            if witness.exists() and witness.read_bytes() != b"old":
                return Verdict(
                    False,
                    "the old file was written into, and a kill in that moment leaves a mixture. Hint: "
                    "os.replace puts a whole file in the place of another at once",
                )
            if path.read_bytes() != b"".join(_pieces(stop=False)):
                return Verdict(False, "where an old file stands, the new pieces do not take its place")
        except Exception as error:  # the reader's code may raise anything, or take the files away
            return Verdict(False, f"your function raised {type(error).__name__}: {error}")
    return Verdict(True, "at every moment path is the whole old file or the whole new one.")
