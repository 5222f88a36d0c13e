"""How the library refuses a bad argument: its name, its value, the rule, and the way out."""

import difflib
import math
from collections.abc import Iterable
from numbers import Integral, Real


def require_count(name: str, value: object, why: str, least: int = 1) -> int:
    """Return `value` if it is a whole number from `least` up; `why` says what it counts and what works."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} is {value!r}, and must be a whole number: {why}")
    if value < least:
        raise ValueError(f"{name} is {value}, and must be at least {least}: {why}")
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
    if value in choices:
        return value
    near = difflib.get_close_matches(str(value), choices, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(
        f"{name} is {value!r}, which is none of the known ones; {hint}choose from {', '.join(choices)}"
    )
