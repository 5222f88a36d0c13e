"""Where dropout stands in the nets that the book compares (§4.2)."""

from itertools import pairwise

import torch
from torch import nn

from ..architecture import SPECS, AlexNet
from ..dropout import PaperDropout
from ..guard import require_choice, validated
from .table import Table

FORMS = {PaperDropout: "paper", nn.Dropout: "inverted"}


@validated
def dropout_places(names: tuple[str, ...] = ("paper", "source-2012", "caffe", "torchvision")) -> Table:
    """The order of fully-connected layers and dropouts, and how many numbers are masked (§4.2).

    Read off the built nets. Raises ValueError for a name that is not in `SPECS`.
    """
    rows = []
    for name in names:
        require_choice("names", name, SPECS)
        with torch.device("meta"):  # shapes alone, without memory for the weights
            classifier = AlexNet(name).classifier
        parts = [(part, layer) for part, layer in classifier.named_children() if type(layer) is not nn.ReLU]
        # Whatever stands between, a dropout masks what the next layer reads.
        masked = {layer: reader.in_features for (_, layer), (_, reader) in pairwise(parts) if _drops(layer)}
        forms = sorted({FORMS[type(layer)] for layer in masked})
        rows.append(
            (name, ", ".join(part for part, _ in parts), " and ".join(forms), f"{sum(masked.values()):,}")
        )
    return Table("Dropout in the nets", ("net", "order", "form", "masked numbers"), tuple(rows))


def _drops(layer: nn.Module) -> bool:
    return type(layer) in FORMS
