"""What comes of a run: a net with its errors on the test set, or the reason why there is none."""

import json
from dataclasses import asdict, dataclass

from torch import Tensor, nn

from .. import records
from ..learning import TrainConfig


class DivergedError(ArithmeticError):
    """The loss is no number any more; the message says where, what to try, and what is left."""


class Interrupted(KeyboardInterrupt):
    """The run was asked to stop, and stopped after a whole step; the message says how to go on."""


@dataclass(frozen=True, eq=False)
class TrainResult:
    """A finished run: the net, what it learned with, how the errors fell, and the errors on the test set."""

    net: nn.Module
    config: TrainConfig
    mean: Tensor  # (3, side, side): what the net expects to be subtracted
    curves: dict[str, list[float]]
    results: dict[str, float]
    seconds: float
    data: str
    images: int
    changes: list[dict]

    def record(self, experiment: str, label: str, command: str) -> records.Record:
        """This run as it goes on record."""
        return records.Record(
            experiment=experiment,
            label=label,
            command=command,
            data=self.data,
            images=self.images,
            seed=self.config.seed,
            # As its file gives it back: a tuple would come back as a list.
            config=json.loads(json.dumps({**asdict(self.config), "changes": self.changes})),
            seconds=round(self.seconds, 1),
            curves=self.curves,
            results=self.results,
            **records.circumstances(next(self.net.parameters()).device.type),
        )
