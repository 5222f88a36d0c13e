"""Top-1 and top-5 error (§6), the average over ten crops (§4.1), and over several nets (§6)."""

from collections.abc import Callable, Sequence
from itertools import chain

import torch
from torch import Tensor, nn

from .augmentation import center_crop, require_images, ten_crop
from .guard import require_count, require_net, require_tensor
from .paper import IMAGES


def topk_misses(scores: Tensor, labels: Tensor, k: int) -> Tensor:
    """Which images the net gets wrong with k guesses (§6: k = 1 and k = 5): bool (N,), N may be 0.

    scores: (N, classes), logits or probabilities; labels: whole numbers (N,). A label that ties with the
    k-th score counts as found only if fewer than k classes score at least as high: a net that says the same
    for every class has found nothing. A score that is not a number finds nothing either.

    Misses are per image, so that their counts add up over batches and processes; errors do not.
    """
    require_count("k", k, "it counts the guesses (§6: 1 and 5)")
    labels = _require_scores(scores, labels)
    classes = scores.shape[1]
    if k > classes:
        raise ValueError(f"k is {k}, and there are {classes} classes: use at most {classes}")
    right = scores.gather(1, labels[:, None])  # (N, 1)
    others_as_high = (scores >= right).sum(dim=1) - 1
    return (others_as_high >= k) | ~scores.isfinite().all(dim=1)


def topk_error(scores: Tensor, labels: Tensor, k: int) -> float:
    """The share of images whose right label is not among the k highest scores (§6: k = 1 and k = 5).

    scores: (N, classes), N at least 1; labels: (N,). What counts as a miss is said at `topk_misses`.
    """
    misses = topk_misses(scores, labels, k)
    if not len(misses):
        raise ValueError("scores hold no image, and an error is a share of images: pass at least one")
    return misses.sum().item() / len(misses)


def per_class_errors(scores: Tensor, labels: Tensor) -> tuple[float | None, ...]:
    """Top-1 error among the images of each class; None where a class has no image, since 0/0 is no error.

    scores: (N, classes); labels: (N,). The average of a set that has as many images of each class, as the
    validation set of ILSVRC has, is its top-1 error (§6).
    """
    misses = topk_misses(scores, labels, 1)
    labels, classes = labels.to(scores.device).long(), scores.shape[1]
    wrong = labels[misses].bincount(minlength=classes).tolist()
    images = labels.bincount(minlength=classes).tolist()
    return tuple(w / n if n else None for w, n in zip(wrong, images, strict=True))


def confusion(scores: Tensor, labels: Tensor) -> Tensor:
    """How often each class was taken for each other one: int64 (classes, classes), true x guessed.

    scores: (N, classes); labels: (N,). The guess is the highest score, of equal ones the first. Counts add
    up over batches. Raises ValueError where a score is not finite: such a net has guessed nothing.
    """
    labels = _require_scores(scores, labels)
    if not scores.isfinite().all():
        raise ValueError(
            "scores hold nan or infinite numbers, and a guess is the highest of finite ones: look at the "
            "training loss"
        )
    classes = scores.shape[1]
    cell = labels * classes + scores.argmax(dim=1)
    return cell.bincount(minlength=classes**2).view(classes, classes)


def _require_scores(scores: Tensor, labels: Tensor) -> Tensor:
    """The labels as int64 beside the scores, if both are what a net and its data set give."""
    for name, value in (("scores", scores), ("labels", labels)):
        if not isinstance(value, Tensor):
            raise TypeError(
                f"{name} is {type(value).__name__}, and must be a tensor: pass torch.tensor({name})"
            )
    if scores.dim() != 2 or labels.shape != scores.shape[:1]:
        raise ValueError(
            f"scores are {tuple(scores.shape)} and labels {tuple(labels.shape)}: pass (N, classes) and (N,)"
        )
    require_tensor("scores", scores, "(N, classes)", "logits or probabilities")
    require_tensor("labels", labels, "(N)", "the numbers of the classes")
    classes = scores.shape[1]
    wrong = labels[(labels < 0) | (labels >= classes) | labels.is_floating_point()]
    if len(wrong):
        raise ValueError(
            f"labels hold {wrong[0].item()}, and must be whole numbers from 0 to {classes - 1}: they number "
            f"the classes"
        )
    return labels.to(scores.device).long()


def center_crop_probabilities(
    model: nn.Module, images: Tensor, size: int = IMAGES.crop, *, mean: Tensor | None = None, batch: int = 64
) -> Tensor:
    """The softmax of a net on the central crop of each image (§6 compares it with ten): (N, classes).

    Arguments, and what is done with net and devices, as for `ten_crop_probabilities`.
    """
    return _probabilities(model, images, size, mean, batch, lambda part: center_crop(part, size)[:, None])


def ten_crop_probabilities(
    model: nn.Module, images: Tensor, size: int = IMAGES.crop, *, mean: Tensor | None = None, batch: int = 16
) -> Tensor:
    """The softmax of a net, averaged over the ten crops of each image (§4.1): (N, classes).

    images: uint8 (N, 3, H, W). mean: what is subtracted, (3, 1, 1); or (3, H, W), the mean image of §2, then
    each crop loses the mean at its own place, reflected with it; or (3, size, size), then all crops lose the
    same, as in the 2012 source, which takes the center of the mean image (convdata_jpeg.py: data_mean_crop).
    Probabilities are averaged, not scores: the two can rank classes differently.

    The net is put in test mode for the call and left as it was. Each batch moves to the net's device, the
    result comes back to that of the images; `batch` counts images at a time, ten crops each.
    """
    return _probabilities(model, images, size, mean, batch, lambda part: ten_crop(part, size))


@torch.no_grad()
def _probabilities(
    model: nn.Module, images: Tensor, size: int, mean: Tensor | None, batch: int, crops_of: Callable
) -> Tensor:
    """The softmax averaged over `crops_of` a batch: (n, 3, H, W) -> (n, crops, 3, size, size), any type."""
    batch = require_count("batch", batch, "it counts the images of one pass")
    require_net("model", model)
    require_images(images, size)
    place = next(chain(model.parameters(), model.buffers()), images).device
    shift = _mean_of_crops(mean, images, size, crops_of).to(place)
    training = model.training
    model.eval()
    try:
        parts = []
        for part in images.split(batch):
            crops = crops_of(part.to(place)).float() - shift  # (n, crops, 3, size, size)
            scores = model(crops.flatten(0, 1))
            require_tensor("model", scores, "(N, classes)", "a net gives each image a score for every class")
            probabilities = scores.softmax(dim=1)
            parts.append(probabilities.unflatten(0, crops.shape[:2]).mean(dim=1).to(images.device))
        return torch.cat(parts)
    finally:
        model.train(training)


def _mean_of_crops(mean: Tensor | None, images: Tensor, size: int, crops_of: Callable) -> Tensor:
    """What is subtracted from the crops of one image, in a shape that fits (crops, 3, size, size)."""
    if mean is None:
        return torch.zeros(())
    height, width = images.shape[2:]
    shape = tuple(mean.shape) if isinstance(mean, Tensor) else type(mean).__name__
    if shape not in ((3, 1, 1), (3, size, size), (3, height, width)):
        raise ValueError(
            f"mean is {shape}, and must be a tensor (3, 1, 1), a color; (3, {size}, {size}), the same for "
            f"every crop; or (3, {height}, {width}), the mean image of these images"
        )
    mean = mean.float()
    return crops_of(mean[None])[0] if shape == (3, height, width) else mean


def average_nets(probabilities: Sequence[Tensor]) -> Tensor:
    """The mean of several nets' probabilities (§6, "5 CNNs", "7 CNNs"): each (N, classes), so the mean."""
    probabilities = tuple(probabilities)
    if not probabilities:
        raise ValueError("probabilities is empty: pass those of at least one net")
    for part in probabilities:
        require_tensor(
            "probabilities", part, "(N, classes)", "each net's softmax on the same images", finite=True
        )
    shapes = {tuple(part.shape) for part in probabilities}
    if len(shapes) > 1:
        raise ValueError(f"probabilities have shapes {sorted(shapes)}: all nets must judge the same images")
    return torch.stack([part.to(probabilities[0].device) for part in probabilities]).mean(dim=0)
