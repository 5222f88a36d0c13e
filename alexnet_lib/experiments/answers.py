"""From the records of an experiment to its answer: chosen rates, effects with intervals, verdicts."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from .. import records
from ..guard import require_path
from ..learning import TrainConfig
from ..records import Record
from .model import (
    POINTS,
    Comparison,
    Crossing,
    Experiment,
    Interval,
    interval,
    run_label,
    search_label,
    verdict,
)


@dataclass(frozen=True)
class ChosenRate:
    """The learning rate of an arm; at the edge of its grid, a better one may lie beyond."""

    rate: float
    at_edge: bool


@dataclass(frozen=True)
class Answer:
    """What the records say on one comparison.

    pairs: (number of the arm, number of the other) by seed, without seeds that lack a run or a number.
    interval: None for fewer than two pairs.
    """

    comparison: Comparison
    pairs: Mapping[int, tuple[float, float]]
    interval: Interval | None
    verdict: str
    runs: tuple[Record, ...]

    @property
    def effect(self) -> str:
        """The effect in words, with its interval and the number of seeds."""
        if self.interval is None:
            return f"{len(self.runs)} runs on record, too few for an interval"
        mean, low, high = map(self._shown, (self.interval.mean, self.interval.low, self.interval.high))
        return f"{mean} {self.unit} (95 % interval {low} to {high}, {self.interval.pairs} seeds)"

    @property
    def means(self) -> str:
        """The two numbers that are compared, each a mean over the seeds, in the order of `words`."""
        if not self.pairs:
            return ""
        ours, theirs = (sum(numbers) / len(self.pairs) for numbers in zip(*self.pairs.values(), strict=True))
        if self.comparison.measure.unit == POINTS:
            return f"{100 * theirs:.1f} % against {100 * ours:.1f} %"
        return f"{theirs:.3g} against {ours:.3g}"

    @property
    def half_width(self) -> str:
        """How far the interval reaches to either side, in words."""
        if self.interval is None:
            return "no interval"
        sign = "times or divided by" if self.comparison.kind == "ratio" else "plus or minus"
        return f"{sign} {self._shown(self.interval.half_width)}"

    @property
    def setting(self) -> str:
        """The data, how many images of them, and the hardware."""
        images = " or ".join(sorted({f"{run.images:,}" for run in self.runs}))
        data = " or ".join(sorted({run.data for run in self.runs}))
        hardware = " or ".join(sorted({run.hardware for run in self.runs}))
        return f"{data}, {images} images; {hardware}"

    @property
    def unit(self) -> str:
        """What the effect is counted in; `POINTS` are hundredths."""
        return "times" if self.comparison.kind == "ratio" else self.comparison.measure.unit

    @property
    def words(self) -> str:
        """What is compared, in which number."""
        asked = self.comparison
        if asked.other is not None:
            return f"{asked.against}: {asked.other} against {asked.measure}"
        return f"{asked.against} against {asked.arm}: {asked.measure}"

    def _shown(self, number: float) -> str:
        return f"{100 * number if self.unit == POINTS else number:.2f}"


@dataclass(frozen=True)
class Report:
    """All that the records say on an experiment.

    tries: by arm, the criterion that a run with each rate of its grid came to; None where it is not reached.
    rates: by arm, of those whose search is complete and gave one. without_rate: the arms whose search is
    complete and gave none; their seeds are not run. runs: by label, those that tried rates among them.
    """

    experiment: Experiment
    tries: Mapping[str, Mapping[float, float | None]]
    rates: Mapping[str, ChosenRate]
    without_rate: tuple[str, ...]
    answers: tuple[Answer, ...]
    runs: Mapping[str, Record]

    @property
    def failed(self) -> dict[str, str]:
        """Label -> why the run came to nothing."""
        return {label: run.config["failed"] for label, run in self.runs.items() if "failed" in run.config}

    @property
    def verdict(self) -> str:
        """The verdict on the first comparison, which is the one that the question is about."""
        return self.answers[0].verdict if self.answers else "nothing compared"

    @property
    def _declared(self) -> set[str]:
        """The labels of all runs that there are to be: an arm without a rate has none that measure."""
        arms, seeds = self.experiment.arms, range(self.experiment.seeds)
        tried = {search_label(arm, rate) for arm in arms for rate in arms[arm].rates}
        return tried | {run_label(arm, k) for arm in arms if arm not in self.without_rate for k in seeds}

    @property
    def never_run(self) -> int:
        """How many runs the experiment declares that have no rate to be run at."""
        return self.experiment.runs - len(self._declared)

    @property
    def waits_for(self) -> str:
        """The runs that there still have to be, in words; empty where there are all."""
        asked, setting = self.experiment, self.experiment.setting
        missing = len(self._declared - self.runs.keys())
        if not missing:
            return ""
        nets = max(arm.nets for arm in asked.arms.values())
        each = f"{nets} nets of {setting.epochs}" if nets > 1 else str(setting.epochs)
        where = f"{setting.data}, {setting.input_size} pixels a side"
        return f"{missing} of {asked.runs} runs of up to {each} epochs on {where}"


def report(experiment: Experiment, folder: str | Path = records.RESULTS) -> Report:
    """What is on record of an experiment; without records, answers without intervals.

    Raises ValueError for a record that is not what the experiment declares.
    """
    runs = on_record(experiment.name, folder)
    chosen = {arm: chosen_rate(experiment, arm, runs) for arm in experiment.arms}
    rates = {arm: rate for arm, rate in chosen.items() if rate is not None}
    without_rate = tuple(
        arm for arm in experiment.arms if arm not in rates and _searched(experiment, arm, runs)
    )
    measured = {
        (arm, seed): run
        for arm in rates  # a run counts when the search of its rate is complete
        for seed in range(experiment.seeds)
        if (run := runs.get(run_label(arm, seed)))
    }
    for (arm, seed), run in measured.items():
        _require_declared(run, experiment.config(arm, seed, rates[arm].rate), experiment.arms[arm].nets)
    if len(copies := sorted({run.data for run in runs.values()})) > 1:
        raise ValueError(f"data are {' and '.join(copies)}: runs on different copies answer no one question")
    return Report(
        experiment,
        {arm: _tries(experiment, arm, runs) for arm in experiment.arms},
        rates,
        without_rate,
        tuple(_answer(experiment, each, measured, without_rate) for each in experiment.comparisons),
        runs,
    )


def on_record(name: str, folder: str | Path = records.RESULTS) -> dict[str, Record]:
    """The records of the experiment of that name, by label. ValueError for two of one label."""
    if not (require_path("folder", folder, "records lie in it") / name).is_dir():
        return {}
    found = {}
    for run in records.load(name, folder):
        if run.label in found:
            raise ValueError(f"{run.label} of {name} is on record twice: which of them counts?")
        found[run.label] = run
    return found


def chosen_rate(experiment: Experiment, arm: str, runs: Mapping[str, Record]) -> ChosenRate | None:
    """The rate of the arm's grid with the lowest criterion; the config's own where it has no grid.

    None while a rate of the grid is not on record, and where none brought the criterion to a number.
    """
    declared = experiment.arms[arm]
    if declared.rate_of:
        return chosen_rate(experiment, declared.rate_of, runs)
    if not declared.rates:
        return ChosenRate(experiment.config(arm, 0).lr, at_edge=False)
    scores = _tries(experiment, arm, runs)
    reached = {rate: score for rate, score in scores.items() if score is not None}
    if len(scores) < len(declared.rates) or not reached:
        return None
    best = min(reached, key=reached.get)
    return ChosenRate(best, at_edge=best in (min(declared.rates), max(declared.rates)))


def _tries(experiment: Experiment, arm: str, runs: Mapping[str, Record]) -> dict[float, float | None]:
    """The criterion at each rate of the arm's grid that is on record; None where a run does not reach it."""
    found = {}
    for rate in experiment.arms[arm].rates:
        if run := runs.get(search_label(arm, rate)):
            _require_declared(run, experiment.search_config(arm, rate))
            found[rate] = experiment.criterion.of(run)
    return found


def _searched(experiment: Experiment, arm: str, runs: Mapping[str, Record]) -> bool:
    """Whether all rates of the arm's grid were tried."""
    owner = experiment.arms[arm].rate_of or arm
    return all(search_label(owner, rate) in runs for rate in experiment.arms[owner].rates)


def _require_declared(run: Record, config: TrainConfig, nets: int = 1) -> None:
    """Refuse a record whose config is not the declared one: it answers another question."""
    # A field that came later had its default when the run was made.
    found = {**asdict(TrainConfig()), "nets": 1, "seed": run.seed, **run.config}
    declared = {**asdict(config), "changes": [], "nets": nets}
    for name in ("failed", "precision"):  # what a CPU cannot do in half precision it does in float32
        declared.pop(name, None), found.pop(name, None)
    for name in sorted(declared.keys() | found.keys()):
        # As files give it back: a tuple comes back as a list.
        if json.dumps(declared.get(name)) != json.dumps(found.get(name)):
            raise ValueError(
                f"record {run.label} of {run.experiment} has {name} = {found.get(name)!r}, and the "
                f"experiment declares {declared.get(name)!r}: take the record out, or restore it"
            )
    if run.seed != config.seed:
        raise ValueError(f"record {run.label} of {run.experiment} has seed {run.seed}, not {config.seed}")


def _answer(
    experiment: Experiment, comparison: Comparison, measured: Mapping, without_rate: tuple[str, ...]
) -> Answer:
    sides = (
        (comparison.arm, comparison.measure),
        (comparison.against, comparison.other or comparison.measure),
    )
    pairs, used, longer = {}, [], {}
    for seed in range(experiment.seeds):
        numbers = []
        for arm, measure in sides:
            run = measured.get((arm, seed))
            numbers.append(run and measure.of(run))
            if run and run not in used:
                used.append(run)
            if run and isinstance(measure, Crossing) and (epochs := measure.longer_than(run)):
                longer.setdefault(arm, []).append(epochs)
        if None not in numbers:
            pairs[seed] = tuple(numbers)
    found = interval(list(pairs.values()), comparison.kind) if len(pairs) > 1 else None
    stuck = [arm for arm, _ in sides if arm in without_rate]
    if stuck and isinstance(experiment.criterion, Crossing):
        decided = f"more than {experiment.setting.epochs} epochs: {' and '.join(stuck)} at every rate tried"
    elif stuck:
        decided = (
            f"cannot be asked here: no rate tried brings {' and '.join(stuck)} to a {experiment.criterion}"
        )
    elif longer:
        told = [f"{arm} in {len(n)} of {experiment.seeds} runs" for arm, n in longer.items()]
        decided = f"more than {min(map(min, longer.values()))} epochs: {' and '.join(told)}"
    elif used and (missing := [str(seed) for seed in range(experiment.seeds) if seed not in pairs]):
        decided = f"cannot be asked here: no answer from seed {', '.join(missing)}"
    else:
        decided = verdict(comparison, found)
    return Answer(comparison, pairs, found, decided, tuple(used))
