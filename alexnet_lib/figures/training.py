"""The figure of recorded runs (chapter 5.1)."""

from collections.abc import Sequence
from itertools import pairwise

from ..guard import validated
from ..records import Record
from .picture import BLUE, GRAY, NARROW, ORANGE, Picture, subplots

CURVES = {"training error": (BLUE, "-"), "validation error": (ORANGE, "--")}


@validated
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
        axis.spines[["top", "right"]].set_visible(False)
        ends = ", ".join(f"{curve} {values[-1]:.0%}" for curve, values in shown.items())
        told.append(f"{name}, {record.epochs} epochs: at the end {ends}")
    figure.tight_layout()
    return Picture(figure, f"Errors of recorded runs over their epochs. {'; '.join(told)}.")
