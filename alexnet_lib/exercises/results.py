"""Checkers for the exercises of §6."""

from collections.abc import Callable

import torch
from torch import Tensor

from .verdict import Verdict, check_function, check_number


def check_margin(answer: int) -> Verdict:
    """§6: how many of 100,000 test images are the 10.9 points between the two best entries of 2012?"""
    return check_number(
        answer,
        10_900,
        "Hint: the errors are shares of the 100,000 images; subtract first, then take that share of them.",
        "10,900 images that the second entry missed with five guesses, net of those it alone got right.",
        tolerance=1e-6,
    )


def check_half_width(answer: float) -> Verdict:
    """§6: half the 95 % interval of an error of 18.2 % on 50,000 images, in points."""
    return check_number(
        answer,
        196 * (0.182 * 0.818 / 50_000) ** 0.5,
        "Hint: the standard deviation of a share p of n images is the root of p (1 - p) / n; take 1.96 of "
        "them, and give points, hundredths of the whole.",
        "about a third of a point: the first digit behind the point of Table 2 is not quite settled.",
        tolerance=0.02,
    )


def check_topk(answer: Callable) -> Verdict:
    """§6: error(scores, labels, k), (N, classes) and (N,) -> the share of images that k guesses miss."""

    def oracle(scores: Tensor, labels: Tensor, k: int) -> float:
        better = [(row > row[label]).sum() for row, label in zip(scores, labels.tolist(), strict=True)]
        return (torch.stack(better) >= k).double().mean().item()

    draw = torch.Generator().manual_seed(6)
    scores = torch.stack([torch.randperm(8, generator=draw) for _ in range(25)]).float()
    labels = torch.randint(8, (25,), generator=draw)
    return check_function(
        answer,
        oracle,
        [(scores, labels, 1), (scores, labels, 5), (scores - 100, labels, 3)],
        "Hint: topk(k, dim=1) gives the classes of the k highest scores; an image is found if its label is "
        "one of them; the error is the share of the others.",
        "for one guess, three and five, and for scores of any size.",
    )


def check_average(answer: Callable) -> Verdict:
    """§6: guess(logits), (nets, N, classes) -> the class (N,) that the averaged predictions name."""

    def oracle(logits: Tensor) -> Tensor:
        return logits.softmax(dim=2).mean(dim=0).argmax(dim=1)

    draw = torch.Generator().manual_seed(6)
    sure = torch.tensor([[[6.9, 0.0]], [[0.0, 2.2]], [[0.0, 2.2]]])  # one loud net against two
    return check_function(
        answer,
        oracle,
        [(torch.randn(2, 6, 4, generator=draw),), (sure,), (5 * torch.randn(5, 200, 10, generator=draw),)],
        "Hint: turn each net's logits into probabilities over the classes first, average over the nets, and "
        "only then take the highest.",
        "probabilities are averaged, so no single net can shout the others down.",
    )
