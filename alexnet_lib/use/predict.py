"""What a trained network sees in your photographs (§6.1)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..augmentation import center_crop
from ..data.images import read_images
from ..evaluation import center_crop_probabilities, evaluating, ten_crop_probabilities
from ..guard import Count, validated
from ..qualitative import Guess, topk_labels
from .weights import Trained, load_trained, require_alexnet

GRAY = 0.0  # of the square that covers a place, after the mean is subtracted


@dataclass(frozen=True, eq=False)
class Prediction:
    """A photograph, and the labels that the network finds most probable, best first."""

    photo: Path
    guesses: tuple[Guess, ...]
    image: Tensor  # uint8 (3, side, side), as the network gets it


@validated
def predict(
    photos: Sequence[str | os.PathLike],
    weights: str | os.PathLike | Trained = "imagenette",
    *,
    k: Count = 5,
    ten_crops: bool = False,
) -> list[Prediction]:
    """The k most probable classes of each photograph, on the center crop or averaged over ten (§4.1).

    photos: files of any size and kind that Pillow reads. weights: as for `trained`, or what it returned.
    Raises FileNotFoundError for a photograph that is not there, CorruptImageError for one that is no picture.
    """
    paths = [Path(photo) for photo in photos]
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"photo is {str(path)!r}, and no such file exists: name a picture")
    found = weights if isinstance(weights, Trained) else load_trained(weights)
    images = read_images(paths, found.side)
    judge = ten_crop_probabilities if ten_crops else center_crop_probabilities
    probabilities = judge(found.model, images, found.crop, mean=found.mean)
    guesses = topk_labels(probabilities, found.classes, min(k, len(found.classes)))
    return [Prediction(*row) for row in zip(paths, guesses, images, strict=True)]


@torch.no_grad()
def layer_maps(found: Trained, image: Tensor) -> dict[str, Tensor]:
    """What each convolution says after its activation function, on the center crop: name -> (channels, H, W).

    Raises ValueError for a net that is no AlexNet.
    """
    require_alexnet(found)
    maps, hooks, parts = {}, [], dict(found.net.features.named_children())
    for name in [name for name in parts if name.startswith("conv")]:
        number = name.removeprefix("conv")
        module = parts.get(f"relu{number}", parts.get(f"tanh{number}"))

        def keep(_module, _inputs, output, name=name):
            maps[name] = output[0].clone()

        hooks.append(module.register_forward_hook(keep))
    try:
        found.model(center_crop(image[None].float() - found.mean, found.crop))
    finally:
        for hook in hooks:
            hook.remove()
    return maps


def occlusion(found: Trained, image: Tensor, label: str) -> Tensor:
    """How much of a label's probability is lost when a gray square covers each place: (rows, columns).

    The square is a quarter of the crop wide, and moves by three eighths of itself.
    """
    whole = center_crop(image[None].float() - found.mean, found.crop)
    wide = found.crop // 4
    starts = range(0, found.crop - wide + 1, max(1, 3 * wide // 8))
    covered = whole.repeat(len(starts) ** 2, 1, 1, 1)
    for n, (top, left) in enumerate((top, left) for top in starts for left in starts):
        covered[n, :, top : top + wide, left : left + wide] = GRAY
    k = found.classes.index(label)
    with evaluating(found.net):
        before = found.model(whole).softmax(dim=1)[0, k]
        after = torch.cat([found.model(part).softmax(dim=1)[:, k] for part in covered.split(64)])
    return (before - after).unflatten(0, (len(starts), len(starts)))


def picture(
    prediction: Prediction, found: Trained, path: str | os.PathLike, *, occluded: bool = False
) -> Path:
    """A PNG: the photograph, its guesses, sixteen feature maps of each layer; where the answer comes from.

    Raises FileExistsError for a path that exists.
    """
    from matplotlib.figure import Figure

    path = Path(path)
    if path.exists():
        raise FileExistsError(f"{path} is there already: name another file, or remove it first")
    layers = layer_maps(found, prediction.image)
    columns = 2 + len(layers) + occluded
    figure = Figure(figsize=(2.3 * columns, 2.9), layout="constrained")
    axes = figure.subplots(1, columns)
    shown = center_crop(prediction.image[None], found.crop)[0].permute(1, 2, 0)
    axes[0].imshow(shown)
    axes[0].set_title(prediction.photo.name[:24], fontsize=10)
    told = "\n".join(f"{guess.probability:6.1%}  {guess.label[:18]}" for guess in prediction.guesses)
    axes[1].text(0, 0.5, told, family="monospace", fontsize=9, va="center")
    for axis, (name, maps) in zip(axes[2:], layers.items(), strict=False):
        best = maps[maps.amax(dim=(1, 2)).argsort(descending=True, stable=True)[:16]]
        best = torch.nn.functional.pad(best / best.amax().clamp(min=1e-12), (1, 1, 1, 1), value=float("nan"))
        best = torch.nn.functional.pad(best, (0, 0, 0, 0, 0, 16 - len(best)))
        sheet = best.unflatten(0, (4, 4)).permute(0, 2, 1, 3).flatten(0, 1).flatten(1, 2)
        axis.imshow(sheet, cmap="magma")
        axis.set_title(f"{name}: 16 of {len(maps)}", fontsize=10)
    if occluded:
        first = prediction.guesses[0].label
        lost = occlusion(found, prediction.image, first)
        axes[-1].imshow(shown, alpha=0.5)
        extent = (0, found.crop, found.crop, 0)
        axes[-1].imshow(lost, cmap="magma", alpha=0.6, extent=extent, interpolation="bilinear")
        axes[-1].set_title(f"covered, {first[:14]} loses", fontsize=10)
    for axis in axes:
        axis.axis("off")
    part = path.with_name(path.name + ".part")
    figure.savefig(part, format="png", dpi=110)
    return part.rename(path)
