"""Nets out of the folders of their runs, and what they say of images together (§6)."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..data.batches import whole
from ..dataset import ImageSet
from ..evaluation import center_crop_probabilities, ten_crop_probabilities
from ..guard import require_choice
from ..learning import TrainConfig
from ..train import build_net
from ..variants import Scaled
from . import checkpoints

CROPS = {"center": center_crop_probabilities, "ten": ten_crop_probabilities}


@dataclass(frozen=True, eq=False)
class TrainedNet:
    """A net as its run left it. mean: (3, side, side), what is subtracted from an image (§2)."""

    net: nn.Module
    config: TrainConfig
    mean: Tensor
    classes: tuple[str, ...]

    def probabilities(self, images: ImageSet, crops: str = "ten", device: str = "cpu") -> Tensor:
        """The net's softmax on every image, (N, classes), on the center crop or averaged over "ten" (§4.1).

        Raises ValueError where the images have other classes than those the net has learned.
        """
        judge = CROPS[require_choice("crops", crops, CROPS)]
        if images.classes != self.classes:
            raise ValueError(
                f"images of {images.name!r} have the classes {', '.join(images.classes[:3])}, ..., and the "
                f"net knows {', '.join(self.classes[:3])}, ...: judge it on the set that it was trained for"
            )
        model = Scaled(self.net, self.config.input_scale).to(device)
        side, crop = self.config.image_size, self.config.input_size
        parts = (whole(part, side) for part in images.images.split(64))
        return torch.cat([judge(model, part, crop, mean=self.mean) for part in parts])


def load_net(folder: str | Path) -> TrainedNet:
    """The net of the newest checkpoint in the folder of a run.

    Raises FileNotFoundError where no run is, CheckpointError where none of its checkpoints is whole.
    """
    found = checkpoints.newest(folder)
    if not found:
        raise FileNotFoundError(f"folder {folder} holds no checkpoint: name the --out of an `alexnet train`")
    _, state = found
    config, classes = TrainConfig(**state["config"]), tuple(state["classes"])
    net = build_net(config, len(classes))
    net.load_state_dict(state["net"])
    return TrainedNet(net.eval(), config, state["mean"], classes)
