"""Runs what an experiment still lacks on record, one run after another, and records each as it ends."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from .. import checkpoints, records
from ..checks import require_choice
from ..dataset import ImageSet, load
from ..learning import TrainConfig
from ..outcome import DivergedError, Interrupted
from ..records import Record
from ..train import stored_side, train
from .experiment import Experiment, run_label, search_label
from .report import chosen_rate, on_record


def run(
    experiment: Experiment,
    arms: Iterable[str] | None = None,
    *,
    seeds: int | None = None,
    device: str | None = None,
    root: str | Path | None = None,
    out: str | Path = "runs",
    folder: Path = records.RESULTS,
    sets: tuple[ImageSet, ImageSet] | None = None,
    progress: bool = True,
) -> list[Record]:
    """Make the runs of an experiment that are not on record; returns the new records.

    First the rates of each arm's grid, then seed after seed, all arms of a seed in a row, so that what has
    been done at any time is pairs. A run that was broken off goes on from its checkpoint in out/NAME/LABEL.
    One that diverges is recorded as failed, with the reason, and the next begins. An arm none of whose rates
    brings the criterion to a number is not measured.

    arms: some of the arms; None takes all. seeds: how many; None takes as many as the experiment wants.
    folder: where records go. sets, root, device: as for `train`.
    """
    arms = list(experiment.arms if arms is None else arms)
    for arm in arms:
        require_choice("arm", arm, experiment.arms)
    searches = dict.fromkeys(experiment.arms[arm].rate_of or arm for arm in arms)
    tries = [(arm, rate) for arm in searches for rate in experiment.arms[arm].rates]
    measured = [(arm, seed) for seed in range(experiment.seeds if seeds is None else seeds) for arm in arms]
    laboratory = _Laboratory(experiment, device, root, Path(out), folder, sets, progress)
    with tqdm(
        total=len(tries) + len(measured), desc=experiment.name, unit=" runs", disable=not progress or None
    ) as bar:
        for arm, rate in tries:
            laboratory.once(search_label(arm, rate), experiment.search_config(arm, rate))
            bar.update()
        for arm, seed in measured:
            chosen = chosen_rate(experiment, arm, on_record(experiment, folder))
            if chosen:  # else no rate of the grid came to anything, and there is none to measure with
                laboratory.once(run_label(arm, seed), experiment.config(arm, seed, chosen.rate))
            bar.update()
    return laboratory.made


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
    ):
        self.experiment, self.device, self.root, self.out = experiment, device, root, out
        self.folder, self.progress, self.made = folder, progress, []
        self._sets = sets
        self._loaded = None  # what the sets in hand were loaded as

    def once(self, label: str, config: TrainConfig) -> None:
        """Make a run and record it, if it is not on record."""
        if label in on_record(self.experiment, self.folder):
            return
        command = f"alexnet experiment run {self.experiment.name}"
        images, test = self._images(config)
        folder, begun = self.out / self.experiment.name / label, time.perf_counter()
        try:
            outcome = train(
                config,
                folder,
                resume=checkpoints.newest(folder) is not None,
                sets=(images, test),
                device=self.device,
                progress=self.progress,
            )
            record = outcome.record(self.experiment.name, label, command)
        except Interrupted:
            raise Interrupted(
                f"{label} stopped and saved in {folder}; the same command goes on there"
            ) from None
        except DivergedError as error:
            record = Record(
                experiment=self.experiment.name,
                label=label,
                command=command,
                data=images.source,
                images=config.training_images or len(images) - round(config.held_out * len(images)),
                seed=config.seed,
                # What to try, which follows, names a folder of this machine.
                config={**asdict(config), "changes": [], "failed": str(error).partition(";")[0]},
                seconds=round(time.perf_counter() - begun, 1),
                curves={},
                results={},
                **records.circumstances(),
            )
        records.store(record, self.folder)
        self.made.append(record)
        if self.progress:
            tqdm.write(f"{label}: {_told(self.experiment, record)}, {record.seconds:.0f} s")

    def _images(self, config: TrainConfig) -> Sequence[ImageSet]:
        """Training and test set, loaded once for runs in a row that want the same."""
        wanted = (config.data, stored_side(config))
        if self._sets is None or self._loaded not in (None, wanted):
            self._sets = tuple(
                load(config.data, split, self.root, size=wanted[1]) for split in ("train", "test")
            )
            self._loaded = wanted
        return self._sets


def _told(experiment: Experiment, record: Record) -> str:
    """The number of a run that its rate is chosen by."""
    number = experiment.criterion.of(record)
    if "failed" in record.config:
        return record.config["failed"]
    return f"{experiment.criterion}: {'not reached' if number is None else f'{number:.4g}'}"
