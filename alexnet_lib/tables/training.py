"""Runs as tables (chapter 5.1): what the presets change, what a run takes, what is on record."""

from collections.abc import Sequence
from dataclasses import fields

from ..architecture import SPECS
from ..guard import Count, require_choice, require_kind, validated
from ..learning import TrainConfig
from ..paper import IMAGES, LEARNING
from ..records import Record
from ..spec import trace
from ..training.presets import PRESETS
from .table import Table

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


@validated
def deviation_table(config: TrainConfig) -> Table:
    """Where one run leaves the paper."""
    rows = tuple(
        (name, _of_paper(name, paper), _shown(ours)) for name, (paper, ours) in config.deviations().items()
    )
    return Table("Where this run leaves the paper", ("field", "paper", "this run"), rows)


@validated
def memory_table(spec: str = "paper", batch: Count = LEARNING.batch_size) -> Table:
    """What training takes in memory, by arithmetic from the layers' sizes; nothing here is measured.

    All numbers are float32, and an MB is a million bytes. The outputs stand in three rows, because programs
    differ in what they keep. The working memory of convolutions, and what a library keeps besides, are not
    counted.
    """
    layers = list(trace(SPECS[require_choice("spec", spec, SPECS)]))
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
    require_kind("records", records, Sequence[Record], empty=True)
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


@validated
def config_of(record: Record) -> TrainConfig:
    """The settings of a recorded run; a field that came after the run has its default.

    Raises ValueError where the record holds no settings of ours.
    """
    known = {field.name for field in fields(TrainConfig)}
    settings = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in record.config.items()
        if name in known
    }
    missing = {"spec", "data", "batch_size", "epochs", "lr", "seed"} - settings.keys()
    if missing:
        raise ValueError(
            f"record {record.experiment!r} {record.label!r} has no {', '.join(sorted(missing))} in its "
            f"config: it was not made by alexnet_lib.train"
        )
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
