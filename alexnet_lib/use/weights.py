"""Trained networks by name: the one that ships with the book, torchvision's, or one of your own runs."""

import hashlib
import json
import os
import pickle
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

    Raises OSError where torchvision's file cannot be fetched, ValueError where the file is another one, and
    FileNotFoundError where no run is.
    """
    if weights == "imagenette":
        from ..widgets.bundle import asset_text  # without the widgets' pictures, which need other packages
        from ..widgets.net_weights import load

        found = load(json.loads(asset_text("network")))
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


def require_alexnet(found: Trained) -> None:
    """Refuse a run of another net than an AlexNet, whose layers have other names."""
    if not isinstance(found.net, AlexNet):
        raise ValueError(
            f"weights is {found.name!r}, a {found.spec!r}, and must be an AlexNet: name the run of a spec "
            f"that `alexnet specs` lists"
        )


def _check_sum(path: Path) -> None:
    """A file that was put there by hand: its name ends with the first digits of its SHA-256."""
    if path.exists():
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()[:8]
        if found != (expected := path.stem.rpartition("-")[2]):
            raise RuntimeError(f"its SHA-256 starts with {found}, not {expected}")


def _torchvision() -> Trained:
    """torchvision's weights in AlexNet("torchvision").

    torchvision divides each color by its own standard deviation. One factor for all three stands outside, and
    what is left of the three, within 2 %, goes into the kernels of conv1.
    """
    from torchvision.models import AlexNet_Weights

    kind = AlexNet_Weights.IMAGENET1K_V1
    where = Path(torch.hub.get_dir(), "checkpoints", kind.url.rpartition("/")[2])
    crop = kind.transforms().crop_size[0]
    net = AlexNet(replace(SPECS["torchvision"], image_size=crop))
    try:
        _check_sum(where)
        net.load_state_dict(kind.get_state_dict(progress=True, check_hash=True, weights_only=True))
    except (RuntimeError, pickle.UnpicklingError, EOFError, AttributeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ValueError(
            f"{where} is not torchvision's file ({reason}): remove it, and it is fetched again"
        ) from None
    except (URLError, OSError) as error:
        raise OSError(
            f"weights is 'torchvision', and {kind.url} cannot be fetched ({error}): get it elsewhere and "
            f"put it at {where}"
        ) from None
    recipe = kind.transforms()
    means, stds = 255 * torch.tensor(recipe.mean), 255 * torch.tensor(recipe.std)
    side, factor = recipe.resize_size[0], 1 / stds.mean().item()
    with torch.no_grad():
        net.features.conv1.weight.mul_((1 / stds / factor)[:, None, None])
    mean = means[:, None, None].expand(3, side, side).clone()
    classes = tuple(kind.meta["categories"])
    return Trained(net.eval(), mean, factor, classes, crop, "torchvision", "torchvision")
