"""Checkers for the exercises of §4.1."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..augmentation import views
from .verdict import Verdict, check_function, check_number


def check_places(answer: int) -> Verdict:
    """§4.1: at how many places does a crop of 32 fit into a square image of 40, reflections not counted?"""
    return check_number(
        answer,
        views(40, 32) // 2,
        "Hint: write down the first and the last row where the crop can start, and count both ends; rows and "
        "columns are chosen independently, and reflections do not count here.",
        "rows 0 to 8 are nine, columns too. Reflections would double it.",
    )


def check_crop_and_reflect(answer: Callable) -> Verdict:
    """§4.1: cut(images, top, left, flip, size), (N, 3, H, W) and three (N,) -> (N, 3, size, size)."""

    def oracle(images: Tensor, top: Tensor, left: Tensor, flip: Tensor, size: int) -> Tensor:
        crops = []
        for image, y, x, mirrored in zip(images, top, left, flip, strict=True):
            crop = image[:, y : y + size, x : x + size]
            crops.append(crop.flip(-1) if mirrored else crop)
        return torch.stack(crops)

    draw = torch.Generator().manual_seed(41)
    images = torch.randint(0, 256, (4, 3, 9, 8), generator=draw, dtype=torch.uint8)
    top, left = torch.tensor([0, 4, 1, 3]), torch.tensor([3, 0, 2, 1])
    straight, mixed = torch.zeros(4, dtype=torch.bool), torch.tensor([False, True, True, False])
    return check_function(
        answer,
        oracle,
        [(images, top, left, straight, 5), (images, top, left, mixed, 5)],
        "Hint: every image has its own place; cut first, then turn the columns of those crops round whose "
        "flip is True, and leave the rows.",
        "each image at its own place, and only the chosen ones reflected.",
    )


def check_color_shift(answer: Callable) -> Verdict:
    """§4.1: shift(alphas, eigenvalues, eigenvectors), (N, 3), (3,), (3, 3) with a column each -> (N, 3)."""
    draw = torch.Generator().manual_seed(41)
    vectors = torch.linalg.qr(torch.randn(3, 3, generator=draw)).Q
    values = torch.tensor([4.0, 1.0, 0.25])
    return check_function(
        answer,
        lambda alphas, eigenvalues, eigenvectors: (alphas * eigenvalues) @ eigenvectors.T,
        [(torch.eye(3)[:1], values, vectors), (torch.randn(5, 3, generator=draw), values, vectors)],
        "Hint: with alphas 1, 0, 0 the shift is the first eigenvalue times the first column of the "
        "eigenvectors; each row of alphas gives one row of the result.",
        "each image gets its own mixture of the three components.",
    )
