"""Makes the runs that an experiment still lacks, one after the other, and records each as it ends."""

import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

from torch import Tensor
from tqdm import tqdm

from .. import records
from ..dataset import ImageSet, load
from ..guard import Count, require_choice, require_path, validated
from ..learning import TrainConfig
from ..qualitative import colorfulness, tower_gap
from ..records import Record
from ..train import stored_size, train
from ..training import checkpoints
from ..training.fileio import lock_folder
from ..training.runs import DivergedError, Interrupted
from .answers import chosen_rate, on_record
from .averaging import average_of_runs, members, together
from .model import Experiment, run_label, search_label
from .snapshots import snapshots

NOISE = (0.58, 0.77)  # where nearly all 11 x 11 kernels of pure noise have their colorfulness


@validated
def run(
    experiment: Experiment,
    arms: Sequence[str] | None = None,
    *,
    seeds: Count | None = None,
    device: str | None = None,
    root: str | Path | None = None,
    out: str | Path = "runs",
    folder: str | Path = records.RESULTS,
    sets: tuple[ImageSet, ImageSet] | None = None,
    snapshot: str | None = None,
    progress: bool = True,
) -> list[Record]:
    """Make the runs of an experiment that are not on record; returns the new records.

    Arm after arm: the rates of its grid, then seed after seed. A run that was broken off goes on from its
    checkpoint in out/NAME/LABEL, where its weights.pt stays. One that diverges is recorded as failed, with
    the reason, and the next begins. One that another process is making is left to it, with a warning: the
    same command in two terminals makes two runs at a time. An arm none of whose rates brings the criterion to
    a number is not measured.

    arms: some of the arms; None takes all. seeds: how many; None takes as many as the experiment wants.
    folder: where records go. snapshot: the label of a run whose first kernels are kept at 24 steps, in
    out/NAME/LABEL/snapshots. sets, root, device: as for `train`.
    """
    out = require_path("out", out, "checkpoints go there")
    folder = require_path("folder", folder, "records go there")
    arms = list(experiment.arms if arms is None else arms)
    for arm in arms:
        require_choice("arm", arm, experiment.arms)
    seeds = range(experiment.seeds if seeds is None else seeds)
    runs_at, made, loaded = out / experiment.name, [], {}

    def images(config: TrainConfig) -> tuple[ImageSet, ImageSet]:
        """Training and test set, kept for the runs that want the same."""
        wanted = (config.data, stored_size(config))
        if sets is None and wanted not in loaded:
            loaded.clear()
            loaded[wanted] = tuple(
                load(config.data, part, root, size=wanted[1]) for part in ("train", "test")
            )
        return sets or loaded[wanted]

    def trained(label: str, config: TrainConfig, nets: int = 1) -> Record:
        options = {"device": device, "sets": images(config), "progress": progress}
        return _train(experiment, label, config, nets, runs_at / label, label == snapshot, options)

    def make(label: str, make_one: Callable[..., Record], *given) -> None:
        """Make a record and store it, unless it is there, or another process makes it."""
        try:
            with lock_folder(runs_at / "locks" / label):
                if label in on_record(experiment.name, folder):
                    return
                record = make_one(label, *given)
                records.store(record, folder)
        except ValueError as error:
            if "another run is writing there" not in str(error):
                raise
            warnings.warn(f"{label} is being made by another process: call again to see it", stacklevel=3)
            return
        made.append(record)
        if progress:
            reached = experiment.criterion.of(record)
            told = "on record" if reached is None else f"{experiment.criterion}: {reached}"
            tqdm.write(f"{label}: {record.config.get('failed') or told}, {record.seconds:.0f} s")

    for arm in arms:
        declared = experiment.arms[arm]
        searched = declared.rate_of or arm
        for rate in experiment.arms[searched].rates:
            make(search_label(searched, rate), trained, experiment.search_config(searched, rate))
        # Without a rate none of the grid came to anything, and there is none to measure with.
        if chosen := chosen_rate(experiment, arm, on_record(experiment.name, folder)):
            for seed in seeds:
                make(run_label(arm, seed), trained, experiment.config(arm, seed, chosen.rate), declared.nets)
        labels = [run_label(arm, seed) for seed in range(experiment.seeds)]
        known = on_record(experiment.name, folder)
        if arm == experiment.average and known.keys() >= set(labels) and f"{arm}-average" not in known:
            runs, test = [known[label] for label in labels], images(experiment.config(arm, 0))[1]
            folders = [runs_at / label for label in labels]
            make(f"{arm}-average", average_of_runs, runs, folders, test)
    return made


def _train(
    experiment: Experiment, label: str, config: TrainConfig, nets: int, at: Path, watch: bool, options: dict
) -> Record:
    """Train the net or nets of one run in its folder; the record says so where it diverges."""
    begun, command = time.perf_counter(), f"alexnet experiment run {experiment.name}"
    images, test = options["sets"]
    kept = config.training_images or len(images) - round(config.val_fraction * len(images))
    parts = [(config, at)]
    if nets > 1:
        parts = [(each, at / f"net-{n}") for n, each in enumerate(members(config, nets))]
    records.reset_peak()
    try:
        with snapshots(at, kept // config.batch_size, config.epochs) if watch else nullcontext():
            outcomes = [
                train(each, place, resume=checkpoints.newest(place) is not None, **options)
                for each, place in parts
            ]
    except Interrupted:
        raise Interrupted(f"{label} stopped and saved in {at}; the same command goes on there") from None
    except DivergedError as error:
        return Record(
            experiment=experiment.name,
            label=label,
            command=command,
            data=images.source,
            images=kept,
            seed=config.seed,
            # What to try, which follows, names a folder of this machine.
            config={**asdict(config), "changes": [], "failed": str(error).partition(";")[0]},
            seconds=round(time.perf_counter() - begun, 1),
            curves={},
            results={},
            **records.environment(options["device"]),
        )
    if nets > 1:
        record = together(outcomes, config, test).record(experiment.name, label, command)
        return replace(record, config=record.config | {"nets": nets})
    record = outcomes[0].record(experiment.name, label, command)
    if experiment.colors:
        colors = tower_colors(outcomes[0].net.features.conv1.weight.detach().cpu())
        record = replace(record, results=record.results | colors)
    return record


def tower_colors(kernels: Tensor, towers: int = 2) -> dict[str, float]:
    """How far the colors of the towers' first kernels lie apart, and what kinds of kernels each has (§6.1).

    "gap" is between the mean colorfulness of the towers, "random split" the gap that chance makes. Gray: a
    colorfulness below 0.2; noise-like: as kernels of pure noise have it, in `NOISE`; colored: any other. Of a
    net with one tower, the first half of the kernels stands against the second.
    """
    found = tower_gap(kernels)
    told = {"tower color gap": found.gap, "tower color gap, random split": found.by_chance}
    for number, share in enumerate(colorfulness(kernels).chunk(towers), 1):
        noise = (share >= NOISE[0]) & (share <= NOISE[1])
        kinds = {"gray": share < 0.2, "noise-like": noise, "colored": (share >= 0.2) & ~noise}
        told |= {f"{kind} kernels, tower {number}": float(which.sum()) for kind, which in kinds.items()}
    return told
