"""Checkers for the exercises of §5."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..learning import PaperSGD, Plateau
from ..paper import LEARNING
from .verdict import Verdict, check_function, check_number

CLASSES = 1000
PULLED_TO = 0.5


def check_first_loss(answer: float) -> Verdict:
    """§5: the loss of a net with 1000 classes that finds all of them equally likely."""
    return check_number(
        answer,
        math.log(CLASSES),
        "Hint: each class has the probability 1/1000, and the loss is minus the natural logarithm of the "
        "right class's probability.",
        "ln 1000; whoever sees this number and no other has a net that tells no pictures apart.",
        tolerance=1e-3,
    )


def check_decay_steps(answer: float) -> Verdict:
    """§5: steps until weight decay alone has halved a weight, at the first rate and with momentum."""
    pull = LEARNING.weight_decay * LEARNING.lr / (1 - LEARNING.momentum)
    return check_number(
        answer,
        math.log(PULLED_TO) / math.log1p(-pull),
        "Hint: one step pulls by 0.0005 times 0.01 times the weight, and momentum makes ten times that of "
        "it. How often must 1 minus this be multiplied to make 1/2?",
        "about one and a half passes over the training set, at the first rate.",
        tolerance=0.01,
    )


def _papers_walk(start: Tensor, gradients: Tensor, rates: Sequence[float]) -> Tensor:
    weight = nn.Parameter(start.clone())
    optimizer, places = PaperSGD([weight]), []
    for gradient, rate in zip(gradients, rates, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        weight.grad = gradient
        optimizer.step()
        places.append(weight.detach().clone())
    return torch.stack(places)


def check_walk(answer: Callable) -> Verdict:
    """§5: walk(start, gradients, rates): the weights (n,) after each step, as (steps, n)."""
    draw = torch.Generator().manual_seed(5)
    start = 20 * torch.randn(4, generator=draw, dtype=torch.float64)
    gradients = torch.randn(12, 4, generator=draw, dtype=torch.float64)
    return check_function(
        answer,
        _papers_walk,
        [
            (start, gradients[:1], [0.01]),
            (start, gradients, [0.01] * 12),
            (start, gradients, [0.1, 0.01] * 6),
        ],
        "Hint: the velocity begins at zero; it keeps 0.9 of itself, loses 0.0005 times rate times weight, "
        "and loses rate times gradient; only then is it added to the weight. The rate of a step acts "
        "on what this step adds, not on the old velocity.",
        "also when the rate changes, which is where torch.optim.SGD goes another way.",
        tolerance=1e-7,
    )


def _plateaus(errors: Sequence[float], patience: int) -> list[int]:
    plateau = Plateau(patience=patience)
    return [epoch for epoch, error in enumerate(errors, 1) if plateau.see(error)]


def check_division_epochs(answer: Callable) -> Verdict:
    """§5: divisions(errors, patience) -> after which epochs, from 1, the rate is divided; three at most."""
    falling = [0.9, 0.8, 0.7, 0.6]
    return check_function(
        answer,
        _plateaus,
        [
            (falling, 2),
            ([*falling, 0.61, 0.6, 0.5, 0.5, 0.5], 2),  # equal to the best is no improvement
            ([*falling, 0.7, 0.65, 0.62, 0.61], 2),  # better than the epoch before is not below the best
            ([0.5] * 20, 3),  # at most three
        ],
        "Hint: count the epochs in a row that brought no error below the best so far; after `patience` of "
        "them divide and count from zero again. After three divisions the rate stays.",
        "the best so far is what counts, and after three divisions the rate stays.",
    )
