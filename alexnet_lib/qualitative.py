"""What the net has learned (§6.1): the colors of its first kernels, its best guesses, its nearest images."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor, nn

from .architecture import CeilConv2d
from .evaluation import center_crop_probabilities
from .guard import Count, Fraction, Index, require_count, require_tensor, validated
from .paper import IMAGES
from .records import RESULTS

RECORD = RESULTS / "first_layer"


@cache
def _recorded() -> dict[str, Tensor]:
    newest = max(RECORD.glob("*.json")).with_suffix(".npz")
    return {name: torch.from_numpy(array).float() for name, array in np.load(newest).items()}


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
    weights = require_tensor("kernels", kernels, "(N, 3, h, w)", "red, green, blue", finite=True).double()
    energy = weights.square().sum(dim=(1, 2, 3))  # (N,)
    gray = weights.sum(dim=1).square().sum(dim=(1, 2)) / 3
    share = torch.where(energy > 0, 1 - gray / energy.clamp(min=torch.finfo(torch.float64).tiny), 0.0)
    return share.clamp(0, 1).float()


def smoothness(kernels: Tensor) -> Tensor:
    """How alike neighboring weights of each kernel are: the correlation of weights side by side, (N,).

    1 - sum of squared steps to the right and down / (2 * what they would be between independent weights):
    about 0 for noise, near 1 where light and dark lie in broad bands. A kernel of zeros counts as noise.
    """
    weights = require_tensor("kernels", kernels, "(N, 3, h, w)", "red, green, blue", finite=True).double()
    steps = torch.stack([weights.diff(dim=d).square().mean(dim=(1, 2, 3)) for d in (2, 3)]).mean(dim=0)
    energy = weights.square().mean(dim=(1, 2, 3))
    return torch.where(energy > 0, 1 - steps / (2 * energy.clamp(min=1e-300)), 0.0).float()


class KernelCounts(NamedTuple):
    """How many kernels of a tower are of each kind."""

    gray: int
    colored: int
    noise_like: int


@validated
def kernel_counts(
    kernels: Tensor, towers: Count = 2, *, colored: Fraction = 1 / 3, smooth: Fraction = 0.3
) -> tuple[KernelCounts, ...]:
    """How many kernels of each tower are gray, colored and noise-like (§6.1), the first tower first.

    noise-like: `smoothness` below `smooth`, whatever the color, since noise is two thirds color. Of the rest,
    colored: `colorfulness` at or above `colored`; gray: below it. Both bounds are ours; the paper names none.
    """
    color, rough = colorfulness(kernels), smoothness(kernels) < smooth
    kinds = torch.where(rough, 2, (color >= colored).long())  # 0 gray, 1 colored, 2 noise-like
    _require_towers(kernels, towers)
    return tuple(KernelCounts(*tower.bincount(minlength=3).tolist()) for tower in kinds.chunk(towers))


class TowerGap(NamedTuple):
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


@validated
def tower_gap(kernels: Tensor, towers: Count = 2, *, splits: Count = 9999, seed: Index = 0) -> TowerGap:
    """Are the kernels of one tower more colorful than those of the other (§6.1)? With a null.

    kernels: (N, 3, h, w), the first N / towers of them of the first tower. The null deals the same kernels
    out to towers of the same size at random. Which tower is colorful is not asked, so the gap has no sign;
    `kernel_counts` says what each tower holds. p counts the given split among the random ones, so it is
    never 0.

    Kernels of one net influence each other, so p says how odd this split is, and not how often another net,
    from another seed, would show a gap. That needs several nets.
    """
    color = colorfulness(kernels).double().cpu()
    _require_towers(kernels, towers)
    draw = Generator().manual_seed(seed)
    # Sorting random numbers is a fair shuffle: one row each, all at once.
    order = torch.rand(splits, len(color), generator=draw).argsort(dim=1)
    order = torch.cat([torch.arange(len(color))[None], order])  # (1 + splits, N), the given split first
    means = color[order].view(len(order), towers, -1).mean(dim=2)
    gaps = means.amax(dim=1) - means.amin(dim=1)
    # A split may be the given one with its kernels in another order, and then differs by rounding alone.
    as_far = (gaps >= gaps[0] - 1e-12).double().mean().item()
    return TowerGap(tuple(means[0].tolist()), gaps[0].item(), as_far, splits, gaps[1:].mean().item())


def _require_towers(kernels: Tensor, towers: int) -> None:
    if not len(kernels) or len(kernels) % towers:
        raise ValueError(f"kernels are {len(kernels)}, and {towers} towers need a multiple of {towers}")


class Guess(NamedTuple):
    """A label and the probability that a net gives to it."""

    label: str
    probability: float


@validated
def topk_labels(probabilities: Tensor, classes: Sequence[str], k: Count = 5) -> tuple[tuple[Guess, ...], ...]:
    """The k labels that a net finds most probable, for each image (§6.1, Figure 4 left), best first.

    probabilities: (N, classes). Of equal probabilities the first label leads.
    """
    require_tensor("probabilities", probabilities, f"(N, {len(classes)})", "a net's softmax", finite=True)
    require_count("k", k, "it counts the labels of an image (§6.1: 5)", le=len(classes))
    values, indices = probabilities.sort(dim=1, descending=True, stable=True)
    return tuple(
        tuple(Guess(classes[i], value) for i, value in zip(row[:k], best[:k], strict=True))
        for row, best in zip(indices.tolist(), values.tolist(), strict=True)
    )


@validated
def hidden_activities(
    model: nn.Module,
    images: Tensor,
    size: Count = IMAGES.crop,
    *,
    mean: Tensor | None = None,
    batch: Count = 64,
    layer: nn.Module | None = None,
) -> Tensor:
    """What the last hidden layer says about the central crop of each image (§6.1): (N, 4096) in AlexNet.

    layer: the module whose output is taken; else the model's last `nn.ReLU`, in AlexNet relu7. All else is
    as for `evaluation.center_crop_probabilities`: test mode, the mean, the devices.
    """
    if layer is None:
        units = [module for module in model.modules() if isinstance(module, nn.ReLU)]
        if not units:
            raise ValueError("layer is None, and the model has no nn.ReLU: pass the module of the last layer")
        layer = units[-1]
    parts = []

    def keep(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        # A copy: a ReLU that works in place, or dropout behind it, may write over the output.
        parts.append(output.detach().flatten(1).to(images.device, copy=True))

    hook = layer.register_forward_hook(keep)
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


@validated
def nearest(query: Tensor, gallery: Tensor, k: Count = 6, *, batch: Count = 256) -> tuple[Tensor, Tensor]:
    """Indices and distances of the k nearest of a gallery to each query, by Euclidean distance (§6.1).

    query: (Q, ...), gallery: (G, ...), activities or pixels of the same shape. Both results are (Q, k),
    nearest first; of equal distances the lower index leads. Differences are squared and summed in float64:
    the quicker |a|^2 + |b|^2 - 2ab loses small distances to rounding. `batch` images of each are compared at
    a time.
    """
    require_count("k", k, "it counts the nearest images (Figure 4: 6)", le=max(1, len(gallery)))
    require_tensor("query", query, "(N, ...)", "activities or pixels", finite=True)
    form = f"({', '.join(map(str, (len(gallery), *query.shape[1:])))})"
    require_tensor("gallery", gallery, form, "activities or pixels like those of query", finite=True)
    indices, distances = [], []
    for asked in query.flatten(1).split(batch):
        apart = [distances_between(asked, part) for part in gallery.flatten(1).split(batch)]
        ordered = torch.cat(apart, dim=1).sort(dim=1, stable=True)  # (q, G)
        indices.append(ordered.indices[:, :k])
        distances.append(ordered.values[:, :k])
    return torch.cat(indices), torch.cat(distances)


def distances_between(a: Tensor, b: Tensor) -> Tensor:
    return torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist")


def trained_network(head: str | Path | None = None):
    """The paper's network, trained for this book on ten classes of ImageNet with crops of 128 pixels.

    Its weights are those that the page runs: rounded to 6 bits, fc6 and fc7 cut to rank 64. Returns an object
    with `net` in evaluation mode, `mean` (3, 144, 144), `classes`, `input_scale` and `label(paths)`; the run
    and its error before and after rounding are on record: `records.load("network-in-the-page")`.

    head: the file that chapter 7's "Teach it your classes" downloads. Its layer takes the place of fc8, its
    classes that of the ten. Raises ValueError when the file holds no such layer.
    """
    from .widgets.net_stills import shipped_network  # here: everything else of §6.1 needs no widgets

    found = shipped_network()
    return found if head is None else found.with_head(head)
