"""Checkers for the exercises of §1."""

from collections.abc import Callable

from ..paper import IMAGES, LEARNING
from .verdict import Verdict, check_function, check_number

PARAMETERS = 60_965_224  # of the paper's net, counted in §3.5


def check_updates(answer: float) -> Verdict:
    """§1: how many times are all weights updated in the paper's training?"""
    return check_number(
        answer,
        LEARNING.epochs * IMAGES.training_images / LEARNING.batch_size,
        "Hint: one update for each batch of 128 images, and each of 1.2 million images is seen 90 times.",
        "so each of 60 million weights was moved over eight hundred thousand times.",
        tolerance=1e-3,
    )


def check_weight_memory(answer: float) -> Verdict:
    """§1: gigabytes for the weights, their gradient and the velocity, four bytes a number."""
    return check_number(
        answer,
        3 * 4 * PARAMETERS / 1e9,
        "Hint: 60,965,224 numbers, three times over, four bytes each; a gigabyte is 10^9 bytes here.",
        "a quarter of a 3 GB card, before a single image is in it.",
        tolerance=0.01,
    )


def _training_macs(layers: list[int]) -> int:
    return 3 * sum(layers) - layers[0]


def check_training_macs(answer: Callable) -> Verdict:
    """§1: training_macs(layers): multiply-accumulates of one training step for one image.

    layers: those of each layer on the way up, lowest first.
    """
    return check_function(
        answer,
        _training_macs,
        [([5],), ([10, 20],), ([105, 224, 150, 112, 75, 38, 17, 4],)],
        "Hint: up once, and on the way down twice in each layer: once for the gradient of its weights and "
        "once for the gradient that goes on to the layer below. Under the lowest layer there is none.",
        "three times the way up, less one share of the lowest layer, below which there are only pixels.",
    )
