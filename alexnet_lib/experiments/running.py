"""Runs what an experiment still lacks on record, one or several at a time, and records each as it ends."""

import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

from tqdm import tqdm

from .. import records
from ..architecture import AlexNet
from ..dataset import ImageSet, load
from ..guard import require_choice, require_count, require_flag, require_kind, require_path
from ..learning import TrainConfig
from ..qualitative import tower_gap
from ..records import Record
from ..train import stored_size, train
from ..training import checkpoints
from ..training.fileio import held
from ..training.result import DivergedError, Interrupted, TrainResult
from .averaging import members, together
from .experiment import RANDOM_GAP, TOWER_GAP, Experiment, run_label, search_label
from .report import chosen_rate, differences, on_record
from .workers import workers


def run(
    experiment: Experiment,
    arms: Iterable[str] | None = None,
    *,
    seeds: int | None = None,
    jobs: int = 1,
    device: str | None = None,
    root: str | Path | None = None,
    out: str | Path = "runs",
    folder: str | Path = records.RESULTS,
    sets: tuple[ImageSet, ImageSet] | None = None,
    progress: bool = True,
) -> list[Record]:
    """Make the runs of an experiment that are not on record; returns the new records.

    First the rates of each arm's grid, then seed after seed, all arms of a seed in a row, so that what has
    been done at any time is pairs. A run that was broken off goes on from its checkpoint in out/NAME/LABEL.
    One that another experiment has on record, of the same config on the same data, is copied from there, and
    its command says which. One that diverges is recorded as failed, with the reason, and the next begins. One
    that another process is making is left to it, with a warning. An arm none of whose rates brings the
    criterion to a number is not measured.

    arms: some of the arms; None takes all. seeds: how many; None takes as many as the experiment wants.
    jobs: runs at a time; several are made in processes with one thread each. folder: where records go.
    sets, root, device: as for `train`.
    """
    require_kind("experiment", experiment, Experiment)
    require_kind("arms", arms, Iterable[str] | None)
    require_count("jobs", jobs, "it counts the runs at a time (1)")
    if seeds is not None:
        require_count("seeds", seeds, "it counts the runs of an arm (5)")
    require_flag("progress", progress, "it shows a bar")
    out = require_path("out", out, "checkpoints go there")
    folder = require_path("folder", folder, "records go there")
    arms = list(experiment.arms if arms is None else arms)
    for arm in arms:
        require_choice("arm", arm, experiment.arms)
    searches = dict.fromkeys(experiment.arms[arm].rate_of or arm for arm in arms)
    tries = [(arm, rate) for arm in searches for rate in experiment.arms[arm].rates]
    measured = [(arm, seed) for seed in range(experiment.seeds if seeds is None else seeds) for arm in arms]

    def chosen() -> Iterator[tuple[str, TrainConfig, int]]:
        """The measured runs, once all rates have been tried."""
        runs = on_record(experiment.name, folder)
        for arm, seed in measured:
            # Without a rate none of the grid came to anything, and there is none to measure with.
            if rate := chosen_rate(experiment, arm, runs):
                config = experiment.config(arm, seed, rate.rate)
                yield run_label(arm, seed), config, experiment.arms[arm].nets

    alone = progress and jobs == 1  # the bars of several runs would write over each other
    laboratory = _Laboratory(experiment, device, root, out, folder, sets, alone, jobs)
    labels = [search_label(*pair) for pair in tries] + [run_label(*pair) for pair in measured]
    missing = len(set(labels) - on_record(experiment.name, folder).keys())
    bar = tqdm(total=missing, desc=experiment.name, unit=" runs", smoothing=0, disable=not progress or None)
    made = []
    helped = jobs > 1 and missing
    with bar, workers(laboratory.make, min(jobs, missing)) if helped else nullcontext() as team:
        for stage in (
            ((search_label(arm, rate), experiment.search_config(arm, rate)) for arm, rate in tries),
            chosen(),
        ):
            known = on_record(experiment.name, folder)
            tasks = [task for task in stage if task[0] not in known]
            for record in team.each(tasks) if team else (laboratory.make(*task) for task in tasks):
                if isinstance(record, Record):
                    made.append(record)
                    if progress:
                        bar.write(f"{record.label}: {_told(experiment, record)}, {record.seconds:.0f} s")
                else:
                    warnings.warn(record, stacklevel=2)
                bar.update()
    return made


class _Laboratory:
    """Where runs are made: on which machine, with which data, and where their checkpoints and records go."""

    def __init__(
        self,
        experiment: Experiment,
        device: str | None,
        root: str | Path | None,
        out: Path,
        folder: Path,
        sets: tuple[ImageSet, ImageSet] | None,
        progress: bool,
        jobs: int,
    ):
        self.name, self.colors = experiment.name, experiment.compares_colors
        self.device, self.root, self.out = device, root, out
        self.folder, self.progress, self.jobs = folder, progress, jobs
        self._sets = sets
        self._loaded = None  # what the sets in hand were loaded as

    def make(self, label: str, config: TrainConfig, nets: int = 1) -> Record | str:
        """Make a run of so many nets and record it; or say that another process does."""
        folder = self.out / self.name / label
        try:
            with held(folder):  # asked here, since other errors of a run say that something is wrong with it
                pass
        except ValueError:
            return f"{label} is being made by another process in {folder}: the same command looks again"
        if label in on_record(self.name, self.folder):
            return f"{label} has just been recorded by another process"
        images, test = self._images(config)
        if twin := self._made_elsewhere(config, nets, images):
            record = replace(twin, experiment=self.name, label=label)
            records.store(record, self.folder)
            return record
        begun = time.perf_counter()
        command = f"alexnet experiment run {self.name}"
        if self.jobs > 1:
            command += f" --jobs {self.jobs}"
        try:
            if nets == 1:
                outcome = self._train(config, folder, (images, test))
            else:
                with held(folder):
                    outcomes = [
                        self._train(each, folder / f"net-{place}", (images, test))
                        for place, each in enumerate(members(config, nets))
                    ]
                outcome = together(outcomes, config, test)
            record = outcome.record(self.name, label, command)
            if self.colors:
                record = replace(record, results=record.results | tower_colors(outcome.net))
        except Interrupted:
            raise Interrupted(
                f"{label} stopped and saved in {folder}; the same command goes on there"
            ) from None
        except DivergedError as error:
            record = Record(
                experiment=self.name,
                label=label,
                command=command,
                data=images.source,
                images=config.training_images or len(images) - round(config.val_fraction * len(images)),
                seed=config.seed,
                # What to try, which follows, names a folder of this machine.
                config={**asdict(config), "changes": [], "failed": str(error).partition(";")[0]},
                seconds=round(time.perf_counter() - begun, 1),
                curves={},
                results={},
                **records.circumstances(self.device),
            )
        if nets > 1:
            record = replace(record, config=record.config | {"nets": nets})
        if self.jobs > 1:  # they slow each other down, and the seconds are to be read with that
            record = replace(record, hardware=f"{record.hardware}, {self.jobs} runs at a time")
        records.store(record, self.folder)
        return record

    def _train(self, config: TrainConfig, folder: Path, sets: tuple[ImageSet, ImageSet]) -> TrainResult:
        """Train one net, from where its folder stands."""
        return train(
            config,
            folder,
            resume=checkpoints.newest(folder) is not None,
            sets=sets,
            device=self.device,
            progress=self.progress,
        )

    def _made_elsewhere(self, config: TrainConfig, nets: int, images: ImageSet) -> Record | None:
        """The record of the same run in another experiment: the paper's net is an arm of many."""
        for run in records.every_record(self.folder) if self.folder.is_dir() else ():
            same = run.data == images.source and not any(differences(run, config, nets))
            if same and (TOWER_GAP in run.results or not self.colors):
                return run
        return None

    def _images(self, config: TrainConfig) -> Sequence[ImageSet]:
        """Training and test set, loaded once for runs in a row that want the same."""
        wanted = (config.data, stored_size(config))
        if self._sets is None or self._loaded not in (None, wanted):
            self._sets = tuple(
                load(config.data, split, self.root, size=wanted[1]) for split in ("train", "test")
            )
            self._loaded = wanted
        return self._sets


def tower_colors(net: AlexNet) -> dict[str, float]:
    """How far the colors of the towers' first kernels lie apart, and how far chance parts them (§6.1).

    Of a net with one tower, the first half of the kernels stands against the second.
    """
    found = tower_gap(net.features.conv1.weight.detach().cpu())
    return {TOWER_GAP: found.gap, RANDOM_GAP: found.by_chance}


def _told(experiment: Experiment, record: Record) -> str:
    """The number of a run that its rate is chosen by."""
    number = experiment.criterion.of(record)
    if "failed" in record.config:
        return record.config["failed"]
    return f"{experiment.criterion}: {'not reached' if number is None else f'{number:.4g}'}"
