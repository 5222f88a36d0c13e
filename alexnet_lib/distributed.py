"""The paper's net as it was trained: one tower in each of two processes, one process for each GPU (§3.2).

Where a layer reads both towers, each process sends the activities that it computed to the other, and on the
way back the other's gradients return. All else stays where it is: weights, momentum, half of the channels.
"""

from collections import Counter
from dataclasses import dataclass

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .architecture import AlexNet, AlexNetSpec, BatchNorm, require_images
from .counts import crossings, trace
from .guard import Count, validated
from .normalization import LocalResponseNorm
from .towers import TOWERS, require_even_share
from .training.ranks import Ranks


def device_of_towers() -> str:
    """Return "cuda" where each tower finds a GPU of its own, else "cpu"; for `init_distributed`."""
    return "cuda" if torch.cuda.is_available() and torch.cuda.device_count() >= TOWERS else "cpu"


@validated
def bytes_to_cross(spec: AlexNetSpec, images: Count, bytes_each: Count = 4) -> Counter:
    """What one training step sends, by arithmetic alone: (layer, "forward" or "backward") -> bytes (§3.2).

    Both directions together. "scores" are the halves of fc8's outputs, which each process sends so that both
    know the loss; their gradients need no way back.
    """
    numbers = crossings(spec)
    there = {(layer, "forward"): count * images * bytes_each for layer, count in numbers.items()}
    back = {(layer, "backward"): count * images * bytes_each for layer, count in numbers.items()}
    return Counter({**there, ("scores", "forward"): spec.classes * images * bytes_each, **back})


@validated
def bytes_of_gradients(spec: AlexNetSpec, bytes_each: Count = 4) -> int:
    """What one step sends if two processes hold the whole net and share the images instead (§3.2).

    Each parameter's gradient crosses once each way, however many images there are.
    """
    return 2 * bytes_each * sum(layer.parameters for layer in trace(spec))


class TwoDeviceAlexNet(AlexNet):
    """One tower of a net with two, in one of two processes (§3.2); together they are `AlexNet(spec)`.

    Each process holds its half of every layer's kernels or units, with weights, biases and names as in
    AlexNet: of conv2's (256, 48, 5, 5) weights it has (128, 48, 5, 5). From one seed in both processes come
    AlexNet's own initial weights and dropout masks. fc8's units are halved like all others; in the 2012
    source fc8 is whole and lives on the first GPU.

    (N, 3, image_size, image_size) -> (N, classes), all scores in both processes. Both pass the same images,
    and both compute the same loss and call backward: a process that leaves one out keeps the other waiting.
    Afterwards parameters have the gradients that they have in AlexNet. `bytes_sent` counts the bytes that
    were sent, as `bytes_to_cross` does, until `bytes_sent.clear()`.

    Raises ValueError outside of two processes, and for a spec that is not made of two equal towers.
    """

    def __init__(self, spec: str | AlexNetSpec = "paper", classes: int | None = None):
        rank = _rank()
        super().__init__(spec, classes)
        self.rank = rank
        self.bytes_sent = Counter()
        _require_two_towers(self.spec)
        _keep_one_tower(self, rank)

    @classmethod
    def from_whole(cls, whole: AlexNet) -> "TwoDeviceAlexNet":
        """This process's tower of a net that both processes have, with copies of its weights."""
        with torch.device("meta"):  # no memory, and no random numbers drawn
            tower = cls(whole.spec)
        own = {name: both.chunk(TOWERS)[tower.rank].clone() for name, both in whole.state_dict().items()}
        tower.load_state_dict(own, assign=True)
        return tower.train(whole.training)

    def to_whole(self) -> AlexNet:
        """The net of both towers, in both processes; each calls this."""
        with torch.device("meta"):
            whole = AlexNet(self.spec)
        # Rows of a weight are kernels or units, so a tower's are one half of them.
        rows = {name: torch.cat(exchange(own, Counter(), "", "")) for name, own in self.state_dict().items()}
        whole.load_state_dict(rows, assign=True)
        return whole.train(self.training)

    @property
    def where(self) -> str:
        """One line on where this tower is, and why not on a GPU of its own."""
        device = next(self.parameters()).device
        line = f"tower {self.rank + 1} of {TOWERS} on {device}"
        if device.type == "cuda" or device_of_towers() == "cuda":
            return line
        return f"{line}: torch sees {torch.cuda.device_count()} GPUs, so two CPU processes stand in"

    def forward(self, images: Tensor) -> Tensor:
        require_images(images, self.spec)
        if images.requires_grad:
            images = CopyToBoth.apply(images, self.bytes_sent)
        a, across = images, crossings(self.spec)
        for part in (self.features, self.classifier):
            for name, layer in part.named_children():
                a = layer(GatherMaps.apply(a, name, self.bytes_sent) if name in across else a)
            a = a.flatten(1)
        return GatherScores.apply(a, self.bytes_sent)


@dataclass(frozen=True)
class TowerStep:
    """What one process has after a training step; gradients by the names of AlexNet's parameters."""

    scores: Tensor
    gradients: dict[str, Tensor]
    image_gradient: Tensor
    parameters: int
    bytes_sent: Counter
    where: str


def one_step(ranks: Ranks, whole: AlexNet, images: Tensor, labels: Tensor) -> TowerStep:
    """Forward and backward through two towers made from `whole`; for `run_processes(one_step, 2, ...)`."""
    tower = TwoDeviceAlexNet.from_whole(whole).to(ranks.device)
    images = images.to(ranks.device).requires_grad_()
    scores = tower(images)
    F.cross_entropy(scores, labels.to(ranks.device)).backward()
    gradients = {name: parameter.grad for name, parameter in tower.named_parameters()}
    held = sum(parameter.numel() for parameter in tower.parameters())
    return TowerStep(scores.detach(), gradients, images.grad, held, tower.bytes_sent, tower.where)


class GatherMaps(torch.autograd.Function):
    """All-gather: own half of the channels in, all out; the gradient of a half is the sum over both towers.

    torch.distributed.nn.functional.all_gather has this gradient too, but not the one of `GatherScores`.
    """

    @staticmethod
    def forward(ctx, own, layer, bytes_sent):
        ctx.layer, ctx.bytes_sent = layer, bytes_sent
        return torch.cat(exchange(own, bytes_sent, layer, "forward"), dim=1)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        halves, rank = gradient.chunk(TOWERS, dim=1), dist.get_rank()
        returned = exchange(halves[1 - rank], ctx.bytes_sent, ctx.layer, "backward")[1 - rank]
        return halves[rank] + returned, None, None


class GatherScores(torch.autograd.Function):
    """Own half of the scores in, all scores out. Both processes compute one and the same loss from them.

    So the gradient of the own half is at hand, and a sum over both would count that loss twice.
    """

    @staticmethod
    def forward(ctx, own, bytes_sent):
        return torch.cat(exchange(own, bytes_sent, "scores", "forward"), dim=1)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        return gradient.chunk(TOWERS, dim=1)[dist.get_rank()], None


class CopyToBoth(torch.autograd.Function):
    """The images as they are; their gradient is the sum over the towers, both of which read them."""

    @staticmethod
    def forward(ctx, images, bytes_sent):
        ctx.bytes_sent = bytes_sent
        return images.view_as(images)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        return sum(exchange(gradient, ctx.bytes_sent, "images", "backward")), None


def exchange(own: Tensor, bytes_sent: Counter, layer: str, way: str) -> list[Tensor]:
    """Send the other process `own` and get its tensor of that shape: the first tower's, the second's."""
    own = own.detach().contiguous()
    both = [torch.empty_like(own) for _ in range(TOWERS)]
    dist.all_gather(both, own)
    bytes_sent[layer, way] += TOWERS * own.numel() * own.element_size()
    return both


class _OwnDropout(nn.Module):
    """Dropout with one tower's part of the mask for all units, so that one seed gives AlexNet's masks."""

    def __init__(self, whole: nn.Module, rank: int):
        super().__init__()
        self.whole, self.rank = whole, rank

    def forward(self, a: Tensor) -> Tensor:
        if not self.training:
            return self.whole(a)
        everyone = self.whole(a.new_ones(len(a), TOWERS * a.shape[1]))  # (N, C/2) -> (N, C)
        return a * everyone.chunk(TOWERS, dim=1)[self.rank]


def _rank() -> int:
    """This process's number, if there are two."""
    size = dist.get_world_size() if dist.is_initialized() else 1
    if size != TOWERS:
        raise ValueError(
            f"the net runs in {TOWERS} processes, one for each tower (§3.2), and this is one of {size}: use "
            f"run_processes(function, {TOWERS}), or torchrun --nproc-per-node {TOWERS} and init_distributed()"
        )
    return dist.get_rank()


def _require_two_towers(spec: AlexNetSpec) -> None:
    """Refuse what would be silently another net when it is halved."""
    if spec.towers != TOWERS:
        raise ValueError(
            f"spec is {spec.name!r} with towers={spec.towers}, and two processes hold one of {TOWERS} towers "
            f"each (§3.2): use 'paper' or 'source-2012', or AlexNet({spec.name!r}) in one process"
        )
    require_even_share(f"fc{len(spec.convs) + len(spec.hidden) + 1}", spec.classes, TOWERS, "classes")
    for number, conv in enumerate(spec.convs, 1):
        for step in conv.then:
            if isinstance(step, BatchNorm) or getattr(step, "towers", TOWERS) % TOWERS:
                raise ValueError(
                    f"spec is {spec.name!r} with {step} behind conv{number}, which reads channels of both "
                    f"towers; the 2012 source keeps them apart (§3.3). Use Norm(towers={TOWERS}), or "
                    f"AlexNet({spec.name!r}) in one process"
                )


def _keep_one_tower(model: AlexNet, rank: int) -> None:
    """Cut a whole net down, in place, to one tower's kernels and units."""
    for parent in (model.features, model.classifier):
        for name, layer in parent.named_children():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.weight, layer.bias = (
                    nn.Parameter(whole.detach().chunk(TOWERS)[rank].clone())
                    for whole in (layer.weight, layer.bias)
                )
            if isinstance(layer, nn.Conv2d):
                layer.in_channels //= layer.groups
                layer.out_channels, layer.groups = layer.out_channels // TOWERS, 1
            elif isinstance(layer, nn.Linear):
                layer.out_features //= TOWERS
            elif isinstance(layer, LocalResponseNorm):
                layer.towers //= TOWERS
            elif name.startswith("dropout"):
                setattr(parent, name, _OwnDropout(layer, rank))
