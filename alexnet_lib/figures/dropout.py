"""Figures of §4.2, dropout."""

import numpy as np
from torch import Tensor

from ..guard import Count, Fraction, require_same_length, require_same_names, require_tensor, validated
from .picture import BLUE, GRAY, GREEN, NARROW, ORANGE, Picture, styled, subplots

STYLES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, ":"))


@validated
def dropout_masks(activities: Tensor, keep: Tensor, factor: Fraction = 0.5) -> Picture:
    """Activities (U,) under masks (M, U) of training, a row each, and times `factor` at test time (§4.2)."""
    require_tensor("activities", activities, "(U)", "a bar shows each unit", finite=True)
    require_tensor(
        "keep", keep, f"(M, {len(activities)})", "a mask keeps or drops each of the units", finite=True
    )
    if not keep.numel():
        raise ValueError(
            f"keep has shape {tuple(keep.shape)}, and must be at least one mask of one unit: (M, U)"
        )
    rows = [*keep.numpy(), np.full(len(activities), factor)]
    activities = activities.numpy()
    figure, axes = subplots(len(rows), 1, figsize=(NARROW, 0.85 * len(rows) + 0.3), sharey=True)
    places, told = range(len(activities)), []
    for number, (axis, row) in enumerate(zip(axes, rows, strict=True), 1):
        test = number == len(rows)
        axis.bar(places, activities, facecolor="none", edgecolor=GRAY, linestyle=":")
        axis.bar(places, activities * row, color=ORANGE if test else BLUE)
        for place in places:
            if row[place] == 0:
                axis.text(place, 0.05 * activities.max(), "0", ha="center", fontsize=10)
        name = f"test,\ntimes {factor:g}" if test else f"training,\nmask {number}"
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=11)
        axis.set(xticks=[], yticks=[])
        axis.spines[["top", "right", "left"]].set_visible(False)
        if not test:
            told.append(f"mask {number} keeps {int(row.sum())}")
    axes[-1].set_xlabel(f"{len(activities)} units", fontsize=11)
    figure.tight_layout()
    return Picture(
        figure,
        f"Bars of {len(activities)} activities. In training a unit stays whole or is zero: "
        f"{', '.join(told)}. At test time every bar stands, times {factor:g}.",
    )


@validated
def averages_against_one(halved: Tensor, arithmetic: Tensor, geometric: Tensor) -> Picture:
    """Probabilities of the one net of test time against two averages over all masked nets; one shape."""
    for name, values in (("halved", halved), ("arithmetic", arithmetic), ("geometric", geometric)):
        require_tensor(name, values, "(...)", "probabilities, compared one by one", finite=True)
        if not values.numel() or values.shape != halved.shape:
            raise ValueError(
                f"{name} has shape {tuple(values.shape)}, and must have that of halved, "
                f"{tuple(halved.shape)}, and at least one number: the figure compares one by one"
            )
    halved, arithmetic, geometric = (values.flatten() for values in (halved, arithmetic, geometric))
    figure, axis = subplots(figsize=(4.6, 4.3))
    axis.plot((0, 1), (0, 1), color=GRAY, lw=1)
    axis.plot(halved.numpy(), geometric.numpy(), "x", color=ORANGE, ms=5)
    axis.plot(halved.numpy(), arithmetic.numpy(), "o", color=BLUE, ms=4)
    axis.text(0.03, 0.93, "× geometric mean", color=ORANGE, fontsize=11)
    axis.text(0.03, 0.85, "● arithmetic mean", color=BLUE, fontsize=11)
    axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axis.set_xlabel("one net with halved outputs", fontsize=11)
    axis.set_ylabel("all masked nets, averaged", fontsize=11)
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    exact = (geometric - halved).abs().max().item() < 1e-4
    away = (arithmetic - halved).abs().max().item()
    return Picture(
        figure,
        f"{len(halved)} probabilities. The geometric mean over all masked nets "
        f"{'lies on' if exact else 'leaves'} the diagonal, where it equals the one net; the arithmetic mean "
        f"{'leaves' if away > 0.01 else 'stays on'} the diagonal.",
    )


@validated
def dropout_curves(
    steps: list[Count],
    errors: dict[str, list[Fraction]],
    losses: dict[str, list[float]],
    reached: Fraction = 0.1,
) -> Picture:
    """Training error and test loss by step, a line for each arm; `reached`: the error marked on the left."""
    require_same_names("arms of", {"errors": errors, "losses": losses}, "an arm has both")
    for name in errors:
        lines = {"steps": steps, f"errors[{name!r}]": errors[name], f"losses[{name!r}]": losses[name]}
        require_same_length(lines, "a point has a step and a value")
    figure, (left, right) = subplots(1, 2, figsize=(NARROW, 3.4))
    told = []
    for (name, error), (color, style) in styled("errors", errors, STYLES):
        left.plot(steps, [100 * value for value in error], style, color=color, lw=2)
        right.plot(steps, losses[name], style, color=color, lw=2, label=name)
        low = next((i for i, value in enumerate(error) if value <= reached), len(steps))
        said = name if low < len(steps) else f"{name} (not at all)"
        told.append((low, said, "rises" if losses[name][-1] > 1.2 * min(losses[name]) else "does not rise"))
    left.axhline(100 * reached, color=GRAY, lw=1)
    left.text(steps[-1], 100 * reached + 1, f"{100 * reached:g} %", ha="right", fontsize=10)
    left.set_title("training error, %", fontsize=11)
    right.set_title("test loss", fontsize=11)
    for axis in (left, right):
        axis.set_xlabel("step", fontsize=10)
        axis.set_ylim(bottom=0)
        axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="upper center", ncols=len(errors), frameon=False, fontsize=10)
    figure.tight_layout(rect=(0, 0, 1, 0.92))
    told.sort()  # in words and not in numbers, so that they are the same on machines that round otherwise
    first = ", then ".join(name for _, name, _ in told)
    rises = "; ".join(f"{name}: {rise}" for _, name, rise in told)
    return Picture(
        figure,
        f"Training error and test loss by step. {100 * reached:g} % training error is reached first by "
        f"{first}. The test loss after its lowest point: {rises}.",
    )


@validated
def averaged_nets(counts: list[Count], errors: list[Fraction], halved: Fraction) -> Picture:
    """Test error of averages over `counts` masked nets, and of the one net with halved outputs."""
    require_same_length({"counts": counts, "errors": errors}, "an average of so many nets has an error")
    figure, axis = subplots(figsize=(NARROW, 3.2))
    axis.plot(counts, [100 * error for error in errors], "o-", color=BLUE, lw=2)
    axis.axhline(100 * halved, color=ORANGE, lw=2, ls="--")
    axis.set_xscale("log")
    axis.set_xticks(counts, counts, fontsize=10)
    axis.minorticks_off()
    axis.set_xlabel("masked nets in the average", fontsize=11)
    axis.set_ylabel("test error, %", fontsize=11)
    low, high = 100 * min(*errors, halved), 100 * max(*errors, halved)
    room = high - low or 1.0
    axis.set_ylim(low - 0.6 * room, high + 0.2 * room)
    axis.text(counts[-1], high, "softmax outputs averaged", color=BLUE, ha="right", va="top", fontsize=11)
    below = 100 * halved - 0.08 * room  # at the left, where averages of few nets lie far above
    axis.text(counts[0], below, "one net, outputs halved", color=ORANGE, va="top", fontsize=11)
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    falls = "makes fewer errors" if errors[-1] < errors[0] else "makes no fewer errors"
    # In steps of ten points, so that the words are the same on machines that round otherwise.
    close = "close to" if abs(errors[-1] - halved) < 0.1 else "not close to"
    return Picture(
        figure,
        f"Test error of averages over {counts[0]} to {counts[-1]} masked nets. The average over "
        f"{counts[-1]} {falls} than one masked net, and comes {close} the one net with halved outputs.",
    )
