"""Top-1 and top-5 error (§6), the average over ten crops (§4.1), and over several nets (§6)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .augmentation import ten_crop
from .checks import require_count
from .paper import IMAGES


def topk_error(scores: Tensor, labels: Tensor, k: int) -> float:
    """The share of images whose right label is not among the k highest scores (§6: k = 1 and k = 5).

    scores: (N, classes), logits or probabilities; labels: whole numbers (N,). A label that ties with the
    k-th score counts as found only if fewer than k classes score at least as high: a net that says the same
    for every class has found nothing. A score that is not a number finds nothing either.
    """
    require_count("k", k, "it counts the guesses (§6: 1 and 5)")
    for name, value in (("scores", scores), ("labels", labels)):
        if not isinstance(value, Tensor):
            raise TypeError(
                f"{name} is {type(value).__name__}, and must be a tensor: pass torch.tensor({name})"
            )
    if scores.dim() != 2 or labels.shape != scores.shape[:1]:
        raise ValueError(
            f"scores are {tuple(scores.shape)} and labels {tuple(labels.shape)}: pass (N, classes) and (N,)"
        )
    count, classes = scores.shape
    if k > classes:
        raise ValueError(f"k is {k}, and there are {classes} classes: use at most {classes}")
    if count == 0:
        raise ValueError("scores hold no image, and an error is a share of images: pass at least one")
    if labels.is_floating_point() or bool(((labels < 0) | (labels >= classes)).any()):
        raise ValueError(f"labels must be whole numbers from 0 to {classes - 1}, the numbers of the classes")
    right = scores.gather(1, labels[:, None].long())  # (N, 1)
    others_as_high = (scores >= right).sum(dim=1) - 1
    found = (others_as_high < k) & right.squeeze(1).isfinite() & scores.isfinite().all(dim=1)
    return 1.0 - found.sum().item() / count


@torch.no_grad()
def ten_crop_probabilities(
    model: nn.Module, images: Tensor, size: int = IMAGES.crop, *, mean: Tensor | None = None, batch: int = 16
) -> Tensor:
    """The softmax of a net, averaged over the ten crops of each image (§4.1): (N, classes).

    images: uint8 (N, 3, H, W); mean: what is subtracted from each crop, (3, 1, 1) or (3, size, size).
    Probabilities are averaged, not scores: the two can rank classes differently. The net is put in test
    mode for the call and left as it was; `batch` counts images at a time, ten crops each.
    """
    require_count("batch", batch, "it counts the images of one pass")
    training = model.training
    model.eval()
    try:
        parts = []
        for part in images.split(batch):
            crops = ten_crop(part, size).flatten(0, 1).float()  # (10 n, 3, size, size)
            scores = model(crops if mean is None else crops - mean)
            parts.append(scores.softmax(dim=1).unflatten(0, (len(part), IMAGES.test_crops)).mean(dim=1))
        return torch.cat(parts)
    finally:
        model.train(training)


def average_nets(probabilities: Sequence[Tensor]) -> Tensor:
    """The mean of several nets' probabilities (§6, "5 CNNs", "7 CNNs"): each (N, classes), so the mean."""
    if not probabilities:
        raise ValueError("probabilities is empty: pass those of at least one net")
    shapes = {tuple(part.shape) for part in probabilities}
    if len(shapes) > 1:
        raise ValueError(f"probabilities have shapes {sorted(shapes)}: all nets must judge the same images")
    return torch.stack(tuple(probabilities)).mean(dim=0)
