"""Names that other branches bring; this file goes when they are merged."""

import inspect
from typing import Annotated

import torch

from . import guard, learning

try:
    from .guard import NonNegative
except ImportError:
    NonNegative = Annotated[float, guard.Bounds(least=0.0)]
try:
    from .evaluation import training_subset
except ImportError:

    def training_subset(n):
        return torch.linspace(0, n - 1, min(n, 1000)).round().long()


try:
    from .specs import InputScale
    from .specs import build as _build
except ImportError:
    from .variants import Scaled as InputScale
    from .variants import build as _build
try:
    from . import fast
except ImportError:

    class fast:
        @staticmethod
        def use(net):
            return net.to(memory_format=torch.channels_last)


if not hasattr(learning.Plateau, "step"):
    learning.Plateau.step = learning.Plateau.see
if "init" not in learning.TrainConfig.__dataclass_fields__:
    learning.TrainConfig.init = "paper"


def build(name, image_size, dropout, classes, init):
    more = (init,) if "init" in inspect.signature(_build).parameters else ()
    return _build(name, image_size, dropout, classes, *more)
