"""Averaging the predictions of several nets (§6): several nets as one run, or the nets of several runs."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from torch import Tensor, nn

from ..dataset import ImageSet
from ..evaluation import average_nets, topk_error
from ..learning import TrainConfig
from ..records import Record, environment
from ..training.runs import TrainedNet, TrainResult, load_net


def members(config: TrainConfig, nets: int) -> list[TrainConfig]:
    """The configs of one run's nets: seeds that no other run's nets have, and the same images for all."""
    first = nets * config.seed
    return [replace(config, seed=first + place, split_seed=config.seed) for place in range(nets)]


def averaged_errors(judged: Sequence[Tensor], test: ImageSet) -> dict[str, float]:
    """The errors of the mean of the nets' probabilities, each (N, classes)."""
    average = average_nets(judged)
    return {
        f"top-{k} error, averaged": topk_error(average, test.labels, min(k, len(test.classes)))
        for k in (1, 5)
    }


def together(outcomes: Sequence[TrainResult], config: TrainConfig, test: ImageSet) -> TrainResult:
    """The nets as one outcome: means of their curves and results, and the errors of their average besides.

    "top-1 error, ten crops" is the mean of the nets' errors, "top-1 error, averaged" the error of the mean of
    their probabilities, each over ten crops.
    """
    judged = []
    for each in outcomes:
        net = TrainedNet(each.net, each.config, each.mean, test.classes)
        judged.append(net.probabilities(test, device=next(each.net.parameters()).device))
    first = outcomes[0]
    means = {name: fmean(each.results[name] for each in outcomes) for name in first.results}
    return replace(
        first,
        net=nn.ModuleList(each.net for each in outcomes),
        config=config,
        curves={
            name: [fmean(values) for values in zip(*(each.curves[name] for each in outcomes), strict=True)]
            for name in first.curves
        },
        results=means | averaged_errors(judged, test),
        seconds=sum(each.seconds for each in outcomes),
    )


def average_of_runs(label: str, runs: Sequence[Record], folders: Sequence[Path], test: ImageSet) -> Record:
    """One record for the average of the nets that runs have left in their folders, over ten crops.

    Its "top-1 error, ten crops" is the mean of the nets' own errors, as each run recorded it.
    """
    judged = [load_net(folder).probabilities(test) for folder in folders]
    means = {name: fmean(run.results[name] for run in runs) for name in runs[0].results if "error" in name}
    return replace(
        runs[0],
        label=label,
        config=runs[0].config | {"averaged": len(runs)},
        curves={},
        results=means | averaged_errors(judged, test),
        seconds=sum(run.seconds for run in runs),
        **environment("cpu"),
    )
