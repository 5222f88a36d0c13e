"""What to do when the net does not train (§5), and how long weight decay takes."""

import math
from collections.abc import Sequence
from typing import Annotated

from ..guard import Bounds, Positive, validated
from ..paper import IMAGES, LEARNING
from .table import Table

Images = Annotated[int, Bounds(LEARNING.batch_size)]  # a pass has at least one step
# Symptom, cause, what to look at, what to change; fields of TrainConfig in the last column.
DIAGNOSES = (
    (
        "loss stays at ln(classes) from the first step on",
        "signals die out: the first weights are too small for the width of the layers",
        "spread of each layer's output between pictures",
        "spec=source-2012 (0.03 in conv3-5), or He's rule; or wait longer",
    ),
    (
        "the same",
        "inputs on 0-1 with a start and a rate made for 0-255",
        "smallest and largest number that enters the net",
        "input_scale=1",
    ),
    (
        "the same, though scores differ between pictures",
        "labels that do not belong to the images",
        "ten images drawn with their labels",
        "the data",
    ),
    (
        "loss is the same to the last digit at every step",
        "no weight moves: rate 0, other parameters in the optimizer, or all ReLUs of a layer shut",
        "gradient and movement of each layer's weights",
        "what stands still",
    ),
    (
        "loss jumps up, then comes to rest at ln(classes)",
        "rate too high: large steps have shut ReLUs",
        "share of ReLUs above zero, layer by layer",
        "lr=0.01, or a third of yours; start anew",
    ),
    (
        "loss is nan or infinite",
        "rate far too high, or numbers too large for float16",
        "the loss of the steps before",
        "a lower rate; precision=float32",
    ),
    (
        "loss begins above ln(classes), then falls",
        "first scores differ between classes, the same way for all pictures",
        "scores of a few pictures at the start",
        "nothing: the paper's biases of 1 do this",
    ),
    (
        "training error falls, validation error does not",
        "overfitting: the net does train",
        "both errors over the epochs",
        "random_crops=true, dropout=0.5, more images",
    ),
)


def diagnosis() -> Table:
    """Symptoms of a net that does not train, the usual cause, where to look, what to change (§5)."""
    return Table("The net does not train", ("symptom", "cause", "look at", "mend"), DIAGNOSES)


@validated
def decay_half_lives(rates: Sequence[Positive], images: Images = IMAGES.training_images) -> Table:
    """How long weight decay alone takes to halve a weight, by arithmetic from §5's numbers.

    A pull of weight_decay * rate a step, and momentum that adds up to 1 / (1 - momentum) of it.
    """
    passes, rows = images // LEARNING.batch_size, []
    for rate in rates:
        steps = math.log(2) * (1 - LEARNING.momentum) / (LEARNING.weight_decay * rate)
        rows.append((f"{rate:g}", f"{float(f'{steps:.2g}'):,.0f}", f"{float(f'{steps / passes:.2g}'):,g}"))
    columns = ("learning rate", "steps", "passes over the training set")
    return Table("Weight decay alone halves a weight in (arithmetic)", columns, tuple(rows))
