"""What comes of a run: a net with its errors, and the same net out of the run's folder (§6)."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from .. import records
from ..data.batches import resize_stored
from ..dataset import ImageSet
from ..evaluation import center_crop_probabilities, ten_crop_probabilities
from ..guard import require_choice, require_kind
from ..learning import TrainConfig
from ..specs import InputScale, build
from . import checkpoints

CROPS = {"center": center_crop_probabilities, "ten": ten_crop_probabilities}


class DivergedError(ArithmeticError):
    """The loss became NaN or infinite. The message names the step, a remedy, and the last good state."""


class Interrupted(KeyboardInterrupt):
    """The run was asked to stop, and stopped after a whole step; the message says how to go on."""


@dataclass(frozen=True, eq=False)
class TrainResult:
    """A finished run: the net, what it learned with, how the errors fell, and the errors on the test set."""

    net: nn.Module
    config: TrainConfig
    mean: Tensor  # (3, side, side): what the net expects to be subtracted
    curves: dict[str, list[float]]
    results: dict[str, float]
    seconds: float
    data: str
    images: int
    changes: list[dict]

    def record(self, experiment: str, label: str, command: str) -> records.Record:
        """This run as it goes on record."""
        return records.Record(
            experiment=experiment,
            label=label,
            command=command,
            data=self.data,
            images=self.images,
            seed=self.config.seed,
            # As its file gives it back: a tuple would come back as a list.
            config=json.loads(json.dumps({**asdict(self.config), "changes": self.changes})),
            seconds=round(self.seconds, 1),
            curves=self.curves,
            results=self.results,
            **records.environment(next(self.net.parameters()).device.type),
        )


@dataclass(frozen=True, eq=False)
class TrainedNet:
    """A net as its run left it. mean: (3, side, side), what is subtracted from an image (§2)."""

    net: nn.Module
    config: TrainConfig
    mean: Tensor
    classes: tuple[str, ...]

    def probabilities(
        self, images: ImageSet, crops: str = "ten", device: str = "cpu", progress: bool = False
    ) -> Tensor:
        """The net's softmax on every image, (N, classes), on the center crop or averaged over "ten" (§4.1).

        Raises ValueError where the images have other classes than those the net has learned.
        """
        require_kind("images", images, ImageSet, "load('imagenette', 'test') gives one")
        judge = CROPS[require_choice("crops", crops, CROPS)]
        if images.classes != self.classes:
            raise ValueError(
                f"images of {images.name!r} have the classes {', '.join(images.classes[:3])}, ..., and the "
                f"net knows {', '.join(self.classes[:3])}, ...: judge it on the set that it was trained for"
            )
        model = InputScale(self.net, self.config.input_scale).to(device)
        side, size, found = self.config.image_size, self.config.input_size, []
        with tqdm(
            desc=f"{crops} crops", total=len(images), unit=" images", disable=not progress or None
        ) as bar:
            for part in images.images.split(64):
                found.append(judge(model, resize_stored(part, side), size, mean=self.mean))
                bar.update(len(part))
        return torch.cat(found)


def load_net(folder: str | Path) -> TrainedNet:
    """The net of the newest checkpoint in the folder of a run, or of the checkpoint that is named.

    Raises FileNotFoundError where no run is, CheckpointError where none of its checkpoints is whole.
    """
    if Path(folder).is_file():
        state = checkpoints.read(folder)
    elif found := checkpoints.newest(folder):
        state = found[1]
    else:
        raise FileNotFoundError(f"folder {folder} holds no checkpoint: name the --out of an `alexnet train`")
    if "classes" not in state:
        raise checkpoints.CheckpointError(
            f"{folder} holds weights alone: name the checkpoint of the same run"
        )
    config, classes = config_of(state), tuple(state["classes"])
    net = build_net(config, len(classes))
    net.load_state_dict(state["net"])
    return TrainedNet(net.eval(), config, state["mean"], classes)


def config_of(state: dict) -> TrainConfig:
    """The config in a checkpoint; fields that it had under other names, or not yet, are understood."""
    return TrainConfig(**records.renamed(state["config"]))


def build_net(config: TrainConfig, classes: int) -> nn.Module:
    """The net that a run trains: its spec, with this run's input side, dropout, initial weights, classes."""
    return build(config.spec, config.input_size, config.dropout, classes, config.init)
