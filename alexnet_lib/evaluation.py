"""Top-1 and top-5 error (§6), the average over ten crops (§4.1), and over several nets (§6)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn

from .augmentation import center_crop, require_images, ten_crop
from .guard import Count, require_tensor, validated
from .paper import IMAGES


@validated
def topk_misses(scores: Tensor, labels: Tensor, k: Count) -> Tensor:
    """Which images the net gets wrong with k guesses (§6: k = 1 and k = 5): bool (N,), N may be 0.

    scores: (N, classes), logits or probabilities, -inf for a class that is ruled out; labels: whole numbers
    (N,). A label that ties with the k-th score counts as found only if fewer than k classes score at least as
    high: a net that says the same for every class has found nothing. Scores with a nan or +inf find nothing,
    and neither does a label whose own score is -inf.

    Misses are per image, so that their counts add up over batches and processes; errors do not.
    """
    labels = require_scores(scores, labels)
    classes = scores.shape[1]
    if k > classes:
        raise ValueError(f"k is {k}, and there are {classes} classes: use at most {classes}")
    right = scores.gather(1, labels[:, None])  # (N, 1)
    others_as_high = (scores >= right).sum(dim=1) - 1
    broken = scores.isnan().any(dim=1) | scores.isposinf().any(dim=1) | right.isneginf()[:, 0]
    return (others_as_high >= k) | broken


def topk_error(scores: Tensor, labels: Tensor, k: int) -> float:
    """The fraction of images whose right label is not among the k highest scores (§6: k = 1 and k = 5).

    scores: (N, classes), N at least 1; labels: (N,). What counts as a miss is said at `topk_misses`.
    """
    misses = topk_misses(scores, labels, k)
    if not len(misses):
        raise ValueError("scores hold no image, and an error is a fraction of images: pass at least one")
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

    scores: (N, classes), finite; labels: (N,). The guess is the highest score, of equal ones the first.
    """
    labels, classes = require_scores(scores, labels), scores.shape[1]
    require_tensor("scores", scores, "(N, classes)", "a guess is the highest of them", finite=True)
    return (labels * classes + scores.argmax(dim=1)).bincount(minlength=classes**2).view(classes, classes)


def require_scores(scores: Tensor, labels: Tensor) -> Tensor:
    """The labels as int64 beside the scores, if both are what a net and its data set give."""
    require_tensor("scores", scores, "(N, classes)", "logits or probabilities")
    require_tensor("labels", labels, f"({len(scores)})", "the index of the class of each image")
    classes = scores.shape[1]
    wrong = labels[(labels < 0) | (labels >= classes) | labels.is_floating_point()]
    if len(wrong):
        raise ValueError(f"labels hold {wrong[0].item()}, and must be whole numbers from 0 to {classes - 1}")
    return labels.to(scores.device).long()


@validated
def training_subset(n: Count) -> Tensor:
    """Indices of the training images on which the training error is measured: at most 1,000, evenly spaced.

    The *training error* of this library is the error on these images as at test time: center crop, no
    dropout, no color noise, after the epoch. So it differs from the test error by the images alone. The
    *running training error* is the one that training itself sees: averaged over an epoch in which the weights
    change, with augmented images and with dropout, which makes it the higher one for much of a run.

    n: how many images the net trains on. int64 (min(n, 1000),).
    """
    return torch.arange(min(n, 1000)) * n // min(n, 1000)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients; afterwards each module is in the mode that it was in."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in training.items():
            module.training = mode


@validated
def center_crop_probabilities(
    model: nn.Module,
    images: Tensor,
    size: Count = IMAGES.crop,
    *,
    mean: Tensor | None = None,
    batch: Count = 64,
) -> Tensor:
    """The softmax of a net on the central crop of each image (§6 compares it with ten): (N, classes).

    Arguments, and what is done with net and devices, as for `ten_crop_probabilities`.
    """
    require_images(images, size)
    mean, place = mean_of(mean, images, size, center_crop), device_of(model, images)
    with evaluating(model):
        parts = []
        for part in images.split(batch):
            crops = center_crop(part.to(place), size) - mean.to(place)  # (n, 3, size, size)
            parts.append(model(crops).softmax(dim=1).to(images.device))
    return torch.cat(parts)


@validated
def ten_crop_probabilities(
    model: nn.Module,
    images: Tensor,
    size: Count = IMAGES.crop,
    *,
    mean: Tensor | None = None,
    batch: Count = 16,
) -> Tensor:
    """The softmax of a net, averaged over the ten crops of each image (§4.1): (N, classes).

    images: uint8 (N, 3, H, W). mean: what is subtracted, (3, 1, 1); or (3, H, W), the mean image of §2, then
    each crop loses the mean at its own place, reflected with it; or (3, size, size), then all crops lose the
    same, as in the 2012 source, which takes the center of the mean image (convdata_jpeg.py: data_mean_crop).
    Probabilities are averaged, not scores: the two can rank classes differently.

    The net is in evaluation mode for the call. Each batch moves to the net's device, and the result comes
    back to that of the images.
    """
    require_images(images, size)
    mean, place = mean_of(mean, images, size, ten_crop), device_of(model, images)
    with evaluating(model):
        parts = []
        for part in images.split(batch):
            crops = ten_crop(part.to(place), size) - mean.to(place)  # (n, 10, 3, size, size)
            probabilities = model(crops.flatten(0, 1)).softmax(dim=1)  # (10 n, classes)
            parts.append(probabilities.unflatten(0, (-1, 10)).mean(dim=1).to(images.device))
    return torch.cat(parts)


def device_of(model: nn.Module, images: Tensor) -> torch.device:
    return next(chain(model.parameters(), model.buffers()), images).device


def mean_of(mean: Tensor | None, images: Tensor, size: int, crops_of: object) -> Tensor:
    """What the crops of an image lose: float32, in a shape that fits what `crops_of` makes of it."""
    if mean is None:
        return torch.zeros(())
    height, width = images.shape[2:]
    forms = f"(3, 1, 1) or (3, {size}, {size}) or (3, {height}, {width})"
    require_tensor("mean", mean, forms, "a color, the same for every crop, or the mean of these images")
    mean = mean.float()
    return crops_of(mean[None], size)[0] if mean.shape == images.shape[1:] else mean


def average_nets(probabilities: Sequence[Tensor]) -> Tensor:
    """The mean of several nets' probabilities (§6, "5 CNNs", "7 CNNs"): each (N, classes), so the mean."""
    probabilities = tuple(probabilities)
    if not probabilities:
        raise ValueError("probabilities is empty: pass those of at least one net")
    for part in probabilities:
        form = str(tuple(probabilities[0].shape)) if part.dim() == 2 else "(N, classes)"
        require_tensor("probabilities", part, form, "each net's softmax on the same images", finite=True)
    return torch.stack([part.to(probabilities[0].device) for part in probabilities]).mean(dim=0)
