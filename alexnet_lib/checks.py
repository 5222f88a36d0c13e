"""How the library refuses a bad argument: its name, its value, the rule, and the way out."""

import difflib
import math
import os
from collections.abc import Iterable, Mapping, Sized
from numbers import Integral, Real
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

MOST = 2**63 - 1  # torch counts no further


def require_count(name: str, value: object, why: str, least: int = 1, most: int = MOST) -> int:
    """Return `value` if it is a whole number in the bounds; `why` says what it counts and what works."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} is {value!r}, and must be a whole number: {why}")
    if value < least:
        raise ValueError(f"{name} is {value}, and must be at least {least}: {why}")
    if value > most:
        told = value if value <= MOST else f"{value:.0e}"
        raise ValueError(f"{name} is {told}, and must be at most {most}: {why}")
    return int(value)


def require_number(
    name: str,
    value: object,
    why: str,
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    most: float = math.inf,
) -> float:
    """Return `value` as a float if it is finite and inside the bounds; `why` says what works."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}, and must be a number: {why}")
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}, and must be finite: {why}")
    if value <= above:
        raise ValueError(f"{name} is {value}, and must be above {above:g}: {why}")
    if not least <= value <= most:
        bounds = f"at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
        raise ValueError(f"{name} is {value}, and must be {bounds}: {why}")
    return float(value)


def require_choice(name: str, value: object, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`; the error lists them and names the nearest."""
    choices = list(choices)
    if isinstance(value, str) and value in choices:
        return value
    near = difflib.get_close_matches(str(value), choices, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(
        f"{name} is {value!r}, which is none of the known ones; {hint}choose from {', '.join(choices)}"
    )


def require_flag(name: str, value: object, why: str) -> bool:
    """Return `value` if it is True or False; the text "false", which counts as true elsewhere, is refused."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise TypeError(f"{name} is {value!r}, and must be True or False: {why}")


def require_same_length(parts: Mapping[str, Sized], why: str) -> int:
    """Return the length that all `parts` have, by name."""
    lengths = {name: len(part) for name, part in parts.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ValueError(f"{told} parts, and all must have as many: {why}")
    return next(iter(lengths.values()))


def require_same_names(name: str, parts: Mapping[str, Iterable[str]], why: str) -> list[str]:
    """Return the names that each of `parts` holds, which are the same, in the same order."""
    first = list(next(iter(parts.values())))
    for part, names in parts.items():
        if list(names) != first:
            raise ValueError(
                f"{name}[{part!r}] holds {', '.join(names)}, and must hold {', '.join(first)}: {why}"
            )
    return first


def require_path(name: str, value: object, why: str) -> Path:
    """Return `value` as a path. An empty text is refused: it would name the current folder by accident."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} is {value!r}, and must be a path: {why}")
    text = os.fspath(value)
    if not text or "\0" in text:
        raise ValueError(f"{name} is {text!r}, which names no file or folder: {why}")
    return Path(text).expanduser()


def require_net(name: str, value: object) -> nn.Module:
    """Return `value` if it is a net or a layer of one."""
    if not isinstance(value, nn.Module):
        raise TypeError(f"{name} is {value!r}, and must be a net or a layer: pass an nn.Module")
    return value


def require_tensor(name: str, value: object, form: str, why: str, *, finite: bool = False) -> Tensor:
    """Return `value` if it is a tensor of real numbers in `form`, such as "(N, 3, H, W) or (3, H, W)".

    A letter stands for any size, and "..." for any further sides. finite: refuse nan and infinity.
    """
    if not isinstance(value, Tensor) or value.is_complex() or value.dtype == torch.bool or value.is_sparse:
        kind = f"{value.dtype}, {value.layout}" if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"{name} is {kind}, and must be a tensor of numbers {form}: {why}")
    if not any(_has_form(value, one) for one in form.split(" or ")):
        raise ValueError(f"{name} has shape {tuple(value.shape)}, and must be {form}: {why}")
    if finite and not value.isfinite().all():
        raise ValueError(f"{name} holds nan or infinite numbers, and must be finite: {why}")
    return value


def _has_form(value: Tensor, form: str) -> bool:
    sides = form.strip("()").split(", ")
    if "..." in sides:
        place = sides.index("...")
        sides[place : place + 1] = ["any"] * (value.dim() - len(sides) + 1)
    return len(sides) == value.dim() and all(
        int(side) == size for side, size in zip(sides, value.shape, strict=True) if side.isdigit()
    )
