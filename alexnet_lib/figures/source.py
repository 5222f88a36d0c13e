"""Figures of paper against source 2012: the first weights' spread, and the rates of run 145."""

from collections.abc import Sequence

from ..guard import Positive, require_same_names, validated
from ..learning import RateGroup
from ..paper import LEARNING
from .picture import BLUE, GRAY, GREEN, NARROW, ORANGE, Drawn, Picture, styled, subplots


@validated
def spread_by_layer(arms: dict[str, dict[str, Positive]]) -> Picture:
    """How far the outputs of each layer lie apart from picture to picture; arms: name -> layer -> spread.

    The scale is in powers of ten; a line is named at its last layer.
    """
    if len(require_same_names("arms", arms, "all have the layers of one net")) < 2:
        raise ValueError("arms have one layer, and must have at least two: a line goes from layer to layer")
    figure, axis = subplots(figsize=(NARROW, 3.8))
    told = []
    for (name, spreads), (color, style) in styled("arms", arms, ((BLUE, "o-"), (ORANGE, "s--"))):
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
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    return Picture(
        figure, f"Spread of each layer's output between pictures, from layer to layer. {'; '.join(told)}."
    )


@validated
def rates_by_epoch(groups: dict[str, RateGroup], rate: Positive = LEARNING.lr, epochs: Drawn = 91) -> Picture:
    """The learning rate of each group of parameters over a run, as steps in powers of ten (§5).

    A group whose rate becomes 0 ends with a cross: its parameters stand still from there on.
    """
    figure, axis = subplots(figsize=(NARROW, 3.9))
    looks = ((BLUE, "-"), (ORANGE, "--"), (GREEN, ":"), (GRAY, "-."))
    told = []
    for (name, group), (color, style) in styled("groups", groups, looks):
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
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    return Picture(figure, f"Learning rates by epoch, in steps. {'; '.join(told)}.")


def _moving(rates: Sequence[float]) -> Sequence[float]:
    """The rates up to the epoch at which they become 0."""
    return rates[: rates.index(0.0)] if 0.0 in rates else rates
