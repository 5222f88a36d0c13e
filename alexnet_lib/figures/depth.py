"""Figures of §7: who reads whom when a layer is taken out, and errors of small nets by seed."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..architecture import SPECS
from ..guard import Fraction, require_kind, require_same_length, validated
from ..variants import name_without, without_layers
from .picture import BLUE, GRAY, NARROW, ORANGE, Picture, subplots


def wiring_without(removed: Sequence[tuple[int, ...]]) -> Picture:
    """The two towers of the paper's net with some convolutional layers taken out, a row for each net (§7)."""
    require_kind("removed", removed, Sequence[tuple[int, ...]], empty=True)  # () removes none
    if not removed:
        raise ValueError(
            "removed is empty, and a row shows a net: [(), (3,)] shows the whole one and one without"
        )
    for gone in removed:
        without_layers(SPECS["paper"], *gone)  # refuses numbers that the net does not have
    convs = SPECS["paper"].convs
    both = {n for n, conv in enumerate(convs, 1) if n > 1 and not conv.grouped} | {len(convs) + 1}  # and fc6
    figure, axes = subplots(len(removed), 1, figsize=(NARROW, 1.35 * len(removed)), squeeze=False)
    told = []
    for axis, gone in zip(axes[:, 0], removed, strict=True):
        kept = [n for n in range(1, len(convs) + 2) if n not in gone]
        for below, above in pairwise(kept):
            for start in (0, 1):
                axis.plot((below, above), (start, start), color=GRAY, lw=1.5, zorder=1)
                if above in both:
                    axis.plot((below, above), (start, 1 - start), color=ORANGE, lw=2, zorder=1)
        for n in range(1, len(convs) + 2):
            style = {"color": "white", "edgecolors": GRAY, "linestyle": ":"} if n in gone else {"color": BLUE}
            axis.scatter((n, n), (0, 1), s=90, zorder=2, **style)
        names = [f"conv{n}" for n in range(1, len(convs) + 1)] + [f"fc{len(convs) + 1}"]
        axis.set_xticks(range(1, len(convs) + 2), names, fontsize=10)
        axis.set(yticks=[], ylim=(-0.4, 1.4))
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        title = name_without(gone)
        axis.set_title(title, fontsize=11, loc="left", pad=2)
        mixing = [names[n - 1] for n in kept if n in both]
        told.append(f"{title}: {' and '.join(mixing)}{' alone' if len(mixing) == 1 else ''}")
    figure.tight_layout()
    return Picture(
        figure,
        f"Two towers from conv1 to fc6; orange lines cross from one to the other. Layers that read both: "
        f"{'; '.join(told)}.",
    )


@validated
def errors_by_seed(errors: dict[str, Sequence[Fraction]]) -> Picture:
    """Errors of some nets, a dot for each seed and a line that joins the dots of one seed."""
    require_same_length(
        {f"errors[{name!r}]": seeds for name, seeds in errors.items()}, "a line joins a seed's dots"
    )
    table = 100 * np.array(list(errors.values()))  # (nets, seeds)
    places = np.arange(len(table))
    figure, axis = subplots(figsize=(NARROW, 3.3))
    axis.plot(places, table, color=GRAY, lw=0.8, zorder=1)
    axis.plot(places, table, "o", color=BLUE, ms=6)
    axis.hlines(table.mean(axis=1), places - 0.18, places + 0.18, color=ORANGE, lw=3, zorder=3)
    axis.text(places[-1] + 0.22, table[-1].mean(), "mean", color=ORANGE, fontsize=11, va="center")
    axis.set_xticks(places, errors, fontsize=10)
    axis.set_xlim(-0.4, len(table) - 0.35)
    axis.set_ylabel("test error, %", fontsize=11)
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    # In words and not in numbers, so that they are the same on machines that round otherwise.
    farther = np.ptp(table, axis=1).min() > np.ptp(table.mean(axis=1))
    return Picture(
        figure,
        f"Test errors of {len(table)} nets, a dot for each of {table.shape[1]} seeds. The seeds of one "
        f"net lie {'farther' if farther else 'no farther'} apart than the means of the nets.",
    )
