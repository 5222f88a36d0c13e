"""A bad argument is refused by its name, its value, the rule, and the way out.

`@validated` enforces what a signature says, such as `n: Count`; the `require_*` functions do it in a body.
"""

import difflib
import functools
import inspect
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import numpy as np
import torch
from torch import Tensor

MOST = 2**63 - 1  # torch counts no further
# What torch and others call an argument that has the paper's letter here.
OTHER_NAMES = {
    "size": "n",
    "kernel_size": "z n size",
    "stride": "s",
    "num_classes": "classes",
    "learning_rate": "lr",
    "rate": "lr p",
    "std": "sigma",
}


class Bounds(NamedTuple):
    """What an annotation says of a number besides its type. nan: it may also be nan or infinite."""

    ge: float = -1e30  # the axes of a figure overflow beyond 1e300, and nobody measures more than 1e30
    le: float = 1e30
    nan: bool = False


Index = Annotated[int, Bounds(ge=0)]
Count = Annotated[int, Bounds(ge=1)]
Fraction = Annotated[float, Bounds(ge=0.0, le=1.0)]
Positive = Annotated[float, Bounds(ge=1e-30)]
NonNegative = Annotated[float, Bounds(ge=0.0)]
AnyFloat = Annotated[float, Bounds(nan=True)]  # a measured number, of a run that may have diverged


def validated(target: Callable) -> Callable:
    """A function or dataclass that refuses arguments which are not what its annotations say.

    Also nan, infinity and, for a function, empty collections. An unknown name hears the nearest known one.
    """
    if isinstance(target, type):
        target.__init__ = _checking(target.__init__, target.__name__, empty=True)
        return target
    return _checking(target, target.__qualname__.removesuffix(".__init__"))


def _checking(function: Callable, title: str, empty: bool = False) -> Callable:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def checking(*given: object, **named: object) -> object:
        for name in named.keys() - signature.parameters:
            ours = [other for other in OTHER_NAMES.get(name, "").split() if other in signature.parameters]
            known = _hint((ours or [name])[0], [known for known in signature.parameters if known != "self"])
            raise TypeError(f"{title} has no argument {name!r}; {known}")
        kinds = get_type_hints(function, include_extras=True)  # now, since a name may be defined later
        try:
            bound = signature.bind(*given, **named)
        except TypeError as error:
            names = str(
                signature.replace(
                    parameters=[
                        known.replace(annotation=known.empty)
                        for known in signature.parameters.values()
                        if known.name != "self"
                    ],
                    return_annotation=signature.empty,
                )
            )
            raise TypeError(f"{title} has {error}: it takes {names}") from None
        for name, value in bound.arguments.items():
            require_kind(name, value, kinds.get(name, object), empty=empty)
        return function(*given, **named)

    return checking


def validate_fields(record: object) -> None:
    """Refuse a dataclass whose fields are not what their annotations say; collections may be empty."""
    for name, kind in get_type_hints(type(record), include_extras=True).items():
        require_kind(name, getattr(record, name), kind, empty=True)


def require_kind(name: str, value: object, kind: object, why: str = "", *, empty: bool = False) -> object:
    """Return `value` if it is what an annotation says, such as `dict[str, tuple[Fraction, Fraction]]`.

    The error names the part that is wrong: "errors['a'][1] is nan, and must be finite: errors is dict[...".
    """
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (UnionType, Union) and (fitting := [part for part in parts if _is(value, part)]):
        return require_kind(name, value, fitting[0], why, empty=empty)
    if origin is Literal:
        return require_choice(name, value, parts)
    if origin is Annotated or kind in (int, float):
        number, bounds = parts or (kind, Bounds())
        if bounds.nan and isinstance(value, Real) and not math.isfinite(value):
            return value
        return (require_count if number is int else require_number)(
            name, value, why, ge=bounds.ge, le=bounds.le
        )
    if not _is(value, kind):
        _refuse(TypeError, name, value, "True or False" if kind is bool else _words(kind), why)
    if isinstance(value, Mapping | Sequence) and parts:
        why, fixed = why or f"{name} is {_words(kind)}", origin is tuple and parts[-1] is not ...
        if fixed and len(value) != len(parts):
            _refuse(ValueError, name, value, f"{len(parts)} parts", why)
        if not value and not empty:
            _refuse(ValueError, name, value, "at least one part", why)
        for n, part in value.items() if isinstance(value, Mapping) else enumerate(value):
            if isinstance(value, Mapping):
                require_kind(f"a key of {name}", n, parts[0], why)
            inner = parts[n] if fixed else parts[isinstance(value, Mapping)]
            require_kind(f"{name}[{n!r}]", part, inner, why, empty=empty)
    return value


def _is(value: object, kind: object) -> bool:
    """Whether a value is of a kind by its type alone, bounds and parts left aside."""
    origin = get_origin(kind)
    base = get_args(kind)[0] if origin is Annotated else origin or kind
    if base in (int, float):
        return isinstance(value, Integral if base is int else Real) and not isinstance(value, bool)
    if origin in (Literal, UnionType, Union):
        return any(value == part if origin is Literal else _is(value, part) for part in get_args(kind))
    return isinstance(value, bool | np.bool_ if base is bool else base) and not (
        origin and isinstance(value, str | bytes)  # a sequence of one part
    )


def _words(kind: object) -> str:
    """An annotation in words: dict[str, tuple[float, float]]."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Annotated, UnionType, Union):
        return " or ".join(map(_words, parts[:1] if origin is Annotated else parts))
    if kind in (NoneType, ...) or origin is Callable:
        return {NoneType: "None", ...: "..."}.get(kind, "a function")
    return f"{origin.__name__}[{', '.join(map(_words, parts))}]" if origin else kind.__name__


def _refuse(error: type[Exception], name: str, value: object, rule: str, why: str) -> None:
    shown = repr(value) if len(repr(value)) < 80 else f"of type {type(value).__name__}"
    raise error(f"{name} is {shown}, and must be {rule}" + (f": {why}" if why else ""))


def _hint(value: object, choices: list[str]) -> str:
    near = difflib.get_close_matches(str(value), choices, n=1)
    return (f"did you mean {near[0]!r}? " if near else "") + f"choose from {', '.join(choices)}"


def require_count(name: str, value: object, why: str = "", *, ge: int = 1, le: int = MOST) -> int:
    """Return `value` if it is a whole number in the bounds; `why` says what it counts and what works."""
    if not _is(value, int):
        _refuse(TypeError, name, value, "a whole number", why)
    le = int(min(le, MOST))
    if not ge <= value <= le:
        _refuse(ValueError, name, int(value), f"at least {ge:.0f}" if value < ge else f"at most {le}", why)
    return int(value)


def require_number(
    name: str, value: object, why: str = "", *, gt=-math.inf, ge=-math.inf, le=math.inf
) -> float:
    """Return `value` as a float if it is finite and inside the bounds; `why` says what works."""
    if not _is(value, float):
        _refuse(TypeError, name, value, "a number", why)
    if not math.isfinite(value):
        _refuse(ValueError, name, float(value), "finite", why)
    if value <= gt:
        _refuse(ValueError, name, value, f"above {gt:g}", why)
    if not ge <= value <= le:
        _refuse(ValueError, name, value, f"at least {ge:g}" if le > 1e29 else f"from {ge:g} to {le:g}", why)
    return float(value)


def require_choice(name: str, value: object, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`; the error lists them and names the nearest."""
    choices = list(choices)
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} is {value!r}, which is none of the known ones; {_hint(value, choices)}")
    return value


def require_path(name: str, value: object, why: str) -> Path:
    """Return `value` as a path. An empty text is refused: it would name the current folder by accident."""
    path = os.fspath(require_kind(name, value, str | os.PathLike, why))
    if not path or "\0" in path:
        _refuse(ValueError, name, value, "the name of a file or folder", why)
    return Path(path).expanduser()


def require_tensor(name: str, value: object, form: str, why: str, *, finite: bool = False) -> Tensor:
    """Return `value` if it is a tensor of real numbers in `form`, such as "(N, 3, H, W) or (3, H, W)".

    A letter stands for any size, and "..." for any further sides. finite: refuse nan and infinity.
    """
    if not isinstance(value, Tensor) or value.is_complex() or value.dtype == torch.bool or value.is_sparse:
        kind = f"{value.dtype}, {value.layout}" if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"{name} is {kind}, and must be a tensor of numbers {form}: {why}")
    sides = re.sub(r"[()]", "", form).replace(" or ", "|")
    sides = re.sub(r"[A-Za-z]+", r"\\d+", sides).replace(", ...", r"(, \d+)*").replace("..., ", r"(\d+, )*")
    if not re.fullmatch(sides, ", ".join(map(str, value.shape))):
        raise ValueError(f"{name} has shape {tuple(value.shape)}, and must be {form}: {why}")
    if finite and not value.isfinite().all():
        raise ValueError(f"{name} holds nan or infinite numbers, and must be finite: {why}")
    return value
