"""Several nets as one run: each starts from weights of its own, and their predictions are averaged (§6)."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from torch import nn

from ..dataset import ImageSet
from ..evaluation import average_nets, topk_error
from ..learning import TrainConfig
from ..training.result import TrainResult
from ..training.runs import TrainedNet


def members(config: TrainConfig, nets: int) -> list[TrainConfig]:
    """The configs of one run's nets: seeds that no other run's nets have, and the same images for all."""
    first = nets * config.seed
    return [replace(config, seed=first + place, split_seed=config.seed) for place in range(nets)]


def together(outcomes: Sequence[TrainResult], config: TrainConfig, test: ImageSet) -> TrainResult:
    """The nets as one outcome: means of their curves and results, and the errors of their average besides.

    "top-1 error, ten crops" is the mean of the nets' errors, "top-1 error, averaged" the error of the mean of
    their probabilities, each over ten crops.
    """
    judged = []
    for each in outcomes:
        net = TrainedNet(each.net, each.config, each.mean, test.classes)
        judged.append(net.probabilities(test, device=next(each.net.parameters()).device))
    average = average_nets(judged)
    errors = {
        f"top-{k} error, averaged": topk_error(average, test.labels, min(k, len(test.classes)))
        for k in (1, 5)
    }
    return replace(
        outcomes[0],
        net=nn.ModuleList(each.net for each in outcomes),
        config=config,
        curves={
            name: [fmean(values) for values in zip(*(each.curves[name] for each in outcomes), strict=True)]
            for name in outcomes[0].curves
        },
        results={name: fmean(each.results[name] for each in outcomes) for name in outcomes[0].results}
        | errors,
        seconds=sum(each.seconds for each in outcomes),
    )
