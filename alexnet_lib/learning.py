"""The details of learning (§5): the paper's update rule, its initial weights, its settings."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatch
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from .guard import (
    AnyFloat,
    Bounds,
    Count,
    Fraction,
    Index,
    NonNegative,
    Positive,
    require_choice,
    validated,
)
from .paper import BIAS_ONE, IMAGES, LEARNING


class PaperSGD(torch.optim.Optimizer):
    """Stochastic gradient descent as §5 prints it, with the learning rate inside the velocity.

    `torch.optim.SGD` keeps the rate outside (v <- momentum * v + g, w <- w - lr * v). At a constant rate
    both walk the same path. When the rate is divided by ten, torch's step shrinks at once; here the old
    velocity, gained at the old rate, dies away over the next steps.

    A group whose rate is 0 stands still at once, as in the 2012 source (weights.cu), and keeps its velocity.
    params: tensors, or groups with their own lr, momentum and weight_decay, as in every torch optimizer.
    """

    @validated
    def __init__(
        self,
        params: Iterable,
        lr: NonNegative = LEARNING.lr,
        momentum: Fraction = LEARNING.momentum,
        weight_decay: NonNegative = LEARNING.weight_decay,
    ):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """One update. `closure`, if given, computes the loss anew and returns it."""
        loss = torch.enable_grad()(closure)() if closure else None
        for group in self.param_groups:
            lr, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
            for w in (w for w in group["params"] if w.grad is not None and lr != 0):
                if "velocity" not in self.state[w]:
                    self.state[w]["velocity"] = torch.zeros_like(w)
                v = self.state[w]["velocity"]
                # v <- 0.9 v - 0.0005 lr w - lr dL/dw,   w <- w + v
                v.mul_(momentum).add_(w, alpha=-decay * lr).add_(w.grad, alpha=-lr)
                w.add_(v)
        return loss

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from a saved state, if it is one of PaperSGD."""
        for number, kept in state_dict["state"].items():
            if "velocity" not in kept:
                raise ValueError(
                    f"state_dict holds {', '.join(kept)} for parameter {number}, and must hold velocity: "
                    f"pass the state of a PaperSGD, since another optimizer's momentum is in other units"
                )
        super().load_state_dict(state_dict)


@torch.no_grad()
@validated
def init_paper_(model: nn.Module) -> nn.Module:
    """Start a net as §5 says, in place: weights N(0, 0.01), biases 1 in conv2, 4, 5, fc6, fc7, else 0.

    Layers are known by their names, as `AlexNet` gives them; in any other net all biases start at 0.
    """
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, std=LEARNING.initial_std)
            if layer.bias is not None:
                nn.init.constant_(layer.bias, float(name.rpartition(".")[2] in BIAS_ONE))
    return model


OPTIMIZERS = {"paper-sgd": PaperSGD, "torch-sgd": torch.optim.SGD, "adam": torch.optim.Adam}


@validated
@dataclass(frozen=True)
class RateGroup:
    """Parameters that share a learning rate and a weight decay.

    pattern: which parameters, by name, with * and ?; rates: (epoch from which, what the run's rate is
    multiplied by), the first from epoch 0; weight_decay: the same kind of factor.
    """

    pattern: str
    rates: tuple[tuple[Index, NonNegative], ...] = ((0, 1.0),)
    weight_decay: NonNegative = 1.0

    def __post_init__(self):
        starts = [start for start, _ in self.rates]
        if not starts or starts[0] != 0 or starts != sorted(starts):
            raise ValueError(f"rates are {self.rates!r}, and must start with epoch 0 and rise: ((0, 1.0),)")

    def factor(self, epoch: int) -> float:
        """What the run's rate is multiplied by in `epoch`, counted from 0."""
        return [factor for start, factor in self.rates if start <= epoch][-1]


# Which rates a run has. A parameter belongs to the first group whose pattern fits its name.
LR_PLANS = {
    "paper": (RateGroup("*"),),  # §5: one rate for all layers
    # The log of run 145 (layer-params-145.cfg). Biases keep twice the first rate throughout, and weight decay
    # is not applied to them; conv1 is slowed at 67 and stands still from 72 on.
    "source-2012": (
        RateGroup("features.conv1.weight", ((0, 1.0), (25, 0.1), (51, 0.01), (67, 0.001), (72, 0.0)), 1.0),
        RateGroup("features.conv1.bias", ((0, 2.0), (72, 0.0)), 0.0),
        RateGroup("*.bias", ((0, 2.0),), 0.0),
        RateGroup("*", ((0, 1.0), (25, 0.1), (51, 0.01), (79, 0.001)), 1.0),
    ),
}


@validated
def parameter_groups(model: nn.Module, plan: Sequence[RateGroup], weight_decay: NonNegative) -> list[dict]:
    """The parameters of `model` as groups for an optimizer, each with its place in the plan under "plan"."""
    members = [[] for _ in plan]
    for name, parameter in model.named_parameters():
        fitting = [place for place, group in enumerate(plan) if fnmatch(name, group.pattern)]
        if not fitting:
            raise ValueError(f"plan has no group for {name}: end it with RateGroup('*')")
        members[fitting[0]].append(parameter)
    return [
        {"params": members[place], "weight_decay": weight_decay * group.weight_decay, "plan": place}
        for place, group in enumerate(plan)
        if members[place]
    ]


@validated
@dataclass
class Plateau:
    """Divide the rate by ten when the validation error stops improving, at most `divisions` times (§5).

    The paper's authors did it by hand. Here the error has stopped improving when `patience` epochs in a row
    brought none below the best; patience is ours.
    """

    divisions: Index = LEARNING.max_drops
    patience: Count = 5
    best: AnyFloat = math.inf
    waited: int = 0  # epochs since the best, or since the last division
    divided: int = 0

    @property
    def factor(self) -> float:
        """What the run's rate is multiplied by: 1, 0.1, 0.01, ..."""
        return 10.0**-self.divided

    @validated
    def step(self, error: float) -> bool:
        """Take in the validation error of one more epoch; True if the rate was divided for the next."""
        self.waited = 0 if error < self.best else self.waited + 1
        self.best = min(self.best, error)
        due = self.waited >= self.patience and self.divided < self.divisions
        if due:
            self.divided, self.waited = self.divided + 1, 0
        return due


@validated
@dataclass(frozen=True)
class TrainConfig:
    """One training run. Every default is the paper's (§2-§5); `ours` says where it names none."""

    spec: str = "paper"  # a name from specs.NETS
    data: str = "folder:imagenet"  # what dataset.load takes
    val_fraction: Annotated[float, Bounds(0.0, 0.5)] = 0.05  # ours: held out, for the plateau to look at
    training_images: Count | None = None  # ours: so many of the rest, drawn by the split; None: all
    split_seed: Index | None = None  # ours: draws the images held out and left out; None: seed does
    image_size: Count = IMAGES.stored
    crop: Count | None = None  # the spec's own (§4.1: 224)
    input_scale: Positive = 1.0  # the pixels' factor; 1 leaves them on 0-255
    random_crops: bool = True  # with flips; without, the center crop
    crop_shared_by: Count = 1  # 32 in the 2012 source
    color_noise: NonNegative = IMAGES.noise_sigma
    color_noise_scale: Literal["eigenvalue", "deviation"] = "eigenvalue"  # see PCAColorNoise
    optimizer: Literal["paper-sgd", "torch-sgd", "adam"] = "paper-sgd"
    batch_size: Count = LEARNING.batch_size  # over all processes together
    epochs: Count = LEARNING.epochs
    stop_at_error: Fraction | None = None  # ours: an epoch's training error that ends the run; None: never
    lr: NonNegative = LEARNING.lr
    lr_plan: str = "paper"  # a name from LR_PLANS
    max_drops: Index = LEARNING.max_drops  # on a plateau; 0 keeps the rate
    patience: Count = 5  # ours: epochs without improvement that make a plateau
    milestones: tuple[Index, ...] = ()  # fixed epochs to divide by ten at, instead of plateaus
    momentum: Fraction = LEARNING.momentum
    weight_decay: NonNegative = LEARNING.weight_decay
    dropout: Annotated[float, Bounds(0.0, 0.99)] = LEARNING.dropout
    init: str = "paper"  # a name from specs.INITS: how the weights start
    seed: Index = 0  # ours: the paper names none
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    channels_last: bool = True  # ours: the order of numbers in memory
    compiled: bool = False  # torch.compile

    def __post_init__(self):
        from . import specs  # here, since these nets are more than the update rule needs

        require_choice("spec", self.spec, specs.NETS)
        require_choice("init", self.init, specs.INITS)
        require_choice("lr_plan", self.lr_plan, LR_PLANS)
        if list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError(f"milestones is {self.milestones}, and must rise: the epochs come in order")
        if self.milestones and self.lr_plan != "paper":
            raise ValueError(
                f"milestones is {self.milestones}, and lr_plan {self.lr_plan!r} has epochs of its own: "
                f"leave one of them out"
            )
        if self.input_size > self.image_size:
            raise ValueError(
                f"crop is {self.input_size} and image_size {self.image_size}, and a crop has to fit into its "
                f"image: use image_size={self.input_size} or more, or a smaller crop"
            )
        if self.watches_plateau and not self.val_fraction:
            raise ValueError(
                "val_fraction is 0, and the plateau has no images to look at: hold out a fraction (0.05), "
                "name milestones, or use max_drops=0"
            )

    @property
    def input_size(self) -> int:
        """The side of the net's input in pixels."""
        from .specs import NETS

        return self.crop or NETS[self.spec].image_size

    @property
    def split(self) -> int:
        """The seed that draws the images held out and left out: runs of one split learn from the same."""
        return self.seed if self.split_seed is None else self.split_seed

    @property
    def watches_plateau(self) -> bool:
        """Whether the rate falls on plateaus: with one rate for all layers and no epochs named for it."""
        return self.max_drops > 0 and not self.milestones and self.lr_plan == "paper"

    def plan(self) -> tuple[RateGroup, ...]:
        """The groups of parameters and their rates. A plan made for 90 epochs is stretched to this run's.

        Epoch e of E has the rate that epoch 90 e / E of the plan has, so that a short run starts as it says.
        """
        if self.milestones:
            tenths = tuple((epoch, 10.0**-n) for n, epoch in enumerate(self.milestones, 1))
            return tuple(replace(group, rates=((0, 1.0), *tenths)) for group in LR_PLANS["paper"])
        whole, part = LEARNING.epochs, self.epochs
        return tuple(
            replace(group, rates=tuple((-(-start * part // whole), rate) for start, rate in group.rates))
            for group in LR_PLANS[self.lr_plan]
        )  # rounded up

    def make_optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of this run, with the parameters in the groups of `plan`."""
        groups = parameter_groups(model, self.plan(), self.weight_decay)
        if self.optimizer == "adam":
            return torch.optim.Adam(groups, lr=self.lr)
        return OPTIMIZERS[self.optimizer](groups, lr=self.lr, momentum=self.momentum)

    def deviations(self) -> dict[str, tuple[object, object]]:
        """Where this run leaves the paper: field -> (paper's value, ours), the crop in pixels."""
        paper = TrainConfig()
        pairs = {
            field.name: (getattr(paper, field.name), getattr(self, field.name)) for field in fields(self)
        }
        pairs["crop"] = (paper.input_size, self.input_size)  # None stands for the spec's own side
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
