"""What the net has learned (§6.1): first-layer kernels trained on real photographs."""

from functools import cache
from importlib.resources import files

import numpy as np
import torch
from torch import Tensor, nn

from .architecture import OverhangConv2d

RECORD = files("alexnet_lib") / "results" / "first_layer"


@cache
def _recorded() -> dict[str, Tensor]:
    with (RECORD / "kernels.npz").open("rb") as stored:
        return {name: torch.from_numpy(array).float() for name, array in np.load(stored).items()}


def recorded_first_layer() -> nn.Conv2d:
    """conv1 (§3.5) with the 96 recorded kernels: (N, 3, 224, 224), mean subtracted -> (N, 96, 55, 55).

    Trained by `tools/first_layer.py` in a small three-layer net on Imagenette, not in AlexNet; the record
    beside the kernels says how.
    """
    layer = OverhangConv2d(3, 96, 11, stride=4)
    with torch.no_grad():
        layer.weight.copy_(_recorded()["kernels"])
        layer.bias.copy_(_recorded()["bias"])
    return layer.requires_grad_(False)


def recorded_mean() -> Tensor:
    """The mean red, green and blue that the recorded kernels expect to be subtracted, (3, 1, 1)."""
    return _recorded()["mean"].view(3, 1, 1).clone()
