"""How the library refuses a bad argument: its name, its value, the rule, and the way out."""

import collections.abc
import difflib
import functools
import inspect
import math
import os
import types
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Annotated, Union, get_args, get_origin, get_type_hints

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


@dataclass(frozen=True)
class Bounds:
    """What an annotation says of a number besides its type. nan: it may also be no number, or infinite."""

    least: float = -1e30  # the axes of a figure overflow beyond 1e300, and nobody measures more than 1e30
    most: float = 1e30
    nan: bool = False


Index = Annotated[int, Bounds(least=0)]
Count = Annotated[int, Bounds(least=1)]
Share = Annotated[float, Bounds(least=0.0, most=1.0)]
Fraction = Share
NonNegative = Annotated[float, Bounds(least=0.0)]
Positive = Annotated[float, Bounds(least=1e-30)]
Reading = Annotated[float, Bounds(nan=True)]  # of a run, which may leave the numbers


def validated(function: Callable) -> Callable:
    """A function that refuses what its annotations do not say; and nan, infinity and empty collections."""

    @functools.wraps(function)
    def checking(*given: object, **named: object) -> object:
        kinds = get_type_hints(function, include_extras=True)
        for name, value in inspect.signature(function).bind(*given, **named).arguments.items():
            if name in kinds:
                require_kind(name, value, kinds[name])
        return function(*given, **named)

    return checking


def validate_fields(record: object) -> None:
    """Refuse a dataclass whose fields are not what their annotations say; collections may be empty."""
    for name, kind in get_type_hints(type(record), include_extras=True).items():
        require_kind(name, getattr(record, name), kind, empty=True)


def require_kind(name: str, value: object, kind: object, why: str = "", *, empty: bool = False) -> None:
    """Refuse a value that is not what an annotation says, such as `dict[str, tuple[Share, Share]]`.

    The error names the part that is wrong: "errors['a'][1] is nan, and must be finite: ...".
    """
    origin, parts = get_origin(kind), get_args(kind)
    why = why or f"the whole is {_words(kind)}"
    if origin in (types.UnionType, Union):
        _require_one_of(name, value, parts, why, empty)
    elif origin is Annotated or kind in (int, float):
        _require_bounds(name, value, *(parts if parts else (kind, Bounds())), why)
    elif kind is bool:
        require_flag(name, value, why)
    elif not isinstance(value, origin or kind) or (origin and isinstance(value, str | bytes)):  # of one part
        raise TypeError(f"{name} is {_shown(value)}, and must be {_words(kind)}: {why}")
    elif isinstance(value, Mapping) and parts:
        _require_some(name, value, why, empty)
        for key, part in value.items():
            require_kind(f"a key of {name}", key, parts[0], why)
            require_kind(f"{name}[{key!r}]", part, parts[1], why, empty=empty)
    elif isinstance(value, Sequence) and parts:
        fixed = origin is tuple and parts[-1] is not Ellipsis
        if fixed and len(value) != len(parts):
            raise ValueError(f"{name} is {_shown(value)}, and must have {len(parts)} parts: {why}")
        _require_some(name, value, why, empty)
        for place, part in enumerate(value):
            require_kind(f"{name}[{place}]", part, parts[place if fixed else 0], why, empty=empty)


def _require_one_of(name: str, value: object, kinds: tuple, why: str, empty: bool) -> None:
    errors = []
    for kind in kinds:
        try:
            return require_kind(name, value, kind, why, empty=empty)
        except (TypeError, ValueError) as error:
            errors.append(error)
    raise errors[0]  # the first is the usual kind


def _require_bounds(name: str, value: object, kind: type, bounds: Bounds, why: str) -> None:
    if kind is int:
        require_count(name, value, why, least=int(max(bounds.least, -MOST)))
    if not (bounds.nan and isinstance(value, Real) and not math.isfinite(value)):
        require_number(name, value, why, least=bounds.least, most=bounds.most)


def _require_some(name: str, value: object, why: str, empty: bool) -> None:
    if not value and not empty:
        raise ValueError(f"{name} is {value!r}, and must not be empty: {why}")


def _shown(value: object) -> str:
    return repr(value) if len(repr(value)) < 80 else f"of type {type(value).__name__}"


def _words(kind: object) -> str:
    """An annotation in words: dict[str, tuple[float, float]]."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _words(parts[0])
    if origin in (types.UnionType, Union):
        return " | ".join(map(_words, parts))
    if origin is None or origin is collections.abc.Callable:
        return "..." if kind is Ellipsis else "a function" if origin else kind.__name__
    return f"{origin.__name__}[{', '.join(map(_words, parts))}]"
