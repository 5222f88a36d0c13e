"""Runs as tables (chapter 5.1): what the presets change, what a run takes, what is on record."""

from collections.abc import Sequence
from dataclasses import fields

from ..architecture import SPECS
from ..learning import TrainConfig
from ..paper import IMAGES, LEARNING
from ..presets import PRESETS
from ..records import Record
from ..spec import trace
from .table import Table

NUMBER_BYTES = 4  # of a float32


def preset_table() -> Table:
    """Each field that some preset changes, the paper's value, and what each preset has in its place."""
    changed = {name: config.deviations() for name, config in PRESETS.items()}
    paper = TrainConfig()
    rows = tuple(
        (
            field.name,
            _shown(getattr(paper, field.name)),
            *(
                _shown(getattr(PRESETS[name], field.name)) if field.name in ours else "–"
                for name, ours in changed.items()
            ),
        )
        for field in fields(TrainConfig)
        if any(field.name in ours for ours in changed.values())
    )
    return Table("Presets; – is the paper's value", ("field", "paper", *PRESETS), rows)


def deviation_table(config: TrainConfig) -> Table:
    """Where one run leaves the paper."""
    rows = tuple((name, _shown(paper), _shown(ours)) for name, (paper, ours) in config.deviations().items())
    return Table("Where this run leaves the paper", ("field", "paper", "this run"), rows)


def memory_table(spec: str = "paper", batch: int = LEARNING.batch_size) -> Table:
    """What training takes in memory, by arithmetic from the layers' sizes; nothing here is measured.

    The outputs are counted once for each step of each layer, as float32. What a library keeps besides is not.
    """
    layers = list(trace(SPECS[spec]))
    weights = NUMBER_BYTES * sum(layer.parameters for layer in layers)
    outputs = NUMBER_BYTES * sum(layer.numbers for layer in layers)
    pixels = 3 * IMAGES.stored**2
    rows = (
        ("weights", _bytes(weights)),
        ("their gradients", _bytes(weights)),
        ("their velocity", _bytes(weights)),
        (f"outputs of all steps, {batch} images", _bytes(batch * outputs)),
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
            _result(record, "top-1 error, centre", "{:.1%}"),
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
        "top-1, centre",
        "top-1, ten crops",
        "where",
    )
    return Table("Runs on record: ours, measured", columns, rows)


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
    missing = {"spec", "data", "batch_size", "epochs", "rate", "seed"} - settings.keys()
    if missing:
        raise ValueError(
            f"record {record.experiment!r} {record.label!r} has no {', '.join(sorted(missing))} in its "
            f"config: it was not made by alexnet_lib.train"
        )
    return TrainConfig(**settings)


def _shown(value: object) -> str:
    if value is None:
        return "the spec's own"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value)) or "none"
    return str(value)


def _result(record: Record, name: str, form: str) -> str:
    return form.format(record.results[name]) if name in record.results else "–"


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
