"""Training (§5): the loop, its checkpoints, its progress and its log.

    alexnet train --preset laptop --out runs/laptop
    alexnet train --preset imagenette --root DIR --out runs/imagenette --set epochs=30
    torchrun --standalone --nproc-per-node 2 -m alexnet_lib.cli train --preset imagenette --out runs/two

From Python: `train(PRESETS["laptop"], "runs/laptop")`. What a run does is all in its `TrainConfig`.
"""

import math
import time
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from . import variants
from .data.batches import Batches, fingerprint, seed_of, train_val_split, whole
from .dataset import ImageSet, load
from .evaluation import center_crop_probabilities, ten_crop_probabilities, topk_misses
from .guard import require_path
from .learning import Plateau, TrainConfig
from .memory import in_place
from .training import checkpoints
from .training.fileio import atomic_write, held
from .training.ranks import World, asked_to_stop, enough_memory, joined, share, total
from .training.result import DivergedError, Interrupted, TrainResult
from .training.runlog import RunLog

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
# What a resumed run may change. Everything else would make it another run.
CHANGEABLE = {"epochs", "lr", "milestones", "max_drops", "patience", "color_noise", "weight_decay"}
CHANGEABLE |= {"precision", "channels_last", "compiled"}
LOOK_EVERY = 20  # steps between looks at the loss on a GPU or with several processes: a look waits for all


@dataclass
class Progress:
    """What a run has done so far. All of it is in its checkpoints."""

    epoch: int = 0  # whole epochs
    step: int = 0  # steps of the epoch after them
    seconds: float = 0.0
    curves: dict[str, list[float]] = field(default_factory=dict)
    changes: list[dict] = field(default_factory=list)  # what resuming changed, and at which epoch


def train(
    config: TrainConfig,
    folder: str | Path | None = None,
    *,
    resume: bool = False,
    root: str | Path | None = None,
    cache: str | Path | None = None,
    sets: tuple[ImageSet, ImageSet] | None = None,
    net: nn.Module | None = None,
    device: str | None = None,
    save_seconds: float = 300.0,
    progress: bool = True,
) -> TrainResult:
    """Train one net as `config` says, and measure it on the test set at the end (§5, §6).

    folder: where checkpoints, log.jsonl and weights.pt go; None writes nothing. resume: go on from the newest
    checkpoint there; the run then ends, on a CPU, with the same bits as one that was never broken off.
    sets: (training, test) images in place of the ones that config.data names; root and cache as for
    `dataset.load`: with a cache, images are decoded once and read from the disk, as ImageNet has to be.
    net: another net for images of config.input_size. device: "cpu" or "cuda", by default where a GPU is.
    save_seconds: the longest time between two checkpoints.

    Raises ValueError for what does not fit together, MemoryError for a batch that the memory does not hold,
    DivergedError when the loss is no number any more, and Interrupted after Ctrl-C or SIGTERM, when a
    checkpoint has been written.
    """
    folder = (
        None if folder is None else require_path("folder", folder, "where the run is kept (--out), or None")
    )
    with joined(device) as world, _alone(folder, world):
        found = checkpoints.newest(folder) if folder else None
        if found and not resume:
            raise ValueError(
                f"folder is {folder}, and holds a run already: go on with it by resume=True (--resume), or "
                f"name another folder"
            )
        if resume and not found:
            raise ValueError(
                f"resume is asked for, and folder {folder} holds no checkpoint: name the run's folder, "
                f"or leave resume out"
            )
        if sets is None:
            size = stored_size(config)
            sets = tuple(
                load(config.data, split, root, size=size, cache=cache) for split in ("train", "test")
            )
        run = Training(config, *sets, world, folder, net)
        if resume:
            run.load(*found)
        return run.run(save_seconds, progress)


def stored_size(config: TrainConfig) -> int | None:
    """The side that images are loaded with: those of CIFAR-10 stay small, and are enlarged batch by batch."""
    return None if config.data == "cifar10" else config.image_size


class Training:
    """One run on one process; several processes run the same, each on its own rows of every batch."""

    def __init__(
        self,
        config: TrainConfig,
        images: ImageSet,
        test: ImageSet,
        world: World,
        folder: Path | None,
        net: nn.Module | None = None,
    ):
        self.config, self.images, self.test, self.world, self.folder = config, images, test, world, folder
        chosen, self.validation = train_val_split(
            images, config.val_fraction, config.split, config.training_images
        )
        self.batches = Batches(images, chosen, config, world)
        torch.manual_seed(seed_of(config.seed, "weights"))
        self.net = net or build_net(config, len(images.classes))
        self.ours = net is None
        self.net.to(world.device)
        if config.channels_last:
            self.net.to(memory_format=torch.channels_last)
        self.optimizer, self.plan = config.make_optimizer(self.net), config.plan()
        self.plateau = Plateau(config.max_drops if config.watches_plateau else 0, config.patience)
        precise = config.precision == "float16"  # whose small gradients need scaling up
        self.scaler = torch.amp.GradScaler(world.device.type, enabled=precise)
        self.model = variants.Scaled(self.net, config.input_scale)
        if config.compiled:
            self.model = torch.compile(self.model)
        self.parallel = self.model
        if world.size > 1:
            _require_no_statistics(self.net, config, world)
            ids = [world.device] if world.device.type == "cuda" else None
            self.parallel = DistributedDataParallel(self.model, device_ids=ids)
        self.done, self.data = Progress(), fingerprint(images)
        self.totals = torch.zeros(3, dtype=torch.float64, device=world.device)  # loss, misses, images
        self.shown = {}
        self.saved = time.monotonic()

    def run(self, save_seconds: float, progress: bool) -> TrainResult:
        """All epochs from where the run stands, then the test set."""
        with in_place(self.net) if self.ours else nullcontext():  # another's may need what a ReLU reads
            self._learn(save_seconds, progress)
            return self._outcome(progress)

    def _learn(self, save_seconds: float, progress: bool) -> None:
        """All epochs from where the run stands."""
        size, steps = self.config.batch_size, self.batches.steps
        bar = tqdm(
            desc="training",
            total=self.config.epochs * steps * size,
            initial=(self.done.epoch * steps + self.done.step) * size,
            unit=" images",
            unit_scale=True,
            disable=not (progress and self.world.leads) or None,
        )
        writes = self.folder if self.world.leads else None
        log = RunLog(writes, self.done.epoch, self.done.step)
        begun = time.perf_counter() - self.done.seconds
        with bar, closing(log), asked_to_stop() as asked:
            while not self._finished():
                self._set_rates()
                self.parallel.train()
                while self.done.step < steps:
                    with enough_memory(self.config.batch_size, self.world):
                        self._step()
                    bar.update(size)
                    self.done.seconds = time.perf_counter() - begun
                    if self._time_to_look():
                        self._look(bar, log)
                        late = time.monotonic() - self.saved > save_seconds
                        stop, due = self._agree(asked.is_set(), late)
                        if stop or due:
                            self._save()
                        if stop:
                            raise Interrupted(self._how_to_go_on())
                self._end_epoch(bar, log)
                self.done.seconds = time.perf_counter() - begun
                if self.done.epoch == 1 or self._finished():
                    self._save()

    def _finished(self) -> bool:
        """Whether all epochs are done, or the error is as low as the run is asked to bring it."""
        errors = self.done.curves.get("training error", [])
        low = self.config.stop_at_error
        return self.done.epoch >= self.config.epochs or (low is not None and min(errors, default=1.0) <= low)

    def _step(self) -> None:
        """One batch forward, back, and into the weights."""
        done, config = self.done, self.config
        images, labels = self.batches.step(done.epoch, done.step)
        # Dropout draws from torch's own generator, in each process its own masks.
        torch.manual_seed(seed_of(config.seed, "dropout", done.epoch, done.step, self.world.rank))
        with self._precision():
            scores = self.parallel(images)
            loss = F.cross_entropy(scores.float(), labels)
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        misses = topk_misses(scores.detach(), labels, 1).sum()
        count = torch.full_like(misses, len(labels))
        self.totals += torch.stack([loss.detach() * len(labels), misses, count]).double()
        done.step += 1

    def _set_rates(self) -> None:
        for group in self.optimizer.param_groups:
            factor = self.plan[group["plan"]].factor(self.done.epoch)
            group["lr"] = self.config.lr * factor * self.plateau.factor

    def _time_to_look(self) -> bool:
        every = 1 if self.world.size == 1 and self.world.device.type == "cpu" else LOOK_EVERY
        return self.done.step % every == 0 or self.done.step == self.batches.steps

    def _look(self, bar: tqdm, log: RunLog) -> None:
        """Show where the run stands, and end it where the loss is no number any more."""
        loss, error = self._training_loss_and_error()
        if not math.isfinite(loss):
            raise DivergedError(self._what_to_try(loss))
        self.shown |= {"loss": f"{loss:.3f}", "training error": f"{error:.1%}"}
        bar.set_postfix(self.shown)
        log.step(self.done.epoch, self.done.step, {"training loss": loss, "training error": error})

    def _training_loss_and_error(self) -> tuple[float, float]:
        """Averages over the epoch so far, all processes together."""
        loss, misses, count = total(self.totals.clone(), self.world).tolist()
        return loss / count, misses / count

    def _end_epoch(self, bar: tqdm, log: RunLog) -> None:
        loss, error = self._training_loss_and_error()
        values = {
            "training loss": loss,
            "training error": error,
            "lr": self.optimizer.param_groups[-1]["lr"],
        }
        if len(self.validation):
            values["validation error"] = self._errors(
                self.images, self.validation, center_crop_probabilities
            )[0]
            self.shown["validation error"] = f"{values['validation error']:.1%}"
            self.plateau.see(values["validation error"])
        for name, value in values.items():
            self.done.curves.setdefault(name, []).append(value)
        self.done.epoch, self.done.step = self.done.epoch + 1, 0
        self.totals.zero_()
        bar.set_postfix(self.shown)
        log.epoch(self.done.epoch, values)

    def _errors(self, images: ImageSet, chosen: Tensor, probabilities, progress: bool = False) -> list[float]:
        """Top-1 and top-5 error on some images, each of which one process judges."""
        mine = chosen[share(len(chosen), self.world)]
        misses = torch.zeros(2, dtype=torch.float64, device=self.world.device)
        hidden = not (progress and self.world.leads) or None
        for rows in tqdm(mine.split(64), "test set", unit=" batches", disable=hidden):
            shown = whole(images.images[rows].to(self.world.device), self.config.image_size)
            with self._precision():
                found = probabilities(self.model, shown, self.config.input_size, mean=self.batches.mean)
            labels = images.labels[rows].to(self.world.device)
            for k, guesses in enumerate((1, min(5, len(images.classes)))):
                misses[k] += topk_misses(found.float(), labels, guesses).sum()
        return (total(misses, self.world) / len(chosen)).tolist()

    def _outcome(self, progress: bool) -> TrainResult:
        everything, results = torch.arange(len(self.test)), {}
        judges = {"center": center_crop_probabilities}
        if self.config.image_size > self.config.input_size:  # without a border the ten are two, five times
            judges["ten crops"] = ten_crop_probabilities
        for crops, probabilities in judges.items():
            top1, top5 = self._errors(self.test, everything, probabilities, progress)
            results |= {f"top-1 error, {crops}": top1, f"top-5 error, {crops}": top5}
        trained = self.done.epoch * self.batches.steps * self.config.batch_size
        results["images per second"] = trained / self.done.seconds
        if self.folder and self.world.leads:
            weights = self.net.state_dict()
            atomic_write(self.folder / "weights.pt", lambda file: torch.save(weights, file))
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

    def _precision(self):
        if self.config.precision == "float32":
            return nullcontext()
        return torch.autocast(self.world.device.type, PRECISIONS[self.config.precision])

    def _agree(self, *wishes: bool) -> list[bool]:
        """What any process wishes, all do."""
        if self.world.size == 1:
            return list(wishes)
        counted = torch.tensor(wishes, dtype=torch.float32, device=self.world.device)
        return [count > 0 for count in total(counted, self.world).tolist()]

    def _save(self) -> None:
        """Write a checkpoint, if there is a folder for it; all processes call this, one writes."""
        if not self.folder:
            return
        if not all(weight.isfinite().all() for weight in self.net.parameters()):
            raise DivergedError(self._what_to_try(math.nan))
        state = self.state()
        if self.world.leads:
            checkpoints.save(state, self.folder, self.done.epoch * self.batches.steps + self.done.step)
        self.saved = time.monotonic()

    def state(self) -> dict:
        """Everything that the run needs to go on; random numbers follow from seed, epoch and step."""
        return {
            "config": asdict(self.config),
            "data": self.data,
            "classes": list(self.images.classes),
            "mean": self.batches.mean.cpu(),
            "progress": asdict(self.done),
            "totals": total(self.totals.clone(), self.world).cpu(),
            "plateau": asdict(self.plateau),
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def load(self, path: Path, state: dict) -> None:
        """Stand where a checkpoint stands. Raises ValueError where it is of another run."""
        before, now = state["config"], asdict(self.config)
        changed = {
            name: [before.get(name), value] for name, value in now.items() if before.get(name) != value
        }
        fixed = sorted(changed.keys() - CHANGEABLE)
        if fixed:
            name = fixed[0]
            raise ValueError(
                f"{name} is {now[name]!r}, and the run in {path.parent} has {before.get(name)!r}: a resumed "
                f"run keeps all but {', '.join(sorted(CHANGEABLE))}. Name another folder for another run"
            )
        if state["data"] != self.data:
            raise ValueError(
                f"data {self.images.name!r} is not what the run in {path.parent} was trained on: its images, "
                f"labels or classes have changed. Restore them, or start anew in another folder"
            )
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        for group, fresh in zip(
            self.optimizer.param_groups, self.config.make_optimizer(self.net).param_groups, strict=True
        ):
            group["weight_decay"] = fresh["weight_decay"]
        self.scaler.load_state_dict(state["scaler"])
        self.plateau = replace(
            self.plateau, **{k: state["plateau"][k] for k in ("best", "waited", "divided")}
        )
        self.done = Progress(**state["progress"])
        if self.world.leads:  # the others count from nothing: the sum is what the run has
            self.totals.copy_(state["totals"])
        if changed:
            self.done.changes.append({"epoch": self.done.epoch, **changed})

    def _how_to_go_on(self) -> str:
        at = f"stopped in epoch {self.done.epoch + 1} after step {self.done.step}"
        if not self.folder:
            return f"{at}; nothing was saved, because no folder was named (--out)"
        return f"{at}; saved in {self.folder}. Go on with the same command and --resume"

    def _what_to_try(self, loss: float) -> str:
        done = self.done
        where = f"the loss is {loss} in epoch {done.epoch + 1} at step {done.step}"
        advice = f"try a tenth of the rate (--set lr={self.config.lr / 10:g})"
        if self.config.precision != "float32":
            advice += ", or precision=float32"
        found = checkpoints.newest(self.folder) if self.folder else None
        left = (
            f"the last good state is {found[0]}: --resume starts from it" if found else "no state was saved"
        )
        return f"{where}; {advice}; {left}"


def build_net(config: TrainConfig, classes: int) -> nn.Module:
    """The net that a run trains: its spec, with this run's input side, dropout and number of classes."""
    return variants.build(config.spec, config.input_size, config.dropout, classes)


def _require_no_statistics(net: nn.Module, config: TrainConfig, world: World) -> None:
    """Refuse a net that gathers statistics of whole batches: a process sees its own rows alone."""
    if any(True for _ in net.buffers()):
        raise ValueError(
            f"spec is {config.spec!r}, which normalizes by statistics of a batch, and each of {world.size} "
            f"processes has a part of it: train this net in one process"
        )


def _alone(folder: Path | None, world: World):
    """Keep the run's folder from other runs; one process does it for all."""
    return held(folder) if folder and world.leads else nullcontext()
