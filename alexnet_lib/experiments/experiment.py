"""What an experiment is: a question, its arms, the number that answers it, and the rule for the verdict.

All of it is written down before the first run. The questions themselves are in `questions`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from ..guard import (
    Count,
    Index,
    Positive,
    require_choice,
    require_count,
    require_kind,
    require_number,
    validate_fields,
    validated,
)
from ..learning import TrainConfig
from ..paper import CLAIMS
from ..records import Record

SEARCH_SEED = 1_000_000  # rates are chosen on a seed that no measured run has
POINTS = "points"
TOWER_GAP = "tower color gap"  # a result of runs whose experiment compares it; and what chance makes of it
RANDOM_GAP = "tower color gap, random split"


@dataclass(frozen=True)
class Value:
    """A result of the run by its name, or the last value of the curve of that name; None for no number."""

    name: str
    unit: str = POINTS

    def __post_init__(self):
        validate_fields(self)

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

    def __post_init__(self):
        validate_fields(self)

    def of(self, run: Record) -> float | None:
        upper, lower = self.upper.of(run), self.lower.of(run)
        return None if upper is None or lower is None else upper - lower

    def __str__(self) -> str:
        return f"{self.upper} minus {self.lower}"


@dataclass(frozen=True)
class Crossing:
    """Epochs until a curve first comes down to a level; None for a run that does not.

    A curve's value is the mean over an epoch, so it stands at the middle of the epoch, and between two
    middles the curve is a straight line. A first epoch at or below the level counts as half an epoch.
    """

    curve: str
    level: float
    unit: str = "epochs"

    def __post_init__(self):
        validate_fields(self)

    def of(self, run: Record) -> float | None:
        epoch = run.first_below(self.curve, self.level) if self.curve in run.curves else None
        if epoch is None or epoch == 1:
            return epoch and 0.5
        above, below = run.curves[self.curve][epoch - 2 : epoch]
        return epoch - 1.5 + (above - self.level) / (above - below)

    def __str__(self) -> str:
        level = f"{100 * self.level:g} %" if "error" in self.curve else f"{self.level:g}"
        return f"epochs to {level} {self.curve}"


Measure = Value | Gap | Crossing


@dataclass(frozen=True)
class Arm:
    """What one side of a comparison changes in the experiment's config.

    rates: the grid that its learning rate is chosen from; none keeps the rate of its config. rate_of: the arm
    whose chosen rate this one takes over. nets: how many nets a measured run trains, whose predictions are
    averaged (§6); a run that tries a rate trains one.
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
    """Two arms, the number that is compared, and the rule for the verdict.

    claim: a name in paper.CLAIMS, or None for a question of ours. The effect is what `arm` saves against
    `against`: the number of `against` minus that of `arm`, in pairs of the same seed, or, for kind "ratio",
    the one divided by the other. printed: the paper's effect, None where it prints no number. other: the
    number taken of `against`, where it is not `measure` too.
    """

    claim: str | None
    arm: str
    against: str
    measure: Measure
    kind: str = "difference"
    printed: float | None = None
    other: Measure | None = None

    def __post_init__(self):
        validate_fields(self)
        if self.kind == "ratio" and self.printed is not None:
            require_number("printed", self.printed, "one number divided by another", gt=0.0)
        require_choice("kind", self.kind, ("difference", "ratio"))
        if self.claim is not None:
            require_choice("claim", self.claim, [claim.name for claim in CLAIMS])

    @property
    def none(self) -> float:
        """The effect that is none."""
        return 1.0 if self.kind == "ratio" else 0.0

    @property
    def enough(self) -> float:
        """The effect above which a claim is reproduced: half of the printed one, of a ratio its root."""
        if self.printed is None:
            return self.none
        return self.printed**0.5 if self.kind == "ratio" else self.printed / 2

    @property
    def least(self) -> str:
        """`enough` in words."""
        if self.printed is None:
            return "no effect"
        return f"{self.enough:.2f}" if self.kind == "ratio" else f"{100 * self.enough:g} points"

    @property
    def rule(self) -> str:
        """The verdict rule in words, as `verdict` follows it."""
        if self.claim is None:
            told = "effect: the whole 95 % interval above none; opposite effect: below; else no effect shown"
        else:
            told = (
                f"reproduced: the whole 95 % interval is above {self.least}; same sign: above no effect; "
                "contradicted: below no effect; else not at this scale"
            )
        return f"{told}; not measured: a run is missing, or lacks the number"


@dataclass(frozen=True)
class Experiment:
    """A question to be answered by runs: one config for all, but for what an arm changes and the seed.

    criterion: what the rates of the grids are chosen by; the lowest wins. It reads the training set and what
    is held out of it, never the test set.
    """

    name: str
    question: str
    setting: TrainConfig
    arms: Mapping[str, Arm]
    comparisons: tuple[Comparison, ...]
    criterion: Measure = Value("validation error")
    seeds: int = 5

    def __post_init__(self):
        validate_fields(self)
        require_kind("arms", self.arms, Mapping[str, Arm])  # at least one
        object.__setattr__(self, "arms", MappingProxyType(dict(self.arms)))
        require_count("seeds", self.seeds, "an interval needs two runs an arm, and we want five", ge=2)
        for name, arm in self.arms.items():
            replace(self.setting, **arm.changes)  # refuses what is no config
            if arm.rate_of is not None:
                require_choice("rate_of", arm.rate_of, self.arms)
            if arm.rate_of is not None and (arm.rates or not self.arms[arm.rate_of].rates):
                raise ValueError(
                    f"rate_of is {arm.rate_of!r} in arm {name!r}: name an arm with a grid, and give no rates"
                )
            if arm.nets > 1 and (self.config(name, 0).stop_at_error is not None or self.compares_colors):
                raise ValueError(
                    f"nets is {arm.nets} in arm {name!r}: nets are averaged that have run equally long, and "
                    f"their kernels are not; leave out stop_at_error and any comparison of {TOWER_GAP}s"
                )
        for comparison in self.comparisons:
            for name in (comparison.arm, comparison.against):
                require_choice("arm", name, self.arms)

    @property
    def runs(self) -> int:
        """How many runs it wants: those that try rates, and those that measure."""
        return sum(len(arm.rates) + self.seeds for arm in self.arms.values())

    def config(self, arm: str, seed: int, rate: float | None = None) -> TrainConfig:
        """The config of one run; `rate` None keeps the rate of the arm."""
        require_choice("arm", arm, self.arms)
        config = replace(self.setting, **self.arms[arm].changes, seed=seed)
        return config if rate is None else replace(config, lr=rate)

    @property
    def compares_colors(self) -> bool:
        """Whether a comparison is of the colors of the first layer's kernels (§6.1)."""
        return any(str(comparison.measure).startswith(TOWER_GAP) for comparison in self.comparisons)

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
