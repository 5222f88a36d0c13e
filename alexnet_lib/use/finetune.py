"""A trained network taught your own classes: transfer learning on a folder of photographs."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..augmentation import center_crop
from ..data.batches import seed_of
from ..data.images import read_images
from ..data.memmap import list_folder
from ..dataset import ImageSet
from ..evaluation import center_crop_probabilities, confusion, evaluating
from ..guard import Count, Index, NonNegative, Positive, require_path, validated
from ..learning import TrainConfig
from ..train import train
from ..training import checkpoints
from .weights import Trained, load_trained, require_alexnet

LEAST = 5  # photographs of a class: four to learn from, one to judge by
DECAY = 1e-3  # of the new layer's weights, on features of unit spread


@dataclass(frozen=True, eq=False)
class FineTuned:
    """What came of it. right: of the held-out photographs; right_frozen: by the new layer alone."""

    folder: Path
    classes: tuple[str, ...]
    training: int
    held_out: int
    right_frozen: int
    right: int
    confusion: Tensor  # int64 (classes, classes), true x guessed, of the whole network

    @property
    def interval(self) -> tuple[float, float]:
        """Clopper and Pearson's exact 95 % interval of the accuracy."""
        from scipy.stats import binomtest

        return tuple(binomtest(self.right, self.held_out).proportion_ci())


@validated
def finetune(
    folder: str | os.PathLike,
    out: str | os.PathLike,
    weights: str | os.PathLike = "imagenette",
    *,
    epochs: Count = 10,
    lr: Positive = 0.0005,
    val_fraction: NonNegative = 0.25,
    seed: Index = 0,
    resume: bool = False,
    tell: Callable[[str], None] = print,
) -> FineTuned:
    """Teach a trained network the classes of a folder, which has one folder of photographs for each class.

    First a new last layer learns from the features of the network as it is; then all layers learn, at a small
    learning rate, with random crops and flips (§4.1). A quarter of each class is held out and only counted at
    the end. The run goes to `out`, as those of `train`: resume=True goes on after a break, and
    `predict(photos, out)` uses it.

    Raises ValueError for fewer than two classes, fewer than five photographs of one, and folders within a
    class; CorruptImageError, which names them, for files that are no pictures.
    """
    folder, out = (
        require_path("folder", folder, "a folder for each class"),
        require_path("out", out, "the run's"),
    )
    if checkpoints.files(out) and not resume:  # `train` would say so too, after the new layer has learned
        raise FileExistsError(f"{out} holds a run already: go on with it by --resume, or name another folder")
    before = load_trained(weights)
    require_alexnet(before)
    everything = _read(folder, before, tell)
    chosen, held = _split(everything.labels, val_fraction, seed)
    sets = tuple(_part(everything, rows, name) for rows, name in ((chosen, "train"), (held, "test")))
    tell(f"{len(chosen)} photographs to learn from, {len(held)} held out, {len(everything.classes)} classes")
    net = _with_new_layer(before, sets[0], seed)
    right_frozen = _hits(before, net, sets[1]).sum().item()
    tell(f"the new layer alone: {right_frozen} of {len(held)} right")
    config = TrainConfig(
        spec=before.spec,
        data=f"folder:{folder}",
        val_fraction=0.0,
        image_size=before.side,
        crop=before.crop,
        input_scale=before.factor,
        color_noise=0.0,
        batch_size=min(16, len(chosen)),
        epochs=epochs,
        lr=lr,
        max_drops=0,
        seed=seed,
    )
    done = train(config, out, resume=resume, sets=sets, net=net, mean=before.mean)
    for old in checkpoints.files(out)[:-1]:  # hundreds of megabytes, which nobody goes on from any more
        old.unlink()
    guesses = center_crop_probabilities(
        replace(before, net=done.net).model, sets[1].images, before.crop, mean=before.mean
    )
    table = confusion(guesses, sets[1].labels)
    return FineTuned(
        out, everything.classes, len(chosen), len(held), right_frozen, table.trace().item(), table
    )


def _read(folder: Path, before: Trained, tell: Callable[[str], None]) -> ImageSet:
    if not folder.is_dir():
        raise FileNotFoundError(
            f"folder is {str(folder)!r}, and no such folder exists: it holds one for each class"
        )
    found = list_folder(folder)
    counts = found.labels.bincount(minlength=len(found.classes)).tolist()
    if nested := next((file for file in found.files if file.count("/") > 1), None):
        inner = Path(nested).parent  # train/cups: its parent would be taken for a class
        raise ValueError(
            f"{folder} has photographs in {inner}, a folder within the class {inner.parts[0]}: name the "
            f"folder whose own folders are the classes, such as {folder / inner.parts[0]}"
        )
    if len(found.classes) < 2:
        raise ValueError(f"{folder} has the one class {found.classes[0]}: put at least two folders into it")
    if found.others:
        endings = ", ".join(sorted({Path(file).suffix.lower() or "no ending" for file in found.others}))
        tell(f"left out {len(found.others)} files of other kinds: {endings}")
    for name, count in zip(found.classes, counts, strict=True):
        if count < LEAST:
            raise ValueError(f"class {name} has {count} photographs, and needs at least {LEAST}: add some")
    images = read_images([folder / file for file in found.files], before.side)
    return ImageSet(images, found.labels, found.classes, folder.name, "train", f"image folder {folder.name}")


def _split(labels: Tensor, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    """Rows to learn from and rows held out: of each class the same fraction, and at least one of each."""
    draw = torch.Generator().manual_seed(seed_of(seed, "split"))
    chosen, held = [], []
    for label in labels.unique():
        rows = (labels == label).nonzero()[:, 0]
        rows = rows[torch.randperm(len(rows), generator=draw)]
        count = min(max(1, round(fraction * len(rows))), len(rows) - 1)
        held.append(rows[:count])
        chosen.append(rows[count:])
    return torch.cat(chosen).sort()[0], torch.cat(held).sort()[0]


def _part(images: ImageSet, rows: Tensor, split: str) -> ImageSet:
    return replace(images, images=images.images[rows], labels=images.labels[rows], split=split)


def _with_new_layer(before: Trained, images: ImageSet, seed: int) -> nn.Module:
    """The network with a last layer for these classes: softmax regression on its features, by L-BFGS."""
    net, features = before.net, []
    last = next(
        name for name, part in reversed(list(net.classifier.named_children())) if isinstance(part, nn.Linear)
    )
    hook = getattr(net.classifier, last).register_forward_pre_hook(
        lambda _module, inputs: features.append(inputs[0])
    )
    with evaluating(net):
        for part in images.images.split(64):
            before.model(center_crop(part.float() - before.mean, before.crop))
    hook.remove()
    x = torch.cat(features)  # (N, 4096)
    middle, spread = x.mean(dim=0), x.std() * x.shape[1] ** 0.5
    weight = torch.zeros(len(images.classes), x.shape[1], requires_grad=True)
    bias = torch.zeros(len(images.classes), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        scores = F.linear((x - middle) / spread, weight, bias)
        found = F.cross_entropy(scores, images.labels) + DECAY * weight.square().sum()
        found.backward()
        return found

    optimizer.step(loss)
    layer = nn.Linear(x.shape[1], len(images.classes))
    with torch.no_grad():
        layer.weight.copy_(weight / spread)
        layer.bias.copy_(bias - layer.weight @ middle)
    setattr(net.classifier, last, layer)
    return net


def _hits(before: Trained, net: nn.Module, images: ImageSet) -> Tensor:
    model = replace(before, net=net).model
    guesses = center_crop_probabilities(model, images.images, before.crop, mean=before.mean).argmax(dim=1)
    return guesses == images.labels


def confusion_picture(found: FineTuned, path: str | os.PathLike) -> Path:
    """A PNG of what each class was taken for. Raises FileExistsError for a path that exists."""
    from matplotlib.figure import Figure

    path = Path(path)
    if path.exists():
        raise FileExistsError(f"{path} is there already: name another file, or remove it first")
    size = 1.6 + 0.5 * len(found.classes)
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    axis = figure.subplots()
    axis.imshow(found.confusion, cmap="Blues")
    for row, counts in enumerate(found.confusion.tolist()):
        for column, count in enumerate(counts):
            color = "white" if 2 * count > found.confusion.max() else "black"
            axis.text(column, row, count, ha="center", va="center", color=color)
    axis.set_xticks(range(len(found.classes)), found.classes, rotation=45, ha="right")
    axis.set_yticks(range(len(found.classes)), found.classes)
    axis.set(xlabel="guessed", ylabel="true")
    part = path.with_name(path.name + ".part")
    figure.savefig(part, format="png", dpi=110)
    return part.rename(path)
