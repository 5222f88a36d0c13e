"""Training (§5): the loop, its checkpoints, its progress and its log.

    alexnet train --preset laptop --out runs/laptop
    alexnet train --preset imagenette --root DIR --out runs/imagenette --set epochs=30
    torchrun --standalone --nproc-per-node 2 -m alexnet_lib.cli train --preset imagenette --out runs/two

From Python: `train(PRESETS["laptop"], "runs/laptop")`. What a run does is all in its `TrainConfig`.
"""

import math
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Event

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from . import fast, records
from .data.batches import Batches, fingerprint, resize_stored, seed_of, train_val_split
from .dataset import ImageSet, load
from .evaluation import center_crop_probabilities, ten_crop_probabilities, topk_misses, training_subset
from .guard import NonNegative, require_path, validated
from .learning import Plateau, TrainConfig
from .specs import InputScale
from .training import checkpoints
from .training.fileio import atomic_write, lock_folder
from .training.fit import require_fit, settle_precision
from .training.ranks import (
    Ranks,
    all_reduce_sum,
    explain_oom,
    graceful_stop,
    init_distributed,
    shard,
)
from .training.runlog import RunLog
from .training.runs import DivergedError, Interrupted, TrainResult, build_net, config_of

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
# What a resumed run may change; anything else would make it another run. Data may have moved to another
# folder: that the images are the same is checked by their fingerprint.
CHANGEABLE = {"epochs", "lr", "milestones", "max_drops", "patience", "color_noise", "weight_decay", "data"}
CHANGEABLE |= {"precision", "channels_last", "compiled"}
LOOK_EVERY = 20  # steps between looks at the loss on a GPU or with several processes: a look waits for all


@validated
def train(
    config: TrainConfig,
    folder: str | Path | None = None,
    *,
    resume: bool = False,
    root: str | Path | None = None,
    cache: str | Path | None = None,
    sets: tuple[ImageSet, ImageSet] | None = None,
    net: nn.Module | None = None,
    mean: Tensor | None = None,
    device: str | torch.device | None = None,
    save_seconds: NonNegative = 300.0,
    progress: bool = True,
) -> TrainResult:
    """Train one net as `config` says, and measure it on the test set at the end (§5, §6).

    folder: where checkpoints, log.jsonl and weights.pt go; None writes nothing. resume: go on from the newest
    checkpoint there; the run then ends, on a CPU, with the same bits as one that was never broken off.
    sets: (training, test) images in place of the ones that config.data names; root and cache as for
    `dataset.load`: with a cache, images are decoded once and read from the disk, as ImageNet has to be.
    net: another net for images of config.input_size. mean: (3, side, side), what a trained net expects to be
    subtracted; None takes the training images' own. device: "cpu" or "cuda", by default where a
    GPU is. save_seconds: the longest time between two checkpoints.

    Raises ValueError for what does not fit together, before any image is read; MemoryError for a batch that
    the memory does not hold, DivergedError when the loss becomes NaN or infinite, and Interrupted after
    Ctrl-C, SIGTERM or SIGHUP, when a checkpoint has been written.
    """
    folder = folder if folder is None else require_path("folder", folder, "where the run is kept, or None")
    with (
        init_distributed(device) as ranks,
        lock_folder(folder) if folder and ranks.is_main else nullcontext(),
    ):
        for part in folder.glob("*.part") if folder and ranks.is_main else ():
            part.unlink()  # a kill in the middle of writing left it
        found = checkpoints.newest(folder) if folder else None
        require_fit(config, ranks, net)
        config = settle_precision(config, ranks)
        if bool(found) != resume:
            raise ValueError(
                f"folder is {folder}, and holds a run already: go on with it by resume=True (--resume), or "
                f"name another folder"
                if found
                else f"resume is asked for, and folder {folder} holds no checkpoint: name the run's folder, "
                f"or leave resume out"
            )
        size = stored_size(config)
        sets = sets or tuple(
            load(config.data, split, root, size=size, cache=cache) for split in ("train", "test")
        )
        run = Training(config, *sets, ranks, folder, net, mean, save_seconds, progress)
        if found:
            run.load(*found)
        run.loop()
        return run.result()


def stored_size(config: TrainConfig) -> int | None:
    """The side that images are loaded with: those of CIFAR-10 stay small, and are enlarged batch by batch."""
    return None if config.data == "cifar10" else config.image_size


@dataclass
class Progress:
    """What a run has done so far. All of it is in its checkpoints."""

    epoch: int = 0  # whole epochs
    step: int = 0  # steps of the epoch after them
    seconds: float = 0.0
    curves: dict[str, list[float]] = field(default_factory=dict)
    changes: list[dict] = field(default_factory=list)  # what resuming changed, and at which epoch


class Training:
    """One run on one process; several processes run the same, each on its own rows of every batch."""

    def loop(self) -> None:
        """Epoch after epoch, batch after batch, from where the run stands (§5)."""
        config, done = self.config, self.done
        with self.bar, graceful_stop() as stop, explain_oom(config.batch_size, self.ranks):
            while not self.finished():
                for group in self.optimizer.param_groups:  # the schedule
                    factor = self.plan[group["plan"]].factor(done.epoch)
                    group["lr"] = config.lr * factor * self.plateau.factor
                self.model.train()
                while done.step < self.batches.steps:
                    images, labels = self.batches.step(done.epoch, done.step)
                    # Dropout draws its masks from torch's own generator, in each process its own.
                    torch.manual_seed(seed_of(config.seed, "dropout", done.epoch, done.step, self.ranks.rank))
                    with self.autocast():  # in float32 neither this nor the scaler does anything
                        scores = self.model(images)
                        loss = F.cross_entropy(scores.float(), labels)
                    self.optimizer.zero_grad()
                    self.scaler.scale(loss).backward()
                    self.scaler.step(self.optimizer)
                    self.scaler.update()
                    self.count(loss, scores, labels)  # one step more is done
                    if self.time_to_look():
                        self.look()  # DivergedError where the loss is no number
                        self.save_or_stop(stop)
                errors = self.end_epoch()
                if "validation error" in errors:
                    self.plateau.step(errors["validation error"])
                self.save_or_stop(stop, save=done.epoch == 1 or self.finished())

    def __init__(
        self,
        config: TrainConfig,
        images: ImageSet,
        test: ImageSet,
        ranks: Ranks,
        folder: Path | None = None,
        net: nn.Module | None = None,
        mean: Tensor | None = None,
        save_seconds: float = 300.0,
        progress: bool = True,
    ):
        if images.classes != test.classes or not len(test):
            raise ValueError(
                f"sets have {len(images.classes)} and {len(test.classes)} classes, and {len(test)} test "
                f"images: both must have the same classes, and the test set at least one image"
            )
        self.config, self.images, self.test, self.ranks, self.folder = config, images, test, ranks, folder
        chosen, self.validation = train_val_split(
            images, config.val_fraction, config.split, config.training_images
        )
        self.batches = Batches(images, chosen, config, ranks, mean)
        self.judged = chosen[training_subset(len(chosen))]
        torch.manual_seed(seed_of(config.seed, "weights"))
        net = net or build_net(config, len(images.classes))
        self.net = fast.use(net.to(ranks.device, torch.float32))
        if not config.channels_last:
            self.net.to(memory_format=torch.contiguous_format)
        self.optimizer, self.plan = config.make_optimizer(self.net), config.plan()
        self.plateau = Plateau(config.max_drops if config.watches_plateau else 0, config.patience)
        # float16 alone has gradients so small that they vanish unless the loss is scaled up.
        self.scaler = torch.amp.GradScaler(ranks.device.type, enabled=config.precision == "float16")
        self.model = InputScale(self.net, config.input_scale)
        if config.compiled:
            self.model = torch.compile(self.model)
        if ranks.size > 1:
            ids = [ranks.device] if ranks.device.type == "cuda" else None
            self.model = DistributedDataParallel(self.model, device_ids=ids)
        self.done, self.data = Progress(), fingerprint(images)
        self.totals = torch.zeros(3, dtype=torch.float64, device=ranks.device)  # loss, misses, images
        self.shown, self.progress = {}, progress and ranks.is_main
        self.bar = tqdm(
            desc="training",
            total=config.epochs * self.batches.steps * config.batch_size,
            unit=" images",
            unit_scale=True,
            disable=not self.progress or None,
        )
        self.log = RunLog(folder if ranks.is_main else None)
        self.save_seconds, self.saved, self.clock = save_seconds, time.monotonic(), time.perf_counter()

    def finished(self) -> bool:
        """Whether all epochs are done, or the error is as low as the run is asked to bring it."""
        errors, low = self.done.curves.get("running training error", []), self.config.stop_at_error
        return self.done.epoch >= self.config.epochs or (low is not None and min(errors, default=1.0) <= low)

    def autocast(self):
        """Half precision inside, where the config asks for it."""
        if self.config.precision == "float32":
            return nullcontext()
        return torch.autocast(self.ranks.device.type, PRECISIONS[self.config.precision])

    def count(self, loss: Tensor, scores: Tensor, labels: Tensor) -> None:
        """Add a step to the epoch's loss, misses and images, on the device: to look at them is to wait."""
        misses = topk_misses(scores.detach(), labels, 1).sum()
        images = torch.full_like(misses, len(labels))
        self.totals += torch.stack([loss.detach() * len(labels), misses, images]).double()
        self.done.step += 1
        self.bar.update(self.config.batch_size)

    def time_to_look(self) -> bool:
        """After every step on one CPU; elsewhere after some, and after the last of an epoch."""
        every = 1 if self.ranks.size == 1 and self.ranks.device.type == "cpu" else LOOK_EVERY
        return self.done.step % every == 0 or self.done.step == self.batches.steps

    def look(self) -> None:
        """Show and log where the run stands, and end it where the loss is NaN or infinite."""
        loss, error = self.averages()
        if not math.isfinite(loss):
            raise DivergedError(self.what_to_try(loss))
        self.shown |= {"loss": f"{loss:.3f}", "running error": f"{error:.1%}"}
        self.bar.set_postfix(self.shown)
        values = {"training loss": loss, "running training error": error}
        self.log.step(self.done.epoch + 1, self.done.step, values)

    def averages(self) -> tuple[float, float]:
        """Loss and error of the epoch so far, as it was trained: augmented, with dropout; all processes'."""
        loss, misses, images = all_reduce_sum(self.totals.clone(), self.ranks).tolist()
        return loss / images, misses / images

    def end_epoch(self) -> dict[str, float]:
        """The epoch's errors, into curves and log; the training error is measured as the test error is."""
        loss, running = self.averages()
        values = {
            "training loss": loss,
            "running training error": running,
            "training error": self.errors(self.images, self.judged)[0],
            "lr": self.optimizer.param_groups[-1]["lr"],
        }
        self.shown = {}
        if len(self.validation):
            values["validation error"] = self.errors(self.images, self.validation)[0]
            self.shown["val"] = f"{values['validation error']:.1%}"  # first: a narrow terminal shows it too
        for name, value in values.items():
            self.done.curves.setdefault(name, []).append(value)
        self.done.epoch, self.done.step = self.done.epoch + 1, 0
        self.totals.zero_()
        self.log.epoch(self.done.epoch, values)
        return values

    def errors(
        self, images: ImageSet, rows: Tensor, probabilities=center_crop_probabilities, progress: bool = False
    ) -> list[float]:
        """Top-1 and top-5 error on some rows of a set, each of which one process judges."""
        mine = rows[shard(len(rows), self.ranks)]
        misses = torch.zeros(2, dtype=torch.float64, device=self.ranks.device)
        model = InputScale(self.net, self.config.input_scale)
        for part in tqdm(mine.split(64), "test set", unit=" batches", disable=not progress or None):
            stored = resize_stored(images.images[part].to(self.ranks.device), self.config.image_size)
            with self.autocast():
                found = probabilities(model, stored, self.config.input_size, mean=self.batches.mean)
            labels = images.labels[part].to(self.ranks.device)
            for k, guesses in enumerate((1, min(5, len(images.classes)))):
                misses[k] += topk_misses(found.float(), labels, guesses).sum()
        return (all_reduce_sum(misses, self.ranks) / len(rows)).tolist()

    def save_or_stop(self, stop: Event, save: bool = False) -> None:
        """Write a checkpoint if it is time, and stop if that is asked. What any process wants, all do."""
        now = time.perf_counter()
        self.done.seconds, self.clock = self.done.seconds + now - self.clock, now
        late = time.monotonic() - self.saved > self.save_seconds
        wishes = torch.tensor([stop.is_set(), late or save], dtype=torch.float32, device=self.ranks.device)
        stopping, due = (all_reduce_sum(wishes, self.ranks) > 0).tolist()
        if (stopping or due) and self.folder:
            if not all(weight.isfinite().all() for weight in self.net.parameters()):
                raise DivergedError(self.what_to_try(math.nan))
            state = self.state()
            if self.ranks.is_main:
                steps = self.done.epoch * self.batches.steps + self.done.step
                checkpoints.save(state, self.folder, steps)
            self.saved = time.monotonic()
        if stopping:
            at = f"stopped in epoch {self.done.epoch + 1} after step {self.done.step}"
            kept = f"saved in {self.folder}. Go on with the same command and --resume"
            raise Interrupted(
                f"{at}; {kept if self.folder else 'nothing was saved, because no folder was named (--out)'}"
            )

    def state(self) -> dict:
        """Everything that the run needs to go on; random numbers follow from seed, epoch and step."""
        return {
            "config": asdict(self.config),
            "data": self.data,
            "classes": list(self.images.classes),
            "mean": self.batches.mean.cpu(),
            "progress": asdict(self.done),
            "totals": all_reduce_sum(self.totals.clone(), self.ranks).cpu(),
            "plateau": asdict(self.plateau),
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def load(self, path: Path, state: dict) -> None:
        """Stand where a checkpoint stands. Raises ValueError where it is of another run."""
        before, now = asdict(config_of(state)), asdict(self.config)
        changed = {name: [before[name], value] for name, value in now.items() if before[name] != value}
        if fixed := sorted(changed.keys() - CHANGEABLE):
            name = fixed[0]
            raise ValueError(
                f"{name} is {now[name]!r}, and the run in {path.parent} has {before[name]!r}: a resumed run "
                f"keeps all but {', '.join(sorted(CHANGEABLE))}. Name another folder for another run"
            )
        if state["data"] != self.data:
            raise ValueError(
                f"data {self.images.name!r} is not what the run in {path.parent} was trained on: its images, "
                f"labels or classes have changed. Restore them, or start anew in another folder"
            )
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        fresh = self.config.make_optimizer(self.net).param_groups
        for group, new in zip(self.optimizer.param_groups, fresh, strict=True):
            group["weight_decay"] = new["weight_decay"]
        self.scaler.load_state_dict(state["scaler"])
        kept = {name: state["plateau"][name] for name in ("best", "waited", "divided")}
        self.plateau = replace(self.plateau, **kept)
        self.done = Progress(**state["progress"])
        self.done.curves = records.renamed_curves(self.done.curves)
        if self.ranks.is_main:  # the others count from nothing: the sum is what the run has
            self.totals.copy_(state["totals"])
        if changed:
            self.done.changes.append({"epoch": self.done.epoch, **changed})
        self.bar.update((self.done.epoch * self.batches.steps + self.done.step) * self.config.batch_size)

    def result(self) -> TrainResult:
        """The trained net, written to weights.pt, and its errors on the test set (§6)."""
        self.log.close()
        if self.folder and self.ranks.is_main:
            weights = self.net.state_dict()
            atomic_write(self.folder / "weights.pt", lambda file: torch.save(weights, file))
        judges, results = {"center": center_crop_probabilities}, {}
        if self.config.image_size > self.config.input_size:  # without a border the ten are two, five times
            judges["ten crops"] = ten_crop_probabilities
        for crops, probabilities in judges.items():
            found = self.errors(self.test, torch.arange(len(self.test)), probabilities, self.progress)
            for k, error in zip((1, min(5, len(self.test.classes))), found, strict=True):
                results[f"top-{k} error, {crops}"] = error
        trained = self.done.epoch * self.batches.steps * self.config.batch_size
        results["images per second"] = trained / self.done.seconds
        return TrainResult(
            self.net,
            self.config,
            self.batches.mean.cpu(),
            self.done.curves,
            results,
            self.done.seconds,
            self.images.source,
            len(self.batches.chosen),
            self.done.changes,
        )

    def what_to_try(self, loss: float) -> str:
        """Where the loss left the numbers, what to change, and which state is left."""
        where = f"the loss is {loss} in epoch {self.done.epoch + 1} at step {self.done.step}"
        advice = f"try a tenth of the rate (--set lr={self.config.lr / 10:g})"
        if self.config.precision != "float32":
            advice += ", or precision=float32"
        left = checkpoints.files(self.folder)[-1:] if self.folder else []
        state = f"the last good state is {left[0]}: --resume starts from it" if left else "no state was saved"
        return f"{where}; {advice}; {state}"
