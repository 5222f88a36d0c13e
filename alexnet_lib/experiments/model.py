"""What an experiment is: a question, its arms, the number that answers it, and the rule for the verdict.

All of it is written down before the first run. The questions themselves are in `questions`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from ..guard import Count, Index, Positive, require_choice, validate_fields, validated
from ..learning import TrainConfig
from ..paper import CLAIMS
from ..records import Record

SEARCH_SEED = 1_000_000  # rates are chosen on a seed that no measured run has
POINTS = "points"


@dataclass(frozen=True)
class Value:
    """A result of the run by its name, or the last value of the curve of that name; None for no number."""

    name: str
    unit: str = POINTS

    def of(self, run: Record) -> float | None:
        found = run.results.get(self.name, (run.curves.get(self.name) or [math.nan])[-1])
        return found if math.isfinite(found) else None

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Gap:
    """By how much one value of the run lies above another."""

    upper: Value
    lower: Value
    unit: str = POINTS

    def of(self, run: Record) -> float | None:
        upper, lower = self.upper.of(run), self.lower.of(run)
        return None if upper is None or lower is None else upper - lower

    def __str__(self) -> str:
        return f"{self.upper} minus {self.lower}"


@dataclass(frozen=True)
class Crossing:
    """Epochs until a curve first comes down to a level; None for a run that does not.

    The value of a curve of the training pass is a mean over its epoch, so it stands at the middle of the
    epoch, and between two middles the curve is a straight line. One that is measured after the epoch is read
    in the same way, half an epoch too early in every arm. A first epoch at or below the level counts as half.
    """

    curve: str
    level: float
    unit: str = "epochs"

    def of(self, run: Record) -> float | None:
        epoch = run.first_below(self.curve, self.level) if self.curve in run.curves else None
        if epoch is None or epoch == 1:
            return epoch and 0.5
        above, below = run.curves[self.curve][epoch - 2 : epoch]
        return epoch - 1.5 + (above - self.level) / (above - below)

    def longer_than(self, run: Record) -> int | None:
        """The epochs of a run that ended above the level: it takes more than those."""
        return len(run.curves[self.curve]) if self.curve in run.curves and self.of(run) is None else None

    def __str__(self) -> str:
        level = f"{100 * self.level:g} %" if "error" in self.curve else f"{self.level:g}"
        return f"epochs to {level} {self.curve}"


Measure = Value | Gap | Crossing


@dataclass(frozen=True)
class Arm:
    """What one side of a comparison changes in the experiment's config.

    rates: the grid that its learning rate is chosen from. rate_of: the arm whose chosen rate this one takes
    over. Without either the rate is that of the config. nets: how many nets a measured run trains, whose
    predictions are averaged (§6); a run that tries a rate trains one.
    """

    changes: Mapping[str, object]
    rates: tuple[Positive, ...] = ()
    rate_of: str | None = None
    nets: Count = 1

    def __post_init__(self):
        validate_fields(self)
        object.__setattr__(self, "changes", MappingProxyType(dict(self.changes)))


@dataclass(frozen=True)
class Comparison:
    """Two arms, the number that is compared, and what the paper says of it.

    claim: a name in paper.CLAIMS, or None for a question of ours. The effect is what `arm` saves against
    `against`: the number of `against` minus that of `arm`, in pairs of the same seed, or, for kind "ratio",
    the one divided by the other. printed: the paper's effect, None where it prints no number. other: the
    number taken of `against`, where it is not `measure` too.
    """

    claim: str | None
    arm: str
    against: str
    measure: Measure
    kind: Literal["difference", "ratio"] = "difference"
    printed: float | None = None
    other: Measure | None = None

    def __post_init__(self):
        validate_fields(self)
        if self.kind == "ratio" and self.printed is not None and self.printed <= 0:
            raise ValueError(f"printed is {self.printed}, and a ratio is above 0")
        if self.claim is not None:
            require_choice("claim", self.claim, [claim.name for claim in CLAIMS])

    @property
    def null_effect(self) -> float:
        """The number that stands for no effect."""
        return 1.0 if self.kind == "ratio" else 0.0


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
        """How far the interval reaches to either side; for a ratio the factor that it reaches by."""
        return self.high / self.mean if self.kind == "ratio" else self.high - self.mean


@validated
def interval(
    pairs: Sequence[tuple[float, float]], kind: Literal["difference", "ratio"] = "difference"
) -> Interval:
    """The mean effect of pairs (with, without) and its 95 % interval, by Student's t.

        d_i = without_i - with_i        mean +- t(n - 1) * s / sqrt(n)

    s is the standard deviation of the n differences, with n - 1 below the fraction bar. For a "ratio" d_i is
    the logarithm of without_i / with_i, and mean and ends are raised back: the mean is the geometric one.
    Raises ValueError for fewer than two pairs, and where a ratio has a number that is not above 0.
    """
    from scipy.stats import t  # takes a second, and only intervals need it

    if len(pairs) < 2:
        raise ValueError(f"pairs are {len(pairs)}, and one run says nothing of chance: give at least two")
    numbers = np.array(pairs, dtype=float)
    if kind == "ratio":
        if numbers.min() <= 0:
            raise ValueError("pairs hold a number that is not above 0, and a ratio has no logarithm there")
        numbers = np.log(numbers)
    effects = numbers[:, 1] - numbers[:, 0]
    mean = effects.mean()
    reach = t.ppf(0.975, len(effects) - 1) * effects.std(ddof=1) / len(effects) ** 0.5
    ends = np.array([mean, mean - reach, mean + reach])
    with np.errstate(over="ignore"):  # e to a large power is infinite, and that is what two wild pairs say
        ends = np.exp(ends) if kind == "ratio" else ends
    return Interval(*ends.tolist(), len(pairs), kind)


def verdict(comparison: Comparison, found: Interval | None) -> str:
    """An effect in words, by where its 95 % interval lies.

    cannot be asked here: there is no interval, because a run or its number is missing
    opposite: the whole interval lies on the other side of no effect
    no effect seen: the interval holds no effect
    effect: the whole interval lies on the claimed side, and the paper prints no number to compare with
    larger: the whole interval lies beyond the paper's number
    about as large: the interval holds the paper's number, and not no effect
    smaller, same direction: the whole interval lies between no effect and the paper's number
    """
    if found is None:
        return "cannot be asked here"
    if found.low <= comparison.null_effect:
        return "opposite" if found.high < comparison.null_effect else "no effect seen"
    if comparison.printed is None:
        return "effect"
    if found.low > comparison.printed:
        return "larger"
    return "about as large" if found.high >= comparison.printed else "smaller, same direction"


@dataclass(frozen=True)
class Experiment:
    """A question to be answered by runs: one config for all, but for what an arm changes and the seed.

    criterion: what the rates of the grids are chosen by; the lowest wins. It reads the training set and what
    is held out of it, never the test set. colors: each run also counts the colors of its first kernels
    (§6.1). average: an arm whose nets of all seeds are averaged too, once they are there (§6).
    """

    name: str
    question: str
    setting: TrainConfig
    arms: Mapping[str, Arm]
    comparisons: tuple[Comparison, ...]
    criterion: Measure = Value("validation error")
    seeds: Count = 5
    colors: bool = False
    average: str | None = None

    def __post_init__(self):
        validate_fields(self)
        object.__setattr__(self, "arms", MappingProxyType(dict(self.arms)))
        if self.seeds < 2:
            raise ValueError(f"seeds is {self.seeds}, and must be at least 2: an interval needs two pairs")
        for name, arm in self.arms.items():
            config = replace(self.setting, **arm.changes)  # refuses what is no config
            owner = name if arm.rate_of is None else require_choice("rate_of", arm.rate_of, self.arms)
            if arm.rate_of is not None and (arm.rates or not self.arms[owner].rates):
                raise ValueError(
                    f"rate_of is {arm.rate_of!r} in arm {name!r}: name an arm with a grid, and give no rates"
                )
            if arm.nets > 1 and (config.stop_at_error is not None or self.colors):
                raise ValueError(
                    f"nets is {arm.nets} in arm {name!r}: nets are averaged that have run equally long, and "
                    f"their kernels are not; leave out stop_at_error and colors"
                )
        named = [arm for each in self.comparisons for arm in (each.arm, each.against)]
        for name in named + [self.average] * (self.average is not None):
            require_choice("arm", name, self.arms)

    @property
    def runs(self) -> int:
        """How many runs it wants: those that try rates, and those that measure."""
        return sum(len(arm.rates) + self.seeds for arm in self.arms.values())

    def config(self, arm: str, seed: int, rate: float | None = None) -> TrainConfig:
        """The config of one run; `rate` None keeps the rate of the arm."""
        config = replace(self.setting, **self.arms[require_choice("arm", arm, self.arms)].changes, seed=seed)
        return config if rate is None else replace(config, lr=rate)

    def search_config(self, arm: str, rate: float) -> TrainConfig:
        """The config of the run that tries one rate of the arm's grid."""
        return self.config(arm, SEARCH_SEED, rate)


@validated
def run_label(arm: str, seed: Index) -> str:
    """What a measured run is called on record."""
    return f"{arm}-seed{seed}"


def search_label(arm: str, rate: float) -> str:
    """What a run that tries a rate is called on record."""
    return f"{arm}-rate-search-{rate:g}"
