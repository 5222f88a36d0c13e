"""Trained networks by name: the one that ships with the book, torchvision's, or one of your own runs."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor, nn

from ..architecture import SPECS, AlexNet
from ..specs import InputScale
from ..training.runs import load_net


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network and what it expects: square pictures of `side` pixels, of which it reads `crop`.

    mean: float32 (3, side, side), subtracted on the scale 0-255; factor: what the rest is multiplied by. spec
    is the name that builds the network again.
    """

    net: nn.Module
    mean: Tensor
    factor: float
    classes: tuple[str, ...]
    crop: int
    spec: str
    name: str

    @property
    def side(self) -> int:
        return self.mean.shape[-1]

    @property
    def model(self) -> nn.Module:
        """The network for pixels from which the mean is subtracted, and nothing else done."""
        return InputScale(self.net, self.factor).eval()


def load_trained(weights: str | os.PathLike = "imagenette") -> Trained:
    """The network of a name: "imagenette" (§3.5, ten classes, ships with the library), "torchvision" (1000
    classes of ImageNet, downloaded once, 233 MB), or the folder of a run of `alexnet train` or `finetune`.

    Raises OSError where torchvision's file cannot be fetched, FileNotFoundError where no run is.
    """
    if weights == "imagenette":
        from ..qualitative import trained_network

        found = trained_network()
        crop = found.net.spec.image_size
        return Trained(
            found.net, found.mean, found.input_scale, tuple(found.classes), crop, "paper", "imagenette"
        )
    if weights == "torchvision":
        return _torchvision()
    if not Path(weights).exists():
        raise FileNotFoundError(
            f"weights is {str(weights)!r}, and no such folder exists: use imagenette, torchvision, or the "
            f"--out of a run"
        )
    run = load_net(weights)
    config = run.config
    return Trained(
        run.net, run.mean, config.input_scale, run.classes, config.input_size, config.spec, Path(weights).name
    )


def _torchvision() -> Trained:
    """torchvision's weights in AlexNet("torchvision").

    torchvision divides each color by its own standard deviation. One factor for all three stands outside, and
    what is left of the three, within 2 %, goes into the kernels of conv1.
    """
    from torchvision.models import AlexNet_Weights

    kind = AlexNet_Weights.IMAGENET1K_V1
    try:
        state = kind.get_state_dict(progress=True, check_hash=True)
    except (URLError, OSError) as error:
        where = Path(torch.hub.get_dir(), "checkpoints", kind.url.rpartition("/")[2])
        raise OSError(
            f"weights is 'torchvision', and {kind.url} cannot be fetched ({error}): get it elsewhere and "
            f"put it at {where}"
        ) from None
    recipe = kind.transforms()
    means, stds = 255 * torch.tensor(recipe.mean), 255 * torch.tensor(recipe.std)
    side, crop = recipe.resize_size[0], recipe.crop_size[0]
    factor = 1 / stds.mean().item()
    net = AlexNet(replace(SPECS["torchvision"], image_size=crop))
    net.load_state_dict(state)
    with torch.no_grad():
        net.features.conv1.weight.mul_((1 / stds / factor)[:, None, None])
    mean = means[:, None, None].expand(3, side, side).clone()
    classes = tuple(kind.meta["categories"])
    return Trained(net.eval(), mean, factor, classes, crop, "torchvision", "torchvision")
