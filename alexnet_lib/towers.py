"""How kernel maps are split over two towers, and what crosses between them (§3.2)."""

import copy

from torch import nn

from .guard import require_count, require_flag

TOWERS = 2  # one for each GTX 580 of 3 GB


def require_even_share(name: str, maps: int, towers: int = TOWERS, what: str = "kernel maps") -> int:
    """The maps of one tower. ValueError where `maps` cannot be shared equally; `what` says what they are."""
    maps = require_count(name, maps, f"it counts {what}")
    towers = require_count("towers", towers, "§3.2 has 2, a net on one GPU has 1")
    if maps % towers:
        raise ValueError(
            f"{name} has {maps} {what}, and {towers} towers need a multiple of {towers}: §3.2 puts "
            f"an equal share of the kernels on each GPU. Use {maps + towers - maps % towers}, or towers=1"
        )
    return maps // towers


def maps_of(tower: int, maps: int, towers: int = TOWERS) -> range:
    """Which of `maps` kernel maps live on `tower`, counted from 0: of 96, tower 1 holds 48 to 95."""
    share = require_even_share("maps", maps, towers)
    if require_count("tower", tower, "towers are counted from 0", ge=0) >= towers:
        raise ValueError(f"tower is {tower}, and there are {towers}: use 0 to {towers - 1}")
    return range(tower * share, (tower + 1) * share)


def maps_read(tower: int, maps: int, *, own_only: bool, towers: int = TOWERS) -> range:
    """Which of the `maps` below a layer its kernels on `tower` read.

    conv2, conv4 and conv5 read their own tower's (`own_only`), conv3 and the fully-connected layers all.
    """
    require_flag("own_only", own_only, "kernels read their own tower's maps, or all (§3.2)")
    own = maps_of(tower, maps, towers)
    return own if own_only else range(maps)


def crossing_numbers(maps: int, height: int, width: int, towers: int = TOWERS) -> int:
    """Numbers that cross between towers, for one image, before a layer that reads all `maps`.

    Every tower needs each map that it does not hold: with two towers each map crosses once.
    """
    require_even_share("maps", maps, towers)
    require_count("height", height, "it is a side of a map in pixels")
    require_count("width", width, "it is a side of a map in pixels")
    return maps * height * width * (towers - 1)


def separate(conv: nn.Conv2d) -> nn.ModuleList:
    """The towers of a grouped convolution as separate ones, with copies of its weights.

    Tower i reads maps_of(i, conv.in_channels) and makes maps_of(i, conv.out_channels); concatenated,
    their outputs are the grouped convolution's.
    """
    if not isinstance(conv, nn.Conv2d):
        raise TypeError(f"conv is {type(conv).__name__}, and only convolutions are split over towers (§3.2)")
    if conv.groups == 1:
        raise ValueError("conv has groups=1: its kernels read all maps, so there are no towers to separate")
    parts = []
    for tower in range(conv.groups):
        part = copy.deepcopy(conv)
        kept = list(maps_of(tower, conv.out_channels, conv.groups))
        part.weight = nn.Parameter(conv.weight.detach()[kept].clone())
        if conv.bias is not None:
            part.bias = nn.Parameter(conv.bias.detach()[kept].clone())
        part.in_channels //= conv.groups
        part.out_channels, part.groups = len(kept), 1
        parts.append(part)
    return nn.ModuleList(parts)
