"""How channels are split over two towers, and what crosses between them (§3.2)."""

import copy

from torch import nn

from .guard import Count, Index, validated

TOWERS = 2  # one for each GTX 580 of 3 GB


@validated
def require_even_share(name: str, channels: Count, towers: Count = TOWERS, what: str = "channels") -> int:
    """The channels of one tower; `what` says what they are. ValueError for an unequal share."""
    if channels % towers:
        raise ValueError(
            f"{name} has {channels} {what}, and {towers} towers need a multiple of {towers} (§3.2): "
            f"use {channels + towers - channels % towers}, or towers=1"
        )
    return channels // towers


@validated
def maps_of(tower: Index, maps: Count, towers: Count = TOWERS) -> range:
    """Which of `maps` channels live on `tower`, counted from 0: of 96, tower 1 holds 48 to 95."""
    if tower >= towers:
        raise ValueError(f"tower is {tower}, and there are {towers}: use 0 to {towers - 1}")
    share = require_even_share("maps", maps, towers)
    return range(tower * share, (tower + 1) * share)


def maps_read(tower: int, maps: int, *, own_only: bool, towers: int = TOWERS) -> range:
    """Which of the `maps` below a layer its kernels on `tower` read.

    conv2, conv4 and conv5 read their own tower's (`own_only`), conv3 and the fully-connected layers all.
    """
    own = maps_of(tower, maps, towers)
    return own if own_only else range(maps)


@validated
def crossing_numbers(maps: Count, height: Count, width: Count, towers: Count = TOWERS) -> int:
    """Numbers that cross between towers, for one image, before a layer that reads all `maps`.

    Every tower needs each channel that it does not hold: with two towers each crosses once.
    """
    return maps * height * width * (towers - 1)


def separate(conv: nn.Conv2d) -> nn.ModuleList:
    """The towers of a grouped convolution as convolutions of their own, with copies of its weights.

    Tower i reads maps_of(i, conv.in_channels) and makes maps_of(i, conv.out_channels); concatenated,
    their outputs are the grouped convolution's.
    """
    parts = []
    for tower in range(conv.groups):
        part, kept = copy.deepcopy(conv), list(maps_of(tower, conv.out_channels, conv.groups))
        part.weight = nn.Parameter(conv.weight.detach()[kept].clone())
        if conv.bias is not None:
            part.bias = nn.Parameter(conv.bias.detach()[kept].clone())
        part.in_channels, part.out_channels, part.groups = conv.in_channels // conv.groups, len(kept), 1
        parts.append(part)
    return nn.ModuleList(parts)
