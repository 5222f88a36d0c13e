"""Parts of a trained network switched off, without training it again: what its answer leans on.

    python -m alexnet_lib.experiments.switches DIR    # DIR holds Imagenette; records what it measures

Another question than what a part is worth: a network that is trained without a part finds another way.
"""

import sys
from dataclasses import asdict, replace

import torch

from .. import records
from ..architecture import AlexNet, Norm, Pool
from ..dataset import load
from ..evaluation import center_crop_probabilities, topk_misses
from ..qualitative import trained_network
from ..records import Record

NAME = "switched-off"
SWITCHES = {  # what is switched -> how, as arguments of `switched`
    "no LRN": {"norm": "off"},
    "alpha over n": {"norm": "over-n"},
    "pooling 2/2": {"pool": {"z": 2, "s": 2}},
    "tower 1 silent": {"silent": 1},
    "tower 2 silent": {"silent": 2},
    "conv3 reads its own tower only": {"cut": True},
}


def switched(
    net: AlexNet,
    *,
    norm: str = "paper",
    pool: dict[str, int] | None = None,
    silent: int = 0,
    cut: bool = False,
) -> AlexNet:
    """The same weights in a network whose other steps are changed; the one that is given stays as it is.

    norm: "off", "over-n" (alpha divided by n, or no longer), "before" (the ReLU). pool: other windows.
    silent: the tower, 1 or 2, whose outputs are 0 in every hidden layer. cut: conv3 sees nothing of the other
    tower.
    """

    def steps(conv):
        then = [replace(step, **(pool or {})) if isinstance(step, Pool) else step for step in conv.then]
        if norm == "over-n":
            then = [replace(s, alpha_over_n=not s.alpha_over_n) if isinstance(s, Norm) else s for s in then]
        elif norm == "off":
            then = [step for step in then if not isinstance(step, Norm)]
        elif norm == "before":
            then.sort(key=lambda step: not isinstance(step, Norm))
        return replace(conv, then=tuple(then))

    def silence(_module, _inputs, output):  # (N, C, ...)
        output = output.clone()
        output.chunk(2, dim=1)[silent - 1].zero_()
        return output

    with torch.device("meta"):
        changed = AlexNet(replace(net.spec, convs=tuple(map(steps, net.spec.convs))))
    changed = changed.to_empty(device="cpu").eval()
    changed.load_state_dict(net.state_dict())
    if cut:
        with torch.no_grad():
            top, bottom = changed.features.conv3.weight.chunk(2)  # (192, 256, 3, 3) each
            top.chunk(2, dim=1)[1].zero_()
            bottom.chunk(2, dim=1)[0].zero_()
    if silent:
        for name, module in (*changed.features.named_children(), *changed.classifier.named_children()):
            if name.startswith(("conv", "dropout")):
                module.register_forward_hook(silence)
    return changed


def main(root: str) -> None:
    """Measure the trained network with each switch on Imagenette's test photographs, and record it."""
    shipped = trained_network()
    size, side = shipped.net.spec.image_size, shipped.mean.shape[-1]
    test = load("imagenette", "test", root, size=side)

    def misses(net: AlexNet) -> torch.Tensor:
        said = center_crop_probabilities(net, test.images, size, mean=shipped.mean)
        return topk_misses(said, test.labels, 1).bool()

    whole = misses(shipped.net)
    results = {"whole network": whole.double().mean().item(), "photographs": float(len(test))}
    for name, how in SWITCHES.items():
        found = misses(switched(shipped.net, **how))
        results |= {
            name: found.double().mean().item(),
            f"{name}, newly wrong": float((found & ~whole).sum()),
            f"{name}, newly right": float((whole & ~found).sum()),
        }
        print(f"{name}: {results[name]:.2%} top-1 error, {results['whole network']:.2%} before", flush=True)
    records.store(
        Record(
            experiment=NAME,
            label="trained-network",
            command="python -m alexnet_lib.experiments.switches DIR",
            data=test.source,
            images=0,
            seed=0,
            config={"classes": len(shipped.classes), "spec": asdict(shipped.net.spec)["name"]},
            seconds=0,
            curves={},
            results=results,
            **records.environment("cpu"),
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
