"""The 95 % interval of an effect that was measured on pairs of runs (one pair for each seed)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from ..guard import Bounds, require_choice, validated


@dataclass(frozen=True)
class Interval:
    """An effect with its 95 % interval; kind: "difference", where 0 is no effect, or "ratio", where 1 is."""

    mean: float
    low: float
    high: float
    pairs: int
    kind: str

    @property
    def half_width(self) -> float:
        """How far the interval reaches to either side; for a ratio the factor that it reaches by.

        An effect smaller than this would not have been told from none.
        """
        return self.high / self.mean if self.kind == "ratio" else self.high - self.mean


@validated
def interval(pairs: Sequence[tuple[float, float]], kind: str = "difference") -> Interval:
    """The mean effect of pairs (with, without) and its 95 % interval, by Student's t.

        d_i = without_i - with_i        mean +- t(n - 1) * s / sqrt(n)

    s is the standard deviation of the n differences, with n - 1 below the fraction bar. For a "ratio" d_i is
    the logarithm of without_i / with_i, and mean and ends are raised back: the mean is the geometric one.
    Raises ValueError for fewer than two pairs, and where a ratio has a number that is not above 0.
    """
    require_choice("kind", kind, ("difference", "ratio"))
    if len(pairs) < 2:
        raise ValueError(f"pairs are {len(pairs)}, and one run says nothing of chance: give at least two")
    if kind == "ratio":
        if min(min(pair) for pair in pairs) <= 0:
            raise ValueError("pairs hold a number that is not above 0, and a ratio has no logarithm there")
        found = interval([(math.log(a), math.log(b)) for a, b in pairs])
        return Interval(*map(_raised, (found.mean, found.low, found.high)), found.pairs, "ratio")
    effects = [without - with_ for with_, without in pairs]
    n, mean = len(effects), math.fsum(effects) / len(effects)
    deviation = math.sqrt(math.fsum((effect - mean) ** 2 for effect in effects) / (n - 1))
    reach = t_quantile(n - 1) * deviation / math.sqrt(n)
    return Interval(mean, mean - reach, mean + reach, n, "difference")


def _raised(power: float) -> float:
    """e to a power, infinite where a float ends."""
    return math.exp(power) if power < 700 else math.inf


@validated
def t_quantile(
    freedom: Annotated[int, Bounds(1, 10_000)], share: Annotated[float, Bounds(0.001, 0.999)] = 0.95
) -> float:
    """How far from 0, either way, `share` of Student's t with that many degrees of freedom lies."""
    low, high = 0.0, 1.0
    while _t_share(high, freedom) < share:
        high *= 2
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _t_share(middle, freedom) < share else (low, middle)
    return high


def _t_share(t: float, freedom: int) -> float:
    """The share of Student's t between -t and t: a finite sum, since the degrees of freedom are whole."""
    angle = math.atan(t / math.sqrt(freedom))
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for power in range(2 + odd, freedom + 1, 2):
        total += term
        term *= math.cos(angle) ** 2 * (power - 1) / power
    return 2 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total
