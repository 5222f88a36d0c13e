"""What annotations say of arguments, held to: `@checked` for a function, `require_fields` in a dataclass."""

import collections.abc
import functools
import inspect
import math
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Annotated, Union, get_args, get_origin, get_type_hints

from .checks import MOST, require_count, require_flag, require_number


@dataclass(frozen=True)
class Bounds:
    """What an annotation says of a number besides its type. nan: it may also be no number, or infinite."""

    least: float = -1e30  # the axes of a figure overflow beyond 1e300, and nobody measures more than 1e30
    most: float = 1e30
    nan: bool = False


Index = Annotated[int, Bounds(least=0)]
Count = Annotated[int, Bounds(least=1)]
Share = Annotated[float, Bounds(least=0.0, most=1.0)]
Positive = Annotated[float, Bounds(least=1e-30)]
Reading = Annotated[float, Bounds(nan=True)]  # of a run, which may leave the numbers


def checked(function: Callable) -> Callable:
    """A function that refuses what its annotations do not say; and nan, infinity and empty collections."""

    @functools.wraps(function)
    def checking(*given: object, **named: object) -> object:
        kinds = get_type_hints(function, include_extras=True)
        for name, value in inspect.signature(function).bind(*given, **named).arguments.items():
            if name in kinds:
                require_kind(name, value, kinds[name])
        return function(*given, **named)

    return checking


def require_fields(record: object) -> None:
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
