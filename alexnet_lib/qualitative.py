"""What the net has learned (§6.1): the colors of its first kernels, its best guesses, its nearest images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from io import BytesIO
from typing import NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor, nn

from .architecture import CeilConv2d
from .evaluation import center_crop_probabilities
from .guard import require_count, require_kind, require_net, require_tensor
from .paper import IMAGES
from .records import RESULTS, fields_of

RECORD = RESULTS / "first_layer"


@cache
def _recorded() -> dict[str, Tensor]:
    newest = max(RECORD.glob("*.json"))
    content = newest.with_suffix(".npz").read_bytes()
    if fields_of(newest)["versions"]["kernels"] != kernels_digest(content):
        raise ValueError(
            f"{newest.stem}.npz was changed after {newest.name} was written, and records are never edited: "
            f"git shows what it was"
        )
    return {name: torch.from_numpy(array).float() for name, array in np.load(BytesIO(content)).items()}


def kernels_digest(content: bytes) -> str:
    """What a record of first kernels says of the file beside it that holds them."""
    return f"SHA-256 {sha256(content).hexdigest()}"


def recorded_first_layer() -> nn.Conv2d:
    """conv1 (§3.5) with the 96 recorded kernels: (N, 3, 224, 224), mean subtracted -> (N, 96, 55, 55).

    They are those of the newest record in results/first_layer, which says in which net they were trained.
    """
    layer = CeilConv2d(3, 96, 11, stride=4)
    with torch.no_grad():
        layer.weight.copy_(_recorded()["kernels"])
        layer.bias.copy_(_recorded()["bias"])
    return layer.requires_grad_(False)


def recorded_mean() -> Tensor:
    """The mean red, green and blue that the recorded kernels expect to be subtracted, (3, 1, 1)."""
    return _recorded()["mean"].view(3, 1, 1).clone()


def colorfulness(kernels: Tensor) -> Tensor:
    """How much of each kernel's energy is color (§6.1: "color-agnostic", "color-specific"): (N,) in [0, 1].

        1 - sum (R + G + B)^2 / (3 sum (R^2 + G^2 + B^2)),   sums over the places of the kernel

    The weights of a place are a vector in the space of colors. Its part along gray, where R = G = B, answers
    to light and dark alone; the rest is blind to gray. 0: all gray. 1: at every place the three weights add
    up to 0. A kernel of independent noise has about 2/3, since two of the three directions are color. A
    kernel of zeros counts as gray.

    kernels: (N, 3, h, w), float.
    """
    if not isinstance(kernels, Tensor) or kernels.dim() != 4 or kernels.shape[1] != 3:
        shape = tuple(kernels.shape) if isinstance(kernels, Tensor) else type(kernels).__name__
        raise ValueError(f"kernels are {shape}, and must be a tensor (N, 3, h, w): red, green, blue")
    weights = require_tensor("kernels", kernels, "(N, 3, h, w)", "trained weights", finite=True).double()
    energy = weights.square().sum(dim=(1, 2, 3))  # (N,)
    gray = weights.sum(dim=1).square().sum(dim=(1, 2)) / 3
    share = torch.where(energy > 0, 1 - gray / energy.clamp(min=torch.finfo(torch.float64).tiny), 0.0)
    return share.clamp(0, 1).float()


@dataclass(frozen=True)
class TowerGap:
    """How far apart the towers' mean colorfulness lies, and how often chance parts the kernels so far."""

    means: tuple[float, ...]  # one for each tower
    gap: float  # the highest mean minus the lowest
    p: float
    splits: int
    by_chance: float  # the mean gap of the random splits

    def __repr__(self) -> str:
        means = ", ".join(f"{mean:.2f}" for mean in self.means)
        return (
            f"mean colorfulness {means}: a gap of {self.gap:.2f}. A random split of the same kernels has "
            f"one as wide with p = {self.p:.1g} ({self.splits:,} splits)"
        )


def tower_gap(kernels: Tensor, towers: int = 2, *, splits: int = 9999, seed: int = 0) -> TowerGap:
    """Are the kernels of one tower more colorful than those of the other (§6.1)? With a null.

    kernels: (N, 3, h, w), the first N / towers of them of the first tower. The null deals the same kernels
    out to towers of the same size at random. Which tower is colorful is not asked, so the gap has no sign.
    p counts the given split among the random ones, so it is never 0.

    Kernels of one net influence each other, so p says how odd this split is, and not how often another net,
    from another seed, would show a gap. That needs several nets.
    """
    require_count("towers", towers, "a gap is between towers (§3.2: 2)", ge=2)
    require_count("splits", splits, "it counts the random splits (9999)", le=10**6)
    seed = require_count("seed", seed, "it starts the random splits", ge=0)
    share = colorfulness(kernels).double()
    if not len(share) or len(share) % towers:
        raise ValueError(
            f"kernels are {len(share)}, and {towers} towers of the same size need a multiple of {towers}"
        )
    draw = Generator().manual_seed(seed)
    # Sorting random numbers is a fair shuffle: one row each, all at once.
    order = torch.rand(splits, len(share), generator=draw).argsort(dim=1)
    order = torch.cat([torch.arange(len(share))[None], order])  # (1 + splits, N), the given split first
    means = share.cpu()[order].view(len(order), towers, -1).mean(dim=2)
    gaps = means.amax(dim=1) - means.amin(dim=1)
    # A split may be the given one with its kernels in another order, and then differs by rounding alone.
    as_far = (gaps >= gaps[0] - 1e-12).double().mean().item()
    return TowerGap(tuple(means[0].tolist()), gaps[0].item(), as_far, splits, gaps[1:].mean().item())


class Guess(NamedTuple):
    """A label and the probability that a net gives to it."""

    label: str
    probability: float


def topk_labels(probabilities: Tensor, classes: Sequence[str], k: int = 5) -> tuple[tuple[Guess, ...], ...]:
    """The k labels that a net finds most probable, for each image (§6.1, Figure 4 left), best first.

    probabilities: (N, classes). Of equal probabilities the first label leads.
    """
    require_count("k", k, "it counts the labels of an image (§6.1: 5)")
    require_kind("classes", classes, Sequence[str])
    require_tensor("probabilities", probabilities, "(N, classes)", "a net's softmax", finite=True)
    if probabilities.shape[1] != len(classes) or k > len(classes):
        raise ValueError(
            f"probabilities are {tuple(probabilities.shape)} for {len(classes)} classes and {k} labels: pass "
            f"(N, {len(classes)}), and k up to {len(classes)}"
        )
    values, indices = probabilities.sort(dim=1, descending=True, stable=True)
    return tuple(
        tuple(Guess(classes[i], value) for i, value in zip(row[:k], best[:k], strict=True))
        for row, best in zip(indices.tolist(), values.tolist(), strict=True)
    )


def hidden_activities(
    model: nn.Module,
    images: Tensor,
    size: int = IMAGES.crop,
    *,
    mean: Tensor | None = None,
    batch: int = 64,
    layer: nn.Module | None = None,
) -> Tensor:
    """What the last hidden layer says about the central crop of each image (§6.1): (N, 4096) in AlexNet.

    layer: the module whose output is taken; else the model's last `nn.ReLU`, in AlexNet relu7. All else is
    as for `evaluation.center_crop_probabilities`: test mode, the mean, the devices.
    """
    if layer is None:
        units = [module for module in require_net("model", model).modules() if isinstance(module, nn.ReLU)]
        if not units:
            raise ValueError("layer is None, and the model has no nn.ReLU: pass the module of the last layer")
        layer = units[-1]
    parts = []

    def keep(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        # A copy: a ReLU that works in place, or dropout behind it, may write over the output.
        parts.append(output.detach().flatten(1).to(images.device, copy=True))

    hook = require_net("layer", layer).register_forward_hook(keep)
    try:
        center_crop_probabilities(model, images, size, mean=mean, batch=batch)
    finally:
        hook.remove()
    rows = sum(len(part) for part in parts)
    if rows != len(images):
        raise ValueError(
            f"layer gave {rows} rows for {len(images)} images, so it does not run once for each: pass a "
            f"module of the model that does"
        )
    return torch.cat(parts)


def nearest(query: Tensor, gallery: Tensor, k: int = 6, *, batch: int = 256) -> tuple[Tensor, Tensor]:
    """Indices and distances of the k nearest of a gallery to each query, by Euclidean distance (§6.1).

    query: (Q, ...), gallery: (G, ...), activities or pixels of the same shape. Both results are (Q, k),
    nearest first; of equal distances the lower index leads. Differences are squared and summed in float64:
    the quicker |a|^2 + |b|^2 - 2ab loses small distances to rounding. `batch` images of each are compared at
    a time.
    """
    batch = require_count("batch", batch, "it counts the images compared at a time")
    require_count("k", k, "it counts the nearest images (Figure 4: 6)")
    for name, value in (("query", query), ("gallery", gallery)):
        require_tensor(name, value, "(N, ...)", "activities or pixels, finite ones", finite=True)
    if query.shape[1:] != gallery.shape[1:] or k > len(gallery):
        raise ValueError(
            f"query is {tuple(query.shape)} and gallery {tuple(gallery.shape)}, and {k} nearest are asked "
            f"for: pass the same kind of numbers for both, and k up to {len(gallery)}"
        )
    indices, distances = [], []
    for asked in query.flatten(1).split(batch):
        apart = [_distances(asked, part) for part in gallery.flatten(1).split(batch)]
        ordered = torch.cat(apart, dim=1).sort(dim=1, stable=True)  # (q, G)
        indices.append(ordered.indices[:, :k])
        distances.append(ordered.values[:, :k])
    return torch.cat(indices), torch.cat(distances)


def _distances(a: Tensor, b: Tensor) -> Tensor:
    return torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist")
